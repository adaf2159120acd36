import numpy as np
import pytest
from images.dicom_builder import write_series

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct, write_ct
from LumbarHULib.images.ct_list import CtOfList, next_ct, read_ct_list

VOXELS = np.arange(60).reshape(3, 4, 5).astype(np.int16) - 900


def test_a_folder_lists_its_ct_files_and_its_slice_folders_by_name(tmp_path):
    for name in ("b.nrrd", "c.mha"):
        write_ct(tmp_path / name, VOXELS, np.eye(4))
    write_series(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / ".hidden.nrrd").write_text("")
    found = read_ct_list(tmp_path)
    assert [item.case for item in found] == ["a", "b", "c"]
    assert [read_ct(item.path).scan_facts.source for item in found] == ["DICOM", "NRRD", "MetaImage"]


def test_a_compressed_nifti_file_loses_both_parts_of_its_suffix(tmp_path):
    (tmp_path / "case 7.nii.gz").write_bytes(b"x")
    assert [item.case for item in read_ct_list(tmp_path)] == ["case 7"]


def test_a_table_lists_cases_and_paths_relative_to_it_in_its_own_order(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("ct;note;Case\nscans/7.nrrd;x;C7\n/data/2.nrrd;;C2\n", encoding="utf-8")
    first, second = read_ct_list(table)
    assert (first, second.case) == (CtOfList("C7", tmp_path / "scans" / "7.nrrd"), "C2")
    assert second.path.as_posix().endswith("/data/2.nrrd")


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("case,path\n1,a.nrrd\n", "lacks the column “ct”"),
        ("case,ct\n1,a.nrrd\n1,b.nrrd\n", "the case “1” 2 times"),
        ("case,ct\n1,a.nrrd\n2,\n", "Row 3 of “list.csv” has no ct"),
        ("case,ct\n ,a.nrrd\n", "Row 2 of “list.csv” has no case"),
        ("case,ct\n", "lists no CT"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(tmp_path, text, reported):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=reported):
        read_ct_list(tmp_path / "list.csv")


def test_no_folder_and_a_folder_without_a_ct_are_refused(tmp_path):
    with pytest.raises(InputError, match="There is no folder or table"):
        read_ct_list(tmp_path / "none")
    with pytest.raises(InputError, match="lists no CT"):
        read_ct_list(tmp_path)


@pytest.mark.parametrize(
    ("open_case", "read", "following"),
    [
        ("", "", "a"),
        ("a", "a", "b"),
        ("a", "ab", "c"),
        ("c", "c", "a"),
        ("b", "bc", "a"),
        ("elsewhere", "a", "b"),
        ("c", "abc", None),
        ("a", "bc", None),
    ],
)
def test_the_next_ct_is_the_first_unread_one_after_the_open_one(tmp_path, open_case, read, following):
    cts = [CtOfList(case, tmp_path / case) for case in "abc"]
    found = next_ct(cts, open_case, lambda case: case in read)
    assert (found.case if found else None) == following
