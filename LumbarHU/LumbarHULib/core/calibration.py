"""Calibrate HU to mg/cm³: a line through rods of known density, and densities with their intervals.

The line is fitted by least squares, HU on density, as rods have a certified density and a measured HU. A density is
read from it backward (inverse prediction). See Docs/calibration.md for what an interval covers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from LumbarHULib.core.calibration_line import Line, t_quantile
from LumbarHULib.core.calibration_phantom import LEAST_RODS, CalibrationPhantom, LiquidCorrection, Rod
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class RodSample:
    """What was measured in one rod.

    Parameters
    ----------
    mean_hu : float
        Mean of its voxels.
    sd_hu : float
        Standard deviation (n − 1) of its voxels.
    voxels : int
        Their number.
    """

    mean_hu: float
    sd_hu: float
    voxels: int


@dataclass(frozen=True)
class FittedRod:
    """One rod in a fit.

    Parameters
    ----------
    rod : Rod
    sample : RodSample
    residual_hu : float
        Measured minus fitted HU.
    leverage : float
        How much the rod determines its own fitted value, 0 to 1.
    """

    rod: Rod
    sample: RodSample
    residual_hu: float
    leverage: float


@dataclass(frozen=True)
class CalibrationScan:
    """The scan of the phantom, to which a calibration is bound; None where it is unknown.

    Parameters
    ----------
    tube_voltage_kv : float or None
    manufacturer, scanner_model, kernel : str or None
    contrast : bool or None
        Whether contrast medium was given.
    date : str or None
        Day of the scan as YYYY-MM-DD.
    voxels_sha256 : str
        Hash that identifies the scan's voxels; empty if unknown.
    """

    tube_voltage_kv: float | None = None
    manufacturer: str | None = None
    scanner_model: str | None = None
    kernel: str | None = None
    contrast: bool | None = None
    date: str | None = None
    voxels_sha256: str = ""


@dataclass(frozen=True)
class PooledScan:
    """One of several scans of a phantom that a calibration is pooled from.

    Parameters
    ----------
    date : str or None
        Day of the scan as YYYY-MM-DD.
    voxels_sha256 : str
        Hash that identifies the scan's voxels; empty if unknown.
    means_hu : tuple of float
        Mean HU of each rod in the fit, in their order.
    """

    date: str | None
    voxels_sha256: str
    means_hu: tuple[float, ...]


@dataclass(frozen=True)
class FitLimits:
    """Limits outside which a fit is refused; the values are in Resources/Calibration.

    Parameters
    ----------
    order_mg_cc : float
        Rods whose densities differ by at least this must have HU in the same order.
    least_slope, most_slope : float
        Plausible HU per mg/cm³.
    most_intercept_hu : float
        Largest plausible HU, positive or negative, at a density of 0.
    exchange_ratio : float
        Two rods count as exchanged if exchanging them divides the residual SD by at least this.
    exchange_sd_hu : float
        Residual SD below which no exchange is suspected.
    """

    order_mg_cc: float
    least_slope: float
    most_slope: float
    most_intercept_hu: float
    exchange_ratio: float
    exchange_sd_hu: float


@dataclass(frozen=True)
class Density:
    """A density, or a mean of densities, with its 95 % interval.

    Parameters
    ----------
    mean_mg_cc : float
    low_mg_cc, high_mg_cc : float or None
        None where the calibration has too few rods for an interval.
    """

    mean_mg_cc: float
    low_mg_cc: float | None
    high_mg_cc: float | None


@dataclass(frozen=True)
class Calibration:
    """A calibration from HU to mg/cm³.

    Parameters
    ----------
    phantom : CalibrationPhantom
        The phantom, or the reference tissues of an experimental phantomless calibration.
    rods : tuple of FittedRod
        The rods in the fit.
    line : Line
    valid_days : int
        Days before and after the scan in which CTs are calibrated without a finding.
    scan : CalibrationScan
    excluded : mapping of str to str
        Rods that are not in the fit, with the reason.
    pooled : tuple of PooledScan
        The scans that it is pooled from; empty for a single scan.
    """

    phantom: CalibrationPhantom
    rods: tuple[FittedRod, ...]
    line: Line
    valid_days: int
    scan: CalibrationScan = field(default_factory=CalibrationScan)
    excluded: Mapping[str, str] = field(default_factory=dict)
    pooled: tuple[PooledScan, ...] = ()

    @property
    def unit(self) -> str:
        """The mineral of the densities: ``HA`` or ``K2HPO4``."""
        return self.phantom.unit

    @property
    def has_interval(self) -> bool:
        """Whether densities have an interval."""
        return self.phantom.is_phantomless or self.line.residual_sd_hu is not None

    @property
    def range_mg_cc(self) -> tuple[float, float]:
        """The lowest and the highest density of the rods in the fit."""
        densities = [fitted.rod.density_mg_cc for fitted in self.rods]
        return min(densities), max(densities)

    def density(self, mean_hu: float) -> Density:
        """Return the density at the mean HU of a region, or of several regions, with its 95 % interval."""
        mean_mg_cc = self.line.density(mean_hu)
        error = self.phantom.stated_error
        if error is not None:
            # Residuals of tissues whose densities were chosen to fit say nothing about bone.
            half = t_quantile(error.scans) * error.rms_mg_cc
            return Density(mean_mg_cc, mean_mg_cc - half, mean_mg_cc + half)
        interval = self.line.interval(mean_hu)
        return Density(mean_mg_cc, *(interval or (None, None)))


def fit_calibration(
    phantom: CalibrationPhantom,
    samples: Mapping[str, RodSample],
    limits: FitLimits,
    valid_days: int,
    scan: CalibrationScan | None = None,
    excluded: Mapping[str, str] | None = None,
) -> Calibration:
    """Fit the line through the rods of a phantom.

    Parameters
    ----------
    phantom : CalibrationPhantom
    samples : mapping of str to RodSample
        What was measured, by the rod's name.
    limits : FitLimits
    valid_days : int
        As of `Calibration`.
    scan : CalibrationScan, optional
    excluded : mapping of str to str, optional
        Rods that are not in the fit, with the reason.

    Raises
    ------
    InputError
        When a rod is missing, HU do not rise with density, or the line is implausible.
    """
    excluded = dict(excluded or {})
    rods = [rod for rod in phantom.rods if rod.name not in excluded]
    _require_rods(phantom, rods, samples)
    used = [samples[rod.name] for rod in rods]
    _require_order(phantom, rods, used, limits)
    line, residuals_hu, leverages = fitted_line(rods, used, phantom.correction)
    _require_no_exchange(phantom, rods, used, line, limits)
    _require_plausible(phantom, line, limits)
    fitted = tuple(
        FittedRod(rod, sample, float(residual_hu), float(leverage))
        for rod, sample, residual_hu, leverage in zip(rods, used, residuals_hu, leverages, strict=True)
    )
    return Calibration(phantom, fitted, line, valid_days, scan or CalibrationScan(), excluded)


def fitted_line(
    rods: Sequence[Rod], samples: Sequence[RodSample], correction: LiquidCorrection | None
) -> tuple[Line, np.ndarray, np.ndarray]:
    """Return the line through rods, and the residual in HU and the leverage of each, shape (n,).

    For rods of K2HPO4 and water, HU minus the density of water is fitted, and the line is corrected afterward. The
    corrections are constants, so the covariance stays.
    """
    densities = np.array([rod.density_mg_cc for rod in rods])
    values_hu = np.array([_without_water(rod, sample) for rod, sample in zip(rods, samples, strict=True)])
    count, middle = len(rods), densities.mean()
    sum_of_squares = float(((densities - middle) ** 2).sum())
    slope = float((densities - middle) @ (values_hu - values_hu.mean()) / sum_of_squares)
    intercept_hu = float(values_hu.mean() - slope * middle)
    residuals_hu = values_hu - (intercept_hu + slope * densities)
    leverages = 1 / count + (densities - middle) ** 2 / sum_of_squares
    if correction is not None:
        slope, intercept_hu = slope + correction.slope, intercept_hu + correction.intercept_hu
    if count == LEAST_RODS:
        return Line(intercept_hu, slope, None, None, None, None, 0), residuals_hu, leverages
    variance = float(residuals_hu @ residuals_hu) / (count - 2)
    line = Line(
        intercept_hu,
        slope,
        intercept_variance=variance * (1 / count + float(middle) ** 2 / sum_of_squares),
        slope_variance=variance / sum_of_squares,
        covariance=-variance * float(middle) / sum_of_squares,
        residual_sd_hu=math.sqrt(variance),
        degrees_of_freedom=count - 2,
    )
    return line, residuals_hu, leverages


def _without_water(rod: Rod, sample: RodSample) -> float:
    return sample.mean_hu - (rod.water_mg_cc or 0.0)


def _require_rods(phantom: CalibrationPhantom, rods: Sequence[Rod], samples: Mapping[str, RodSample]) -> None:
    missing = [rod.name for rod in rods if rod.name not in samples]
    if missing:
        raise InputError(
            f"{', '.join(missing)} of “{phantom.name}” {'is' if len(missing) == 1 else 'are'} not measured: mark each "
            f"of the {len(phantom.rods)} rods, or exclude a rod with its reason."
        )
    needed = min(len(phantom.rods), LEAST_RODS + 1)
    if len(rods) < needed or len({rod.density_mg_cc for rod in rods}) < LEAST_RODS:
        raise InputError(
            f"Only {len(rods)} of the {len(phantom.rods)} rods of “{phantom.name}” can be used: a calibration needs at "
            f"least {needed}, of different densities."
        )


def _require_order(
    phantom: CalibrationPhantom, rods: Sequence[Rod], samples: Sequence[RodSample], limits: FitLimits
) -> None:
    after = ", after subtraction of the water," if phantom.is_liquid else ""
    pairs = sorted(zip(rods, samples, strict=True), key=lambda pair: pair[0].density_mg_cc)
    for (lower, low), (upper, high) in combinations(pairs, 2):
        apart = upper.density_mg_cc - lower.density_mg_cc >= limits.order_mg_cc
        if apart and _without_water(lower, low) >= _without_water(upper, high):
            raise InputError(
                f"The rods are in the wrong order: {lower.name} ({lower.density_mg_cc:g} mg/cm³) has "
                f"{low.mean_hu:.1f} HU and {upper.name} ({upper.density_mg_cc:g} mg/cm³) {high.mean_hu:.1f} HU, but "
                f"HU{after} must rise with density: check which rod is which."
            )


def _require_no_exchange(
    phantom: CalibrationPhantom, rods: Sequence[Rod], samples: Sequence[RodSample], line: Line, limits: FitLimits
) -> None:
    """Raise InputError where the fit would be far better with two rods exchanged; with water, HU need not rise."""
    sd_hu = line.residual_sd_hu
    if not phantom.is_liquid or sd_hu is None or sd_hu < limits.exchange_sd_hu:
        return
    for first, second in combinations(range(len(rods)), 2):
        other = list(samples)
        other[first], other[second] = other[second], other[first]
        try:
            other_sd_hu = fitted_line(rods, other, phantom.correction)[0].residual_sd_hu or 0.0
        except InputError:
            continue
        if other_sd_hu * limits.exchange_ratio <= sd_hu:
            raise InputError(
                f"The rods {rods[first].name} and {rods[second].name} seem to be exchanged: the residual SD is "
                f"{sd_hu:.1f} HU, and {other_sd_hu:.1f} HU if they are exchanged: check which rod is which."
            )


def _require_plausible(phantom: CalibrationPhantom, line: Line, limits: FitLimits) -> None:
    if not limits.least_slope <= line.slope <= limits.most_slope:
        raise InputError(
            f"The slope is {line.slope:.4g} HU per mg/cm³ of {phantom.unit}, outside {limits.least_slope:g} to "
            f"{limits.most_slope:g}: check that the densities are in mg/cm³, and that the CT is in HU."
        )
    if abs(line.intercept_hu) > limits.most_intercept_hu:
        raise InputError(
            f"A density of 0 mg/cm³ would have {line.intercept_hu:.0f} HU, outside ±{limits.most_intercept_hu:g} HU: "
            "check the densities and their unit, and that the CT is in HU."
        )
