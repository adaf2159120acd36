"""Deming's line: against a singular value decomposition, a numeric search, and truth in simulations."""

import numpy as np
import pytest
from scipy.optimize import minimize

from LumbarHULib.cohort.methods.deming import deming
from LumbarHULib.core.errors import InputError


def measured_twice(cases, slope=1.0, intercept=0.0, sds=(8.0, 8.0), seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.normal(120, 40, cases)
    return truth + rng.normal(0, sds[0], cases), intercept + slope * truth + rng.normal(0, sds[1], cases)


def line_by_singular_vectors(x, y, ratio):
    """Return slope and intercept of the line with the least squared distances, after scaling the second by 1 / √ratio.

    Its direction is the first right singular vector of the centered points.
    """
    points = np.column_stack([x - np.mean(x), (y - np.mean(y)) / np.sqrt(ratio)])
    direction = np.linalg.svd(points)[2][0]
    slope = np.sqrt(ratio) * direction[1] / direction[0]
    return slope, np.mean(y) - slope * np.mean(x)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.7])
@pytest.mark.parametrize("seed", range(4))
def test_slope_and_intercept_minimize_the_scaled_distances(ratio, seed):
    x, y = measured_twice(30, 1.2, -15, (6, 6 * ratio**0.5), seed)
    line = deming(x, y, ratio)
    found = line.slope.estimate, line.intercept.estimate
    assert found == pytest.approx(line_by_singular_vectors(x, y, ratio), rel=1e-9)


def test_the_line_is_the_most_likely_one_of_a_numeric_search():
    x, y = measured_twice(40, 0.9, 12, (5, 9))
    ratio = (9 / 5) ** 2

    def misfit(line):  # minus twice the log likelihood of normal errors, up to a constant, at the best true values
        slope, intercept = line
        return np.sum((y - intercept - slope * x) ** 2) / (ratio + slope**2)

    best = minimize(misfit, [1, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 5000})
    line = deming(x, y, ratio)
    assert (line.slope.estimate, line.intercept.estimate) == pytest.approx(tuple(best.x), rel=1e-5)


def test_the_intervals_are_those_of_a_jackknife_that_leaves_out_one_case_after_the_other():
    x, y = measured_twice(25, 1.1, 3)
    line = deming(x, y, 2.0)
    n = len(x)
    alone = np.array([line_by_singular_vectors(np.delete(x, i), np.delete(y, i), 2.0) for i in range(n)])
    for at, estimate in enumerate((line.slope, line.intercept)):
        pseudo = n * estimate.estimate - (n - 1) * alone[:, at]
        reach = 2.0686576104190406 * pseudo.std(ddof=1) / np.sqrt(n)  # R: qt(0.975, 23)
        assert (estimate.low, estimate.high) == pytest.approx(
            (estimate.estimate - reach, estimate.estimate + reach), rel=1e-7
        )


def test_the_intervals_hold_the_truth_in_95_percent_of_studies():
    inside = np.zeros(2)
    for seed in range(1000):
        line = deming(*measured_twice(40, 1.15, -10, (8, 12), seed), error_ratio=(12 / 8) ** 2)
        inside += line.slope.low <= 1.15 <= line.slope.high, line.intercept.low <= -10 <= line.intercept.high
    assert 0.93 < inside[0] / 1000 < 0.97
    assert 0.93 < inside[1] / 1000 < 0.97


def test_exchanging_the_methods_inverts_the_line():
    x, y = measured_twice(30, 1.3, -20)
    there, back = deming(x, y, 2.0), deming(y, x, 0.5)
    assert back.slope.estimate == pytest.approx(1 / there.slope.estimate, rel=1e-12)
    assert back.intercept.estimate == pytest.approx(-there.intercept.estimate / there.slope.estimate, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.01, 1, 50])
def test_equal_columns_give_the_identity_without_width(ratio):
    x, _ = measured_twice(12)
    line = deming(x, x, ratio)
    assert (line.slope.estimate, line.slope.low, line.slope.high) == pytest.approx((1, 1, 1), abs=1e-9)
    assert line.intercept.estimate == pytest.approx(0, abs=1e-6)


def test_incomplete_cases_are_omitted_and_counted():
    x, y = measured_twice(20)
    with_gaps = deming([*x, np.nan, 5.0], [*y, 7.0, np.nan])
    assert (with_gaps.slope.n, with_gaps.slope.left_out) == (20, 2)
    assert with_gaps.slope.estimate == deming(x, y).slope.estimate


@pytest.mark.parametrize(
    ("first", "second", "ratio", "says"),
    [
        ([1, 2, 3], [1, 2, 3], 1, "at least 4 complete cases, but there are 3"),
        ([5, 5, 5, 5], [1, 2, 3, 4], 1, "The first method is 5 HU in every case"),
        ([1, 2, 3, 4], [6, 6, 6, 6], 1, "The second method is 6 HU in every case"),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], 1, "do not rise together"),
        ([0, 1, 0, 1], [0, 0, 1, 1], 1, "do not rise together"),
        ([1, 2, 3, 4], [1, 2, 3, 5], 0, "An error ratio of 0 cannot be used"),
        ([1, 2, 3, 4], [1, 2, 3, 5], float("nan"), "An error ratio of nan cannot be used"),
    ],
)
def test_a_line_that_cannot_be_fitted_is_refused_with_the_reason(first, second, ratio, says):
    with pytest.raises(InputError, match=says):
        deming(first, second, ratio)
