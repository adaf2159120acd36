"""Passing and Bablok's line: against a published example, a second implementation, and truth in simulations."""

import math
import statistics

import numpy as np
import pytest

from LumbarHULib.cohort.methods import passing_bablok as module
from LumbarHULib.cohort.methods.passing_bablok import passing_bablok
from LumbarHULib.core.errors import InputError

# Creatinine in serum and plasma of 110 patients before heart surgery, of two without the second value: the data set
# “creatinine” of R's package mcr.
CREATININE = """
0.82 0.79 1.83 1.62 1.39 1.36 0.81 1.3 1.72 1.88 3.23 3.35 1.23 1.06 1.37 1.34 1.72 1.56 0.96 0.94 0.76 0.69 1.15 1.16
0.95 0.71 1 0.83 1.52 1.44 1.56 1.26 2.45 2.36 1.85 1.9 0.89 0.95 0.82 0.77 1.01 0.82 0.96 0.88 3.38 3.42 1.31 1.15
1.1 0.96 1.26 1.12 1.15 1.02 1.2 1.29 1.01 0.87 1.33 1.13 0.87 0.82 1.66 1.33 1.41 1.14 1.08 0.93 1.17 1.09 0.82 nan
1.77 1.89 1.33 1.57 1.23 1.29 1.21 1.13 1.2 1.11 1.49 1.61 0.89 0.79 1.09 1.19 1.03 0.96 1.07 1.25 0.89 0.87 1.39 1.36
0.96 0.86 1.06 1.03 1.17 0.86 0.9 0.8 1.39 1.22 0.91 0.86 2.28 2.25 0.9 0.87 0.83 nan 1.34 1.3 1.32 1.04 1.02 0.92
1.04 1.01 1.27 1.21 1.08 1.11 1.1 1.21 1.39 1.54 1.07 0.99 0.79 0.79 1.02 1.06 0.94 1.02 1.99 2.15 0.7 0.56 0.84 1.01
0.66 0.59 1.1 1.17 0.9 0.82 2.06 2.09 1.31 1.44 1.03 1.22 1.61 1.77 1.52 1.6 1.11 1.13 0.85 1.06 1.2 1.38 1.09 1.24
1.27 1.29 2.06 2.08 1.21 1.31 0.77 0.82 1.06 1.28 1.02 1.15 1 1.04 1.47 1.51 0.97 1.13 1.7 1.84 1.78 1.94 0.93 1.32
0.92 1.36 1.59 1.88 0.68 0.73 0.7 0.78 1.08 1.01 0.83 0.9 1.17 1.3 0.98 0.96 0.77 0.61 0.91 1.27 1.1 1.05 0.8 1.12
0.85 0.72 0.82 0.87
"""


def test_the_line_of_the_published_example_is_that_of_r():
    x, y = np.array(CREATININE.split(), dtype=float).reshape(-1, 2).T
    line = passing_bablok(x, y)
    assert (line.slope.n, line.slope.left_out) == (108, 2)
    # mcreg(…, method.reg = "PaBa", method.ci = "analytical"); mcr interpolates the angles at the ends of the intervals.
    assert line.slope.estimate == pytest.approx(1.0880089, abs=5e-8)
    assert line.intercept.estimate == pytest.approx(-0.1171729, abs=5e-8)
    assert (line.slope.low, line.slope.high) == pytest.approx((1.0000000, 1.173005), abs=1e-4)
    assert (line.intercept.low, line.intercept.high) == pytest.approx((-0.2001149, -0.0200000), abs=1e-4)


def second_implementation(x, y):
    """Return slope, its interval, intercept, its interval and the cusum statistic, pair by pair from the paper."""
    n, slopes = len(x), []
    for i in range(n - 1):
        for j in range(i + 1, n):
            if x[i] == x[j]:
                slopes += [] if y[i] == y[j] else [math.copysign(math.inf, y[j] - y[i])]
            elif (y[i] - y[j]) / (x[i] - x[j]) != -1:
                slopes.append((y[i] - y[j]) / (x[i] - x[j]))
    slopes.sort()
    shift = sum(slope < -1 for slope in slopes)
    # Without the lowest 2 K slopes, the middle is K places higher.
    slope = statistics.median(slopes[2 * shift :])
    reach = 1.959963984540054 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = int((len(slopes) - reach) / 2 + 0.5)
    ends = [slopes[low + shift - 1], slopes[len(slopes) - low + shift]]
    intercept = statistics.median(b - slope * a for a, b in zip(x, y, strict=True))
    others = [statistics.median(b - end * a for a, b in zip(x, y, strict=True)) for end in reversed(ends)]
    # The case of the median is on the line, but for rounding.
    residuals = [round(b - intercept - slope * a, 9) for a, b in zip(x, y, strict=True)]
    signs = [(residual > 0) - (residual < 0) for residual in residuals]
    above, below = signs.count(1), signs.count(-1)
    total, highest = 0.0, 0.0
    for _, sign in sorted((b + a / slope, sign) for a, b, sign in zip(x, y, signs, strict=True)):
        total += {1: math.sqrt(below / above), -1: -math.sqrt(above / below), 0: 0.0}[sign]
        highest = max(highest, abs(total))
    return (slope, *ends, intercept, *others), highest / math.sqrt(below + 1)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rounded", [False, True])
def test_a_second_implementation_gives_the_same_numbers(seed, rounded):
    rng = np.random.default_rng(seed)
    truth = rng.normal(120, 30, 21 + seed)
    x, y = truth + rng.normal(0, 15, truth.size), 1.1 * truth - 9 + rng.normal(0, 15, truth.size)
    if rounded:  # with ties, and pairs of equal points
        x, y = 10 * np.round(x / 10), 10 * np.round(y / 10)
    line = passing_bablok(x, y)
    expected, statistic = second_implementation(x.tolist(), y.tolist())
    found = (line.slope.estimate, line.slope.low, line.slope.high)
    found += (line.intercept.estimate, line.intercept.low, line.intercept.high)
    assert found == pytest.approx(expected, rel=1e-9)
    if not rounded:  # cases at the same place along the line have no order
        assert line.linearity.statistic == pytest.approx(statistic, rel=1e-9)


def test_exchanging_the_methods_inverts_the_line():
    rng = np.random.default_rng(4)
    truth = rng.normal(120, 40, 31)
    x, y = truth + rng.normal(0, 8, 31), 0.9 * truth + rng.normal(0, 8, 31)
    there, back = passing_bablok(x, y), passing_bablok(y, x)
    assert back.slope.estimate == pytest.approx(1 / there.slope.estimate, rel=1e-9)
    assert (back.slope.low, back.slope.high) == pytest.approx((1 / there.slope.high, 1 / there.slope.low), rel=1e-9)


def test_the_interval_of_the_slope_holds_the_truth_in_95_percent_of_studies():
    inside = 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        truth = rng.normal(120, 40, 40)
        line = passing_bablok(truth + rng.normal(0, 8, 40), truth + rng.normal(0, 8, 40))
        inside += line.slope.low <= 1 <= line.slope.high
    assert 0.93 < inside / 600 < 0.98


def test_one_wild_value_hardly_moves_the_line():
    rng = np.random.default_rng(2)
    x = rng.normal(120, 40, 50)
    y = x + rng.normal(0, 5, 50)
    wild = y.copy()
    wild[0] += 2000
    assert passing_bablok(x, wild).slope.estimate == pytest.approx(passing_bablok(x, y).slope.estimate, abs=0.02)


def test_a_curve_is_not_linear_and_a_line_is():
    rng = np.random.default_rng(3)
    x = np.linspace(20, 250, 80)
    noise = rng.normal(0, 3, 80)
    assert passing_bablok(x, 5 + 1.1 * x + noise).linearity.p_value > 0.05
    assert passing_bablok(x, x + 0.004 * (x - 135) ** 2 + noise).linearity.p_value < 0.001


def test_the_cusum_test_rejects_few_straight_lines():
    rejected = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        truth = rng.normal(120, 40, 60)
        line = passing_bablok(truth + rng.normal(0, 8, 60), truth + rng.normal(0, 8, 60))
        rejected += line.linearity.p_value < 0.05
    assert rejected / 400 < 0.12  # the paper's test is approximate


def test_equal_columns_give_the_identity_and_no_test_of_linearity():
    x = np.array([20.0, 50, 90, 100, 130, 170, 220, 221])
    line = passing_bablok(x, x)
    assert (line.slope.estimate, line.slope.low, line.slope.high) == (1, 1, 1)
    assert (line.intercept.estimate, line.intercept.low, line.intercept.high) == (0, 0, 0)
    assert line.linearity is None


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ([1, 2, 3], [1, 2, 3], "at least 4 complete cases, but there are 3"),
        ([1, 2, 3, 4], [2, 1, 4, 3], "has no interval for 4 cases"),
        ([5] * 9, range(9), "The first method is 5 HU in every case"),
        (range(9), [6] * 9, "The second method is 6 HU in every case"),
        (range(30), [-2 * value for value in range(30)], "has no interval|do not rise together"),
    ],
)
def test_a_line_that_cannot_be_fitted_is_refused_with_the_reason(first, second, says):
    with pytest.raises(InputError, match=says):
        passing_bablok(first, second)


def test_too_many_cases_are_refused_before_memory_runs_out(monkeypatch):
    monkeypatch.setattr(module, "MOST_CASES", 10)
    with pytest.raises(InputError, match="limited to 10 cases, but there are 11"):
        passing_bablok(range(11), range(11))
