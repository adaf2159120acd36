"""Check that slices are evenly spaced; if not, find the evenly spaced part that can be measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding

# Tolerance of a slice's position on the even grid: well below any slice spacing, and above rounding in a header.
_OFF_GRID_MM = 0.1
# A larger difference between two steps is not a rounding difference.
_SAME_STEP_MM = 0.25
# At this multiple of the usual step or more, slices are missing in between.
_MISSING_STEPS = 1.5
# Relative tolerance for a step that is a multiple of the usual step.
_MULTIPLE = 0.15
_MOST_SHOWN = 4
# The slices must be even up to this distance above and below a midline: the measured slices, with a margin for the
# reader's error.
_AROUND_MM = 5.0


@dataclass(frozen=True, eq=False)
class EvenPart:
    """Evenly spaced slices.

    Parameters
    ----------
    slices : slice
        Their range among the sorted slices.
    step_mm : numpy.ndarray, shape (3,)
        From one slice's origin to the next.
    findings : tuple of Finding
        Findings on omitted slices.
    """

    slices: slice
    step_mm: np.ndarray
    findings: tuple[Finding, ...] = ()


def even_part(
    positions_mm: np.ndarray, normal: np.ndarray, names: Sequence[str], measured_mm: np.ndarray | None = None
) -> EvenPart:
    """Return all slices if they are evenly spaced, otherwise the even part that contains the points to measure.

    Parameters
    ----------
    positions_mm : numpy.ndarray, shape (n, 3)
        Origin of each slice, in order along the normal.
    normal : numpy.ndarray, shape (3,)
        Unit normal of the slices.
    names : sequence of str
        File name of each slice.
    measured_mm : numpy.ndarray, shape (m, 3), optional
        Points to measure, in the same coordinates.

    Raises
    ------
    InputError
        If no even part contains all points.
    """
    whole = slice(0, len(positions_mm))
    if _is_even(positions_mm, normal):
        return EvenPart(whole, _step(positions_mm))
    heights_mm = positions_mm @ normal
    parts = _parts(positions_mm, normal)
    if measured_mm is not None and len(measured_mm):
        low_mm = float((measured_mm @ normal).min()) - _AROUND_MM
        high_mm = float((measured_mm @ normal).max()) + _AROUND_MM
        for part in parts:
            half_mm = (heights_mm[part][-1] - heights_mm[part][0]) / (part.stop - part.start - 1) / 2
            # The required range ends at the ends of the scan.
            bottom_mm = -np.inf if part.start == 0 else heights_mm[part][0] - half_mm
            top_mm = np.inf if part.stop == whole.stop else heights_mm[part][-1] + half_mm
            if bottom_mm <= low_mm and high_mm <= top_mm:
                return EvenPart(part, _step(positions_mm[part]), (_uneven_finding(heights_mm, part),))
    raise InputError(_uneven_sentence(positions_mm, normal, names, parts, measured_mm is not None))


def _step(positions_mm: np.ndarray) -> np.ndarray:
    return (positions_mm[-1] - positions_mm[0]) / (len(positions_mm) - 1)


def _is_even(positions_mm: np.ndarray, normal: np.ndarray) -> bool:
    along_mm, sideways_mm = _off_grid_mm(positions_mm, normal)
    return max(along_mm, sideways_mm) <= _OFF_GRID_MM


def _off_grid_mm(positions_mm: np.ndarray, normal: np.ndarray) -> tuple[float, float]:
    """Return the largest deviation of slices from the even grid, along the normal and across it."""
    residuals = positions_mm - positions_mm[0] - np.arange(len(positions_mm))[:, None] * _step(positions_mm)
    along_mm = residuals @ normal
    return float(np.abs(along_mm).max()), float(np.linalg.norm(residuals - np.outer(along_mm, normal), axis=1).max())


def _parts(positions_mm: np.ndarray, normal: np.ndarray) -> list[slice]:
    """Return the evenly spaced parts of three slices or more, the longest first."""
    steps_mm = np.diff(positions_mm, axis=0)
    breaks = np.linalg.norm(np.diff(steps_mm, axis=0), axis=1) > _SAME_STEP_MM
    parts, start = [], 0
    for at in [*(np.flatnonzero(breaks) + 1), len(positions_mm) - 1]:
        # The step that starts at slice `at` differs from the step before, so one part ends there and the next begins.
        part = slice(start, int(at) + 1)
        if part.stop - part.start > 2 and _is_even(positions_mm[part], normal):
            parts.append(part)
        start = int(at)
    return sorted(parts, key=lambda part: part.start - part.stop)


def _described_parts(heights_mm: np.ndarray, parts: Sequence[slice]) -> str:
    in_order = sorted(parts, key=lambda part: part.start)
    shown = [
        f"{(heights_mm[part.stop - 1] - heights_mm[part.start]) / (part.stop - part.start - 1):.2f} mm from "
        f"{heights_mm[part.start]:.1f} to {heights_mm[part.stop - 1]:.1f} mm"
        for part in in_order[:_MOST_SHOWN]
    ]
    more = f" and {len(in_order) - _MOST_SHOWN} more" if len(in_order) > _MOST_SHOWN else ""
    return ", ".join(shown) + more


def _uneven_finding(heights_mm: np.ndarray, part: slice) -> Finding:
    left_out = len(heights_mm) - (part.stop - part.start)
    return Finding(
        "slices_uneven",
        f"The slice spacing varies or slices are missing: only the {part.stop - part.start} evenly spaced slices "
        f"around the levels to measure were read ({_described_parts(heights_mm, [part])}); {left_out} were omitted.",
        "Measure an evenly spaced series if available.",
        "warning",
    )


def _uneven_sentence(
    positions_mm: np.ndarray, normal: np.ndarray, names: Sequence[str], parts: Sequence[slice], asked: bool
) -> str:
    heights_mm = positions_mm @ normal
    gaps_mm = np.diff(heights_mm)
    usual_mm = float(np.median(gaps_mm))
    wide = np.flatnonzero(gaps_mm > _MISSING_STEPS * usual_mm)
    others_mm = np.delete(gaps_mm, wide)
    multiples = gaps_mm[wide] / usual_mm
    if len(wide) and np.abs(others_mm - usual_mm).max() <= _SAME_STEP_MM and _are_whole(multiples):
        first = int(wide[0])
        missing = int(np.rint(multiples[0])) - 1
        more = f"; more are missing in {len(wide) - 1} other gaps" if len(wide) > 1 else ""
        return (
            f"Between “{names[first]}” and “{names[first + 1]}” "
            f"{'a slice is' if missing == 1 else f'{missing} slices are'} missing (distance {gaps_mm[first]:.2f} mm, "
            f"usual spacing {usual_mm:.2f} mm){more}: copy the series again."
        )
    along_mm, sideways_mm = _off_grid_mm(positions_mm, normal)
    if along_mm <= _OFF_GRID_MM:
        return (
            f"The slices are shifted sideways relative to each other by up to {sideways_mm:.1f} mm: choose a series "
            "with one image center."
        )
    shown = f" ({_described_parts(heights_mm, parts)})" if parts else ""
    remedy = "no even part contains all levels to measure, so choose an evenly spaced series, or measure fewer levels"
    return (
        f"The slice spacing varies from {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm{shown}: "
        f"{remedy if asked and parts else 'choose an evenly spaced series'}."
    )


def _are_whole(multiples: np.ndarray) -> bool:
    return bool(np.all(np.abs(multiples - np.rint(multiples)) <= _MULTIPLE * multiples))
