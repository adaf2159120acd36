"""Statistics as values: a number with its interval, number of cases and method."""

import math
from dataclasses import dataclass, fields
from typing import Any

from LumbarHULib.core.errors import InputError

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate from a sample, with its confidence interval.

    Parameters
    ----------
    n : int
        Number of cases in the estimate.
    estimate, low, high : float
        The number and the ends of its interval.
    confidence : float
        Confidence of the interval, such as 0.95.
    method : str
        Method of the interval.
    left_out : int
        Number of cases left out because a value is missing.
    """

    n: int
    estimate: float
    low: float
    high: float
    method: str
    confidence: float = CONFIDENCE
    left_out: int = 0

    def __post_init__(self) -> None:
        check_finite(self)
        if self.low > self.high:
            raise InputError(f"The interval from {self.low:g} to {self.high:g} is reversed: check the data.")


@dataclass(frozen=True, kw_only=True)
class HypothesisTest:
    """A test of a hypothesis.

    Parameters
    ----------
    test : str
        Name of the test.
    n : int
        Number of cases.
    statistic : float
        Value of the statistic named `statistic_name`, such as H, F or z.
    statistic_name : str
    degrees_of_freedom : tuple of float
        Empty if the reference is the normal distribution.
    p_value : float
        Two-sided, if the test has sides.
    left_out : int
        Number of cases left out because a value is missing.
    """

    test: str
    n: int
    statistic: float
    statistic_name: str
    degrees_of_freedom: tuple[float, ...]
    p_value: float
    left_out: int = 0

    def __post_init__(self) -> None:
        check_finite(self)


def check_finite(value: Any) -> None:
    """Raise InputError if a number of a dataclass is not finite.

    Raises
    ------
    InputError
    """
    for item in fields(value):
        number = getattr(value, item.name)
        if isinstance(number, float) and not math.isfinite(number):
            raise InputError(f"{item.name} of {type(value).__name__} is {number}: check the data.")


def check_confidence(confidence: float) -> None:
    """Raise InputError for an invalid confidence.

    Raises
    ------
    InputError
    """
    if not 0.5 <= confidence < 1:
        raise InputError(f"A confidence of {confidence:g} cannot be used: give 0.5 to below 1, such as 0.95.")


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal value is within ±z with this confidence."""
    from scipy.special import ndtri

    check_confidence(confidence)
    return float(ndtri(0.5 + confidence / 2))


def two_sided_normal_p(z: float) -> float:
    """Return the two-sided p of a standard normal value."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def two_sided_t_p(t: float, degrees_of_freedom: float) -> float:
    """Return the two-sided p of Student's t."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(t)))


def holm(p_values: list[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method.

    References
    ----------
    S. Holm. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65–70.
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = highest
    return corrected
