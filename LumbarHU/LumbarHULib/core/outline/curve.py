"""Closed splines for the outline search: place their control points, and fit a spline to nodes."""

from functools import lru_cache
from types import ModuleType

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices

# Samples per control point at which positions along the curve are looked up.
LOOKUP_SAMPLES = 48
# The same for a dense curve: coarse where points are spread along it, fine where its distance or its place counts.
COARSE_SAMPLES, FINE_SAMPLES = 12, 24
# OpenBLAS uses threads for more columns of a triangular solution, and for matrix products of more multiplications than
# this. Its threads go on waiting busily for a while, which takes more time from what draws the views than they save.
COLUMNS_AT_ONCE, MULTIPLICATIONS_AT_ONCE = 8, 2**18
# Rounds in which nodes far from the spline lose weight: the weights hardly change after that.
REWEIGHTINGS = 4


def outward_normals(derivative: np.ndarray) -> np.ndarray:
    """Return the outward unit normals, shape (n, 2), of a counterclockwise curve from its derivative."""
    return (
        np.column_stack([derivative[:, 1], -derivative[:, 0]]) / np.hypot(derivative[:, 0], derivative[:, 1])[:, None]
    )


def midline_crossings(dense: np.ndarray) -> tuple[float, float]:
    """Return the samples at which a dense closed curve crosses the midline, u = 0, anteriorly and posteriorly."""
    u = dense[:, 0]
    is_left = u > 0
    crossing = np.flatnonzero(is_left[1:] != is_left[:-1])
    if is_left[0] != is_left[-1]:
        crossing = np.append(crossing, len(u) - 1)
    if len(crossing) < 2:
        return float(dense[:, 1].argmax()), float(dense[:, 1].argmin())
    v = dense[crossing, 1]
    front, back = (
        crossing[place] + u[crossing[place]] / (u[crossing[place]] - u[(crossing[place] + 1) % len(u)])
        for place in (v.argmax(), v.argmin())
    )
    return float(front), float(back)


def spread_points(polygon: np.ndarray, count: int) -> np.ndarray:
    """Return control points along a dense polygon, evenly on each half, with the axis's ends midway between two.

    Parameters
    ----------
    polygon : array, shape (m, 2)
        Closed, counterclockwise, the body's axis along u = 0.
    count : int
        Number of control points, even.

    Returns
    -------
    array, shape (count, 2)
        The first to the patient's right of the axis's anterior end.
    """
    arc, front, back = _arcs(polygon)
    share = (np.arange(count // 2) + 0.5) / (count // 2)
    whole = arc[-1]
    places = np.concatenate([front + share * (back - front), back + share * (front + whole - back)]) % whole
    u, v = np.concatenate([polygon, polygon[:1]]).T
    return np.column_stack([np.interp(places, arc, u), np.interp(places, arc, v)])


def control_parameters(nodes: np.ndarray, count: int) -> np.ndarray:
    """Return the position of each node of a closed polygon among the control points of `spread_points`.

    Parameters
    ----------
    nodes : array, shape (m, 2)
        Counterclockwise, the body's axis along u = 0.
    count : int
        Number of control points.

    Returns
    -------
    array, shape (m,)
        From -0.5, the axis's anterior end, to count - 0.5.
    """
    arc, front, back = _arcs(nodes)
    whole = arc[-1]
    along = front + (arc[:-1] - front) % whole
    half = np.where(along <= back, (along - front) / (back - front), 1 + (along - back) / (front + whole - back))
    return half * (count // 2) - 0.5


def _arcs(polygon: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the arc length to each corner, once around, and to the two midline crossings, the anterior one first."""
    closed = np.concatenate([polygon, polygon[:1]])
    steps = closed[1:] - closed[:-1]
    arc = np.zeros(len(closed))
    np.cumsum(np.hypot(steps[:, 0], steps[:, 1]), out=arc[1:])
    front_mm, back_mm = np.interp(midline_crossings(polygon), np.arange(len(arc)), arc)
    return arc, front_mm, back_mm + arc[-1] * (back_mm < front_mm)


def spline_along(
    nodes: np.ndarray,
    parameters: np.ndarray,
    weights: np.ndarray,
    node_mm: float,
    robust_mm: float,
    matrix: np.ndarray,
    vector: np.ndarray,
) -> np.ndarray:
    """Return the control points of the most likely closed spline, given nodes and an expected shape.

    Nodes far from the spline lose weight.

    Parameters
    ----------
    nodes : array, shape (m, 2)
        Nodes in order around the body.
    parameters : array, shape (m,)
        Position of each node on the spline: see `control_parameters`.
    weights : array, shape (m,)
        Weight of each node.
    node_mm : float
        Standard deviation of a node of weight 1.
    robust_mm : float
        Distance from the spline at which a node's weight is halved.
    matrix, vector : array, shapes (2n, 2n) and (2n,)
        The expected control points: see `BodyShape.information`.

    Returns
    -------
    array, shape (n, 2)
    """
    count = len(vector) // 2
    places = np.rint(parameters * LOOKUP_SAMPLES).astype(int) % (count * LOOKUP_SAMPLES)
    value = spline_matrices(count, LOOKUP_SAMPLES)[0][places]
    share = 1.0
    for _ in range(REWEIGHTINGS):
        pull = value.T * (weights * share / node_mm**2)
        points = solve_points(matrix, vector, pull @ value, pull @ nodes)
        share = 1 / (1 + ((nodes - value @ points) ** 2).sum(axis=1) / robust_mm**2)
    return points


def solve_points(matrix: np.ndarray, vector: np.ndarray, axis_information: np.ndarray, pulls: np.ndarray) -> np.ndarray:
    """Return control points, shape (n, 2), from an expectation and from observations with equal weight on u and v.

    Parameters
    ----------
    matrix, vector : array, shapes (2n, 2n) and (2n,)
        The expectation: see `BodyShape.information`.
    axis_information : array, shape (n, n)
        Information about the points on each axis.
    pulls : array, shape (n, 2)
        ``axis_information`` times the observed points.
    """
    count = len(axis_information)
    whole = matrix.copy()
    whole[:count, :count] += axis_information
    whole[count:, count:] += axis_information
    return solve_positive(whole, vector + pulls.T.ravel()).reshape(2, count).T


def solve_positive(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``x`` of ``matrix @ x = right`` for a symmetric positive definite matrix: faster than for any matrix."""
    lapack = _lapack()
    # The transpose has LAPACK's order of elements, which saves a copy.
    if right.ndim == 1:
        _, solution, failed = lapack.dposv(matrix.T, right, lower=1)
    else:
        factor, failed = lapack.dpotrf(matrix.T, lower=1)
        starts = range(0, right.shape[1], COLUMNS_AT_ONCE)
        blocks = [lapack.dpotrs(factor, right[:, start : start + COLUMNS_AT_ONCE], lower=1)[0] for start in starts]
        solution = np.hstack(blocks)
    return np.linalg.solve(matrix, right) if failed else solution


@lru_cache(maxsize=1)
def _lapack() -> ModuleType:
    from scipy.linalg import lapack

    return lapack


def product_in_blocks(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``left @ right`` in blocks of columns that are too small for threads."""
    columns = max(1, MULTIPLICATIONS_AT_ONCE // left.size)
    return np.hstack([left @ right[:, start : start + columns] for start in range(0, right.shape[1], columns)])


def weighted_products(count: int, per_span: int, weights: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return a matrix of blocks ``value.T @ diag(w) @ value``.

    Parameters
    ----------
    count, per_span : int
        ``value`` is the first of ``spline_matrices(count, per_span)``.
    weights : array, shape (m, count * per_span)
        Weights of the samples.
    positions : array, shape (blocks * count, blocks * count)
        Of `product_positions`, which says which row of `weights` each block has.

    Returns
    -------
    array, shape (blocks * count, blocks * count)
    """
    return np.take(weights @ _value_products(count, per_span), positions)


@lru_cache(maxsize=8)
def _value_products(count: int, per_span: int) -> np.ndarray:
    """Return the products of all pairs of control points' values, shape (samples, pairs)."""
    value = spline_matrices(count, per_span)[0]
    rows, columns = np.triu_indices(count)
    return value[:, rows] * value[:, columns]


@lru_cache(maxsize=8)
def product_positions(count: int, blocks: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Return the positions of the elements of a matrix of blocks among all weighted products of pairs.

    Parameters
    ----------
    count : int
        Rows and columns of a block: the control points.
    blocks : tuple of tuple of int
        The row of weights of each block.
    """
    rows, columns = np.triu_indices(count)
    pairs = np.empty((count, count), dtype=np.intp)
    pairs[rows, columns] = pairs[columns, rows] = np.arange(len(rows))
    return np.block([[block * len(rows) + pairs for block in row] for row in blocks])


def median(values: np.ndarray) -> float:
    """Return the median of an even number of values: faster than `numpy.median` for few of them."""
    ordered = np.sort(values)
    return float(ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2


def within(values: np.ndarray, lowest: np.ndarray | float, highest: np.ndarray | float) -> np.ndarray:
    """Return values limited to a range: faster than `numpy.clip` for few of them."""
    return np.minimum(np.maximum(values, lowest), highest)
