"""Clicks into bodies that bone bridges to their neighbors, and into low bodies with thin discs."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from placement.builders import (
    altered_stack,
    common_phantom,
    stack_of,
    study_protocol,
    voxels_in_vertebra_mm,
    whole_mask,
)

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spines import upright_spine
from LumbarHULib.placement.click_bodies import guess_from_click
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline

LEVEL = "L3"
BONE_HU = 500
OFFSETS_MM = ((1.0, -3.0, 2.0), (-2.0, 2.0, -3.0))


def middle(off_mm=(0.0, 0.0, 0.0)):
    return np.array(common_phantom().spec.vertebra(LEVEL).center_ras_mm) + off_mm


@lru_cache
def fused_stack(is_bridged):
    """Return the phantom with bone in L3's foramina, and optionally around its discs."""
    body = common_phantom().spec.vertebra(LEVEL)
    x_mm, y_mm, z_mm = voxels_in_vertebra_mm(LEVEL)
    behind_mm = -y_mm - body.depth_mm / 2
    bone = (np.abs(x_mm) > 7) & (np.abs(x_mm) < 24) & (behind_mm > -3) & (behind_mm < 16)
    bone &= np.abs(z_mm) < body.height_mm
    from_axis = np.hypot(x_mm / (body.width_mm / 2), y_mm / (body.depth_mm / 2))
    if is_bridged:
        above_endplate_mm = np.abs(z_mm) - body.height_mm / 2
        bone |= (from_axis > 1) & (from_axis < 1.25) & (y_mm > -5) & (above_endplate_mm > -3) & (above_endplate_mm < 14)
    return altered_stack(bone, BONE_HU)


@pytest.mark.parametrize("off_mm", OFFSETS_MM)
def test_a_body_with_bridged_discs_and_closed_foramina_is_placed_and_reported(off_mm):
    stack = fused_stack(is_bridged=True)
    guess = guess_from_click(stack, LEVEL, middle(off_mm), study_protocol())
    assert np.linalg.norm(guess.center_ras_mm - middle()) < 1.0
    proposal = propose_midline(stack, guess, study_protocol())
    assert "bridging_bone" in {finding.code for finding in proposal.findings}


def test_a_segment_of_a_bridged_body_gets_the_same_finding():
    stack = fused_stack(is_bridged=True)
    mask, ras_from_ijk = whole_mask(LEVEL), common_phantom().ras_from_ijk
    guess = guess_from_mask(LEVEL, mask, ras_from_ijk, stack, study_protocol())
    proposal = propose_midline(stack, guess, study_protocol())
    assert "bridging_bone" in {finding.code for finding in proposal.findings}


def test_a_bridged_body_whose_edges_are_too_faint_for_the_protocol_is_refused_for_the_bridge():
    protocol = study_protocol()
    strict = replace(protocol, placement=replace(protocol.placement, seen_min=1.0))
    with pytest.raises(InputError, match="bone bridges the discs and closes the foramina"):
        guess_from_click(fused_stack(is_bridged=True), LEVEL, middle(), strict)


def test_closed_foramina_without_a_bridge_are_no_sign_of_a_body():
    with pytest.raises(InputError, match="no pedicles with foramina below them"):
        guess_from_click(fused_stack(is_bridged=False), LEVEL, middle(), study_protocol())


def test_a_disc_next_to_bridged_bodies_is_refused():
    neighbor = np.array(common_phantom().spec.vertebra("L2").center_ras_mm)
    with pytest.raises(InputError, match=r"^The point of L3 is"):
        guess_from_click(fused_stack(is_bridged=True), LEVEL, (middle() + neighbor) / 2, study_protocol())


@lru_cache
def low_bodies(endplate_mm, neighbors_mm, disc_mm):
    """Return thin slices of three low bodies; the outer ones have thicker endplates than the body in the middle."""
    spec = upright_spine(("L2", LEVEL, "L4"), trunk=False, aorta=None, trabecular_hu=115.0)
    bodies = []
    for above, body in zip((1, 0, -1), spec.vertebrae, strict=True):
        bodies.append(
            replace(
                body,
                height_mm=22.5,
                width_mm=36.0,
                depth_mm=32.0,
                center_ras_mm=(0.0, 0.0, above * (22.5 + disc_mm)),
                endplate_concavity_mm=1.0,
                endplate_mm=neighbors_mm if above else endplate_mm,
                foramen=False,
            )
        )
    spec = replace(spec, vertebrae=tuple(bodies))
    field = {"field_of_view_mm": (90.0, 96.0, 84.0), "center_ras_mm": (0.0, -10.0, 0.0)}
    return stack_of(render(spec, 0.8, 1.0, noise_hu=15.0, noise_fwhm_mm=1.0, seed=5, **field))


@pytest.mark.parametrize("phantom", [(0.35, 0.9, 5.0), (0.3, 0.8, 4.5)])
@pytest.mark.parametrize("off_mm", OFFSETS_MM)
def test_denser_endplates_beyond_thin_discs_are_not_the_bodys(off_mm, phantom):
    guess = guess_from_click(low_bodies(*phantom), LEVEL, np.array(off_mm), study_protocol())
    assert abs(guess.center_ras_mm[2]) < 0.5
    # Between the endplates' middles; the concavity makes them 2 mm lower than the rims.
    assert guess.height_mm == pytest.approx(20.5, abs=1.0)


@lru_cache
def noisy_stack():
    """Return slices of 3 mm in which noise hides the endplates of low bodies: starts lead to different heights."""
    spec = upright_spine(("L2", LEVEL, "L4"), trunk=False, aorta=None, trabecular_hu=120.0)
    bodies = []
    for above, body in zip((1, 0, -1), spec.vertebrae, strict=True):
        size = {"height_mm": 19.0, "width_mm": 36.0, "depth_mm": 32.0, "endplate_concavity_mm": 1.0, "foramen": False}
        layer_mm = 0.8 if above else 0.45
        bodies.append(replace(body, center_ras_mm=(0.0, 0.0, above * 24.0), endplate_mm=layer_mm, **size))
    field = {"field_of_view_mm": (90.0, 96.0, 84.0), "center_ras_mm": (0.0, -10.0, 0.0)}
    phantom = render(replace(spec, vertebrae=tuple(bodies)), 0.8, 3.0, **field)
    noise_hu = np.random.default_rng(1).normal(0, 80, phantom.voxels_hu.shape)
    return stack_of(replace(phantom, voxels_hu=(phantom.voxels_hu + noise_hu).astype(np.int16)))


# Two of six random clicks: without the votes of several starts, they lead to the body and a disc together.
@pytest.mark.parametrize("off_mm", [(-1.9, 1.5, 1.1), (0.5, -4.2, -0.1)])
def test_noise_in_thick_slices_does_not_make_the_height_depend_on_the_click(off_mm):
    guess = guess_from_click(noisy_stack(), LEVEL, np.array(off_mm), study_protocol())
    assert abs(guess.center_ras_mm[2]) < 1.0
