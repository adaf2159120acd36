"""Input next to the intended one, or incomplete input: the sentence names what was found, and what to give instead."""

import gzip
import re
import shutil

import pytest
import SimpleITK
from headless.command_runner import lumbarhu


def test_the_parent_of_the_intended_folder_leads_to_it(refused, audit, spine):
    place = audit.parent
    for command, says in (
        (
            ("verify", place, "--ct", spine.ct),
            f"contains no record.json, so it is not an audit folder of LumbarHU: choose its subfolder “{audit}”.",
        ),
        (
            ("measure", spine.ct, "--markups", audit),
            f"no .mrk.json file: choose its subfolder “{audit / 'markups'}”",
        ),
        (
            ("measure", spine.ct, "--markups", place),
            f"no .mrk.json file: choose its subfolder “{audit / 'markups'}”",
        ),
        (
            ("measure", spine.ct, "--markups", audit / "markups", "--label-maps", audit),
            f"contains no label map of a region: choose its subfolder “{audit / 'labelmaps'}”.",
        ),
    ):
        refused(*command, says=re.escape(says))


def test_one_of_several_subfolders_is_named(refused, audit, spine, tmp_path):
    for case in ("b", "a"):
        (tmp_path / "cases" / case).mkdir(parents=True)
        (tmp_path / "cases" / case / "record.json").touch()
    says = f"choose one of its subfolders, such as “{tmp_path / 'cases' / 'a'}”."
    refused("verify", tmp_path / "cases", "--ct", spine.ct, says=re.escape(says))


def test_an_emptied_label_map_is_reported_and_not_skipped(refused, audit, spine, tmp_path):
    shutil.copytree(audit / "labelmaps", tmp_path / "labelmaps")
    image = SimpleITK.ReadImage(tmp_path / "labelmaps" / "oval.nrrd")
    SimpleITK.WriteImage(image * 0, tmp_path / "labelmaps" / "oval.nrrd")
    maps = ["--label-maps", tmp_path / "labelmaps"]
    refused(
        "measure", spine.ct, "--markups", spine.markups, *maps, says="“oval.nrrd” contains no voxel of any level: draw"
    )


def test_a_broken_link_among_the_slices_is_named(refused, one_level, tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "slice-7.dcm").symlink_to(tmp_path / "gone.dcm")
    says = "“slice-7.dcm” in the CT's folder is a link to a missing file: copy the whole series"
    refused("measure", tmp_path / "series", "--markups", one_level.markups, says=says)


def test_a_damaged_segmentation_is_not_called_a_ct(refused, one_level, tmp_path):
    path = tmp_path / "vertebrae.nii.gz"
    for content in (gzip.compress(bytes(348)), gzip.compress(b"hello")):
        path.write_bytes(content)
        refused("measure", one_level.ct, "--segmentation", path, says="“vertebrae.nii.gz” (?!.* CT ).*[.]")


@pytest.mark.parametrize("options", [["--levels", "L" * 5000], ["--exclude", "x" * 5000], ["--protocol", "y" * 5000]])
def test_a_name_of_thousands_of_letters_is_shortened(options, one_level, tmp_path):
    run = lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "out", *options)
    assert run.exit_code == 2
    assert "…" in run.err
    assert len(run.err) < 600
