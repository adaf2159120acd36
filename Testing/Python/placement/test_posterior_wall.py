"""The posterior wall is found from above and below where a wide foramen has opened it in the middle."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from placement.accuracy import clicks_in, proposal_from_click, random_case
from placement.builders import midline_errors, stack_of, study_protocol

from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import upright_spine
from LumbarHULib.placement import midline as placement_midline
from LumbarHULib.placement.body_box import BodyAxes
from LumbarHULib.placement.posterior_wall import posterior_wall_findings, wall_arc

PROTOCOL = study_protocol()


@lru_cache
def open_wall(slice_mm=2.5, size_mm=(20.0, 18.0, 5.0), **fields):
    """Return an L3 with a wall that is open over 20 by 18 mm, or another size, and its CT."""
    spec = upright_spine(("L2", "L3", "L4"), trunk=False, foramen_size_mm=size_mm, **fields)
    grid = axial_grid((0.0, -12.0, 0.0), (80.0, 80.0, 60.0), 0.8, slice_mm)
    phantom = render_on_grid(spec, grid, noise_hu=15.0, seed=7)
    return spec.vertebra("L3"), stack_of(phantom)


def wall_error_mm(vertebra, stack, off_mm=(0.0, 0.0, 0.0), deeper_mm=0.0, turned=lambda axes: axes) -> float:
    """Return the distance of the wall found at mid-height in front of the true one, from an inaccurate middle."""
    axes = turned(BodyAxes(vertebra.to_ras(off_mm), vertebra.axes_ras[2], vertebra.axes_ras[1]))
    height_mm = vertebra.height_mm - 2 * vertebra.endplate_concavity_mm
    arc = wall_arc(stack, axes, height_mm, vertebra.depth_mm + deeper_mm, PROTOCOL.outline)
    true_mm = axes.to_body_mm(vertebra.to_ras([[0.0, -vertebra.depth_mm / 2, 0.0]]))[0]
    return arc.y_mm(true_mm[2]) - true_mm[1]


@pytest.mark.parametrize("slice_mm", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("trabecular_hu", [40.0, 200.0])
def test_the_open_wall_is_found_in_thin_and_thick_slices_and_in_bone_of_any_density(slice_mm, trabecular_hu):
    # In dense bone the foramen's own border is a strong edge, 5 mm before the wall.
    vertebra, stack = open_wall(slice_mm, trabecular_hu=trabecular_hu, tilt_deg=6, rotation_deg=5)
    assert abs(wall_error_mm(vertebra, stack)) < 1.0


@pytest.mark.parametrize("off_mm", [(0.0, 3.0, 0.0), (0.0, -3.0, 0.0), (0.5, 0.0, 2.0), (-0.5, 0.0, -2.0)])
@pytest.mark.parametrize("deeper_mm", [-3.0, 3.0])
def test_the_wall_is_found_from_an_inaccurate_middle_and_depth(off_mm, deeper_mm):
    vertebra, stack = open_wall()
    assert abs(wall_error_mm(vertebra, stack, off_mm, deeper_mm)) < 1.0


def test_the_lamina_is_not_mistaken_for_the_wall_when_a_click_makes_the_body_seem_too_deep():
    case = random_case(860091)
    click = clicks_in(case, "L2", 1)[0]
    midline = proposal_from_click(case, "L2", click).midline_ras_mm
    assert midline_errors(midline, case.phantom.spec.vertebra("L2"), case.stack)[1] < 1.0


@pytest.mark.parametrize("leaning", [-0.1, 0.1])
def test_the_wall_is_found_along_axes_that_lean(leaning):
    vertebra, stack = open_wall()

    def turned(axes):
        return axes.turned(axes.up_ras + leaning * axes.anterior_ras, axes.anterior_ras)

    assert abs(wall_error_mm(vertebra, stack, turned=turned)) < 1.0


def test_without_a_visible_wall_the_expected_position_is_used():
    vertebra, stack = open_wall()
    stack = replace(stack, voxels_hu=np.full_like(stack.voxels_hu, 100))
    assert wall_error_mm(vertebra, stack) == pytest.approx(0.0, abs=0.3)


def midline_of(vertebra, stack):
    """Return the midline found in the slice at the true middle."""
    axes = BodyAxes(vertebra.to_ras((0.0, 0.0, 0.0)), vertebra.axes_ras[2], vertebra.axes_ras[1])
    height_mm = vertebra.height_mm - 2 * vertebra.endplate_concavity_mm
    mid_slice = round(float(stack.slice_heights(axes.center_ras_mm)))
    return placement_midline.midline_in_slice(
        stack, axes, height_mm, vertebra.depth_mm, vertebra.level, mid_slice, PROTOCOL
    )


@pytest.mark.parametrize(("size_mm", "is_seen"), [((20.0, 18.0, 5.0), True), ((24.0, 40.0, 5.0), False)])
def test_a_wall_open_over_the_whole_height_of_dense_bone_is_reported_as_a_guess(size_mm, is_seen):
    found = midline_of(*open_wall(1.0, size_mm, trabecular_hu=160.0))
    (finding,) = posterior_wall_findings("L3", found.seen, found.wall, PROTOCOL.placement)
    assert finding.severity == ("warning" if is_seen else "severe")
    assert ("this end was placed from the wall above and below" in finding.sentence) == is_seen


def test_failed_attempts_at_the_front_do_not_move_the_posterior_end(monkeypatch):
    vertebra, stack = open_wall(1.0, (24.0, 40.0, 5.0), trabecular_hu=160.0)
    tries = placement_midline._TRIES_MM
    without = midline_of(vertebra, stack)
    monkeypatch.setattr(placement_midline, "_TRIES_MM", (tries[0], *3 * [(30, 0)], *tries[1:]))
    assert np.array_equal(midline_of(vertebra, stack).ends_ras_mm, without.ends_ras_mm)
