"""Compute ROC curves: area by ranks, DeLong's variance and paired test, and the curve itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, holm, normal_quantile, two_sided_normal_p
from LumbarHULib.cohort.rows import Labels
from LumbarHULib.cohort.targets import Target, TwoClasses, split
from LumbarHULib.core.errors import InputError

# A smaller variance is rounding.
_NO_VARIANCE = 1e-15


@dataclass(frozen=True, kw_only=True)
class AreaUnderCurve(Estimate):
    """The area under a ROC curve: how often a positive case has lower HU than a negative one, with ties counted half.

    Parameters
    ----------
    target, positive : str
        The target, by its name in the files and in words.
    n_positive, n_negative : int
    standard_error : float
        DeLong's standard error.
    """

    target: str
    positive: str
    n_positive: int
    n_negative: int
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class AreaDifference(Estimate):
    """The difference first − second of two areas on the same cases.

    Parameters
    ----------
    first, second : str
    z, p_value : float
        DeLong's paired test, two-sided.
    corrected_p_value : float
        p-value corrected for the number of pairs, by Holm's method.
    """

    first: str
    second: str
    z: float
    p_value: float
    corrected_p_value: float


@dataclass(frozen=True, eq=False)
class RocCurve:
    """The points of a ROC curve, from (0, 0) to (1, 1), each array of shape (points,).

    Cases with HU up to `cutoff_hu` count as positive; the first value is −infinity.
    """

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    cutoff_hu: np.ndarray


def area_under_curve(hu: ArrayLike, groups: Labels, target: Target, confidence: float = CONFIDENCE) -> AreaUnderCurve:
    """Return the area under the ROC curve with DeLong's interval on the logit scale.

    Parameters
    ----------
    hu : array_like, shape (n,)
    groups : sequence of str, shape (n,)
        One of `groups.GROUPS`, or missing.
    target : Target
    confidence : float

    Raises
    ------
    InputError
        With fewer than two cases in a class, or HU that are all the same.

    Notes
    -----
    O(n log n). If the variance is 0, as for an area of 1, the interval is Newcombe's method 5.

    References
    ----------
    E.R. DeLong et al. Biometrics 1988;44:837–845. X. Sun, W. Xu. IEEE Signal Process Lett 2014;21:1389–1393. Logit:
    M.S. Pepe. The Statistical Evaluation of Medical Tests, Oxford 2003, section 5.2. R.G. Newcombe. Stat Med
    2006;25:559–573.
    """
    classes = split({"HU": hu}, groups, target)
    area, variance = (float(value.item()) for value in delong(classes))
    z = normal_quantile(confidence)
    if variance > _NO_VARIANCE and 0 < area < 1:
        logit, reach = math.log(area / (1 - area)), z * math.sqrt(variance) / (area * (1 - area))
        low, high, method = _expit(logit - reach), _expit(logit + reach), "DeLong, logit"
    else:
        low, high = newcombe_interval(area, classes.n_positive, classes.n_negative, z)
        method = "Newcombe 2006, method 5"
    return AreaUnderCurve(
        n=int(classes.is_positive.size),
        estimate=area,
        low=low,
        high=high,
        confidence=confidence,
        method=method,
        left_out=classes.left_out,
        target=target.name,
        positive=target.positive,
        n_positive=classes.n_positive,
        n_negative=classes.n_negative,
        standard_error=math.sqrt(variance),
    )


def compare_areas(
    columns: Mapping[str, ArrayLike], groups: Labels, target: Target, confidence: float = CONFIDENCE
) -> tuple[AreaDifference, ...]:
    """Return the paired DeLong test of every pair of columns, on the cases that have all of them.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)
        HU by region, at least two.
    groups : sequence of str, shape (n,)
    target : Target
    confidence : float

    Raises
    ------
    InputError
        As `area_under_curve`, or if two areas differ without variance.

    References
    ----------
    E.R. DeLong et al. Biometrics 1988;44:837–845.
    """
    if len(columns) < 2:
        raise InputError(f"A comparison of areas needs at least two columns, but there is {len(columns)}: add one.")
    classes = split(columns, groups, target)
    areas, covariance = delong(classes)
    z_of_interval = normal_quantile(confidence)
    names = tuple(columns)
    found = []
    for i, j in combinations(range(len(names)), 2):
        difference = float(areas[i] - areas[j])
        variance = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        if variance > _NO_VARIANCE:
            z = difference / math.sqrt(variance)
        elif abs(difference) < 1e-12:
            z, variance = 0.0, 0.0
        else:
            raise InputError(f"The areas of {names[i]} and {names[j]} differ without variance: add cases.")
        reach = z_of_interval * math.sqrt(variance)
        found.append((names[i], names[j], difference, reach, z, two_sided_normal_p(z)))
    corrected = holm([p for *_, p in found])
    return tuple(
        AreaDifference(
            n=int(classes.is_positive.size),
            estimate=difference,
            low=difference - reach,
            high=difference + reach,
            confidence=confidence,
            method="DeLong, paired",
            left_out=classes.left_out,
            first=first,
            second=second,
            z=z,
            p_value=p,
            corrected_p_value=corrected_p,
        )
        for (first, second, difference, reach, z, p), corrected_p in zip(found, corrected, strict=True)
    )


def roc_curve(hu: ArrayLike, groups: Labels, target: Target) -> RocCurve:
    """Return the ROC curve of a column, with one point per distinct value.

    Raises
    ------
    InputError
        As `area_under_curve`, but one case per class suffices.
    """
    classes = split({"HU": hu}, groups, target, least=1)
    values, inverse = np.unique(classes.hu[:, 0], return_inverse=True)
    found = np.cumsum(np.bincount(inverse[classes.is_positive], minlength=values.size))
    wrong = np.cumsum(np.bincount(inverse[~classes.is_positive], minlength=values.size))
    return RocCurve(
        np.concatenate([[0.0], wrong / classes.n_negative]),
        np.concatenate([[0.0], found / classes.n_positive]),
        np.concatenate([[-np.inf], values]),
    )


def delong(classes: TwoClasses) -> tuple[np.ndarray, np.ndarray]:
    """Return the areas of all columns, shape (columns,), and their covariance, shape (columns, columns)."""
    positive, negative = classes.hu[classes.is_positive], classes.hu[~classes.is_positive]
    m, n = len(positive), len(negative)
    # Twice the number of correctly ordered cases of the other class for each case; a tie counts once.
    positive_components = np.stack([2 * n - _twice_below(a, b) for a, b in zip(positive.T, negative.T, strict=True)])
    negative_components = np.stack([_twice_below(b, a) for a, b in zip(positive.T, negative.T, strict=True)])
    areas = positive_components.sum(axis=1) / (2 * m * n)
    covariance = np.cov(positive_components / (2 * n)) / m + np.cov(negative_components / (2 * m)) / n
    return areas, np.atleast_2d(covariance)


def _twice_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return twice the number of others below each value, with an equal one counted once, shape of `values`."""
    ordered = np.sort(others)
    return np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")


def newcombe_interval(area: float, n_positive: int, n_negative: int, z: float) -> tuple[float, float]:
    """Return the areas that are exactly z standard errors from the observed area (Newcombe 2006, method 5)."""
    from scipy.optimize import brentq

    half = (n_positive + n_negative) / 2 - 1

    def excess(true_area: float) -> float:
        shape = 1 + half * ((1 - true_area) / (2 - true_area) + true_area / (1 + true_area))
        return abs(area - true_area) - z * math.sqrt(true_area * (1 - true_area) * shape / (n_positive * n_negative))

    tiny = 1e-12
    low = 0.0 if area <= tiny else brentq(excess, tiny, area - tiny if area >= 1 else area)
    high = 1.0 if area >= 1 - tiny else brentq(excess, area + tiny if area <= 0 else area, 1 - tiny)
    return float(low), float(high)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
