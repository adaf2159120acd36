"""The closed curve as Slicer draws it: a periodic cubic spline with one unit of parameter from point to point."""

from functools import lru_cache

import numpy as np

# The polygon that stands for the spline lies nowhere farther from it than this.
CHORD_ERROR_MM = 0.005

_MOST_SAMPLES_A_POINT = 64


@lru_cache(maxsize=32)
def spline_matrices(count: int, per_span: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return matrices that take control points to the closed spline, its first and its second derivative.

    Each has shape (count * per_span, count). The samples lie at uniform parameters, the first at the first control
    point.
    """
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(np.arange(count + 1), np.vstack([np.eye(count), np.eye(count)[:1]]), bc_type="periodic")
    parameters = np.arange(count * per_span) / per_span
    return spline(parameters), spline(parameters, 1), spline(parameters, 2)


def sample_closed_spline(control_points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the closed spline through `control_points_mm` as a dense polygon.

    Slicer's ``vtkMRMLMarkupsClosedCurveNode`` draws the same curve: a cardinal spline in VTK's words, natural in its
    parameter, which counts control points.

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
    # A chord over the parameter step h leaves the curve by at most h² |f''| / 8; f'' is greatest at a control point.
    wanted = np.sqrt(second / (8 * CHORD_ERROR_MM))
    samples = int(min(_MOST_SAMPLES_A_POINT, 8 * np.ceil(max(1.0, wanted) / 8)))
    positions, derivatives, _ = spline_matrices(count, samples)
    return positions @ control_points_mm, derivatives @ control_points_mm
