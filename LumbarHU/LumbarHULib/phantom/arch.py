"""The posterior elements of a vertebra: pedicles, laminae, articular, transverse and spinous processes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.phantom.patch import Patch, box_corners
from LumbarHULib.phantom.vertebra import VertebraSpec

# Neighboring parts of an arch blend over this distance.
_BLEND_MM = 3.0
_FAR_MM = np.float32(1e3)


@dataclass(frozen=True, eq=False)
class RoundedBox:
    """A box with rounded edges: a capsule, a plate or a lump, whose radius may change along its first axis.

    Parameters
    ----------
    center_mm : (3,) array
    axes : (3, 3) array
        Unit vectors in rows.
    half_extents_mm : (3,) array
        Half extents of the box before rounding; may be zero.
    radius_mm : tuple of float
        Radius at the start and at the end of the first axis.
    """

    center_mm: np.ndarray
    axes: np.ndarray
    half_extents_mm: np.ndarray
    radius_mm: tuple[float, float]

    def placed(self, vertebra: VertebraSpec) -> "RoundedBox":
        """Return the box in RAS, converted from the vertebra's frame."""
        return RoundedBox(
            vertebra.to_ras(self.center_mm), self.axes @ vertebra.axes_ras, self.half_extents_mm, self.radius_mm
        )

    @cached_property
    def corners_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of the bounding box."""
        return box_corners(self.center_mm, self.axes, self.half_extents_mm + max(self.radius_mm))

    def distance_mm(self, patch: Patch) -> np.ndarray:
        """Return the signed distance (negative inside); exact if the radius is the same at both ends."""
        coordinates = patch.coordinates(self.center_mm, self.axes)
        squares = [
            np.maximum(np.abs(coordinate) - half, 0) ** 2
            for coordinate, half in zip(coordinates, self.half_extents_mm, strict=True)
        ]
        start, end = self.radius_mm
        radius = start
        if start != end:
            radius = start + (end - start) * (np.clip(coordinates[0] / self.half_extents_mm[0], -1, 1) + 1) / 2
        return np.sqrt(squares[0] + squares[1] + squares[2]) - radius


def _between(
    start: ArrayLike,
    end: ArrayLike,
    radius_mm: float | tuple[float, float],
    half_height_mm: float = 0.0,
    half_thickness_mm: float = 0.0,
) -> RoundedBox:
    """Return a rounded upright plate from `start` to `end` with the given half height."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    along = (end - start) / np.linalg.norm(end - start)
    upward = np.array([0.0, 0.0, 1.0]) - along[2] * along
    if np.linalg.norm(upward) < 1e-6:
        upward = np.array([0.0, 1.0, 0.0])
    upward /= np.linalg.norm(upward)
    axes = np.stack([along, np.cross(upward, along), upward])
    half = np.array([np.linalg.norm(end - start) / 2, half_thickness_mm, half_height_mm])
    radius = radius_mm if isinstance(radius_mm, tuple) else (radius_mm, radius_mm)
    return RoundedBox((start + end) / 2, axes, half, radius)


def _lump(center: ArrayLike, half_extents: ArrayLike, radius_mm: float, facing_deg: float) -> RoundedBox:
    """Return an articular process: a plate that faces `facing_deg` from the right toward anterior."""
    angle = np.radians(facing_deg)
    axes = np.array([[0, 0, 1], [np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]], dtype=float)
    half = np.asarray(half_extents, dtype=float)
    return RoundedBox(np.asarray(center, dtype=float), axes, half, (radius_mm, radius_mm))


def _mirrored(box: RoundedBox) -> RoundedBox:
    flip = np.array([-1.0, 1.0, 1.0])
    return RoundedBox(box.center_mm * flip, box.axes * flip, box.half_extents_mm, box.radius_mm)


def arch_boxes(vertebra: VertebraSpec) -> list[RoundedBox]:
    """Return the parts of the posterior elements in RAS."""
    if vertebra.posterior == "none":
        return []
    right, middle = (_lumbar_boxes if vertebra.posterior == "lumbar" else _sacral_boxes)(vertebra)
    return [box.placed(vertebra) for box in (*right, *(_mirrored(box) for box in right), *middle)]


def _lumbar_boxes(vertebra: VertebraSpec) -> tuple[list[RoundedBox], list[RoundedBox]]:
    """Return the parts on the right side and those on the midline, in the vertebra's frame."""
    back = -vertebra.depth_mm / 2
    half_width, height = vertebra.width_mm / 2, vertebra.height_mm
    pedicle_x = 0.62 * half_width
    tip_x = pedicle_x + 8 + vertebra.transverse_mm
    right = [
        # Pedicle: joins the upper half of the body and extends slightly below mid-height.
        _between((pedicle_x, back + 6, 0.17 * height), (pedicle_x + 2, back - 10, 0.19 * height), 4.2, 3.2),
        # Transverse process.
        _between((pedicle_x + 3, back - 9, 0.10 * height), (tip_x, back - 15, 0.16 * height), (4.2, 2.6), 2.0),
        # Superior articular process and the isthmus below it.
        _lump((pedicle_x + 3, back - 13, 0.36 * height), (6.5, 3.2, 0.6), 3.0, -42),
        _between((pedicle_x + 1, back - 13, 0.10 * height), (11.5, back - 19, -0.36 * height), 3.4, 2.0),
        # Lamina.
        _between((12.5, back - 18.5, -0.20 * height), (1.5, back - 25, -0.28 * height), 2.6, 5.5),
        # Inferior articular process, behind and medial to the next vertebra's superior one.
        _lump((11.5, back - 20.5, -0.62 * height), (6.0, 3.2, 0.4), 2.8, -42),
    ]
    # Spinous process: a plate behind the laminae, and a longer, lower, thicker edge below it.
    top_z = -0.16 * height
    middle = [
        _between((0, back - 24, top_z - 4), (0, back - 46, top_z - 6.5), (2.2, 3.0), 4.4),
        _between((0, back - 26, top_z - 9.5), (0, back - 49, top_z - 14.5), (2.6, 4.2), 3.4),
    ]
    return right, middle


def _sacral_boxes(vertebra: VertebraSpec) -> tuple[list[RoundedBox], list[RoundedBox]]:
    """Return the wing and crest of a sacral segment, in its own frame."""
    back = -vertebra.depth_mm / 2
    half_width, height = vertebra.width_mm / 2, vertebra.height_mm
    right = [
        _between((0.6 * half_width, 0, 0), (half_width + 24, back - 4, -0.1 * height), (8.0, 7.0), 0.30 * height),
        _between((0.62 * half_width, back + 4, 0), (0.62 * half_width, back - 14, -0.1 * height), 5.0, 0.25 * height),
        _between((13, back - 17, -0.1 * height), (1.5, back - 22, -0.1 * height), 2.8, 0.38 * height),
    ]
    middle = [_between((0, back - 22, -0.1 * height), (0, back - 31, -0.15 * height), (3.0, 2.6), 0.30 * height)]
    return right, middle


def arch_distance_mm(boxes: list[RoundedBox], patch: Patch) -> np.ndarray | None:
    """Return the signed distance to the blended posterior elements; None if the patch touches none of them."""
    total = None
    margin_mm = _BLEND_MM + 1.0
    for box in boxes:
        ranges = patch.window_slices(box.corners_mm, margin_mm)
        if ranges is None:
            continue
        if total is None:
            total = np.full(patch.values_hu.shape, _FAR_MM)
        window = total[ranges]
        window[...] = smooth_minimum(window, box.distance_mm(patch.cut(*ranges)), _BLEND_MM)
    return total


def smooth_minimum(first: np.ndarray, second: np.ndarray, blend_mm: float) -> np.ndarray:
    """Return the signed distance to two solids joined with a fillet.

    Source: the polynomial smooth minimum of I. Quilez, "Smooth minimum", iquilezles.org.
    """
    overlap = np.maximum(blend_mm - np.abs(first - second), 0)
    return np.minimum(first, second) - overlap**2 / (4 * blend_mm)
