"""The solids that make up a phantom, in painting order.

Every part is a `Part`. Bone and adjacent tissue are sampled finely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from LumbarHULib.phantom.arch import RoundedBox, arch_boxes, arch_distance_mm
from LumbarHULib.phantom.patch import Patch, box_corners
from LumbarHULib.phantom.vertebra import VertebraSpec, rounded_maximum

# Offset of the center in A, half axes in R and A, HU.
TrunkLayer = tuple[float, tuple[float, float], float]


class Part(Protocol):
    """A solid that can be painted."""

    @property
    def fine(self) -> bool:
        """Whether it is sampled finely in the plane and through the thickness of a slice, or once per voxel."""

    @property
    def corners_ras_mm(self) -> np.ndarray:
        """Corners of a box around it, shape (8, 3)."""

    def paint(self, patch: Patch) -> None:
        """Paint it on a part of a plane."""


@dataclass(frozen=True, eq=False)
class VertebraPart:
    """A whole vertebra."""

    vertebra: VertebraSpec
    fine = True

    @cached_property
    def _boxes(self) -> list[RoundedBox]:
        return arch_boxes(self.vertebra)

    @cached_property
    def _body_corners(self) -> np.ndarray:
        spec = self.vertebra
        flare = 1 + spec.flare_fraction
        half = np.array([spec.width_mm / 2 * flare, spec.depth_mm * (0.6 + flare - 1), spec.height_mm / 2])
        return box_corners(np.array(spec.center_ras_mm), spec.axes_ras, half)

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the vertebra."""
        return _bounding_box([self._body_corners, *(box.corners_mm for box in self._boxes)])

    def paint(self, patch: Patch) -> None:
        """Paint the posterior elements, then the body; the marrow is continuous from the pedicles to the body."""
        spec = self.vertebra
        arch = arch_distance_mm(self._boxes, patch)
        if arch is not None:
            patch.paint((arch, spec.cortex_hu), (arch + spec.arch_cortex_mm, spec.arch_marrow_hu))
        ranges = patch.window_slices(self._body_corners)
        if ranges is None:
            return
        body = patch.cut(*ranges)
        x_mm, y_mm, z_mm = body.coordinates(np.array(spec.center_ras_mm), spec.axes_ras)
        wall, endplate = spec.wall_and_endplate_mm(x_mm, y_mm, z_mm)
        surface = rounded_maximum(wall, endplate, spec.rim_radius_mm)
        inside = spec.trabecular_distance_of(wall, endplate)
        trabecular_hu: np.ndarray | float = spec.trabecular_hu
        if any(spec.trabecular_gradient_hu_per_mm):
            gradient = spec.trabecular_gradient_hu_per_mm
            trabecular_hu = trabecular_hu + gradient[0] * x_mm + gradient[1] * y_mm + gradient[2] * z_mm
        layers: list[tuple[np.ndarray, np.ndarray | float]] = [(surface, spec.cortex_hu), (inside, trabecular_hu)]
        if arch is not None:
            # The marrow of the pedicles continues through the wall.
            marrow = np.maximum(np.minimum(arch[ranges] + spec.arch_cortex_mm, inside), surface)
            layers.insert(1, (marrow, spec.arch_marrow_hu))
        body.paint(*layers)
        if spec.foramen:
            foramen = spec.foramen_distance_mm(x_mm, y_mm, z_mm)
            # The marrow ends at the posterior surface: the canal is behind it.
            body.paint((np.maximum(foramen, wall), spec.foramen_hu))


@dataclass(frozen=True, eq=False)
class DiscPart:
    """The disc between two vertebrae. It extends into both, which are painted over it."""

    upper: VertebraSpec
    lower: VertebraSpec
    hu: float
    fine = True

    @cached_property
    def _frame(self) -> VertebraSpec:
        """Return a body without flare between the two, tall enough to fill a wedge-shaped gap."""
        upper, lower = self.upper, self.lower
        top = upper.to_ras([0, 0, -upper.height_mm / 2])
        bottom = lower.to_ras([0, 0, lower.height_mm / 2])
        half_gap = np.linalg.norm(top - bottom) / 2
        wedge = np.radians(abs(upper.tilt_deg - lower.tilt_deg)) * upper.depth_mm / 4
        larger = 1 + 0.85 * upper.flare_fraction
        return VertebraSpec(
            level=f"{upper.level}-{lower.level}",
            center_ras_mm=tuple((top + bottom) / 2),
            depth_mm=upper.depth_mm * larger,
            width_mm=(upper.width_mm + lower.width_mm) / 2 * larger,
            height_mm=2 * (half_gap + wedge + 3),
            tilt_deg=(upper.tilt_deg + lower.tilt_deg) / 2,
            rotation_deg=(upper.rotation_deg + lower.rotation_deg) / 2,
            posterior_concavity_mm=1.0,
            flare_fraction=0.0,
            endplate_concavity_mm=0.0,
            rim_radius_mm=2.5,
            posterior="none",
        )

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the disc."""
        return VertebraPart(self._frame).corners_ras_mm

    def paint(self, patch: Patch) -> None:
        """Fill the disc."""
        frame = self._frame
        coordinates = patch.coordinates(np.array(frame.center_ras_mm), frame.axes_ras)
        patch.paint((frame.body_distance_mm(*coordinates), self.hu))


@dataclass(frozen=True, eq=False)
class Tube:
    """A structure along S that is elliptic in each axial plane.

    Parameters
    ----------
    s_mm : (n,) array
        S of the nodes, increasing.
    center_ra_mm, half_axes_mm : (n, 2) arrays
        R and A of its center, and its half axes, at each node; linear in between.
    angle_deg : float
        Rotation of the ellipse from R toward A.
    """

    s_mm: np.ndarray
    center_ra_mm: np.ndarray
    half_axes_mm: np.ndarray
    hu: float
    angle_deg: float = 0.0
    fine: bool = False

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the tube."""
        reach = self.half_axes_mm.max(axis=1, keepdims=True)
        low = np.append((self.center_ra_mm - reach).min(axis=0), self.s_mm[0])
        high = np.append((self.center_ra_mm + reach).max(axis=0), self.s_mm[-1])
        return box_corners((low + high) / 2, np.eye(3), (high - low) / 2)

    def distance_mm(self, patch: Patch) -> np.ndarray:
        """Return the signed distance (negative inside) within the axial plane; exact for circles."""
        r_mm, a_mm, s_mm = patch.ras()
        center_r, center_a, half_first, half_second = (
            np.interp(s_mm, self.s_mm, values).astype(np.float32)
            for values in (*self.center_ra_mm.T, *self.half_axes_mm.T)
        )
        angle = np.radians(self.angle_deg)
        r_mm, a_mm = r_mm - center_r, a_mm - center_a
        if angle:
            r_mm, a_mm = r_mm * np.cos(angle) + a_mm * np.sin(angle), a_mm * np.cos(angle) - r_mm * np.sin(angle)
        side = radial_gap(np.sqrt((r_mm / half_first) ** 2 + (a_mm / half_second) ** 2), np.sqrt(r_mm**2 + a_mm**2))
        return np.maximum(side, np.maximum(self.s_mm[0] - s_mm, s_mm - self.s_mm[-1]))

    def paint(self, patch: Patch) -> None:
        """Fill the tube."""
        patch.paint((self.distance_mm(patch), self.hu))


@dataclass(frozen=True, eq=False)
class Blob:
    """An ellipsoid whose third axis is tilted from S toward R, then rotated right-handed about this axis."""

    center_ras_mm: tuple[float, float, float]
    half_axes_mm: tuple[float, float, float]
    hu: float
    angle_deg: float = 0.0
    lean_deg: float = 0.0
    fine: bool = False

    @cached_property
    def _axes(self) -> np.ndarray:
        turn, lean = np.radians(self.angle_deg), np.radians(self.lean_deg)
        about_a = np.array([[np.cos(lean), 0, -np.sin(lean)], [0, 1, 0], [np.sin(lean), 0, np.cos(lean)]])
        about_s = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        return about_s @ about_a

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the ellipsoid."""
        return box_corners(np.array(self.center_ras_mm), self._axes, np.array(self.half_axes_mm))

    def paint(self, patch: Patch) -> None:
        """Fill the ellipsoid."""
        first, second, third = patch.coordinates(np.array(self.center_ras_mm), self._axes)
        half = self.half_axes_mm
        scaled = np.sqrt((first / half[0]) ** 2 + (second / half[1]) ** 2 + (third / half[2]) ** 2)
        patch.paint((radial_gap(scaled, np.sqrt(first**2 + second**2 + third**2)), self.hu))


@dataclass(frozen=True, eq=False)
class Trunk:
    """The body wall: nested rounded rectangles from the skin inward, the same in all axial planes.

    Parameters
    ----------
    center_ra_mm : tuple of float
    layers : tuple
        From outside inward: offset of the center in A, half axes in R and A, HU.
    squareness : float
        0 makes ellipses, 1 rectangles. Source of the curve: M. Fernández Guasti, "Analytic geometry of some
        rectilinear figures", Int. J. Math. Educ. Sci. Technol. 23 (1992), as x² + y² − (s x y)² = 1.
    """

    center_ra_mm: tuple[float, float]
    layers: tuple[TrunkLayer, ...]
    squareness: float = 0.7
    fine = False

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the trunk, unlimited along S."""
        half_r, half_a = self.layers[0][1]
        return box_corners(np.array([*self.center_ra_mm, 0.0]), np.eye(3), np.array([half_r, half_a, 1e5]))

    def paint(self, patch: Patch) -> None:
        """Fill the layers from outside inward."""
        r_mm, a_mm, _ = patch.ras()
        seen = self.layers[self._first_seen(patch) :]
        patch.paint(*((self._distance_mm(layer, r_mm, a_mm), layer[2]) for layer in seen))

    def _first_seen(self, patch: Patch) -> int:
        """Return the innermost layer that contains the whole patch; layers are convex, so the corners suffice."""
        rows, columns = patch.values_hu.shape
        corners = patch.origin_ras + np.array(
            [i * patch.step_i_ras + j * patch.step_j_ras for i in (0, columns - 1) for j in (0, rows - 1)]
        )
        holding = [
            index
            for index, layer in enumerate(self.layers)
            if self._distance_mm(layer, corners[:, 0], corners[:, 1]).max() < -max(patch.lengths_mm)
        ]
        return max(holding, default=0)

    def _distance_mm(self, layer: TrunkLayer, r_mm: np.ndarray, a_mm: np.ndarray) -> np.ndarray:
        """Return the signed distance to first order: the curve's equation divided by the length of its gradient."""
        offset_a, (half_r, half_a), _ = layer
        first = ((r_mm - self.center_ra_mm[0]) / half_r) ** 2
        second = ((a_mm - self.center_ra_mm[1] - offset_a) / half_a) ** 2
        factor = self.squareness**2
        # The minimum removes a second branch of the curve far outside.
        excess = first * (1 - factor * np.minimum(second, 1)) + second - 1
        slope = first * ((1 - factor * second) / half_r) ** 2 + second * ((1 - factor * first) / half_a) ** 2
        return excess / (2 * np.sqrt(slope) + 1e-3)


@dataclass(frozen=True, eq=False)
class BonePart:
    """A bone made of rounded boxes, with cortex and marrow."""

    boxes: tuple[RoundedBox, ...]
    cortex_mm: float
    cortex_hu: float
    marrow_hu: float
    fine = False

    @cached_property
    def corners_ras_mm(self) -> np.ndarray:
        """Return the (8, 3) corners of a box around the bone."""
        return _bounding_box([box.corners_mm for box in self.boxes])

    def paint(self, patch: Patch) -> None:
        """Paint cortex, then marrow."""
        distance = arch_distance_mm(list(self.boxes), patch)
        if distance is not None:
            patch.paint((distance, self.cortex_hu), (distance + self.cortex_mm, self.marrow_hu))


def radial_gap(scaled_radius: np.ndarray, radius_mm: np.ndarray) -> np.ndarray:
    """Return the distance to an ellipse along the line to its center; for circles, the signed distance."""
    return radius_mm * (1 - 1 / np.maximum(scaled_radius, 1e-6))


def _bounding_box(corner_sets: Sequence[np.ndarray]) -> np.ndarray:
    corners = np.concatenate(corner_sets)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return box_corners((low + high) / 2, np.eye(3), (high - low) / 2)
