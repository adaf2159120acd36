import numpy as np
import pytest
from core.builders import (
    PROTOCOL,
    UPRIGHT,
    Body,
    axis_extent,
    control_points,
    dense_spline,
    ellipse,
    kidney,
    upright_stack,
)

from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.outline.outline import Outline

STACK = upright_stack()
FORM = control_points(ellipse(23, 17))
FRONT, BACK = axis_extent(FORM)
DEPTH_MM = FRONT - BACK


def boundary(points_xy_mm=None, up_mm=(0, 0), body=UPRIGHT, form=FORM, midline_y_mm=None):
    landmarks = body.landmarks(form, midline_y_mm=midline_y_mm)
    frame = frame_from_midline(STACK, landmarks, PROTOCOL.frame)
    points = None if points_xy_mm is None else body.to_ras_mm(points_xy_mm) + np.outer(up_mm, (0, 0, 1))
    return boundary_from_markup(frame, points, Outline(frame.to_uv_mm(landmarks.outline_ras_mm)), PROTOCOL.boundary)


def line(fraction, angle_deg=0.0, half_mm=28.0, slide_mm=0.0):
    """Return handles of a line through the midline at a fraction of the depth, turned counterclockwise."""
    along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    place = np.array([0, FRONT - fraction * DEPTH_MM]) + slide_mm * along
    # Patient's right first: x counts to the left.
    return np.array([place - half_mm * along, place + half_mm * along])


def refusal(points_xy_mm) -> str:
    with pytest.raises(InputError) as caught:
        boundary(points_xy_mm)
    assert caught.value.level == "L3"
    assert "L3" in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def codes(of) -> list[str]:
    return [finding.code for finding in of.findings]


def test_the_protocols_line_is_at_two_thirds_with_handles_5_mm_outside_the_outline():
    of = boundary()
    y = FRONT - 2 / 3 * DEPTH_MM
    half_mm = 23 * np.sqrt(1 - (y / 17) ** 2) + 5
    np.testing.assert_allclose(of.points_ras_mm, [(half_mm, y, 0), (-half_mm, y, 0)], atol=0.02)
    assert (of.fraction, of.angle_deg) == (pytest.approx(2 / 3, abs=1e-7), pytest.approx(0, abs=1e-5))
    assert not of.moved
    assert of.findings == ()


def test_handles_are_outside_the_widest_part_of_an_outline_that_the_line_cuts_four_times():
    # The hollow at the back reaches to y = −4; the line is at −17 / 3, between two horns.
    form = control_points(kidney(23, 17, concavity_mm=13))
    of = boundary(form=form, midline_y_mm=(17, -17))
    curve = dense_spline(form)
    crossing = np.diff(np.sign(curve[:, 1] + 17 / 3), append=0)[:-1].nonzero()[0]
    assert len(crossing) == 4
    reach = curve[crossing, 0]
    np.testing.assert_allclose(of.points_ras_mm[:, 0], (-reach.min() + 5, -reach.max() - 5), atol=0.02)


def test_the_automatic_line_given_as_a_markup_was_not_moved():
    of = boundary()
    points_xy_mm = of.points_ras_mm[:, :2] * (-1, 1)
    assert not boundary(points_xy_mm).moved
    assert boundary(np.add(points_xy_mm, (0, 2e-4))).moved


@pytest.mark.parametrize(
    ("fraction", "reported"), [(0.6, True), (0.646, True), (0.648, False), (0.686, False), (0.688, True)]
)
def test_a_moved_line_is_measured_unchanged_and_gets_a_finding_beyond_the_tolerance(fraction, reported):
    of = boundary(line(fraction))
    assert of.fraction == pytest.approx(fraction, abs=1e-6)
    assert of.moved
    assert codes(of) == (["boundary_fraction"] if reported else [])
    assert not reported or f"at {fraction:.3f} of the depth; the protocol's is at 0.667" in of.findings[0].sentence


@pytest.mark.parametrize("angle_deg", [-44.9, -10.1, -9.9, 9.9, 10.1, 44.9])
def test_an_oblique_line_counts_where_it_crosses_the_midline_and_gets_a_finding_beyond_10_degrees(angle_deg):
    of = boundary(line(2 / 3, angle_deg, slide_mm=6))
    assert of.fraction == pytest.approx(2 / 3, abs=1e-6)
    assert of.angle_deg == pytest.approx(angle_deg, abs=1e-4)
    assert codes(of) == (["boundary_oblique"] if abs(angle_deg) > 10 else [])
    # The anterior side: it contains the midline's front end, not its back end; points of the line are on the edge.
    front, back, edge = (of.normal_uv @ uv - of.offset_mm for uv in ((0, 0), (0, -DEPTH_MM), (0, -2 / 3 * DEPTH_MM)))
    assert front > 0 > back
    assert edge == pytest.approx(0, abs=1e-5)
    assert np.linalg.norm(of.normal_uv) == pytest.approx(1)


def test_the_line_is_infinite_and_does_not_mind_the_order_or_the_height_of_its_ends():
    short = boundary(line(0.6, 20, half_mm=0.5, slide_mm=30))
    long = boundary(line(0.6, 20)[::-1], up_mm=(2.0, -3.0))
    assert short.fraction == pytest.approx(long.fraction, abs=1e-5)
    np.testing.assert_allclose(short.normal_uv, long.normal_uv, atol=1e-5)
    assert short.offset_mm == pytest.approx(long.offset_mm, abs=1e-4)


@pytest.mark.parametrize(("angle_deg", "reported"), [(45.2, 45), (-60, 60), (90, 90), (-90, 90), (120, 60)])
def test_a_line_more_than_45_degrees_off_is_refused_with_the_angle(angle_deg, reported):
    assert f"is {reported}° off the perpendicular" in refusal(line(0.5, angle_deg))


@pytest.mark.parametrize("fraction", [-0.3, 0.19, 0.96, 1.4])
def test_a_line_that_crosses_outside_the_limits_is_refused_with_the_fraction(fraction):
    assert f"at {fraction:.3f} of the depth, outside 0.2 to 0.95" in refusal(line(fraction))


def test_fractions_at_the_limits_are_measured():
    assert [boundary(line(fraction)).fraction for fraction in (0.2, 0.95)] == pytest.approx([0.2, 0.95], abs=1e-6)


def test_ends_that_coincide_are_refused():
    assert "coincide" in refusal([(3, 1), (3, 1)])


def test_an_outline_that_ends_before_two_thirds_of_the_depth_is_refused():
    landmarks = UPRIGHT.landmarks(FORM * (1, 0.5), midline_y_mm=(8.5, -25.5))
    frame = frame_from_midline(STACK, landmarks, PROTOCOL.frame)
    with pytest.raises(InputError, match="outline of L3 does not reach 67 % of its midline's depth"):
        boundary_from_markup(frame, None, Outline(frame.to_uv_mm(landmarks.outline_ras_mm)), PROTOCOL.boundary)


def test_a_line_never_changes_the_frame_of_a_turned_body():
    turn = np.radians(20)
    body = Body((3, -2, 0), (-np.cos(turn), -np.sin(turn), 0), (-np.sin(turn), np.cos(turn), 0))
    of = boundary(line(0.6, 5), body=body)
    assert (of.fraction, of.angle_deg) == (pytest.approx(0.6, abs=1e-6), pytest.approx(5, abs=1e-5))
