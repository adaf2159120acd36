"""How sure a number is: held against closed forms on gradients, and against the plain pipeline at moved midlines."""

from dataclasses import replace

import numpy as np
import pytest
from core.builders import PROTOCOL, UPRIGHT, circle, control_points, cutoff_table, geometry, kidney, noise_ct
from core.test_patient import level as level_of_mean

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.patient import summarize
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.results import PlacementTrials
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.core.sensitivity import displacements, placement_trials, roi_placement
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spines import upright_spine

RADIUS_MM, SHAPE_KJI, SPACING_MM = 20.0, (15, 140, 160), (0.5, 0.5, 1.25)
MANY = PROTOCOL.with_values(placement_trials=800)


def gradient_stack(gradient_hu_per_mm):
    """Return a CT of 100 HU in the middle with a gradient toward the patient's left, anterior and superior."""
    matrix = geometry(SPACING_MM, SHAPE_KJI)
    k, j, i = np.indices(SHAPE_KJI)
    ras_mm = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]
    values = 100 + ras_mm @ (np.array(gradient_hu_per_mm) * (-1, 1, 1))
    values[0, 0] = -1000.0  # a CT has negative values
    return axial_stack(CtVolume(values, matrix), PROTOCOL.frame)


def disk_level(stack, protocol=PROTOCOL, form=None, **markups):
    landmarks = UPRIGHT.landmarks(control_points(form or circle(RADIUS_MM)), **markups)
    return measure_level(stack, landmarks, protocol)


def test_across_a_gradient_the_circle_varies_as_its_center_does():
    stack = gradient_stack((2.0, 0.0, 0.0))
    level = disk_level(stack)
    trials = placement_trials(stack, level, MANY)
    # From the midline's middle to the circle's: halfway between the inner edge's front and the boundary.
    boundary_mm = RADIUS_MM - 2 / 3 * 2 * RADIUS_MM
    arm_mm = (RADIUS_MM - PROTOCOL.outline.cortical_margin_mm + boundary_mm) / 2
    expected_hu = 2.0 * np.hypot(
        PROTOCOL.uncertainty.reader_error_mm, arm_mm * np.radians(PROTOCOL.uncertainty.reader_error_deg)
    )
    assert trials.sd_hu["round"] == pytest.approx(expected_hu, rel=0.06)
    moves = displacements("L3", MANY.uncertainty)
    center_u_mm = moves.across_mm + arm_mm * np.sin(np.radians(moves.turn_deg))
    assert np.abs(trials.means_hu["round"] - (100 + 2.0 * center_u_mm)).max() < 0.5


def test_along_a_gradient_the_circle_follows_the_boundary_by_half():
    stack = gradient_stack((0.0, 3.0, 0.0))
    trials = placement_trials(stack, disk_level(stack), MANY)
    # Its front touches the inner edge, which stays; its back touches the boundary, which moves with the midline.
    assert trials.sd_hu["round"] == pytest.approx(3.0 * PROTOCOL.uncertainty.reader_error_mm / 2, rel=0.08)


def test_a_gradient_through_the_slices_gives_the_spread_of_a_uniform_choice_of_slices():
    stack = gradient_stack((0.0, 0.0, 8.0))
    for most in (1, 2):
        protocol = MANY.with_values(reader_error_slices=most)
        trials = placement_trials(stack, disk_level(stack), protocol)
        steps = np.arange(-most, most + 1)
        for roi in ROIS:
            assert trials.sd_hu[roi] == pytest.approx(8.0 * SPACING_MM[2] * steps.std(), rel=0.05)
            assert set(np.round(trials.means_hu[roi], 6)) <= set(np.round(100 + 8.0 * SPACING_MM[2] * steps, 6))


def test_with_zero_error_every_trial_gives_the_measured_means():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    protocol = PROTOCOL.with_values(
        reader_error_mm=0.0, reader_error_deg=0.0, reader_error_slices=0, placement_trials=3
    )
    level = disk_level(stack)
    trials = placement_trials(stack, level, protocol)
    for roi in ROIS:
        assert trials.sd_hu[roi] == 0
        # On voxels of 260 HU noise one voxel in a thousand, on an edge that is searched to 0.01 mm, shows.
        assert trials.means_hu[roi] == pytest.approx(level.rois[roi].values["mean_hu"], abs=3)


def displaced(level, moves, trial, spacing_mm=SPACING_MM[2]) -> np.ndarray:
    """Return a midline's ends moved by one displacement, computed in RAS of an upright body."""
    angle = np.radians(moves.turn_deg[trial])
    middle = level.midline_ras_mm.mean(axis=0)
    front = level.midline_ras_mm[0] - middle
    # Toward the patient's left is −R: the front turns from A toward −R.
    turned = [front[1] * -np.sin(angle), front[1] * np.cos(angle), 0.0]
    shift = [-moves.across_mm[trial], moves.along_mm[trial], moves.slices[trial] * spacing_mm]
    return middle + shift + np.array([turned, np.negative(turned)])


@pytest.mark.parametrize("boundary_xy_mm", [None, [(-30, -3.5), (30, -6.0)]])
def test_trials_agree_with_the_plain_pipeline_at_the_moved_midline(boundary_xy_mm):
    random = np.random.default_rng(8)
    smooth = gradient_stack((3.0, -2.0, 4.0)).voxels_hu + random.normal(0, 5, SHAPE_KJI)
    stack = axial_stack(CtVolume(smooth[:, ::-1, :], geometry(SPACING_MM, SHAPE_KJI)), PROTOCOL.frame)
    level = disk_level(stack, form=kidney(), boundary_xy_mm=boundary_xy_mm)
    # In one slice, with a given outline: there is no body here in which to search another.
    protocol = PROTOCOL.with_values(reader_error_slices=0)
    trials = placement_trials(stack, level, protocol)
    moves = displacements("L3", protocol.uncertainty)
    for trial in range(0, protocol.uncertainty.placement_trials, 13):
        midline = displaced(level, moves, trial)
        boundary = None
        if boundary_xy_mm is not None:
            front, back = midline
            along = (front - back) / np.linalg.norm(front - back)
            across = np.array([-along[1], along[0], 0.0])
            tilt = np.radians(level.boundary.angle_deg)
            through = front - level.boundary.fraction * np.linalg.norm(front - back) * along
            boundary = [through + side * 30 * (np.cos(tilt) * across + np.sin(tilt) * along) for side in (-1, 1)]
        plain = measure_level(stack, Landmarks("L3", midline, boundary, level.outline_ras_mm), PROTOCOL)
        for roi in ROIS:
            # Of two ovals almost as large, the finer search may take the other.
            tolerance_hu = 1.0 if roi == "oval" else 0.1
            assert trials.means_hu[roi][trial] == pytest.approx(plain.rois[roi].values["mean_hu"], abs=tolerance_hu)


def test_trials_agree_with_outlines_searched_again_at_every_moved_midline():
    phantom = render(upright_spine(("L3",), trabecular_gradient_hu_per_mm=(2.0, 3.0, 4.0)), noise_hu=12, seed=4)
    stack = axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), PROTOCOL.frame)
    level = measure_level(stack, Landmarks("L3", phantom.truth["L3"].midline_ras_mm), PROTOCOL)
    trials = placement_trials(stack, level, PROTOCOL)
    moves = displacements("L3", PROTOCOL.uncertainty)
    chosen = range(0, PROTOCOL.uncertainty.placement_trials, 7)
    assert set(moves.slices[chosen]) == {-1, 0, 1}
    for trial in chosen:
        plain = measure_level(stack, Landmarks("L3", displaced(level, moves, trial, 2.5)), PROTOCOL)
        for roi in ROIS:
            # The closure at the pedicles moves a little with the midline, and left and right with it.
            tolerance_hu = 3.0 if roi in ("left", "right") else 0.5
            assert trials.means_hu[roi][trial] == pytest.approx(plain.rois[roi].values["mean_hu"], abs=tolerance_hu), (
                roi
            )


def test_the_same_protocol_gives_the_same_digits_and_each_level_its_own():
    first, again, other = (displacements(name, PROTOCOL.uncertainty) for name in ("L2", "L2", "L3"))
    assert np.array_equal(first.across_mm, again.across_mm)
    assert np.array_equal(first.slices, again.slices)
    assert abs(np.corrcoef(first.across_mm, other.across_mm)[0, 1]) < 0.25
    another = displacements("L2", PROTOCOL.with_values(placement_seed=1).uncertainty)
    assert not np.array_equal(first.across_mm, another.across_mm)


def test_displacements_are_distributed_as_the_protocol_says():
    protocol = PROTOCOL.with_values(placement_trials=5000, reader_error_mm=1.5, reader_error_deg=3.0)
    moves = displacements("L1", protocol.uncertainty)
    for values, sd in ((moves.across_mm, 1.5), (moves.along_mm, 1.5), (moves.turn_deg, 3.0)):
        assert values.std() == pytest.approx(sd, rel=0.05)
        assert abs(values.mean()) < 0.06 * sd
        assert np.mean(np.abs(values) < sd) == pytest.approx(0.683, abs=0.03)
    assert np.unique(moves.slices, return_counts=True)[1] == pytest.approx(np.full(3, 5000 / 3), rel=0.08)


def test_a_trial_beyond_the_scan_gives_no_number_and_the_others_do():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    first_mm = float(stack.ras_from_ijk[2, 3])
    body = replace(UPRIGHT, center_ras_mm=(0.0, 0.0, first_mm))
    level = measure_level(stack, body.landmarks(control_points(circle(RADIUS_MM))), PROTOCOL)
    trials = placement_trials(stack, level, PROTOCOL)
    below = displacements("L3", PROTOCOL.uncertainty).slices < 0
    assert 0 < below.sum() < PROTOCOL.uncertainty.placement_trials
    for roi in ROIS:
        assert np.array_equal(np.isnan(trials.means_hu[roi]), below)
        assert trials.sd_hu[roi] > 0


def test_a_trial_with_nothing_in_front_of_its_boundary_gives_no_number_and_the_others_do():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    protocol = MANY.with_values(reader_error_mm=10.0, reader_error_deg=0.0, reader_error_slices=0)
    trials = placement_trials(stack, disk_level(stack), protocol)
    moves = displacements("L3", protocol.uncertainty)
    # From the body's middle: the extent of the inner edge on the moved midline, and the position of the moved boundary.
    inner_mm = RADIUS_MM - PROTOCOL.outline.cortical_margin_mm
    reach_mm = np.sqrt(np.maximum(inner_mm**2 - moves.across_mm**2, 0))
    depth_mm = reach_mm - (moves.along_mm + RADIUS_MM - 2 / 3 * 2 * RADIUS_MM)
    impossible = (np.abs(moves.across_mm) > inner_mm) | (depth_mm < 0)
    assert 10 < impossible.sum() < 200
    for roi in ROIS:
        without = np.isnan(trials.means_hu[roi])
        assert without[impossible].all(), roi
        assert trials.sd_hu[roi] > 0
    # The circle's diameter is that depth at most; half of 3 mm hold many voxels of 0.5 mm.
    assert not np.isnan(trials.means_hu["round"][~impossible & (depth_mm > 3) & (reach_mm > 6)]).any()
    summary = summaries(replace(disk_level(stack), trials=trials))["round"]
    assert summary.placement.trials == np.isfinite(trials.means_hu["round"]).sum()
    assert np.isfinite(summary.placement.sd_hu)


def test_levels_without_a_number_in_any_trial_have_no_placement():
    assert summaries(with_trials("L1", [np.nan] * 3), with_trials("L2", [1, 2, 3]))["left"].placement is None
    assert summaries(with_trials("L1", [np.nan, 2, 3]), with_trials("L2", [1, 2, np.nan]))["left"].placement is None


def test_a_region_edited_by_hand_follows_no_midline():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    level = disk_level(stack)
    edited = replace(level, rois=level.rois | {"oval": replace(level.rois["oval"], edited=True)})
    trials = placement_trials(stack, edited, PROTOCOL)
    assert trials.sd_hu["oval"] is None
    assert trials.sd_hu["round"] > 0
    assert roi_placement("oval", [replace(edited, trials=trials)], cutoff_table().rois["oval"], True) is None


def test_no_trials_give_no_standard_deviation():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    trials = placement_trials(stack, disk_level(stack), PROTOCOL.with_values(placement_trials=0))
    assert set(trials.sd_hu.values()) == {None}


def with_trials(name, means_hu, excluded=""):
    """Return a level whose every region had these means in the trials."""
    means_hu = np.array(means_hu, dtype=float)
    trials = PlacementTrials(name, {roi: means_hu for roi in ROIS}, {roi: 1.0 for roi in ROIS})
    return replace(level_of_mean(name, 100.0, excluded), trials=trials)


ON_PROTOCOL = ScanFacts(tube_voltage_kv=120, contrast=False)


def summaries(*levels, facts=ON_PROTOCOL):
    return {summary.roi: summary for summary in summarize(levels, facts, PROTOCOL, cutoff_table()).summaries}


def test_the_means_of_a_trial_are_classified_and_counted():
    # Means over the two levels: 80, 100, 120, 130 HU; round's cutoffs are 87.75 and 118.13 HU.
    levels = [with_trials("L1", [70, 90, 110, 120]), with_trials("L2", [90, 110, 130, 140])]
    placement = summaries(*levels)["round"].placement
    assert placement.trials == 4
    assert placement.class_shares == {"osteoporosis": 0.25, "osteopenia": 0.25, "normal": 0.5}
    assert placement.sd_hu == pytest.approx(np.std([80, 100, 120, 130], ddof=1), abs=1e-4)


def test_excluded_levels_and_trials_without_a_number_do_not_count():
    levels = [
        with_trials("L1", [70, 90, np.nan, 120]),
        with_trials("L2", [90, np.nan, 130, 140]),
        with_trials("L3", [900, 900, 900, 900], "cement"),
    ]
    placement = summaries(*levels)["oval"].placement
    assert (placement.trials, placement.class_shares["normal"]) == (2, 0.5)


def test_without_a_class_there_are_no_class_shares():
    levels = [with_trials("L1", [70, 90]), with_trials("L2", [90, 110])]
    placement = summaries(*levels, facts=ScanFacts(tube_voltage_kv=80, contrast=False))["left"].placement
    assert placement.class_shares is None
    assert placement.sd_hu > 0
    assert summaries(*levels, level_of_mean("L3", 100))["left"].placement is None
