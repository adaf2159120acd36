"""The oval: the ellipse of greatest area in the anterior region, on the midline and along it."""

import numpy as np

# Of areas that differ by less, in mm², the longer and then the more anterior ellipse is taken.
_AREA_TIE_MM2 = 1e-6

_COARSE_STEPS = 24
_FINE_STEPS = 9
_SHRINK = 0.55
_FINEST_MM = 1e-6


def largest_oval(corners_uv_mm: np.ndarray, line_normal_uv: np.ndarray, line_offset_mm: float) -> tuple[float, float, float]:
    """Return the greatest ellipse inside a region that has one axis on the midline (u = 0).

    Three numbers are free: the center's place on the midline and both half-axes. For an ellipse from ``v = bottom`` to
    ``v = top`` the greatest half-axis along u follows in closed form, which leaves a search over two numbers: a coarse
    one over all of them, then ever finer ones around the best.

    Parameters
    ----------
    corners_uv_mm : numpy.ndarray, shape (n, 2)
        Dense corners of the region's curved edge, in mm.
    line_normal_uv, line_offset_mm : numpy.ndarray, shape (2,), and float
        The region's straight edge: the region lies where ``line_normal_uv @ (u, v) >= line_offset_mm``.

    Returns
    -------
    tuple of float
        Center v, half-axis along u, half-axis along v, in mm; all zero when no ellipse fits.
    """
    from LumbarHULib.core.polygons import crossings_of_axis

    lowest = line_offset_mm / line_normal_uv[1]
    crossings = crossings_of_axis(corners_uv_mm)
    highest = float(crossings.max()) if len(crossings) else lowest
    if highest <= lowest:
        return 0.0, 0.0, 0.0

    def search(bottoms, tops):
        bottom, top = (grid.ravel() for grid in np.meshgrid(bottoms, tops, indexing="ij"))
        valid = top - bottom > _FINEST_MM
        center, half_v = (top + bottom)[valid] / 2, (top - bottom)[valid] / 2
        half_u = _half_axis_u(center, half_v, corners_uv_mm, line_normal_uv, line_offset_mm)
        area = np.pi * half_u * half_v
        tied = np.flatnonzero(area >= area.max() - _AREA_TIE_MM2)
        best = max(tied, key=lambda index: (half_v[index], center[index]))
        return center[best], half_u[best], half_v[best]

    grid = np.linspace(lowest, highest, _COARSE_STEPS + 1)
    center, half_u, half_v = search(grid, grid)
    reach = 2 * (highest - lowest) / _COARSE_STEPS
    while reach > _FINEST_MM:
        steps = np.linspace(-reach, reach, _FINE_STEPS)
        bottoms = np.unique(np.clip(center - half_v + steps, lowest, highest))
        tops = np.unique(np.clip(center + half_v + steps, lowest, highest))
        center, half_u, half_v = search(bottoms, tops)
        reach *= _SHRINK
    return float(center), float(half_u), float(half_v)


def _half_axis_u(center, half_v, corners_uv_mm, line_normal_uv, line_offset_mm) -> np.ndarray:
    """Return the greatest half-axis along u of ellipses that have the given center v and half-axis along v."""
    relative_squared = ((corners_uv_mm[:, 1] - center[:, None]) / half_v[:, None]) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        limits = np.where(relative_squared < 1, corners_uv_mm[:, 0] ** 2 / (1 - relative_squared), np.inf)
    squared = limits.min(axis=1)
    # Tangent condition of an oblique straight edge: (n_u a)² + (n_v b)² = distance of the center from it, squared.
    normal_u, normal_v = line_normal_uv
    room_squared = (center * normal_v - line_offset_mm) ** 2 - (half_v * normal_v) ** 2
    if abs(normal_u) > 1e-9:
        squared = np.minimum(squared, np.maximum(room_squared, 0.0) / normal_u**2)
    return np.sqrt(np.where(np.isfinite(squared), squared, 0.0))
