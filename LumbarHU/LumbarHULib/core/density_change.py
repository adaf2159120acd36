"""The change between two densities of one patient, with its 95 % interval.

Two errors are independent: that of two repeated measurements, of which the least significant change (LSC) is the
half-width of a 95 % interval, and that of the calibrations.
"""

import math
from dataclasses import dataclass

from LumbarHULib.core.calibration import Calibration
from LumbarHULib.core.calibration_line import t_quantile

# A sum of decimal fractions may miss the LSC that it equals by a rounding error, which must not decide.
_ROUNDING_MG_CC = 1e-9
# Standard deviations of a difference in the half-width of its interval, as in an LSC.
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class DensityChange:
    """A change between two densities.

    Parameters
    ----------
    from_mg_cc, to_mg_cc : float
    low_mg_cc, high_mg_cc : float or None
        Ends of the 95 % interval of the change; None where a calibration has no interval.
    lsc_mg_cc : float or None
        The change from which it counts.
    """

    from_mg_cc: float
    to_mg_cc: float
    low_mg_cc: float | None = None
    high_mg_cc: float | None = None
    lsc_mg_cc: float | None = None

    @property
    def change_mg_cc(self) -> float:
        """The second density less the first."""
        return self.to_mg_cc - self.from_mg_cc

    @property
    def is_significant(self) -> bool | None:
        """Whether the change equals or exceeds the LSC; None without an LSC."""
        return None if self.lsc_mg_cc is None else abs(self.change_mg_cc) >= self.lsc_mg_cc - _ROUNDING_MG_CC


def is_same_calibration(first: Calibration, second: Calibration) -> bool:
    """Return whether two calibrations have one error: they are the same line, from the same rods of one scan.

    A line that is pooled from several scans is not: the scanner's own line at each date differs from it.
    """
    return not first.pooled and (first.line, first.rods, first.scan) == (second.line, second.rods, second.scan)


def lsc_in_mg_cc(first: Calibration, second: Calibration, lsc_hu: float) -> float:
    """Return an LSC in HU as one in mg/cm³: both measurements have its error, each by its own slope."""
    return lsc_hu * math.sqrt((1 / first.line.slope**2 + 1 / second.line.slope**2) / 2)


def density_change(
    first: Calibration,
    second: Calibration,
    from_hu: float,
    to_hu: float,
    lsc_mg_cc: float | None,
    includes_calibrations: bool = False,
) -> DensityChange:
    """Return the change from one mean HU to another, each by its own calibration.

    Parameters
    ----------
    first, second : Calibration
        Of one mineral.
    from_hu, to_hu : float
    lsc_mg_cc : float or None
        Least significant change of two repeated measurements; None for no interval.
    includes_calibrations : bool
        Whether the LSC is from scans that were calibrated each on its own, so that it includes that error.

    Notes
    -----
    By one calibration, the change is (second − first HU) / slope: the intercept cancels, and so does a deviation that
    both measurements share. The interval contains each change x with

        (difference − slope · x)² ≤ (slope · LSC)² + t² · x² · var slope.

    By two calibrations, the change has the errors of both lines at its densities: with Student's t of each fit, the
    95 % interval that a line alone gives to its density (low to high) has the standard errors

        u = (density − low) / t downward, and (high − density) / t upward,

    and the ends of the change are, with u downward of the second and upward of the first, or the other way round,

        change ∓ t(ν) · √((LSC / 1.96)² + u₁² + u₂²),

    with Welch's and Satterthwaite's degrees of freedom ν = (sum of squares)² / (u₁⁴ / ν₁ + u₂⁴ / ν₂); that of the LSC
    are infinite, as in its definition. The tolerance of a certificate is in the error of each line although it cancels
    for one phantom: the interval is then wider than necessary.

    References
    ----------
    Fieller's theorem, for the ratio. JCGM 100:2008 (GUM), 5.1 and G.4, for the combined uncertainty and its degrees of
    freedom. G.Y. Zou and A. Donner, Stat Med 2008;27:1693–1702, for errors that differ upward and downward.
    """
    found = DensityChange(first.density(from_hu).mean_mg_cc, second.density(to_hu).mean_mg_cc)
    if lsc_mg_cc is None or not (first.has_interval and second.has_interval):
        return found
    is_one_line = is_same_calibration(first, second) and not first.phantom.is_phantomless
    if is_one_line:
        low, high = _by_one_line(first, found.change_mg_cc, lsc_mg_cc)
        return DensityChange(found.from_mg_cc, found.to_mg_cc, low, high, lsc_mg_cc)
    below, above = lsc_mg_cc, lsc_mg_cc
    if not includes_calibrations:
        (down_1, up_1, freedom_1), (down_2, up_2, freedom_2) = _errors(first, from_hu), _errors(second, to_hu)
        below = _half_width(lsc_mg_cc, (up_1, freedom_1), (down_2, freedom_2))
        above = _half_width(lsc_mg_cc, (down_1, freedom_1), (up_2, freedom_2))
    change = found.change_mg_cc
    return DensityChange(
        found.from_mg_cc, found.to_mg_cc, change - below, change + above, below if change > 0 else above
    )


def _half_width(lsc_mg_cc: float, *errors: tuple[float, float]) -> float:
    """Return the half-width of the interval of a change with an LSC and further standard errors, with their freedom."""
    known = [(error, freedom) for error, freedom in errors if error > 0]
    if not known:
        return lsc_mg_cc
    variance = (lsc_mg_cc / _NORMAL) ** 2 + sum(error**2 for error, _ in known)
    freedom = variance**2 / sum(error**4 / freedom for error, freedom in known)
    return t_quantile(freedom) * math.sqrt(variance)


def _by_one_line(calibration: Calibration, change_mg_cc: float, lsc_mg_cc: float) -> tuple[float, float]:
    line = calibration.line
    # Share of the slope that its error may be; below 1, or the fit would have been refused.
    share = line.t**2 * (line.slope_variance or 0.0) / line.slope**2
    middle = change_mg_cc / (1 - share)
    root = math.sqrt(share * change_mg_cc**2 + (1 - share) * lsc_mg_cc**2) / (1 - share)
    return middle - root, middle + root


def _errors(calibration: Calibration, mean_hu: float) -> tuple[float, float, float]:
    """Return the standard errors of a density by its line alone, downward and upward, and their degrees of freedom."""
    error, line = calibration.phantom.stated_error, calibration.line
    if error is not None:
        return error.rms_mg_cc, error.rms_mg_cc, error.scans
    interval = line.interval(mean_hu, of_line_only=True)
    if interval is None:
        raise ValueError("A calibration without an interval has no error to combine.")
    density, freedom = line.density(mean_hu), line.freedom_at(mean_hu, of_line_only=True)
    t = t_quantile(freedom)
    return (density - interval[0]) / t, (interval[1] - density) / t, freedom
