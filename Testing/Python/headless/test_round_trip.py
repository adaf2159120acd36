"""The content of an audit folder, used as input again, gives the same folder."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, move_point, points_of, write_line

from LumbarHULib.images.ct_file import write_ct


@pytest.mark.usefixtures("nothing_remembered")
def test_the_markups_of_an_audit_folder_give_the_same_bytes(spine, audit, tmp_path):
    again = tmp_path / "again"
    run = lumbarhu(
        "measure", spine.ct, "--markups", audit / "markups", "--out", again, "--reader", "AB", "--case", "phantom"
    )
    assert (run.exit_code, run.err) == (0, "")
    assert files_of(again) == files_of(audit)


def measured_again(spine, markups, folder, levels=("L1", "L2", "L3", "L4")):
    """Measure with these markups, and return the levels of the record by name."""
    run = lumbarhu("measure", spine.ct, "--markups", markups, "--levels", ",".join(levels), "--out", folder)
    assert (run.exit_code, run.err) == (0, "")
    return {level["level"]: level for level in json.loads((folder / "record.json").read_text())["levels"]}


def test_an_outline_moved_by_hand_is_the_readers_and_the_others_are_computed_from_the_ct(spine, audit, tmp_path):
    shutil.copytree(audit / "markups", tmp_path / "markups")
    path = tmp_path / "markups" / "L2-outline.mrk.json"
    outline = move_point(path, 0, (0.0, 0.4, 0.0))
    levels = measured_again(spine, tmp_path / "markups", tmp_path / "again")
    assert levels["L2"]["outline"]["source"] == "reader"
    assert levels["L2"]["outline"]["points_ras_mm"] == outline.tolist()
    assert {levels[name]["outline"]["source"] for name in ("L1", "L3", "L4")} == {"found in the CT"}
    # And stays the reader's, to the byte, when it is read back once more.
    first = tmp_path / "again"
    measured_again(spine, first / "markups", tmp_path / "third")
    assert files_of(tmp_path / "third") == files_of(first)


def test_a_boundary_moved_by_hand_is_measured_unchanged(spine, audit, tmp_path):
    shutil.copytree(audit / "markups", tmp_path / "markups")
    for end in (0, 1):
        boundary = move_point(tmp_path / "markups" / "L3-boundary.mrk.json", end, (0.0, 1.5, 0.0))
    levels = measured_again(spine, tmp_path / "markups", tmp_path / "again")
    assert levels["L3"]["boundary"]["moved"]
    assert levels["L3"]["boundary"]["points_ras_mm"] == boundary.tolist()
    assert not levels["L2"]["boundary"]["moved"]


def test_outline_and_boundary_follow_a_midline_moved_by_hand(spine, audit, tmp_path):
    shutil.copytree(audit / "markups", tmp_path / "markups")
    midline = move_point(tmp_path / "markups" / "L2-midline.mrk.json", 0, (1.0, -1.0, 0.0))
    levels = measured_again(spine, tmp_path / "markups", tmp_path / "again")
    alone = write_line(tmp_path / "alone" / "L2-midline.mrk.json", midline)
    assert measured_again(spine, alone, tmp_path / "drawn", ["L2"])["L2"] == levels["L2"]
    assert levels["L2"]["outline"]["source"] == "found in the CT"


def test_a_different_outline_found_at_the_same_midline_gets_a_finding(spine, audit, tmp_path):
    voxels_hu, ras_from_ijk = spine.phantom.voxels_hu, spine.phantom.ras_from_ijk
    noise_hu = np.random.default_rng(3).normal(0, 40, voxels_hu.shape)
    write_ct(tmp_path / "noisy.nrrd", np.clip(voxels_hu + noise_hu, -1024, 3071).astype(np.int16), ras_from_ijk)
    noisy = replace(spine, ct=tmp_path / "noisy.nrrd")
    level = measured_again(noisy, audit / "markups", tmp_path / "again", ["L2"])["L2"]
    (reported,) = [finding for finding in level["findings"] if finding["code"] == "outline_found_anew"]
    before = points_of(audit / "markups" / "L2-outline.mrk.json")
    off_mm = np.linalg.norm(np.array(level["outline"]["points_ras_mm"]) - before, axis=1).max()
    assert f"finds now is up to {off_mm:.2f} mm from the one in its markup file" in reported["sentence"]
    assert level["outline"]["source"] == "found in the CT"


def test_the_midline_alone_gives_the_same_numbers_as_all_three_markups(spine, audit, tmp_path):
    midlines = [audit / "markups" / f"{level}-midline.mrk.json" for level in ("L1", "L2", "L3", "L4")]
    run = lumbarhu(
        "measure", spine.ct, "--markups", *midlines, "--out", tmp_path / "out", "--reader=AB", "--case=phantom"
    )
    assert (run.exit_code, run.err) == (0, "")
    assert files_of(tmp_path / "out") == files_of(audit)


def test_all_three_roles_of_every_level_are_written(audit):
    names = {
        f"{level}-{role}.mrk.json" for level in ("L1", "L2", "L3", "L4") for role in ("midline", "boundary", "outline")
    }
    assert {path.name for path in (audit / "markups").iterdir()} == names
    assert {len(points_of(path)) for path in (audit / "markups").glob("*-outline.mrk.json")} == {24}
