"""The closed curve as Slicer draws it: a periodic cubic spline with one unit of parameter from point to point."""

from functools import lru_cache

import numpy as np

# The polygon that stands for the spline lies nowhere farther from it than this.
CHORD_ERROR_MM = 0.005

_MOST_SAMPLES_A_POINT = 64


@lru_cache(maxsize=32)
def _sampling_matrices(point_count: int, samples_a_point: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices that turn control points into spline positions and derivatives, each (n * s, n)."""
    from scipy.interpolate import CubicSpline

    identity = np.vstack([np.eye(point_count), np.eye(point_count)[:1]])
    spline = CubicSpline(np.arange(point_count + 1), identity, bc_type="periodic")
    parameters = np.arange(point_count * samples_a_point) / samples_a_point
    return spline(parameters), spline(parameters, 1)


@lru_cache(maxsize=32)
def _curvature_matrix(point_count: int) -> np.ndarray:
    """Return the matrix that turns control points into the spline's second derivatives at them, (n, n)."""
    from scipy.interpolate import CubicSpline

    identity = np.vstack([np.eye(point_count), np.eye(point_count)[:1]])
    return CubicSpline(np.arange(point_count + 1), identity, bc_type="periodic")(np.arange(point_count), 2)


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
    second = np.linalg.norm(_curvature_matrix(len(control_points_mm)) @ control_points_mm, axis=1).max()
    # A chord over the parameter step h leaves the curve by at most h² |f''| / 8; f'' is greatest at a control point.
    wanted = np.sqrt(second / (8 * CHORD_ERROR_MM))
    samples = int(min(_MOST_SAMPLES_A_POINT, 8 * np.ceil(max(1.0, wanted) / 8)))
    positions, derivatives = _sampling_matrices(len(control_points_mm), samples)
    return positions @ control_points_mm, derivatives @ control_points_mm
