import numpy as np
import pytest
from core.builders import (
    PROTOCOL,
    UPRIGHT,
    SignedDistance,
    control_points,
    dense_spline,
    dumbbell,
    ellipse,
    kidney,
    lumpy,
    upright_stack,
)

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.outline.outline import Outline, outline_from_markup, round_to_positions

POINTS_XY_MM = control_points(ellipse())
STACK = upright_stack()
FRAME = frame_from_midline(STACK, UPRIGHT.landmarks(POINTS_XY_MM), PROTOCOL.frame)


def outline_of(points_xy_mm, up_mm=0.0):
    points = UPRIGHT.to_ras_mm(points_xy_mm) + np.array([0, 0, 1]) * np.reshape(up_mm, (-1, 1))
    return outline_from_markup(STACK.slice_spacing_mm, FRAME, points, PROTOCOL.outline)


def refusal(points_xy_mm, up_mm=0.0) -> str:
    with pytest.raises(InputError) as caught:
        outline_of(points_xy_mm, up_mm)
    assert caught.value.level == "L3"
    assert str(caught.value).startswith("The outline of L3 ")
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("form", [ellipse(), kidney(), lumpy(2)])
@pytest.mark.parametrize("step", [1, -1])
def test_the_polygon_runs_counterclockwise_along_the_spline_whichever_way_it_was_drawn(form, step):
    points = control_points(form)[::step]
    polygon = Outline(points).polygon_uv_mm
    x, y = polygon.T
    assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0
    assert np.abs(SignedDistance(dense_spline(points))(polygon)).max() < 0.01


@pytest.mark.parametrize("step", [1, -1])
def test_normals_point_inward_with_length_one_at_right_angles_to_the_curve(step):
    outline = Outline(control_points(ellipse(23, 17))[::step])
    x, y = outline.polygon_uv_mm.T
    inward = -np.column_stack([x / 23**2, y / 17**2])
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(outline.inward_normals, axis=1), 1)
    assert (inward * outline.inward_normals).sum(axis=1).min() > np.cos(np.radians(0.5))


def test_an_outline_in_the_midlines_slice_is_taken_without_findings():
    outline, findings = outline_of(POINTS_XY_MM)
    assert findings == ()
    # In the frame the origin is the midline's anterior end, on the outline.
    np.testing.assert_allclose(
        outline.control_points_uv_mm + FRAME.to_uv_mm([(0, 0, 0)]) * [0, -1], POINTS_XY_MM, atol=1e-6
    )


@pytest.mark.parametrize("up_mm", [0.62, -0.62])
def test_an_outline_within_half_a_slice_is_projected_along_the_normal(up_mm):
    np.testing.assert_allclose(
        outline_of(POINTS_XY_MM, up_mm)[0].control_points_uv_mm,
        outline_of(POINTS_XY_MM)[0].control_points_uv_mm,
        atol=1e-9,
    )


@pytest.mark.parametrize("up_mm", [0.7, -0.7, 2.5, -40])
def test_an_outline_in_another_slice_is_refused_with_how_far(up_mm):
    assert f"is in another slice, {abs(up_mm):.1f} mm from" in refusal(POINTS_XY_MM, up_mm)


def test_an_outline_of_which_one_point_lies_in_another_slice_is_refused():
    up_mm = np.zeros(24)
    up_mm[7] = -1.5
    assert "is in another slice, 1.5 mm from" in refusal(POINTS_XY_MM, up_mm)


def test_an_outline_that_crosses_itself_is_refused():
    twisted = POINTS_XY_MM.copy()
    twisted[[5, 6]] = twisted[[6, 5]]
    assert "crosses itself" in refusal(twisted)
    assert "crosses itself" in refusal(POINTS_XY_MM[np.arange(24) * 5 % 24])


@pytest.mark.parametrize("shift", [(60, 0), (0, 40), (-30, -30)])
def test_an_outline_elsewhere_is_refused(shift):
    assert "does not enclose the midpoint of its midline" in refusal(POINTS_XY_MM + shift)


def test_an_outline_of_one_point_over_and_over_is_refused():
    refusal(np.zeros((8, 2)) + 3)


def test_an_outline_far_from_a_midline_end_gets_a_finding_with_the_gap_and_the_end():
    _, findings = outline_of(POINTS_XY_MM - (0, 5))
    assert [finding.code for finding in findings] == ["midline_off_outline"] * 2
    assert "The anterior end of L3's midline is 5.0 mm from its outline" in findings[0].sentence
    assert "The posterior end" in findings[1].sentence
    assert outline_of(POINTS_XY_MM - (0, 1.9))[1] == ()


def test_a_dumbbell_is_an_outline_like_any_other():
    assert outline_of(control_points(dumbbell(6), 32) * (1, 17 / 24))[1] == ()


def test_the_computed_outline_is_rounded_like_a_markup():
    points = round_to_positions(FRAME, np.random.default_rng(0).normal(0, 10, (24, 2)))
    np.testing.assert_array_equal(points, np.round(points, 6))
    assert not np.signbit(points[points == 0]).any()
