import math

import numpy as np
import pytest
from scipy import stats

from LumbarHULib.cohort.agreement import bland_altman, intraclass_correlations, repeatability, scaled
from LumbarHULib.core.errors import InputError

# Twelve cases, three readers; the intervals are those of pingouin 0.6.1, unrounded.
TWELVE = [
    [82.2, 56.6, 106.3, 140.1, 167.9, 122.8, 90.2, 86.8, 143.4, 178.7, 118.9, 70.9],
    [100.5, 69.5, 110.1, 139.4, 173.4, 121.5, 101.0, 85.3, 144.8, 195.4, 135.5, 73.9],
    [87.1, 58.0, 103.8, 131.3, 153.6, 121.3, 95.7, 84.2, 149.3, 187.7, 122.3, 56.7],
]
# Shrout and Fleiss 1979, table 2: six cases, four readers; printed ICC(2,1) = 0.29 and ICC(3,1) = 0.71.
SHROUT_FLEISS = [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]]
# Pingouin's data set “icc”: eight wines, four judges (real-statistics.com); its documentation prints both intervals as
# 0.43 to 0.93, and pingouin 0.7.0 both coefficients as below.
WINES = [[1, 1, 3, 6, 6, 7, 8, 9], [2, 3, 8, 4, 5, 5, 7, 9], [0, 3, 1, 3, 5, 6, 7, 9], [1, 2, 4, 3, 6, 2, 9, 8]]


@pytest.mark.parametrize(
    ("readings", "agreement", "consistency"),
    [
        (
            TWELVE,
            (0.9699903005558991, 0.891336046202308, 0.991464537982469),
            (0.9813856909484288, 0.951717411830596, 0.994127574550966),
        ),
        (
            SHROUT_FLEISS,
            (0.28976377952755916, 0.018786513374712, 0.761084369648953),
            (0.7148407148407154, 0.342464765033926, 0.94585825995536),
        ),
    ],
)
def test_intraclass_correlations_and_their_intervals_match_pingouin(readings, agreement, consistency):
    result = intraclass_correlations(readings)
    for found, expected in ((result.icc_2_1, agreement), (result.icc_3_1, consistency)):
        assert (found.estimate, found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_the_correlations_of_wines_match_the_output_of_pingouin():
    result = intraclass_correlations(WINES)
    assert result.icc_2_1.estimate == pytest.approx(0.727688787185355, abs=1e-14)
    assert result.icc_3_1.estimate == pytest.approx(0.729486500794071, abs=1e-14)
    for icc in (result.icc_2_1, result.icc_3_1):
        assert (round(icc.low, 2), round(icc.high, 2)) == (0.43, 0.93)


def test_readers_who_agree_to_the_digit_have_a_correlation_of_one():
    result = intraclass_correlations([TWELVE[0], TWELVE[0]])
    for icc in (result.icc_2_1, result.icc_3_1):
        assert (icc.estimate, icc.low, icc.high) == pytest.approx((1, 1, 1), abs=1e-12)


def test_rounding_takes_no_correlation_from_readers_who_agree_to_the_digit():
    rng = np.random.default_rng(0)
    for _ in range(200):
        column = np.round(rng.normal(110, 60, 20), 2)
        for icc in vars(intraclass_correlations([column, column])).values():
            assert icc.low <= icc.estimate <= icc.high


def test_a_reader_who_reads_higher_throughout_is_consistent_and_does_not_agree():
    result = intraclass_correlations([[10, 20, 30, 40], [50, 60, 70, 80]])
    assert result.icc_3_1.estimate == pytest.approx(1)
    assert result.icc_2_1.estimate < 0.2


def test_the_interval_of_the_intraclass_correlation_holds_the_truth_in_95_percent_of_studies():
    rng = np.random.default_rng(3)
    truth = 30**2 / (30**2 + 10**2)
    inside = 0
    for _ in range(600):
        cases = rng.normal(120, 30, 20)
        result = intraclass_correlations([cases + rng.normal(0, 10, 20) for _ in range(2)]).icc_3_1
        inside += result.low <= truth <= result.high
    assert 0.93 < inside / 600 < 0.97


def test_bias_and_limits_of_agreement_are_those_of_the_formula():
    rng = np.random.default_rng(1)
    first, second = rng.normal(120, 40, 25), rng.normal(117, 40, 25)
    result = bland_altman(first, second)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    bias = sum(differences) / 25
    sd = math.sqrt(sum((one - bias) ** 2 for one in differences) / 24)
    t24 = 2.0638985616280205  # R: qt(0.975, 24)
    assert result.sd == pytest.approx(sd, rel=1e-12)
    assert result.bias.high - result.bias.estimate == pytest.approx(t24 * sd / 5, rel=1e-9)
    assert result.upper_limit.estimate == pytest.approx(bias + 1.959963984540054 * sd, rel=1e-12)
    reach = t24 * sd * math.sqrt(1 / 25 + 1.959963984540054**2 / 48)
    assert (result.lower_limit.low, result.lower_limit.high) == pytest.approx(
        (bias - 1.959963984540054 * sd - reach, bias - 1.959963984540054 * sd + reach), rel=1e-9
    )


def test_the_interval_of_the_bias_is_that_of_a_t_test():
    from scipy.stats import ttest_1samp

    result = bland_altman(TWELVE[0], TWELVE[1])
    expected = ttest_1samp(np.subtract(TWELVE[0], TWELVE[1]), 0).confidence_interval(0.95)
    assert (result.bias.low, result.bias.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_the_precision_error_of_two_readings_is_the_root_of_half_the_mean_squared_difference():
    result = repeatability([TWELVE[0], TWELVE[1]])
    rms_sd = math.sqrt(sum((a - b) ** 2 / 2 for a, b in zip(TWELVE[0], TWELVE[1], strict=True)) / 12)
    assert result.rms_sd.estimate == pytest.approx(rms_sd, rel=1e-12)
    assert scaled(result.rms_sd, 2.77).estimate == pytest.approx(2.77 * rms_sd, rel=1e-12)
    assert result.cv_percent.estimate == pytest.approx(100 * rms_sd / np.mean(TWELVE[:2]), rel=1e-12)
    assert result.degrees_of_freedom == 12
    # R: qchisq(c(0.975, 0.025), 12)
    assert (result.rms_sd.low, result.rms_sd.high) == pytest.approx(
        (rms_sd * math.sqrt(12 / 23.33666415864534), rms_sd * math.sqrt(12 / 4.403788506981702)), rel=1e-9
    )


def test_readings_without_any_difference_have_no_error():
    result = repeatability([[0.1, 0.7], [0.1, 0.7], [0.1, 0.7]])
    assert (result.rms_sd.estimate, result.rms_sd.high) == (0, 0)


def test_a_mean_below_zero_has_no_coefficient_of_variation():
    assert repeatability([[-20, -30], [-22, -28]]).cv_percent is None


def test_cases_without_all_readings_are_left_out_and_counted():
    with_gap = [[*TWELVE[0], 100, None], [*TWELVE[1], math.nan, 90]]
    assert bland_altman(*with_gap).bias.left_out == 2
    assert bland_altman(*with_gap).sd == bland_altman(TWELVE[0], TWELVE[1]).sd
    assert intraclass_correlations(with_gap).icc_2_1.left_out == 2
    assert repeatability(with_gap).rms_sd.n == 12


@pytest.mark.parametrize("readings", [[[5, 5, 5], [5, 5, 5]], [[5, 5, 5], [7, 7, 7]]])
def test_readings_that_do_not_distinguish_cases_are_refused(readings):
    with pytest.raises(InputError, match="Every case has the same value"):
        intraclass_correlations(readings)


def test_two_cases_are_too_few_and_one_reader_as_well():
    with pytest.raises(InputError, match="at least 3 complete cases, but there are 2"):
        intraclass_correlations([[1, 2], [1, 3]])
    with pytest.raises(InputError, match="at least 2 readings, but there is 1"):
        repeatability([[1, 2, 3]])


@pytest.mark.parametrize("seed", range(5))
def test_the_slope_of_the_difference_on_the_mean_matches_scipy(seed):
    random = np.random.default_rng(seed)
    first = random.normal(110, 40, 25)
    second = first * 0.9 + random.normal(0, 5, 25)
    limits = bland_altman(first, second)
    expected = stats.linregress((first + second) / 2, first - second)
    reach = stats.t.ppf(0.975, 23) * expected.stderr
    assert (limits.slope.estimate, limits.slope_p) == pytest.approx((expected.slope, expected.pvalue), rel=1e-9)
    assert limits.slope.low == pytest.approx(expected.slope - reach, rel=1e-9)
    assert limits.slope.high == pytest.approx(expected.slope + reach, rel=1e-9)


def test_a_bias_that_grows_with_the_value_is_proportional_and_a_constant_one_is_not():
    truth = np.linspace(40, 200, 30)
    noise = np.random.default_rng(3).normal(0, 3, (2, 30))
    assert bland_altman(truth * 1.1 + noise[0], truth + noise[1]).is_proportional
    assert not bland_altman(truth + 12 + noise[0], truth + noise[1]).is_proportional


def test_readers_with_identical_values_have_zero_slope_and_a_single_value_has_no_slope():
    same = bland_altman(TWELVE[0], TWELVE[0])
    assert (same.slope.estimate, same.slope_p, same.is_proportional) == (0.0, 1.0, False)
    constant = bland_altman([5.0, 6.0, 4.0], [5.0, 4.0, 6.0])
    assert (constant.slope, constant.slope_p) == (None, None)
