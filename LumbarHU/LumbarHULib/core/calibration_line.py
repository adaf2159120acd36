"""The line of a calibration, HU on density, and the densities that are read from it backward with their intervals."""

import math
from dataclasses import dataclass

from LumbarHULib.core.errors import InputError

COVERAGE = 0.95


@dataclass(frozen=True)
class LineVariance:
    """The variance of a line: of intercept and slope, in HU² and (HU per mg/cm³)², and their covariance."""

    intercept_variance: float
    slope_variance: float
    covariance: float

    def __add__(self, other: "LineVariance") -> "LineVariance":
        return LineVariance(
            self.intercept_variance + other.intercept_variance,
            self.slope_variance + other.slope_variance,
            self.covariance + other.covariance,
        )

    def at(self, density: float) -> float:
        """Return the variance of the line's HU at a density."""
        return self.intercept_variance + 2 * density * self.covariance + density**2 * self.slope_variance


@dataclass(frozen=True)
class BetweenScans:
    """How the line of a phantom varies from scan to scan.

    Parameters
    ----------
    scans : int
        Number of scans.
    variance : LineVariance
        Sample variance (n − 1) of their lines.
    """

    scans: int
    variance: LineVariance

    @property
    def of_a_scan(self) -> LineVariance:
        """Variance of another scan's line about the mean of these: (1 + 1/n) times theirs."""
        factor = 1 + 1 / self.scans
        of = self.variance
        return LineVariance(factor * of.intercept_variance, factor * of.slope_variance, factor * of.covariance)


@dataclass(frozen=True)
class Line:
    """HU = intercept + slope · density, with its uncertainty.

    Parameters
    ----------
    intercept_hu, slope : float
        The slope is in HU per mg/cm³.
    intercept_variance, slope_variance, covariance : float or None
        Of the two estimates; None without residuals.
    residual_sd_hu : float or None
        Standard deviation of the residuals, by the degrees of freedom; None without any.
    degrees_of_freedom : int
        Rods minus 2.
    between : BetweenScans or None
        How lines vary from scan to scan, if it is the mean of several; None for a single scan.
    """

    intercept_hu: float
    slope: float
    intercept_variance: float | None
    slope_variance: float | None
    covariance: float | None
    residual_sd_hu: float | None
    degrees_of_freedom: int
    between: BetweenScans | None = None

    def __post_init__(self) -> None:
        uncertain = (self.intercept_variance, self.slope_variance, self.covariance, self.residual_sd_hu)
        if any((value is None) != (self.degrees_of_freedom == 0) for value in uncertain):
            raise InputError("The fit states an uncertainty without residuals, or none with them: calibrate again.")
        if self.slope <= 0:
            raise InputError(f"The slope is {self.slope:g} HU per mg/cm³, but HU must rise with density.")
        if self._slope_part() <= 0:
            raise InputError(
                f"The slope of {self.slope:.4g} HU per mg/cm³ has a standard error of "
                f"{math.sqrt(self.slope_variance or 0.0):.2g} from {self.degrees_of_freedom + 2} rods, so it cannot be "
                "distinguished from 0: check the rods' positions and densities, or use a phantom with more rods."
            )

    @property
    def t(self) -> float:
        """Student's t of a 95 % interval for the rods of a single scan."""
        return t_quantile(self.degrees_of_freedom)

    def _slope_part(self, t: float | None = None) -> float:
        """Return the factor of x² in the equation for the ends of an interval; it must be positive."""
        if self.slope_variance is None:
            return self.slope**2
        variance = self.slope_variance + (0.0 if self.between is None else self.between.of_a_scan.slope_variance)
        return self.slope**2 - (self.t if t is None else t) ** 2 * variance

    def density(self, mean_hu: float) -> float:
        """Return the density at a mean HU, in mg/cm³."""
        return (mean_hu - self.intercept_hu) / self.slope

    def freedom_at(self, mean_hu: float, of_line_only: bool = False) -> float:
        """Return the degrees of freedom of the interval at a mean HU, by Welch and Satterthwaite for several scans."""
        if self.between is None or not self.degrees_of_freedom:
            return self.degrees_of_freedom
        density = self.density(mean_hu)
        within = self._own.at(density) + (0.0 if of_line_only else (self.residual_sd_hu or 0.0) ** 2)
        between = self.between.of_a_scan.at(density)
        parts = within**2 / self.degrees_of_freedom + between**2 / (self.between.scans - 1)
        return (within + between) ** 2 / parts if parts > 0 else self.degrees_of_freedom

    @property
    def _own(self) -> "LineVariance":
        return LineVariance(self.intercept_variance or 0.0, self.slope_variance or 0.0, self.covariance or 0.0)

    def interval(self, mean_hu: float, of_line_only: bool = False) -> tuple[float, float] | None:
        """Return the ends of the 95 % interval of the density at a mean HU; None without residuals.

        It contains each density x at which the mean HU deviates from the line by at most t standard deviations
        (Fieller): the line's uncertainty at x, for a pooled line also that of another scan's, and, unless
        `of_line_only`, one more deviation from it such as a rod's.
        """
        if self.residual_sd_hu is None:
            return None
        line = self._own if self.between is None else self._own + self.between.of_a_scan
        # The equation is solved for the distance from the estimate, which keeps its digits where residuals are tiny.
        middle, t = self.density(mean_hu), t_quantile(self.freedom_at(mean_hu, of_line_only))
        t_square, square = t**2, self._slope_part(t)
        half_linear = t_square * (line.covariance + middle * line.slope_variance)
        variance = line.at(middle) + (0.0 if of_line_only else self.residual_sd_hu**2)
        root = math.sqrt(half_linear**2 + square * t_square * max(variance, 0.0))
        return middle + (half_linear - root) / square, middle + (half_linear + root) / square


def t_quantile(degrees_of_freedom: float) -> float:
    """Return Student's t of a 95 % interval."""
    # Not from scipy.stats: its import takes longer than a measurement, and this file is part of every one.
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, (1 + COVERAGE) / 2))
