"""A vertebral body whose every voxel is a formula, and the means of that formula over disks, ellipses and solids.

The body is a barrel of circular, elliptic or D-shaped section with flat endplates. Its trabecular bone has a gradient
along each axis, and rises with the square of the distance from the body's axis and from its mid-height, so that a
region that is too large, too small or displaced has another mean. Nothing here uses the library.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

LEVEL = "L1"
SOFT_HU, CORTEX_HU, FAT_HU = 55.0, 800.0, -100.0
MUSCLE_MM = 8.0
CORTEX_MM, BLUR_SD_MM = 0.7, 0.5


@dataclass(frozen=True)
class FormulaBody:
    """A body around the origin; x to the patient's right, y anterior, z superior before it is tilted about x.

    Parameters
    ----------
    half_width_mm, anterior_mm, posterior_mm : float
        Extent of the section at mid-height, from the axis.
    height_mm : float
        Distance between the endplates' outer surfaces.
    flare : float
        Widening of the endplates against the waist: sections scale by 1 + flare (2z/height)².
    tilt_deg : float
        About R; a positive value raises the anterior edge.
    """

    half_width_mm: float = 22.0
    anterior_mm: float = 17.0
    posterior_mm: float = 17.0
    height_mm: float = 28.0
    flare: float = 0.0
    tilt_deg: float = 0.0

    # HU, HU/mm and HU/mm².
    center_hu: float = 120.0
    gradient: tuple[float, float, float] = (0.6, -0.9, 1.4)
    radial: float = 0.06
    along: float = 0.08

    @property
    def axes_ras(self) -> np.ndarray:
        tilt = np.radians(self.tilt_deg)
        return np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])

    def own(self, points_ras_mm) -> np.ndarray:
        """Return points in the body's own axes, shape (..., 3)."""
        return np.asarray(points_ras_mm, dtype=float) @ self.axes_ras.T

    def trabecular_hu(self, points_ras_mm) -> np.ndarray:
        """Return the formula of the trabecular bone at points, shape (...)."""
        x, y, z = np.moveaxis(self.own(points_ras_mm), -1, 0)
        linear = np.stack([x, y, z], axis=-1) @ self.gradient
        return self.center_hu + linear + self.radial * (x**2 + y**2) + self.along * z**2

    def side_mm(self, points_ras_mm) -> np.ndarray:
        """Return the distance from the side wall, negative inside; exact on the wall, and to first order next to it."""
        x, y, z = np.moveaxis(self.own(points_ras_mm), -1, 0)
        scale = 1 + self.flare * (2 * z / self.height_mm) ** 2
        depth = np.where(y > 0, self.anterior_mm, self.posterior_mm) * scale
        width = self.half_width_mm * scale
        radius = np.sqrt((x / width) ** 2 + (y / depth) ** 2) + 1e-12
        return (radius - 1) * radius / np.sqrt((x / width**2) ** 2 + (y / depth**2) ** 2 + 1e-12)

    def distance_mm(self, points_ras_mm) -> np.ndarray:
        """Return the distance from the surface, negative inside, shape (...)."""
        ends = np.abs(self.own(points_ras_mm)[..., 2]) - self.height_mm / 2
        return np.maximum(self.side_mm(points_ras_mm), ends)

    def voxels_hu(self, shape_kji, ras_from_ijk) -> np.ndarray:
        """Return the CT: trabecular bone, cortex, soft tissue and fat, blurred across the surface and by the slice."""
        step = ras_from_ijk[:3, 2]
        normal = np.cross(ras_from_ijk[:3, 0], ras_from_ijk[:3, 1])
        normal *= (step @ normal) / (normal @ normal)
        points = voxel_centers(shape_kji, ras_from_ijk)
        count = 2 * int(np.linalg.norm(normal) / 0.7) + 1
        parts = (np.arange(count) - count // 2) / count
        return np.mean([self._hu_at(points + part * normal) for part in parts], axis=0).astype(np.float32)

    def _hu_at(self, points_ras_mm) -> np.ndarray:
        side = self.side_mm(points_ras_mm)
        distance = np.maximum(side, np.abs(self.own(points_ras_mm)[..., 2]) - self.height_mm / 2)
        bone = ndtr(-distance / BLUR_SD_MM)
        inner = ndtr(-(distance + CORTEX_MM) / BLUR_SD_MM)
        around = SOFT_HU + (FAT_HU - SOFT_HU) * ndtr(side - MUSCLE_MM)
        return around * (1 - bone) + CORTEX_HU * (bone - inner) + self.trabecular_hu(points_ras_mm) * inner

    def midline_ras_mm(self, plane_point_ras_mm, normal_ras) -> np.ndarray:
        """Return anterior and posterior end of the midline in a slice plane, by bisection, shape (2, 3)."""
        normal = np.asarray(normal_ras) / np.linalg.norm(normal_ras)
        ahead = np.cross(normal, self.axes_ras[0])
        ahead *= np.sign(ahead[1]) / np.linalg.norm(ahead)
        # The point of the body's axis in the plane.
        up = self.axes_ras[2]
        start = up * (normal @ np.asarray(plane_point_ras_mm)) / (normal @ up)
        ends = []
        for direction in (ahead, -ahead):
            low, high = 0.0, 80.0
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if self.side_mm(start + middle * direction) < 0 else (low, middle)
            ends.append(start + low * direction)
        return np.array(ends)

    def without(self, **fields) -> "FormulaBody":
        return replace(self, **fields)


def voxel_centers(shape_kji, ras_from_ijk) -> np.ndarray:
    """Return the centers of all voxels, RAS mm, shape (k, j, i, 3)."""
    k, j, i = np.indices(shape_kji)
    return np.stack([i, j, k], axis=-1) @ ras_from_ijk[:3, :3].T + ras_from_ijk[:3, 3]


def rotation_about(axis: int, angle_deg: float) -> np.ndarray:
    first, second = [other for other in range(3) if other != axis]
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix = np.eye(3)
    matrix[first, first], matrix[first, second] = cosine, -sine
    matrix[second, first], matrix[second, second] = sine, cosine
    return matrix


def grid(spacing_mm=(0.7, 0.7, 1.25), size_mm=(60, 52, 44), turn=None, shear_mm=0.0, off_mm=(0.13, -0.21, 0.0)):
    """Return (shape_kji, ras_from_ijk) of axial slices around the origin, i to the left, j backward, k up.

    Parameters
    ----------
    turn : (3, 3) array, optional
        Rotation of the whole grid.
    shear_mm : float
        Shift of each slice against the one below it along j, as with a tilted gantry.
    off_mm : tuple of float
        Position of the origin in the grid, so that no voxel is exactly in the body's middle.
    """
    steps = np.diag([-1.0, -1.0, 1.0]) * spacing_mm
    steps[1, 2] = shear_mm
    if turn is not None:
        steps = turn @ steps
    shape = tuple(int(size / step) // 2 * 2 + 1 for size, step in zip(size_mm, spacing_mm, strict=True))[::-1]
    matrix = np.eye(4)
    matrix[:3, :3] = steps
    matrix[:3, 3] = np.asarray(off_mm) - steps @ ((np.array(shape[::-1]) - 1) / 2)
    return shape, matrix


def ring_points(count: int = 64, rings: int = 24) -> np.ndarray:
    """Return points of the unit disk, each for the same area, whose mean of a quadratic is the integral's."""
    radii = np.sqrt((np.arange(rings) + 0.5) / rings)
    angles = np.arange(count) * 2 * np.pi / count
    return np.stack([np.outer(radii, np.cos(angles)), np.outer(radii, np.sin(angles))], axis=-1).reshape(-1, 2)


def ellipse_mean_hu(body: FormulaBody, center_ras_mm, first_ras_mm, second_ras_mm, heights_mm=(0.0,), normal=None):
    """Return the formula's mean over an ellipse with these half-axes, in planes at these heights along `normal`."""
    normal = np.cross(first_ras_mm, second_ras_mm) if normal is None else np.asarray(normal)
    normal = normal / np.linalg.norm(normal)
    plane = np.asarray(center_ras_mm) + ring_points() @ np.array([first_ras_mm, second_ras_mm])
    return float(np.mean([body.trabecular_hu(plane + height * normal).mean() for height in heights_mm]))
