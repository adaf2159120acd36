"""The reporting checklists: every item has a row, and the answers follow from the cohort's content."""

import hashlib
import json
import re
from dataclasses import replace

import pytest
from audit.readings import PROTOCOL, example_audit, random_ct
from headless.cohort_files import random_cohort, write_table

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort_files.checklist import BY_AUTHORS, checklist_table, load_checklists
from LumbarHULib.cohort_files.method import method_text
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import load_cutoffs

ITEMS = {
    "STARD 2015": ["10a", "12a", "13a", "14", "15", "16", "19"],
    "GRRAS": ["2", "6", "8", "9", "10", "11", "13", "15"],
}
OPTIONS = AnalysisOptions(prevalences={}, resamples=100)


def analysis_of(path, readings=None, options=OPTIONS):
    return analyze(read_cohort(path, readings), options, load_cutoffs().cutoffs)


def answers_of(analysis):
    return {(row["list"], row["item"]): row["answer"] for row in checklist_table(analysis).records()}


def answers(tmp_path, rows, readings=None, options=OPTIONS):
    return answers_of(analysis_of(write_table(tmp_path / "clinic.csv", rows), readings, options))


def readings_of(tmp_path, rows, blinded=("", ""), cases=None):
    """Write two readers' readings of the first cases, the second a little higher."""
    lines = [
        {"case": row["case"], "reader": reader, "reading": 1, "level": level, "roi": "round"}
        | {
            "mean_hu": row[f"hu_{level}_round"] + shift + index % 3,
            "origin": "manual",
            "excluded": "",
            "blinded": blind,
        }
        for index, row in enumerate(rows[:cases])
        for reader, shift, blind in (("A", 0, blinded[0]), ("B", 4, blinded[1]))
        for level in MEAN_LEVELS
    ]
    return write_table(tmp_path / "readings.csv", lines)


@pytest.fixture
def rows():
    return random_cohort(30)


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Return a folder with audits of three CTs: two readers, one off protocol, one by other values."""
    folder = tmp_path_factory.mktemp("audits")
    ct = random_ct()
    known = ScanFacts(tube_voltage_kv=120.0, contrast=False, source="DICOM")
    write_audit_folder(folder / "A", example_audit(ct, reader="A", reading=1, scan_facts=known))
    write_audit_folder(folder / "B", example_audit(ct, reader="B", reading=1, extra={"blinded": True}))
    off = ScanFacts(tube_voltage_kv=100.0, contrast=False, source="DICOM")
    write_audit_folder(folder / "off", example_audit(random_ct(seed=5), reader="A", reading=1, scan_facts=off))
    own = replace(PROTOCOL, protocol=PROTOCOL.protocol.with_values(lsc_hu=9.0))
    audit = replace(example_audit(random_ct(seed=6), reader="A", reading=1), protocol=own)
    write_audit_folder(folder / "own", audit)
    (folder / "cohort.csv").write_text("case,audit,group\na,A;B,normal\nb,off,osteopenia\nc,own,osteoporosis\n")
    return folder


def test_every_item_has_a_row_and_its_lists_citation(tmp_path, rows):
    table = checklist_table(analysis_of(write_table(tmp_path / "clinic.csv", rows)))
    found = {}
    for row in table.records():
        found.setdefault(row["list"], []).append(row["item"])
        assert all(isinstance(cell, str) and cell for cell in row.values())
    assert found == ITEMS
    assert {one.name: list(one.items) for one in load_checklists()} == ITEMS
    sources = {row["list"]: row["citation"] for row in table.records()}
    assert "https://pmc.ncbi.nlm.nih.gov/articles/PMC5128957/table/BMJOPEN2016012799TB2" in sources["STARD 2015"]
    assert "https://scribd.com/document/719511171/GRRAS-checklist" in sources["GRRAS"]
    assert "PMC11651756/table/tab1" in sources["GRRAS"]


def test_a_table_of_hu_leaves_its_protocol_to_the_authors(tmp_path, rows):
    found = answers(tmp_path, rows)
    for item in (("STARD 2015", "10a"), ("GRRAS", "2")):
        assert found[item].startswith(
            "Mean HU of the regions round, oval, right, front and left in L1, L2, L3 and L4, and of"
        )
        assert f"{BY_AUTHORS}: the protocol and version that measured the HU" in found[item]


def test_audit_folders_give_protocol_version_hash_and_acquisition(audits):
    analysis = analysis_of(audits / "cohort.csv")
    device = answers_of(analysis)["STARD 2015", "10a"]
    hashes = {}
    for name in ("A", "own"):
        record = json.loads((audits / name / "record.json").read_text(encoding="utf-8"))
        values = json.dumps(record["protocol_values"], sort_keys=True)
        hashes[name] = hashlib.sha256(values.encode()).hexdigest()
    stated = f"{PROTOCOL.name}, version {PROTOCOL.version}, SHA-256 of its values "
    assert f"{stated}{hashes['A']} (3)" in device
    assert f"{stated}{hashes['own']} (1)" in device
    assert hashes["A"] != hashes["own"]
    assert "120 kV, without contrast medium (1)" in device
    assert "100 kV, without contrast medium (1)" in device
    assert f"by the protocol {PROTOCOL.name}, version {PROTOCOL.version}." in method_text(analysis)


def test_readings_without_a_class_and_excluded_levels_are_given_with_their_reasons(audits):
    found = answers_of(analysis_of(audits / "cohort.csv"))
    assert "round, tube voltage off protocol (1)" in found["STARD 2015", "15"]
    record = json.loads((audits / "off" / "record.json").read_text(encoding="utf-8"))
    assert {summary["class"] for summary in record["summaries"]} == {"not_classified"}
    reasons = {(level["level"], level["excluded"]) for level in record["levels"] if level["excluded"]}
    for level, reason in reasons:
        assert f"{level}, {reason} (4)" in found["STARD 2015", "16"]
    assert reasons


def test_published_cutoffs_are_prespecified_and_the_cohorts_own_are_exploratory(tmp_path, rows):
    with_reference = answers(tmp_path, rows)["STARD 2015", "12a"]
    assert "Prespecified: the published cutoffs of Shanghai 2022, applied unchanged" in with_reference
    assert re.search(r"Exploratory: \d+ cutoffs with the greatest Youden index", with_reference)
    without = [{name: cell for name, cell in row.items() if name not in ("group", "bmd")} for row in rows]
    assert answers(tmp_path, without)["STARD 2015", "12a"].startswith(f"No cutoff was applied or derived. {BY_AUTHORS}")
    timed = [{**row, "outcome": index % 2, "outcome_days": 100 + index} for index, row in enumerate(rows)]
    stated = answers(tmp_path, timed, options=replace(OPTIONS, outcome_cutoff_hu=105.0))["STARD 2015", "12a"]
    assert "Prespecified: 105 HU for the Kaplan–Meier curves" in stated


def test_the_statistics_are_those_of_the_method_paragraph(tmp_path, rows):
    analysis = analysis_of(write_table(tmp_path / "clinic.csv", rows))
    assert answers_of(analysis)["STARD 2015", "14"] in method_text(analysis)
    assert "they are exploratory" in method_text(analysis)
    without = [{name: cell for name, cell in row.items() if name != "group"} for row in rows]
    assert answers(tmp_path, without)["STARD 2015", "14"] == "No measure of accuracy was computed (gaps.csv)."


def test_missing_values_and_the_flow_are_counted(tmp_path, rows):
    complete = answers(tmp_path, rows)
    assert "Omitted" not in complete["STARD 2015", "16"]
    assert "No case was omitted (DXA, L1–L4)." in complete["STARD 2015", "16"]
    assert "rows in the table 30 → cases 30 → with HU 30 → with reference 30" in complete["STARD 2015", "19"]
    hu = [name for name in rows[0] if name.startswith("hu_")]
    rows[0] |= dict.fromkeys(hu, "")
    rows[1]["group"] = rows[2]["group"] = ""
    rows[3]["hu_L2_round"] = ""
    rows[4] |= dict.fromkeys([name for name in hu if "_left" in name], "")
    found = answers(tmp_path, [*rows, rows[5]])
    assert "1 without HU at any level of L1–L4" in found["STARD 2015", "16"]
    assert "2 without group and T-score" in found["STARD 2015", "16"]
    assert "With a mean over fewer levels than L1–L4: 1 case in round." in found["STARD 2015", "16"]
    assert "2 of 30 cases have no left mean over L1–L4 and are not classified." in found["STARD 2015", "15"]
    assert "rows in the table 31 → cases 30 → with HU 29 → with reference 27" in found["STARD 2015", "19"]


def test_without_repeated_readings_there_is_no_reliability(tmp_path, rows):
    found = answers(tmp_path, rows)
    for item in ("10", "11", "13", "15"):
        assert found["GRRAS", item].startswith("No case has repeated readings")
    for item in ("6", "8", "9"):
        assert BY_AUTHORS in found["GRRAS", item]


def test_readers_cases_blinding_and_estimates_are_those_of_the_readings(tmp_path, rows):
    file = readings_of(tmp_path, rows, blinded=("true", "false"), cases=20)
    analysis = analysis_of(write_table(tmp_path / "clinic.csv", rows), file)
    found = answers_of(analysis)
    assert found["GRRAS", "6"].startswith("2 raters (A, B), 20 subjects, 40 readings; at most 1 by one rater")
    assert found["GRRAS", "11"] == "Between readers A, B: 20 cases, 2 readings of each."
    assert "without seeing another reading or a proposal (20); not blinded (20)" in found["STARD 2015", "13a"]
    assert found["GRRAS", "9"].startswith("20 of 40 readings are recorded as made without seeing another one")
    assert "manual (160)" in found["GRRAS", "8"]
    assert "(Bland and Altman)" in found["GRRAS", "10"]
    (row,) = analysis.tables["agreement"].records(split="all", level="L1–L4")
    assert f"round, n = 20: ICC(2,1) {row['icc_2_1']:.3f} (" in found["GRRAS", "13"]
    assert "bias −4.0 (−4.0 to −4.0) HU, limits −4.0 to −4.0 HU" in found["GRRAS", "13"]
    all_blinded = analysis_of(tmp_path / "clinic.csv", readings_of(tmp_path, rows, blinded=("true", "true")))
    assert BY_AUTHORS not in answers_of(all_blinded)["GRRAS", "9"]
