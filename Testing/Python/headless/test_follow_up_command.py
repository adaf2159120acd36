"""lumbarhu precision and lumbarhu follow-up, as a user types them."""

import json
import shutil

import numpy as np
import pytest
from audit.readings import example_audit, random_ct
from headless.cohort_files import table, write_table
from headless.command_runner import lumbarhu

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.scan_facts import ScanFacts

SCAN = ScanFacts(
    tube_voltage_kv=120.0, contrast=False, manufacturer="SIEMENS", scanner_model="Sensation 64", source="DICOM"
)


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    rng = np.random.default_rng(5)
    rows = [
        {"case": f"P{case}", "reader": "AB", "reading": number, "level": level, "roi": "round"}
        | {"mean_hu": round(90 + case + rng.normal(0, 3), 3)}
        for case in range(30)
        for number in (1, 2)
        for level in ("L1", "L2", "L3", "L4")
    ]
    return write_table(tmp_path_factory.mktemp("readings") / "readings.csv", rows)


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Return a folder with audit folders of two CTs; the name of one contains an equals sign."""
    folder = tmp_path_factory.mktemp("audits")
    for name, seed in (("a", 1), ("b=2", 2)):
        audit = example_audit(random_ct(seed=seed), case="P1", reader="AB", reading=1, scan_facts=SCAN)
        write_audit_folder(folder / name, audit)
    return folder


def assert_refused(run, says):
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert says in run.err


def test_precision_prints_levels_and_the_mean_and_writes_its_file(readings, tmp_path):
    run = lumbarhu("precision", readings, "--out", tmp_path / "precision.json", "--repeated", "scans")
    assert run.exit_code == 0, run.err
    lines = [line.split()[:4] for line in run.out.splitlines() if line.startswith("round")]
    assert lines == [["round", level, "30", "30"] for level in ("L1", "L2", "L3", "L4", "L1–L4")]
    assert "LSC: 2.77 times RMS-SD (1.96 · √2, by the ISCD)" in run.out
    document = json.loads((tmp_path / "precision.json").read_text(encoding="utf-8"))
    assert document["repeated"] == "scans"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--tube-voltage", "120 kV"), "--tube-voltage 120 kV cannot be used: give a number from 20 to 300"),
        (("--repeated", "twice"), "invalid choice: 'twice'"),
        (("--audits", "none"), "There is no folder “none”"),
    ],
)
def test_a_bad_option_of_precision_is_one_sentence(readings, tmp_path, more, says):
    assert_refused(lumbarhu("precision", readings, "--out", tmp_path / "precision.json", *more), says)
    assert not (tmp_path / "precision.json").exists()


def test_follow_up_prints_the_changes_of_the_means_and_the_findings(audits, tmp_path):
    dated = (f"{audits / 'b=2'}=2024-03-01", f"{audits / 'a'}=20220301")
    run = lumbarhu("follow-up", *dated, "--out", tmp_path / "result", "--no-figure")
    assert run.exit_code == 0, run.err
    assert "Case P1: 2022-03-01 (a), 2024-03-01 (b=2)." in run.out
    rows = [row for row in table(tmp_path / "result" / "changes.csv") if row["level"] == "mean"]
    printed = [line.split() for line in run.out.splitlines() if line.startswith("2022-03-01  2024-03-01")]
    assert [line[2] for line in printed] == [row["roi"] for row in rows]
    assert [line[-1] for line in printed] == [row["changed"] for row in rows]
    assert "The LSC is not this site's own but the published LSC: 16 HU for means below 73 HU" in run.out


def test_a_folder_whose_name_contains_an_equals_sign_is_not_taken_for_a_date(audits, tmp_path):
    run = lumbarhu("follow-up", f"{audits / 'a'}=2022-03-01", audits / "b=2", "--out", tmp_path / "result")
    assert_refused(run, "The date of the CT of “")
    assert "b=2=2024-03-15" in run.err


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("a=2022-03-01",), "1 audit folder is given: give at least two"),
        (("a=2022-03-01", "a=2023-03-01"), "is given twice: give each audit folder once"),
        (("a=2022-03-01", "b=2=01.03.2024"), "is “01.03.2024”, which is not a date"),
        (("a=2022-03-01", "b=2=2022-03-01"), "have the same date, 2022-03-01"),
        (("a=2022-03-01", "none=2023-03-01"), "There is no folder"),
    ],
)
def test_a_bad_follow_up_is_one_sentence_and_writes_nothing(audits, tmp_path, texts, says):
    run = lumbarhu("follow-up", *(audits / text for text in texts), "--out", tmp_path / "result")
    assert_refused(run, says)
    assert not (tmp_path / "result").exists()


def test_the_file_of_a_record_is_no_precision_study(audits, tmp_path):
    dated = (f"{audits / 'a'}=2022-03-01", f"{audits / 'b=2'}=2024-03-01")
    record = audits / "a" / "record.json"
    run = lumbarhu("follow-up", *dated, "--out", tmp_path / "result", "--precision", record)
    assert_refused(run, "record.json, line 2: “schema” is")


def test_a_date_that_is_none_is_refused_before_measuring(tmp_path):
    run = lumbarhu("measure", "none.nrrd", "--markups", "none", "--ct-date", "2024", "--out", tmp_path / "audit")
    assert_refused(run, "The date of the CT (--ct-date) is “2024”, which is not a date")


@pytest.mark.parametrize(
    "arguments",
    [
        ("measure", "", "--markups", "m", "--out", "o"),
        ("measure", "ct", "--markups", "m", "--out", ""),
        ("precision", "t.csv", "--out", " "),
        ("compare", "t.csv", "--methods", "round", "oval", "--out", "", "--overwrite"),
        ("follow-up", "a", "b", "--out", "o", "--precision", ""),
        ("calibrate", "ct", "--rods", "", "--phantom", "qrm-bdc-6", "--out", "o"),
    ],
)
def test_an_empty_path_never_means_the_current_folder(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_refused(lumbarhu(*arguments), "the path is empty")
    assert list(tmp_path.iterdir()) == []


def test_a_follow_up_in_one_of_its_audit_folders_is_refused_and_the_folder_still_verifies(audits):
    run = lumbarhu("follow-up", audits / "a", audits / "b=2", "--out", audits / "a" / "follow-up")
    assert_refused(run, "is inside “a”, a folder of LumbarHU whose record.json lists its files")
    assert not (audits / "a" / "follow-up").exists()


def test_a_damaged_record_is_named_with_its_folder(audits, tmp_path):
    shutil.copytree(audits / "b=2", tmp_path / "damaged")
    (tmp_path / "damaged" / "record.json").write_text("", encoding="utf-8")
    run = lumbarhu("follow-up", audits / "a", tmp_path / "damaged", "--out", tmp_path / "out")
    assert_refused(run, "“damaged/record.json” is empty")


def test_a_date_in_the_future_is_refused_because_no_ct_has_it(audits, tmp_path):
    run = lumbarhu("follow-up", f"{audits / 'a'}=2022-03-01", f"{audits / 'b=2'}=9204-02-29", "--out", tmp_path / "out")
    assert_refused(run, "is 9204-02-29, in the future: give the date of the CT")
