import re

import numpy as np
import pytest
from core.builders import (
    ANTERIOR_RAS,
    LEFT_RAS,
    PROTOCOL,
    UPRIGHT,
    Body,
    control_points,
    cutoff_table,
    ellipse,
    geometry,
    kidney,
    noise_ct,
)

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.core.pipeline import Composer, measure_ct, measure_level
from LumbarHULib.core.results import RoiMask
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spines import upright_spine
from LumbarHULib.phantom.truth import true_markups

ON_PROTOCOL = ScanFacts(tube_voltage_kv=120, contrast=False)
BODY_XY_MM = control_points(kidney(20, 15))
# Six levels of 10 mm, from T12 at the top, in slices of 2.5 mm.
TALL_CT = noise_ct(geometry((0.6, 0.6, 2.5), (25, 90, 110)), (25, 90, 110))
# Muscle, and nothing else, with a low dose's noise.
SOFT_TISSUE_CT = CtVolume(
    np.random.default_rng(5).normal(50, 25, TALL_CT.voxels_hu.shape).astype(np.int16), TALL_CT.ras_from_ijk
)
PLACES = {name: Body((0, 0, 25.0 - 10 * index)) for index, name in enumerate(LEVELS)}
ALL_LANDMARKS = [PLACES[name].landmarks(BODY_XY_MM, level=name) for name in LEVELS]


def measure(landmarks=ALL_LANDMARKS, exclusions=None, **options):
    return measure_ct(TALL_CT, landmarks, PROTOCOL, cutoff_table(), ON_PROTOCOL, exclusions, **options)


def test_every_level_is_measured_and_only_l1_to_l4_are_averaged():
    of = measure()
    assert [level.level for level in of.levels] == list(LEVELS)
    for summary in of.summaries:
        means = [level.rois[summary.roi].values["mean_hu"] for level in of.levels[1:5]]
        assert summary.mean_hu == pytest.approx(np.mean(means), rel=1e-12)
    assert all(list(level.rois) == list(ROIS) for level in of.levels)
    assert [level.slices for level in of.levels] == [(k, k) for k in (22, 18, 14, 10, 6, 2)]


def test_measuring_again_gives_the_same_digits_and_leaves_the_ct_as_it_was():
    before = TALL_CT.voxels_hu.copy()
    first, second = measure(), measure(list(reversed(ALL_LANDMARKS)))
    for one, other in zip(first.levels, second.levels, strict=True):
        assert {roi: of.values for roi, of in one.rois.items()} == {roi: of.values for roi, of in other.rois.items()}
    assert first.summaries == second.summaries
    assert first.all_findings == second.all_findings
    np.testing.assert_array_equal(TALL_CT.voxels_hu, before)


def test_a_level_that_cannot_be_measured_is_refused_alone():
    landmarks = [*ALL_LANDMARKS[1:3], Landmarks("L3", [(0, 5, 0), (0, -5, 0)])]
    # Around these bodies there is noise, as bright on average as contrast medium.
    of = measure(landmarks, accept_off_protocol=True)
    assert [level.level for level in of.levels] == ["L1", "L2"]
    assert of.refusals[0].level == "L3"
    assert "10.0 mm long" in of.refusals[0].sentence
    assert of.summaries[0].class_name != "not_classified"


def test_excluded_levels_are_measured_anyway_and_listed_with_their_reason():
    of = measure(exclusions={"L2": "fracture", " l4 ": "metal"})
    assert {level.level: level.excluded for level in of.levels if level.excluded} == {"L2": "fracture", "L4": "metal"}
    assert of.summaries[0].levels == ("L1", "L3")
    assert "without L2 (fracture), L4 (metal)" in of.summaries[0].findings[-1].sentence


def test_an_exclusion_without_markups_is_listed_only_with_its_reason():
    of = measure(ALL_LANDMARKS[1:4], exclusions={"L4": "out of the scan"})
    assert [(one.level, one.excluded) for one in of.refusals] == [("L4", "out of the scan")]
    assert "without L4 (out of the scan)" in of.summaries[0].findings[-1].sentence


@pytest.mark.parametrize(
    ("landmarks", "exclusions", "reported"),
    [
        ([ALL_LANDMARKS[2]] * 2, {}, "L2 occurs 2 times"),
        (ALL_LANDMARKS, {"L7": "fracture"}, "Unknown level “L7”"),
        (ALL_LANDMARKS, {"L2": " "}, "L2 is excluded without a reason"),
    ],
)
def test_a_level_given_twice_an_unknown_one_or_a_missing_reason_is_refused(landmarks, exclusions, reported):
    with pytest.raises(InputError, match=reported):
        measure(landmarks, exclusions)


def test_an_edited_label_map_is_measured_unchanged_and_marked():
    stack = axial_stack(TALL_CT, PROTOCOL.frame)
    edited = RoiMask(np.ones((2, 3, 4), dtype=bool), (9, 40, 50))
    of = measure_level(stack, ALL_LANDMARKS[3], PROTOCOL, edited_masks={"front": edited})
    assert list(of.rois) == list(ROIS)
    assert [roi for roi in ROIS if of.rois[roi].edited] == ["front"]
    assert of.rois["front"].values["voxels"] == 24
    assert of.rois["front"].values["mean_hu"] == stack.voxels_hu[9:11, 40:43, 50:54].mean()
    untouched = measure_level(stack, ALL_LANDMARKS[3], PROTOCOL)
    assert of.rois["left"].values == untouched.rois["left"].values


def test_a_result_keeps_the_markups_as_given_and_what_was_used():
    stack = axial_stack(TALL_CT, PROTOCOL.frame)
    reversed_midline = Landmarks(
        "L1",
        ALL_LANDMARKS[1].midline_ras_mm[::-1],
        outline_ras_mm=ALL_LANDMARKS[1].outline_ras_mm,
        origin=MidlineOrigin("proposal_corrected", 1.5, 3.0),
    )
    of = measure_level(stack, reversed_midline, PROTOCOL)
    np.testing.assert_array_equal(of.midline_ras_mm, reversed_midline.midline_ras_mm)
    np.testing.assert_array_equal(of.outline_ras_mm, reversed_midline.outline_ras_mm)
    assert of.origin.corrected_mm == 1.5
    assert of.outline_edited
    assert not of.boundary.moved
    assert [finding.code for finding in of.findings] == ["midline_reversed"]
    straight = measure_level(stack, ALL_LANDMARKS[1], PROTOCOL)
    assert {roi: one.values for roi, one in of.rois.items()} == {roi: one.values for roi, one in straight.rois.items()}


def test_the_markups_of_a_result_measure_the_same_again():
    stack = axial_stack(TALL_CT, PROTOCOL.frame)
    of = measure_level(stack, ALL_LANDMARKS[3], PROTOCOL)
    given = Landmarks("L3", of.midline_ras_mm, of.boundary.points_ras_mm, of.outline_ras_mm)
    again = measure_level(stack, given, PROTOCOL)
    assert not again.boundary.moved
    assert again.shapes.figures == of.shapes.figures
    assert {roi: one.values for roi, one in again.rois.items()} == {roi: one.values for roi, one in of.rois.items()}


@pytest.mark.parametrize(("pixel_mm", "reported"), [(1.0, False), (1.0099, False), (1.02, True), (3.0, True)])
def test_coarse_pixels_are_measured_with_a_finding(pixel_mm, reported):
    stack = axial_stack(noise_ct(geometry((0.6, pixel_mm, 2.5), (5, 90, 110)), (5, 90, 110)), PROTOCOL.frame)
    findings = measure_level(stack, UPRIGHT.landmarks(control_points(ellipse())), PROTOCOL).findings
    assert [finding.code for finding in findings] == (["coarse_pixels"] if reported else [])
    assert not reported or f"{pixel_mm:.2f} mm" in findings[0].sentence


@pytest.mark.parametrize(("turned_deg", "reported"), [(-16, "right"), (-14, ""), (0, ""), (14, ""), (16, "left")])
def test_a_midline_turned_far_from_the_patients_front_gets_a_finding_with_the_side(turned_deg, reported):
    angle = np.radians(turned_deg)
    left, front = LEFT_RAS, ANTERIOR_RAS
    turned = Body(
        left_ras=np.cos(angle) * left - np.sin(angle) * front, anterior_ras=np.cos(angle) * front + np.sin(angle) * left
    )
    of = measure_level(axial_stack(TALL_CT, PROTOCOL.frame), turned.landmarks(BODY_XY_MM), PROTOCOL)
    assert [finding.code for finding in of.findings] == (["midline_rotated"] if reported else [])
    assert not reported or f"rotated by 16° to the patient's {reported}, more than 15°" in of.findings[0].sentence


@pytest.mark.parametrize(("half_width_mm", "half_depth_mm"), [(20, 15), (12, 10)])
def test_only_the_region_of_small_area_gets_a_finding(half_width_mm, half_depth_mm):
    body = UPRIGHT.landmarks(control_points(ellipse(half_width_mm, half_depth_mm)))
    of = measure_level(axial_stack(TALL_CT, PROTOCOL.frame), body, PROTOCOL)
    reported = {roi for roi, one in of.rois.items() for finding in one.findings if finding.code == "small_roi"}
    assert reported == {roi for roi, one in of.rois.items() if one.mask.inside.sum() * 0.6**2 < 100}
    assert reported != set(ROIS)
    assert bool(reported) == (half_width_mm == 12)


def test_a_region_of_few_voxels_gets_a_finding_whatever_its_area():
    stack = axial_stack(noise_ct(geometry((2.4, 2.4, 2.5), (5, 25, 34)), (5, 25, 34)), PROTOCOL.frame)
    of = measure_level(stack, UPRIGHT.landmarks(control_points(ellipse(20, 15))), PROTOCOL)
    few = {roi: one for roi, one in of.rois.items() if one.mask.inside.sum() < 40}
    assert {roi for roi, one in of.rois.items() if "small_roi" in {each.code for each in one.findings}} == set(few)
    assert {one.values["area_mm2"] > 100 for one in few.values()} == {True}


def bad_inputs() -> dict:
    midline = UPRIGHT.landmarks(BODY_XY_MM).midline_ras_mm
    outline = UPRIGHT.to_ras_mm(BODY_XY_MM)
    twisted = outline[np.arange(24) * 5 % 24]

    def boundary(y_mm, slope=0.0):
        return UPRIGHT.to_ras_mm([(-30, y_mm - 30 * slope), (30, y_mm + 30 * slope)])

    return {
        "short": (midline / 4, None, outline),
        "long": (midline * 3, None, outline),
        "coinciding": (midline * 0, None, outline),
        "sideways": (midline[:, [1, 0, 2]], None, outline),
        "above": (np.add(midline, (0, 0, 400)), None, outline),
        "next to it": (np.add(midline, (300, 0, 0)), None, outline),
        "boundary in front": (midline, boundary(30), outline),
        "boundary behind": (midline, boundary(-30), outline),
        "boundary oblique": (midline, boundary(-5, 1.5), outline),
        "boundary along the midline": (midline, midline, outline),
        "boundary a point": (midline, boundary(0)[[0, 0]], outline),
        "outline above": (midline, None, np.add(outline, (0, 0, 20))),
        "outline crossing itself": (midline, None, twisted),
        "outline elsewhere": (midline, None, np.add(outline, (45, 0, 0))),
        "outline tiny": (midline, None, (outline - midline.mean(axis=0)) * 0.1 + midline.mean(axis=0)),
        "outline beyond the ct": (midline, None, outline * [2.2, 1, 1]),
        "no bone": (midline, None, None),
    }


@pytest.mark.parametrize("name", bad_inputs())
def test_bad_input_is_refused_with_one_sentence_that_names_the_level_and_ends_with_a_full_stop(name):
    midline, boundary, outline = bad_inputs()[name]
    with pytest.raises(InputError) as caught:
        measure_level(
            axial_stack(SOFT_TISSUE_CT, PROTOCOL.frame), Landmarks("L3", midline, boundary, outline), PROTOCOL
        )
    sentence = str(caught.value)
    assert caught.value.level == "L3"
    assert "L3" in sentence
    assert re.fullmatch(r"[^\n]{20,300}\.", sentence)
    assert not re.search(r"[.!?] [A-Z]", sentence)
    assert "  " not in sentence
    # The advice follows a colon or semicolon. Each has a value, except where points coincide or lines cross.
    assert re.search(r"[:;,] ", sentence)
    without_value = ("coincid", "a point", "crossing itself", "elsewhere")
    assert re.search(r"\d", sentence.replace("L3", "")) or any(word in name for word in without_value)


@pytest.fixture(scope="module")
def phantom():
    spec = upright_spine(rotation_deg=6.0, trunk=False)
    return render(spec, pixel_mm=0.6, slice_mm=1.25, field_of_view_mm=(84, 72, 7.5), center_ras_mm=(0.0, -2.0, 0.0))


def test_on_a_phantom_given_its_true_outline_every_region_measures_the_trabecular_bone(phantom):
    markups = true_markups(phantom.truth)
    landmarks = Landmarks("L3", *(markups["L3", role] for role in ("midline", "boundary", "outline")))
    of = measure_level(
        axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), PROTOCOL.frame), landmarks, PROTOCOL
    )
    assert of.boundary.fraction == pytest.approx(2 / 3, abs=1e-5)
    for roi in ROIS:
        assert of.rois[roi].values["mean_hu"] == pytest.approx(phantom.truth["L3"].trabecular_hu, abs=0.5)


def test_on_a_phantom_the_outline_that_is_found_measures_the_same_and_again_without_the_search(phantom):
    stack = axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), PROTOCOL.frame)
    landmarks = Landmarks("L3", phantom.truth["L3"].midline_ras_mm)
    of = measure_level(stack, landmarks, PROTOCOL)
    assert not of.outline_edited
    for roi in ROIS:
        assert of.rois[roi].values["mean_hu"] == pytest.approx(phantom.truth["L3"].trabecular_hu, abs=1.0)
    again = measure_level(stack, landmarks, PROTOCOL, known_outline_ras_mm=of.outline_ras_mm)
    drawn = Landmarks("L3", landmarks.midline_ras_mm, outline_ras_mm=of.outline_ras_mm)
    for other in (again, measure_level(stack, drawn, PROTOCOL)):
        assert {roi: one.values for roi, one in other.rois.items()} == {roi: one.values for roi, one in of.rois.items()}


@pytest.mark.parametrize(
    ("voxel_hu", "reported"),
    [
        (-3024, "padding_in_roi"),
        (-1000, "padding_in_roi"),
        (-999, "implausible_voxels"),
        (3071, "implausible_voxels"),
        (-299, None),
        (1299, None),
    ],
)
def test_an_implausible_voxel_gets_a_finding_with_its_position(phantom, voxel_hu, reported):
    markups = true_markups(phantom.truth)
    landmarks = Landmarks("L3", *(markups["L3", role] for role in ("midline", "boundary", "outline")))
    ijk_from_ras = np.linalg.inv(phantom.ras_from_ijk)
    in_front_ras_mm = np.add(markups["L3", "midline"].mean(axis=0), (0, 4, 0))
    i, j, k = np.round(ijk_from_ras[:3, :3] @ in_front_ras_mm + ijk_from_ras[:3, 3]).astype(int)
    voxels = phantom.voxels_hu.copy()
    voxels[k, j, i] = voxel_hu
    of = measure_level(axial_stack(CtVolume(voxels, phantom.ras_from_ijk), PROTOCOL.frame), landmarks, PROTOCOL)
    there = {(roi, finding.code) for roi in ROIS for finding in of.rois[roi].findings}
    assert there == ({(roi, reported) for roi in ("round", "oval", "front")} if reported else set())


def test_what_the_composer_keeps_of_a_body_is_measured_again_when_its_midline_moves():
    phantom = render(upright_spine(("L3",)), 0.8, 2.5, noise_hu=8.0, seed=2)
    stack = axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), PROTOCOL.frame)
    midline_ras_mm = phantom.truth["L3"].midline_ras_mm

    def sentences(composer, up_mm):
        landmarks = Landmarks("L3", midline_ras_mm + np.array([0, 0, up_mm]))
        composer.take("L3", "", lambda: composer.measure_level(stack, landmarks, PROTOCOL))
        composer.settle(stack, PROTOCOL)
        of = composer.reading(ON_PROTOCOL, PROTOCOL, cutoff_table())
        return [(finding.code, finding.sentence) for level in of.levels for finding in level.findings]

    one = Composer()
    at_middle = sentences(one, 0.0)
    above = sentences(one, 7.5)
    assert above == sentences(Composer(), 7.5) != at_middle
    assert sentences(one, 0.0) == at_middle
