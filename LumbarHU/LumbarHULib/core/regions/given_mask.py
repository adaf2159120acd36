"""A segmented vertebra on the grid of the CT."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.results import RoiMask

# A center this close to the border between two voxels of the mask must not depend on rounding errors.
_TIE = 1e-6


def is_of_vertebra(region: Region) -> bool:
    """Return whether a region is made from the segmented vertebra, if there is one."""
    return region.slices in ("body", "mask_middle")


def needs_vertebrae(protocol: Protocol) -> bool:
    """Return whether a region of the protocol is made from a segmented vertebra, if there is one."""
    return any(map(is_of_vertebra, protocol.regions))


def mask_on_stack(level: str, inside: np.ndarray, ras_from_ijk: np.ndarray, stack: AxialStack) -> RoiMask:
    """Return the voxels of the CT whose center is in a voxel of the mask.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    inside : numpy.ndarray of bool, shape (K, J, I)
        The vertebra on its own grid.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) of `inside` to RAS mm.
    stack : AxialStack
        The CT.

    Raises
    ------
    InputError
        When no voxel of the CT is in the mask.
    """
    corners_ijk = np.array(np.meshgrid(*[(-0.5, size - 0.5) for size in inside.shape[::-1]])).reshape(3, -1).T
    corners = stack.to_ijk(corners_ijk @ ras_from_ijk[:3, :3].T + ras_from_ijk[:3, 3])
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, stack.voxels_hu.shape[::-1])
    sizes = np.maximum(high - low, 0)
    mask_from_stack = np.linalg.inv(ras_from_ijk) @ stack.ras_from_ijk
    found = np.zeros(sizes[::-1], dtype=bool)
    limits = np.array(inside.shape[::-1])
    j, i = np.indices(sizes[1::-1]).reshape(2, -1)
    for k in range(sizes[2]):
        ijk = np.stack([i + low[0], j + low[1], np.full(i.shape, k + low[2])], axis=1)
        places = np.floor(ijk @ mask_from_stack[:3, :3].T + mask_from_stack[:3, 3] + 0.5 + _TIE).astype(int)
        is_within = ((places >= 0) & (places < limits)).all(axis=1)
        pi, pj, pk = places[is_within].T
        found[k].ravel()[is_within] = inside[pk, pj, pi]
    if not found.any():
        raise InputError(
            f"No voxel of the CT is in the segment of {level}: check that both are of one patient.",
            level,
        )
    return trimmed_mask(found, (int(low[2]), int(low[1]), int(low[0])))
