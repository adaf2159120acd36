"""Perfect segmentations of a phantom, and the flaws of real ones: ragged, leaking, with holes, truncated."""

import numpy as np
from scipy import ndimage

from LumbarHULib.phantom.arch import arch_boxes, arch_distance_mm
from LumbarHULib.phantom.grid import Grid
from LumbarHULib.phantom.patch import Patch
from LumbarHULib.phantom.vertebra import VertebraSpec


def vertebra_mask(vertebra: VertebraSpec, grid: Grid, whole: bool = True) -> np.ndarray:
    """Return the voxels, shape (k, j, i), with their centers in a vertebra, or only in its body."""
    inside = np.zeros(grid.shape_kji, dtype=bool)
    boxes = arch_boxes(vertebra) if whole else []
    for k in range(grid.shape_kji[0]):
        empty = np.zeros(grid.shape_kji[1:], np.float32)
        patch = Patch(grid.slice_origin_ras(k), grid.ras_from_ijk[:3, 0], grid.ras_from_ijk[:3, 1], empty, 1.0)
        coordinates = patch.coordinates(np.array(vertebra.center_ras_mm), vertebra.axes_ras)
        inside[k] = vertebra.body_distance_mm(*np.broadcast_arrays(*coordinates, empty)[:3]) < 0
        arch = arch_distance_mm(boxes, patch)
        if arch is not None:
            inside[k] |= arch < 0
    return inside


def ragged(mask: np.ndarray, seed: int = 1, share: float = 0.5) -> np.ndarray:
    """Return the mask with half of its outermost voxels flipped, as a careless brush leaves them."""
    random = np.random.default_rng(seed).random(mask.shape) < share
    shell = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask)
    return np.where(shell & random, ~mask, mask)


def holed(mask: np.ndarray, seed: int = 1, count: int = 12, radius: int = 3) -> np.ndarray:
    """Return the mask with round holes in it, as thresholding leaves them in porotic bone."""
    random = np.random.default_rng(seed)
    seeds = np.zeros_like(mask)
    chosen = random.choice(np.flatnonzero(mask), count, replace=False)
    seeds.ravel()[chosen] = True
    return mask & ~(ndimage.distance_transform_edt(~seeds) < radius)


def coarse(mask: np.ndarray, step: tuple[int, int, int]) -> np.ndarray:
    """Return the mask as one on a coarser grid would look on this one."""
    part = mask[tuple(slice(one // 2, None, one) for one in step)]
    grown = part
    for axis, one in enumerate(step):
        grown = np.repeat(grown, one, axis=axis)
    result = np.zeros_like(mask)
    overlap = tuple(slice(0, min(a, b)) for a, b in zip(grown.shape, mask.shape, strict=True))
    result[overlap] = grown[overlap]
    return result


def leaking(mask: np.ndarray, vertebra: VertebraSpec, grid: Grid, radius_mm: float = 8.0) -> np.ndarray:
    """Return the mask with an additional ball next to the body, like a leak into a muscle or an osteophyte."""
    k, j, i = np.indices(grid.shape_kji, sparse=True)
    center = vertebra.to_ras([vertebra.width_mm / 2 + radius_mm / 2, 0.0, 0.0])
    points = [
        grid.ras_from_ijk[axis, 3]
        + sum(grid.ras_from_ijk[axis, column] * index for column, index in enumerate((i, j, k)))
        for axis in range(3)
    ]
    return mask | (sum((point - at) ** 2 for point, at in zip(points, center, strict=True)) < radius_mm**2)
