import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS, add_constant

from LumbarHULib.cohort.correlation import partial_spearman, spearman
from LumbarHULib.core.errors import InputError

# Thirty made-up cases; R and P of HU and BMD without age and sex are those of pingouin 0.6.1 (partial_corr, spearman).
HU = [68, 65, 83, 108, 100, 119, 93, 108, 82, 100, 58, 112, 163, 105, 78]
HU += [171, 110, 80, 127, 103, 77, 88, 89, 101, 133, 120, 118, 192, 98, 143]
BMD = [0.52, 0.43, 0.48, 0.72, 0.7, 0.71, 0.65, 0.79, 0.6, 0.75, 0.5, 0.75, 1.09, 0.74, 0.6]
BMD += [1.03, 0.59, 0.56, 0.85, 0.75, 0.72, 0.63, 0.48, 0.86, 0.91, 0.66, 0.86, 1.07, 0.5, 0.82]
AGE = [
    63,
    63,
    74,
    54,
    72,
    55,
    62,
    57,
    78,
    70,
    87,
    71,
    73,
    73,
    60,
    64,
    77,
    61,
    67,
    65,
    70,
    62,
    64,
    67,
    66,
    57,
    73,
    53,
    54,
    53,
]
SEX = [0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1]
R, P = 0.8349750120569561, 3.291790369530648e-08


@pytest.mark.parametrize("seed", range(6))
def test_rank_correlation_matches_scipy(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 30, 80)
    second = first * rng.choice([-1, 1]) + rng.normal(0, 20, 80)
    found, expected = spearman(first, second), stats.spearmanr(first, second)
    assert (found.estimate, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_the_interval_is_that_of_bonett_and_wright():
    found = spearman(HU, BMD)
    reach = 1.959963984540054 * math.sqrt((1 + found.estimate**2 / 2) / 27)
    ends = math.tanh(math.atanh(found.estimate) - reach), math.tanh(math.atanh(found.estimate) + reach)
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-12)


def test_partial_rank_correlation_matches_pingouin():
    found = partial_spearman(HU, BMD, {"age": AGE, "sex": SEX})
    assert (found.estimate, found.p_value) == pytest.approx((R, P), rel=1e-9)
    assert found.adjusted_for == ("age", "sex")
    reach = 1.959963984540054 * math.sqrt((1 + R * R / 2) / (30 - 2 - 3))
    assert found.low == pytest.approx(math.tanh(math.atanh(R) - reach), rel=1e-9)


def test_partial_rank_correlation_is_the_correlation_of_regression_residuals():
    rng = np.random.default_rng(11)
    held = rng.normal(size=(200, 3))
    first, second = held @ [1, 2, 3] + rng.normal(size=200), held @ [3, 0, 1] + rng.normal(size=200)
    ranks = add_constant(np.apply_along_axis(stats.rankdata, 0, held))
    rests = [OLS(stats.rankdata(column), ranks).fit().resid for column in (first, second)]
    found = partial_spearman(first, second, {"a": held[:, 0], "b": held[:, 1], "c": held[:, 2]})
    assert found.estimate == pytest.approx(np.corrcoef(*rests)[0, 1], abs=1e-9)


def test_the_interval_holds_the_truth_in_95_percent_of_studies():
    rng = np.random.default_rng(2)
    r = 0.8
    rho = 6 / math.pi * math.asin(r / 2)
    inside = 0
    for _ in range(1000):
        first = rng.normal(size=100)
        found = spearman(first, r * first + math.sqrt(1 - r * r) * rng.normal(size=100))
        inside += found.low <= rho <= found.high
    assert 0.93 < inside / 1000 < 0.97


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_order_of_few_cases_is_not_certain(sign):
    found = spearman([1, 2, 3, 4], [sign * one for one in (2, 3, 5, 9)])
    assert (found.estimate, found.p_value) == (sign, 0)
    assert {found.low, found.high} >= {sign}
    assert found.high - found.low > 1


def test_cases_with_a_gap_are_left_out_and_counted():
    found = spearman([*HU, None], [*BMD, 1.0])
    assert (found.n, found.left_out) == (30, 1)
    assert found.estimate == spearman(HU, BMD).estimate


def test_values_without_a_correlation_are_refused():
    with pytest.raises(InputError, match="at least 4 complete cases, but there are 3"):
        spearman([1, 2, 3], [1, 3, 2])
    with pytest.raises(InputError, match="Column “second” is 7 in every case"):
        spearman([1, 2, 3, 4], [7] * 4)
    with pytest.raises(InputError, match="Column “HU” is 7 in every case"):
        spearman([7] * 4, [1, 2, 3, 4], names=("HU", "BMD"))
    with pytest.raises(InputError, match="adjusted for age, sex needs at least 6 complete cases, but there is 1"):
        partial_spearman([1], [2], {"age": [50], "sex": [0]})
    with pytest.raises(InputError, match="“twice” is a combination of the other"):
        partial_spearman(HU, BMD, {"age": AGE, "twice": [2 * one for one in AGE]})
    with pytest.raises(InputError, match="is a combination of"):
        partial_spearman(HU, BMD, {"again": HU})
    with pytest.raises(InputError, match="rename it"):
        partial_spearman(HU, BMD, {"first": AGE})
