"""Pool several scans of one phantom: the mean line, with the variation between the scans in its uncertainty."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from LumbarHULib.core.calibration import (
    Calibration,
    CalibrationScan,
    FittedRod,
    PooledScan,
    RodSample,
    fitted_line,
)
from LumbarHULib.core.calibration_line import BetweenScans, Line, LineVariance
from LumbarHULib.core.calibration_phantom import LiquidCorrection, Rod
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import is_same_name, is_same_voltage, printable

# Of two scans, the variation is hardly known: Student's t for one degree of freedom is 12.7.
LEAST_SCANS = 3

_FACTS = {
    "tube_voltage_kv": "tube voltage",
    "manufacturer": "manufacturer",
    "scanner_model": "scanner model",
    "kernel": "kernel",
    "contrast": "contrast medium",
}


def pool_calibrations(calibrations: Sequence[Calibration]) -> Calibration:
    """Return the calibration by the mean of several scans of one phantom on one scanner.

    Its line goes through the mean HU of each rod, and is also the mean of the scans' lines. Its interval covers, in
    addition to the deviations of the rods, that a patient's scan has another line than the mean: the variance between
    the scans' lines, times 1 + 1/n.

    Raises
    ------
    InputError
        With fewer than three scans, a scan twice, other phantoms or rods, or scans that are known to differ in scanner,
        tube voltage, kernel or contrast medium.
    """
    if len(calibrations) < LEAST_SCANS:
        raise InputError(
            f"{len(calibrations)} calibrations are given: pool at least {LEAST_SCANS} scans of the phantom, or use one "
            "calibration as it is."
        )
    first = calibrations[0]
    for number, other in enumerate(calibrations[1:], start=2):
        _check_alike(first, other, number)
    scans = sorted(Counter(one.scan.voxels_sha256 for one in calibrations if one.scan.voxels_sha256).items())
    if any(count > 1 for _, count in scans):
        numbers = [
            str(number)
            for number, one in enumerate(calibrations, start=1)
            if any(sha256 == one.scan.voxels_sha256 and count > 1 for sha256, count in scans)
        ]
        raise InputError(f"Calibrations {' and '.join(numbers)} are of the same scan: give each scan once.")
    ordered = sorted(calibrations, key=lambda one: (one.scan.date or "", one.scan.voxels_sha256))
    pooled = tuple(
        PooledScan(one.scan.date, one.scan.voxels_sha256, tuple(rod.sample.mean_hu for rod in one.rods))
        for one in ordered
    )
    rods = [fitted.rod for fitted in first.rods]
    samples = [
        RodSample(
            math.fsum(scan.means_hu[at] for scan in pooled) / len(pooled),
            math.sqrt(math.fsum(one.rods[at].sample.sd_hu ** 2 for one in ordered) / len(ordered)),
            min(one.rods[at].sample.voxels for one in ordered),
        )
        for at in range(len(rods))
    ]
    line, residuals_hu, leverages = pooled_line(rods, samples, pooled, first.phantom.correction)
    fitted = tuple(
        FittedRod(rod, sample, float(residual_hu), float(leverage))
        for rod, sample, residual_hu, leverage in zip(rods, samples, residuals_hu, leverages, strict=True)
    )
    dates = [scan.date for scan in pooled]
    facts = {name: _common(name, ordered) for name in _FACTS}
    scan = CalibrationScan(**facts, date=None if None in dates else dates[-1])
    days = min(one.valid_days for one in calibrations)
    return Calibration(first.phantom, fitted, line, days, scan, dict(first.excluded), pooled)


def pooled_line(
    rods: Sequence[Rod],
    samples: Sequence[RodSample],
    scans: Sequence[PooledScan],
    correction: LiquidCorrection | None,
) -> tuple[Line, np.ndarray, np.ndarray]:
    """Return the line through the mean HU of rods with the variance between scans, and residuals and leverages."""
    line, residuals_hu, leverages = fitted_line(rods, samples, correction)
    lines = []
    for scan in scans:
        own = [replace(sample, mean_hu=mean_hu) for sample, mean_hu in zip(samples, scan.means_hu, strict=True)]
        found, *_ = fitted_line(rods, own, correction)
        lines.append((found.intercept_hu, found.slope))
    (intercept, both), (_, slope) = np.cov(np.array(lines), rowvar=False)
    between = BetweenScans(len(scans), LineVariance(float(intercept), float(slope), float(both)))
    return replace(line, between=between), residuals_hu, leverages


def _check_alike(first: Calibration, other: Calibration, number: int) -> None:
    if first.phantom.is_phantomless or other.phantom.is_phantomless:
        raise InputError("A calibration without a phantom cannot be pooled: pool scans of a phantom.")
    if first.pooled or other.pooled:
        raise InputError("A pooled calibration cannot be pooled again: give the calibration of each scan.")
    if first.phantom != other.phantom:
        names = [" ".join(filter(None, (one.phantom.name, one.phantom.serial_number))) for one in (first, other)]
        what = f"(“{names[0]}” and “{names[1]}”)" if names[0] != names[1] else "in their densities"
        raise InputError(f"Calibrations 1 and {number} differ in phantom {what}: pool scans of one phantom.")
    if [rod.rod for rod in first.rods] != [rod.rod for rod in other.rods]:
        raise InputError(
            f"Calibrations 1 and {number} use different rods: exclude the same rods in each scan, and pool again."
        )
    for name, what in _FACTS.items():
        values = [getattr(one.scan, name) for one in (first, other)]
        if None in values or "" in values or _is_same(name, *values):
            continue
        shown = " and ".join(printable(str(value)) for value in values)
        raise InputError(f"Calibrations 1 and {number} differ in {what} ({shown}): pool scans of one kind.")


def _is_same(name: str, one: Any, other: Any) -> bool:
    if name == "tube_voltage_kv":
        return is_same_voltage(one, other)
    return one == other if isinstance(one, bool) else is_same_name(one, other)


def _common(name: str, calibrations: Sequence[Calibration]) -> Any:
    """Return the fact that all scans state; None if one does not state it."""
    values = [getattr(one.scan, name) for one in calibrations]
    return None if None in values or "" in values else values[0]
