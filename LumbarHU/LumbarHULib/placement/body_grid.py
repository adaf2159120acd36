"""Resample a label from any grid to equal cubes along R, A and S around one vertebra."""

from dataclasses import dataclass

import numpy as np

# Small compared with a vertebra; the voxels of a mask are usually larger.
STEP_MM = 1.5

_MARGIN_MM = 4.0


@dataclass(frozen=True, eq=False)
class EvenMask:
    """A vertebra's mask in cubes of side `STEP_MM`.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (s, a, r)
    origin_ras_mm : numpy.ndarray, shape (3,)
        Center of the first cube.
    """

    inside: np.ndarray
    origin_ras_mm: np.ndarray

    def points_ras_mm(self, chosen: np.ndarray) -> np.ndarray:
        """Return the centers, shape (n, 3), of the cubes chosen by a bool array of the mask's shape."""
        return self.origin_ras_mm + np.argwhere(chosen)[:, ::-1] * STEP_MM


def even_mask(inside: np.ndarray, ras_from_ijk: np.ndarray) -> EvenMask:
    """Return a mask in equal cubes, interpolated where its own voxels are larger.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (K, J, I)
        The mask, cropped or not; it must not be empty.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From its indices (i, j, k) to RAS mm; in any axis order, and oblique or sheared if need be.
    """
    from scipy import ndimage

    crop = ndimage.find_objects(inside.view(np.int8))[0]
    # A border of zeros lets the interpolation fall off outside.
    padded = np.pad(inside[crop], 1).astype(np.float32)
    matrix = ras_from_ijk.copy()
    matrix[:3, 3] += matrix[:3, :3] @ (np.array([axis.start for axis in crop])[::-1] - 1)

    ends_ijk = np.array(np.meshgrid(*[(0, size - 1) for size in padded.shape[::-1]])).reshape(3, -1)
    ends_ras = matrix[:3, :3] @ ends_ijk + matrix[:3, 3:]
    low, high = ends_ras.min(axis=1) - _MARGIN_MM, ends_ras.max(axis=1) + _MARGIN_MM
    shape_ras = np.ceil((high - low) / STEP_MM).astype(int) + 1
    # From (s, a, r) indices to the mask's (k, j, i).
    flip = np.eye(3)[::-1]
    inverse = np.linalg.inv(matrix)
    linear = flip @ (inverse[:3, :3] * STEP_MM) @ flip
    start = flip @ (inverse[:3, :3] @ low + inverse[:3, 3])
    even = ndimage.affine_transform(padded, linear, start, tuple(shape_ras[::-1]), order=1)
    return EvenMask(even > 0.5, low)
