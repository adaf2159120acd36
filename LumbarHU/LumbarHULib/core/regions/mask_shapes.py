"""Regions made from the mask of a vertebra: the eroded mask, and an ellipse in each slice from the mask's widths.

The ellipses follow Comp2Comp (StanfordMIMI, ``comp2comp/spine/spine_utils.py`` at commit fa617e2, 2026-01-06), rounding
included, so that its numbers can be compared with those of other protocols.
"""

import math

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.label_maps import label_masks, trimmed_mask
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.regions.plane_shapes import whole_outline
from LumbarHULib.core.results import RoiMask

# A count times a share, or a height in slices, that is whole must not be rounded down by an error in its last digit, as
# in 0.58 × 50 or in the length of a rotated step.
_TIE = 1e-6

# Neighbors of a voxel in a slice that belong to the same piece.
_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


def vertebra_mask(body: LevelBody) -> RoiMask:
    """Return the segmented vertebra, or else the outline between the endplates.

    Raises
    ------
    InputError
        When there is no segmented vertebra and the CT does not show the endplates.
    """
    if body.vertebra is not None:
        return body.vertebra
    slab = body.slices_between_endplates()
    cut = body.cut(body.frame.mid_slice)
    mask = label_masks(body.stack, body.frame, whole_outline(cut), slab, body.protocol.roi, ("body",))["body"]
    return trimmed_mask(mask.inside & (endplate_distances_mm(body, mask) > 0), mask.offset_kji)


def endplate_distances_mm(body: LevelBody, mask: RoiMask) -> np.ndarray:
    """Return the distance of each voxel of a mask's crop from the nearer endplate, shape (k, j, i)."""
    k, j, i = np.indices(mask.inside.shape)
    ijk = np.stack([i + mask.offset_kji[2], j + mask.offset_kji[1], k + mask.offset_kji[0]], axis=-1)
    points_ras_mm = ijk @ body.stack.ras_from_ijk[:3, :3].T + body.stack.ras_from_ijk[:3, 3]
    return body.endplates.distances_mm(points_ras_mm)


def eroded_mask(region: Region, body: LevelBody) -> RoiMask:
    """Return the voxels of the segmented vertebra at least ``erosion_mm`` from its border.

    The border is the points midway between neighboring voxels of which one is in the vertebra. The centers outside are
    half a voxel too far away, and the corners of the voxels outside are too near on a slanting surface.

    Raises
    ------
    InputError
        When no voxel is that far inside.
    """
    from scipy import spatial

    mask = vertebra_mask(body)
    steps_ras_mm = body.stack.ras_from_ijk[:3, :3]
    border = spatial.cKDTree(_border_kji(mask.inside)[:, ::-1] @ steps_ras_mm.T)
    voxels_kji = np.argwhere(mask.inside)
    depths_mm, _ = border.query(voxels_kji[:, ::-1] @ steps_ras_mm.T)
    inside = np.zeros_like(mask.inside)
    inside[tuple(voxels_kji[depths_mm >= region["erosion_mm"] - body.protocol.roi.edge_tolerance_mm].T)] = True
    if not inside.any():
        raise InputError(
            f"No voxel of the mask of {body.level} is {region['erosion_mm']:g} mm inside it, as the {region.name} ROI "
            "must be: check the segmentation, or exclude the level.",
            body.level,
        )
    return trimmed_mask(inside, mask.offset_kji)


def _border_kji(inside: np.ndarray) -> np.ndarray:
    """Return the points midway between voxels inside and their neighbors outside, in indices, shape (n, 3)."""
    padded = np.pad(inside, 1)
    points = []
    for axis in range(3):
        middles = np.argwhere(np.diff(padded, axis=axis)) - 1.0
        middles[:, axis] += 0.5
        points.append(middles)
    return np.concatenate(points)


def mask_ellipses(region: Region, body: LevelBody) -> RoiMask:
    """Return the ellipses around the mask's middle, without the voxels that an erosion of the mask removes.

    Raises
    ------
    InputError
        When the mask is too small, or nothing is left of the ellipses.
    """
    from scipy import ndimage

    mask = vertebra_mask(body)
    # Comp2Comp counts i toward the patient's right, j toward anterior and k toward cranial; the
    # two empty voxels around the mask are those that its indices may reach.
    vertebra = np.pad(mask.inside.transpose(2, 1, 0)[::-1, ::-1], 2)
    sagittal_i = math.floor(float(np.nonzero(vertebra)[0].mean()))
    sagittal = vertebra[sagittal_i]
    if np.count_nonzero(sagittal) <= region["sagittal_voxels_min"]:
        raise _too_small(region, body, int(np.count_nonzero(sagittal)))
    sagittal = _without_spinous_process(sagittal)
    row_j = math.floor(_middle_j(sagittal))
    column = np.flatnonzero(vertebra[sagittal_i, row_j])
    if not len(column):
        raise InputError(
            f"The mask of {body.level} has no voxel on the vertical line through its middle, where the {region.name} "
            "ROI begins: check the segmentation.",
            body.level,
        )
    half = math.floor(region["half_height_mm"] / _slice_step_mm(body.stack) + _TIE)
    first, last = math.floor(column.mean() - half), math.floor(column.mean() + half)
    ellipses = np.zeros_like(vertebra)
    for k in range(max(first, 1), min(last, vertebra.shape[2] - 2) + 1):
        ellipses[:, :, k] = _ellipse(vertebra[:, :, k], sagittal, k, region)
    is_coarse = _slice_step_mm(body.stack) >= region["coarse_slice_mm"]
    steps = int(region["coarse_erosion_steps" if is_coarse else "erosion_steps"])
    if steps:
        diamond = ndimage.iterate_structure(ndimage.generate_binary_structure(3, 1), steps)
        vertebra = ndimage.binary_erosion(vertebra, diamond)
    inside = (ellipses & vertebra)[2:-2, 2:-2, 2:-2][::-1, ::-1].transpose(2, 1, 0)
    if not inside.any():
        raise InputError(
            f"Nothing is left of the {region.name} ROI of {body.level} after the mask's erosion by {steps} voxels: "
            "check the segmentation, or use a CT with smaller voxels.",
            body.level,
        )
    return trimmed_mask(inside, mask.offset_kji)


def _slice_step_mm(stack: AxialStack) -> float:
    # The length of a rotated step differs from the one that the file states in its last digits.
    return round(float(np.linalg.norm(stack.ras_from_ijk[:3, 2])), 6)


def _too_small(region: Region, body: LevelBody, voxels: int) -> InputError:
    return InputError(
        f"The middle sagittal slice of the mask of {body.level} has {voxels} voxels; the {region.name} ROI needs more "
        f"than {region['sagittal_voxels_min']:.0f}: check the segmentation, or use a CT with smaller voxels.",
        body.level,
    )


def _without_spinous_process(sagittal: np.ndarray) -> np.ndarray:
    """Return the larger of a sagittal slice's two largest pieces; of two, the posterior one is the spinous process."""
    from scipy import ndimage

    numbers, count = ndimage.label(sagittal, _EIGHT_CONNECTED)
    if count < 2:
        return sagittal
    sizes = np.bincount(numbers.ravel())[1:]
    largest = np.argsort(sizes)[::-1][:2] + 1
    rows_j = [float(np.nonzero(numbers == number)[0].mean()) for number in largest]
    return numbers == largest[int(np.argmax(rows_j))]


def _middle_j(sagittal: np.ndarray) -> float:
    return float(np.nonzero(sagittal)[0].mean())


def _ellipse(axial: np.ndarray, sagittal: np.ndarray, k: int, region: Region) -> np.ndarray:
    """Return the ellipse in one slice, shape (i, j); empty where the mask has no width there."""
    # Of equal counts, that of the slice itself is taken first, then that of the next one.
    depth_line = _shortest([sagittal[:, k], sagittal[:, k + 1], sagittal[:, k - 1]])
    if depth_line is None:
        return np.zeros_like(axial)
    depth = np.count_nonzero(depth_line)
    center_j = np.flatnonzero(depth_line)[0] + region["center_share"] * depth
    j = math.floor(center_j + _TIE)
    width_line = _shortest([axial[:, min(row, axial.shape[1] - 1)] for row in (j, j + 1, j - 1)])
    if width_line is None:
        return np.zeros_like(axial)
    half_j = max(math.floor(region["depth_share"] * depth / 2 + _TIE), 1)
    half_i = max(math.floor(region["width_share"] * np.count_nonzero(width_line) / 2 + _TIE), 1)
    center_i = float(np.flatnonzero(width_line).mean())
    i, rows = np.indices(axial.shape)
    return ((i - center_i) / half_i) ** 2 + ((rows - center_j) / half_j) ** 2 <= 1 + _TIE


def _shortest(lines: list[np.ndarray]) -> np.ndarray | None:
    """Return the line with the fewest voxels, but with any; None where all are empty."""
    filled = [line for line in lines if line.any()]
    return min(filled, key=np.count_nonzero) if filled else None
