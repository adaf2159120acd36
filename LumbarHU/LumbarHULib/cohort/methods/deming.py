"""Fit the line between two methods that both have measurement error, by Deming's regression."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, check_confidence
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError

# Ratios outside this range are lines of ordinary least squares up to rounding.
LEAST_RATIO, MOST_RATIO = 1e-6, 1e6


@dataclass(frozen=True, kw_only=True)
class FittedLine:
    """A straight line second = intercept + slope · first.

    Parameters
    ----------
    slope, intercept : Estimate
        An interval of the slope without 1 is a proportional difference, one of the intercept without 0 a constant one.
    """

    slope: Estimate
    intercept: Estimate


def deming(first: ArrayLike, second: ArrayLike, error_ratio: float = 1.0, confidence: float = CONFIDENCE) -> FittedLine:
    """Return Deming's line, with intervals by the jackknife.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Cases without both values are omitted.
    error_ratio : float
        Variance of the second method's error divided by that of the first's.
    confidence : float

    Raises
    ------
    InputError
        With fewer than four complete cases, a constant column, columns that do not rise together, or an invalid ratio.

    Notes
    -----
    With sums of squares Sxx, Syy and Sxy and the ratio λ, the slope is
    (Syy − λ Sxx + √((Syy − λ Sxx)² + 4 λ Sxy²)) / (2 Sxy). The intervals use Student's t with n − 2 degrees of freedom.

    References
    ----------
    W.E. Deming. Statistical adjustment of data. Wiley 1943. K. Linnet. Evaluation of regression procedures for methods
    comparison studies. Clin Chem 1993;39:424–432 (jackknife).
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    if not (math.isfinite(error_ratio) and LEAST_RATIO <= error_ratio <= MOST_RATIO):
        raise InputError(f"An error ratio of {error_ratio:g} cannot be used: give 0.000001 to 1000000, such as 1.")
    columns, left_out = complete_rows({"first": first, "second": second})
    x, y = columns["first"], columns["second"]
    n = int(x.size)
    require(n, 4, "complete cases", "Deming's regression")
    for name, column in columns.items():
        if is_constant(column):
            raise InputError(f"The {name} method is {column[0]:g} HU in every case, so no line can be fitted.")
    mean_x, mean_y = float(x.mean()), float(y.mean())
    dx, dy = x - mean_x, y - mean_y
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    # The sums without one case each, the first entry with all.
    shrink = n / (n - 1)
    xx = np.concatenate([[sxx], sxx - shrink * dx * dx])
    yy = np.concatenate([[syy], syy - shrink * dy * dy])
    xy = np.concatenate([[sxy], sxy - shrink * dx * dy])
    if xy.min() <= 1e-9 * math.sqrt(sxx * syy):
        raise InputError("The HU of the two methods do not rise together, so no line can be fitted: check the columns.")
    scaled = yy - error_ratio * xx
    slopes = (scaled + np.sqrt(scaled**2 + 4 * error_ratio * xy**2)) / (2 * xy)
    centers_x = np.concatenate([[mean_x], mean_x - dx / (n - 1)])
    centers_y = np.concatenate([[mean_y], mean_y - dy / (n - 1)])
    intercepts = centers_y - slopes * centers_x
    t = float(stdtrit(n - 2, 0.5 + confidence / 2))

    def estimate(values: np.ndarray) -> Estimate:
        whole = float(values[0])
        pseudo = n * whole - (n - 1) * values[1:]
        reach = t * float(pseudo.std(ddof=1)) / math.sqrt(n)
        return Estimate(
            n=n,
            estimate=whole,
            low=whole - reach,
            high=whole + reach,
            confidence=confidence,
            method="jackknife, Linnet 1993",
            left_out=left_out,
        )

    return FittedLine(slope=estimate(slopes), intercept=estimate(intercepts))
