"""The mid-height of a body by its endplates, on a phantom of known heights."""

import numpy as np
import pytest
from placement.builders import COMMON_SPEC, common_phantom, common_stack, study_protocol

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import Composer
from LumbarHULib.placement.body_middle import body_middle_near, midline_at_mid_height

CENTERS = {level: np.array(COMMON_SPEC.vertebra(level).center_ras_mm) for level in ("L2", "L3", "L4")}
NEAR_MM = 2.0


def measured(level, above_mm=0.0):
    """Measure a level whose true midline is moved along the slice normal."""
    midline = common_phantom().truth[level].midline_ras_mm + np.array([0.0, 0.0, above_mm])
    return Composer().measure_level(common_stack(), Landmarks(level, midline), study_protocol())


@pytest.mark.parametrize("off_mm", [-9.0, -4.0, 0.0, 4.0, 9.0])
def test_a_body_is_found_at_mid_height_where_it_is_expected_only_roughly(off_mm):
    expected = CENTERS["L3"] + np.array([0.0, 0.0, off_mm])
    found = body_middle_near(common_stack(), "L3", expected, measured("L2"), study_protocol())
    assert np.linalg.norm(found - CENTERS["L3"]) < NEAR_MM


def test_the_neighbor_itself_is_not_taken_for_the_level():
    expected = CENTERS["L2"] + np.array([0.0, 0.0, -6.0])
    assert np.array_equal(body_middle_near(common_stack(), "L3", expected, measured("L2"), study_protocol()), expected)


def test_where_no_body_is_visible_the_expected_point_stays():
    expected = CENTERS["L3"] + np.array([0.0, 70.0, 0.0])  # in the soft tissue in front
    assert np.array_equal(body_middle_near(common_stack(), "L3", expected, measured("L2"), study_protocol()), expected)


@pytest.mark.parametrize("above_mm", [-6.0, 6.0])
def test_a_midline_that_is_too_high_or_too_low_moves_to_mid_height_and_keeps_its_shape(above_mm):
    level = measured("L3", above_mm)
    moved = midline_at_mid_height(common_stack(), level, study_protocol())
    assert moved[0] - moved[1] == pytest.approx(level.midline_ras_mm[0] - level.midline_ras_mm[1], abs=1e-9)
    truth = common_phantom().truth["L3"].midline_ras_mm
    assert moved == pytest.approx(truth, abs=NEAR_MM)
    heights = common_stack().slice_heights(moved)
    assert heights == pytest.approx(np.round(heights), abs=1e-6)


def test_a_midline_at_an_endplate_is_not_moved_into_either_body():
    with pytest.raises(InputError, match="Mid-height of L3 is unknown"):
        midline_at_mid_height(common_stack(), measured("L3", 15.0), study_protocol())


def test_a_midline_at_mid_height_is_not_moved():
    with pytest.raises(InputError, match="L3 is in the slice at mid-height already"):
        midline_at_mid_height(common_stack(), measured("L3"), study_protocol())
