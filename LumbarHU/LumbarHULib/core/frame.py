"""The frame of one level: slice, axes and depth from its midline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.protocol_values import FrameValues

_ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])

# Two slices whose distances from a point differ by less than this, in slices, count as equally near.
_SLICE_TIE = 1e-6


@dataclass(frozen=True, eq=False)
class Frame:
    """In-plane coordinates of one level, in mm.

    The origin is the midline's anterior end in the mid-slice, `v` points anterior along the midline, `u` toward the
    patient's left, perpendicular to `v` in the slice; the posterior end is at ``(0, -depth_mm)``.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    mid_slice : int
        Index k of the mid-slice in the axial stack.
    origin_ras_mm, u_ras, v_ras, normal_ras : numpy.ndarray, shape (3,)
        The origin, and the unit vectors of u, v and the slice normal (toward superior).
    depth_mm : float
        Length of the midline in the slice: the body's depth.
    uv_from_ij : numpy.ndarray, shape (2, 3)
        Affine from indices (i, j) in the mid-slice to (u, v): ``uv = uv_from_ij[:, :2] @ (i, j) + uv_from_ij[:, 2]``.
    uv_per_slice_mm : numpy.ndarray, shape (2,)
        Shift of (u, v) at fixed (i, j) from one slice to the next: zero unless the volume is sheared.
    findings : tuple of Finding
    """

    level: str
    mid_slice: int
    origin_ras_mm: np.ndarray
    u_ras: np.ndarray
    v_ras: np.ndarray
    normal_ras: np.ndarray
    depth_mm: float
    uv_from_ij: np.ndarray
    uv_per_slice_mm: np.ndarray
    findings: tuple[Finding, ...] = ()

    def to_uv_mm(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return RAS points, shape (n, 3), projected along the slice normal, as (u, v), shape (n, 2)."""
        return (np.asarray(points_ras_mm) - self.origin_ras_mm) @ np.column_stack([self.u_ras, self.v_ras])

    def to_ij(self, points_uv_mm: ArrayLike) -> np.ndarray:
        """Return (u, v) points, shape (n, 2), as indices (i, j) of pixels in the mid-slice, not rounded."""
        return (np.asarray(points_uv_mm) - self.uv_from_ij[:, 2]) @ np.linalg.inv(self.uv_from_ij[:, :2]).T

    def to_ras_mm(self, points_uv_mm: ArrayLike) -> np.ndarray:
        """Return (u, v) points, shape (n, 2), as RAS points in the mid-slice, shape (n, 3)."""
        return self.origin_ras_mm + np.asarray(points_uv_mm) @ np.vstack([self.u_ras, self.v_ras])

    def heights_mm(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return the heights of RAS points, shape (n, 3), above the mid-slice along its normal, shape (n,)."""
        return (np.asarray(points_ras_mm) - self.origin_ras_mm) @ self.normal_ras

    @property
    def midline_ras_mm(self) -> np.ndarray:
        """Anterior and posterior end in the mid-slice, shape (2, 3)."""
        return self.to_ras_mm([(0.0, 0.0), (0.0, -self.depth_mm)])

    @property
    def rotation_deg(self) -> float:
        """Angle between the midline and the patient's anterior axis in the slice; positive toward the left."""
        anterior_uv = np.array([self.u_ras @ _ANTERIOR_RAS, self.v_ras @ _ANTERIOR_RAS])
        return float(np.degrees(np.arctan2(-anterior_uv[0], anterior_uv[1])))


def frame_from_midline(stack: AxialStack, landmarks: Landmarks, values: FrameValues) -> Frame:
    """Return the frame that the midline of `landmarks` defines in `stack`.

    Raises
    ------
    InputError
        When the midline's ends coincide, or it is too short, too long, outside the CT, or not anteroposterior.
    """
    level = landmarks.level
    normal = stack.normal_ras
    corner_ras_mm = stack.ras_from_ijk[:3, 3]
    heights = stack.slice_heights(landmarks.midline_ras_mm)
    mid_slice = nearest_slice(float(heights.mean()))
    slice_count = stack.voxels_hu.shape[0]
    if not 0 <= mid_slice < slice_count:
        raise InputError(
            f"The midline of {level} is {_outside_mm(heights.mean(), slice_count, stack):.1f} mm beyond the CT's "
            "last slice",
            level,
            "place it inside the CT, or check that it belongs to this CT",
        )
    projected = landmarks.midline_ras_mm - np.outer((heights - mid_slice) * stack.slice_spacing_mm, normal)
    findings = _slice_findings(level, heights, stack.slice_spacing_mm)

    anterior, posterior = projected
    if anterior @ _ANTERIOR_RAS < posterior @ _ANTERIOR_RAS:
        anterior, posterior = posterior, anterior
        findings += (
            Finding(
                "midline_reversed",
                f"The midline of {level} ran from posterior to anterior; its ends were swapped.",
                "Nothing to do if both ends are in the right position.",
                "warning",
                level,
            ),
        )
    depth_mm = float(np.linalg.norm(anterior - posterior))
    _check_depth(level, depth_mm, values)
    v_ras = (anterior - posterior) / depth_mm
    angle_deg = float(np.degrees(np.arccos(np.clip(v_ras @ _ANTERIOR_RAS, -1, 1))))
    if angle_deg > values.midline_angle_limit_deg:
        raise InputError(
            f"The midline of {level} is {angle_deg:.0f}° off the patient's anteroposterior axis, more than "
            f"{values.midline_angle_limit_deg:g}°",
            level,
            "place it from the anterior to the posterior edge of the body",
        )
    u_ras = np.cross(normal, v_ras)
    axes = np.vstack([u_ras, v_ras])
    uv_from_ij = np.column_stack(
        [
            axes @ stack.ras_from_ijk[:3, :2],
            axes @ (corner_ras_mm + mid_slice * stack.ras_from_ijk[:3, 2] - anterior),
        ]
    )
    _check_inside(level, uv_from_ij, depth_mm, stack.voxels_hu.shape)
    return Frame(
        level,
        mid_slice,
        anterior,
        u_ras,
        v_ras,
        normal,
        depth_mm,
        uv_from_ij,
        axes @ stack.ras_from_ijk[:3, 2],
        findings,
    )


def nearest_slice(height: float) -> int:
    """Return the slice nearest to `height`, counted in slices from caudal; of two equally near, the more caudal."""
    return int(np.ceil(height - 0.5 - _SLICE_TIE))


def _slice_findings(level: str, heights: np.ndarray, spacing_mm: float) -> tuple[Finding, ...]:
    if nearest_slice(heights[0]) == nearest_slice(heights[1]):
        return ()
    apart_mm = abs(heights[0] - heights[1]) * spacing_mm
    return (
        Finding(
            "midline_in_two_slices",
            f"The ends of {level}'s midline are {apart_mm:.1f} mm apart along the slice normal; both were projected "
            "into the slice nearest to their mean.",
            "Place both ends in one axial slice.",
            "warning",
            level,
        ),
    )


def _outside_mm(height: float, slice_count: int, stack: AxialStack) -> float:
    return max(-height, height - (slice_count - 1)) * stack.slice_spacing_mm


def _check_depth(level: str, depth_mm: float, values: FrameValues) -> None:
    if depth_mm < 1e-3:
        raise InputError(
            f"The two ends of {level}'s midline coincide", level, "place the second on the posterior edge of the body"
        )
    low, high = values.midline_length_min_mm, values.midline_length_max_mm
    if not low <= depth_mm <= high:
        raise InputError(
            f"The midline of {level} is {depth_mm:.1f} mm long in its slice, too "
            f"{'short' if depth_mm < low else 'long'} for "
            f"a vertebral body ({low:g} to {high:g} mm)",
            level,
            "place its ends on the anterior and posterior edge of the body",
        )


def _check_inside(level: str, uv_from_ij: np.ndarray, depth_mm: float, shape_kji: Sequence[int]) -> None:
    """Raise InputError unless both midline ends are on voxels of the slice."""
    for name, end_uv in (("anterior", (0.0, 0.0)), ("posterior", (0.0, -depth_mm))):
        i, j = np.linalg.solve(uv_from_ij[:, :2], end_uv - uv_from_ij[:, 2])
        beyond = max(-0.5 - i, -0.5 - j, i - shape_kji[2] + 0.5, j - shape_kji[1] + 0.5)
        if beyond > 0:
            raise InputError(
                f"The {name} end of {level}'s midline is {beyond:.1f} pixels outside the CT",
                level,
                "place it inside the CT, or check that it belongs to this CT",
            )
