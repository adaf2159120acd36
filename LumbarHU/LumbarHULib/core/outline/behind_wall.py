"""Find outlines that cut a part of the body off: behind their posterior wall is bone instead of the spinal canal."""

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.outline.curve import outward_normals
from LumbarHULib.core.outline.learned_shape import BODY_SHAPE
from LumbarHULib.core.outline.search import averages_hu, bone_of_core
from LumbarHULib.core.plane_image import PlaneImage

# The wall of the canal: up to this distance from its middle, as a share of the perimeter's control points. Beyond it,
# the pedicles are behind the outline.
CANAL_SHARE = 1.75 / 24
# Distances behind the wall that count, and the log likelihood ratio of bone to soft tissue, on average over them, from
# which they are bone.
BEHIND_MM, SURELY_BONE = np.arange(1.5, 4.1, 0.5), 1.0
# Length of the wall in mm with bone behind it that gives a finding. It was at most 2.9 in 224 outlines of the 25 traced
# bodies, from traced and moved midlines. On other CTs, 3 of 114 good outlines exceed the limit, and so do 57 of 64 that
# cut a part of the body off by more than 4 mm.
LONG_MM = 3.5

_PER_SPAN = 6


def bone_behind_mm(plane: PlaneImage, control_points_uv_mm: np.ndarray, depth_mm: float) -> float:
    """Return the length of the posterior wall, in mm, that has bone behind it.

    Parameters
    ----------
    plane : PlaneImage
        The mid-slice in the midline's frame.
    control_points_uv_mm : numpy.ndarray, shape (n, 2)
        An outline found in it; the last and the first are on either side of the anterior midline end.
    depth_mm : float
        Length of the midline.
    """
    count = len(control_points_uv_mm)
    value, slope, _ = spline_matrices(count, _PER_SPAN)
    points, normals = value @ control_points_uv_mm, outward_normals(slope @ control_points_uv_mm)
    from_middle = np.abs(np.arange(len(points)) / _PER_SPAN - (count - 1) / 2)
    on_wall = from_middle <= CANAL_SHARE * count
    behind = points[on_wall, None] + BEHIND_MM[:, None] * normals[on_wall, None]
    bone = bone_of_core(plane.linear_hu, depth_mm, BODY_SHAPE)[1]
    is_bone = bone.boniness(averages_hu(plane.linear_hu, behind)).mean(axis=1) > SURELY_BONE
    steps_mm = np.hypot(*(np.roll(points, -1, axis=0) - points)[on_wall].T)
    return float(steps_mm[is_bone].sum())


def bone_behind_findings(plane: PlaneImage, frame: Frame, control_points_uv_mm: np.ndarray) -> tuple[Finding, ...]:
    """Return the finding that an outline found in the CT has bone behind its posterior wall."""
    length_mm = bone_behind_mm(plane, control_points_uv_mm, frame.depth_mm)
    if length_mm <= LONG_MM:
        return ()
    return (
        Finding(
            "bone_behind_wall",
            f"Behind the posterior wall of {frame.level}'s outline is bone instead of the spinal canal, over "
            f"{length_mm:.0f} mm; the limit is {LONG_MM:g} mm.",
            "Check this stretch, and correct the outline where it leaves the body.",
            "warning",
            frame.level,
        ),
    )
