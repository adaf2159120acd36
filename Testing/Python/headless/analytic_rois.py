"""The five regions by the protocol's words, from a body's true outline: a second, deliberately dumb implementation.

It works on the outline as thousands of points: distances are those to the nearest of them, maxima are searched by
trying out. It shares no code with the library.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.path import Path as PlanePath
from scipy.spatial import cKDTree

ROIS = ("round", "oval", "right", "front", "left")
_STEP_MM = 0.01


@dataclass(frozen=True, eq=False)
class AnalyticBody:
    """A body in its mid-slice.

    Parameters
    ----------
    outline_ras_mm : (n, 3) array
        The periosteal edge.
    midline_ras_mm : (2, 3) array
        Anterior and posterior end, in the mid-slice.
    normal_ras : (3,) array
        Of the slices, toward superior.
    margin_mm : float
        The cortical margin.
    boundary_fraction, front_width_fraction : float
        As in the protocol.
    """

    outline_ras_mm: np.ndarray
    midline_ras_mm: np.ndarray
    normal_ras: np.ndarray
    margin_mm: float
    boundary_fraction: float = 2 / 3
    front_width_fraction: float = 1 / 3

    def to_uv_mm(self, points_ras_mm) -> np.ndarray:
        """Return (u, v) of points: u to the patient's left, v to anterior, from the midline's anterior end."""
        anterior, posterior = self.midline_ras_mm
        v = (anterior - posterior) / np.linalg.norm(anterior - posterior)
        u = np.cross(self.normal_ras, v)
        offset = np.asarray(points_ras_mm) - anterior
        return np.stack([offset @ u, offset @ v], axis=-1)

    def to_ras_mm(self, points_uv_mm) -> np.ndarray:
        """Return (u, v) points in space: undoes `to_uv_mm` in the mid-slice."""
        anterior, posterior = self.midline_ras_mm
        v = (anterior - posterior) / np.linalg.norm(anterior - posterior)
        return anterior + np.asarray(points_uv_mm) @ np.array([np.cross(self.normal_ras, v), v])

    @cached_property
    def boundary_v_mm(self) -> float:
        anterior, posterior = self.midline_ras_mm
        return -self.boundary_fraction * float(np.linalg.norm(anterior - posterior))

    @cached_property
    def outline_uv_mm(self) -> np.ndarray:
        """The outline as points `_STEP_MM` apart."""
        return resampled(self.to_uv_mm(self.outline_ras_mm), _STEP_MM)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.outline_uv_mm)

    def depth_inside_mm(self, points_uv_mm) -> np.ndarray:
        """Return how far points are inside the outline; outside it is negative."""
        points = np.asarray(points_uv_mm, dtype=float).reshape(-1, 2)
        # A polygon of 0.1 mm edges distinguishes inside from outside: it runs less than 0.001 mm off the curve.
        inside = PlanePath(self.outline_uv_mm[::10]).contains_points(points)
        distance = self._tree.query(points)[0]
        return np.where(inside, distance, -distance).reshape(np.shape(points_uv_mm)[:-1])

    @cached_property
    def inner_uv_mm(self) -> np.ndarray:
        """Points of the inner outline: those a margin off the outline that are not nearer to another part of it."""
        points = self.outline_uv_mm
        along = np.roll(points, -3, axis=0) - np.roll(points, 3, axis=0)
        normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
        both = np.vstack([points + self.margin_mm * normal, points - self.margin_mm * normal])
        return both[self.depth_inside_mm(both) > self.margin_mm - 1e-3]

    @cached_property
    def round(self) -> tuple[float, float]:
        """Center v and radius of the largest circle centered on the midline in the anterior region."""
        v = np.arange(self.boundary_v_mm, 0, 0.002)
        room = np.minimum(
            self.depth_inside_mm(np.column_stack([np.zeros_like(v), v])) - self.margin_mm, v - self.boundary_v_mm
        )
        best = int(np.argmax(room))
        return float(v[best]), float(room[best])

    @cached_property
    def oval(self) -> tuple[float, float, float]:
        """Center v, half-axis across and half-axis along the midline of the largest ellipse in the anterior region."""
        center, half_v = self.round
        best, step = (center, half_v, half_v), 0.5
        while step > 0.005:
            centers = best[0] + step * np.arange(-6, 7)
            halves = best[2] + step * np.arange(-6, 7)
            candidates = [
                (v, self._half_width(v, half), half)
                for v in centers
                for half in halves
                if half > 1 and v - half >= self.boundary_v_mm - 1e-9
            ]
            best = max([best, *candidates], key=lambda one: one[1] * one[2])
            step *= 0.6
        return best

    def _half_width(self, center_v: float, half_v: float) -> float:
        """Return how wide an ellipse may be before it contains a point of the inner outline."""
        u, v = self.inner_uv_mm[::5].T
        height = 1 - ((v - center_v) / half_v) ** 2
        is_next_to = height > 1e-9
        on_axis = np.abs(u) < 0.02
        if np.any(is_next_to & on_axis & (np.abs(v - center_v) < half_v - 0.005)):
            return 0.0
        return float(np.min(np.abs(u[is_next_to]) / np.sqrt(height[is_next_to])))

    @cached_property
    def half_front_mm(self) -> float:
        """Distance of the longitudinal borders from the midline."""
        anterior = self.inner_uv_mm[self.inner_uv_mm[:, 1] >= self.boundary_v_mm, 0]
        return self.front_width_fraction / 2 * float(anterior.max() - anterior.min())

    def inside(self, points_ras_mm) -> dict[str, np.ndarray]:
        """Return which points are in each region."""
        uv = self.to_uv_mm(points_ras_mm)
        u, v = uv[..., 0], uv[..., 1]
        inner = np.zeros(u.shape, dtype=bool)
        near = np.hypot(u, v) < 80
        inner[near] = self.depth_inside_mm(uv[near]) >= self.margin_mm
        anterior = inner & (v >= self.boundary_v_mm)
        center, radius = self.round
        oval_center, half_u, half_v = self.oval
        return {
            "round": np.hypot(u, v - center) <= radius,
            "oval": (u / half_u) ** 2 + ((v - oval_center) / half_v) ** 2 <= 1,
            "front": anterior & (np.abs(u) <= self.half_front_mm),
            "left": inner & (u > self.half_front_mm),
            "right": inner & (u < -self.half_front_mm),
        }


def resampled(points: np.ndarray, step_mm: float) -> np.ndarray:
    """Return a closed polygon as points at equal distances."""
    closed = np.vstack([points, points[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    wanted = np.arange(0, length[-1], step_mm)
    return np.column_stack([np.interp(wanted, length, closed[:, axis]) for axis in range(closed.shape[1])])


def slices_of_slab(spacing_mm: float, slab_mm: float = 2.5) -> int:
    """Return the odd number nearest to slab / spacing, the larger one in a tie."""
    return max((1, 3, 5, 7, 9, 11, 13, 15), key=lambda count: (-round(abs(count - slab_mm / spacing_mm), 9), count))


def label_maps(body: AnalyticBody, shape_kji, ras_from_ijk: np.ndarray, mid_slice: int, slices: int) -> dict:
    """Return each region's voxels, (k, j, i) bool, in a CT stored as axial slices."""
    j, i = np.meshgrid(np.arange(shape_kji[1]), np.arange(shape_kji[2]), indexing="ij")
    maps = {roi: np.zeros(shape_kji, dtype=bool) for roi in ROIS}
    for k in range(mid_slice - slices // 2, mid_slice + slices // 2 + 1):
        ijk = np.stack([i, j, np.full_like(i, k)], axis=-1)
        for roi, inside in body.inside(ijk @ ras_from_ijk[:3, :3].T + ras_from_ijk[:3, 3]).items():
            maps[roi][k] = inside
    return maps


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two label maps."""
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))
