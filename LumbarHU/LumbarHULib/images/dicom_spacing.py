"""Whether slices are evenly spaced and, where they are not, which even part of them can be measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding

# How far a slice may lie off the even grid: well under any slice spacing, and more than rounding in a header.
_OFF_GRID_MM = 0.1
# Two steps that differ by more are not the same, rounded differently.
_SAME_STEP_MM = 0.25
# From this multiple of the usual step on, slices are missing in between.
_MISSING_STEPS = 1.5
# A step that is a multiple of the usual one, to this share of it.
_MULTIPLE = 0.15
_MOST_TOLD = 4
# So far above and below a midline the slices must be even: those that are measured, and those of a reader's error.
_AROUND_MM = 5.0


@dataclass(frozen=True, eq=False)
class EvenPart:
    """Evenly spaced slices.

    Parameters
    ----------
    slices : slice
        Which of the sorted slices they are.
    step_mm : numpy.ndarray, shape (3,)
        From one slice's origin to the next.
    findings : tuple of Finding
        What was left out.
    """

    slices: slice
    step_mm: np.ndarray
    findings: tuple[Finding, ...] = ()


def even_part(
    positions_mm: np.ndarray, normal: np.ndarray, names: Sequence[str], measured_mm: np.ndarray | None = None
) -> EvenPart:
    """Return all slices where they are evenly spaced, else the even part that holds the points to be measured at.

    Parameters
    ----------
    positions_mm : numpy.ndarray, shape (n, 3)
        Origin of each slice, in order along the normal.
    normal : numpy.ndarray, shape (3,)
        Unit normal of the slices.
    names : sequence of str
        What each slice's file is called.
    measured_mm : numpy.ndarray, shape (m, 3), optional
        Points to be measured at, in the same coordinates.

    Raises
    ------
    InputError
        When no even part holds them all.
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
            # Beyond the whole scan nothing can be asked for.
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
    """Return how far slices lie off the even grid at most, along the normal and across it."""
    residuals = positions_mm - positions_mm[0] - np.arange(len(positions_mm))[:, None] * _step(positions_mm)
    along_mm = residuals @ normal
    return float(np.abs(along_mm).max()), float(np.linalg.norm(residuals - np.outer(along_mm, normal), axis=1).max())


def _parts(positions_mm: np.ndarray, normal: np.ndarray) -> list[slice]:
    """Return the evenly spaced parts of three slices or more, the longest first."""
    steps_mm = np.diff(positions_mm, axis=0)
    breaks = np.linalg.norm(np.diff(steps_mm, axis=0), axis=1) > _SAME_STEP_MM
    parts, start = [], 0
    for at in [*(np.flatnonzero(breaks) + 1), len(positions_mm) - 1]:
        # The step that begins at slice `at` is unlike the one before: the part ends there, and the next begins.
        part = slice(start, int(at) + 1)
        if part.stop - part.start > 2 and _is_even(positions_mm[part], normal):
            parts.append(part)
        start = int(at)
    return sorted(parts, key=lambda part: part.start - part.stop)


def _told_parts(heights_mm: np.ndarray, parts: Sequence[slice]) -> str:
    in_order = sorted(parts, key=lambda part: part.start)
    told = [
        f"{(heights_mm[part.stop - 1] - heights_mm[part.start]) / (part.stop - part.start - 1):.2f} mm from "
        f"{heights_mm[part.start]:.1f} to {heights_mm[part.stop - 1]:.1f} mm"
        for part in in_order[:_MOST_TOLD]
    ]
    more = f" and {len(in_order) - _MOST_TOLD} more" if len(in_order) > _MOST_TOLD else ""
    return ", ".join(told) + more


def _uneven_finding(heights_mm: np.ndarray, part: slice) -> Finding:
    left_out = len(heights_mm) - (part.stop - part.start)
    return Finding(
        "slices_uneven",
        f"The slice spacing varies or slices are missing: only the {part.stop - part.start} evenly spaced slices "
        f"around the levels to measure were read ({_told_parts(heights_mm, [part])}), {left_out} were left out.",
        "Measure a series of even spacing where there is one.",
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
        more = f", and so in {len(wide) - 1} more places" if len(wide) > 1 else ""
        return (
            f"Between “{names[first]}” and “{names[first + 1]}” "
            f"{'a slice is' if missing == 1 else f'{missing} slices are'} missing, they lie {gaps_mm[first]:.2f} mm "
            f"apart and the others {usual_mm:.2f} mm{more}: copy the series again."
        )
    along_mm, sideways_mm = _off_grid_mm(positions_mm, normal)
    if along_mm <= _OFF_GRID_MM:
        return (
            f"The slices are shifted against each other by up to {sideways_mm:.1f} mm: give a series with one image "
            "center."
        )
    told = f" ({_told_parts(heights_mm, parts)})" if parts else ""
    remedy = "no even part holds all levels to measure, so give a series of even spacing, or measure fewer levels"
    return (
        f"The slice spacing varies from {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm{told}: "
        f"{remedy if asked and parts else 'give a series of even spacing'}."
    )


def _are_whole(multiples: np.ndarray) -> bool:
    return bool(np.all(np.abs(multiples - np.rint(multiples)) <= _MULTIPLE * multiples))
