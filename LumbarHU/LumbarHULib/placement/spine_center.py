"""Roughly where the spine is: for the views to begin at, never for a number."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack

_BONE_HU = 200
_FEWEST_VOXELS = 50
_STRIDE = 4
_HALF_BAND_MM = 25.0
_LEVEL_MM = 35.0
_FORWARD_MM = 25.0


def spine_center(stack: AxialStack) -> np.ndarray:
    """Return a point in or near the spine, shape (3,), in RAS mm, at half the height of the CT.

    Bone is around the spine on both sides alike: the median of its voxels from side to side is the spine's middle, and
    in a band around that the median from front to back is behind the posterior wall, a body's half depth and some more
    behind the bodies' middle. Without bone it is the CT's center.
    """
    coarse = stack.voxels_hu[:, ::_STRIDE, ::_STRIDE]
    middle_kji = (np.array(stack.voxels_hu.shape) - 1) / 2
    j, i = middle_kji[1:]
    forward_ras_mm = np.zeros(3)
    _, bone_j, bone_i = np.nonzero(coarse > _BONE_HU)
    if len(bone_i) >= _FEWEST_VOXELS:
        i_coarse = float(np.median(bone_i))
        pixel_mm = float(np.linalg.norm(stack.ras_from_ijk[:3, 0])) * _STRIDE
        in_band = np.abs(bone_i - i_coarse) * pixel_mm <= _HALF_BAND_MM
        i, j = i_coarse * _STRIDE, float(np.median(bone_j[in_band])) * _STRIDE
        forward_ras_mm[1] = _FORWARD_MM
    return (stack.ras_from_ijk @ (i, j, middle_kji[0], 1.0))[:3] + forward_ras_mm


def expected_center(centers_ras_mm: dict[str, np.ndarray], levels: tuple[str, ...], level: str) -> np.ndarray | None:
    """Return where the body of a level may be, shape (3,), by the centers of placed ones; None where none is placed.

    Parameters
    ----------
    centers_ras_mm : dict of str to numpy.ndarray, shape (3,)
        By level.
    levels : tuple of str
        All levels, from cranial to caudal.
    level : str
        The one that is looked for.
    """
    placed = sorted(centers_ras_mm, key=lambda name: abs(levels.index(name) - levels.index(level)))
    if not placed:
        return None
    nearest = placed[0]
    steps = levels.index(level) - levels.index(nearest)
    step_mm = np.array([0.0, 0.0, -_LEVEL_MM])
    if len(placed) > 1:
        apart = levels.index(nearest) - levels.index(placed[1])
        step_mm = (centers_ras_mm[nearest] - centers_ras_mm[placed[1]]) / apart
    return centers_ras_mm[nearest] + steps * step_mm
