"""The CT as a stack of axial slices in one canonical axis order, so that results do not depend on how it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol_values import FrameValues

# A grid that is stored flipped, or saved and reopened, differs by rounding errors of 1e-13 mm. Steps and origin are
# rounded, far below any scanner's precision, so that such grids give the same digits.
_STEP_DECIMALS = 10
_ORIGIN_DECIMALS = 7

_SUPERIOR_RAS = np.array([0.0, 0.0, 1.0])
_LEFT_RAS = np.array([-1.0, 0.0, 0.0])
_POSTERIOR_RAS = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True, eq=False)
class AxialStack:
    """Axial slices from caudal to cranial, each with i toward the patient's left and j toward posterior.

    Parameters
    ----------
    voxels_hu : numpy.ndarray, shape (K, J, I)
        A view of the CT's voxels; k counts axial slices from caudal to cranial.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From this stack's indices (i, j, k) to RAS mm.
    stored_axes : tuple of int
        For each axis of `voxels_hu`, the corresponding axis of the stored array.
    flipped : tuple of bool
        For each axis of `voxels_hu`, whether it runs against the stored one.
    padding_hu : tuple of two numpy.ndarray, shape (K, J, I), or None
        Views of the lowest and the highest value that mark voxels as not scanned; None where the CT's files declare
        none.
    """

    voxels_hu: np.ndarray
    ras_from_ijk: np.ndarray
    stored_axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    padding_hu: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def normal_ras(self) -> np.ndarray:
        """Unit normal of the slices, shape (3,), toward superior."""
        normal = np.cross(self.ras_from_ijk[:3, 0], self.ras_from_ijk[:3, 1])
        normal = normal * np.sign(normal @ self.ras_from_ijk[:3, 2]) / np.linalg.norm(normal)
        normal.flags.writeable = False
        return normal

    @cached_property
    def slice_spacing_mm(self) -> float:
        """Distance between two slice planes, in mm; on a sheared volume shorter than the step between their centers."""
        return float(abs(self.ras_from_ijk[:3, 2] @ self.normal_ras))

    @cached_property
    def pixel_spacings_mm(self) -> tuple[float, float]:
        """Lengths of the in-plane steps along i and j, in mm."""
        along_i_mm, along_j_mm = np.linalg.norm(self.ras_from_ijk[:3, :2], axis=0)
        return float(along_i_mm), float(along_j_mm)

    @cached_property
    def pixel_area_mm2(self) -> float:
        """Area of the parallelogram of the two in-plane steps, in mm²."""
        return float(np.linalg.norm(np.cross(self.ras_from_ijk[:3, 0], self.ras_from_ijk[:3, 1])))

    def to_ijk(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return RAS points, shape (..., 3), as indices (i, j, k) of this stack, not rounded."""
        offsets_mm = np.asarray(points_ras_mm) - self.ras_from_ijk[:3, 3]
        return offsets_mm @ np.linalg.inv(self.ras_from_ijk[:3, :3]).T

    def slice_heights(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return the heights of RAS points, shape (..., 3), above the first slice, in slices, not rounded."""
        return (np.asarray(points_ras_mm) - self.ras_from_ijk[:3, 3]) @ self.normal_ras / self.slice_spacing_mm

    def stored_crop(self, mask: np.ndarray, offset_kji: Sequence[int]) -> tuple[np.ndarray, tuple[int, int, int]]:
        """Return a crop of this stack, and its offset, in the stored axis order.

        Parameters
        ----------
        mask : numpy.ndarray, shape (k, j, i)
            Crop of an array in this stack's order.
        offset_kji : sequence of int
            Index of the crop's first voxel in this stack.

        Returns
        -------
        tuple of numpy.ndarray and tuple of int
            The crop and the index of its first voxel in the stored array.
        """
        back = np.argsort(self.stored_axes)
        crop = np.flip(mask, tuple(axis for axis in range(3) if self.flipped[axis]))
        offset = [
            self.voxels_hu.shape[axis] - offset_kji[axis] - mask.shape[axis] if self.flipped[axis] else offset_kji[axis]
            for axis in range(3)
        ]
        k, j, i = (int(offset[axis]) for axis in back)
        return crop.transpose(back), (k, j, i)

    def canonical_crop(
        self, mask: np.ndarray, stored_offset_kji: Sequence[int]
    ) -> tuple[np.ndarray, tuple[int, int, int]]:
        """Return a crop of the stored array, and its offset, in this stack's order: the inverse of `stored_crop`."""
        crop = mask.transpose(self.stored_axes)
        offset = [stored_offset_kji[axis] for axis in self.stored_axes]
        for axis in range(3):
            if self.flipped[axis]:
                offset[axis] = self.voxels_hu.shape[axis] - offset[axis] - crop.shape[axis]
        k, j, i = map(int, offset)
        return np.flip(crop, tuple(axis for axis in range(3) if self.flipped[axis])), (k, j, i)


def axial_stack(ct: CtVolume, values: FrameValues) -> AxialStack:
    """Return `ct` as a stack of axial slices in canonical axis order.

    Raises
    ------
    InputError
        When two families of grid planes are equally close to axial.
    """
    steps = ct.ras_from_ijk[:3, :3]
    k_column = _axial_column(steps, values.axial_tie_deg)
    i_column, j_column = _in_plane_columns(steps, k_column)

    columns = (i_column, j_column, k_column)
    wanted = (_LEFT_RAS, _POSTERIOR_RAS, _SUPERIOR_RAS)
    # The slices are ordered along their normal, because on a sheared volume the step itself may deviate far from it.
    directions = (steps[:, i_column], steps[:, j_column], _plane_normal(steps, k_column))
    flips = [bool(direction @ axis < 0) for direction, axis in zip(directions, wanted, strict=True)]

    sizes_ijk = ct.voxels_hu.shape[::-1]
    canonical_steps = np.round(steps[:, columns] * np.where(flips, -1.0, 1.0), _STEP_DECIMALS) + 0.0
    origin = ct.ras_from_ijk[:3, 3] + sum(
        steps[:, column] * (sizes_ijk[column] - 1) for column, flip in zip(columns, flips, strict=True) if flip
    )
    matrix = np.eye(4)
    matrix[:3, :3] = canonical_steps
    matrix[:3, 3] = np.round(origin, _ORIGIN_DECIMALS) + 0.0
    matrix.flags.writeable = False

    stored_axes = (2 - k_column, 2 - j_column, 2 - i_column)
    flipped = (flips[2], flips[1], flips[0])
    against = tuple(axis for axis in range(3) if flipped[axis])
    view = np.flip(ct.voxels_hu.transpose(stored_axes), against)
    view.flags.writeable = False
    padding_hu = None
    if ct.padding_hu is not None:
        low_hu, high_hu = (
            np.flip(np.broadcast_to(slice_ends[:, None, None], ct.voxels_hu.shape).transpose(stored_axes), against)
            for slice_ends in ct.padding_hu.T
        )
        padding_hu = (low_hu, high_hu)
    return AxialStack(view, matrix, stored_axes, flipped, padding_hu)


def _plane_normal(steps: np.ndarray, column: int) -> np.ndarray:
    """Return the unit normal, on the side of step `column`, of the planes that the two other steps span."""
    first, second = (steps[:, other] for other in range(3) if other != column)
    normal = np.cross(first, second)
    return normal * np.sign(normal @ steps[:, column]) / np.linalg.norm(normal)


def _axial_column(steps: np.ndarray, tie_deg: float) -> int:
    """Return the column of `steps` that leads from one axial slice to the next."""
    cosines = [min(1.0, abs(_plane_normal(steps, column) @ _SUPERIOR_RAS)) for column in range(3)]
    angles_deg = np.degrees(np.arccos(cosines))
    nearest, second = np.argsort(angles_deg)[:2]
    if angles_deg[second] - angles_deg[nearest] < tie_deg:
        raise InputError(
            f"Two families of the CT's slices are equally close to axial ({angles_deg[nearest]:.2f}° and "
            f"{angles_deg[second]:.2f}°): use a CT that is stored along the patient's axes."
        )
    return int(nearest)


def _in_plane_columns(steps: np.ndarray, k_column: int) -> tuple[int, int]:
    """Return the columns that are closest to left–right and to anterior–posterior."""
    candidates = []
    for i_column, j_column in permutations([column for column in range(3) if column != k_column]):
        for i_sign, j_sign in product((1, -1), repeat=2):
            along_i = i_sign * steps[:, i_column] / np.linalg.norm(steps[:, i_column])
            along_j = j_sign * steps[:, j_column] / np.linalg.norm(steps[:, j_column])
            # The second and third values decide in-plane rotations by exactly 45°.
            score = (along_i @ _LEFT_RAS + along_j @ _POSTERIOR_RAS, along_i @ _POSTERIOR_RAS, along_i @ _LEFT_RAS)
            candidates.append((tuple(np.round(score, 9)), i_column, j_column))
    return max(candidates)[1:]
