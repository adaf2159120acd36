"""The oval: the ellipse of greatest area in the anterior region, on the midline and along it."""

import numpy as np

from LumbarHULib.core.polygons import crossings_of_axis, lie_inside

# Of areas that differ by less, in mm², the longer and then the more anterior ellipse is taken.
_AREA_TIE_MM2 = 1e-6

# A corner this close to the straight edge belongs to it.
_ON_LINE_MM = 1e-9

_COARSE_STEPS = 24
_SHRINK = 0.5

# How finely a shape is searched, in mm, unless less will do.
FINEST_MM = 1e-6

# The finer searches look at these places around the best, in units of their reach.
_FINE_OFFSETS = np.linspace(-1.0, 1.0, 7)[np.indices((7, 7)).reshape(2, -1)]


def largest_oval(
    region_uv_mm: np.ndarray, line_normal_uv: np.ndarray, line_offset_mm: float, finest_mm: float = FINEST_MM
) -> tuple[float, float, float]:
    """Return the greatest ellipse inside a region that has one axis on the midline (u = 0).

    Three numbers are free: the center's place on the midline and both half-axes. For an ellipse from ``v = bottom`` to
    ``v = top`` the greatest half-axis along u follows in closed form, which leaves a search over two numbers: a coarse
    one over all of them, then ever finer ones around the best.

    Parameters
    ----------
    region_uv_mm : numpy.ndarray, shape (n, 2)
        Corners of the region, dense on its curved edge, in mm.
    line_normal_uv, line_offset_mm : numpy.ndarray, shape (2,), and float
        The region's straight edge: the region lies where ``line_normal_uv @ (u, v) >= line_offset_mm``.
    finest_mm : float
        The search ends at this step.

    Returns
    -------
    tuple of float
        Center v, half-axis along u, half-axis along v, in mm; all zero when no ellipse fits.
    """
    lowest = line_offset_mm / line_normal_uv[1]
    crossings = crossings_of_axis(region_uv_mm)
    highest = float(crossings[-1]) if len(crossings) else lowest
    if highest - lowest < FINEST_MM:
        return 0.0, 0.0, 0.0

    on_curve = region_uv_mm @ line_normal_uv > line_offset_mm + _ON_LINE_MM
    edge = (crossings, region_uv_mm[on_curve], line_normal_uv, line_offset_mm)
    step = (highest - lowest) / _COARSE_STEPS
    index = np.arange(_COARSE_STEPS + 1)
    bottom, top = lowest + step * index[:, None], lowest + step * index[None, :]
    ordered = top > bottom + step / 2
    bottom, top = np.broadcast_to(bottom, ordered.shape)[ordered], np.broadcast_to(top, ordered.shape)[ordered]
    best_bottom, best_top, half_u = _best(bottom, top, *edge)
    reach = 2 * step
    while reach > finest_mm:
        bottom = np.clip(best_bottom + reach * _FINE_OFFSETS[0], lowest, highest)
        top = np.clip(best_top + reach * _FINE_OFFSETS[1], lowest, highest)
        best_bottom, best_top, half_u = _best(bottom, top, *edge)
        reach *= _SHRINK
    return (best_top + best_bottom) / 2, half_u, (best_top - best_bottom) / 2


def _best(bottom, top, crossings_v_mm, corners_uv_mm, line_normal_uv, line_offset_mm) -> tuple[float, float, float]:
    """Return bottom, top and half-axis along u of the greatest of the ellipses that reach from `bottom` to `top`."""
    center, half_v = (top + bottom) / 2, np.maximum((top - bottom) / 2, FINEST_MM)
    half_u = _half_axis_u(center, half_v, corners_uv_mm, line_normal_uv, line_offset_mm)
    # An ellipse that holds no corner lies wholly inside the region or wholly outside, as in a notch across the midline.
    area = np.pi * half_u * half_v * lie_inside(center, crossings_v_mm)
    tied = np.flatnonzero(area >= area.max() - _AREA_TIE_MM2)
    best = max(tied, key=lambda index: (half_v[index], center[index])) if len(tied) > 1 else tied[0]
    return float(bottom[best]), float(top[best]), float(half_u[best])


def _half_axis_u(center, half_v, corners_uv_mm, line_normal_uv, line_offset_mm) -> np.ndarray:
    """Return the greatest half-axis along u of ellipses that have the given center v and half-axis along v."""
    # Worked out in place: the arrays of the coarse search are large.
    room = corners_uv_mm[:, 1] - center[:, None]
    room /= half_v[:, None]
    np.subtract(1, np.square(room, out=room), out=room)
    # An ellipse bears on a corner only where it reaches as far along v: there `room` is positive.
    is_free = room <= 1e-12
    of_corners = np.divide(corners_uv_mm[:, 0] ** 2, np.maximum(room, 1e-12, out=room), out=room)
    of_corners[is_free] = np.inf
    squared = of_corners.min(axis=1)
    # Tangent condition of an oblique straight edge: (n_u a)² + (n_v b)² = distance of the center from it, squared.
    normal_u, normal_v = line_normal_uv
    room_squared = (center * normal_v - line_offset_mm) ** 2 - (half_v * normal_v) ** 2
    if abs(normal_u) > 1e-9:
        squared = np.minimum(squared, np.maximum(room_squared, 0.0) / normal_u**2)
    return np.sqrt(np.where(np.isfinite(squared), squared, 0.0))
