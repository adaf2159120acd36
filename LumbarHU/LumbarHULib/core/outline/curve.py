"""What the outline finder does with closed splines: their stiffness, and where their control points stand."""

from functools import lru_cache

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices

# Samples per control point where places along the curve are looked up.
LOOKUP_SAMPLES = 48


@lru_cache(maxsize=4)
def bending_energy(count: int) -> np.ndarray:
    """Return the matrix of a closed polygon's bending, shape (count, count).

    It sums the squares of third differences that are made such that they vanish on every ellipse: a body that is seen
    nowhere would be an ellipse, and a gap is bridged as an ellipse's arc would bridge it.
    """
    after, identity = np.roll(np.eye(count), 1, axis=1), np.eye(count)
    bend = (after - identity) @ (after + after.T - 2 * np.cos(2 * np.pi / count) * identity)
    return bend.T @ bend


def outward_normals(derivative: np.ndarray) -> np.ndarray:
    """Return unit normals, shape (n, 2), of a counterclockwise curve from its derivative."""
    return (
        np.column_stack([derivative[:, 1], -derivative[:, 0]]) / np.hypot(derivative[:, 0], derivative[:, 1])[:, None]
    )


def midline_crossings(dense: np.ndarray) -> tuple[float, float]:
    """Return the places (in samples) at which a dense closed curve crosses the midline, u = 0, in front and behind."""
    u, after = dense[:, 0], np.roll(dense[:, 0], -1)
    crossing = np.flatnonzero((u > 0) != (after > 0))
    if len(crossing) < 2:
        return float(np.argmax(dense[:, 1])), float(np.argmin(dense[:, 1]))
    place = crossing + u[crossing] / (u[crossing] - after[crossing])
    v = dense[crossing, 1]
    return float(place[np.argmax(v)]), float(place[np.argmin(v)])


def spread_points(points: np.ndarray) -> np.ndarray:
    """Move control points along their spline: evenly on each half, the midline's ends midway between two of them.

    Parameters
    ----------
    points : array, shape (n, 2)
        Control points, counterclockwise in (u, v).

    Returns
    -------
    array, shape (n, 2)
        The first to the patient's right of the anterior midline end.
    """
    count = len(points)
    dense = spline_matrices(count, 12)[0] @ points
    closed = np.concatenate([dense, dense, dense[:1]])
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    front, back = midline_crossings(dense)
    back += len(dense) * (back < front)
    front_mm, back_mm, again_mm = np.interp([front, back, front + len(dense)], np.arange(len(arc)), arc)
    share = (np.arange(count // 2) + 0.5) / (count // 2)
    places = np.concatenate([front_mm + share * (back_mm - front_mm), back_mm + share * (again_mm - back_mm)])
    return np.column_stack([np.interp(places, arc, closed[:, axis]) for axis in (0, 1)])


def stiff_spline(nodes: np.ndarray, weights: np.ndarray, count: int, stiffness: float, robust_mm: float) -> np.ndarray:
    """Draw a stiff closed spline along nodes, leaving aside those that stand out.

    Parameters
    ----------
    nodes : array, shape (n, 2)
        Nodes in order around the body.
    weights : array, shape (n,)
        Weight of each node; nodes without evidence keep a little.
    count : int
        Control points of the spline.
    stiffness : float
        Weight of `bending_energy` against one node of weight 1.
    robust_mm : float
        Distance from the spline at which a node's weight is halved.

    Returns
    -------
    array, shape (count, 2)
    """
    closed = np.vstack([nodes, nodes[:1]])
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    even = np.arange(count) / count * arc[-1]
    points = np.column_stack([np.interp(even, arc, closed[:, axis]) for axis in (0, 1)])
    places = np.rint(arc[:-1] / arc[-1] * count * LOOKUP_SAMPLES).astype(int) % (count * LOOKUP_SAMPLES)
    value = spline_matrices(count, LOOKUP_SAMPLES)[0][places]
    stiff = stiffness * bending_energy(count)
    for _ in range(4):
        off = np.hypot(*(nodes - value @ points).T)
        pull = value.T * (np.maximum(weights, 0.02) / (1 + (off / robust_mm) ** 2))
        points = np.linalg.solve(pull @ value + stiff, pull @ nodes)
    return points
