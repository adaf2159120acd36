"""The boundary (anterior two-thirds line): from its two handles to a half-plane in a level's frame."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.outline.outline import Outline, round_to_positions
from LumbarHULib.core.protocol_values import BoundaryValues

# Points are rounded to 1e-6 mm, so a line drawn at a limit may exceed it by this much.
_FRACTION_ROUNDING = 1e-6

# A line that moved by less than this was not moved by a reader.
_MOVED_MM = 1e-4


@dataclass(frozen=True, eq=False)
class Boundary:
    """The infinite line through the two handles.

    Parameters
    ----------
    points_ras_mm : numpy.ndarray, shape (2, 3)
        The handles; patient's right, then left, where the protocol placed them.
    normal_uv : numpy.ndarray, shape (2,)
        Unit normal of the line, toward anterior.
    offset_mm : float
        The anterior side is where ``normal_uv @ (u, v) >= offset_mm``.
    fraction, angle_deg : float
        Where the line crosses the midline, as a fraction of the depth from the anterior end, and its angle off the
        perpendicular.
    moved : bool
        Whether the line differs from the protocol's position.
    given : bool
        Whether the handles were given instead of placed by the protocol.
    findings : tuple of Finding
    """

    points_ras_mm: np.ndarray
    normal_uv: np.ndarray
    offset_mm: float
    fraction: float
    angle_deg: float
    moved: bool
    given: bool
    findings: tuple[Finding, ...] = ()


def automatic_boundary_ras_mm(frame: Frame, outline: Outline, values: BoundaryValues) -> np.ndarray:
    """Return the handles, shape (2, 3), patient's right then left, in the protocol's position.

    Raises
    ------
    InputError
        When the outline does not reach that position.
    """
    v_mm = -values.fraction * frame.depth_mm
    turned = (outline.polygon_uv_mm - (0.0, v_mm))[:, ::-1]
    crossings_u_mm = polygons.crossings_of_axis(turned)
    if len(crossings_u_mm) == 0:
        raise InputError(
            f"The outline of {frame.level} does not reach {100 * values.fraction:.0f} % of its midline's "
            "depth: correct the midline or the outline.",
            frame.level,
        )
    distance = values.handle_distance_mm
    return round_to_positions(
        frame, np.array([(crossings_u_mm[0] - distance, v_mm), (crossings_u_mm[-1] + distance, v_mm)])
    )


def boundary_from_markup(
    frame: Frame, points_ras_mm: np.ndarray | None, outline: Outline, values: BoundaryValues
) -> Boundary:
    """Return the boundary through its handles, or where the protocol places it when `points_ras_mm` is None.

    Raises
    ------
    InputError
        When the handles coincide, the line is too oblique, or it crosses the midline outside the body.
    """
    level = frame.level
    given = points_ras_mm is not None
    if points_ras_mm is None:
        points_ras_mm = automatic_boundary_ras_mm(frame, outline, values)
    first, second = frame.to_uv_mm(points_ras_mm)
    length_mm = float(np.linalg.norm(second - first))
    if length_mm < 1e-3:
        raise InputError(
            f"The two ends of {level}'s boundary coincide: place one on either side of the vertebral body.", level
        )
    along = (second - first) / length_mm
    along = along if along[0] >= 0 else -along
    angle_deg = float(np.degrees(np.arctan2(along[1], along[0])))
    if abs(angle_deg) > values.angle_limit_deg:
        raise InputError(
            f"The boundary of {level} is {abs(angle_deg):.0f}° off the perpendicular to its midline, more than "
            f"{values.angle_limit_deg:g}°: draw it from the patient's right to left, or return it to "
            "automatic.",
            level,
        )
    crossing_v_mm = first[1] - first[0] * along[1] / along[0]
    fraction = float(-crossing_v_mm / frame.depth_mm)
    low, high = values.fraction_min, values.fraction_max
    if not low - _FRACTION_ROUNDING <= fraction <= high + _FRACTION_ROUNDING:
        raise InputError(
            f"The boundary of {level} crosses its midline at {fraction:.3f} of the depth, outside {low:g} to {high:g}: "
            "move it into the vertebral body, or return it to automatic.",
            level,
        )
    # Only the infinite line matters: a handle that slid along it was not moved.
    shift_mm = abs(fraction - values.fraction) * frame.depth_mm
    moved = bool(max(shift_mm, abs(along[1]) * length_mm) > _MOVED_MM)
    normal_uv = np.array([-along[1], along[0]])
    return Boundary(
        points_ras_mm,
        normal_uv,
        float(normal_uv @ first),
        fraction,
        angle_deg,
        moved,
        given,
        _findings(level, fraction, angle_deg, values),
    )


def _findings(level: str, fraction: float, angle_deg: float, values: BoundaryValues) -> tuple[Finding, ...]:
    findings = []
    if abs(fraction - values.fraction) > values.fraction_tolerance:
        findings.append(
            Finding(
                "boundary_fraction",
                f"The boundary of {level} is at {fraction:.3f} of the depth; the protocol's is at "
                f"{values.fraction:.3f}.",
                "Return it to automatic unless you moved it on purpose.",
                "warning",
                level,
            )
        )
    if abs(angle_deg) > values.angle_tolerance_deg:
        findings.append(
            Finding(
                "boundary_oblique",
                f"The boundary of {level} is {abs(angle_deg):.0f}° off the perpendicular to its midline, more than "
                f"{values.angle_tolerance_deg:g}°.",
                "Return it to automatic unless you turned it on purpose.",
                "warning",
                level,
            )
        )
    return tuple(findings)
