"""Proposed midlines in a reading, kept with their origin and their findings."""

import json
from dataclasses import replace

import numpy as np
import pytest
import slicer
from mrml.plain_bodies import CENTERS_S_MM, HALF_DEPTH_MM, HALF_WIDTH_MM
from mrml.scene_tools import load_scene, move_point

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.images.segment_levels import levels_of_segments
from LumbarHULib.mrml.ct_node import ct_from_node, node_from_ijk, voxels_of
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.level_review import confirm_count, filled_in_levels
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.proposals import (
    place_between_clicks,
    place_from_click,
    place_from_segments,
    place_proposal,
    placed_by_hand,
)
from LumbarHULib.mrml.reading import readings
from LumbarHULib.mrml.reading_history import ReadingHistory
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import (
    is_edited,
    markup_node,
    midline_origin,
    placed_levels,
    placement_findings,
    read_landmarks,
    set_markup,
)
from LumbarHULib.mrml.scene_file import save_scene
from LumbarHULib.mrml.vertebra_segments import segments_of_node
from LumbarHULib.placement.proposal import Proposal

# A pixel is 0.8 mm and a slice 2.5 mm: nearer than this to the true midline is near.
NEAR_MM = 1.0


def inside_bodies(ct_node, half_height_mm):
    """Return the label map, shape (k, j, i), of the four bodies under the label values of VerSe."""
    k, j, i = np.indices(voxels_of(ct_node).shape)
    right, anterior, superior = np.einsum(
        "ab,bkji->akji", node_from_ijk(ct_node)[:3], np.stack([i, j, k, np.ones_like(i)])
    )
    section = ((right - 3) / HALF_WIDTH_MM) ** 2 + ((anterior + 2) / HALF_DEPTH_MM) ** 2 < 1
    labels = np.zeros(section.shape, np.int16)
    for value, center in zip((20, 21, 22, 23), CENTERS_S_MM.values(), strict=True):
        labels[section & (np.abs(superior - center) <= half_height_mm)] = value
    return labels


@pytest.fixture
def empty_reading(start_reading, ct_node):
    """A reading of bodies with endplates as first and last slice."""
    ends = (inside_bodies(ct_node, 13) > 0) & (inside_bodies(ct_node, 11) == 0)
    voxels_of(ct_node)[ends] = 450
    ct_node.GetImageData().Modified()
    return start_reading(levels=())


@pytest.fixture
def stack(ct_node, empty_reading):
    return axial_stack(ct_from_node(ct_node), empty_reading.protocol.frame)


@pytest.fixture
def label_map(scene, ct_node):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "vertebrae")
    node.CopyOrientation(ct_node)
    slicer.util.updateVolumeFromArray(node, inside_bodies(ct_node, 13))
    return node


def off_mm(reading, level, bodies):
    points_ras_mm = placed_points(markup_node(reading, level, "midline"))
    return np.linalg.norm(points_ras_mm - bodies.midlines_ras_mm[level], axis=1).max()


def test_each_segment_gets_a_proposal_near_the_true_midline(empty_reading, stack, label_map, bodies):
    segments, reported = levels_of_segments(segments_of_node(label_map), {})
    assert place_from_segments(empty_reading, stack, segments, reported) == ()
    assert placed_levels(empty_reading) == MEAN_LEVELS
    for level in MEAN_LEVELS:
        assert midline_origin(empty_reading, level).kind == "proposal_accepted"
        assert off_mm(empty_reading, level, bodies) < NEAR_MM
    assert not empty_reading.is_blinded
    codes = [finding.code for finding in ReadingMeasurer(empty_reading).measure().all_findings]
    assert codes.count("labels_read_by_value") == 1


def test_a_segment_without_a_body_is_reported_and_the_others_are_placed(empty_reading, stack, label_map):
    segments, _ = levels_of_segments(segments_of_node(label_map), {})
    speck = replace(segments["L2"], inside=segments["L2"].inside[:2, :2, :2])
    (refusal,) = place_from_segments(empty_reading, stack, segments | {"L2": speck})
    assert "L2" in refusal
    assert placed_levels(empty_reading) == ("L1", "L3", "L4")


def test_a_click_gives_the_midline_of_its_body(empty_reading, stack, bodies):
    guess = place_from_click(empty_reading, stack, "L2", (6.0, -5.0, CENTERS_S_MM["L2"] + 4), ())
    assert off_mm(empty_reading, "L2", bodies) < NEAR_MM
    with pytest.raises(InputError, match="L2 and L3 are in the same"):
        place_from_click(empty_reading, stack, "L3", (3.0, -2.0, CENTERS_S_MM["L2"]), (guess,))
    assert placed_levels(empty_reading) == ("L2",)


def test_levels_between_two_clicks_need_confirmation(empty_reading, stack, bodies):
    clicks = {level: bodies.midlines_ras_mm[level].mean(axis=0) for level in ("L1", "L4")}
    place_between_clicks(empty_reading, stack, clicks, ("L1", "L2", "L4"))
    assert placed_levels(empty_reading) == ("L1", "L2", "L4")
    assert filled_in_levels(empty_reading) == ("L2",)
    measurer = ReadingMeasurer(empty_reading)
    assert "level_filled_in" in [finding.code for finding in measurer.measure().all_findings]
    confirm_count(empty_reading, "L2")
    assert filled_in_levels(empty_reading) == ()
    assert "level_filled_in" not in [finding.code for finding in measurer.measure().all_findings]
    assert midline_origin(empty_reading, "L2").kind == "proposal_accepted"


def test_a_corrected_proposal_states_its_correction_in_scene_and_record(empty_reading, stack, bodies, tmp_path):
    place_from_click(empty_reading, stack, "L3", bodies.midlines_ras_mm["L3"].mean(axis=0), ())
    for end in (0, 1):
        move_point(markup_node(empty_reading, "L3", "midline"), end, (1.5, 0.0, 0.0))
    save_scene(empty_reading.scene, tmp_path / "scene.mrb")
    with headless_scene() as reopened:
        load_scene(reopened, tmp_path / "scene.mrb")
        (reading,) = readings(reopened)
        origin = midline_origin(reading, "L3")
        assert (origin.kind, origin.corrected_mm) == ("proposal_corrected", pytest.approx(1.5, abs=1e-5))
        assert origin.corrected_deg == pytest.approx(0, abs=1e-3)
        reading.node.SetParameter("case", "case")
        folder = export_reading(tmp_path, reading, ReadingMeasurer(reading).measure())
    (level,) = json.loads((folder / "record.json").read_text(encoding="utf-8"))["levels"]
    assert level["midline"]["origin"]["kind"] == "proposal_corrected"
    assert level["midline"]["origin"]["corrected_mm"] == pytest.approx(1.5, abs=1e-5)


def test_findings_on_a_proposal_stay_until_it_is_moved(empty_reading, stack, bodies):
    faint = Finding("walls_faint", "The walls of L3 are faint.", "Check.", "warning", "L3")
    set_finding = Finding("labels_read_by_value", "Labels were read by value.", "Check.", "note")
    guess = place_from_click(empty_reading, stack, "L3", bodies.midlines_ras_mm["L3"].mean(axis=0), ())
    midline = read_landmarks(empty_reading, "L3").midline_ras_mm
    place_proposal(empty_reading, Proposal(guess.level, midline, (faint,)), (set_finding,))
    assert placement_findings(empty_reading, "L3") == (set_finding, faint)
    assert {faint, set_finding} <= set(ReadingMeasurer(empty_reading).measure().all_findings)
    move_point(markup_node(empty_reading, "L3", "midline"), 0, (0.5, 0.0, 0.0))
    assert placement_findings(empty_reading, "L3") == (set_finding,)


def test_a_proposal_replaces_a_readers_markups_and_undo_restores_them(empty_reading, start_reading, stack, bodies):
    reading = start_reading()
    set_markup(reading, "L2", "boundary", bodies.midlines_ras_mm["L2"] + (0, 0, 0))
    assert placed_by_hand(reading) == MEAN_LEVELS
    history = ReadingHistory(ReadingMeasurer(reading))
    history.remember()
    place_from_click(reading, stack, "L2", bodies.midlines_ras_mm["L2"].mean(axis=0), ())
    assert placed_by_hand(reading) == ("L1", "L3", "L4")
    assert not is_edited(reading, "L2", "boundary")
    history.undo()
    assert placed_by_hand(reading) == MEAN_LEVELS
    assert is_edited(reading, "L2", "boundary")
    assert midline_origin(reading, "L2").kind == "manual"


def test_a_signed_off_reading_accepts_no_proposal(reading, bodies):
    ReadingMeasurer(reading).measure()
    sign_off(reading, "Reader A", "2026-01-01 00:00:00")
    with pytest.raises(InputError, match="signed off"):
        place_from_click(reading, axial_stack(bodies.ct, reading.protocol.frame), "L2", (3.0, -2.0, 70.0), ())
