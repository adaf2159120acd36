"""What hangs on a stretch of an outline that may be off."""

import numpy as np
import pytest

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.outline import doubtful_stretches, moved_outline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level, outline_doubts
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.hostile.families import family_case

PROTOCOL = load_protocol().protocol


@pytest.fixture(scope="module")
def measured():
    """Return a phantom with dense pedicles, and a level of it with one doubtful stretch of its outline."""
    case = family_case("dense_pedicles", 3)
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
    assert stretch.doubt_mm == pytest.approx(1.6)
    assert stretch.side(level.frame.depth_mm) == "posterior right"
    assert {7, 8, 9} <= set(np.flatnonzero(stretch.shares)) <= set(range(6, 11))
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_length_mm=100.0).outline)
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_mm=2.0).outline)


def test_a_moved_stretch_is_off_by_just_what_it_was_moved(measured):
    _, level = measured
    (stretch,) = doubtful_stretches(level, PROTOCOL.outline)
    moves_mm = np.linalg.norm(moved_outline(level, stretch, 1.5) - level.outline_ras_mm, axis=1)
    assert moves_mm == pytest.approx(1.5 * stretch.shares, abs=1e-6)


def test_the_effect_of_a_stretch_is_that_of_its_moved_outline(measured):
    stack, level = measured
    (stretch,) = doubtful_stretches(level, PROTOCOL.outline)
    landmarks = Landmarks("L3", level.midline_ras_mm, level.boundary.points_ras_mm)
    changes = []
    for outward_mm in (-1.6, 1.6):
        moved = measure_level(
            stack, landmarks, PROTOCOL, known_outline_ras_mm=moved_outline(level, stretch, outward_mm)
        )
        changes.append(moved.rois["right"].values["mean_hu"] - level.rois["right"].values["mean_hu"])
    greatest_hu = max(map(abs, changes))
    assert greatest_hu > 1
    (finding,) = outline_doubts(stack, level, PROTOCOL.with_values(outline_doubt_hu=0.0))
    assert f"{min(*changes, 0.0):+.0f} to {max(*changes, 0.0):+.0f} HU" in finding.sentence
    assert "right ROI" in finding.sentence
    assert not outline_doubts(stack, level, PROTOCOL.with_values(outline_doubt_hu=greatest_hu + 100))


def test_an_outline_drawn_by_a_reader_has_no_doubtful_stretch(measured):
    stack, level = measured
    drawn = measure_level(stack, Landmarks("L3", level.midline_ras_mm, outline_ras_mm=level.outline_ras_mm), PROTOCOL)
    assert doubtful_stretches(drawn, PROTOCOL.outline) == []
