"""A piece of one plane, on which parts of the phantom are painted."""

import numpy as np


class Patch:
    """Values on a plane grid of points, with the points' coordinates.

    Parameters
    ----------
    origin_ras : (3,) array
        The point of element [0, 0].
    step_i_ras, step_j_ras : (3,) arrays
        Perpendicular steps along the second and the first index of `values_hu`.
    values_hu : (rows, columns) array
        Painted in place.
    ramp_mm : float
        Width over which an edge rises: about the distance of the points, so that an edge between two points weighs
        as much as it covers.
    """

    def __init__(self, origin_ras, step_i_ras, step_j_ras, values_hu: np.ndarray, ramp_mm: float):
        self.origin_ras = origin_ras
        self.step_i_ras = step_i_ras
        self.step_j_ras = step_j_ras
        self.values_hu = values_hu
        self.ramp_mm = ramp_mm

    def window(self, corners_ras_mm: np.ndarray, margin_mm: float = 1.0) -> "Patch | None":
        """Return the part of the patch that a box can touch, as a view; nothing where it touches none."""
        slices = self.window_slices(corners_ras_mm, margin_mm)
        return None if slices is None else self.cut(*slices)

    def window_slices(self, corners_ras_mm: np.ndarray, margin_mm: float = 1.0) -> tuple[slice, slice] | None:
        """Return the (row, column) ranges that a box given by its (8, 3) corners can touch."""
        offset = corners_ras_mm - self.origin_ras
        height = offset @ np.cross(self.step_i_ras, self.step_j_ras)
        margin_height = margin_mm * np.linalg.norm(self.step_i_ras) * np.linalg.norm(self.step_j_ras)
        if height.min() > margin_height or height.max() < -margin_height:
            return None
        ranges = []
        for step, count in zip((self.step_j_ras, self.step_i_ras), self.values_hu.shape, strict=True):
            length = np.linalg.norm(step)
            index = offset @ step / length**2
            low = max(0, int(np.ceil(index.min() - margin_mm / length)))
            high = min(count, int(np.floor(index.max() + margin_mm / length)) + 1)
            if high <= low:
                return None
            ranges.append(slice(low, high))
        return tuple(ranges)

    def cut(self, rows: slice, columns: slice) -> "Patch":
        """Return a view of the given rows and columns."""
        origin = self.origin_ras + columns.start * self.step_i_ras + rows.start * self.step_j_ras
        return Patch(origin, self.step_i_ras, self.step_j_ras, self.values_hu[rows, columns], self.ramp_mm)

    def coordinates(self, origin_ras, axes_ras) -> tuple[np.ndarray, ...]:
        """Coordinates of all points in another frame, as arrays that broadcast to the patch.

        Parameters
        ----------
        origin_ras : (3,) array
        axes_ras : (n, 3) array
            Unit vectors.
        """
        rows = np.arange(self.values_hu.shape[0], dtype=np.float32)[:, None]
        columns = np.arange(self.values_hu.shape[1], dtype=np.float32)[None, :]
        start = axes_ras @ (self.origin_ras - origin_ras)
        along_i, along_j = axes_ras @ self.step_i_ras, axes_ras @ self.step_j_ras
        coordinates = []
        for first, step_i, step_j in zip(start, along_i, along_j, strict=True):
            coordinate = np.full((1, 1), first, dtype=np.float32)
            # Leaving out what does not change keeps the arrays of axial planes one-dimensional.
            if abs(step_i) > 1e-12:
                coordinate = coordinate + np.float32(step_i) * columns
            if abs(step_j) > 1e-12:
                coordinate = coordinate + np.float32(step_j) * rows
            coordinates.append(coordinate)
        return tuple(coordinates)

    def ras(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """R, A and S of all points, mm."""
        return self.coordinates(np.zeros(3), np.eye(3))

    def coverage(self, distance_mm: np.ndarray) -> np.ndarray:
        """How much of a point's surroundings lies inside a surface, from the signed distance to it."""
        return np.clip(0.5 - distance_mm / self.ramp_mm, 0, 1)

    def paint(self, distance_mm: np.ndarray, hu) -> None:
        """Fill the inside of a surface (negative distance) with `hu`."""
        self.values_hu += self.coverage(distance_mm) * (hu - self.values_hu)


def box_corners(center, axes, half_extents) -> np.ndarray:
    """(8, 3) corners of a box with unit `axes` in rows."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=float)
    return center + (signs * half_extents) @ np.asarray(axes)
