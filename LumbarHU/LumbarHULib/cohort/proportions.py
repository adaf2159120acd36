"""Compute a proportion with its count and Wilson's interval."""

from dataclasses import dataclass

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, check_confidence
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ProportionEstimate(Estimate):
    """A proportion: `count` of `n`, with its interval."""

    count: int

    def __str__(self) -> str:
        return f"{self.count}/{self.n}"


def proportion(count: int, total: int, confidence: float = CONFIDENCE) -> ProportionEstimate:
    """Return `count` of `total` as a proportion with Wilson's score interval.

    Raises
    ------
    InputError
        If the count is not between 0 and the total.

    References
    ----------
    E.B. Wilson. Probable inference, the law of succession, and statistical inference. JASA 1927;22:209–212.
    """
    if total < 1 or not 0 <= count <= total:
        raise InputError(f"{count} of {total} is not a proportion: give a count between 0 and the total.")
    low, high = wilson_interval(count, total, confidence)
    return ProportionEstimate(
        n=total, count=count, estimate=count / total, low=low, high=high, confidence=confidence, method="Wilson score"
    )


def wilson_interval(count: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's score interval of an observed proportion."""
    from scipy.stats import binomtest

    check_confidence(confidence)
    found = binomtest(count, total).proportion_ci(confidence, method="wilson")
    # At 0 and 1 the interval ends exactly there, but for rounding.
    return 0.0 if count == 0 else float(found.low), 1.0 if count == total else float(found.high)
