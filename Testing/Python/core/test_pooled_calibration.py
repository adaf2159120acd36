"""Calibrations pooled from several scans: the mean line, and intervals that cover another scan."""

from dataclasses import replace

import numpy as np
import pytest
from core.test_calibration import DAYS, HA, LIMITS, samples, true_hu

from LumbarHULib.core.calibration import CalibrationScan, fit_calibration
from LumbarHULib.core.calibration_phantom import CalibrationPhantom, Rod, StatedError
from LumbarHULib.core.checks.calibration import is_in_time
from LumbarHULib.core.density_change import density_change, is_same_calibration
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.pooled_calibration import pool_calibrations
from LumbarHULib.core.scan_facts import ScanFacts

SCAN = CalibrationScan(120.0, "SIEMENS", "Sensation 64", "B40f", False)
DENSITIES = np.array([rod.density_mg_cc for rod in HA.rods])


def scans(number, seed=1, drift_hu=4.0, drift_share=0.015, rods_hu=2.0, noise_hu=1.0):
    """Return calibrations of one phantom: rods deviate alike in all scans, and the scanner drifts between them."""
    rng = np.random.default_rng(seed)
    certificate_hu = rng.normal(0, rods_hu, len(HA.rods))
    return [one_scan(rng, certificate_hu, month, drift_hu, drift_share, noise_hu) for month in range(1, number + 1)]


def one_scan(rng, certificate_hu, month, drift_hu, drift_share, noise_hu):
    line = {"slope": 1.3 * (1 + rng.normal(0, drift_share)), "intercept_hu": 5.0 + rng.normal(0, drift_hu)}
    means_hu = true_hu(HA, **line) + certificate_hu + rng.normal(0, noise_hu, len(HA.rods))
    scan = replace(SCAN, date=f"2026-{month % 12 + 1:02}-01", voxels_sha256=f"{month:064x}")
    return fit_calibration(HA, samples(HA, means_hu), LIMITS, DAYS, scan)


def test_the_line_is_the_mean_of_the_lines_and_goes_through_the_mean_of_each_rod():
    every = scans(6)
    pooled = pool_calibrations(every)
    assert pooled.line.slope == pytest.approx(np.mean([one.line.slope for one in every]))
    assert pooled.line.intercept_hu == pytest.approx(np.mean([one.line.intercept_hu for one in every]))
    means_hu = np.mean([[rod.sample.mean_hu for rod in one.rods] for one in every], axis=0)
    assert [rod.sample.mean_hu for rod in pooled.rods] == pytest.approx(means_hu)
    assert np.polyfit(DENSITIES, means_hu, 1) == pytest.approx([pooled.line.slope, pooled.line.intercept_hu])


def test_the_variation_between_scans_is_that_of_their_lines_at_every_density():
    every = scans(8)
    between = pool_calibrations(every).line.between
    for density in (0.0, 100.0, 180.0):
        values_hu = [one.line.intercept_hu + one.line.slope * density for one in every]
        assert between.variance.at(density) == pytest.approx(np.var(values_hu, ddof=1))
        assert between.of_a_scan.at(density) == pytest.approx(np.var(values_hu, ddof=1) * 9 / 8)


def test_the_order_of_the_scans_does_not_matter():
    every = scans(5)
    assert pool_calibrations(every) == pool_calibrations(every[::-1])


def test_equal_scans_have_the_interval_of_one():
    one = scans(1, noise_hu=1.0)[0]
    same = [replace(one, scan=replace(one.scan, voxels_sha256=f"{n:064x}")) for n in range(4)]
    pooled = pool_calibrations(same)
    assert pooled.line.interval(130.0) == pytest.approx(one.line.interval(130.0))


@pytest.mark.parametrize(
    ("number", "true_mg_cc"),
    [(6, 50.0), *(pytest.param(*row, marks=pytest.mark.proof) for row in [(3, 120.0), (12, 120.0)])],
)
def test_the_interval_covers_a_patient_on_another_day_and_that_of_a_single_scan_does_not(number, true_mg_cc):
    """The patient's vertebra deviates from the line of its day as a rod does."""
    rng = np.random.default_rng(7)
    covered, by_one, errors = [], [], []
    for _ in range(1500):
        certificate_hu = rng.normal(0, 2.0, len(HA.rods))
        every = [one_scan(rng, certificate_hu, month, 4.0, 0.015, 1.0) for month in range(1, number + 1)]
        hu = 5.0 + rng.normal(0, 4.0) + 1.3 * (1 + rng.normal(0, 0.015)) * true_mg_cc + rng.normal(0, 2.2)
        for calibration, found in ((pool_calibrations(every), covered), (every[0], by_one)):
            density = calibration.density(hu)
            found.append(density.low_mg_cc <= true_mg_cc <= density.high_mg_cc)
        errors.append(pool_calibrations(every).density(hu).mean_mg_cc - true_mg_cc)
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(by_one) < 0.93
    assert abs(np.mean(errors)) <= 1.0


def test_two_dates_with_one_pooled_line_do_not_share_its_error():
    pooled = pool_calibrations(scans(6))
    assert not is_same_calibration(pooled, pooled)
    assert density_change(pooled, pooled, 130.0, 100.0, 5.0).lsc_mg_cc > 5.0


def test_a_ct_is_in_time_near_any_of_the_scans():
    every = scans(3)  # February, March, April
    pooled = pool_calibrations(every)
    for date, is_near in (("2026-01-05", True), ("2026-03-15", True), ("2026-05-20", False), ("2025-12-25", False)):
        assert is_in_time(pooled, ScanFacts(acquired_on=date)) is is_near, date
    undated = [*every[:2], replace(every[2], scan=replace(every[2].scan, date=None))]
    assert is_in_time(pool_calibrations(undated), ScanFacts(acquired_on="2026-03-15")) is None


def of_scan(**facts):
    return lambda one: replace(one, scan=replace(one.scan, **facts))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (of_scan(tube_voltage_kv=100.0), r"1 and 3 differ in tube voltage \(120.0 and 100.0\)"),
        (of_scan(scanner_model="Force"), r"differ in scanner model \(Sensation 64 and Force\)"),
        (of_scan(kernel="B60f"), "differ in kernel"),
        (of_scan(contrast=True), r"differ in contrast medium \(False and True\)"),
        (of_scan(voxels_sha256=f"{1:064x}"), "Calibrations 1 and 3 are of the same scan: give each scan once"),
        (lambda one: replace(one, phantom=replace(one.phantom, serial_number="7")), r"phantom \(“HA” and “HA 7”\)"),
        (lambda one: replace(one, rods=one.rods[1:]), "1 and 3 use different rods: exclude the same rods"),
    ],
)
def test_scans_that_do_not_belong_together_are_refused(change, sentence):
    first, second, third = scans(3)
    with pytest.raises(InputError, match=sentence):
        pool_calibrations([first, second, change(third)])


def test_too_few_scans_pooled_ones_and_those_without_a_phantom_are_refused():
    with pytest.raises(InputError, match="2 calibrations are given: pool at least 3 scans"):
        pool_calibrations(scans(2))
    with pytest.raises(InputError, match="A pooled calibration cannot be pooled again"):
        pool_calibrations([pool_calibrations(scans(3))] * 3)
    tissues = CalibrationPhantom(
        "T", "HA", (Rod("a", 0.0), Rod("b", 50.0), Rod("c", 99.0)), stated_error=StatedError(5, 9, "us")
    )
    bare = fit_calibration(tissues, samples(tissues, true_hu(tissues)), LIMITS, DAYS)
    with pytest.raises(InputError, match="without a phantom cannot be pooled"):
        pool_calibrations([bare] * 3)


def test_a_fact_that_one_scan_does_not_state_is_unknown():
    first, second, third = scans(3)
    pooled = pool_calibrations([first, second, of_scan(kernel=None)(third)])
    assert (pooled.scan.kernel, pooled.scan.scanner_model) == (None, "Sensation 64")
