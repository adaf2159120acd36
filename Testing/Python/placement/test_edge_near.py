"""The edge near a click: on the true surface of a phantom's body, along the line alone, and none where none is."""

import numpy as np
import pytest
from placement.builders import altered_stack, common_phantom, common_stack, study_protocol, voxels_in_vertebra_mm

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.placement.edge_near import REACH_MM, edge_near

ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])
ACCURACY_MM = 0.35  # half a pixel


def true_ends(level):
    """Return the true midline, and its direction to the front."""
    front, back = common_phantom().truth[level].midline_ras_mm
    return front, back, (front - back) / np.linalg.norm(front - back)


@pytest.mark.parametrize("level", ["L2", "L3", "L4"])
@pytest.mark.parametrize("off_mm", [-2.4, -1.0, 0.0, 1.0, 2.4])
def test_a_point_near_the_front_edge_is_moved_onto_it(level, off_mm):
    front, _back, forward = true_ends(level)
    found = edge_near(common_stack(), front + off_mm * forward, forward, study_protocol().outline)
    assert abs((found - front) @ forward) < ACCURACY_MM


@pytest.mark.parametrize("level", ["L2", "L3", "L4"])
def test_the_point_is_moved_along_the_line_alone(level):
    front, _back, forward = true_ends(level)
    outward = ANTERIOR_RAS + np.array([0.2, 0.0, 0.4])
    point = front + 1.5 * forward
    moved = edge_near(common_stack(), point, outward, study_protocol().outline) - point
    in_slice = outward - (outward @ common_stack().normal_ras) * common_stack().normal_ras
    assert np.linalg.norm(np.cross(moved, in_slice)) < 1e-9
    assert 0.0 < np.linalg.norm(moved) < REACH_MM


def test_a_body_whose_voxels_are_stored_in_another_order_has_the_same_edge():
    front, _back, forward = true_ends("L3")
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = np.array(common_phantom().voxels_hu.shape[:0:-1]) - 1.0
    flipped = CtVolume(common_phantom().voxels_hu[:, ::-1, ::-1], common_phantom().ras_from_ijk @ flip)
    other = edge_near(axial_stack(flipped, study_protocol().frame), front + forward, forward, study_protocol().outline)
    np.testing.assert_allclose(
        other, edge_near(common_stack(), front + forward, forward, study_protocol().outline), atol=1e-6
    )


def test_no_edge_is_found_inside_the_bone_beyond_the_reach_or_outside_the_ct():
    front, back, forward = true_ends("L3")
    for point in ((front + back) / 2, front + (REACH_MM + 1.5) * forward, front + 500.0 * forward):
        assert edge_near(common_stack(), point, forward, study_protocol().outline) is None
    far_up = front + np.array([0.0, 0.0, 500.0])
    assert edge_near(common_stack(), far_up, forward, study_protocol().outline) is None
    assert edge_near(common_stack(), front, common_stack().normal_ras, study_protocol().outline) is None


def test_the_border_of_soft_tissue_and_fat_is_no_edge_of_a_body():
    front, _back, forward = true_ends("L3")
    x_mm, y_mm, z_mm = voxels_in_vertebra_mm("L3")
    depth_mm = common_phantom().spec.vertebra("L3").depth_mm
    in_front = (np.abs(x_mm) < 25) & (np.abs(z_mm) < 15) & (y_mm > depth_mm / 2 + 6)
    stack = altered_stack(in_front & (y_mm < depth_mm / 2 + 12), 40)
    point = front + 12.0 * forward
    assert edge_near(stack, point, -forward, study_protocol().outline) is None, "posterior is outside"
    assert edge_near(stack, point, forward, study_protocol().outline) is None, "anterior is outside"
