"""The precision error by the ISCD's rule: the steps of its calculator, χ² intervals, and the share of false changes."""

import numpy as np
import pytest
import scipy.stats

from LumbarHULib.cohort.agreement import repeatability
from LumbarHULib.cohort.cases import Reading
from LumbarHULib.cohort.change import Change
from LumbarHULib.cohort.precision import level_sets, precision_error, precision_errors
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.core.errors import InputError


def simulated(patients: int, times: int, sd_hu=4.0, seed=1, mean_hu=120.0) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    true_hu = rng.normal(mean_hu, 30, patients)
    return {f"P{number}": list(hu + rng.normal(0, sd_hu, times)) for number, hu in enumerate(true_hu)}


@pytest.mark.parametrize(("patients", "times"), [(30, 2), (15, 3)])
def test_the_steps_are_those_of_the_iscd_calculator(patients, times):
    values = simulated(patients, times)
    found = precision_error(values)
    # SD of each patient, sum of their squares, divided by the number of patients, square root.
    sds = [np.std(own, ddof=1) for own in values.values()]
    assert [patient.sd_hu for patient in found.patients] == pytest.approx(sds)
    rms_sd = np.sqrt(sum(sd**2 for sd in sds) / patients)
    assert found.rms_sd.estimate == pytest.approx(rms_sd)
    assert found.degrees_of_freedom == 30
    assert found.rms_cv_percent == pytest.approx(
        100 * np.sqrt(np.mean([(np.std(own, ddof=1) / np.mean(own)) ** 2 for own in values.values()]))
    )


def test_the_factor_is_that_of_two_measurements_rounded():
    assert round(scipy.stats.norm.ppf(0.975) * np.sqrt(2), 2) == published_precision().lsc_factor


def test_the_interval_is_that_of_the_chi_square_distribution():
    found = precision_error(simulated(30, 2))
    low, high = np.sqrt(30 / scipy.stats.chi2.ppf([0.975, 0.025], 30)) * found.rms_sd.estimate
    assert (found.rms_sd.low, found.rms_sd.high) == pytest.approx((low, high))


def test_it_is_the_repeatability_of_complete_readings():
    values = simulated(20, 3)
    found, known = precision_error(values), repeatability(np.array(list(values.values())).T)
    assert found.rms_sd.estimate == pytest.approx(known.rms_sd.estimate)
    assert found.degrees_of_freedom == known.degrees_of_freedom


def test_patients_with_different_numbers_of_measurements_count_by_their_degrees_of_freedom():
    values = {"A": [100.0, 104.0], "B": [80.0, 83.0, 92.0], "once": [70.0]}
    found = precision_error(values)
    squares = sum(np.var(own, ddof=1) * (len(own) - 1) for own in (values["A"], values["B"]))
    assert found.rms_sd.estimate == pytest.approx(np.sqrt(squares / 3))
    assert (found.degrees_of_freedom, found.rms_sd.n, found.rms_sd.left_out) == (3, 2, 1)


def test_a_standard_deviation_that_grows_with_the_mean_is_found():
    rng = np.random.default_rng(2)
    means = np.linspace(40, 240, 60)
    growing = {str(mean): list(mean + rng.normal(0, 0.05 * mean, 2)) for mean in means}
    found = precision_error(growing).sd_on_mean
    differences = np.array([abs(np.subtract(*own)) for own in growing.values()])
    of_pairs = np.array([np.mean(own) for own in growing.values()])
    known = scipy.stats.spearmanr(of_pairs, differences)
    assert found.rank_correlation.estimate == pytest.approx(known.statistic)
    assert found.rank_correlation.p_value == pytest.approx(known.pvalue)
    assert found.rank_correlation.p_value < 0.001
    assert found.slope * np.sqrt(2) == pytest.approx(np.polyfit(of_pairs, differences, 1)[0])


def test_a_constant_standard_deviation_is_not_taken_for_a_dependence():
    p_values = [precision_error(simulated(30, 2, seed=seed)).sd_on_mean.rank_correlation.p_value for seed in range(300)]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_identical_measurements_have_no_precision_error():
    with pytest.raises(InputError, match=r"All repeated measurements are identical in the 2 patients: they are copies"):
        precision_error({"A": [100.1, 100.1], "B": [80.3, 80.3]})
    assert precision_error({"A": [100.1, 100.1], "B": [80.0, 81.0]}).identical == 1


def test_one_patient_is_not_a_study():
    with pytest.raises(InputError, match="needs at least 2 patients with two measurements, but there is 1"):
        precision_error({"A": [100.0, 101.0], "B": [80.0]})


def test_a_mean_that_is_not_positive_has_no_coefficient_of_variation():
    assert precision_error({"A": [-5.0, 3.0], "B": [80.0, 81.0]}).rms_cv_percent is None


def reading(case: str, number: int, hu: dict) -> Reading:
    return Reading(case, "AB", number, {(level, "round"): value for level, value in hu.items()})


def test_every_combination_of_levels_has_its_own_precision_error():
    assert level_sets({"L1", "L2", "L3", "L5"}, ("L1", "L2", "L3", "L4")) == [
        *[("L1",), ("L2",), ("L3",), ("L5",)],
        *[("L1", "L2"), ("L1", "L3"), ("L2", "L3"), ("L1", "L2", "L3")],
    ]
    readings = [
        reading("A", 1, {"L1": 100.0, "L2": 90.0}),
        reading("A", 2, {"L1": 104.0, "L2": 92.0}),
        reading("B", 1, {"L1": 70.0, "L2": 60.0}),
        reading("B", 2, {"L1": 69.0, "L2": 66.0}),
        reading("C", 1, {"L1": 50.0}),
        reading("C", 2, {"L1": 51.0, "L2": 10.0}),
    ]
    errors, missing = precision_errors(readings, ("L1", "L2", "L3", "L4"))
    found = {error.levels: error for error in errors}
    assert missing == {}
    assert [len(found[levels].patients) for levels in (("L1",), ("L2",), ("L1", "L2"))] == [3, 2, 2]
    of_mean = repeatability([[95.0, 65.0], [98.0, 67.5]])
    assert found["L1", "L2"].rms_sd.estimate == pytest.approx(of_mean.rms_sd.estimate)


def share_of_changes(lsc_hu: float, sd_hu: float, rng, number: int) -> float:
    """Return the share of unchanged patients whose two measurements differ by the LSC or more."""
    differences = rng.normal(0, sd_hu, number) - rng.normal(0, sd_hu, number)
    return np.mean([Change(change_hu=one, lsc_hu=lsc_hu, days=365).is_significant for one in differences])


def test_without_a_true_change_five_percent_count_as_changed_after_a_large_study():
    rng = np.random.default_rng(3)
    lsc_hu = 2.77 * precision_error(simulated(5000, 2, sd_hu=6.0)).rms_sd.estimate
    assert share_of_changes(lsc_hu, 6.0, rng, 40_000) == pytest.approx(0.05, abs=0.01)


def test_with_thirty_patients_the_share_is_that_of_students_t():
    """An LSC from 30 degrees of freedom is itself uncertain: 6 % instead of 5 % on average, 1 to 15 % by study."""
    rng = np.random.default_rng(4)
    shares = []
    for seed in range(1500):
        lsc_hu = 2.77 * precision_error(simulated(30, 2, sd_hu=6.0, seed=seed)).rms_sd.estimate
        shares.append(2 * scipy.stats.norm.sf(lsc_hu / (6.0 * np.sqrt(2))))
    expected = 2 * scipy.stats.t.sf(2.77 / np.sqrt(2), 30)
    assert expected == pytest.approx(0.0595, abs=0.0002)
    assert np.mean(shares) == pytest.approx(expected, abs=0.003)
    low, high = np.percentile(shares, (2.5, 97.5))
    assert 0.01 < low < 0.02
    assert 0.12 < high < 0.16
    lsc_hu = 2.77 * precision_error(simulated(30, 2, sd_hu=6.0, seed=1)).rms_sd.estimate
    assert share_of_changes(lsc_hu, 6.0, rng, 20_000) == pytest.approx(shares[1], abs=0.01)
