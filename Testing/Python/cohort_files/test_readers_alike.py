"""Readers with similar names get a finding: one reader spelled in two ways would count as two."""

import unicodedata

import pytest

from LumbarHULib.cohort_files.readings import readings_of_file

COLUMNS = "case,reader,reading,level,roi,mean_hu"


def reported(tmp_path, *readers):
    path = tmp_path / "readings.csv"
    rows = [f"{case},{reader},1,L1,round,{100 + case}" for case in (1, 2) for reader in readers]
    path.write_text("\n".join([COLUMNS, *rows]) + "\n", encoding="utf-8")
    findings = []
    readings = readings_of_file(path, findings.append)
    assert len(readings) == 2 * len(readers)
    return [finding for finding in findings if finding.code == "readers_alike"]


@pytest.mark.parametrize(
    "readers",
    [
        ("Müller", unicodedata.normalize("NFD", "Müller")),
        ("AB", "ab"),
        ("A  B", "A B"),
        ("ＡＢ", "AB"),
    ],
)
def test_one_name_spelled_in_two_ways_gets_a_finding(tmp_path, readers):
    (finding,) = reported(tmp_path, *readers)
    assert finding.sentence.endswith("have similar names but count as 2 readers.")
    assert all(f"“{reader}”" in finding.sentence for reader in readers)


def test_different_readers_get_no_finding(tmp_path):
    assert reported(tmp_path, "AB", "AC", "BA") == []
