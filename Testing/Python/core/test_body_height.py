"""The body that contains a midline, and the structures behind it, on a phantom of known heights."""

from dataclasses import replace

import numpy as np
import pytest
from placement.builders import (
    COMMON_SPEC,
    altered_stack,
    common_phantom,
    common_stack,
    study_protocol,
    voxels_in_vertebra_mm,
)

from LumbarHULib.core.body_height import body_height
from LumbarHULib.core.posterior_arch import posterior_arch

L3 = COMMON_SPEC.vertebra("L3")
SIZE_MM = L3.depth_mm, L3.width_mm


def at_height(above_mm, stack=None):
    """Return the body around a midline's middle so far above that of L3, along its axis."""
    _, anterior, up = L3.axes_ras
    middle = np.array(L3.center_ras_mm) + above_mm * up
    return body_height(stack or common_stack(), "L3", middle, anterior, SIZE_MM, study_protocol())


def off_mm(found):
    """Return how far the middle that was found is above the true one."""
    return float((found.endplates.middle_ras_mm - L3.center_ras_mm) @ L3.axes_ras[2])


@pytest.mark.parametrize("above_mm", [-11.0, -8.0, -4.0, 0.0, 4.0, 8.0, 11.0])
def test_a_midline_anywhere_in_a_body_gets_its_true_distance_from_mid_height(above_mm):
    found = at_height(above_mm)
    assert abs(off_mm(found)) < 1.0
    assert found.is_clear
    # Endplates are hollow: in their middle the body is lower than at its rims.
    assert found.inside_mm == pytest.approx(found.endplates.height_mm / 2 - abs(above_mm), abs=1.5)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_midline_in_a_disc_is_in_no_body(side):
    neighbor = common_phantom().spec.vertebra("L2" if side > 0 else "L4")
    between_mm = np.linalg.norm(np.subtract(neighbor.center_ras_mm, L3.center_ras_mm)) / 2
    assert at_height(side * between_mm).inside_mm < 0


def test_a_midline_in_a_disc_is_outside_for_certain():
    neighbor = common_phantom().spec.vertebra("L2")
    between_mm = np.linalg.norm(np.subtract(neighbor.center_ras_mm, L3.center_ras_mm)) / 2
    assert not at_height(between_mm).may_be_other


@pytest.mark.parametrize("above_mm", [-11.0, -8.0, 8.0, 11.0])
def test_a_midline_in_a_body_with_fused_foramina_is_not_called_outside(above_mm):
    x, y, z = voxels_in_vertebra_mm("L3")
    is_beside_canal = (np.abs(x) > 7) & (np.abs(x) < 24) & (y < 3 - L3.depth_mm / 2) & (y > -16 - L3.depth_mm / 2)
    found = at_height(above_mm, altered_stack(is_beside_canal & (np.abs(z) < L3.height_mm), 500))
    assert found.inside_mm < 0  # of the neighbor
    assert found.may_be_other


@pytest.mark.parametrize("above_mm", [24.0, 28.0])
def test_a_midline_in_a_body_that_the_scan_cuts_off_is_not_called_outside(above_mm):
    # The body of L2 begins some 23 mm above the middle of L3, and the scan ends within it.
    stack = common_stack()
    last = stack.slice_heights(np.array(L3.center_ras_mm) + (above_mm + 8) * L3.axes_ras[2])
    found = at_height(above_mm, replace(stack, voxels_hu=stack.voxels_hu[: int(last) + 1]))
    assert found.inside_mm < 0
    assert found.may_be_other


def arch_behind(above_mm=0.0, forward_mm=0.0, height_mm=None):
    _, anterior, up = L3.axes_ras
    center = np.array(L3.center_ras_mm) + above_mm * up + forward_mm * anterior
    return posterior_arch(common_stack(), center, up, anterior, height_mm or L3.height_mm, L3.depth_mm)


def test_pedicles_foramina_and_canal_are_behind_a_body():
    assert arch_behind().is_of_vertebra(study_protocol().placement)


def test_they_are_not_behind_a_disc():
    assert not arch_behind(above_mm=L3.height_mm / 2 + 4, height_mm=10.0).is_of_vertebra(study_protocol().placement)


def test_they_are_not_behind_structures_in_front_of_a_body():
    assert not arch_behind(forward_mm=L3.depth_mm).is_of_vertebra(study_protocol().placement)


def test_nothing_is_said_where_the_scan_ends():
    assert arch_behind(above_mm=500.0) is None
