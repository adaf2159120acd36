"""Plane geometry of closed polygons, each an array of corners, shape (n, 2); the first corner is not repeated.

Functions that take an array of shape (..., n, 2) handle any number of polygons of n corners at once.
"""

import numpy as np
from numpy.typing import ArrayLike


def signed_area(polygon: np.ndarray) -> float:
    """Return the area; it is positive where the corners run counterclockwise."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def contains(polygon: np.ndarray, points: ArrayLike) -> np.ndarray:
    """Return which points, shape (..., 2), are inside the polygon: those with an odd number of edges to the right."""
    x, y = np.asarray(points)[..., :1], np.asarray(points)[..., 1:]
    start, end = polygon, np.roll(polygon, -1, axis=0)
    straddling = (start[:, 1] > y) != (end[:, 1] > y)
    rise = np.where(start[:, 1] == end[:, 1], 1.0, end[:, 1] - start[:, 1])
    crossing_x = start[:, 0] + (y - start[:, 1]) / rise * (end[:, 0] - start[:, 0])
    return np.count_nonzero(straddling & (crossing_x > x), axis=-1) % 2 == 1


def distances_to_edges(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Return the distance of each point, shape (m, 2), from each edge of the polygon: shape (m, n)."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    offsets = points[:, None, :] - polygon[None, :, :]
    lengths_squared = np.maximum((edges**2).sum(axis=1), np.finfo(float).tiny)
    along = np.clip((offsets * edges).sum(axis=2) / lengths_squared, 0.0, 1.0)
    return np.linalg.norm(offsets - along[..., None] * edges, axis=2)


def crossings_of_axis(polygons: np.ndarray) -> np.ndarray:
    """Return where polygons cross the second axis (first coordinate 0).

    Parameters
    ----------
    polygons : numpy.ndarray, shape (..., n, 2)

    Returns
    -------
    numpy.ndarray, shape (..., k)
        Sorted ascending. Polygons with fewer crossings than others are padded with -inf at the start.
    """
    ends = np.roll(polygons, -1, axis=-2)
    crossing = (polygons[..., 0] >= 0) != (ends[..., 0] >= 0)
    rise = np.where(crossing, ends[..., 0] - polygons[..., 0], 1.0)
    positions = polygons[..., 1] - polygons[..., 0] * (ends[..., 1] - polygons[..., 1]) / rise
    most = int(crossing.sum(axis=-1).max(initial=0))
    return np.sort(np.where(crossing, positions, -np.inf), axis=-1)[..., positions.shape[-1] - most :]


def are_inside(positions: np.ndarray, crossings: np.ndarray) -> np.ndarray:
    """Return which positions on the second axis are inside polygons.

    Parameters
    ----------
    positions : numpy.ndarray, shape (..., m)
        The positions to test, for each polygon.
    crossings : numpy.ndarray, shape (..., k)
        Where each polygon crosses that axis, as `crossings_of_axis` returns it.

    Returns
    -------
    numpy.ndarray of bool, shape (..., m)
    """
    inside = np.zeros(np.broadcast_shapes(positions.shape, (*crossings.shape[:-1], 1)), dtype=bool)
    for number in range(crossings.shape[-1]):
        inside ^= crossings[..., number, None] > positions
    return inside


def picked(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return one value from each row of `values`, shape (..., m), at `index`, shape (..., 1), in the index's shape.

    It does what `numpy.take_along_axis` does, which takes four times as long for few rows.
    """
    rows = values.reshape(-1, values.shape[-1])
    return rows[np.arange(len(rows)), index.ravel()].reshape(index.shape)


def clip_to_half_plane(polygons: np.ndarray, normal: np.ndarray, offset: float) -> np.ndarray:
    """Return the parts of polygons where ``normal @ point >= offset``.

    Where the line cuts a polygon several times, the parts stay joined along the line. This changes neither the
    interior nor any extreme.

    Parameters
    ----------
    polygons : numpy.ndarray, shape (..., n, 2)
    normal : numpy.ndarray, shape (2,)
    offset : float

    Returns
    -------
    numpy.ndarray, shape (..., m, 2)
        Polygons that keep fewer corners than others repeat one; m is 0 where nothing is left of any polygon.
    """
    heights = polygons @ normal - offset
    next_heights = np.roll(heights, -1, axis=-1)
    cut = (heights >= 0) != (next_heights >= 0)
    share = np.where(cut, heights / np.where(cut, heights - next_heights, 1.0), 0.0)
    cut_points = polygons + share[..., None] * (np.roll(polygons, -1, axis=-2) - polygons)
    # Each corner that is kept, followed by the cut on the edge that starts at it, in the polygon's order.
    both = np.stack([polygons, cut_points], axis=-2).reshape(*polygons.shape[:-2], -1, 2)
    keep = np.stack([heights >= 0, cut], axis=-1).reshape(*polygons.shape[:-2], -1)
    if keep.ndim == 1:
        return both[keep]
    flat = keep.reshape(-1, keep.shape[-1])
    row, kept = np.nonzero(flat)
    counts = np.count_nonzero(flat, axis=-1)
    begins = np.cumsum(counts) - counts
    ordinals = np.arange(len(row)) - begins[row]
    picks = np.zeros((len(flat), int(counts.max(initial=0))), dtype=np.intp)
    is_last = ordinals == counts[row] - 1
    picks[row[is_last]] = kept[is_last, None]  # those that keep fewer repeat their last one
    picks[row, ordinals] = kept
    clipped = both.reshape(len(flat), -1, 2)[np.arange(len(flat))[:, None], picks]
    return clipped.reshape(*polygons.shape[:-2], -1, 2)


def crosses_itself(polygon: np.ndarray) -> bool:
    """Return whether any two edges of the polygon that are not neighbors meet."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    count = len(polygon)
    low, high = np.minimum(start, end), np.maximum(start, end)
    begins_x, begins_y = (low[:, axis, None] <= high[:, axis] for axis in range(2))
    boxes_meet = begins_x & begins_x.T & begins_y & begins_y.T
    first, second = np.nonzero(boxes_meet)
    first, second = first[second > first + 1], second[second > first + 1]
    neighbors = (first == 0) & (second == count - 1)
    first, second = first[~neighbors], second[~neighbors]

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])

    apart_first = side(start[first], end[first], start[second]) * side(start[first], end[first], end[second])
    apart_second = side(start[second], end[second], start[first]) * side(start[second], end[second], end[first])
    return bool(np.any((apart_first <= 0) & (apart_second <= 0)))


def rasterize(
    polygon_ij: np.ndarray, corner_ij: tuple[int, int], shape_ji: tuple[int, int], tolerance: float
) -> np.ndarray:
    """Return the pixels of a grid whose center is inside a polygon.

    Parameters
    ----------
    polygon_ij : numpy.ndarray, shape (n, 2)
        Corners in pixel indices, clockwise or counterclockwise.
    corner_ij : tuple of int
        Index (i, j) of the grid's first pixel.
    shape_ji : tuple of int
        Rows and columns of the grid.
    tolerance : float
        A center closer to the edge than this, in pixels along its row, counts as inside.

    Returns
    -------
    numpy.ndarray of bool, shape `shape_ji`
    """
    rows = np.arange(shape_ji[0]) + corner_ij[1]
    # The map from the frame's (u, v) to (i, j) may reverse the direction of rotation.
    polygon_ij = polygon_ij if signed_area(polygon_ij) > 0 else polygon_ij[::-1]
    start, end = polygon_ij, np.roll(polygon_ij, -1, axis=0)
    above_start = start[:, 1][:, None] > rows
    above_end = end[:, 1][:, None] > rows
    edge, row = np.nonzero(above_start != above_end)
    slope = (end[edge, 0] - start[edge, 0]) / (end[edge, 1] - start[edge, 1])
    x = start[edge, 0] + slope * (rows[row] - start[edge, 1]) - corner_ij[0]
    # Counterclockwise with j upward, an edge that descends has the inside to its right: a row enters there.
    enters = above_start[edge, row]
    column = np.where(enters, np.ceil(x - tolerance), np.floor(x + tolerance) + 1).astype(int)
    winding = np.zeros((shape_ji[0], shape_ji[1] + 1), dtype=np.int32)
    np.add.at(winding, (row, np.clip(column, 0, shape_ji[1])), np.where(enters, 1, -1))
    return np.cumsum(winding, axis=1)[:, :-1] > 0
