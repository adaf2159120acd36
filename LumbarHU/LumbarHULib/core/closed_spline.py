"""The closed curve as Slicer draws it: a periodic cubic spline whose parameter counts control points."""

from functools import lru_cache

import numpy as np

# Largest distance between the spline and the polygon that approximates it.
CHORD_ERROR_MM = 0.005

_MAX_SAMPLES_PER_POINT = 64


@lru_cache(maxsize=32)
def spline_matrices(count: int, per_span: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrices from control points to the closed spline and to its first and second derivatives.

    Each has shape (count * per_span, count). The samples are at uniform parameters, the first at the first control
    point.

    SciPy's `CubicSpline` gives the same, but importing it takes as long as measuring a level.
    """
    to_next = np.roll(np.eye(count), 1, axis=1)
    neighbors = to_next + to_next.T
    # The second derivatives m at the control points y satisfy m₋ + 4 m + m₊ = 6 (y₋ − 2 y + y₊).
    bends = np.linalg.solve(neighbors + 4 * np.eye(count), 6 * (neighbors - 2 * np.eye(count)))
    span = np.repeat(np.arange(count), per_span)
    t = np.tile(np.arange(per_span) / per_span, count)[:, None]
    start, end = np.eye(count)[span], to_next[span]
    start_bend, end_bend = bends[span], (to_next @ bends)[span]
    return (
        (1 - t) * start + t * end + ((1 - t) ** 3 - (1 - t)) / 6 * start_bend + (t**3 - t) / 6 * end_bend,
        end - start + (1 - 3 * (1 - t) ** 2) / 6 * start_bend + (3 * t**2 - 1) / 6 * end_bend,
        (1 - t) * start_bend + t * end_bend,
    )


def sample_closed_spline(control_points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the closed spline through `control_points_mm` as a dense polygon.

    Slicer's ``vtkMRMLMarkupsClosedCurveNode`` draws the same curve, which VTK calls a cardinal spline.

    Parameters
    ----------
    control_points_mm : numpy.ndarray, shape (n, 2)
        Control points in order, n >= 4.

    Returns
    -------
    tuple of numpy.ndarray, each shape (m, 2)
        Positions in mm, no farther than `CHORD_ERROR_MM` from the spline, and its derivatives there.
    """
    count = len(control_points_mm)
    second = np.linalg.norm(spline_matrices(count, 1)[2] @ control_points_mm, axis=1).max()
    # A chord over the parameter step h is at most h² |f''| / 8 from the curve; |f''| is greatest at a control point.
    wanted = np.sqrt(second / (8 * CHORD_ERROR_MM))
    samples = int(min(_MAX_SAMPLES_PER_POINT, 8 * np.ceil(max(1.0, wanted) / 8)))
    positions, derivatives, _ = spline_matrices(count, samples)
    return positions @ control_points_mm, derivatives @ control_points_mm
