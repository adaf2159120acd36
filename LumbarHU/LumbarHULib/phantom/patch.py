"""A part of one plane, on which the phantom is painted."""

import copy
import math

import numpy as np
from numpy.typing import ArrayLike


class Patch:
    """Values on a plane grid of points, with the points' coordinates.

    Parameters
    ----------
    origin_ras : (3,) array
        Position of element [0, 0].
    step_i_ras, step_j_ras : (3,) arrays
        Perpendicular steps along the second and the first index of `values_hu`.
    values_hu : (rows, columns) array
        Values, painted in place.
    depth_mm : float
        Thickness that each point represents along the plane's normal.
    """

    def __init__(
        self,
        origin_ras: np.ndarray,
        step_i_ras: np.ndarray,
        step_j_ras: np.ndarray,
        values_hu: np.ndarray,
        depth_mm: float,
    ) -> None:
        self.origin_ras = origin_ras
        self.step_i_ras = step_i_ras
        self.step_j_ras = step_j_ras
        self.values_hu = values_hu
        self.depth_mm = depth_mm
        self.lengths_mm = (math.hypot(*step_i_ras), math.hypot(*step_j_ras))
        normal_ras = np.cross(step_i_ras, step_j_ras) / (self.lengths_mm[0] * self.lengths_mm[1])
        # Maps an offset in RAS to steps along i and j, times their squared lengths, and to mm above the plane.
        self._directions = np.column_stack([step_i_ras, step_j_ras, normal_ras])

    def window(self, corners_ras_mm: np.ndarray, margin_mm: float = 1.0) -> "Patch | None":
        """Return the part of the patch that a box can touch, as a view; None if it touches no part."""
        slices = self.window_slices(corners_ras_mm, margin_mm)
        return None if slices is None else self.cut(*slices)

    def window_slices(self, corners_ras_mm: np.ndarray, margin_mm: float = 1.0) -> tuple[slice, slice] | None:
        """Return the (row, column) ranges that a box given by its (8, 3) corners can touch."""
        offset = (corners_ras_mm - self.origin_ras) @ self._directions
        low, high = offset.min(axis=0), offset.max(axis=0)
        if low[2] > margin_mm or high[2] < -margin_mm:
            return None
        ranges = []
        for axis in (1, 0):
            length = self.lengths_mm[axis]
            count = self.values_hu.shape[1 - axis]
            start = max(0, math.ceil(low[axis] / length**2 - margin_mm / length))
            stop = min(count, math.floor(high[axis] / length**2 + margin_mm / length) + 1)
            if stop <= start:
                return None
            ranges.append(slice(start, stop))
        return ranges[0], ranges[1]

    def cut(self, rows: slice, columns: slice) -> "Patch":
        """Return a view of the given rows and columns."""
        origin = self.origin_ras + columns.start * self.step_i_ras + rows.start * self.step_j_ras
        view = copy.copy(self)
        view.origin_ras = origin
        view.values_hu = self.values_hu[rows, columns]
        return view

    def coordinates(self, origin_ras: np.ndarray, axes_ras: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the coordinates of all points in another frame, as arrays that broadcast to the patch.

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
            # Omitting constant terms keeps the arrays of axial planes one-dimensional.
            if abs(step_i) > 1e-12:
                coordinate = coordinate + np.float32(step_i) * columns
            if abs(step_j) > 1e-12:
                coordinate = coordinate + np.float32(step_j) * rows
            coordinates.append(coordinate)
        return tuple(coordinates)

    def ras(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return R, A and S of all points, mm."""
        r_mm, a_mm, s_mm = self.coordinates(np.zeros(3), np.eye(3))
        return r_mm, a_mm, s_mm

    def coverage(self, distance_mm: np.ndarray) -> np.ndarray:
        """Return the fraction of each point's surroundings inside a surface, from the signed distance to it.

        The edge ramp spans the points' spacing, projected on the edge's normal, along the one of three directions with
        the largest projection. The sum along that direction then equals the length inside, wherever the edge is.
        """
        distance_mm = np.ascontiguousarray(np.broadcast_to(distance_mm, self.values_hu.shape))
        coverage = (distance_mm < 0).astype(np.float32)
        index = np.flatnonzero(np.abs(distance_mm) < max(*self.lengths_mm, self.depth_mm))
        if index.size:
            near = distance_mm.ravel()[index]
            rows, columns = np.divmod(index, distance_mm.shape[1])
            step_i = _slope(distance_mm, rows, columns, 0, 1)
            step_j = _slope(distance_mm, rows, columns, 1, 0)
            in_plane = (step_i / self.lengths_mm[0]) ** 2 + (step_j / self.lengths_mm[1]) ** 2
            through = self.depth_mm * np.sqrt(np.maximum(0, 1 - in_plane))
            rise_mm = np.maximum(np.maximum(step_i, step_j), np.maximum(through, 1e-6))
            coverage.ravel()[index] = np.clip(0.5 - near / rise_mm, 0, 1)
        return coverage

    def paint(self, *layers: tuple[np.ndarray, np.ndarray | float]) -> None:
        """Fill nested solids, given as (signed distance, HU) from the outermost inward.

        Shells thinner than the points' spacing keep their weight: no layer hides the part that they cover.
        """
        before: np.ndarray | float = self.values_hu.copy() if len(layers) > 1 else self.values_hu
        for distance_mm, hu in layers:
            self.values_hu += self.coverage(distance_mm) * (hu - before)
            before = hu


def box_corners(center: np.ndarray, axes: ArrayLike, half_extents: np.ndarray) -> np.ndarray:
    """Return the (8, 3) corners of a box with unit `axes` in rows."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=float)
    return center + (signs * half_extents) @ np.asarray(axes)


def _slope(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the absolute change per step at some elements, in one of the two directions."""
    after = np.minimum(rows + down, values.shape[0] - 1), np.minimum(columns + right, values.shape[1] - 1)
    before = np.maximum(rows - down, 0), np.maximum(columns - right, 0)
    steps = (after[0] - before[0]) + (after[1] - before[1])
    return np.abs(values[after] - values[before]) / np.maximum(steps, 1)
