import numpy as np
import pytest
from core.builders import PROTOCOL, SUPERIOR_RAS, geometry, noise_ct, upright_stack

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline, nearest_slice
from LumbarHULib.core.landmarks import Landmarks

# Nine slices of 1.25 mm, the middle one (k = 4) at S = 0.
STACK = upright_stack()


def frame(anterior, posterior, stack=STACK, level="L2"):
    return frame_from_midline(stack, Landmarks(level, [anterior, posterior]), PROTOCOL.frame)


def refusal(anterior, posterior, stack=STACK) -> str:
    with pytest.raises(InputError) as caught:
        frame(anterior, posterior, stack)
    assert caught.value.level == "L2"
    assert "L2" in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def codes(of) -> list[str]:
    return [finding.code for finding in of.findings]


def test_the_axes_are_the_patients_left_front_and_head():
    of = frame((3, 17, 0), (3, -17, 0))
    np.testing.assert_allclose([of.u_ras, of.v_ras, of.normal_ras], [(-1, 0, 0), (0, 1, 0), (0, 0, 1)], atol=1e-12)
    np.testing.assert_allclose(of.to_uv_mm([(3, 17, 0), (3, -17, 0), (-7, 12, 0.4)]), [(0, 0), (0, -34), (10, -5)])
    assert (of.mid_slice, of.depth_mm, of.rotation_deg, of.findings) == (4, 34, 0, ())


@pytest.mark.parametrize("turn_deg", [-30, -8, 8, 30])
def test_a_turned_midline_turns_the_frame_and_tells_the_angle(turn_deg):
    # Positive toward the patient's left: the front end is at −R.
    turn = np.radians(turn_deg)
    front = 17 * np.array([-np.sin(turn), np.cos(turn), 0])
    of = frame(front, -front)
    assert of.rotation_deg == pytest.approx(turn_deg)
    np.testing.assert_allclose(of.u_ras, (-np.cos(turn), -np.sin(turn), 0), atol=1e-7)


def test_frame_points_come_back_and_pixels_lie_where_the_matrix_says():
    of = frame((3, 16, 1.3), (1, -17, 1.1))
    points = np.random.default_rng(0).normal(0, 20, (50, 2))
    np.testing.assert_allclose(of.to_uv_mm(of.to_ras_mm(points)), points, atol=1e-9)
    np.testing.assert_allclose(of.heights_mm(of.to_ras_mm(points)), 0, atol=1e-9)
    for i, j in ((0, 0), (159, 3), (80, 139)):
        ras = STACK.ras_from_ijk @ (i, j, of.mid_slice, 1)
        np.testing.assert_allclose(of.uv_from_ij @ (i, j, 1), of.to_uv_mm([ras[:3]])[0], atol=1e-9)
    np.testing.assert_allclose(of.midline_ras_mm, [(3, 16, 1.25), (1, -17, 1.25)], atol=1e-9)


def test_the_mid_slice_is_the_nearest_and_of_two_alike_the_more_caudal():
    for s_mm, k in ((0.0, 4), (0.62, 4), (0.625, 4), (0.626, 5), (-0.62, 4), (-0.625, 3), (-0.63, 3), (4.9, 8)):
        assert frame((0, 17, s_mm), (0, -17, s_mm)).mid_slice == k
    assert [nearest_slice(height) for height in (0.5, 1.5, 2.5, 3.4999, 3.5001, -0.5)] == [0, 1, 2, 3, 4, -1]
    # A reopened scene moves points by 1e-13 mm.
    assert nearest_slice(2.5 + 1e-9) == nearest_slice(2.5 - 1e-9) == 2


def test_a_tie_between_slices_goes_to_the_caudal_one_however_the_slices_are_stored():
    for direction in (1, -1):
        matrix = geometry()
        matrix[:3, 2] *= direction
        matrix[2, 3] *= direction
        stack = axial_stack(noise_ct(matrix), PROTOCOL.frame)
        of = frame((0, 17, 0.625), (0, -17, 0.625), stack)
        assert of.origin_ras_mm[2] == pytest.approx(0)


def test_a_reversed_midline_is_swapped_and_says_so():
    right, wrong = frame((2, 17, 0), (-1, -17, 0)), frame((-1, -17, 0), (2, 17, 0))
    np.testing.assert_array_equal(right.uv_from_ij, wrong.uv_from_ij)
    assert codes(right) == []
    assert [(finding.code, finding.severity) for finding in wrong.findings] == [("midline_reversed", "warning")]


def test_ends_in_two_slices_are_projected_along_the_normal_into_the_slice_nearest_to_their_mean():
    of = frame((2, 17, 2.5), (0, -17, -1.25))
    assert of.mid_slice == 4  # the mean is half a slice up: the more caudal slice
    np.testing.assert_allclose(of.midline_ras_mm, [(2, 17, 0), (0, -17, 0)], atol=1e-9)
    assert of.depth_mm == pytest.approx(np.hypot(2, 34))
    assert codes(of) == ["midline_in_two_slices"]
    assert "3.8 mm apart" in of.findings[0].sentence


def test_on_a_sheared_volume_ends_are_projected_along_the_normal_not_along_the_column():
    # Each slice is shifted by 0.9 mm to the front of the one below.
    directions = np.array([(-1, 0, 0), (0, -1, 0), (0, 0.9 / 1.25, 1)])
    of = frame((0, 17, 2.5), (0, -17, 0), axial_stack(noise_ct(geometry(directions=directions)), PROTOCOL.frame))
    assert of.mid_slice == 5
    np.testing.assert_allclose(of.midline_ras_mm, [(0, 17, 1.25), (0, -17, 1.25)], atol=1e-9)
    np.testing.assert_allclose(of.uv_per_slice_mm, (0, 0.9), atol=1e-9)


@pytest.mark.parametrize("tilt_deg", [-25, 12, 25])
def test_in_tilted_slices_the_frame_lies_in_the_slice(tilt_deg):
    tilt = np.radians(tilt_deg)
    front, up = np.array([0, np.cos(tilt), np.sin(tilt)]), np.array([0, -np.sin(tilt), np.cos(tilt)])
    stack = axial_stack(noise_ct(geometry(directions=[(-1, 0, 0), -front, up])), PROTOCOL.frame)
    of = frame(17 * front, -17 * front, stack)
    np.testing.assert_allclose([of.v_ras, of.normal_ras], [front, up], atol=1e-7)
    assert (of.depth_mm, codes(of)) == (pytest.approx(34), [])


@pytest.mark.parametrize(
    ("angle_deg", "refused"), [(44.9, False), (-44.9, False), (45.1, True), (-60, True), (90, True)]
)
def test_a_midline_more_than_45_degrees_off_anterior_is_refused(angle_deg, refused):
    front = 15 * np.array([np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg)), 0])
    if refused:
        assert f"is {abs(angle_deg):.0f}° off" in refusal(front, -front)
    else:
        assert frame(front, -front).depth_mm == pytest.approx(30)


def test_a_midline_that_is_too_short_too_long_or_a_point_is_refused_with_its_length():
    assert "is 14.9 mm long in its slice, too short" in refusal((0, 7.45, 0), (0, -7.45, 0))
    assert "is 60.2 mm long in its slice, too long" in refusal((0, 30.1, 0), (0, -30.1, 0))
    assert "coincide" in refusal((0, 5, 0), (0, 5, 0))
    # Along the normal there is nothing in the slice.
    assert "coincide" in refusal((0, 5, 2), (0, 5, -2))
    for half_mm in (7.5, 30.0):
        assert frame((0, half_mm, 0), (0, -half_mm, 0)).depth_mm == pytest.approx(2 * half_mm)


def test_a_midline_outside_the_ct_is_refused_with_how_far():
    assert "is 3.0 mm beyond the CT's last slice" in refusal((0, 17, 8), (0, -17, 8))
    assert "is 3.0 mm beyond the CT's last slice" in refusal((0, 17, -8), (0, -17, -8))
    # The field of view ends at A = 69 · 0.5 + half a pixel = 34.75 mm.
    assert frame((0, 34.7, 0), (0, 4.7, 0)).depth_mm == pytest.approx(30)
    assert "anterior end" in refusal((0, 36.75, 0), (0, 6.75, 0))
    assert "4.0 pixels outside" in refusal((0, 36.75, 0), (0, 6.75, 0))
    assert "posterior end" in refusal((0, -15, 0), (0, -45, 0))


@pytest.mark.parametrize("normal_down", [False, True])
def test_prone_and_flipped_storage_leave_left_and_front_where_the_header_says(normal_down):
    # Prone and feet first the scanner stores i toward the patient's right and j toward anterior, or k downward.
    directions = np.array([(1, 0, 0), (0, 1, 0), (0, 0, -1 if normal_down else 1)])
    stack = axial_stack(noise_ct(geometry(directions=directions)), PROTOCOL.frame)
    of = frame((0, 17, 0), (0, -17, 0), stack)
    np.testing.assert_allclose([of.u_ras, of.v_ras, of.normal_ras], [(-1, 0, 0), (0, 1, 0), SUPERIOR_RAS], atol=1e-12)
