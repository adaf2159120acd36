"""The outer edge of the vertebral body in the mid-slice, as a closed curve in a level's frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame, nearest_slice
from LumbarHULib.core.landmarks import POSITION_DECIMALS
from LumbarHULib.core.protocol_values import OutlineValues


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed spline through control points.

    Parameters
    ----------
    control_points_uv_mm : numpy.ndarray, shape (n, 2)
        Control points in the level's frame.
    """

    control_points_uv_mm: np.ndarray

    @cached_property
    def _samples(self) -> tuple[np.ndarray, np.ndarray]:
        positions, derivatives = sample_closed_spline(self.control_points_uv_mm)
        if polygons.signed_area(positions) < 0:
            return positions[::-1], -derivatives[::-1]
        return positions, derivatives

    @property
    def polygon_uv_mm(self) -> np.ndarray:
        """Dense counterclockwise polygon, shape (m, 2), that approximates the spline."""
        return self._samples[0]

    @cached_property
    def inward_normals(self) -> np.ndarray:
        """Unit normals toward the inside at the polygon's corners, shape (m, 2)."""
        along = self._samples[1]
        lengths = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), np.finfo(float).tiny)
        return np.column_stack([-along[:, 1], along[:, 0]]) / lengths


def round_to_positions(frame: Frame, points_uv_mm: np.ndarray) -> np.ndarray:
    """Return frame points, shape (n, 2), as RAS points, shape (n, 3), with the precision of markups.

    Points found automatically are rounded here before they are measured, so that a markup written with them gives the
    same measurement when it is read again.
    """
    return np.round(frame.to_ras_mm(points_uv_mm), POSITION_DECIMALS) + 0.0


def outline_from_markup(
    stack_spacing_mm: float, frame: Frame, points_ras_mm: np.ndarray, values: OutlineValues
) -> tuple[Outline, tuple[Finding, ...]]:
    """Return the outline through a closed curve's control points, and its findings.

    Parameters
    ----------
    stack_spacing_mm : float
        Distance between two slices, in mm.
    frame : Frame
        The level's frame.
    points_ras_mm : numpy.ndarray, shape (n, 3)
        Control points that a reader drew or edited.
    values : OutlineValues

    Returns
    -------
    tuple of Outline and tuple of Finding

    Raises
    ------
    InputError
        When the curve is in another slice, crosses itself or does not enclose the midline's midpoint.
    """
    level = frame.level
    heights = frame.heights_mm(points_ras_mm) / stack_spacing_mm
    farthest = heights[np.argmax(np.abs(heights))]
    if nearest_slice(float(heights.mean())) != 0 or abs(farthest) > 1.0:
        raise InputError(
            f"The outline of {level} is in another slice, {abs(farthest) * stack_spacing_mm:.1f} mm from the slice of "
            "its midline: return it to automatic, or draw it again.",
            level,
        )
    outline = Outline(frame.to_uv_mm(points_ras_mm))
    polygon = outline.polygon_uv_mm
    if polygons.crosses_itself(polygon):
        raise InputError(
            f"The outline of {level} crosses itself: move its points apart, or return it to automatic.", level
        )
    if not polygons.contains(polygon, (0.0, -frame.depth_mm / 2)):
        raise InputError(
            f"The outline of {level} does not enclose the midpoint of its midline: check that both are on the same "
            "vertebral body, or return the outline to automatic.",
            level,
        )
    return outline, gap_findings(frame, outline, values)


def gap_findings(frame: Frame, outline: Outline, values: OutlineValues) -> tuple[Finding, ...]:
    """Return findings on midline ends that are not on the outline, although both mark the edge of one body."""
    ends = np.array([(0.0, 0.0), (0.0, -frame.depth_mm)])
    gaps_mm = polygons.distances_to_edges(ends, outline.polygon_uv_mm).min(axis=1)
    return tuple(
        Finding(
            "midline_off_outline",
            f"The {name} end of {frame.level}'s midline is {gap_mm:.1f} mm from its outline, more than "
            f"{values.gap_limit_mm:g} mm.",
            "Move the end onto the edge of the body, or correct the outline.",
            "warning",
            frame.level,
        )
        for name, gap_mm in zip(("anterior", "posterior"), gaps_mm, strict=True)
        if gap_mm > values.gap_limit_mm
    )
