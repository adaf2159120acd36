"""Changes in mg/cm³: exact where the formula is simple, and right by simulation where it is not."""

import math

import numpy as np
import pytest
from core.test_calibration import DAYS, HA, LIMITS, samples, true_hu

from LumbarHULib.core.calibration import CalibrationScan, fit_calibration
from LumbarHULib.core.calibration_phantom import CalibrationPhantom, Rod, StatedError
from LumbarHULib.core.density_change import density_change, lsc_in_mg_cc

PRECISION_SD_HU, FACTOR = 4.0, 1.96 * math.sqrt(2)


def calibration(seed: int, noise_sd_hu: float = 3.0, **line):
    noise_hu = np.random.default_rng(seed).normal(0, noise_sd_hu, len(HA.rods))
    scan = CalibrationScan(voxels_sha256=f"{seed:064x}")
    return fit_calibration(HA, samples(HA, true_hu(HA, **line) + noise_hu), LIMITS, DAYS, scan)


def test_with_exact_calibrations_the_interval_is_the_lsc_divided_by_the_slope():
    one, other = calibration(1, noise_sd_hu=0.0), calibration(2, noise_sd_hu=0.0)
    for second in (one, other):
        found = density_change(one, second, 135.0, 109.0, lsc_in_mg_cc(one, second, 13.0))
        assert (found.from_mg_cc, found.to_mg_cc) == pytest.approx((100.0, 80.0))
        assert (found.low_mg_cc, found.high_mg_cc, found.lsc_mg_cc) == pytest.approx((-30.0, -10.0, 10.0), rel=1e-6)
        assert found.is_significant


def test_by_one_calibration_a_change_counts_exactly_where_it_counts_in_hu_and_its_interval_touches_zero():
    one = calibration(3)
    for change_hu in (-15.0, 15.0):
        found = density_change(one, one, 120.0, 120.0 + change_hu, lsc_in_mg_cc(one, one, 15.0))
        assert found.is_significant
        assert min(abs(found.low_mg_cc), abs(found.high_mg_cc)) == pytest.approx(0, abs=1e-9)
        less = density_change(one, one, 120.0, 120.0 + 0.999 * change_hu, lsc_in_mg_cc(one, one, 15.0))
        assert less.is_significant is False


def test_the_ends_by_one_calibration_solve_their_equation():
    one = calibration(4)
    found = density_change(one, one, 150.0, 90.0, lsc_in_mg_cc(one, one, 15.0))
    line = one.line
    for end in (found.low_mg_cc, found.high_mg_cc):
        variance = 15.0**2 + line.t**2 * line.slope_variance * end**2
        assert (-60.0 - line.slope * end) ** 2 == pytest.approx(variance, rel=1e-9)


def test_without_an_interval_or_an_lsc_there_is_a_change_only():
    two = CalibrationPhantom("Two", "HA", (Rod("A", 0.0), Rod("B", 200.0)))
    bare = fit_calibration(two, samples(two, true_hu(two)), LIMITS, DAYS)
    for found in (density_change(bare, bare, 135.0, 109.0, 10.0), density_change(bare, bare, 135.0, 109.0, None)):
        assert found.change_mg_cc == pytest.approx(-20.0)
        assert (found.low_mg_cc, found.high_mg_cc, found.lsc_mg_cc, found.is_significant) == (None,) * 4


def test_without_a_phantom_both_dates_have_the_stated_error():
    tissues = CalibrationPhantom("Ours", "HA", HA.rods, stated_error=StatedError(6.0, 1_000_000, "us"))
    one = fit_calibration(tissues, samples(tissues, true_hu(tissues)), LIMITS, DAYS)
    found = density_change(one, one, 135.0, 109.0, 10.0)
    assert found.lsc_mg_cc == pytest.approx(math.hypot(10.0, 1.959964 * 6.0, 1.959964 * 6.0), rel=1e-4)


def test_an_lsc_of_scans_with_their_own_calibrations_is_not_enlarged():
    found = density_change(calibration(5), calibration(6), 135.0, 109.0, 10.0, includes_calibrations=True)
    assert found.lsc_mg_cc == 10.0
    assert density_change(calibration(5), calibration(6), 135.0, 109.0, 10.0).lsc_mg_cc > 10.0


def simulated(is_one: bool, change_mg_cc: float, studies: int = 4000) -> tuple[float, float, float]:
    """Return share of changes that count, share of intervals that contain the change, and mean error in mg/cm³.

    Rods have noise of 3 HU; between the dates of two calibrations, the scanner drifts by 6 HU and 3 %.
    """
    rng = np.random.default_rng(18)
    counted = covered = 0
    differences = []
    for _ in range(studies):
        one = fit_calibration(HA, samples(HA, true_hu(HA) + rng.normal(0, 3.0, 5)), LIMITS, DAYS)
        drifted = {} if is_one else {"slope": 1.3 * 1.03, "intercept_hu": 11.0}
        other = one
        if not is_one:
            other = fit_calibration(HA, samples(HA, true_hu(HA, **drifted) + rng.normal(0, 3.0, 5)), LIMITS, DAYS)
        hu = [
            line.get("intercept_hu", 5.0) + line.get("slope", 1.3) * density + rng.normal(0, PRECISION_SD_HU)
            for line, density in (({}, 120.0), (drifted, 120.0 + change_mg_cc))
        ]
        lsc_mg_cc = lsc_in_mg_cc(one, other, FACTOR * PRECISION_SD_HU)
        found = density_change(one, other, *hu, lsc_mg_cc)
        counted += found.is_significant
        covered += found.low_mg_cc <= change_mg_cc <= found.high_mg_cc
        differences.append(found.change_mg_cc - change_mg_cc)
    return counted / studies, covered / studies, float(np.mean(differences))


@pytest.mark.parametrize("is_one", [True, False])
def test_unchanged_patients_count_in_5_percent(is_one):
    counted, covered, bias_mg_cc = simulated(is_one, 0.0)
    assert 0.04 <= counted <= 0.06
    assert covered == pytest.approx(1 - counted)
    assert abs(bias_mg_cc) < 1.0


@pytest.mark.parametrize("is_one", [True, False])
def test_the_interval_contains_the_true_change_in_95_percent(is_one):
    _, covered, bias_mg_cc = simulated(is_one, -40.0)
    assert 0.93 <= covered <= 0.97
    assert abs(bias_mg_cc) < 1.0
