"""The oval region: the ellipse of greatest area in the anterior region with one axis on the midline."""

import numpy as np

from LumbarHULib.core.polygons import are_inside, picked

# Of ellipses whose areas differ by less than this, the longer and then the more anterior one is chosen.
_AREA_TIE_MM2 = 1e-6

# A corner this close to the straight edge belongs to it.
_ON_LINE_MM = 1e-9

_COARSE_STEPS = 24
_SHRINK = 0.5

# Default precision of the search, in mm.
FINEST_MM = 1e-6

# The coarse search tries every pair of different steps; the finer ones try these positions around the best, in units of
# their reach.
_COARSE_PAIRS = np.array(np.triu_indices(_COARSE_STEPS + 1, 1))
_FINE_OFFSETS = np.linspace(-1.0, 1.0, 7)[np.indices((7, 7)).reshape(2, -1)]
_FORWARD_OFFSETS = _FINE_OFFSETS[:, _FINE_OFFSETS[0] >= 0.0]

# Smallest squared distance of a corner from the midline; avoids a division by zero.
_SMALLEST_MM2 = 1e-30
# For an ellipse whose tip is at a corner, 1 − 1 gives zero or a rounding error of either sign. Divided by the smallest
# square, a positive one would leave the ellipse no width. With this factor slightly below 1 it is always negative.
_ROOM = 1.0 - 1e-12


_Three = tuple[np.ndarray, np.ndarray, np.ndarray]
_Bounds = _Three


def largest_oval(
    regions_uv_mm: np.ndarray,
    crossings_v_mm: np.ndarray,
    line_normal_uv: np.ndarray,
    line_offset_mm: float,
    finest_mm: float = FINEST_MM,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ellipse of greatest area inside each region with one axis on the midline (u = 0).

    Three numbers are free: the center's position on the midline and both half-axes. For an ellipse from ``v = bottom``
    to ``v = top``, the greatest half-axis along u has a closed form. This leaves a search over two numbers, first a
    coarse one over their whole range, then finer ones around the best.

    Parameters
    ----------
    regions_uv_mm : numpy.ndarray, shape (..., n, 2)
        Corners of each region, dense on its curved edge, in mm.
    crossings_v_mm : numpy.ndarray, shape (..., k)
        Where its edge crosses the midline, ascending, as `crossings_of_axis` returns it.
    line_normal_uv, line_offset_mm : numpy.ndarray, shape (2,), and float
        The straight edge of all regions: a region is where ``line_normal_uv @ (u, v) >= line_offset_mm``.
    finest_mm : float
        The search ends when its step is this small.

    Returns
    -------
    tuple of numpy.ndarray, shape (...)
        Center v, half-axis along u, half-axis along v, in mm; all zero where no ellipse fits.
    """
    lowest = line_offset_mm / line_normal_uv[1]
    highest = crossings_v_mm.max(axis=-1, initial=-np.inf)
    fits = highest - lowest >= FINEST_MM
    highest = np.where(fits, highest, lowest + FINEST_MM)[..., None]
    step = (highest - lowest) / _COARSE_STEPS
    bottom, top = lowest + step * _COARSE_PAIRS[0], lowest + step * _COARSE_PAIRS[1]
    bounds = _bounds_of_corners(regions_uv_mm, line_normal_uv, line_offset_mm)
    best_bottom, best_top, half_u = _best(bottom, top, crossings_v_mm, bounds, line_normal_uv, line_offset_mm)
    reach = 2 * step
    while reach.max(initial=0.0) > finest_mm:
        # Ellipses that already begin at the straight edge cannot begin behind it.
        offsets = _FORWARD_OFFSETS if np.all(best_bottom == lowest) else _FINE_OFFSETS
        bottom = np.clip(best_bottom + reach * offsets[0], lowest, highest)
        top = np.clip(best_top + reach * offsets[1], lowest, highest)
        best_bottom, best_top, half_u = _best(bottom, top, crossings_v_mm, bounds, line_normal_uv, line_offset_mm)
        reach = reach * _SHRINK
    found = ((best_top + best_bottom) / 2, half_u, (best_top - best_bottom) / 2)
    center_v, half_u, half_v = (np.where(fits, figure[..., 0], 0.0) for figure in found)
    return center_v, half_u, half_v


def _best(
    bottom: np.ndarray,
    top: np.ndarray,
    crossings_v_mm: np.ndarray,
    bounds: _Bounds,
    line_normal_uv: np.ndarray,
    line_offset_mm: float,
) -> _Three:
    """Return bottom, top and half-axis along u, shape (..., 1), of the greatest ellipse from `bottom` to `top`."""
    center, half_v = (top + bottom) / 2, np.maximum((top - bottom) / 2, FINEST_MM)
    half_u = _half_axis_u(center, half_v, bounds, line_normal_uv, line_offset_mm)
    # An ellipse without a corner inside it is either inside the region or outside, as in a notch across the midline.
    area = np.pi * half_u * half_v * are_inside(center, crossings_v_mm)
    is_best = area >= area.max(axis=-1, keepdims=True) - _AREA_TIE_MM2
    for key in (half_v, center):
        tied_key = np.where(is_best, key, -np.inf)
        is_best = tied_key == tied_key.max(axis=-1, keepdims=True)
    best = np.argmax(is_best, axis=-1)[..., None]
    bottom, top, half_u = (picked(figure, best) for figure in (bottom, top, half_u))
    return bottom, top, half_u


def _bounds_of_corners(regions_uv_mm: np.ndarray, line_normal_uv: np.ndarray, line_offset_mm: float) -> _Bounds:
    """Return the bounds of an ellipse's half-axis along u: from the corners, and from the region's width.

    The width covers the case of corners that are far apart, and only toward the sides; elsewhere an ellipse may pass
    between two corners.

    The bounds from the corners are the factors of four terms, shape (..., n, 4), and the v from which they count; the
    bound from the width is the squared distance to the nearer side.

    An ellipse of center c and half-axes a, b leaves a corner (u, v) outside while ``(1 − ((v − c) / b)²) / u² <=
    1 / a²``. The left side is a sum of four products, each of a factor of the corner and a factor of the ellipse.
    """
    origin_v = regions_uv_mm[..., 1].mean(axis=-1, keepdims=True)
    u_squared, v = regions_uv_mm[..., 0] ** 2, regions_uv_mm[..., 1] - origin_v
    on_curve = regions_uv_mm @ line_normal_uv > line_offset_mm + _ON_LINE_MM
    weight = np.where(on_curve, 1.0 / np.maximum(u_squared, _SMALLEST_MM2), 0.0)
    corner_terms = np.stack([weight * _ROOM, -weight * v**2, 2 * weight * v, -weight], axis=-1)
    nearer_side = np.minimum(regions_uv_mm[..., 0].max(axis=-1), -regions_uv_mm[..., 0].min(axis=-1))
    return corner_terms, origin_v, np.maximum(nearer_side, 0.0)[..., None] ** 2


def _half_axis_u(
    center: np.ndarray, half_v: np.ndarray, bounds: _Bounds, line_normal_uv: np.ndarray, line_offset_mm: float
) -> np.ndarray:
    """Return the greatest half-axis along u of ellipses with the given center v and half-axis along v."""
    corner_terms, origin_v, widest_squared = bounds
    from_origin, per_square = center - origin_v, 1.0 / half_v**2
    ellipse_terms = np.stack(
        [np.ones_like(center), per_square, from_origin * per_square, from_origin**2 * per_square], axis=-2
    )
    # A corner limits an ellipse only if the ellipse reaches it along v; otherwise the product is negative.
    greatest = (corner_terms @ ellipse_terms).max(axis=-2)
    squared = 1.0 / np.maximum(greatest, 1.0 / np.maximum(widest_squared, _SMALLEST_MM2))
    # Tangent condition of an oblique straight edge: (n_u a)² + (n_v b)² = distance of the center from it, squared.
    normal_u, normal_v = line_normal_uv
    room_squared = (center * normal_v - line_offset_mm) ** 2 - (half_v * normal_v) ** 2
    if abs(normal_u) > 1e-9:
        squared = np.minimum(squared, np.maximum(room_squared, 0.0) / normal_u**2)
    return np.sqrt(squared)
