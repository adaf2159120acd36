"""Compute the true outlines, midlines and bone of a phantom from its construction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.phantom.grid import Grid
from LumbarHULib.phantom.spec import SpineSpec
from LumbarHULib.phantom.vertebra import VertebraSpec


@dataclass(frozen=True, eq=False)
class LevelTruth:
    """The true markups of one level.

    Attributes
    ----------
    level : str
    mid_slice : int
        Index k of the slice nearest to mid-height; of two equally near slices, the more caudal.
    midline_ras_mm : (2, 3) array
        Anterior and posterior intersection of the body's surface, the plane of symmetry and the mid-slice.
    outline_ras_mm : (n, 3) array
        The periosteal edge of the body before blur in the mid-slice, bridging pedicles and foramen.
    trabecular_hu : float
        HU in the center of the body, and everywhere in its trabecular bone unless the vertebra has a gradient.
    ras_from_vertebra : (4, 4) array
        The vertebra's own frame: x right, y anterior, z superior, with the origin at the center of the body.
    """

    level: str
    mid_slice: int
    midline_ras_mm: np.ndarray
    outline_ras_mm: np.ndarray
    trabecular_hu: float
    ras_from_vertebra: np.ndarray


def level_truths(spec: SpineSpec, grid: Grid) -> dict[str, LevelTruth]:
    """Return the truth of each of T12–L5 whose mid-slice is in the grid, from cranial to caudal."""
    truths = {}
    for vertebra in spec.vertebrae:
        k = mid_slice(vertebra, grid)
        if vertebra.level not in LEVELS or not 0 <= k < grid.shape_kji[0]:
            continue
        point, normal = grid.slice_origin_ras(k), grid.normal_ras
        truths[vertebra.level] = LevelTruth(
            vertebra.level,
            k,
            true_midline_in_slice(vertebra, point, normal),
            true_outline_in_slice(vertebra, point, normal),
            vertebra.trabecular_hu,
            vertebra.ras_from_vertebra,
        )
    return truths


def mid_slice(vertebra: VertebraSpec, grid: Grid) -> int:
    """Return the index of the slice plane nearest to mid-height; of two equally near planes, the more caudal."""
    position = grid.slice_of(np.array(vertebra.center_ras_mm))
    # A tie goes to the caudal slice: shift by much less than a slice.
    return int(np.rint(position - np.sign(grid.normal_ras[2]) * 1e-6))


def true_midline_in_slice(vertebra: VertebraSpec, point_ras_mm: ArrayLike, normal_ras: ArrayLike) -> np.ndarray:
    """Return the anterior and posterior point where a slice plane cuts the body's surface on its plane of symmetry.

    Parameters
    ----------
    vertebra : VertebraSpec
    point_ras_mm, normal_ras : (3,) arrays
        Of the slice plane.

    Returns
    -------
    (2, 3) array, RAS mm

    Raises
    ------
    InputError
        If the plane misses the body.
    """
    normal = np.asarray(normal_ras, dtype=float) / np.linalg.norm(normal_ras)
    right = vertebra.axes_ras[0]
    forward = np.cross(normal, right)
    forward *= np.sign(forward @ vertebra.axes_ras[1]) / np.linalg.norm(forward)
    start = _start(vertebra, np.asarray(point_ras_mm, dtype=float), normal)
    return _surface_along(vertebra, start, np.stack([forward, -forward]))


def true_outline_in_slice(
    vertebra: VertebraSpec, point_ras_mm: ArrayLike, normal_ras: ArrayLike, count: int = 720
) -> np.ndarray:
    """Return the periosteal edge of the body in a slice plane, without pedicles and foramen.

    Parameters
    ----------
    vertebra : VertebraSpec
    point_ras_mm, normal_ras : (3,) arrays
        Of the slice plane.
    count : int
        Number of points: equal angles about a point in the plane of symmetry, from the anterior point of the midline
        to the patient's right, around.

    Returns
    -------
    (count, 3) array, RAS mm

    Raises
    ------
    InputError
        If the plane misses the body.
    """
    normal = np.asarray(normal_ras, dtype=float) / np.linalg.norm(normal_ras)
    forward = np.cross(normal, vertebra.axes_ras[0])
    forward *= np.sign(forward @ vertebra.axes_ras[1]) / np.linalg.norm(forward)
    right = np.cross(forward, normal)
    right *= np.sign(right @ vertebra.axes_ras[0])
    angle = np.arange(count)[:, None] * (2 * np.pi / count)
    start = _start(vertebra, np.asarray(point_ras_mm, dtype=float), normal)
    return _surface_along(vertebra, start, np.cos(angle) * forward + np.sin(angle) * right)


def trabecular_mask(vertebra: VertebraSpec, grid: Grid, margin_mm: float = 0.0) -> np.ndarray:
    """Return the mask of voxel centers in the body's trabecular bone, at least `margin_mm` from its edge.

    The foramen is excluded, with the same margin. With a margin of about twice the blur's FWHM (and half a slice for
    thick slices) the voxels' noise-free value is the trabecular value.

    Returns
    -------
    (k, j, i) bool array
    """
    mask = np.zeros(grid.shape_kji, dtype=bool)
    j, i = np.meshgrid(np.arange(grid.shape_kji[1]), np.arange(grid.shape_kji[2]), indexing="ij")
    reach_mm = np.linalg.norm([vertebra.depth_mm, vertebra.width_mm, vertebra.height_mm])
    for k in range(grid.shape_kji[0]):
        if abs(k - grid.slice_of(np.array(vertebra.center_ras_mm))) * grid.slice_spacing_mm > reach_mm:
            continue
        ras = np.stack([i, j, np.full_like(i, k)], axis=-1) @ grid.ras_from_ijk[:3, :3].T + grid.ras_from_ijk[:3, 3]
        coordinates = np.moveaxis(vertebra.to_vertebra(ras), -1, 0)
        mask[k] = vertebra.trabecular_distance_mm(*coordinates) < -margin_mm
        if vertebra.foramen:
            mask[k] &= vertebra.foramen_distance_mm(*coordinates) > margin_mm
    return mask


def true_markups(
    truth: dict[str, LevelTruth], boundary_fraction: float = 2 / 3, outline_points: int = 24
) -> dict[tuple[str, str], np.ndarray]:
    """Return the markups that a perfect reader would place.

    Parameters
    ----------
    truth : dict of str to LevelTruth
    boundary_fraction : float
        Distance from the anterior point to the boundary, as a fraction of the midline.
    outline_points : int
        Number of control points of the outline.

    Returns
    -------
    dict of (level, role) to array, RAS mm
        ("L3", "midline"): (2, 3), anterior then posterior; ("L3", "boundary"): (2, 3), patient's right then left,
        5 mm outside the outline; ("L3", "outline"): (outline_points, 3), closed, none of them on the midline.
    """
    markups = {}
    for level, true in truth.items():
        anterior, posterior = true.midline_ras_mm
        backward = (posterior - anterior) / np.linalg.norm(posterior - anterior)
        outline = true.outline_ras_mm
        normal = np.cross(outline[1] - outline[0], outline[len(outline) // 2] - outline[0])
        right = np.cross(backward, normal)
        right *= np.sign(right @ true.ras_from_vertebra[:3, 0]) / np.linalg.norm(right)
        crossing = anterior + boundary_fraction * (posterior - anterior)
        behind = (outline - crossing) @ backward
        side = (outline - crossing) @ right
        near = np.abs(behind) < 1.0
        ends = [crossing + (side[near].max() + 5) * right, crossing + (side[near].min() - 5) * right]
        closed = np.vstack([outline, outline[:1]])
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
        wanted = (np.arange(outline_points) + 0.5) / outline_points * length[-1]
        control = np.column_stack([np.interp(wanted, length, closed[:, axis]) for axis in range(3)])
        markups[level, "midline"] = true.midline_ras_mm
        markups[level, "boundary"] = np.array(ends)
        markups[level, "outline"] = control
    return markups


def _start(vertebra: VertebraSpec, point_ras: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the point nearest to the body's center on both the slice plane and the plane of symmetry."""
    in_symmetry = normal - (normal @ vertebra.axes_ras[0]) * vertebra.axes_ras[0]
    center = np.array(vertebra.center_ras_mm)
    # Direction from the center within the plane of symmetry, perpendicular to the line where the two planes intersect.
    start = center + (normal @ (point_ras - center)) / (normal @ in_symmetry) * in_symmetry
    if not vertebra.inside_body(vertebra.to_vertebra(start)[None])[0]:
        sentence = f"The slice plane misses the body of {vertebra.level}: choose a slice through it."
        raise InputError(sentence, vertebra.level)
    return start


def _surface_along(vertebra: VertebraSpec, start: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the points where rays from inside leave the body: (n, 3) RAS mm, by bisection to 1e-9 mm."""
    low = np.zeros(len(directions))
    high = np.full(len(directions), vertebra.depth_mm + vertebra.width_mm)
    for _ in range(60):
        middle = (low + high) / 2
        points = vertebra.to_vertebra(start + middle[:, None] * directions)
        inside = vertebra.inside_body(points)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return start + ((low + high) / 2)[:, None] * directions
