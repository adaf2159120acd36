"""How uncertain a stretch of an outline that may be off makes the means."""

import re

import numpy as np
import pytest

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.outline import doubtful_stretches, moved_outlines
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
    assert {7, 8, 9} <= set(stretch.control_points) <= set(range(6, 11))
    assert stretch.point_doubts_mm == pytest.approx(level.outline_doubt_mm[stretch.control_points])
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_length_mm=100.0).outline)
    assert not doubtful_stretches(level, PROTOCOL.with_values(outline_doubt_mm=2.0).outline)


def normals_ras(level):
    """Return the unit normals at a level's control points, toward the outside, from a polygon through them."""
    points = level.outline_ras_mm
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normals = np.cross(along, (0.0, 0.0, 1.0)) / np.linalg.norm(along, axis=1, keepdims=True)
    outward = np.sign(np.sum(normals * (points - points.mean(axis=0)), axis=1)).sum()
    return normals * np.sign(outward)


def test_a_part_is_moved_by_a_millimeter_and_its_neighbors_by_half_of_it(measured):
    _, level = measured
    (stretch,) = doubtful_stretches(level, PROTOCOL.outline)
    assert np.array_equal(np.concatenate(stretch.parts), stretch.control_points)
    for part in stretch.parts:
        expected_mm = np.zeros(len(level.outline_ras_mm))
        expected_mm[[part[0] - 1, part[-1] + 1]] = 0.5
        expected_mm[part] = 1.0
        for sign, moved in zip((-1, 1), moved_outlines(level, part), strict=True):
            moves_mm = moved - level.outline_ras_mm
            assert np.linalg.norm(moves_mm, axis=1) == pytest.approx(expected_mm, abs=1e-6)
            assert sign * np.sum(moves_mm * normals_ras(level), axis=1) == pytest.approx(expected_mm, abs=0.05)


def test_the_uncertainty_of_a_mean_is_that_of_many_outlines_drawn_at_random(measured):
    stack, level = measured
    (stretch,) = doubtful_stretches(level, PROTOCOL.outline)
    landmarks = Landmarks("L3", level.midline_ras_mm, level.boundary.points_ras_mm)
    points = stretch.control_points
    covariance = np.exp(-((points[:, None] - points) ** 2) / 2) * np.outer(*[level.outline_doubt_mm[points]] * 2)
    random, means_hu = np.random.default_rng(3), []
    for errors_mm in random.multivariate_normal(np.zeros(len(points)), covariance, size=150):
        moved = level.outline_ras_mm.copy()
        moved[points] += errors_mm[:, None] * normals_ras(level)[points]
        drawn = measure_level(stack, landmarks, PROTOCOL, known_outline_ras_mm=moved)
        means_hu.append(drawn.rois["right"].values["mean_hu"])
    (finding,) = outline_doubts(stack, level, PROTOCOL.with_values(outline_doubt_hu=0.0))
    stated_hu = float(re.search(r"mean of the right ROI may therefore be off by (\d+) HU", finding.sentence)[1])
    assert stated_hu > 1
    assert stated_hu == pytest.approx(np.std(means_hu, ddof=1), rel=0.35)
    assert finding.severity == ("warning" if stated_hu >= PROTOCOL.outline.doubt_warning_hu else "note")
    assert not outline_doubts(stack, level, PROTOCOL.with_values(outline_doubt_hu=stated_hu + 1))


def test_an_outline_drawn_by_a_reader_has_no_doubtful_stretch(measured):
    stack, level = measured
    drawn = measure_level(stack, Landmarks("L3", level.midline_ras_mm, outline_ras_mm=level.outline_ras_mm), PROTOCOL)
    assert doubtful_stretches(drawn, PROTOCOL.outline) == []
