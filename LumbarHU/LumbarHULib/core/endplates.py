"""Find the two endplates of a vertebral body in the CT; they give its mid-height, its tilt and distances to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplate_fit import SEARCH_REACH_MM, Columns, Surface, first_fit, refine_pair
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.own_endplates import own_endplates
from LumbarHULib.core.protocol_values import EndplateValues, OutlineValues

# Radius of the disk in which an endplate is fitted, as a share of the body's depth, and the columns across it.
_DISK_SHARE = 0.34
_COLUMNS_ACROSS = 7
# Columns on the disk's edge count despite rounding. The columns begin this far on the other side of the middle.
_ON_EDGE, _BEFORE_MIDDLE_MM = 1.01, 2.0

# Height of a vertebral body per width. In the cases at hand, T9 to L5, it ranges from 0.51 to 0.74.
HEIGHT_PER_WIDTH = 0.6

# How often the endplates are fitted, each time along an axis perpendicular to those found before.
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Endplate:
    """One endplate, as a plane bent into a shallow dish.

    Parameters
    ----------
    center_ras_mm : numpy.ndarray, shape (3,)
        Where the body's axis meets the endplate's outer surface.
    axes_ras : numpy.ndarray, shape (3, 3)
        Unit vectors in rows: anterior and to the patient's left within the slice, and the slice normal away from the
        body.
    radius_mm : float
        Radius of the disk in which it was fitted.
    surface : Surface
        The fit, with its height counted from the body's center.
    """

    center_ras_mm: np.ndarray
    axes_ras: np.ndarray
    radius_mm: float
    surface: Surface

    @property
    def support(self) -> float:
        """Share of the columns of voxels through it, 0 to 1, in which a dense endplate is visible."""
        return self.surface.support

    def distances_mm(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return the distances of points, shape (..., 3), from the surface; positive inside the body."""
        offsets = (np.asarray(points_ras_mm) - self.center_ras_mm) @ self.axes_ras.T
        # Beyond the disk in which it was fitted, the dish is assumed to level off.
        rim = np.minimum((offsets[..., 0] ** 2 + offsets[..., 1] ** 2) / self.radius_mm**2, 1.0)
        slopes = np.array([self.surface.slope_along, self.surface.slope_across])
        height = offsets[..., :2] @ slopes + self.surface.dish_mm * rim
        return (height - offsets[..., 2]) / np.sqrt(1 + slopes @ slopes)


@dataclass(frozen=True, eq=False)
class Endplates:
    """The upper and the lower endplate of one body.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    upper, lower : Endplate
    """

    level: str
    upper: Endplate
    lower: Endplate

    @property
    def middle_ras_mm(self) -> np.ndarray:
        """Midpoint of the endplates' centers, shape (3,): mid-height."""
        return (self.upper.center_ras_mm + self.lower.center_ras_mm) / 2

    @property
    def height_mm(self) -> float:
        """Height of the body between the endplates' centers, in mm."""
        return float(np.linalg.norm(self.upper.center_ras_mm - self.lower.center_ras_mm))

    @property
    def slopes(self) -> tuple[float, float]:
        """Mean rise of both endplates per mm to anterior and to the patient's left."""
        upper, lower = self.upper.surface, self.lower.surface
        return (upper.slope_along - lower.slope_along) / 2, (upper.slope_across - lower.slope_across) / 2

    @property
    def up_ras(self) -> np.ndarray:
        """Unit vector, shape (3,), perpendicular to the mean of the two endplates, from the lower to the upper."""
        anterior, left, normal = self.upper.axes_ras
        up = normal - self.slopes[0] * anterior - self.slopes[1] * left
        return up / np.linalg.norm(up)

    @property
    def tilt_deg(self) -> float:
        """Angle between the body and the slices in its midline plane; positive where the anterior edge rises."""
        return float(np.degrees(np.arctan(self.slopes[0])))

    @property
    def support(self) -> float:
        """Support of the less visible endplate, 0 to 1."""
        return min(self.upper.support, self.lower.support)

    def distances_mm(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Return the distances in mm of points, shape (..., 3), from the nearer endplate; negative outside the body."""
        return np.minimum(self.upper.distances_mm(points_ras_mm), self.lower.distances_mm(points_ras_mm))

    def middle_slice(self, stack: AxialStack) -> float:
        """Return mid-height as an index of an axial slice, not rounded."""
        return float(stack.slice_heights(self.middle_ras_mm))


def find_endplates(
    stack: AxialStack,
    level: str,
    middle_ras_mm: np.ndarray,
    anterior_ras: np.ndarray,
    depth_mm: float,
    values: EndplateValues,
    cortex: OutlineValues,
    up_ras: np.ndarray | None = None,
    height_mm: float | None = None,
) -> Endplates:
    """Find the endplates above and below a point inside a vertebral body.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    middle_ras_mm : array_like, shape (3,)
        Inside the body and on its axis in the coronal and the sagittal view, such as the midpoint of a midline. The
        endplates' centers are on that axis. Its height may be off by several mm.
    anterior_ras : array_like, shape (3,)
        Roughly along the midline, toward anterior.
    depth_mm : float
        Approximate depth of the body.
    values : EndplateValues
    cortex : OutlineValues
        The thickness and HU of cortical bone.
    up_ras : array_like, shape (3,), optional
        The body's approximate axis; by default, the slice normal.
    height_mm : float, optional
        The body's height as expected from its width; by default, the protocol's usual height.

    Returns
    -------
    Endplates

    Raises
    ------
    InputError
        When the slices are too far apart, the scan ends before an endplate, or an endplate is not visible.
    """
    widest_mm = values.height_usual_mm / 2
    if stack.slice_spacing_mm > widest_mm:
        raise InputError(
            f"The endplates of {level} cannot be found in slices {stack.slice_spacing_mm:.4g} mm apart, more than "
            f"half the usual height of a vertebral body ({widest_mm:g} mm)",
            level,
            "use a CT with thinner slices, or place the midline by hand",
        )
    normal = stack.normal_ras
    anterior = np.asarray(anterior_ras) - (np.asarray(anterior_ras) @ normal) * normal
    anterior /= np.linalg.norm(anterior)
    left = np.cross(normal, anterior)
    middle = np.asarray(middle_ras_mm, dtype=float)
    below_mm = float(stack.slice_heights(middle)) * stack.slice_spacing_mm
    above_mm = (len(stack.voxels_hu) - 1) * stack.slice_spacing_mm - below_mm
    for name, scanned_mm in (("upper", above_mm), ("lower", below_mm)):
        if scanned_mm < values.height_min_mm / 2:
            raise _scan_ends(level, name, scanned_mm)
    up = normal if up_ras is None else np.asarray(up_ras, dtype=float)
    radius_mm = _DISK_SHARE * depth_mm
    sides = [np.stack([anterior, left, side * normal]) for side in (1, -1)]
    centers = [middle + side * values.height_usual_mm / 2 * up for side in (1, -1)]
    surfaces = None
    for _ in range(_ROUNDS):
        columns = [
            _columns(stack, center, middle, axes, radius_mm) for center, axes in zip(centers, sides, strict=True)
        ]
        if surfaces:
            surfaces = refine_pair(columns, surfaces, values, cortex)
        else:
            surfaces = first_fit(columns, values, cortex, height_mm)
            surfaces = own_endplates(columns, surfaces, height_mm or values.height_usual_mm, values, cortex)
        fitted = list(zip(centers, sides, surfaces, strict=True))
        upper, lower = (_on_axis(middle, up, *side_fit, radius_mm, cortex) for side_fit in fitted)
        found = Endplates(level, upper, lower)
        up, centers = found.up_ras, [upper.center_ras_mm, lower.center_ras_mm]
        surfaces = upper.surface, lower.surface
    _check_seen(found, columns, values)
    return found


def _check_seen(found: Endplates, columns: Sequence[Columns], values: EndplateValues) -> None:
    """Raise InputError unless both endplates are in the scan, are visible, and can be those of one body."""
    level = found.level
    for name, endplate, probed in zip(("upper", "lower"), (found.upper, found.lower), columns, strict=True):
        if endplate.support >= values.support_min and endplate.surface.center_mm < probed.outward_mm.max():
            continue
        scanned_mm = probed.outward_mm.max() + probed.slice_mm / 2
        # An endplate can be recognized only with the disc beyond it, so the scan must reach at least this far.
        if scanned_mm < values.height_max_mm / 2:
            raise _scan_ends(level, name, scanned_mm)
        if endplate.support >= values.support_min:
            raise InputError(
                f"The {name} endplate of {level} is not visible within {probed.outward_mm.max():.0f} mm of its center",
                level,
                f"place {level} in the center of its vertebral body, or exclude it",
            )
        raise InputError(
            f"The {name} endplate of {level} is not visible: a dense layer is in {100 * endplate.support:.0f} % of "
            f"the columns of voxels through it; the minimum is {100 * values.support_min:.0f} %",
            level,
            f"place {level} in the center of its vertebral body, or exclude it",
        )
    if not values.height_min_mm <= found.height_mm <= values.height_max_mm:
        raise InputError(
            f"The endplates found for {level} are {found.height_mm:.0f} mm apart, outside the height of a vertebral "
            f"body ({values.height_min_mm:g} to {values.height_max_mm:g} mm)",
            level,
            f"place {level} in the center of its vertebral body",
        )


def _scan_ends(level: str, name: str, scanned_mm: float) -> InputError:
    return InputError(
        f"The scan ends {scanned_mm:.0f} mm {'above' if name == 'upper' else 'below'} the center of {level}, "
        f"before its {name} endplate and the disc beyond it",
        level,
        f"omit {level}, or use a scan that includes them",
    )


def _columns(
    stack: AxialStack, center_ras_mm: np.ndarray, middle_ras_mm: np.ndarray, axes_ras: np.ndarray, radius_mm: float
) -> Columns:
    """Return the voxels in columns along the slice normal around an endplate's center, on its side of the body."""
    from scipy.ndimage import map_coordinates

    offsets = np.linspace(-radius_mm, radius_mm, _COLUMNS_ACROSS)
    along, across = (grid.ravel() for grid in np.meshgrid(offsets, offsets, indexing="ij"))
    inside = along**2 + across**2 <= radius_mm**2 * _ON_EDGE
    along, across = along[inside], across[inside]

    spacing = stack.slice_spacing_mm
    outward_ras = axes_ras[2]
    upward = outward_ras @ stack.normal_ras
    middle_k = stack.slice_heights(middle_ras_mm)
    reach = SEARCH_REACH_MM / spacing
    low, high = sorted([middle_k - _BEFORE_MIDDLE_MM * upward / spacing, middle_k + reach * upward])
    slices = np.arange(max(int(np.ceil(low)), 0), min(int(np.floor(high)), len(stack.voxels_hu) - 1) + 1)
    outward_mm = (slices - middle_k) * spacing * upward

    center_outward = (center_ras_mm - middle_ras_mm) @ outward_ras
    starts = center_ras_mm + along[:, None] * axes_ras[0] + across[:, None] * axes_ras[1]
    points = starts[:, None] + (outward_mm - center_outward)[:, None] * outward_ras
    ijk = stack.to_ijk(points)
    low_kji = np.maximum(np.floor(ijk.min(axis=(0, 1)) + 1e-6).astype(int), 0)[::-1]
    high_kji = np.ceil(ijk.max(axis=(0, 1)) - 1e-6).astype(int)[::-1] + 1
    high_kji = np.minimum(np.maximum(high_kji, low_kji + 1), stack.voxels_hu.shape)
    low_kji = np.minimum(low_kji, high_kji - 1)
    crop = stack.voxels_hu[tuple(slice(low, high) for low, high in zip(low_kji, high_kji, strict=True))]
    positions = np.moveaxis(ijk[..., ::-1] - low_kji, -1, 0)
    hu = map_coordinates(crop, positions, output=np.float64, order=1, mode="nearest")
    return Columns(along, across, outward_mm, hu, radius_mm, spacing)


def _on_axis(
    middle: np.ndarray,
    up: np.ndarray,
    place: np.ndarray,
    axes: np.ndarray,
    surface: Surface,
    radius_mm: float,
    values: OutlineValues,
) -> Endplate:
    """Return a surface fitted around `place` as an endplate with its center on the body's axis."""
    slopes = np.array([surface.slope_along, surface.slope_across, -1.0])
    # The layer's plane, slopes · (along, across) − outward + center = 0, where along and across count from `place`.
    plane_ras = slopes @ axes
    from_place = (middle - place) @ axes[:2].T @ slopes[:2]
    along_axis = -(from_place + surface.center_mm) / (plane_ras @ up)
    center = middle + along_axis * up
    layer_mm = np.clip(
        surface.amplitudes[3] / values.cortex_hu,
        values.cortex_min_mm,
        values.cortex_max_mm,
    )
    on_axis = replace(surface, center_mm=float((center - middle) @ axes[2]))
    return Endplate(center + layer_mm / 2 * axes[2], axes, radius_mm, on_axis)
