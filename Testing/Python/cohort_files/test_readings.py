"""Audit folders as the source of a cohort's HU."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from audit.forger import in_record
from audit.readings import PROTOCOL, plausible_audit, random_ct
from files.nobody import as_nobody

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort_files.audit_facts import facts_below
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.scan_facts import ScanFacts


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Return a folder with two readers' audits of one CT, and one of another CT: to be read, not changed."""
    folder = tmp_path_factory.mktemp("audits")
    ct = random_ct()
    write_audit_folder(folder / "A", plausible_audit(ct, reader="A", reading=1))
    write_audit_folder(folder / "B", plausible_audit(ct, reader="B", reading=1, extra={"blinded": True}))
    off = ScanFacts(tube_voltage_kv=100.0, contrast=False, source="DICOM")
    write_audit_folder(folder / "off", plausible_audit(ct, reader="D", reading=1, scan_facts=off))
    other = replace(PROTOCOL, protocol=PROTOCOL.protocol.with_values(lsc_hu=9.0))
    write_audit_folder(folder / "own", replace(plausible_audit(ct, reader="E", reading=1), protocol=other))
    write_audit_folder(folder / "other", plausible_audit(random_ct(seed=9), reader="C", reading=1))
    return folder


def cohort_of(audits, tmp_path, cell: str):
    path = audits / f"{tmp_path.name}.csv"
    path.write_text(f'case,audit\ncase 7,"{cell}"\n', encoding="utf-8")
    return read_cohort(path)


def test_the_hu_come_from_the_audit_folder(audits, tmp_path):
    cohort = cohort_of(audits, tmp_path, "A")
    levels = {level.level: level for level in plausible_audit(random_ct()).result.levels}
    for roi in ROIS:
        for level in ("L1", "L3"):
            assert cohort.hu(level, roi)[0] == levels[level].rois[roi].values["mean_hu"]
        assert cohort.hu("L2", roi)[0] != cohort.hu("L2", roi)[0]  # excluded for its fracture
    assert cohort.findings == ()


def test_two_readings_are_averaged_and_both_are_kept(audits, tmp_path):
    cohort = cohort_of(audits, tmp_path, "A; B")
    assert [(reading.reader, reading.blinded) for reading in cohort.readings] == [("A", None), ("B", True)]
    first, second = (reading.hu["L1", "round"] for reading in cohort.readings)
    assert cohort.hu("L1", "round")[0] == (first + second) / 2
    assert cohort.readings[0].origins["L1"] == "manual"
    assert cohort.findings == ()


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        (f"A;{'n' * 300}", f"Row 2, column audit: “{'n' * 300}” is not an audit folder and is omitted."),
        ("A;none", "Row 2, column audit: “none” is not an audit folder and is omitted."),
        ("A;A", "Row 2, column audit: “A” repeats reading 1 of A; it is omitted."),
        ("A;own", "Column audit: the readings use different protocols, such as “A” (row 2), “own” (row 2)."),
        ("A;other", "Row 2, column audit: “other” is of a different CT than “A”; it is used."),
    ],
)
def test_a_faulty_folder_is_reported_and_the_other_one_is_used(audits, tmp_path, cell, sentence):
    cohort = cohort_of(audits, tmp_path, cell)
    assert [finding.sentence for finding in cohort.findings] == [sentence]
    assert cohort.hu("L1", "round")[0] == cohort.hu("L1", "round")[0]


def test_a_ct_used_for_two_cases_is_reported_once_per_row(audits):
    path = audits / "twice.csv"
    path.write_text("case,audit\na,A\nb,A;B\nc,other\n", encoding="utf-8")
    cohort = read_cohort(path)
    assert [(finding.sentence, finding.case) for finding in cohort.findings] == [
        ("Row 3, column audit: “A” shows the same CT as case “a” in row 2; it is used.", "b")
    ]
    assert len(cohort.readings) == 4


def test_hu_in_cells_that_replace_a_missing_folder_are_reported(audits):
    path = audits / "cells.csv"
    path.write_text("case,audit,hu_L1_round\na,A,100\nb,gone,110\nc,,120\n", encoding="utf-8")
    cohort = read_cohort(path)
    assert cohort.hu("L1", "round")[1:].tolist() == [110, 120]
    assert [(one.sentence, one.case) for one in cohort.findings if one.code == "cells_used"] == [
        ("Row 3, column audit: no audit folder of b can be used; the HU in the row's own cells are used.", "b")
    ]


def test_severe_findings_of_readings_are_reported_with_their_cases(audits, tmp_path):
    audit = plausible_audit(random_ct(seed=9), reader="C", reading=1)
    severe = Finding("values_not_hu", "The values are not HU.", severity="severe")
    of_level = Finding("mid_slice_off_middle", "L1 is outside its body.", severity="severe", level="L1")
    mild = Finding("slices_thick", "The slices are 5 mm thick.")
    first, *others = audit.result.levels
    levels = (replace(first, findings=(of_level,)), *others)
    result = replace(audit.result, findings=(severe, mild), levels=levels)
    for name in ("severe", "worse"):
        write_audit_folder(tmp_path / name, replace(audit, result=result, case=name))
    table = tmp_path / "cohort.csv"
    table.write_text("case,audit\none,severe\ntwo,worse\n", encoding="utf-8")
    cohort = read_cohort(table)
    found = [finding for finding in cohort.findings if finding.code == "severe_findings"]
    assert [(finding.case, finding.severity) for finding in found] == [("one", "severe"), ("two", "severe")]
    assert found[0].sentence == (
        "Row 2, column audit: the reading of one in “severe” has severe findings and is included: The values are not "
        "HU. L1 is outside its body."
    )
    (all_of_kind,) = (finding for finding in counted(cohort.findings) if finding.code == "severe_findings")
    assert all_of_kind.sentence.startswith("2 findings of the same kind for the cases one, two (rows.csv), such as: ")


def test_a_scan_off_protocol_gets_a_finding_and_is_used(audits, tmp_path):
    (finding,) = cohort_of(audits, tmp_path, "A;off").findings
    assert finding.sentence.startswith("Row 2, column audit: “off” is off protocol: ")
    assert "100" in finding.sentence


def test_a_modified_folder_is_omitted(audits, tmp_path):
    shutil.copytree(audits / "A", tmp_path / "changed")
    with (tmp_path / "changed" / "results.csv").open("a") as file:
        file.write("\n")
    (tmp_path / "cohort.csv").write_text("case,audit,hu_L1_round\na,changed,5\n")
    cohort = read_cohort(tmp_path / "cohort.csv")
    assert [finding.sentence for finding in cohort.findings] == [
        "Row 2, column audit: “changed” was changed after it was written and is omitted.",
        "Row 2, column audit: no audit folder of a can be used; the HU in the row's own cells are used.",
    ]
    assert cohort.hu("L1", "round")[0] == 5


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "{}",
        pytest.param("[" * 100_000, id="nested too deeply"),
        json.dumps({"files": {"results.csv": 1}, "ct": []}),
    ],
)
def test_a_damaged_record_is_reported(audits, tmp_path, record):
    shutil.copytree(audits / "A", tmp_path / "broken")
    (tmp_path / "broken" / "record.json").write_text(record)
    (tmp_path / "cohort.csv").write_text("case,audit\na,broken\n")
    (finding,) = read_cohort(tmp_path / "cohort.csv").findings
    assert finding.sentence == "Row 2, column audit: “broken” contains a damaged record and is omitted."


def test_a_reading_of_a_newer_version_is_omitted_rather_than_half_understood(audits, tmp_path):
    shutil.copytree(audits / "A", tmp_path / "newer")
    in_record("schema", to="lumbarhu-record-2")(tmp_path / "newer")
    (tmp_path / "cohort.csv").write_text("case,audit\na,newer\n")
    (finding,) = read_cohort(tmp_path / "cohort.csv").findings
    assert finding.sentence == (
        "Row 2, column audit: “newer” was written by a newer version of LumbarHU and is omitted."
    )
    with pytest.raises(InputError, match="was written by a newer version of LumbarHU: update LumbarHU"):
        facts_below(tmp_path)


def test_a_case_folder_stands_for_the_only_audit_folder_below_it(audits, tmp_path):
    shutil.copytree(audits / "A", tmp_path / "audit" / "P1" / "A" / "1")
    (tmp_path / "cohort.csv").write_text("case,audit\nP1,audit/P1\n", encoding="utf-8")
    cohort = read_cohort(tmp_path / "cohort.csv")
    assert cohort.findings == ()
    assert [(one.case, one.reader) for one in cohort.readings] == [("P1", "A")]
    assert cohort.hu("L1", "round")[0] == cohort_of(audits, tmp_path, "A").hu("L1", "round")[0]


def test_a_case_folder_with_several_audit_folders_is_omitted_and_they_are_named(audits, tmp_path):
    shutil.copytree(audits / "A", tmp_path / "P1" / "A" / "1")
    shutil.copytree(audits / "B", tmp_path / "P1" / "B" / "1")
    (tmp_path / "cohort.csv").write_text("case,audit\nP1,P1\n", encoding="utf-8")
    (finding,) = read_cohort(tmp_path / "cohort.csv").findings
    assert (finding.sentence, finding.remedy) == (
        "Row 2, column audit: “P1” holds 2 audit folders and is omitted: A/1, B/1.",
        "Name one: P1/A/1.",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions on Windows")
def test_a_case_folder_is_not_represented_by_the_only_audit_folder_that_may_be_read():
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for reader in ("A", "B"):
            write_audit_folder(root / "P1" / reader / "1", plausible_audit(case="P1"))
        root.chmod(0o755)
        (root / "cohort.csv").write_text("case,audit\nP1,P1\n", encoding="utf-8")
        (finding,) = read_cohort(root / "cohort.csv").findings
        assert "“P1” holds 2 audit folders" in finding.sentence
        (root / "P1" / "B").chmod(0)
        with as_nobody():
            (finding,) = read_cohort(root / "cohort.csv").findings
        (root / "P1" / "B").chmod(0o755)
    assert finding.sentence == "Row 2, column audit: “P1” cannot be read and is omitted."


def test_a_folder_without_audit_folders_below_it_is_omitted_as_before(audits, tmp_path):
    shutil.copytree(audits / "A", tmp_path / "P1" / "deeper" / "than" / "an" / "export")
    (tmp_path / "cohort.csv").write_text("case,audit\nP1,P1\n", encoding="utf-8")
    (finding,) = read_cohort(tmp_path / "cohort.csv").findings
    assert finding.sentence == "Row 2, column audit: “P1” is not an audit folder and is omitted."
