"""One plane of a CT in the frame of a level."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class PlaneImage:
    """HU of one axial plane, and the position of its pixels in the level's frame.

    Parameters
    ----------
    hu : array, shape (rows, columns)
        HU, indexed ``[j, i]``, of any real number type.
    uv_from_ij : array, shape (2, 3)
        Affine from pixel indices to the frame: ``uv_mm = uv_from_ij[:, :2] @ (i, j) + uv_from_ij[:, 2]``. Pixels may be
        oblong, rotated, flipped or sheared.

    Raises
    ------
    InputError
        If the plane is empty or its pixels have no area.
    """

    hu: np.ndarray
    uv_from_ij: np.ndarray

    def __post_init__(self) -> None:
        hu = np.asarray(self.hu)
        uv_from_ij = np.asarray(self.uv_from_ij, dtype=float)
        if hu.ndim != 2 or min(hu.shape) < 2 or hu.dtype.kind not in "iuf":
            raise InputError(
                f"The CT plane has shape {hu.shape} of type {hu.dtype}: give an array of numbers with at least two "
                "rows and two columns."
            )
        if uv_from_ij.shape != (2, 3) or not np.isfinite(uv_from_ij).all():
            raise InputError(f"The affine of the CT plane has shape {uv_from_ij.shape}: give 2 x 3 finite numbers.")
        if abs(np.linalg.det(uv_from_ij[:, :2])) < 1e-9:
            raise InputError("The pixels of the CT plane have no area: check the CT's spacing and directions.")
        object.__setattr__(self, "hu", hu)
        object.__setattr__(self, "uv_from_ij", uv_from_ij)

    @property
    def pixel_mm(self) -> float:
        """Side of a square as large as one pixel, in mm."""
        return float(np.sqrt(abs(np.linalg.det(self.uv_from_ij[:, :2]))))

    def ij_from_uv(self) -> np.ndarray:
        """Return the affine from the frame (mm) to pixel indices, shape (2, 3)."""
        inverse = np.linalg.inv(self.uv_from_ij[:, :2])
        return np.column_stack([inverse, -inverse @ self.uv_from_ij[:, 2]])

    def linear_hu(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return HU at points, shape (n, 2), between pixels linearly; beyond the plane, HU of its nearest edge."""
        from scipy import ndimage

        ij_from_uv = self.ij_from_uv()
        ji = ij_from_uv[::-1, :2] @ points_uv_mm.T + ij_from_uv[::-1, 2:]
        return ndimage.map_coordinates(self.hu, ji, output=float, order=1, mode="nearest")
