"""Sample the CT in the coordinates of a vertebral body."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.placement.body_guess import BodyGuess


@dataclass(frozen=True, eq=False)
class BodyAxes:
    """Coordinates in mm from a body's center: x to its left, y anterior, z up."""

    center_ras_mm: np.ndarray
    up_ras: np.ndarray
    anterior_ras: np.ndarray

    @classmethod
    def of(cls, guess: BodyGuess) -> "BodyAxes":
        """Return the axes of a guess."""
        return cls(guess.center_ras_mm, guess.up_ras, guess.anterior_ras)

    @property
    def rows_ras(self) -> np.ndarray:
        """Unit vectors x, y, z in rows, shape (3, 3)."""
        return np.stack([np.cross(self.up_ras, self.anterior_ras), self.anterior_ras, self.up_ras])

    def to_body_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Return RAS points, shape (n, 3), in these coordinates."""
        return (points_ras_mm - self.center_ras_mm) @ self.rows_ras.T

    def to_ras_mm(self, points_mm: ArrayLike) -> np.ndarray:
        """Return points in these coordinates, shape (..., 3), in RAS."""
        return self.center_ras_mm + np.asarray(points_mm) @ self.rows_ras

    def turned(self, up_ras: np.ndarray, anterior_ras: np.ndarray) -> "BodyAxes":
        """Return axes along `up_ras` and along the part of `anterior_ras` perpendicular to it."""
        up_ras = up_ras / np.linalg.norm(up_ras)
        anterior_ras = anterior_ras - (anterior_ras @ up_ras) * up_ras
        return replace(self, up_ras=up_ras, anterior_ras=anterior_ras / np.linalg.norm(anterior_ras))

    def moved(self, by_mm: ArrayLike) -> "BodyAxes":
        """Return axes with the center moved by `by_mm` in these coordinates."""
        return self.moved_to(self.to_ras_mm(by_mm))

    def moved_to(self, center_ras_mm: np.ndarray) -> "BodyAxes":
        """Return axes with another center, in RAS."""
        return replace(self, center_ras_mm=center_ras_mm)

    def mirrored_about(self, offset_mm: float, angle_deg: float) -> "BodyAxes":
        """Return axes whose y axis is in a plane at x = `offset_mm`, turned by `angle_deg` toward the body's left."""
        angle = np.radians(angle_deg)
        anterior = np.array([np.sin(angle), np.cos(angle), 0.0]) @ self.rows_ras
        return replace(self.moved((offset_mm, 0.0, 0.0)), anterior_ras=anterior)


def sample_box_hu(
    stack: AxialStack, axes: BodyAxes, first_mm: ArrayLike, steps_mm: ArrayLike, shape_zyx: tuple[int, int, int]
) -> np.ndarray:
    """Return the interpolated CT in an even box, shape (z, y, x); beyond the CT's edge, its last value.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    axes : BodyAxes
        The box runs along them.
    first_mm, steps_mm : array_like, shape (3,)
        First point along x, y and z, and the distances between neighboring points.
    shape_zyx : tuple of int
        Number of points along each axis.
    """
    from scipy import ndimage

    to_ijk = np.linalg.inv(stack.ras_from_ijk[:3, :3])
    matrix = to_ijk @ (axes.rows_ras.T * np.asarray(steps_mm))
    start = to_ijk @ (axes.to_ras_mm(first_mm) - stack.ras_from_ijk[:3, 3])
    reach = matrix * (np.array(shape_zyx[::-1]) - 1)
    low = np.floor(start + np.minimum(reach, 0).sum(axis=1))
    high = np.ceil(start + np.maximum(reach, 0).sum(axis=1))
    crop, low = _crop(stack, low, high)
    return ndimage.affine_transform(
        crop, matrix[::-1, ::-1], (start - low)[::-1], output_shape=shape_zyx, order=1, mode="nearest"
    )


def _crop(stack: AxialStack, low_ijk: np.ndarray, high_ijk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels between two indices, clipped to the CT, and the index of the first one."""
    last = np.array(stack.voxels_hu.shape[::-1]) - 1
    low = np.clip(low_ijk.astype(int), 0, last)
    high = np.clip(high_ijk.astype(int), low, last)
    crop = stack.voxels_hu[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1]
    return crop.astype(np.float32), low


def sample_hu(stack: AxialStack, points_ras_mm: np.ndarray) -> np.ndarray:
    """Return the interpolated CT at RAS points, shape (..., 3); beyond its edge, its last value."""
    from scipy import ndimage

    ijk = stack.to_ijk(points_ras_mm.reshape(-1, 3))
    crop, low = _crop(stack, np.floor(ijk.min(axis=0)), np.ceil(ijk.max(axis=0)))
    values = ndimage.map_coordinates(crop, (ijk - low)[:, ::-1].T, order=1, mode="nearest")
    return values.reshape(points_ras_mm.shape[:-1])
