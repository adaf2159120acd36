"""Proposed midlines are where a perfect reader would place them, and doubtful ones get findings."""

from dataclasses import replace

import numpy as np
import pytest
from placement.builders import (
    altered_stack,
    common_phantom,
    common_stack,
    midline_errors,
    stack_of,
    study_protocol,
    voxels_in_vertebra_mm,
    whole_mask,
)
from placement.phantom_masks import coarse, holed, ragged, vertebra_mask

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spec import VesselSpec
from LumbarHULib.phantom.spines import lumbar_spine, upright_spine
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.click_bodies import guess_from_click
from LumbarHULib.placement.even_outline import evened_midline
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline

PROTOCOL = study_protocol()


def proposed(level, mask, phantom=None, stack=None):
    phantom, stack = phantom or common_phantom(), stack or common_stack()
    return propose_midline(stack, guess_from_mask(level, mask, phantom.ras_from_ijk, stack, PROTOCOL), PROTOCOL)


def codes(proposal):
    return [finding.code for finding in proposal.findings]


@pytest.mark.parametrize("kind", [lambda mask: mask, ragged, holed, lambda mask: coarse(mask, (1, 4, 4))])
def test_a_midline_lies_at_mid_height_in_the_plane_of_symmetry_from_edge_to_edge(kind):
    proposal = proposed("L3", kind(whole_mask("L3")))
    height_mm, ends_mm, turned_deg = midline_errors(
        proposal.midline_ras_mm, common_phantom().spec.vertebra("L3"), common_stack()
    )
    assert height_mm < common_stack().slice_spacing_mm / 2 + 0.5
    assert ends_mm < 0.8
    assert abs(turned_deg) < 1
    assert proposal.landmarks.origin.kind == "proposal_accepted"


def test_a_good_mask_in_a_good_ct_has_no_findings_but_ambiguity():
    assert set(codes(proposed("L3", whole_mask("L3")))) <= {"mid_slice_ambiguous"}


@pytest.mark.parametrize("off_mm", [(4, 0, 0), (0, 4, 0), (0, 0, 2.5), (-3, -3, 2)])
@pytest.mark.parametrize("turned_deg", [-12, 0, 12])
def test_a_rough_guess_is_enough(off_mm, turned_deg):
    vertebra = common_phantom().spec.vertebra("L3")
    angle = np.radians(turned_deg)
    guess = BodyGuess(
        level="L3",
        center_ras_mm=vertebra.to_ras(off_mm),
        up_ras=vertebra.axes_ras[2],
        anterior_ras=np.cos(angle) * vertebra.axes_ras[1] + np.sin(angle) * vertebra.axes_ras[0],
        height_mm=26.0,
        depth_mm=36.0,
        width_mm=44.0,
    )
    height_mm, ends_mm, found_deg = midline_errors(
        propose_midline(common_stack(), guess, PROTOCOL).midline_ras_mm, vertebra, common_stack()
    )
    assert height_mm < common_stack().slice_spacing_mm / 2 + 1
    assert ends_mm < 1
    assert abs(found_deg) < 1


def test_a_spine_between_two_slices_reports_the_values_of_the_other_slice():
    spec = upright_spine(("L2", "L3", "L4"), trunk=False, trabecular_gradient_hu_per_mm=(0.0, 0.0, 4.0))
    grid = axial_grid((0.0, -12.0, 0.0), (100.0, 96.0, 130.0), 0.8, 2.5)
    phantom = render_on_grid(spec, grid)
    assert grid.slice_of(np.zeros(3)) % 1 == 0.5
    stack = stack_of(phantom)
    proposal = proposed("L3", vertebra_mask(spec.vertebra("L3"), grid), phantom, stack)
    reported = [finding for finding in proposal.findings if finding.code == "mid_slice_ambiguous"]
    assert len(reported) == 1
    assert reported[0].severity == "warning"
    # The gradient of 4 HU/mm makes 10 HU from slice to slice.
    sign = "+" if midline_height(proposal) < 0 else "-"
    assert f"oval {sign}1" in reported[0].sentence or f"oval {sign}9." in reported[0].sentence


def test_two_slices_with_similar_values_give_a_note():
    spec = upright_spine(("L2", "L3", "L4"), trunk=False)
    grid = axial_grid((0.0, -12.0, 0.0), (100.0, 96.0, 130.0), 0.8, 2.5)
    phantom = render_on_grid(spec, grid)
    proposal = proposed("L3", vertebra_mask(spec.vertebra("L3"), grid), phantom, stack_of(phantom))
    assert [(finding.code, finding.severity) for finding in proposal.findings] == [("mid_slice_ambiguous", "note")]


@pytest.mark.parametrize(("above_halfway_mm", "is_caudal"), [(0.0, True), (0.08, True), (-0.1, True), (1.2, False)])
def test_on_a_tie_of_two_slices_mask_and_click_take_the_more_caudal_and_say_so(above_halfway_mm, is_caudal):
    spec = upright_spine(("L2", "L3", "L4"), trunk=False, rotation_deg=5)
    grid = axial_grid((0.0, -12.0, -above_halfway_mm), (100.0, 96.0, 130.0), 0.8, 2.5)
    assert grid.slice_of(np.zeros(3)) % 1 == pytest.approx(0.5 + above_halfway_mm / 2.5)
    phantom = render_on_grid(spec, grid, noise_hu=15, noise_fwhm_mm=1.0, seed=3)
    stack = stack_of(phantom)
    from_mask = proposed("L3", vertebra_mask(spec.vertebra("L3"), grid), phantom, stack)
    from_click = propose_midline(stack, guess_from_click(stack, "L3", np.array([2.0, -1.0, 3.0]), PROTOCOL), PROTOCOL)
    for proposal in (from_mask, from_click):
        assert (midline_height(proposal) < 0) == is_caudal
        assert "mid_slice_ambiguous" in codes(proposal) or not is_caudal


def midline_height(proposal) -> float:
    return float(proposal.midline_ras_mm[:, 2].mean())


def test_a_spine_in_the_middle_of_a_slice_is_not_ambiguous():
    spec = upright_spine(("L2", "L3", "L4"), trunk=False)
    grid = axial_grid((0.0, -12.0, 0.0), (100.0, 96.0, 132.5), 0.8, 2.5)
    phantom = render_on_grid(spec, grid)
    assert grid.slice_of(np.zeros(3)) % 1 == 0
    assert codes(proposed("L3", vertebra_mask(spec.vertebra("L3"), grid), phantom, stack_of(phantom))) == []


@pytest.mark.parametrize("end", ["upper", "lower"])
def test_a_truncated_mask_is_reported_and_the_ct_is_used(end):
    vertebra = common_phantom().spec.vertebra("L3")
    _, _, z_mm = voxels_in_vertebra_mm("L3")
    mask = whole_mask("L3") & (z_mm < 7 if end == "upper" else z_mm > -7)
    proposal = proposed("L3", mask)
    assert codes(proposal)[:1] == ["mask_and_ct_disagree"]
    assert f"The {end} endplate of L3" in proposal.findings[0].sentence
    assert "mid-height was taken from the CT" in proposal.findings[0].sentence
    height_mm, ends_mm, _ = midline_errors(proposal.midline_ras_mm, vertebra, common_stack())
    assert height_mm < common_stack().slice_spacing_mm / 2 + 1
    assert ends_mm < 1


def test_dissimilar_sides_get_a_finding():
    x_mm, y_mm, z_mm = voxels_in_vertebra_mm("L3")
    # As if one side were fused and hardened from the body to the lamina.
    hardened = (np.abs(x_mm - 14) < 8) & (y_mm < 8) & (y_mm > -55) & (np.abs(z_mm) < 24)
    assert "symmetry_doubtful" in codes(proposed("L3", whole_mask("L3"), stack=altered_stack(hardened, 900)))


def test_endplates_invisible_in_the_ct_get_a_finding_and_the_segment_is_used():
    vertebra = common_phantom().spec.vertebra("L3")
    _, _, z_mm = voxels_in_vertebra_mm("L3")
    gone = np.abs(np.abs(z_mm) - vertebra.height_mm / 2 + 1) < 5
    stack = altered_stack(gone, 100)
    proposal = proposed("L3", whole_mask("L3"), stack=stack)
    assert "endplates_not_seen" in codes(proposal)
    assert midline_errors(proposal.midline_ras_mm, vertebra, stack)[0] < stack.slice_spacing_mm / 2 + 1


def test_a_missing_side_is_bridged_and_an_uneven_outline_is_reported_and_kept():
    vertebra = common_phantom().spec.vertebra("L3")
    x_mm, y_mm, z_mm = voxels_in_vertebra_mm("L3")
    from_axis = np.hypot(x_mm / (vertebra.width_mm / 2), y_mm / (vertebra.depth_mm / 2))
    gone = (np.abs(z_mm) < 10) & (from_axis > 0.75) & (from_axis < 1.3) & (x_mm > 11)
    stack = altered_stack(gone, 100)
    assert "outline_uneven" not in codes(proposed("L3", whole_mask("L3"), stack=stack))
    midline = common_phantom().truth["L3"].midline_ras_mm
    kept, (finding,) = evened_midline(stack, "L3", midline, PROTOCOL.with_values(placement_uneven_mm=0.0))
    assert finding.code == "outline_uneven"
    assert np.array_equal(kept, midline)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_posterior_wall_open_between_the_pedicles_gets_a_finding(is_open):
    opening = {"foramen_size_mm": (20.0, 18.0, 5.0)} if is_open else {}
    spec = upright_spine(("L2", "L3", "L4"), trunk=False, **opening)
    phantom = render_on_grid(spec, axial_grid((0.0, -12.0, 0.0), (100.0, 96.0, 132.5), 0.8, 2.5))
    proposal = proposed("L3", vertebra_mask(spec.vertebra("L3"), phantom.grid), phantom, stack_of(phantom))
    assert ("posterior_wall_not_seen" in codes(proposal)) == is_open
    assert midline_errors(proposal.midline_ras_mm, spec.vertebra("L3"), stack_of(phantom))[1] < (1 if is_open else 0.5)


def test_four_levels_with_lordosis_and_contrast_measure_what_true_midlines_do():
    spec = lumbar_spine(
        ("L1", "L2", "L3", "L4", "L5"),
        table=False,
        rotation_deg={"L1": 9, "L2": 5, "L3": 0, "L4": -6, "L5": -3},
        aorta=VesselSpec(radius_mm=10.0, hu=320.0, angle_deg=62.0, gap_mm=-0.5, plaque_hu=700.0),
    )
    phantom = render_on_grid(spec, axial_grid((0, -12, 0), (100, 100, 200), 1.0, 2.5), noise_hu=15, seed=77)
    stack, noise_free = stack_of(phantom), stack_of(replace(phantom, voxels_hu=phantom.noise_free_hu))
    for level in ("L1", "L2", "L3", "L4"):
        vertebra = spec.vertebra(level)
        proposal = proposed(level, ragged(vertebra_mask(vertebra, phantom.grid)), phantom, stack)
        height_mm, ends_mm, turned_deg = midline_errors(proposal.midline_ras_mm, vertebra, stack)
        assert height_mm < 1.25 + 1
        assert ends_mm < 1
        assert abs(turned_deg) < 1.5
        true = replace(proposal.landmarks, midline_ras_mm=phantom.truth[level].midline_ras_mm)
        measured, expected = (measure_level(noise_free, one, PROTOCOL) for one in (proposal.landmarks, true))
        for roi in measured.rois:
            assert abs(measured.rois[roi].values["mean_hu"] - expected.rois[roi].values["mean_hu"]) < 2


def test_a_guess_outside_a_body_gives_no_midline():
    guess = BodyGuess("L3", np.array([45.0, 25.0, 0.0]), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), 27, 34, 46)
    with pytest.raises(InputError, match="L3"):
        propose_midline(common_stack(), guess, PROTOCOL)
