"""Calibrations: the fit, its intervals by simulation, and each refusal."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api
from scipy import stats

from LumbarHULib.core.calibration import Calibration, RodSample, fit_calibration
from LumbarHULib.core.calibration_phantom import CalibrationPhantom, LiquidCorrection, Rod, StatedError
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.phantom_file import load_phantom

LIMITS = calibration_settings().fit
DAYS = 31
HA = CalibrationPhantom("HA", "HA", tuple(Rod(name, 50.0 * number) for number, name in enumerate("ABCDE")))
LIQUID = load_phantom("mindways-model-3-ct").phantom


def samples(phantom: CalibrationPhantom, means_hu) -> dict[str, RodSample]:
    return {rod.name: RodSample(float(hu), 10.0, 300) for rod, hu in zip(phantom.rods, means_hu, strict=True)}


def true_hu(phantom: CalibrationPhantom, slope=1.3, intercept_hu=5.0) -> np.ndarray:
    """Return the HU of each rod where bone of a density has intercept + slope · density."""
    densities = np.array([rod.density_mg_cc for rod in phantom.rods])
    if phantom.correction is None:
        return intercept_hu + slope * densities
    water = np.array([rod.water_mg_cc for rod in phantom.rods])
    # Mindways's formulas, solved for the HU of a rod.
    return water + (slope + 0.2174) * densities + intercept_hu - 999.6


def fitted(phantom=HA, noise_sd_hu=2.0, seed=1, **line) -> Calibration:
    noise_hu = np.random.default_rng(seed).normal(0, noise_sd_hu, len(phantom.rods))
    return fit_calibration(phantom, samples(phantom, true_hu(phantom, **line) + noise_hu), LIMITS, DAYS)


def test_the_line_is_that_of_numpy_and_of_statsmodels():
    calibration = fitted()
    densities = np.array([rod.density_mg_cc for rod in HA.rods])
    means_hu = np.array([one.sample.mean_hu for one in calibration.rods])
    line = calibration.line
    assert [line.slope, line.intercept_hu] == pytest.approx(np.polyfit(densities, means_hu, 1), rel=1e-12)
    model = statsmodels.api.OLS(means_hu, statsmodels.api.add_constant(densities)).fit()
    expected = model.cov_params()
    assert line.intercept_variance == pytest.approx(expected[0, 0], rel=1e-10)
    assert line.slope_variance == pytest.approx(expected[1, 1], rel=1e-10)
    assert line.covariance == pytest.approx(expected[0, 1], rel=1e-10)
    assert line.residual_sd_hu == pytest.approx(np.sqrt(model.mse_resid), rel=1e-10)
    assert line.degrees_of_freedom == model.df_resid
    assert [one.residual_hu for one in calibration.rods] == pytest.approx(model.resid, abs=1e-10)
    influence = model.get_influence()
    assert [one.leverage for one in calibration.rods] == pytest.approx(influence.hat_matrix_diag, rel=1e-10)


def test_liquid_equivalent_rods_are_corrected_by_the_formulas_of_their_maker():
    calibration = fitted(LIQUID)
    rods = calibration.rods
    without_water_hu = [one.sample.mean_hu - one.rod.water_mg_cc for one in rods]
    sigma_ref, beta_ref = np.polyfit([one.rod.density_mg_cc for one in rods], without_water_hu, 1)
    sigma_ct, beta_ct = sigma_ref - 0.2174, beta_ref + 999.6
    assert calibration.unit == "K2HPO4"
    for hu in (-20.0, 90.0, 240.0):
        assert calibration.density(hu).mean_mg_cc == pytest.approx((hu - beta_ct) / sigma_ct, rel=1e-12)


@pytest.mark.parametrize("phantom", [HA, LIQUID], ids=["HA", "K2HPO4"])
def test_rods_on_a_line_give_it_back_and_the_interval_has_no_width(phantom):
    calibration = fit_calibration(phantom, samples(phantom, true_hu(phantom, 1.4, -3.0)), LIMITS, DAYS)
    density = calibration.density(-3.0 + 1.4 * 120)
    assert density.mean_mg_cc == pytest.approx(120, abs=1e-9)
    assert [density.low_mg_cc, density.high_mg_cc] == pytest.approx([120, 120], abs=1e-6)


def test_the_ends_of_an_interval_deviate_from_the_line_by_t_standard_deviations():
    calibration = fitted(noise_sd_hu=4.0)
    densities = np.array([rod.density_mg_cc for rod in HA.rods])
    means_hu = np.array([one.sample.mean_hu for one in calibration.rods])
    model = statsmodels.api.OLS(means_hu, statsmodels.api.add_constant(densities)).fit()
    found = calibration.density(150.0)
    ends = np.array([found.low_mg_cc, found.high_mg_cc])
    predicted = model.get_prediction(np.column_stack([np.ones(2), ends]))
    # A new observation at either end has the measured HU at an end of its own prediction interval.
    intervals_hu = predicted.conf_int(obs=True, alpha=0.05)
    assert intervals_hu[0, 1] == pytest.approx(150.0, abs=1e-8)
    assert intervals_hu[1, 0] == pytest.approx(150.0, abs=1e-8)


SHIPPED = [
    *("qrm-bdc-6", "b-mas-200", "mindways-model-3-ct", "mindways-model-3-qa"),
    *("qrm-bdc-3", "image-analysis-qct-3d-plus"),
]


def simulated(name: str, true_mg_cc: float, offset_sd_hu: float, number: int = 2000) -> tuple[float, float, int]:
    """Return share of intervals that contain the true density, mean error in mg/cm³, and number of refused fits.

    Rods and region have noise of their mean and an offset of their position, as by beam hardening.
    """
    phantom = load_phantom(name).phantom
    random = np.random.default_rng(SHIPPED.index(name))
    covered, errors_mg_cc, refused = [], [], 0
    for _ in range(number):
        offsets_hu = random.normal(0, offset_sd_hu, len(phantom.rods) + 1)
        # Means of 300 voxels with a noise SD of 15 HU, of which every tenth is independent.
        offsets_hu += random.normal(0, 15 / np.sqrt(30), len(phantom.rods) + 1)
        try:
            calibration = fit_calibration(phantom, samples(phantom, true_hu(phantom) + offsets_hu[:-1]), LIMITS, DAYS)
        except InputError:  # three rods that happen to be so far from a line that any slope is possible
            refused += 1
            continue
        density = calibration.density(5.0 + 1.3 * true_mg_cc + offsets_hu[-1])
        covered.append(density.low_mg_cc <= true_mg_cc <= density.high_mg_cc)
        errors_mg_cc.append(density.mean_mg_cc - true_mg_cc)
    return float(np.mean(covered)), float(np.mean(errors_mg_cc)), refused


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    ("true_mg_cc", "offset_sd_hu"),
    [(150.0, 3.0), *(pytest.param(*row, marks=pytest.mark.proof) for row in [(50.0, 1.0), (50.0, 3.0), (150.0, 1.0)])],
)
def test_the_interval_covers_the_true_density_in_95_percent_and_the_mean_has_no_bias(name, true_mg_cc, offset_sd_hu):
    covered, bias_mg_cc, refused = simulated(name, true_mg_cc, offset_sd_hu)
    assert refused <= 10
    assert 0.93 <= covered <= 0.97
    assert abs(bias_mg_cc) <= 1.0


def test_a_mean_over_levels_has_the_mean_of_their_densities():
    calibration = fitted()
    levels_hu = [80.0, 95.5, 130.25, 61.0]
    densities = [calibration.density(hu).mean_mg_cc for hu in levels_hu]
    assert calibration.density(np.mean(levels_hu)).mean_mg_cc == pytest.approx(np.mean(densities), rel=1e-12)


def test_two_rods_give_densities_without_an_interval():
    phantom = load_phantom("siemens-osteo").phantom
    calibration = fit_calibration(phantom, samples(phantom, [4.0, 264.0]), LIMITS, DAYS)
    density = calibration.density(134.0)
    assert density.mean_mg_cc == pytest.approx(100)
    assert (density.low_mg_cc, density.high_mg_cc) == (None, None)
    assert not calibration.has_interval


def test_a_phantomless_calibration_has_the_interval_of_the_error_that_the_site_states():
    tissues = (Rod("air", -840.0), Rod("fat", -80.0), Rod("muscle", 30.0))
    phantom = CalibrationPhantom("site", "HA", tissues, stated_error=StatedError(8.0, 20, "site, 2026"))
    calibration = fit_calibration(phantom, samples(phantom, [-1000.0, -98.0, 55.0]), LIMITS, DAYS)
    density = calibration.density(120.0)
    half = stats.t(20).ppf(0.975) * 8.0
    assert density.high_mg_cc - density.mean_mg_cc == pytest.approx(half)
    assert density.mean_mg_cc - density.low_mg_cc == pytest.approx(half)


def test_rods_in_the_wrong_order_are_refused_with_names_and_values():
    exchanged = true_hu(HA)[[0, 3, 2, 1, 4]]
    with pytest.raises(InputError, match=r"wrong order: B \(50 mg/cm³\) has 200\.0 HU and C \(100 mg/cm³\) 135\.0 HU"):
        fit_calibration(HA, samples(HA, exchanged), LIMITS, DAYS)


def test_exchanged_liquid_rods_of_nearly_the_same_density_are_refused():
    means_hu = np.add(true_hu(LIQUID), [0.5, -0.4, 0.3, -0.6, 0.2])
    with pytest.raises(InputError, match="A and B seem to be exchanged"):
        fit_calibration(LIQUID, samples(LIQUID, means_hu[[1, 0, 2, 3, 4]]), LIMITS, DAYS)


def test_a_phantom_in_reverse_is_refused():
    for phantom in (HA, LIQUID):
        with pytest.raises(InputError, match="wrong order"):
            fit_calibration(phantom, samples(phantom, true_hu(phantom)[::-1]), LIMITS, DAYS)


def test_densities_in_another_unit_are_refused():
    in_grams = replace(HA, rods=tuple(Rod(rod.name, rod.density_mg_cc / 1000) for rod in HA.rods))
    limits = replace(LIMITS, order_mg_cc=0.0)
    with pytest.raises(InputError, match=r"slope is 1300 HU per mg/cm³ of HA, outside 0\.3 to 4: check that the dens"):
        fit_calibration(in_grams, samples(in_grams, true_hu(HA)), limits, DAYS)
    with pytest.raises(InputError, match="slope is 1300"):
        fit_calibration(in_grams, samples(in_grams, true_hu(HA)), LIMITS, DAYS)


def test_water_in_another_unit_is_refused():
    rods = tuple(Rod(rod.name, rod.density_mg_cc, rod.water_mg_cc / 1000) for rod in LIQUID.rods)
    with pytest.raises(InputError, match=r"A density of 0 mg/cm³ would have \d+ HU, outside ±200 HU|wrong order"):
        fit_calibration(replace(LIQUID, rods=rods), samples(LIQUID, true_hu(LIQUID)), LIMITS, DAYS)


def test_a_missing_rod_is_named_and_an_excluded_one_needs_enough_others():
    measured = samples(HA, np.add(true_hu(HA), [1, -1, 1, -1, 1]))
    del measured["C"], measured["D"]
    with pytest.raises(InputError, match="C, D of “HA” are not measured"):
        fit_calibration(HA, measured, LIMITS, DAYS)
    calibration = fit_calibration(HA, measured, LIMITS, DAYS, excluded={"C": "bubble", "D": "bubble"})
    assert [one.rod.name for one in calibration.rods] == ["A", "B", "E"]
    with pytest.raises(InputError, match="Only 2 of the 5 rods of “HA” can be used: a calibration needs at least 3"):
        fit_calibration(HA, measured, LIMITS, DAYS, excluded=dict.fromkeys("BCD", "bubble"))


def test_a_slope_that_noise_could_explain_is_refused():
    phantom = replace(HA, rods=HA.rods[:3])
    with pytest.raises(InputError, match=r"cannot be distinguished from 0"):
        fit_calibration(phantom, samples(phantom, [0.0, 125.0, 130.0]), LIMITS, DAYS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit": "g/cm³"}, "unit of the phantom is g/cm³"),
        ({"rods": (Rod("A", 0.0), Rod("a", 100.0))}, "2 rods have the name A"),
        ({"rods": (Rod("A", 0.0, None, 3), Rod("B", 9.0, None, 3))}, "2 rods have the label value 3"),
        ({"rods": (Rod("A", 50.0), Rod("B", 50.0))}, "at least 2 densities"),
        ({"rods": (Rod("A", 0.0, 1000.0), Rod("B", 9.0))}, "unit is HA, but the rod A has a density of water"),
        ({"unit": "K2HPO4"}, "unit is K2HPO4, but the rod A has no density of water"),
    ],
)
def test_a_phantom_that_contradicts_itself_is_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        replace(HA, **change)


def test_a_rod_without_a_name_or_a_finite_density_is_refused():
    with pytest.raises(InputError, match="has the name ' '"):
        Rod(" ", 1.0)
    with pytest.raises(InputError, match="density of the rod A is not a finite number"):
        Rod("A", float("nan"))
    with pytest.raises(InputError, match="stated error of 0 mg/cm³"):
        StatedError(0.0, 3, "x")


def test_rods_with_water_need_their_correction():
    rods = (Rod("A", 0.0, 1000.0), Rod("B", 100.0, 1010.0))
    with pytest.raises(ValueError, match="need a correction"):
        CalibrationPhantom("x", "K2HPO4", rods)
    assert CalibrationPhantom("x", "K2HPO4", rods, correction=LiquidCorrection(-0.2, 999.0)).is_liquid
