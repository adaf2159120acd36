"""Fit the line between two methods without assumptions on their errors' distribution, and test its linearity."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, HypothesisTest, normal_quantile
from LumbarHULib.cohort.methods.deming import FittedLine
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError

# The slopes of all pairs are sorted: 5,000 cases have 12.5 million.
MOST_CASES = 5000


@dataclass(frozen=True, kw_only=True)
class PassingBablokLine(FittedLine):
    """The line of Passing and Bablok.

    Parameters
    ----------
    linearity : HypothesisTest or None
        The cusum test that the relation is a straight line; None if no case is above the line, or none below it.
    """

    linearity: HypothesisTest | None


def passing_bablok(first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE) -> PassingBablokLine:
    """Return the line of Passing and Bablok, with its intervals and its test of linearity.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Cases without both values are omitted.
    confidence : float

    Raises
    ------
    InputError
        With too few complete cases for an interval or more than `MOST_CASES`, a constant column, or columns that do not
        rise together.

    Notes
    -----
    The slope is the median of the slopes of all pairs, shifted by the number K of slopes below −1; pairs of equal
    points and slopes of exactly −1 are omitted, and a pair with equal first values has an infinite slope. The p-value
    of the cusum test is that of Kolmogorov's distribution.

    References
    ----------
    H. Passing, W. Bablok. A new biometrical procedure for testing the equality of measurements from two different
    analytical methods. J Clin Chem Clin Biochem 1983;21:709–720.
    """
    z = normal_quantile(confidence)
    columns, left_out = complete_rows({"first": first, "second": second})
    x, y = columns["first"], columns["second"]
    n = int(x.size)
    purpose = "Passing and Bablok's regression"
    require(n, 4, "complete cases", purpose)
    if n > MOST_CASES:
        raise InputError(f"{purpose} sorts all pairs of cases and is limited to {MOST_CASES} cases, but there are {n}.")
    for name, column in columns.items():
        if is_constant(column):
            raise InputError(f"The {name} method is {column[0]:g} HU in every case, so no line can be fitted.")
    slopes = _pair_slopes(x, y)
    shift, count = int(np.count_nonzero(slopes < -1)), int(slopes.size)
    reach = z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    # Half of an odd number is rounded up.
    lowest = math.floor((count - reach) / 2 + 0.5)
    highest = count - lowest + 1
    if lowest + shift < 1 or highest + shift > count:
        raise InputError(
            f"{purpose} has no interval for {n} cases whose HU rise together so little: add cases or check them."
        )
    slope = float(slopes[(count - 1) // 2 + shift] + slopes[count // 2 + shift]) / 2
    low, high = float(slopes[lowest + shift - 1]), float(slopes[highest + shift - 1])
    if not (slope > 0 and math.isfinite(low) and math.isfinite(high)):
        raise InputError("The HU of the two methods do not rise together, so no line can be fitted: check the columns.")
    intercept = float(np.median(y - slope * x))
    shared: dict[str, Any] = {"n": n, "confidence": confidence, "method": "Passing & Bablok 1983", "left_out": left_out}
    # An end of the intercept's interval is a median of its own, so rounding may put it on the other side.
    ends = sorted((float(np.median(y - high * x)), intercept, float(np.median(y - low * x))))
    return PassingBablokLine(
        slope=Estimate(estimate=slope, low=low, high=high, **shared),
        intercept=Estimate(estimate=intercept, low=ends[0], high=ends[2], **shared),
        linearity=_cusum_test(x, y, slope, intercept, left_out),
    )


def _pair_slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the sorted slopes of all pairs of different points, without slopes of −1."""
    i, j = np.triu_indices(x.size, 1)
    dx, dy = x[j] - x[i], y[j] - y[i]
    different = (dx != 0) | (dy != 0)
    dx, dy = dx[different], dy[different]
    slopes = np.full(dx.shape, np.inf)
    np.divide(dy, dx, out=slopes, where=dx != 0)
    slopes[(dx == 0) & (dy < 0)] = -np.inf
    return np.sort(slopes[slopes != -1])


def _cusum_test(x: np.ndarray, y: np.ndarray, slope: float, intercept: float, left_out: int) -> HypothesisTest | None:
    """Return the cusum test of linearity along the line."""
    from scipy.special import kolmogorov

    residuals = y - intercept - slope * x
    # Points on the line up to rounding count as neither above nor below.
    residuals[np.abs(residuals) < 1e-12 * np.abs(y).max()] = 0
    above, below = int(np.count_nonzero(residuals > 0)), int(np.count_nonzero(residuals < 0))
    if not above or not below:
        return None
    scores = np.select(
        [residuals > 0, residuals < 0], [math.sqrt(below / above), -math.sqrt(above / below)], default=0.0
    )
    along = np.argsort(y + x / slope, kind="stable")
    statistic = float(np.abs(np.cumsum(scores[along])).max()) / math.sqrt(below + 1)
    return HypothesisTest(
        test="cusum test of linearity",
        n=int(x.size),
        statistic=statistic,
        statistic_name="H",
        degrees_of_freedom=(),
        p_value=float(kolmogorov(statistic)),
        left_out=left_out,
    )
