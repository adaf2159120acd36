"""Densities of a reading, and the findings on a calibration that may not fit its CT."""

from dataclasses import replace

import numpy as np
import pytest
from core.rod_phantom import phantom_of

from LumbarHULib.core.calibration import CalibrationScan, RodSample, fit_calibration
from LumbarHULib.core.checks.calibration import calibration_findings, is_in_time, require_same_voltage
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_settings import calibration_settings

SCAN = CalibrationScan(
    tube_voltage_kv=120.0,
    manufacturer="SIEMENS",
    scanner_model="Force",
    kernel="Br40",
    contrast=False,
    date="2026-03-01",
)
FACTS = ScanFacts(
    tube_voltage_kv=120.0,
    manufacturer="Siemens",
    scanner_model="Force ",
    kernel="Br40",
    contrast=False,
    acquired_on="2026-03-20",
)
PHANTOM = replace(phantom_of("ABCDE"), serial_number="7", certificate="C-7")


def calibration(scan=SCAN, phantom=PHANTOM, **more):
    means_hu = 5 + 1.3 * np.array([rod.density_mg_cc for rod in phantom.rods])
    means_hu += [1.0, -1.0, 0.5, -0.5, 0.0][: len(phantom.rods)]
    measured = {rod.name: RodSample(float(hu), 9.0, 300) for rod, hu in zip(phantom.rods, means_hu, strict=True)}
    return fit_calibration(phantom, measured, calibration_settings().fit, scan=scan, **({"valid_days": 31} | more))


def codes(facts=FACTS, scan=SCAN, is_same_scan=False, phantom=PHANTOM, **more):
    made = calibration(scan, phantom, **more)
    return [one.code for one in calibration_findings(made, facts, is_in_time(made, facts), is_same_scan)]


def test_a_ct_like_the_scan_of_the_phantom_has_no_finding():
    assert codes() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scanner_model": "Drive"}, "calibration_other_scanner"),
        ({"manufacturer": "GE"}, "calibration_other_scanner"),
        ({"kernel": "Br64"}, "calibration_other_kernel"),
        ({"contrast": True}, "calibration_contrast"),
        ({"acquired_on": "2026-04-02"}, "calibration_other_date"),
        ({"acquired_on": "2026-01-01"}, "calibration_other_date"),
        ({"tube_voltage_kv": None}, "calibration_unchecked"),
        ({"scanner_model": None}, "calibration_unchecked"),
        ({"kernel": None}, "calibration_unchecked"),
        ({"contrast": None}, "calibration_unchecked"),
        ({"acquired_on": None}, "calibration_unchecked"),
    ],
)
def test_each_fact_that_differs_or_is_unknown_is_a_finding(change, code):
    assert codes(replace(FACTS, **change)) == [code]


def test_the_days_are_those_that_the_calibration_is_made_for():
    later = replace(FACTS, acquired_on="2026-04-02")
    assert codes(later, valid_days=32) == []
    assert is_in_time(calibration(), replace(FACTS, acquired_on="2026-04-01")) is True
    assert is_in_time(calibration(), later) is False
    (finding,) = calibration_findings(calibration(), later, False, False)
    assert "more than 31 days before or after the phantom's scan" in finding.sentence


def test_a_stated_date_counts_where_the_headers_have_none():
    undated = replace(FACTS, acquired_on=None)
    assert is_in_time(calibration(), undated) is None
    assert is_in_time(calibration(), undated, "2026-03-05") is True
    assert is_in_time(calibration(), undated, "2027-03-05") is False
    assert is_in_time(calibration(), FACTS, "2027-03-05") is True


def test_nothing_can_differ_where_the_phantom_is_in_the_ct_but_contrast_medium_counts():
    unknown = ScanFacts()
    assert codes(unknown, CalibrationScan(), is_same_scan=True) == []
    assert codes(ScanFacts(contrast=True), CalibrationScan(contrast=True), is_same_scan=True) == [
        "calibration_contrast"
    ]


def test_another_tube_voltage_is_refused_with_both():
    with pytest.raises(InputError, match="acquired at 100 kV, but the calibration is from a scan at 120 kV"):
        require_same_voltage(calibration(), replace(FACTS, tube_voltage_kv=100.0))
    require_same_voltage(calibration(), replace(FACTS, tube_voltage_kv=120.3))
    require_same_voltage(calibration(), ScanFacts())


def test_a_phantom_without_certificate_and_one_of_two_rods_have_findings():
    assert codes(phantom=replace(PHANTOM, certificate="")) == ["calibration_without_certificate"]
    two = replace(PHANTOM, rods=(PHANTOM.rods[0], PHANTOM.rods[4]))
    assert codes(phantom=two) == ["calibration_without_interval"]
