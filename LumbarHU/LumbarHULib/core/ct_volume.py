"""The CT as a value: voxels in Hounsfield units and their geometry, checked once."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError

# A larger share of exact zeros shows a mask or a map in other units: in HU, 0 is one value among thousands (water).
_ZERO_BACKGROUND_SHARE = 0.3

# Last row of every matrix from indices to positions; a transposed matrix has the translation there.
_LAST_ROW = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class CtVolume:
    """Voxels in HU with their position in RAS space.

    Parameters
    ----------
    voxels_hu : numpy.ndarray, shape (K, J, I)
        As stored, of any integer or floating type; neither copied nor changed.
    ras_from_ijk : array_like, shape (4, 4)
        From voxel indices (i, j, k) to RAS mm; may be oblique or sheared.
    padding_hu : array_like, shape (K, 2), optional
        For each stored slice, the lowest and the highest value that mark voxels as not scanned, as the header
        declares them; NaN where it declares none.

    Raises
    ------
    InputError
        When the array cannot be a CT in HU, or the matrix is not that of a volume.
    """

    voxels_hu: np.ndarray
    ras_from_ijk: np.ndarray
    padding_hu: np.ndarray | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.ras_from_ijk, dtype=float)
        matrix.flags.writeable = False
        object.__setattr__(self, "ras_from_ijk", matrix)
        _check_geometry(self.voxels_hu, matrix)
        if self.padding_hu is not None:
            padding_hu = np.array(self.padding_hu, dtype=float).reshape(-1, 2)
            if len(padding_hu) != len(self.voxels_hu):
                raise ValueError(f"Padding of {len(padding_hu)} slices for a CT of {len(self.voxels_hu)}.")
            padding_hu.flags.writeable = False
            object.__setattr__(self, "padding_hu", padding_hu)
        _check_values(self.voxels_hu, self.padding_hu)


def _check_geometry(voxels_hu: np.ndarray, ras_from_ijk: np.ndarray) -> None:
    if voxels_hu.ndim != 3:
        raise InputError(
            f"The CT has {voxels_hu.ndim} dimensions: give a volume with three dimensions and one value for each voxel."
        )
    if voxels_hu.size == 0:
        raise InputError("The CT has no voxels: load it again from its source.")
    if (
        ras_from_ijk.shape != (4, 4)
        or not np.all(np.isfinite(ras_from_ijk))
        or not np.allclose(ras_from_ijk[3], _LAST_ROW, rtol=0, atol=1e-9)
    ):
        raise InputError(
            "The CT's geometry is not a 4 × 4 matrix of finite numbers with 0 0 0 1 as its last row: load it again "
            "from its source."
        )
    steps = ras_from_ijk[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    if np.any(lengths <= 0) or abs(np.linalg.det(steps / np.where(lengths > 0, lengths, 1))) < 1e-3:
        raise InputError(
            f"The CT's voxel spacing of {lengths[0]:g} × {lengths[1]:g} × {lengths[2]:g} mm or its axes do not span a "
            "volume: load it again from its source."
        )


def _check_values(voxels_hu: np.ndarray, padding_hu: np.ndarray | None) -> None:
    if voxels_hu.dtype.kind not in "iuf":
        raise InputError(f"The CT's voxels are of type {voxels_hu.dtype}: give whole or floating-point numbers in HU.")
    lowest, highest = voxels_hu.min(), voxels_hu.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        count = int(np.count_nonzero(~np.isfinite(voxels_hu)))
        raise InputError(
            f"The CT has {count} voxels that are not finite numbers: replace them with a value in HU, such as −1024 "
            "outside the scan."
        )
    if lowest == highest:
        raise InputError(f"Every voxel of the CT is {lowest:g}: load it again from its source.")
    if lowest >= 0:
        raise InputError(
            f"The CT has no negative values (lowest {lowest:g}, median {np.median(voxels_hu):g}), so its values are "
            "not HU: apply the rescale intercept, often −1024, and load it again."
        )
    zero_share = 1 - np.count_nonzero(voxels_hu) / voxels_hu.size
    if zero_share > _ZERO_BACKGROUND_SHARE and not _declares_zero(padding_hu):
        raise InputError(
            f"{100 * zero_share:.0f} % of the CT's voxels are exactly 0, as in a density map or a masked image, so its "
            "values are not HU: give the original CT."
        )


def _declares_zero(padding_hu: np.ndarray | None) -> bool:
    """Return whether every slice declares 0 as padding."""
    return padding_hu is not None and bool(np.all((padding_hu[:, 0] <= 0) & (padding_hu[:, 1] >= 0)))
