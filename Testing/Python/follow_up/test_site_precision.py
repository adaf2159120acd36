"""Changes judged by the site's own precision study, which must be for this protocol and scanner."""

import json

import numpy as np
import pytest
from audit.forger import in_record
from follow_up.conftest import DATES
from headless.cohort_files import write_table

import lumbarhu


@pytest.fixture
def precision(tmp_path, template):
    """Return a function that writes a precision study for the template's protocol, with these changes of its file."""
    record = json.loads((template / "record.json").read_text(encoding="utf-8"))
    protocol = tmp_path / "protocol.json"
    protocol.write_text(json.dumps(record["protocol"]), encoding="utf-8")

    def made(levels=("L1", "L3"), rois=("round",), patients=30, **changes):
        rng = np.random.default_rng(1)
        rows = [
            {"case": f"P{patient}", "reader": "AB", "reading": number, "level": level, "roi": roi}
            | {"mean_hu": round(100 + patient + rng.normal(0, 2), 4)}
            for patient in range(patients)
            for number in (1, 2)
            for level in levels
            for roi in rois
        ]
        path = tmp_path / "precision.json"
        table = write_table(tmp_path / "readings.csv", rows)
        acquisition = {"manufacturer": "SIEMENS", "scanner_model": "Sensation 64", "tube_voltage_kv": 120.0}
        lumbarhu.precision_study(
            table, path, protocol=protocol, repeated="scans", overwrite=True, **(acquisition | changes)
        )
        return path

    return made


def compared(audit, precision, first=120.0, second=100.0):
    folders = {audit("a", first): DATES["first"], audit("b", second): DATES["second"]}
    return lumbarhu.follow_up(folders, precision=precision)


def row(found, level, roi="round"):
    return next(one for one in found.rows() if (one["level"], one["roi"]) == (level, roi))


def codes(found):
    return [finding.code for finding in found.findings]


def test_each_level_and_the_mean_have_the_lsc_of_exactly_these_levels(audit, precision):
    path = precision()
    entries = json.loads(path.read_text(encoding="utf-8"))["precision"]
    lsc = {";".join(entry["levels"]): entry["lsc_hu"] for entry in entries}
    found = compared(audit, path, 120.0, 112.0)
    for level, levels in (("mean", "L1;L3"), ("L1", "L1"), ("L3", "L3")):
        one = row(found, level)
        assert one["lsc_hu"] == lsc[levels]
        assert one["changed"] == "yes"
        assert one["change_high_hu"] == pytest.approx(-8.0 + lsc[levels])
        assert one["lsc_source"] == "precision study (precision.json)"
    assert lsc["L1;L3"] < lsc["L1"]
    assert codes(found) == ["number_of_comparisons"]


def test_a_change_between_the_lsc_and_its_upper_limit_counts_with_a_note(audit, precision):
    path = precision()
    entries = json.loads(path.read_text(encoding="utf-8"))["precision"]
    (mean,) = [entry for entry in entries if entry["levels"] == ["L1", "L3"]]
    # No single level exceeds its own LSC.
    change_hu = (mean["lsc_hu"] + min(entry["lsc_hu"] for entry in entries if entry != mean)) / 2
    assert mean["lsc_hu"] < change_hu < mean["lsc_high"]
    found = compared(audit, path, 120.0, 120.0 - change_hu)
    assert row(found, "mean")["changed"] == "yes"
    (finding,) = [one for one in found.findings if one.code == "lsc_uncertain"]
    assert finding.sentence.startswith("Of 1 changes that count, 1 is below the upper 95 % limit of the LSC")


def test_a_region_that_the_study_lacks_is_not_compared(audit, precision):
    one = row(compared(audit, precision()), "mean", "oval")
    assert (one["changed"], one["reason"]) == ("not comparable", "the precision study has no LSC of oval at L1, L3")
    assert one["change_hu"] == -20.0


def test_a_mean_over_levels_that_the_study_lacks_is_not_compared(audit, precision):
    found = compared(audit, precision(levels=("L1", "L2")))
    assert row(found, "mean")["reason"] == "the precision study has no LSC of round at L1, L3"
    assert row(found, "L1")["changed"] == "yes"


def test_a_study_of_another_protocol_is_refused(audit, precision):
    path = precision()
    document = json.loads(path.read_text(encoding="utf-8"))
    document["protocol"]["version"] = "9"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(
        lumbarhu.InputError, match=r"is for the protocol “.* 9”, but the readings were made by “.*”: use"
    ):
        compared(audit, path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"manufacturer": "GE"}, "the precision study is for another manufacturer (“GE”, not “SIEMENS”)"),
        ({"scanner_model": "Force"}, "the precision study is for another scanner model (“Force”, not “Sensation 64”)"),
        ({"tube_voltage_kv": 100.0}, "the precision study is for another tube voltage (100 kV, not 120 kV)"),
    ],
)
def test_a_study_of_another_scanner_is_not_used(audit, precision, changes, reason):
    one = row(compared(audit, precision(**changes)), "mean")
    assert (one["changed"], one["reason"], one["lsc_hu"]) == ("not comparable", reason, None)


def test_a_study_with_other_values_of_the_protocol_is_not_used(audit, precision):
    path = precision()
    document = json.loads(path.read_text(encoding="utf-8"))
    document["protocol"]["values"]["cortical_margin_mm"] = 4.0
    path.write_text(json.dumps(document), encoding="utf-8")
    one = row(compared(audit, path), "mean")
    assert one["reason"] == "the precision study is for another value of cortical_margin_mm (4.0, not 2.5)"


def test_a_weak_study_gives_findings(audit, precision):
    path = precision(patients=10, scanner_model=None)
    document = json.loads(path.read_text(encoding="utf-8"))
    document |= {"repeated": "unknown", "readers": ["CD"]}
    path.write_text(json.dumps(document), encoding="utf-8")
    found = compared(audit, path)
    assert codes(found) == [
        "few_degrees_of_freedom",
        "not_repeated_scans",
        "precision_scanner_unknown",
        "reader_not_in_study",
        "number_of_comparisons",
    ]
    sentences = {finding.code: finding.sentence for finding in found.findings}
    assert sentences["not_repeated_scans"].startswith(
        "The precision study does not state that scans were repeated: its LSC lacks"
    )
    assert "scanner model:" in sentences["precision_scanner_unknown"]


@pytest.mark.parametrize(
    ("repeated", "words"),
    [
        ("readings", "repeats readings of one scan, not scans: its LSC lacks"),
        ("mixed", "repeats scans of some patients only, and readings of one scan of the others: its LSC lacks"),
        ("unknown", "does not state that scans were repeated: its LSC lacks"),
    ],
)
def test_a_study_without_repeated_scans_says_so(audit, precision, repeated, words):
    path = precision()
    in_file = json.loads(path.read_text(encoding="utf-8")) | {"repeated": repeated}
    path.write_text(json.dumps(in_file), encoding="utf-8")
    (finding,) = [one for one in compared(audit, path).findings if one.code == "not_repeated_scans"]
    assert finding.sentence.startswith(f"The precision study {words}")


def test_two_scanners_are_not_comparable_by_any_study(audit, precision):
    folders = [audit("a", 120.0), audit("b", 60.0), audit("c", 60.0)]
    in_record("ct", "headers", "scanner_model", to="Force")(folders[2])
    found = lumbarhu.follow_up(dict(zip(folders, DATES.values(), strict=True)), precision=precision())
    changed = [one["changed"] for one in found.rows() if one["level"] == "mean" and one["roi"] == "round"]
    assert changed == ["yes", "not comparable", "not comparable"]


def test_a_study_whose_regions_are_defined_otherwise_is_not_used(audit, precision):
    path = precision()
    document = json.loads(path.read_text(encoding="utf-8"))
    document["protocol"]["regions"]["round"]["part"] = "body"
    path.write_text(json.dumps(document), encoding="utf-8")
    one = row(compared(audit, path), "mean")
    reason = "the precision study is for other definitions of the protocol's regions"
    assert (one["changed"], one["reason"], one["lsc_hu"]) == ("not comparable", reason, None)
