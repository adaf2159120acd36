"""Stretches of an outline that may be off, and means that depend on where its search started."""

import re
from dataclasses import replace

import numpy as np
import pytest

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.outline import doubtful_stretches
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.level import outline_from_body_axis
from LumbarHULib.core.pipeline import measure_level, outline_doubts
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.hostile.families import family_case

PROTOCOL = load_protocol().protocol


@pytest.fixture(scope="module")
def measured():
    """Return a phantom with deep horns, and a level of it with one doubtful stretch of its outline."""
    case = family_case("horns", 3)
    stack = axial_stack(case.ct, PROTOCOL.frame)
    landmarks = Landmarks("L3", case.midline_ras_mm)
    found = measure_level(stack, landmarks, PROTOCOL)
    doubt_mm = np.full(len(found.outline_ras_mm), 0.2)
    doubt_mm[7:10] = 1.6
    return stack, measure_level(
        stack, landmarks, PROTOCOL, known_outline_ras_mm=found.outline_ras_mm, known_doubt_mm=doubt_mm
    )


def test_a_stretch_is_doubtful_where_its_uncertainty_exceeds_the_limit_over_some_length(measured):
    _, level = measured
    (stretch,) = doubtful_stretches(level, PROTOCOL.outline)
    points = level.frame.to_uv_mm(level.outline_ras_mm)
    nearest_mm = np.linalg.norm(points[:, None] - stretch, axis=2).min(axis=1)
    assert {7, 8, 9} <= set(np.flatnonzero(nearest_mm < 1e-9)) <= set(range(6, 11))
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_length_mm=100.0).outline)
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_mm=2.0).outline)


def normals_ras(level):
    """Return the unit normals at a level's control points, toward the outside, from a polygon through them."""
    points = level.outline_ras_mm
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normals = np.cross(along, (0.0, 0.0, 1.0)) / np.linalg.norm(along, axis=1, keepdims=True)
    outward = np.sign(np.sum(normals * (points - points.mean(axis=0)), axis=1)).sum()
    return normals * np.sign(outward)


def with_horn_moved(stack, level, by_mm):
    """Return the level measured in its outline with a stretch at its posterior right moved outward, in mm."""
    moved = level.outline_ras_mm.copy()
    moved[7:10] += by_mm * normals_ras(level)[7:10]
    landmarks = Landmarks("L3", level.midline_ras_mm)
    doubt_mm = level.outline_doubt_mm
    return measure_level(stack, landmarks, PROTOCOL, known_outline_ras_mm=moved, known_doubt_mm=doubt_mm)


def test_a_mean_that_another_outline_changes_is_reported_with_both_means_and_the_place(measured):
    stack, level = measured
    off = with_horn_moved(stack, level, 4.0)
    (finding,) = outline_doubts(stack, off, PROTOCOL)
    assert finding.code == "outline_doubtful"
    assert "The posterior right edge of L3's outline" in finding.sentence
    again_hu, measured_hu = map(
        float, re.search(r"the right ROI is (-?\d+) HU instead of (-?\d+) HU", finding.sentence).groups()
    )
    assert measured_hu == pytest.approx(off.rois["right"].values["mean_hu"], abs=0.51)
    assert again_hu == pytest.approx(level.rois["right"].values["mean_hu"], abs=2.0)
    distance_mm, length_mm = map(float, re.search(r"([\d.]+) mm away over (\d+) mm", finding.sentence).groups())
    assert distance_mm == pytest.approx(4.0, abs=0.6)
    assert 5 < length_mm < 25
    change_hu = abs(again_hu - measured_hu)
    assert finding.severity == ("warning" if change_hu >= PROTOCOL.outline.doubt_warning_hu else "note")
    assert not outline_doubts(stack, off, PROTOCOL.with_values(outline_doubt_hu=change_hu + 2))


def test_a_mean_that_hardly_changes_is_not_reported(measured):
    stack, level = measured
    assert not outline_doubts(stack, level, PROTOCOL)
    assert outline_doubts(stack, with_horn_moved(stack, level, 1.0), PROTOCOL.with_values(outline_doubt_hu=0.0))


def test_the_axis_of_a_body_does_not_depend_on_the_midline(measured):
    stack, level = measured
    axis = outline_from_body_axis(stack, level.frame, level.outline_ras_mm, PROTOCOL)
    turned = np.radians(4.0)
    turn = np.array([[np.cos(turned), -np.sin(turned), 0], [np.sin(turned), np.cos(turned), 0], [0, 0, 1]])
    middle = level.midline_ras_mm.mean(axis=0)
    other = frame_from_midline(
        stack, Landmarks("L3", middle + (level.midline_ras_mm - middle) @ turn.T + (1.0, 0.5, 0.0)), PROTOCOL.frame
    )
    again = outline_from_body_axis(stack, other, level.outline_ras_mm, PROTOCOL)
    assert np.linalg.norm(again - axis, axis=1).max() < 0.25


def test_a_level_of_which_no_other_outline_is_found_is_not_reported(measured):
    stack, level = measured
    empty = replace(stack, voxels_hu=np.full_like(stack.voxels_hu, 40))
    assert outline_doubts(empty, level, PROTOCOL) == []


def test_an_outline_drawn_by_a_reader_has_no_doubtful_stretch(measured):
    stack, level = measured
    drawn = measure_level(stack, Landmarks("L3", level.midline_ras_mm, outline_ras_mm=level.outline_ras_mm), PROTOCOL)
    assert doubtful_stretches(drawn, PROTOCOL.outline) == []
    assert outline_doubts(stack, drawn, PROTOCOL.with_values(outline_doubt_hu=0.0)) == []
