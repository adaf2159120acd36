"""Judge a change between two measurements of one patient by the least significant change."""

from dataclasses import dataclass

# A sum of decimal fractions may miss the LSC that it equals by a rounding error, which must not decide.
_ROUNDING_HU = 1e-9
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change between two measurements, with its 95 % interval.

    Parameters
    ----------
    change_hu : float
        Second less first measurement.
    lsc_hu : float
        Least significant change.
    days : int
        Days between the two.
    """

    change_hu: float
    lsc_hu: float
    days: int

    @property
    def interval_hu(self) -> tuple[float, float]:
        """Return the 95 % interval: the LSC is 1.96 standard deviations of the difference of two measurements."""
        return self.change_hu - self.lsc_hu, self.change_hu + self.lsc_hu

    @property
    def hu_per_year(self) -> float:
        """Return the change per year of 365.25 days."""
        return self.change_hu / self.days * DAYS_PER_YEAR

    @property
    def is_significant(self) -> bool:
        """Return whether the change equals or exceeds the LSC, as the ISCD words it."""
        return abs(self.change_hu) >= self.lsc_hu - _ROUNDING_HU


def lsc_by_mean(mean_hu: float, least_hu: float, cv_percent: float, factor: float) -> float:
    """Return an LSC that is at least `least_hu`, and `factor` times the coefficient of variation of larger means.

    Parameters
    ----------
    mean_hu : float
        Mean of the two measurements.
    least_hu : float
        The LSC of low means.
    cv_percent : float
        Coefficient of variation, in percent of the mean.
    factor : float
        Ratio of LSC and precision error.
    """
    return max(least_hu, factor * cv_percent / 100 * mean_hu)
