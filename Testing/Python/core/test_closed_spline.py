import numpy as np
import pytest
from core.builders import control_points, dense_spline, ellipse, kidney, lumpy, superellipse
from vtkmodules.vtkCommonComputationalGeometry import vtkCardinalSpline

from LumbarHULib.core.closed_spline import sample_closed_spline

CURVES = {
    "ellipse": control_points(ellipse(), 20),
    "ellipse of 24": control_points(ellipse(), 24),
    "kidney": control_points(kidney(concavity_mm=7), 22),
    "lumpy": control_points(lumpy(5, roughness=0.1), 24),
    "square of 4": np.array([(-20.0, -15), (20, -15), (20, 15), (-20, 15)]),
    "uneven": control_points(superellipse(power=6), 24) + np.random.default_rng(1).normal(0, 1, (24, 2)),
}


def vtk_curve(points: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Return the closed curve as VTK evaluates it and Slicer's closed curve markup draws it."""
    curve = []
    for axis in range(2):
        spline = vtkCardinalSpline()
        spline.SetClosed(True)
        for parameter, value in enumerate(points[:, axis]):
            spline.AddPoint(parameter, value)
        curve.append([spline.Evaluate(parameter) for parameter in parameters])
    return np.transpose(curve)


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_is_the_one_that_vtk_draws(name):
    points = CURVES[name]
    positions, _ = sample_closed_spline(points)
    parameters = np.arange(len(positions)) * len(points) / len(positions)
    np.testing.assert_allclose(positions, vtk_curve(points, parameters), atol=1e-9)


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_solves_the_textbooks_equations(name):
    points = CURVES[name]
    positions, _ = sample_closed_spline(points)
    samples = len(positions) // len(points)
    np.testing.assert_allclose(positions, dense_spline(points, samples), atol=1e-9)
    np.testing.assert_allclose(positions[::samples], points, atol=1e-9)


@pytest.mark.parametrize("name", CURVES)
def test_no_chord_leaves_the_curve_by_six_micrometers(name):
    positions, _ = sample_closed_spline(CURVES[name])
    fine = 20
    curve = dense_spline(CURVES[name], fine * (len(positions) // len(CURVES[name]))).reshape(-1, fine, 2)
    along = np.roll(positions, -1, axis=0) - positions
    offset = curve - positions[:, None]
    across = (along[:, None, 0] * offset[..., 1] - along[:, None, 1] * offset[..., 0]) / np.linalg.norm(along, axis=1)[
        :, None
    ]
    assert np.abs(across).max() < 0.006


@pytest.mark.parametrize("name", CURVES)
def test_the_derivatives_are_those_of_the_positions(name):
    points = CURVES[name]
    positions, derivatives = sample_closed_spline(points)
    samples = len(positions) // len(points)
    step = 1000
    fine = dense_spline(points, samples * step)
    slope = (np.roll(fine, -1, axis=0) - np.roll(fine, 1, axis=0)) / 2 * samples * step
    np.testing.assert_allclose(derivatives, slope[::step], rtol=1e-5, atol=1e-4)


def test_24_points_lie_much_nearer_to_an_ellipse_than_the_straight_polygon_through_them():
    angles = np.linspace(0, 2 * np.pi, 100_000)
    truth = ellipse()(angles)
    curve, _ = sample_closed_spline(CURVES["ellipse of 24"])
    corners = CURVES["ellipse of 24"]

    def worst(points):
        return max(np.linalg.norm(truth - point, axis=1).min() for point in points)

    assert worst(curve) < 0.01
    assert worst((corners + np.roll(corners, -1, axis=0)) / 2) > 0.15
