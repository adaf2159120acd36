"""The five regions of interest as shapes in a level's frame, as the protocol defines them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.circle import largest_circle
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.oval import FINEST_MM, largest_oval
from LumbarHULib.core.protocol_values import RoiValues

# Names of the bounds of circle, oval and front, in the order in which they are computed.
_BOUNDS = (
    *("round_center_v_mm", "round_radius_mm", "oval_center_v_mm", "oval_half_u_mm", "oval_half_v_mm"),
    "front_half_width_mm",
)

# An anterior region shallower than this counts as empty.
_SHALLOWEST_MM = 1e-3


@dataclass(frozen=True, eq=False)
class RegionBounds:
    """The bounds of the five regions inside the inner outline, in mm in the frame.

    All except boundary and extent are numbers, or arrays, shape (t, 1), for t placements of one level.

    Parameters
    ----------
    boundary : Boundary
        The anterior region is the part of the inner outline anterior to it.
    round_center_v_mm, round_radius_mm : float or numpy.ndarray
        The circle.
    oval_center_v_mm, oval_half_u_mm, oval_half_v_mm : float or numpy.ndarray
        The ellipse.
    front_half_width_mm : float or numpy.ndarray
        The two longitudinal borders are at u = ± this.
    lateral_extent : str
        ``full`` or ``anterior``.
    """

    boundary: Boundary
    round_center_v_mm: float | np.ndarray
    round_radius_mm: float | np.ndarray
    oval_center_v_mm: float | np.ndarray
    oval_half_u_mm: float | np.ndarray
    oval_half_v_mm: float | np.ndarray
    front_half_width_mm: float | np.ndarray
    lateral_extent: str

    def of_placements(self, which: np.ndarray) -> "RegionBounds":
        """Return the bounds of those of the placements, bool of shape (t,), that `which` selects."""
        return replace(self, **{name: getattr(self, name)[which] for name in _BOUNDS})

    def holds(
        self, roi: str, u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> np.ndarray:
        """Return which points belong to `roi`.

        Parameters
        ----------
        roi : str
            One of `ROIS`.
        u_mm, v_mm : numpy.ndarray, shape (m,), or (t, m) of t placements
            The points, in the frame of each placement.
        in_inner : numpy.ndarray of bool, of the same shape
            Which of them are in the inner outline.
        tolerance_mm : float
            A point this close to an edge counts as inside; the longitudinal borders belong to the front.

        Returns
        -------
        numpy.ndarray of bool, of the same shape
        """
        return self.hold((roi,), u_mm, v_mm, in_inner, tolerance_mm)[roi]

    def hold(
        self, rois: Sequence[str], u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> dict[str, np.ndarray]:
        """Return, for each of several regions, which points belong to it: see `holds`."""
        normal_u, normal_v = self.boundary.normal_uv
        anterior = in_inner & (normal_u * u_mm + normal_v * v_mm >= self.boundary.offset_mm - tolerance_mm)
        return {roi: self._holds(roi, u_mm, v_mm, in_inner, anterior, tolerance_mm) for roi in rois}

    def _holds(
        self,
        roi: str,
        u_mm: np.ndarray,
        v_mm: np.ndarray,
        in_inner: np.ndarray,
        anterior: np.ndarray,
        tolerance_mm: float,
    ) -> np.ndarray:
        if roi == "round":
            return anterior & (
                u_mm**2 + (v_mm - self.round_center_v_mm) ** 2 <= (self.round_radius_mm + tolerance_mm) ** 2
            )
        if roi == "oval":
            share_u = u_mm / (self.oval_half_u_mm + tolerance_mm)
            share_v = (v_mm - self.oval_center_v_mm) / (self.oval_half_v_mm + tolerance_mm)
            return anterior & (share_u**2 + share_v**2 <= 1)
        if roi == "front":
            return anterior & (np.abs(u_mm) <= self.front_half_width_mm + tolerance_mm)
        outward_mm = u_mm if roi == "left" else -u_mm
        lateral = outward_mm > self.front_half_width_mm + tolerance_mm
        return lateral & (in_inner if self.lateral_extent == "full" else anterior)


@dataclass(frozen=True, eq=False)
class RoiShapes(RegionBounds):
    """The five regions' shapes of one level.

    Parameters
    ----------
    inner_outline_uv_mm : numpy.ndarray, shape (n, 2)
        Counterclockwise polygon that holds every region.
    findings : tuple of Finding
    """

    round_center_v_mm: float
    round_radius_mm: float
    oval_center_v_mm: float
    oval_half_u_mm: float
    oval_half_v_mm: float
    front_half_width_mm: float
    inner_outline_uv_mm: np.ndarray
    findings: tuple[Finding, ...] = ()

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        """Sizes and centers of round, oval and front, by region and name, in mm in the frame."""
        return {
            "round": {"center_v_mm": self.round_center_v_mm, "radius_mm": self.round_radius_mm},
            "oval": {
                "center_v_mm": self.oval_center_v_mm,
                "half_axis_u_mm": self.oval_half_u_mm,
                "half_axis_v_mm": self.oval_half_v_mm,
            },
            "front": {"half_width_mm": self.front_half_width_mm},
        }


def roi_shapes(frame: Frame, inner_outline_uv_mm: np.ndarray, boundary: Boundary, values: RoiValues) -> RoiShapes:
    """Return the five regions' shapes.

    Raises
    ------
    InputError
        When no part of the inner outline is anterior to the boundary on the midline.
    """
    anterior = polygons.clip_to_half_plane(inner_outline_uv_mm, boundary.normal_uv, boundary.offset_mm)
    crossings_v_mm = polygons.crossings_of_axis(anterior)
    depth_mm = float(_depth_mm(crossings_v_mm, boundary))
    if depth_mm < _SHALLOWEST_MM:
        raise InputError(
            f"No part of {frame.level}'s vertebral body is anterior to its boundary at {boundary.fraction:.2f} of the "
            "depth: move the boundary posteriorly, or correct the outline.",
            frame.level,
        )
    found = _bounds(anterior, crossings_v_mm, boundary, values, FINEST_MM)
    bounds = {name: float(figure) for name, figure in found.items()}
    u_mm = anterior[:, 0]
    findings = _findings(
        frame.level, bounds["round_radius_mm"], depth_mm / 2, float(u_mm.min()), float(u_mm.max()), values
    )
    return RoiShapes(
        boundary=boundary,
        **bounds,
        lateral_extent=values.lateral_extent,
        inner_outline_uv_mm=inner_outline_uv_mm,
        findings=findings,
    )


def shapes_of_placements(
    inner_outlines_uv_mm: np.ndarray,
    boundary: Boundary,
    values: RoiValues,
    finest_mm: float,
    together: np.ndarray | None = None,
) -> tuple[np.ndarray, RegionBounds]:
    """Return the bounds of a level's regions for many placements of its midline.

    Parameters
    ----------
    inner_outlines_uv_mm : numpy.ndarray, shape (t, n, 2)
        The inner outline in the frame of each placement.
    boundary : Boundary
        The boundary, which is the same in every such frame.
    values : RoiValues
    finest_mm : float
        Precision of circle and oval.
    together : numpy.ndarray of int, shape (t,), optional
        The group of each placement, ascending from 0: those of one group end their search together; by default, all.

    Returns
    -------
    tuple of numpy.ndarray of int, shape (m,), and RegionBounds
        The placements with a part of the body anterior to the boundary, and their bounds, each of shape (m, 1).
    """
    anterior = polygons.clip_to_half_plane(inner_outlines_uv_mm, boundary.normal_uv, boundary.offset_mm)
    crossings_v_mm = polygons.crossings_of_axis(anterior)
    possible = np.flatnonzero(_depth_mm(crossings_v_mm, boundary) >= _SHALLOWEST_MM)
    if not len(possible):
        bounds = dict.fromkeys(_BOUNDS, np.empty(0))
    else:
        groups = None if together is None else together[possible]
        bounds = _bounds(anterior[possible], crossings_v_mm[possible], boundary, values, finest_mm, groups)
    bounds = {name: figures[:, None] for name, figures in bounds.items()}
    return possible, RegionBounds(boundary=boundary, **bounds, lateral_extent=values.lateral_extent)


def _depth_mm(crossings_v_mm: np.ndarray, boundary: Boundary) -> np.ndarray:
    """Return the depth of anterior regions on the midline, from where they cross it, shape (..., k).

    The depth is -inf for a region that does not meet the midline.
    """
    return crossings_v_mm.max(axis=-1, initial=-np.inf) - boundary.offset_mm / boundary.normal_uv[1]


def _bounds(
    anterior_uv_mm: np.ndarray,
    crossings_v_mm: np.ndarray,
    boundary: Boundary,
    values: RoiValues,
    finest_mm: float,
    together: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the bounds of circle, oval and front in anterior regions, shape (..., n, 2), by the fields' names."""
    low_v_mm = boundary.offset_mm / boundary.normal_uv[1]
    circle = largest_circle(anterior_uv_mm, crossings_v_mm, low_v_mm, finest_mm, together)
    oval = largest_oval(anterior_uv_mm, crossings_v_mm, boundary.normal_uv, boundary.offset_mm, finest_mm, together)
    front_half_width_mm = values.front_width_fraction / 2 * np.ptp(anterior_uv_mm[..., 0], axis=-1)
    return dict(zip(_BOUNDS, (*circle, *oval, front_half_width_mm), strict=True))


def _findings(
    level: str, round_radius_mm: float, study_radius_mm: float, u_low: float, u_high: float, values: RoiValues
) -> tuple[Finding, ...]:
    findings = []
    if round_radius_mm < values.round_radius_fraction * study_radius_mm:
        findings.append(
            Finding(
                "round_shrunk",
                f"The round ROI of {level} has a radius of {round_radius_mm:.1f} mm, less than "
                f"{100 * values.round_radius_fraction:.0f} % of the study's {study_radius_mm:.1f} mm: the study's "
                "circle would cross the inner outline.",
                "Check the midline and the outline.",
                "warning",
                level,
                "round",
            )
        )
    off_center_mm, width_mm = abs(u_high + u_low), u_high - u_low
    if off_center_mm > values.off_center_fraction * width_mm:
        findings.append(
            Finding(
                "midline_off_center",
                f"The midline of {level} is {off_center_mm / 2:.1f} mm off the center of the vertebral body, which is "
                f"{width_mm:.1f} mm wide inside its cortex.",
                "Move the midline onto the body's plane of symmetry.",
                "warning",
                level,
            )
        )
    return tuple(findings)
