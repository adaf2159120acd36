"""Whether inputs are unchanged: by their content, which is read only when a change is possible."""

import ast
import hashlib
import os
from pathlib import Path

import pytest
from images.dicom_builder import write_series

from LumbarHULib.headless.input_identity import (
    KnownContent,
    content_of,
    ct_files,
    markup_files,
    measuring_files,
    program_sha256,
    sign_of,
    volume_files,
)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mrk.json", "b.MRK.JSON", "ct.nrrd", "notes.txt", "ct.nii.gz"):
        (tmp_path / name).write_text(f"content of {name}")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.mrk.json").write_text("not read")
    return tmp_path


def test_only_markup_files_that_are_read_count(folder):
    assert [path.name for path in markup_files([folder])] == ["a.mrk.json", "b.MRK.JSON"]
    assert markup_files([folder / "notes.txt", folder / "a.mrk.json"]) == [folder / "notes.txt", folder / "a.mrk.json"]


@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nii.gz"])
def test_a_ct_in_one_file_is_that_file(name, folder):
    assert ct_files(folder / name) == [folder / name]
    content = content_of({"ct": ct_files(folder / name)})
    assert content.sha256 == {"ct": hashlib.sha256((folder / name).read_bytes()).hexdigest()}


def test_a_series_is_all_files_of_its_folder_even_if_one_file_is_given(tmp_path):
    slices = write_series(tmp_path / "series")
    files = [slice_file.path for slice_file in slices]
    assert ct_files(tmp_path / "series") == ct_files(files[2]) == files
    # One file of another kind, such as a segmentation object, is read alone.
    assert volume_files(files[2]) == [files[2]]
    assert volume_files(tmp_path / "series") == files


@pytest.mark.parametrize(
    ("name", "header", "files"),
    [
        ("ct.nhdr", "NRRD0004\ndata file: voxels.raw\n\n", ["ct.nhdr", "voxels.raw"]),
        ("ct.mhd", "ObjectType = Image\nElementDataFile = voxels.raw\n", ["ct.mhd", "voxels.raw"]),
        ("ct.mhd", "ObjectType = Image\nElementDataFile = LIST\nvoxels.raw\n", ["ct.mhd", "ct.mhd", "voxels.raw"]),
        ("ct.nhdr", "NRRD0004\ndata file: %03d.raw 1 9 1\n\n", ["ct.nhdr", "ct.nhdr", "voxels.raw"]),
    ],
)
def test_a_header_file_belongs_to_the_voxel_file_that_it_names(name, header, files, tmp_path):
    (tmp_path / name).write_text(header)
    (tmp_path / "voxels.raw").write_bytes(b"123")
    assert [path.name for path in ct_files(tmp_path / name)] == files


def test_content_is_hashed_again_only_when_the_stamp_differs(folder):
    inputs = {"ct": [folder / "ct.nrrd"]}
    known = KnownContent(sign_of(inputs), {"ct": "as it was known"})
    assert content_of(inputs, known) is known
    (folder / "ct.nrrd").write_text("Content of ct.nrrd")
    assert content_of(inputs, known).sha256 == {"ct": hashlib.sha256(b"Content of ct.nrrd").hexdigest()}


def test_a_replacement_of_the_same_size_and_time_has_another_stamp(folder):
    inputs = {"ct": [folder / "ct.nrrd"]}
    before, status = sign_of(inputs), (folder / "ct.nrrd").stat()
    (folder / "new").write_text("Content of ct.nrrd")
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(folder / "new", folder / "ct.nrrd")
    os.utime(folder / "ct.nrrd", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert sign_of(inputs) != before


def test_the_name_of_a_markup_file_counts_because_it_may_name_the_level(folder):
    before = content_of({"markups": markup_files([folder])}).sha256
    single = content_of({"markups": [folder / "a.mrk.json"]}).sha256
    (folder / "a.mrk.json").rename(folder / "z.mrk.json")
    assert content_of({"markups": markup_files([folder])}).sha256 != before
    assert content_of({"markups": [folder / "z.mrk.json"]}).sha256 != single


def test_a_file_that_is_added_removed_or_changed_changes_the_content(folder):
    seen = {content_of({"markups": markup_files([folder])}).sha256["markups"]}
    for change in (
        lambda: (folder / "d.mrk.json").write_text("new"),
        lambda: (folder / "d.mrk.json").write_text("newer"),
        lambda: (folder / "a.mrk.json").unlink(),
    ):
        change()
        seen.add(content_of({"markups": markup_files([folder])}).sha256["markups"])
    assert len(seen) == 4


def test_the_program_is_known_by_a_hash():
    assert len(program_sha256()) == 64
    assert program_sha256() == program_sha256()


def files_that_a_case_imports(root: Path) -> set[str]:
    """Return every file of the library that measuring a case of a batch imports, by following the imports as text."""
    found, waiting = set(), ["headless/batch_case.py"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("LumbarHULib."):
                place = node.module.removeprefix("LumbarHULib.").replace(".", "/")
                places = [place, *(f"{place}/{alias.name}" for alias in node.names)]
                waiting += [f"{file}.py" for file in places if (root / f"{file}.py").is_file()]
        waiting = [file for file in waiting if file not in found]
    return found


def test_all_measuring_code_counts_but_not_the_code_that_draws_the_report(library):
    measuring = set(measuring_files(library))
    others = files_that_a_case_imports(library) - measuring
    assert {"core/outline/fit.py", "core/pipeline.py", "images/ct_file.py", "audit/folder.py"} <= measuring
    others -= {"cohort/tables.py", "cohort/estimates.py"}  # only data frames of the Python API
    assert {name for name in others if not name.startswith("mrml/")} == {
        f"audit/report/{name}.py"
        for name in (
            "densities",
            "level_picture",
            "numbers",
            "origin",
            "page",
            "pixel_edges",
            "png_image",
            "spine_pictures",
            "words",
        )
    }


@pytest.fixture
def library(repository):
    return repository / "LumbarHU" / "LumbarHULib"
