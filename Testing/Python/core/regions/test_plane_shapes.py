"""The circle of 200 mm² and the eroded outline in a slice, against integrals of a formula over the stated shape."""

import numpy as np
import pytest
from core.builders import UPRIGHT, control_points, dense_spline, kidney, lumpy, upright_stack
from core.regions.formula_body import FormulaBody, ellipse_mean_hu, grid, rotation_about
from core.regions.measured import measured
from matplotlib.path import Path
from phantom.stored_orders import stored_orders
from scipy.spatial import cKDTree

from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.outline.level import LevelOutline
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.regions.body import Cut, LevelBody
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.regions.plane_shapes import plane_shape, whole_outline
from LumbarHULib.files.protocol_file import load_protocol

CIRCLE = load_protocol("circle-200mm2-2025").protocol
RADIUS_MM = np.sqrt(200 / np.pi)

# In front of the axis, half an ellipse 20 mm deep, behind it one 13 mm deep: the centroid is in front of the axis, and
# also in front of the midline's middle, (20 − 13)/2.
D_SHAPED = FormulaBody(anterior_mm=20.0, posterior_mm=13.0)
CENTROID_Y_MM = 4 * (20 - 13) / (3 * np.pi)

GRIDS = {
    "upright": ((0.7, 0.7, 1.25), None, 0.0),
    "anisotropic": ((0.5, 0.8, 3.0), None, 0.0),
    "turned": ((0.7, 0.7, 1.25), rotation_about(2, 8), 0.0),
    "tilted": ((0.7, 0.7, 2.0), rotation_about(0, 12), 0.0),
    "sheared": ((0.7, 0.7, 2.0), None, 0.6),
}


def measured_circle(name: str, number: int):
    """Return the measured circle on a grid, in one of the orders of a file, and the integral over its shape."""
    spacing_mm, turn, shear_mm = GRIDS[name]
    shape, matrix = grid(spacing_mm, turn=turn, shear_mm=shear_mm)
    found = measured(CIRCLE, D_SHAPED, shape, matrix, None, *stored_orders()[number])
    stack = found.stack
    k = round(float(stack.slice_heights(np.zeros(3))))
    # The body's axis of centroids, where it meets the slice; a parallel projection keeps a centroid.
    plane = stack.ras_from_ijk[:3, 3] + k * stack.ras_from_ijk[:3, 2]
    normal = stack.normal_ras
    center = np.array([0.0, CENTROID_Y_MM, 0.0])
    center[2] = (normal @ plane - normal[1] * CENTROID_Y_MM) / normal[2]
    first = np.cross(normal, (0, 1, 0))
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    return found, ellipse_mean_hu(D_SHAPED, center, RADIUS_MM * first, RADIUS_MM * second)


@pytest.mark.parametrize("number", [0, 21, 42])
@pytest.mark.parametrize("name", GRIDS)
def test_the_mean_of_the_circle_is_the_integral_over_200_mm2_at_the_centroid(name, number):
    found, expected_hu = measured_circle(name, number)
    assert found.roi.mean_hu == pytest.approx(expected_hu, abs=0.5)
    k = round(float(found.stack.slice_heights(np.zeros(3))))
    slices = np.unique(np.argwhere(found.roi.mask.inside)[:, 0] + found.roi.mask.offset_kji[0])
    assert slices.tolist() == [k]
    assert found.roi.values["area_mm2"] == pytest.approx(200, rel=0.03)
    assert found.result.shapes.findings == ()


def test_a_circle_that_does_not_fit_is_measured_with_a_severe_finding():
    shape, matrix = grid((0.7, 0.7, 2.5))
    found = measured(CIRCLE, FormulaBody(half_width_mm=14, anterior_mm=7.8, posterior_mm=7.8), shape, matrix)
    (finding,) = found.result.shapes.findings
    assert (finding.code, finding.severity, finding.roi) == ("region_leaves_body", "severe", "circle_200mm2")
    # The radius of 200 mm² is 7.98 mm; the centroid is 7.8 mm from the nearest edge.
    assert "has a radius of 8.0 mm" in finding.sentence
    assert "is only 7.8 mm from the outline" in finding.sentence


def body_of(points_xy_mm, protocol) -> LevelBody:
    stack = upright_stack((0.5, 0.5, 2.5), (5, 140, 160), protocol)
    landmarks = UPRIGHT.landmarks(points_xy_mm)
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    outline = Outline(frame.to_uv_mm(landmarks.outline_ras_mm))
    boundary = boundary_from_markup(frame, None, outline, protocol.boundary)
    edge = LevelOutline(landmarks.outline_ras_mm, outline, True)
    return LevelBody(stack, landmarks, frame, edge, outline.polygon_uv_mm, boundary, protocol)


@pytest.mark.parametrize("form", [kidney(concavity_mm=5), lumpy(3), lumpy(8)], ids=["kidney", "lumpy 3", "lumpy 8"])
def test_the_circles_center_is_the_mean_of_the_points_inside_the_outline(form):
    points = control_points(form)
    body = body_of(points, CIRCLE)
    (region,) = CIRCLE.regions
    figures = plane_shape(region, body, Cut(body.frame, body.outline.curve)).figures
    x, y = np.meshgrid(np.arange(-26, 26, 0.31), np.arange(-22, 22, 0.29))
    cells = np.column_stack([x.ravel(), y.ravel()])
    inside = cells[Path(dense_spline(points)).contains_points(cells)]
    (center,) = body.frame.to_uv_mm(UPRIGHT.to_ras_mm(inside.mean(axis=0)[None]))
    assert (figures["center_u_mm"], figures["center_v_mm"]) == pytest.approx(tuple(center), abs=0.02)
    assert figures["radius_mm"] == pytest.approx(RADIUS_MM)


ERODED = Region("eroded", "eroded", "eroded", "mid_slice", parameters={"erosion_mm": 4.0})


@pytest.mark.parametrize("form", [kidney(concavity_mm=5), lumpy(3)], ids=["kidney", "lumpy"])
def test_the_eroded_outline_holds_the_points_that_far_from_the_curve(form):
    points = control_points(form)
    body = body_of(points, CIRCLE)
    shape = plane_shape(ERODED, body, Cut(body.frame, body.outline.curve))
    edge = dense_spline(points)
    x, y = np.meshgrid(np.arange(-26, 26, 0.37), np.arange(-22, 22, 0.41))
    cells = np.column_stack([x.ravel(), y.ravel()])
    depth = cKDTree(edge).query(cells)[0]
    depth[~Path(edge).contains_points(cells)] *= -1
    clear = np.abs(depth - 4.0) > 0.03
    cells_uv = body.frame.to_uv_mm(UPRIGHT.to_ras_mm(cells))
    in_shape = Path(shape.shapes.inner_outline_uv_mm).contains_points(cells_uv)
    assert np.array_equal(in_shape[clear], depth[clear] > 4.0)
    # Without erosion it is everything inside the outline.
    whole = Path(whole_outline(Cut(body.frame, body.outline.curve)).inner_outline_uv_mm).contains_points(cells_uv)
    assert np.array_equal(whole[np.abs(depth) > 0.03], depth[np.abs(depth) > 0.03] > 0)


def test_an_erosion_that_leaves_nothing_is_refused():
    region = Region("eroded", "eroded", "eroded", "mid_slice", parameters={"erosion_mm": 19.0})
    body = body_of(control_points(kidney(concavity_mm=5)), CIRCLE)
    with pytest.raises(InputError, match="No point of L3 is 19 mm inside its outline, as the eroded ROI must be"):
        plane_shape(region, body, Cut(body.frame, body.outline.curve))
