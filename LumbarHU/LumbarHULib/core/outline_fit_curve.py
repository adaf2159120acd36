"""The closed spline as linear algebra, and fits to it."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def spline_matrices(count: int, per_span: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return matrices that take control points to the closed spline, its first and its second derivative.

    Each has shape (count * per_span, count). The samples lie at uniform parameters, the first at the first control point.
    """
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(np.arange(count + 1), np.vstack([np.eye(count), np.eye(count)[:1]]), bc_type="periodic")
    parameter = np.arange(count * per_span) / per_span
    return spline(parameter), spline(parameter, 1), spline(parameter, 2)


@lru_cache(maxsize=8)
def bending_matrix(count: int) -> np.ndarray:
    """Return the third difference of a closed polygon, made such that it vanishes on every ellipse; shape (count, count)."""
    identity = np.eye(count)
    second = np.roll(identity, 1, axis=1) + np.roll(identity, -1, axis=1) - 2 * np.cos(2 * np.pi / count) * identity
    return (np.roll(identity, 1, axis=1) - identity) @ second


def outward_normals(derivative: np.ndarray) -> np.ndarray:
    """Return unit normals, shape (n, 2), of a counterclockwise curve from its derivative."""
    tangent = derivative / np.hypot(derivative[:, 0], derivative[:, 1])[:, None]
    return np.column_stack([tangent[:, 1], -tangent[:, 0]])


def midline_crossings(dense: np.ndarray) -> tuple[float, float]:
    """Return the parameters (in samples) at which a dense counterclockwise curve crosses u = 0 in front and behind."""
    u, after = dense[:, 0], np.roll(dense[:, 0], -1)
    crossing = np.flatnonzero((u > 0) != (after > 0))
    if len(crossing) < 2:
        return float(np.argmax(dense[:, 1])), float(np.argmin(dense[:, 1]))
    exact = crossing + u[crossing] / (u[crossing] - after[crossing])
    v = dense[crossing, 1]
    return float(exact[np.argmax(v)]), float(exact[np.argmin(v)])


def spread_points(dense: np.ndarray, count: int) -> np.ndarray:
    """Place control points evenly along each half of a dense closed curve, the midline's ends midway between two points.

    Returns
    -------
    array, shape (count, 2)
        Counterclockwise from the right of the anterior end over the patient's right... the first lies next to the anterior end.
    """
    closed = np.vstack([dense, dense, dense[:1]])
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    samples = np.arange(len(closed))
    front, back = midline_crossings(dense)
    if back < front:
        back += len(dense)
    at_front, at_back, at_front_again = np.interp([front, back, front + len(dense)], samples, arc)
    share = (np.arange(count // 2) + 0.5) / (count // 2)
    place = np.concatenate([at_front + share * (at_back - at_front), at_back + share * (at_front_again - at_back)])
    return np.column_stack([np.interp(place, arc, closed[:, axis]) for axis in (0, 1)])
