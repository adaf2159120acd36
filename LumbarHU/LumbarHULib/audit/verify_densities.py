"""Compute densities from a recorded calibration again, without the code that made them.

The ends of an interval are found by a search for the density at which a mean HU deviates from the line by t standard
deviations; the measurement solves a quadratic equation instead.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from LumbarHULib.audit.replay import recorded_calibration
from LumbarHULib.audit.tables import DENSITY_COLUMNS
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_file import fit_contradictions

# More doublings of a step than any density needs.
_MOST_DOUBLINGS = 60


def calibration_differences(record: Mapping[str, Any]) -> list[str]:
    """Return where a record's calibration contradicts its own rods."""
    try:
        calibration = recorded_calibration(record)
    except InputError as problem:
        return [str(problem)]
    if calibration is None:
        return []
    return [
        f"record.json, calibration.{name}: {sentence}" for name, sentence in fit_contradictions(calibration.calibration)
    ]


def densities_again(mean_hu: float | None, calibration: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the cells of the density columns at a mean HU, by the calibration in a record."""
    if mean_hu is None:
        return dict.fromkeys(DENSITY_COLUMNS)
    fit = calibration["fit"]
    density = (mean_hu - fit["intercept_hu"]) / fit["slope_hu_per_mg_cc"]
    low, high = _interval(mean_hu, density, calibration)
    return dict(zip(DENSITY_COLUMNS, (density, low, high), strict=True))


def _interval(mean_hu: float, density: float, calibration: Mapping[str, Any]) -> tuple[float | None, float | None]:
    from scipy import optimize, stats  # slow to import, and most readings are not calibrated

    fit, error = calibration["fit"], calibration["phantom"].get("stated_error")
    if error is not None:
        half = stats.t(error["scans"]).isf(0.025) * error["rms_mg_cc"]
        return density - half, density + half
    if not fit["degrees_of_freedom"]:
        return None, None
    lines = _variances(calibration)
    within, between = (sum(variance(density) for variance in part) for part in lines)
    freedom = fit["degrees_of_freedom"]
    if between:
        scans = len(calibration["pooled"]["scans"])
        freedom = (within + between) ** 2 / (within**2 / freedom + between**2 / (scans - 1))
    t = stats.t(freedom).isf(0.025)

    def beyond(x: float) -> float:
        variance = sum(of(x) for part in lines for of in part)
        deviation_hu = abs(mean_hu - fit["intercept_hu"] - fit["slope_hu_per_mg_cc"] * x)
        return deviation_hu - t * math.sqrt(max(variance, 0.0))

    ends: list[float | None] = []
    for direction in (-1, 1):
        step = 1e-6
        for _ in range(_MOST_DOUBLINGS):
            if beyond(density + direction * step) > 0:
                break
            step *= 2
        else:
            return None, None
        inner = density + direction * step / 2 if beyond(density + direction * step / 2) <= 0 else density
        if beyond(inner) > 0:  # no residuals: the interval has no width
            ends.append(density)
            continue
        ends.append(float(optimize.brentq(beyond, inner, density + direction * step, xtol=1e-12, rtol=1e-14)))
    return ends[0], ends[1]


def _variances(calibration: Mapping[str, Any]) -> tuple[list[Callable[[float], float]], list[Callable[[float], float]]]:
    """Return the variances of HU at a density: of rods and line, and of a line between scans if it is pooled."""

    def of_line(values: Mapping[str, float], factor: float) -> Callable[[float], float]:
        intercept, both, slope = (values[name] for name in ("intercept_variance", "covariance", "slope_variance"))
        return lambda x: factor * (intercept + 2 * x * both + x**2 * slope)

    fit, pooled = calibration["fit"], calibration.get("pooled")
    within = [lambda x: fit["residual_sd_hu"] ** 2, of_line(fit, 1.0)]
    return within, [] if pooled is None else [of_line(pooled["between_scans"], 1 + 1 / len(pooled["scans"]))]
