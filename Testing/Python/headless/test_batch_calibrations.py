"""The column of calibrations in the table of a batch."""

import json

import pytest
from follow_up.test_densities import calibration
from headless.batch_files import write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import rows_of

from LumbarHULib.audit.tables import DENSITY_COLUMNS as COLUMNS


@pytest.fixture
def calibration_file(tmp_path):
    return calibration().write(tmp_path / "calibration.json")


def test_each_ct_of_a_batch_may_have_its_own_calibration_or_none(spine, calibration_file, tmp_path):
    document = json.loads(calibration_file.read_text(encoding="utf-8"))
    document["scan"]["date"] = "2026-02-28"
    (tmp_path / "february.json").write_text(json.dumps(document), encoding="utf-8")
    columns = ("case", "ct", "markups", "levels", "exclude", "calibration")
    rows = [
        ["a", spine.ct, spine.markups, "L1, L3", "L1=old fracture, healed", ""],
        ["b", spine.ct, spine.markups, "L3", "", "february.json"],
        ["c", spine.ct, spine.markups, "L3", "", calibration_file],
    ]
    out = tmp_path / "out"
    table = write_cases(tmp_path / "cases.csv", rows, columns=columns)
    run = lumbarhu("batch", table, "--out", out, "--workers", "1")
    assert (run.exit_code, run.err) == (0, "")
    for name in ("results.csv", "summary.csv"):
        joined = {}
        for row in rows_of(out / name):
            joined.setdefault(row["case"], []).append(row)
        assert rows_of(out / "b" / name) == joined["b"]
        alone = rows_of(out / "a" / name)
        assert joined["a"] == [row | dict.fromkeys(COLUMNS, "") for row in alone]
        assert joined["b"][0]["mean_mg_cc"] == joined["c"][0]["mean_mg_cc"] != ""
    dates = [json.loads((out / case / "record.json").read_text())["calibration"]["scan"]["date"] for case in "bc"]
    assert dates == ["2026-02-28", "2022-02-20"]
    # Only the case whose calibration is another one is measured again; --calibration is for rows without their own.
    write_cases(table, [rows[0], [*rows[1][:-1], calibration_file], rows[2]], columns=columns)
    run = lumbarhu("batch", table, "--out", out, "--workers", "1")
    assert "Measured 1, finished before 2, failed 0." in run.out
    run = lumbarhu("batch", table, "--out", out, "--workers", "1", "--calibration", tmp_path / "february.json")
    assert "Measured 1, finished before 2, failed 0." in run.out
    assert json.loads((out / "a" / "record.json").read_text())["calibration"]["scan"]["date"] == "2026-02-28"


def test_a_bad_calibration_in_a_batch_fails_its_row_and_two_minerals_start_no_batch(spine, calibration_file, tmp_path):
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    columns = ("case", "ct", "markups", "levels", "calibration")
    rows = [["a", spine.ct, spine.markups, "L3", "none.json"], ["b", spine.ct, spine.markups, "L3", "bad.json"]]
    table = write_cases(tmp_path / "cases.csv", rows, columns=columns)
    run = lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", "1")
    assert run.exit_code == 1
    failures = rows_of(tmp_path / "out" / "failures.csv")
    assert [row["column"] for row in failures] == ["calibration"] * 2
    assert "there is no file or folder “none.json”" in failures[0]["sentence"]
    assert "bad.json, line 1" in failures[1]["sentence"]
    other = calibration(mineral="K2HPO4").write(tmp_path / "other.json")
    rows = [["a", spine.ct, spine.markups, "L3", calibration_file], ["b", spine.ct, spine.markups, "L3", other]]
    table = write_cases(tmp_path / "cases.csv", rows, columns=columns)
    run = lumbarhu("batch", table, "--out", tmp_path / "none", "--workers", "1")
    assert (run.exit_code, run.out) == (2, "")
    assert "The calibration of row 2 is of HA and that of row 3 of K2HPO4, which are not interchangeable" in run.err
    assert not (tmp_path / "none").exists()
