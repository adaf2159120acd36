"""Find the edge of a vertebral body near a point: where a click of a reader may snap to."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.frame import nearest_slice
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.profiles import edge_evidence
from LumbarHULib.core.protocol_values import OutlineValues

# An edge this far from the point, along the line to it, is searched and none beyond.
REACH_MM = 3.0

# Averaged across this strip, noise and texture are weaker than a cortex; a body's wall is nearly straight within it.
_STRIP_MM = 2.0
_COLUMNS = 5
_STEP_MM = 0.2

# As for the posterior wall: lengths of the profile outside and inside; cortical thicknesses tried, relative to the
# usual one; a step without a cortex, such as the border of a vessel in fat, is no edge of a body.
_WINDOW_MM = (2.4, 3.2)
_THICKNESSES = (0.5, 1.0, 2.0)
_NO_CORTEX = (1e-3,)
_NOISE = 2.5
_BLURS = 4
_EVIDENCE_MIN = 0.15
# A blurred cortex is denser than this, even a thin one, and soft tissue is not, except in contrast medium.
_BONE_HU = 100.0
# The evidence that an edge must have in addition at the limit of the reach: of two edges, the nearer one is meant.
_FAR_EDGE_PENALTY = 0.15


def edge_near(
    stack: AxialStack, point_ras_mm: np.ndarray, outward_ras: np.ndarray, values: OutlineValues
) -> np.ndarray | None:
    """Return where the line through a point meets the outer edge of a cortex, or None where no edge is visible.

    The edge is the periosteal surface before blur, as for the outline; it is searched in the axial slice of the point
    and along the line only, so that the point does not move sideways.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    point_ras_mm : numpy.ndarray, shape (3,)
        A point near the edge.
    outward_ras : numpy.ndarray, shape (3,)
        Direction from the inside of the body to its outside; its part along the slice normal is ignored.
    values : OutlineValues
        The protocol's assumptions on cortex, blur and noise.

    Returns
    -------
    numpy.ndarray of shape (3,), or None
        RAS mm, at the height of the point; None also outside the CT, and for a direction along the slice normal.
    """
    normal = stack.normal_ras
    outward_ras = outward_ras - (outward_ras @ normal) * normal
    length = float(np.linalg.norm(outward_ras))
    slice_k = nearest_slice(float(stack.slice_heights(point_ras_mm)))
    if length < 1e-6 or not 0 <= slice_k < len(stack.voxels_hu):
        return None
    outward_ras = outward_ras / length
    outside, inside = (round(mm / _STEP_MM) for mm in _WINDOW_MM)
    reach = round(REACH_MM / _STEP_MM)
    depths_mm = _STEP_MM * np.arange(-reach - outside, reach + inside + 1)
    across_mm = np.linspace(-_STRIP_MM, _STRIP_MM, _COLUMNS)
    sideways_ras = np.cross(normal, outward_ras)
    points_ras_mm = point_ras_mm - depths_mm[:, None, None] * outward_ras + across_mm[:, None] * sideways_ras
    strip_hu = _sampled_hu(stack, slice_k, points_ras_mm)
    if strip_hu is None:
        return None
    profile = np.maximum(strip_hu, values.least_hu).mean(axis=1)[None]
    thicknesses = tuple(values.cortex_usual_mm * share for share in _THICKNESSES)
    noise_hu = _NOISE * values.noise_floor_hu
    cortex, step = (
        np.max(
            [
                edge_evidence(profile, _STEP_MM, _WINDOW_MM, sd_mm, tried, values.cortex_hu, noise_hu)[0]
                for sd_mm in _blurs_mm(stack, values)
            ],
            axis=0,
        )
        for tried in (thicknesses, _NO_CORTEX)
    )
    offsets_mm = _STEP_MM * np.arange(-reach, reach + 1)
    scores = cortex - step - _FAR_EDGE_PENALTY * np.abs(offsets_mm) / REACH_MM
    peaks_hu = np.lib.stride_tricks.sliding_window_view(profile[0, outside:], inside + 1).max(axis=1)
    scores[peaks_hu < _BONE_HU] = -np.inf
    best = int(np.argmax(scores))
    if scores[best] < _EVIDENCE_MIN or best in (0, len(scores) - 1):  # at the limit, its top may be beyond it
        return None
    return point_ras_mm - (offsets_mm[best] + _STEP_MM * _top(scores[best - 1 : best + 2])) * outward_ras


def _blurs_mm(stack: AxialStack, values: OutlineValues) -> np.ndarray:
    """Return the standard deviations of blur that are tried."""
    least, greatest = OutlineModel.from_values(values).sd_range_mm(float(np.sqrt(stack.pixel_area_mm2)))
    return np.linspace(least, greatest, _BLURS)


def _sampled_hu(stack: AxialStack, slice_k: int, points_ras_mm: np.ndarray) -> np.ndarray | None:
    """Return HU of one slice at points, shape (..., 3), by cubic splines; None where a point is outside the CT."""
    from scipy import ndimage

    ji = stack.to_ijk(points_ras_mm)[..., 1::-1]
    low, high = (np.floor(ji.min(axis=(0, 1))).astype(int) - 3, np.ceil(ji.max(axis=(0, 1))).astype(int) + 4)
    shape = np.array(stack.voxels_hu.shape[1:])
    low, high = np.maximum(low, 0), np.minimum(high, shape)
    if (ji < 0).any() or (ji > shape - 1).any():
        return None
    crop = stack.voxels_hu[slice_k, low[0] : high[0], low[1] : high[1]].astype(float)
    return ndimage.map_coordinates(crop, np.moveaxis(ji - low, -1, 0), order=3, mode="mirror")


def _top(scores: np.ndarray) -> float:
    """Return where a parabola through three neighboring scores has its top, in steps from the middle one."""
    before, middle, after = scores
    bend = before - 2 * middle + after
    if not np.isfinite(bend) or bend >= 0:
        return 0.0
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5))
