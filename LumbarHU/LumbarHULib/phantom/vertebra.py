"""One vertebra of the phantom: its specification and the surfaces of its body."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.section import Section

POSTERIOR_KINDS = ("lumbar", "sacral", "none")
# Width of the slope from an endplate's rim to its center, as a fraction of depth_mm.
_DISH_FRACTION = 0.35


@dataclass(frozen=True)
class VertebraSpec:
    """A vertebra of known shape and Hounsfield units.

    Its own frame has the origin in the center of the body and the axes x (to the patient's right), y (anterior) and
    z (superior). The cross-section at height z is the one at mid-height, scaled by ``1 + flare_fraction (2z/height)²``.

    Parameters
    ----------
    level : str
        Name of the level, such as "L3".
    center_ras_mm : tuple of float
        Center of the body: midway between the anterior and the posterior point and between the endplates' centers.
    depth_mm, width_mm : float
        Size of the body at mid-height: midline from the anterior to the posterior surface, and greatest width.
    height_mm : float
        Distance between the two endplates' rims.
    tilt_deg : float
        First rotation, right-handed about R: a positive value raises the anterior edge.
    rotation_deg : float
        Second rotation, right-handed about S: a positive value turns the anterior edge to the patient's left.
    cortex_mm, endplate_mm, cortex_hu : float
        Thickness of the body's wall and endplates, and their HU.
    trabecular_hu : float
        HU in the center of the body.
    trabecular_gradient_hu_per_mm : tuple of float
        Gradient of the trabecular value along x, y and z; by default 0.
    posterior_concavity_mm : float
        Depth of the hollow in the posterior wall.
    flare_fraction : float
        Relative widening of the endplates compared with the waist.
    endplate_concavity_mm, rim_radius_mm : float
        Depth of the endplates' dish, and radius of the rounded edge between wall and endplate.
    anterior_exponent, posterior_exponent : float
        Exponents of the cross-section's superellipses (see `Section`).
    posterior : {"lumbar", "sacral", "none"}
        Kind of posterior elements. Pedicles open into the body: there is no cortex in between.
    transverse_mm : float
        Lateral extent of the transverse processes.
    arch_cortex_mm, arch_marrow_hu : float
        Cortex and marrow of the posterior elements.
    foramen : bool
        Whether the basivertebral foramen opens the posterior wall at mid-height.
    foramen_size_mm : tuple of float
        Width and height of the foramen, and its depth below the posterior surface.
    foramen_hu : float
        HU in the foramen.
    """

    level: str
    center_ras_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    depth_mm: float = 34.0
    width_mm: float = 46.0
    height_mm: float = 28.0
    tilt_deg: float = 0.0
    rotation_deg: float = 0.0
    cortex_mm: float = 0.7
    endplate_mm: float = 0.6
    cortex_hu: float = 750.0
    trabecular_hu: float = 120.0
    trabecular_gradient_hu_per_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    posterior_concavity_mm: float = 2.5
    flare_fraction: float = 0.10
    endplate_concavity_mm: float = 1.6
    rim_radius_mm: float = 2.0
    anterior_exponent: float = 2.25
    posterior_exponent: float = 2.9
    posterior: str = "lumbar"
    transverse_mm: float = 18.0
    arch_cortex_mm: float = 1.1
    arch_marrow_hu: float = 190.0
    foramen: bool = True
    foramen_size_mm: tuple[float, float, float] = (7.0, 5.0, 7.0)
    foramen_hu: float = 40.0

    def __post_init__(self) -> None:
        for name in ("depth_mm", "width_mm", "height_mm", "cortex_mm", "endplate_mm", "arch_cortex_mm"):
            self._check(name, getattr(self, name) > 0, "more than 0")
        for name in ("posterior_concavity_mm", "flare_fraction", "endplate_concavity_mm", "rim_radius_mm"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("anterior_exponent", "posterior_exponent"):
            self._check(name, getattr(self, name) >= 2, "2 or more")
        self._check("tilt_deg", abs(self.tilt_deg) <= 60, "−60 to 60")
        self._check("rotation_deg", abs(self.rotation_deg) <= 60, "−60 to 60")
        self._check("posterior", self.posterior in POSTERIOR_KINDS, "one of " + ", ".join(POSTERIOR_KINDS))
        shallow = self.posterior_concavity_mm < self.depth_mm / 5
        self._check("posterior_concavity_mm", shallow, "less than a fifth of the depth")

    def _check(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            value = getattr(self, name)
            raise InputError(f"{self.level}: {name} = {value} cannot be rendered: give {wanted}.", self.level)

    @cached_property
    def section(self) -> Section:
        """Return the cross-section at mid-height."""
        return Section(
            self.depth_mm, self.width_mm, self.posterior_concavity_mm, self.anterior_exponent, self.posterior_exponent
        )

    @cached_property
    def axes_ras(self) -> np.ndarray:
        """Return the (3, 3) unit vectors x, y, z of the vertebra's frame, in rows."""
        tilt, rotation = np.radians(self.tilt_deg), np.radians(self.rotation_deg)
        about_r = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        about_s = np.array(
            [[np.cos(rotation), -np.sin(rotation), 0], [np.sin(rotation), np.cos(rotation), 0], [0, 0, 1]]
        )
        return (about_s @ about_r).T

    @property
    def ras_from_vertebra(self) -> np.ndarray:
        """Return the (4, 4) matrix from the vertebra's frame to RAS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes_ras.T
        matrix[:3, 3] = self.center_ras_mm
        return matrix

    @property
    def section_offset_mm(self) -> float:
        """Return the y of the cross-section's origin, mm."""
        return self.depth_mm / 2 - self.section.anterior_mm

    def to_vertebra(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return (..., 3) points in the vertebra's frame."""
        return (np.asarray(points_ras_mm, dtype=float) - self.center_ras_mm) @ self.axes_ras.T

    def to_ras(self, points_mm: ArrayLike) -> np.ndarray:
        """Return (..., 3) points of the vertebra's frame in RAS mm."""
        return np.asarray(points_mm, dtype=float) @ self.axes_ras + self.center_ras_mm

    def scale_at(self, z_mm: np.ndarray) -> np.ndarray:
        """Return the scale of the cross-section at height z."""
        return 1 + self.flare_fraction * (2 * z_mm / self.height_mm) ** 2

    def wall_and_endplate_mm(
        self, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return signed distances (negative inside) of points in the vertebra's frame to side wall and endplates."""
        scale = self.scale_at(z_mm)
        x_mm, y_mm = x_mm / scale, (y_mm - self.section_offset_mm) / scale
        distance = self.section.distance_mm(x_mm, y_mm)
        wall = scale * distance
        if self.flare_fraction:
            # An outward-sloping wall is closer than its distance within the plane.
            scale_slope = 8 * self.flare_fraction * z_mm / self.height_mm**2
            wall = wall / np.sqrt(1 + (scale_slope * (distance - self.section.growth_mm(x_mm, y_mm))) ** 2)
        dish_mm = _DISH_FRACTION * self.depth_mm
        step = np.clip(-wall / dish_mm, 0, 1)
        sunk = self.endplate_concavity_mm * step**2 * (3 - 2 * step)
        slope = self.endplate_concavity_mm / dish_mm * 6 * step * (1 - step)
        endplate = (np.abs(z_mm) - self.height_mm / 2 + sunk) / np.sqrt(1 + slope**2)
        return wall, endplate

    def body_distance_mm(self, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return the signed distance of points in the vertebra's frame to the periosteal surface of the body."""
        return rounded_maximum(*self.wall_and_endplate_mm(x_mm, y_mm, z_mm), self.rim_radius_mm)

    def inside_body(self, points_mm: np.ndarray) -> np.ndarray:
        """Return whether (n, 3) points of the vertebra's frame are inside the periosteal surface, computed exactly."""
        x_mm, y_mm, z_mm = points_mm.T
        y_mm = y_mm - self.section_offset_mm
        edge_mm = self.scale_at(z_mm) * self.section.radius_mm(np.arctan2(y_mm, x_mm))
        endplate = self.wall_and_endplate_mm(x_mm, y_mm + self.section_offset_mm, z_mm)[1]
        at_rim = endplate > -self.rim_radius_mm
        rim = self.body_distance_mm(x_mm, y_mm + self.section_offset_mm, z_mm) < 0
        return (np.hypot(x_mm, y_mm) < edge_mm) & (rim | ~at_rim)

    def trabecular_distance_mm(self, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return the signed distance of points in the vertebra's frame to the inner side of cortex and endplates."""
        wall, endplate = self.wall_and_endplate_mm(x_mm, y_mm, z_mm)
        return self.trabecular_distance_of(wall, endplate)

    def trabecular_distance_of(self, wall_mm: np.ndarray, endplate_mm: np.ndarray) -> np.ndarray:
        """Return the signed distance to the trabecular bone, from those to the wall and to the endplate."""
        inner_radius = max(0.0, self.rim_radius_mm - max(self.cortex_mm, self.endplate_mm))
        return rounded_maximum(wall_mm + self.cortex_mm, endplate_mm + self.endplate_mm, inner_radius)

    def foramen_distance_mm(self, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return the approximate signed distance of points in the vertebra's frame to the basivertebral foramen."""
        width, height, depth = self.foramen_size_mm
        # Half an ellipsoid in the body, and a short tube through the posterior wall.
        from_wall = np.maximum(0, y_mm + self.depth_mm / 2)
        radius = np.sqrt((2 * x_mm / width) ** 2 + (2 * z_mm / height) ** 2 + (from_wall / depth) ** 2)
        return (radius - 1) * (height / 2)


def rounded_maximum(first: np.ndarray, second: np.ndarray, radius: float) -> np.ndarray:
    """Return the signed distance to the intersection of two solids with a rounded common edge.

    Source: the distance to the edge of two perpendicular planes, both moved inward by the radius.
    """
    first, second = first + radius, second + radius
    outside = np.sqrt(np.maximum(first, 0) ** 2 + np.maximum(second, 0) ** 2)
    return np.minimum(np.maximum(first, second), 0) + outside - radius
