"""The outlines of the body and of the canal as dense closed curves, and distances from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import WIDTH_AT, Anatomy, BodyShape

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

_SPACING_MM = 0.1


@dataclass(frozen=True, eq=False)
class Curve:
    """A dense closed curve, counterclockwise.

    Parameters
    ----------
    points_mm : numpy.ndarray, shape (n, 2)
        About 0.1 mm apart.
    """

    points_mm: np.ndarray

    @cached_property
    def normals(self) -> np.ndarray:
        """Outward unit normals, shape (n, 2)."""
        along = np.roll(self.points_mm, -1, axis=0) - np.roll(self.points_mm, 1, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        return np.column_stack([along[:, 1], -along[:, 0]])

    @cached_property
    def arc_mm(self) -> np.ndarray:
        """Length along the curve up to each point, shape (n,)."""
        steps = np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def length_mm(self) -> float:
        """Length of the whole curve."""
        return float(self.arc_mm[-1] + np.linalg.norm(self.points_mm[0] - self.points_mm[-1]))

    @cached_property
    def _tree(self) -> "cKDTree":
        from scipy.spatial import cKDTree

        return cKDTree(self.points_mm)

    def distances(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signed distances (negative inside) of points, shape (m, 2), and the index of their nearest points."""
        apart, nearest = self._tree.query(points_mm)
        along_normal = ((points_mm - self.points_mm[nearest]) * self.normals[nearest]).sum(axis=1)
        # Near the curve, the distance to its tangent is more accurate than the distance to its points.
        distance = np.where(apart < 1.0, along_normal, np.copysign(apart, along_normal))
        return distance, nearest

    def index_toward(self, angle_deg: float, center_mm: np.ndarray) -> int:
        """Return the index of the point in a direction from a center."""
        offset = self.points_mm - center_mm
        angles = np.degrees(np.arctan2(offset[:, 1], offset[:, 0]))
        return int(np.abs((angles - angle_deg + 180) % 360 - 180).argmin())

    def bump(self, index: int, width_mm: float) -> np.ndarray:
        """Return a smooth bump of height 1 around a point, shape (n,): zero beyond half the width."""
        apart = np.abs(self.arc_mm - self.arc_mm[index])
        apart = np.minimum(apart, self.length_mm - apart)
        return np.where(apart < width_mm / 2, np.cos(np.pi * np.minimum(apart / width_mm, 0.5)) ** 2, 0.0)


def closed_curve(corners_mm: Sequence[np.ndarray | tuple[float, float]]) -> Curve:
    """Return the smooth closed curve through points, shape (n, 2), counterclockwise, starting at the first point."""
    from scipy.interpolate import CubicSpline

    closed = np.array([*corners_mm, corners_mm[0]], dtype=float)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    spline = CubicSpline(lengths, closed, bc_type="periodic")
    fine = spline(np.linspace(0, lengths[-1], 20 * len(closed) + 1))
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    count = int(np.ceil(arc[-1] / _SPACING_MM))
    at = np.interp(np.linspace(0, arc[-1], count, endpoint=False), arc, np.linspace(0, lengths[-1], len(arc)))
    return Curve(spline(at))


def wall_corners_mm(shape: BodyShape, side: int) -> dict[str, np.ndarray]:
    """Return named points of one side (-1 = right, 1 = left) of the body's outline, from its front to its back."""
    which = 0 if side < 0 else 1
    half_mm = shape.width_mm / 2 * shape.side[which]
    depth_mm, horn_mm = shape.depth_mm, shape.horn_mm[which]
    inner_mm = shape.canal * half_mm
    corners = {
        f"lateral_{fraction}": (width * half_mm, -fraction * depth_mm)
        for fraction, width in zip(WIDTH_AT, shape.widths, strict=True)
    }
    corners["turn"] = (shape.end_width * half_mm, -depth_mm - horn_mm + shape.turn_mm)
    corners["tip"] = (shape.tip * half_mm, -depth_mm - horn_mm)
    corners["canal"] = (inner_mm, -depth_mm - shape.wall_shape * horn_mm)
    corners["wall"] = (inner_mm / 2, -depth_mm - 0.27 * shape.wall_shape * horn_mm)
    return {name: np.array([side * x, y]) for name, (x, y) in corners.items()}


def body_curve(shape: BodyShape) -> Curve:
    """Return the periosteal outline at mid-height, starting at the midline's anterior end."""
    right, left = (list(wall_corners_mm(shape, side).values()) for side in (-1, 1))
    return closed_curve([(0.0, 0.0), *right, (0.0, -shape.depth_mm), *left[::-1]])


def canal_curve(anatomy: Anatomy) -> Curve:
    """Return the canal's outline; its anterior part overlaps the body, which takes precedence."""
    shape, arch = anatomy.shape, anatomy.arch
    back_mm = -shape.depth_mm - arch.canal_depth_mm
    sides = []
    for side in (-1, 1):
        inner_mm = wall_corners_mm(shape, side)["canal"]
        front_mm = inner_mm + np.array([0.0, 5.0])
        along = np.linspace(0.2, 0.85, 4)
        if arch.v_shaped:
            wall = [inner_mm * (1 - at, 1) + (0, at * (back_mm - inner_mm[1])) for at in along]
        else:
            turn = along * np.pi / 2
            wall = [
                np.array([inner_mm[0] * np.cos(t), inner_mm[1] + np.sin(t) * (back_mm - inner_mm[1])]) for t in turn
            ]
        sides.append([front_mm, inner_mm, *wall])
    right, left = sides
    return closed_curve([*right, (0.0, back_mm), *left[::-1]])
