"""Compute the agreement of readings of the same cases: intraclass correlation, Bland–Altman limits, precision error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, check_confidence, normal_quantile
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class IntraclassCorrelations:
    """ICC(2,1), absolute agreement of randomly chosen readers, and ICC(3,1), consistency of the given readers."""

    icc_2_1: Estimate
    icc_3_1: Estimate


@dataclass(frozen=True, kw_only=True)
class BlandAltman:
    """Bias and limits of agreement of two readings, in the unit of the readings.

    Each is an `Estimate`; `sd` is the standard deviation of the differences first − second. `slope` is the change of
    the difference per unit of the readings' mean, with the p-value of no slope; None if all means are equal. If its
    interval excludes 0, the bias is proportional: bias and limits differ between small and large values.
    """

    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    sd: float
    slope: Estimate | None = None
    slope_p: float | None = None

    @property
    def is_proportional(self) -> bool:
        """Return whether the bias depends on the value, by the interval of the slope."""
        return self.slope is not None and (self.slope.low > 0 or self.slope.high < 0)


@dataclass(frozen=True, kw_only=True)
class Repeatability:
    """Precision error of repeated readings.

    Parameters
    ----------
    rms_sd : Estimate
        Root mean square of the cases' standard deviations, in the unit of the readings.
    cv_percent : Estimate or None
        `rms_sd` in percent of the mean of all readings; None if that mean is not positive. (The mean of the cases' own
        quotients, common for densities, is not used: near 0 HU a quotient is meaningless.)
    degrees_of_freedom : int
        Cases × (readings − 1).
    """

    rms_sd: Estimate
    cv_percent: Estimate | None
    degrees_of_freedom: int


def intraclass_correlations(readings: Sequence[ArrayLike], confidence: float = CONFIDENCE) -> IntraclassCorrelations:
    """Return ICC(2,1) and ICC(3,1) of single readings.

    Parameters
    ----------
    readings : sequence of array_like, shape (readings, n)
        A column per reader or per repeated reading; a case that lacks one of them is omitted.
    confidence : float

    Raises
    ------
    InputError
        With fewer than two readings or three cases, or if all cases have the same value.

    References
    ----------
    K.O. McGraw, S.P. Wong. Forming inferences about some intraclass correlation coefficients. Psychological Methods
    1996;1:30–46, table 7 (there ICC(A,1) and ICC(C,1)). Names: P.E. Shrout, J.L. Fleiss, Psychol Bull 1979;86:420–428.
    """
    from scipy.special import fdtri

    check_confidence(confidence)
    table, left_out = _table(readings, 3, "An intraclass correlation")
    if all(is_constant(column) for column in table.T):
        raise InputError("Every case has the same value, so no intraclass correlation can be computed: check the data.")
    n, k = table.shape
    rows, columns, rest = _mean_squares(table)

    def quantile(numerator: float, denominator: float) -> float:
        return float(fdtri(numerator, denominator, 0.5 + confidence / 2))

    single = (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n)
    # Degrees of freedom by Satterthwaite; multiplying both weights by 1 − ICC avoids 0/0 at perfect agreement.
    column_term = k * single / n * columns
    rest_term = (1 - single + k * single * (n - 1) / n) * rest
    squares = column_term**2 / (k - 1) + rest_term**2 / ((n - 1) * (k - 1))
    if squares > 0:
        freedom = (column_term + rest_term) ** 2 / squares
        low_f, high_f = quantile(n - 1, freedom), quantile(freedom, n - 1)
        both = k * columns + (k * n - k - n) * rest
        ends = (
            n * (rows - low_f * rest) / (low_f * both + n * rows),
            n * (high_f * rows - rest) / (both + n * high_f * rows),
        )
    else:
        ends = single, single
    freedom_rest = (n - 1) * (k - 1)
    low_f, high_f = quantile(n - 1, freedom_rest), quantile(freedom_rest, n - 1)
    shared = {"n": n, "left_out": left_out, "confidence": confidence, "method": "McGraw & Wong 1996"}

    def estimate(value: float, low: float, high: float) -> Estimate:
        # For identical readings all three are 1, apart from rounding.
        return Estimate(estimate=value, low=min(low, value), high=max(high, value), **shared)

    return IntraclassCorrelations(
        icc_2_1=estimate(single, *ends),
        icc_3_1=estimate(
            (rows - rest) / (rows + (k - 1) * rest),
            (rows - low_f * rest) / (rows + (k - 1) * low_f * rest),
            (high_f * rows - rest) / (high_f * rows + (k - 1) * rest),
        ),
    )


def bland_altman(first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE) -> BlandAltman:
    """Return the bias first − second and the limits that contain 95 % of differences, with their intervals.

    Parameters
    ----------
    first, second : array_like, shape (n,)
    confidence : float
        Confidence of the intervals; the limits always refer to 95 % of differences.

    Raises
    ------
    InputError
        With fewer than three complete cases.

    References
    ----------
    J.M. Bland, D.G. Altman. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135–160,
    section 2: the limits' standard error is s √(1/n + 1.96² / (2(n − 1))).
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    table, left_out = _table((first, second), 3, "A Bland–Altman analysis")
    n = len(table)
    differences = table[:, 0] - table[:, 1]
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    z = normal_quantile(0.95)
    t = float(stdtrit(n - 1, 0.5 + confidence / 2))

    def estimate(value: float, standard_error: float, method: str) -> Estimate:
        reach = t * standard_error
        return Estimate(
            n=n,
            estimate=value,
            low=value - reach,
            high=value + reach,
            confidence=confidence,
            left_out=left_out,
            method=method,
        )

    slope, slope_p = _slope(table, confidence, left_out)
    limit_se = sd * math.sqrt(1 / n + z * z / (2 * (n - 1)))
    return BlandAltman(
        bias=estimate(bias, sd / math.sqrt(n), "Student's t"),
        lower_limit=estimate(bias - z * sd, limit_se, "Bland & Altman 1999"),
        upper_limit=estimate(bias + z * sd, limit_se, "Bland & Altman 1999"),
        sd=sd,
        slope=slope,
        slope_p=slope_p,
    )


def _slope(table: np.ndarray, confidence: float, left_out: int) -> tuple[Estimate | None, float | None]:
    """Return the least-squares slope of the difference on the mean, and the p-value of no slope."""
    from scipy.special import stdtr, stdtrit

    means, differences = table.mean(axis=1), table[:, 0] - table[:, 1]
    centered = means - means.mean()
    squares = float(centered @ centered)
    freedom = len(table) - 2
    if squares <= 0 or is_constant(means):
        return None, None
    slope = float(centered @ differences) / squares
    residuals = differences - differences.mean() - slope * centered
    error = math.sqrt(float(residuals @ residuals) / freedom / squares)
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    estimate = Estimate(
        n=len(table),
        estimate=slope,
        low=slope - reach,
        high=slope + reach,
        confidence=confidence,
        left_out=left_out,
        method="least squares",
    )
    p_value = 2 * float(stdtr(freedom, -abs(slope) / error)) if error > 0 else (0.0 if slope else 1.0)
    return estimate, p_value


def repeatability(readings: Sequence[ArrayLike], confidence: float = CONFIDENCE) -> Repeatability:
    """Return the precision error of repeated readings.

    Parameters
    ----------
    readings : sequence of array_like, shape (readings, n)
        A column per reading; differences between readers count as error.
    confidence : float

    Raises
    ------
    InputError
        With fewer than two readings or two complete cases.

    References
    ----------
    C.C. Glüer et al. Accurate assessment of precision errors: how to measure the reproducibility of bone densitometry
    techniques. Osteoporos Int 1995;5:262–270 (interval from the χ² distribution).
    """
    check_confidence(confidence)
    table, left_out = _table(readings, 2, "A precision error")
    n, k = table.shape
    freedom = n * (k - 1)
    # Identical readings have an SD of exactly 0, but the rounding of their mean would change it.
    centered = np.where(np.ptp(table, axis=1)[:, None] == 0, 0.0, table - table.mean(axis=1, keepdims=True))
    rms_sd = rms_sd_of(float(np.sum(centered**2)), freedom, n, confidence, left_out)
    mean = float(table.mean())
    return Repeatability(
        rms_sd=rms_sd,
        cv_percent=scaled(rms_sd, 100 / mean) if mean > 0 else None,
        degrees_of_freedom=freedom,
    )


def rms_sd_of(squares: float, freedom: int, n: int, confidence: float = CONFIDENCE, left_out: int = 0) -> Estimate:
    """Return the root mean square of the cases' standard deviations, with its interval from the χ² distribution.

    Parameters
    ----------
    squares : float
        Sum of the squared deviations of all measurements from the mean of their case.
    freedom : int
        Degrees of freedom: the number of measurements less the number of cases.
    n : int
        Number of cases.
    confidence : float
    left_out : int

    References
    ----------
    C.C. Glüer et al. Osteoporos Int 1995;5:262–270.
    """
    from scipy.special import chdtri

    rms_sd = math.sqrt(squares / freedom)
    tail = (1 - confidence) / 2
    return Estimate(
        n=n,
        estimate=rms_sd,
        low=rms_sd * math.sqrt(freedom / float(chdtri(freedom, tail))),
        high=rms_sd * math.sqrt(freedom / float(chdtri(freedom, 1 - tail))),
        confidence=confidence,
        left_out=left_out,
        method="χ², Glüer 1995",
    )


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate and its interval times a positive factor."""
    return replace(
        estimate, estimate=factor * estimate.estimate, low=factor * estimate.low, high=factor * estimate.high
    )


def _table(readings: Sequence[ArrayLike], least: int, purpose: str) -> tuple[np.ndarray, int]:
    """Return the complete cases as rows, shape (n, readings), and the number of omitted cases."""
    require(len(readings), 2, "readings", purpose)
    columns, left_out = complete_rows({f"reading {index + 1}": column for index, column in enumerate(readings)})
    table = np.column_stack(list(columns.values()))
    require(len(table), least, "complete cases", purpose)
    return table, left_out


def _mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Return the mean squares of cases, readings and residuals of a two-way table without repetition."""
    n, k = table.shape
    shifted = table - table.mean()
    row_means, column_means = shifted.mean(axis=1), shifted.mean(axis=0)
    rest = shifted - row_means[:, None] - column_means
    return (
        k * float(np.sum(row_means**2)) / (n - 1),
        n * float(np.sum(column_means**2)) / (k - 1),
        float(np.sum(rest**2)) / ((n - 1) * (k - 1)),
    )
