"""A fine grid of points in the axial plane, for painting shapes given by signed distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.phantom.hostile.curves import Curve

# Far from a curve, distances at every fourth point suffice for what is painted there.
_COARSE = 4


@dataclass(frozen=True, eq=False)
class Canvas:
    """Fine points around a body.

    Parameters
    ----------
    x, y : numpy.ndarray of float32, shape (rows, columns)
        The points in the body's frame, mm.
    step_mm : float
        Distance between neighboring points.
    body, canal : Curve
    exact_mm : float
        Up to this distance from a curve, distances are computed at every point.
    """

    x: np.ndarray
    y: np.ndarray
    step_mm: float
    body: Curve
    canal: Curve
    exact_mm: float = 3.0

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of rows and columns."""
        return self.x.shape

    @cached_property
    def center_mm(self) -> np.ndarray:
        """Return the center of the body's outline, shape (2,)."""
        return (self.body.points_mm.max(axis=0) + self.body.points_mm.min(axis=0)) / 2

    @cached_property
    def _body_fields(self) -> tuple[np.ndarray, np.ndarray]:
        return self._distances(self.body)

    def _distances(self, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
        """Return signed distances and nearest points: exact near the curve, interpolated far from it."""
        blocks = self.x[::_COARSE, ::_COARSE], self.y[::_COARSE, ::_COARSE]
        coarse, nearest = curve.distances(np.column_stack([block.ravel() for block in blocks]))
        distance, index = (
            np.repeat(np.repeat(values.reshape(blocks[0].shape), _COARSE, 0), _COARSE, 1)
            for values in (coarse.astype(np.float32), nearest)
        )
        rows, columns = self.shape
        distance, index = distance[:rows, :columns].copy(), index[:rows, :columns].copy()
        near = np.abs(distance) < self.exact_mm + 1.5 * _COARSE * self.step_mm
        exact, nearest = curve.distances(np.column_stack([self.x[near], self.y[near]]))
        distance[near], index[near] = exact, nearest
        return distance, index

    @property
    def body_mm(self) -> np.ndarray:
        """Return signed distances from the body's outline at mid-height, mm; negative inside."""
        return self._body_fields[0]

    @property
    def nearest(self) -> np.ndarray:
        """Return the index of the outline's nearest point."""
        return self._body_fields[1]

    @cached_property
    def normal_y(self) -> np.ndarray:
        """Return the anterior component of the outline's normal at the nearest point."""
        return self.body.normals[self.nearest, 1].astype(np.float32)

    @cached_property
    def canal_mm(self) -> np.ndarray:
        """Return signed distances from the canal's outline, mm."""
        return self._distances(self.canal)[0]

    def ellipse(
        self, center_mm: Sequence[float] | np.ndarray, radii_mm: Sequence[float] | np.ndarray, tilt_deg: float = 0.0
    ) -> np.ndarray:
        """Return signed distances from an ellipse, exact to first order near its edge."""
        cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
        x, y = self.x - np.float32(center_mm[0]), self.y - np.float32(center_mm[1])
        along, across = (cosine * x + sine * y) / radii_mm[0], (cosine * y - sine * x) / radii_mm[1]
        radius = np.sqrt(along**2 + across**2) + 1e-6
        slope = np.sqrt((along / radii_mm[0]) ** 2 + (across / radii_mm[1]) ** 2) / radius + 1e-6
        return ((radius - 1) / slope).astype(np.float32)

    def capsule(
        self, start_mm: ArrayLike, end_mm: ArrayLike, start_radius_mm: float, end_radius_mm: float
    ) -> np.ndarray:
        """Return signed distances from a rod whose radius changes along it."""
        start, along = np.asarray(start_mm, dtype=float), np.subtract(end_mm, start_mm)
        x, y = self.x - np.float32(start[0]), self.y - np.float32(start[1])
        length_squared = float(along @ along)
        at = np.clip((x * along[0] + y * along[1]) / length_squared, 0, 1)
        apart = np.hypot(x - at * along[0], y - at * along[1])
        return (apart - (start_radius_mm + at * (end_radius_mm - start_radius_mm))).astype(np.float32)

    def coverage(self, distance_mm: np.ndarray) -> np.ndarray:
        """Return the fraction of each point's surroundings inside a surface."""
        return np.clip(0.5 - distance_mm / self.step_mm, 0, 1)

    def fill(self, values: np.ndarray, distance_mm: np.ndarray, hu: np.ndarray | float) -> None:
        """Paint the inside of a surface in place."""
        values += self.coverage(distance_mm) * (hu - values)

    def fill_shell(
        self,
        values: np.ndarray,
        distance_mm: np.ndarray,
        shell_mm: np.ndarray | float,
        shell_hu: np.ndarray | float,
        inside_hu: np.ndarray | float,
    ) -> None:
        """Paint a solid with a shell in place; thin shells keep their weight."""
        whole = self.coverage(distance_mm)
        core = np.minimum(self.coverage(distance_mm + shell_mm), whole)
        values += whole * (shell_hu - values) + core * (inside_hu - np.asarray(shell_hu))

    def texture(self, random: np.random.Generator, sd_hu: float, correlation_mm: float) -> np.ndarray:
        """Return a smooth random field of the given SD and correlation length (SD of its Gaussian)."""
        from scipy.ndimage import gaussian_filter

        coarse = max(self.step_mm, correlation_mm / 2)
        shape = [int(np.ceil(count * self.step_mm / coarse)) + 4 for count in self.shape]
        noise = gaussian_filter(random.standard_normal(shape).astype(np.float32), correlation_mm / coarse, mode="wrap")
        noise *= sd_hu / max(float(noise.std()), 1e-9)
        for axis, count in enumerate(self.shape):
            noise = _stretched(noise, axis, count)
        return noise


def _stretched(values: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Return `count` values along an axis, interpolated linearly between coarser ones."""
    size = values.shape[axis]
    at = np.arange(count) * (size - 1) / (round(size * count / (size - 3)) - 1)
    low = np.minimum(at.astype(int), size - 2)
    share = (at - low).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    first, second = np.take(values, low, axis=axis), np.take(values, low + 1, axis=axis)
    return first + share * (second - first)
