"""A level that cannot be measured is reported with its sentence everywhere, and costs no other level its numbers."""

import html
import json
import re

import numpy as np
import pytest
from headless.batch_files import case_row, write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of, write_line, write_midlines

from LumbarHULib.headless.exit_codes import BAD_INPUT, DONE, IN_PART, SOME_FAILED

LEFT_RAS, SUPERIOR_RAS = np.array([[-1.0, 0, 0], [0, 0, 1]])
OTHERS = ("L1", "L3", "L4")

# How the midline of L2 is spoiled, and what its sentence says.
SPOILED = {
    "beyond the CT": (lambda true: true + 500 * SUPERIOR_RAS, r"midline of L2 is \d+\.\d mm beyond the CT"),
    "in the muscle": (lambda true: true + 38 * LEFT_RAS, "L2"),
    "of one point": (lambda true: true[:1], "The midline of L2 has 1 point: place 2"),
}


def spoiled_markups(spine, folder, how="beyond the CT"):
    """Write true midlines of three levels and a spoiled one of L2, and return their folder."""
    write_midlines(folder, spine.phantom, OTHERS)
    write_line(folder / "L2-midline.mrk.json", SPOILED[how][0](spine.phantom.truth["L2"].midline_ras_mm))
    return folder


@pytest.fixture(scope="module")
def in_part(spine, tmp_path_factory):
    """Return the run with a midline of L2 beyond the CT, and its audit folder: to be read, not changed."""
    folder = tmp_path_factory.mktemp("in-part")
    markups = spoiled_markups(spine, folder / "markups")
    return lumbarhu("measure", spine.ct, "--markups", markups, "--out", folder / "out"), folder / "out"


@pytest.mark.parametrize("how", SPOILED)
def test_one_refused_level_leaves_the_others_their_numbers(how, spine, tmp_path):
    markups = spoiled_markups(spine, tmp_path / "markups", how)
    out, alone = tmp_path / "out", tmp_path / "alone"
    assert lumbarhu("measure", spine.ct, "--markups", markups, "--out", out).exit_code == IN_PART
    (refused,) = json.loads((out / "record.json").read_text())["not_measured"]
    assert (refused["level"], refused["excluded"]) == ("L2", "")
    assert re.search(SPOILED[how][1], refused["sentence"])
    whole = write_midlines(tmp_path / "whole", spine.phantom, OTHERS)
    assert lumbarhu("measure", spine.ct, "--markups", whole, "--out", alone).exit_code == DONE
    found = [row for row in rows_of(out / "results.csv") if row["level"] != "L2"]
    assert found == rows_of(alone / "results.csv")
    means = {name: [row["mean_hu"] for row in rows_of(name / "summary.csv")] for name in (out, alone)}
    assert means[out] == means[alone]


def test_terminal_tables_and_report_name_the_refused_level_and_why(in_part):
    run, out = in_part
    assert (run.exit_code, run.err) == (IN_PART, "")
    (refused,) = json.loads((out / "record.json").read_text())["not_measured"]
    assert f"Not measured:\n- {refused['sentence']}\n" in run.out
    assert re.search(r"^L2( +–){5} +not measured$", run.out, re.MULTILINE)
    rows = [row for row in rows_of(out / "results.csv") if row["level"] == "L2"]
    assert {(row["mean_hu"], row["voxels"], row["excluded"], row["findings"]) for row in rows} == {
        ("", "", "", "not_measured")
    }
    assert {row["levels"] for row in rows_of(out / "summary.csv")} == {"L1;L3;L4"}
    assert all("levels_missing" in row["findings"] for row in rows_of(out / "summary.csv"))
    report = html.unescape((out / "report.html").read_text(encoding="utf-8"))
    assert "Not measured</h2>" in report
    assert report.count(refused["sentence"]) == 2  # on its own, and in the table of levels


def test_verify_accepts_a_folder_with_a_refused_level(in_part, spine):
    assert lumbarhu("verify", in_part[1], "--ct", spine.ct).exit_code == DONE


def test_a_scene_gives_the_same_folder_with_a_refused_level(in_part, spine, tmp_path):
    markups = spoiled_markups(spine, tmp_path / "markups")
    run = lumbarhu("measure", spine.ct, "--markups", markups, "--out", tmp_path / "out", "--scene")
    assert (run.exit_code, run.err) == (IN_PART, "")
    expected, found = files_of(in_part[1]), files_of(tmp_path / "out")
    found.pop("scene.mrb")
    for name in ("record.json", "results.csv", "summary.csv"):
        one, other = (files.pop(name).decode() for files in (expected, found))
        # The record lists the scene among its files.
        assert re.sub(r'\s*"scene\.mrb": "\w+",?', "", other) == one, name
    assert sorted(found) == sorted(expected)


def test_only_the_seed_outside_the_ct_is_refused(spine, tmp_path):
    truth = spine.phantom.truth
    seeds = {level: truth[level].midline_ras_mm.mean(axis=0) for level in truth}
    seeds["L4"] = seeds["L4"] + 700 * SUPERIOR_RAS
    points = [
        {"label": level, "position": point.tolist(), "positionStatus": "defined"} for level, point in seeds.items()
    ]
    document = {"markups": [{"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}]}
    (tmp_path / "seeds.mrk.json").write_text(json.dumps(document))
    out = tmp_path / "out"
    run = lumbarhu("measure", spine.ct, "--seeds", tmp_path / "seeds.mrk.json", "--out", out)
    assert (run.exit_code, run.err) == (IN_PART, "")
    record = json.loads((out / "record.json").read_text())
    assert [level["level"] for level in record["levels"]] == ["L2", "L3"]
    refused = {level["level"]: level["sentence"] for level in record["not_measured"]}
    assert "The scan ends" in refused["L1"]  # so it does, 12 mm above the body's middle
    assert "L4" in refused["L4"]
    assert all(f"\n- {sentence}\n" in run.out for sentence in refused.values())


def test_only_the_segment_that_is_not_a_body_is_refused(real_data, tmp_path):
    folder = real_data("l3-crop-nifti")
    segmentation = folder / "sub-ct_seg-vert_label-22_msk.nii.gz"  # L2 and L4 are cut off by the crop
    out = tmp_path / "out"
    run = lumbarhu("measure", folder / "sub-ct_label-22_ct.nii.gz", "--segmentation", segmentation, "--out", out)
    assert (run.exit_code, run.err) == (IN_PART, "")
    record = json.loads((out / "record.json").read_text())
    assert [level["level"] for level in record["levels"]] == ["L3"]
    assert {level["level"] for level in record["not_measured"]} == {"L2", "L4"}
    assert all(level["level"] in level["sentence"] for level in record["not_measured"])


def test_if_every_level_is_refused_nothing_is_written_and_each_reason_is_shown(spine, tmp_path):
    markups = tmp_path / "markups"
    for level in ("L1", "L2"):
        write_line(
            markups / f"{level}-midline.mrk.json", spine.phantom.truth[level].midline_ras_mm + 500 * SUPERIOR_RAS
        )
    run = lumbarhu("measure", spine.ct, "--markups", markups, "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (BAD_INPUT, "")
    assert "midline of L1 is" in run.err
    assert "midline of L2 is" in run.err
    assert not (tmp_path / "out").exists()


def test_a_batch_lists_refused_levels_and_remembers_them(spine, tmp_path):
    row = case_row("a", spine)
    row[2] = str(spoiled_markups(spine, tmp_path / "markups"))
    table = write_cases(tmp_path / "cases.csv", [row, case_row("b", spine)])
    for finished in (False, True):
        run = lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", "1")
        assert (run.exit_code, run.err) == (IN_PART, "")
        counts = "Measured 0, finished before 2" if finished else "Measured 2, finished before 0"
        assert f"{counts}, failed 0." in run.out
        assert re.search(r"Levels not measured:\n- Row 2, case a: The midline of L2 is", run.out)
        (failure,) = rows_of(tmp_path / "out" / "failures.csv")
        assert (failure["row"], failure["case"], failure["column"]) == ("2", "a", "")
        assert "midline of L2" in failure["sentence"]
    results = rows_of(tmp_path / "out" / "results.csv")
    assert len(results) == 40
    broken = case_row("c", spine)
    broken[1] = "nowhere.nrrd"
    write_cases(table, [row, broken])
    assert lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", "1").exit_code == SOME_FAILED
