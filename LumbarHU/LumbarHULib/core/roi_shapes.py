"""The five regions of interest as shapes in a level's frame, exactly as the protocol defines them."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.oval import FINEST_MM, largest_oval
from LumbarHULib.core.protocol import Protocol

_SEARCH_POINTS = 33
_TIE_MM = 1e-7

# The finer searches look at these places around the best, in units of the step before.
_FINE_STEPS = np.linspace(-2.0, 2.0, 17)


@dataclass(frozen=True, eq=False)
class RoiShapes:
    """What bounds the five regions, in mm in the frame.

    Parameters
    ----------
    inner_outline_uv_mm : numpy.ndarray, shape (n, 2)
        Counterclockwise polygon that holds every region.
    boundary : Boundary
        The anterior region is the inner outline's part in front of it.
    round_center_v_mm, round_radius_mm : float
        The circle.
    oval_center_v_mm, oval_half_u_mm, oval_half_v_mm : float
        The ellipse.
    front_half_width_mm : float
        The two longitudinal borders are at u = ± this.
    lateral_extent : str
        ``full`` or ``anterior``.
    findings : tuple of Finding
    """

    inner_outline_uv_mm: np.ndarray
    boundary: Boundary
    round_center_v_mm: float
    round_radius_mm: float
    oval_center_v_mm: float
    oval_half_u_mm: float
    oval_half_v_mm: float
    front_half_width_mm: float
    lateral_extent: str
    findings: tuple[Finding, ...] = ()

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        """What describes round, oval and front, by region and name, in mm in the frame."""
        return {
            "round": {"center_v_mm": self.round_center_v_mm, "radius_mm": self.round_radius_mm},
            "oval": {
                "center_v_mm": self.oval_center_v_mm,
                "half_axis_u_mm": self.oval_half_u_mm,
                "half_axis_v_mm": self.oval_half_v_mm,
            },
            "front": {"half_width_mm": self.front_half_width_mm},
        }

    def holds(
        self, roi: str, u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> np.ndarray:
        """Return which points belong to `roi`, given which of them lie in the inner outline.

        On an edge within `tolerance_mm` counts as inside; the longitudinal borders belong to the front.
        """
        normal_u, normal_v = self.boundary.normal_uv
        anterior = in_inner & (normal_u * u_mm + normal_v * v_mm >= self.boundary.offset_mm - tolerance_mm)
        if roi == "round":
            return anterior & (np.hypot(u_mm, v_mm - self.round_center_v_mm) <= self.round_radius_mm + tolerance_mm)
        if roi == "oval":
            return anterior & (
                np.hypot(
                    u_mm / (self.oval_half_u_mm + tolerance_mm),
                    (v_mm - self.oval_center_v_mm) / (self.oval_half_v_mm + tolerance_mm),
                )
                <= 1
            )
        if roi == "front":
            return anterior & (np.abs(u_mm) <= self.front_half_width_mm + tolerance_mm)
        outward_mm = u_mm if roi == "left" else -u_mm
        lateral = outward_mm > self.front_half_width_mm + tolerance_mm
        return lateral & (in_inner if self.lateral_extent == "full" else anterior)


def roi_shapes(
    frame: Frame,
    inner_outline_uv_mm: np.ndarray,
    boundary: Boundary,
    protocol: Protocol,
    finest_mm: float = FINEST_MM,
) -> RoiShapes:
    """Return the five regions' shapes, circle and oval to `finest_mm`.

    Raises
    ------
    InputError
        When the inner outline has no part in front of the boundary on the midline.
    """
    anterior = polygons.clip_to_half_plane(inner_outline_uv_mm, boundary.normal_uv, boundary.offset_mm)
    crossings_v_mm = polygons.crossings_of_axis(anterior) if len(anterior) else np.empty(0)
    boundary_v_mm = boundary.offset_mm / boundary.normal_uv[1]
    if len(crossings_v_mm) == 0 or crossings_v_mm[-1] - boundary_v_mm < 1e-3:
        raise InputError(
            f"Nothing of {frame.level}'s body lies in front of its boundary at {boundary.fraction:.2f} of the depth: "
            "move the boundary back, or correct the outline.",
            frame.level,
        )
    crossing_v_mm = float(crossings_v_mm[-1])
    round_v_mm, round_radius_mm = _largest_circle(anterior, crossings_v_mm, boundary_v_mm, finest_mm)
    oval = largest_oval(anterior, boundary.normal_uv, boundary.offset_mm, finest_mm)
    u_low, u_high = float(anterior[:, 0].min()), float(anterior[:, 0].max())
    study_radius_mm = (crossing_v_mm - boundary_v_mm) / 2
    return RoiShapes(
        inner_outline_uv_mm,
        boundary,
        round_v_mm,
        round_radius_mm,
        *oval,
        protocol.front_width_fraction / 2 * (u_high - u_low),
        protocol.lateral_extent,
        _findings(frame.level, round_radius_mm, study_radius_mm, u_low, u_high, protocol),
    )


def _largest_circle(
    region: np.ndarray, crossings_v_mm: np.ndarray, low_v_mm: float, finest_mm: float
) -> tuple[float, float]:
    """Return center v and radius of the largest circle in `region` whose center is on the midline; ties go anterior."""
    high_v_mm = float(crossings_v_mm[-1])
    step_mm = (high_v_mm - low_v_mm) / (_SEARCH_POINTS - 1)
    candidates_v_mm = np.linspace(low_v_mm, high_v_mm, _SEARCH_POINTS)
    edges = np.arange(len(region))
    while True:
        distances_mm = _distances_from_midline(candidates_v_mm, region, edges)
        # A center in a notch across the midline is far from every edge as well.
        radii_mm = np.where(polygons.lie_inside(candidates_v_mm, crossings_v_mm), distances_mm.min(axis=1), 0.0)
        best = int(np.flatnonzero(radii_mm >= radii_mm.max() - _TIE_MM)[-1])
        if step_mm < finest_mm:
            return float(candidates_v_mm[best]), float(radii_mm[best])
        # Farther edges cannot touch a circle whose center moves by less than two steps.
        edges = edges[distances_mm[best] <= radii_mm[best] + 4 * step_mm]
        candidates_v_mm = np.clip(candidates_v_mm[best] + _FINE_STEPS * step_mm, low_v_mm, high_v_mm)
        step_mm /= 4


def _distances_from_midline(v_mm: np.ndarray, polygon: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the distance of each place on the midline from each of some edges, shape (places, edges)."""
    start, end = polygon[edges], polygon[(edges + 1) % len(polygon)]
    along_u, along_v = (end - start).T
    offset_u, offset_v = -start[:, 0], v_mm[:, None] - start[:, 1]
    lengths_squared = np.maximum(along_u**2 + along_v**2, np.finfo(float).tiny)
    share = np.clip((offset_u * along_u + offset_v * along_v) / lengths_squared, 0.0, 1.0)
    return np.sqrt((offset_u - share * along_u) ** 2 + (offset_v - share * along_v) ** 2)


def _findings(level, round_radius_mm, study_radius_mm, u_low, u_high, protocol: Protocol) -> tuple[Finding, ...]:
    findings = []
    if round_radius_mm < protocol.round_radius_fraction * study_radius_mm:
        findings.append(
            Finding(
                "round_shrunk",
                f"The round ROI of {level} has a radius of {round_radius_mm:.1f} mm, less than "
                f"{100 * protocol.round_radius_fraction:.0f} % of the study's {study_radius_mm:.1f} mm: the wider "
                "circle would leave the bone's inner outline.",
                "Check midline and outline.",
                "warning",
                level,
                "round",
            )
        )
    off_center_mm, width_mm = abs(u_high + u_low), u_high - u_low
    if off_center_mm > protocol.off_center_fraction * width_mm:
        findings.append(
            Finding(
                "midline_off_center",
                f"The midline of {level} lies {off_center_mm / 2:.1f} mm off the middle of the body, which is "
                f"{width_mm:.1f} mm wide inside its cortex.",
                "Move the midline onto the body's plane of symmetry.",
                "warning",
                level,
            )
        )
    return tuple(findings)
