import pytest
from core.builders import PROTOCOL, cutoff_table

from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES, acquisition_findings, series_findings
from LumbarHULib.core.scan_facts import ScanFacts

CUTOFFS = cutoff_table()


def codes(**facts) -> list[str]:
    return [finding.code for finding in acquisition_findings(ScanFacts(**facts), CUTOFFS)]


@pytest.mark.parametrize(
    ("voltage_kv", "contrast", "expected"),
    [
        (120, False, []),
        (120.4, False, []),
        (100, False, ["tube_voltage_off_protocol"]),
        (140, False, ["tube_voltage_off_protocol"]),
        (120, True, ["contrast_medium"]),
        (80, True, ["tube_voltage_off_protocol", "contrast_medium"]),
        (None, False, ["acquisition_unknown"]),
        (120, None, ["acquisition_unknown"]),
        (None, None, ["acquisition_unknown"]),
        (100, None, ["tube_voltage_off_protocol", "acquisition_unknown"]),
    ],
)
def test_known_and_unknown_acquisition_facts_are_compared_with_the_cutoffs(voltage_kv, contrast, expected):
    assert codes(tube_voltage_kv=voltage_kv, contrast=contrast) == expected


def test_the_facts_in_the_headers_are_described_on_one_line():
    facts = ScanFacts(
        tube_voltage_kv=120,
        tube_current_ma=250,
        slice_thickness_mm=2.5,
        slice_spacing_mm=1.25,
        gantry_tilt_deg=-12.5,
        contrast=False,
        kernel="B30f\n\x1b[31m",
        manufacturer="MAKER",
        scanner_model="M 1",
    )
    assert facts.described == (
        *("120 kV", "without contrast medium", "250 mA", "slices 2.5 mm thick", "1.25 mm from slice to slice"),
        *("gantry tilt -12.5°", "kernel B30f [31m", "MAKER", "M 1"),
    )
    assert ScanFacts(contrast=True).described == ("with contrast medium",)
    assert ScanFacts().described == ()


def test_only_a_known_deviation_prevents_a_class():
    assert {"tube_voltage_off_protocol", "contrast_medium", "contrast_seen"} == OFF_PROTOCOL_CODES


def test_the_sentences_name_both_voltages_and_what_is_unknown():
    off, unknown = acquisition_findings(ScanFacts(tube_voltage_kv=100), CUTOFFS)
    assert off.sentence == "The CT was acquired at 100 kV; the cutoffs hold for 120 kV."
    assert off.severity == "severe"
    assert "does not state its contrast medium;" in unknown.sentence
    (both,) = acquisition_findings(ScanFacts(), CUTOFFS)
    assert "does not state its tube voltage or contrast medium;" in both.sentence


def test_cutoffs_for_another_acquisition_are_compared_with_that_acquisition():
    contrast_at_100 = cutoff_table(tube_voltage_kv=100.0, contrast_medium=True)
    facts = ScanFacts(tube_voltage_kv=100, contrast=True)
    assert acquisition_findings(facts, contrast_at_100) == ()
    plain = acquisition_findings(ScanFacts(tube_voltage_kv=100, contrast=False), contrast_at_100)
    assert [finding.sentence for finding in plain] == [
        "The CT was acquired without contrast medium; the cutoffs hold for CTs with."
    ]


def test_cutoffs_that_do_not_state_their_acquisition_prevent_no_class_and_say_so():
    (finding,) = acquisition_findings(
        ScanFacts(tube_voltage_kv=80, contrast=True), cutoff_table(tube_voltage_kv=None, contrast_medium=None)
    )
    assert finding.code == "cutoffs_acquisition_unknown"
    assert "“study” do not state the tube voltage or contrast medium" in finding.sentence


def series_codes(**facts):
    return [finding.code for finding in series_findings(ScanFacts(**facts), PROTOCOL)]


@pytest.mark.parametrize(
    ("thickness_mm", "expected"), [(2.5, []), (2.7, []), (2.3, []), (3.0, ["slices_thick"]), (1.0, ["slices_thin"])]
)
def test_slices_off_the_protocols_thickness_have_a_finding(thickness_mm, expected):
    assert series_codes(slice_thickness_mm=thickness_mm) == expected
    assert series_codes(slice_spacing_mm=thickness_mm) == expected
    assert series_codes(slice_thickness_mm=thickness_mm, slice_spacing_mm=9.0) == expected


@pytest.mark.parametrize(
    ("spacing_mm", "expected"), [(1.0, []), (2.5, []), (4.25, ["slices_thick"]), (5, ["slices_thick"])]
)
def test_slices_of_a_file_that_states_no_thickness_are_judged_by_their_spacing(spacing_mm, expected):
    found = series_findings(ScanFacts(), PROTOCOL, spacing_mm)
    assert [finding.code for finding in found] == expected
    assert all(f"{spacing_mm:g} mm apart, and their thickness is not stated" in finding.sentence for finding in found)
    # Thickness counts where it is stated: slices may overlap or have gaps.
    assert not series_findings(ScanFacts(slice_thickness_mm=2.5), PROTOCOL, spacing_mm)


def test_a_modality_other_than_ct_has_a_finding():
    assert series_codes(modality="MR") == ["modality_not_ct"]
    assert series_codes(modality="CT") == series_codes() == []
