"""What makes a reading's places doubtful: each finding speaks where it should, and good phantoms give none."""

from dataclasses import replace

import numpy as np
import pytest
from core.builders import PROTOCOL as STUDY
from core.builders import cutoff_table

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.neighbors import side_findings
from LumbarHULib.core.checks.place import patch_findings
from LumbarHULib.core.checks.reading import check_places
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_ct, measure_level
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.results import RoiMask
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.phantom.render import PhantomCt, render
from LumbarHULib.phantom.spec import VesselSpec
from LumbarHULib.phantom.spines import upright_spine

PROTOCOL = STUDY.with_values(placement_trials=0)
FACTS = ScanFacts(tube_voltage_kv=120, contrast=False)
LEVELS = ("L1", "L2", "L3", "L4")
# Findings on the class, not on a position.
OF_CLASSES = {"inside_cutoff_interval", "within_measurement_error", "levels_missing", "too_few_levels"}


def spine_ct(levels=LEVELS, noise_hu=15.0, seed=3, pixel_mm=0.8, slice_mm=2.5, lower=None, **fields) -> PhantomCt:
    spec = upright_spine(levels, trunk=False, **({"trabecular_hu": 110.0} | fields))
    if lower is not None:
        squashed = tuple(replace(each, height_mm=17.0) if each.level == lower else each for each in spec.vertebrae)
        spec = replace(spec, vertebrae=squashed)
    return render(spec, pixel_mm, slice_mm, noise_hu=noise_hu, noise_fwhm_mm=1.0, seed=seed)


@pytest.fixture(scope="module")
def spine() -> PhantomCt:
    return spine_ct()


def midlines(phantom, **moved_ras_mm) -> list[Landmarks]:
    return [
        Landmarks(name, truth.midline_ras_mm + np.array(moved_ras_mm.get(name, (0, 0, 0))))
        for name, truth in phantom.truth.items()
        if name in LEVELS
    ]


def measured(phantom, landmarks=None, voxels_hu=None, facts=FACTS, **options):
    ct = CtVolume(phantom.voxels_hu if voxels_hu is None else voxels_hu, phantom.ras_from_ijk)
    landmarks = midlines(phantom) if landmarks is None else landmarks
    result = measure_ct(ct, landmarks, PROTOCOL, cutoff_table(), facts, **options)
    assert not result.refusals
    return result


def reported(result) -> set[tuple[str, str]]:
    """Return code and level of every finding that is not about a class."""
    return {(finding.code, finding.level) for finding in result.all_findings if finding.code not in OF_CLASSES}


def ras_mm(phantom) -> np.ndarray:
    k, j, i = np.indices(phantom.voxels_hu.shape)
    return np.stack([i, j, k], axis=-1) @ phantom.ras_from_ijk[:3, :3].T + phantom.ras_from_ijk[:3, 3]


def painted(phantom, level, offset_ras_mm, radii_mm, change_hu) -> np.ndarray:
    """Return the voxels with an ellipsoid around a place, given from the middle of a midline, made brighter."""
    center = phantom.truth[level].midline_ras_mm.mean(axis=0) + np.array(offset_ras_mm)
    inside = (((ras_mm(phantom) - center) / radii_mm) ** 2).sum(axis=-1) <= 1
    return np.where(inside, phantom.voxels_hu + change_hu, phantom.voxels_hu).astype(np.int16)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, marks=pytest.mark.proof),  # as the four levels of the next test but one
        {"noise_hu": 30.0, "trabecular_hu": 60.0, "seed": 11},
        {"rotation_deg": 12.0, "trabecular_hu": 190.0, "pixel_mm": 0.6, "seed": 12},
        pytest.param({"tilt_deg": 8.0, "cortex_mm": 1.2, "seed": 13}, marks=pytest.mark.proof),
        {"slice_mm": 1.25, "noise_hu": 25.0, "cortex_mm": 0.4, "seed": 14},
        {"aorta": VesselSpec(radius_mm=9.5, hu=45.0, angle_deg=62.0, gap_mm=0.0, plaque_hu=650.0), "seed": 15},
    ],
    ids=["plain", "sparse", "rotated", "tilted", "thin slices", "plaques"],
)
def test_good_phantoms_get_no_findings(fields):
    assert reported(measured(spine_ct(("L3",), **fields))) == set()


def test_endplates_hidden_by_noise_give_no_findings():
    assert reported(measured(spine_ct(("L2", "L3"), noise_hu=30.0, trabecular_hu=60.0, seed=11))) == set()


def test_four_good_levels_get_no_findings(spine):
    assert reported(measured(spine)) == set()


@pytest.mark.parametrize("hu", [160.0, pytest.param(400.0, marks=pytest.mark.proof)])
def test_a_vessel_full_of_contrast_medium_is_detected_and_prevents_a_class(hu):
    phantom = spine_ct(LEVELS[1:3], aorta=VesselSpec(radius_mm=9.5, hu=hu, angle_deg=62.0, plaque_hu=700.0))
    result = measured(phantom)
    assert reported(result) == {("contrast_seen", "")}
    (finding,) = (finding for finding in result.findings if finding.code == "contrast_seen")
    assert f" {hu:.0f} HU" in finding.sentence or abs(float(finding.sentence.split()[6]) - hu) < 15
    assert {summary.class_name for summary in result.summaries} == {"not_classified"}
    accepted = measured(phantom, accept_off_protocol=True)
    assert "not_classified" not in {summary.class_name for summary in accepted.summaries}
    # What the headers state need not be seen as well.
    assert ("contrast_seen", "") not in reported(measured(phantom, facts=ScanFacts(tube_voltage_kv=120, contrast=True)))


def test_values_with_an_offset_are_not_hu(spine):
    for offset, expected in ((600, True), (-500, True), (60, False)):
        shifted = (spine.voxels_hu + offset).astype(np.int16)
        shifted[:, 0, 0] = -1000
        (landmarks,) = (one for one in midlines(spine) if one.level == "L2")
        outline = measured(spine, [landmarks]).levels[0].outline_ras_mm
        found = reported(measured(spine, [replace(landmarks, outline_ras_mm=outline)], shifted))
        assert (("values_not_hu", "") in found) == expected


def test_a_slice_near_an_endplate_gets_findings_on_its_regions_and_on_mid_height(spine):
    result = measured(spine, midlines(spine, L3=(0.0, 0.0, 7.5)))
    findings = [finding for finding in result.all_findings if finding.code not in OF_CLASSES]
    assert {(finding.code, finding.level) for finding in findings} >= {
        ("mid_slice_off_middle", "L3"),
        ("near_endplate", "L3"),
    }
    (off,) = (finding for finding in findings if finding.code == "mid_slice_off_middle")
    assert "above mid-height" in off.sentence
    assert {finding.roi for finding in findings if finding.code == "near_endplate"} >= {"round", "oval"}
    assert ("mid_slice_off_middle", "L3") not in reported(measured(spine, midlines(spine, L3=(0.0, 0.0, 1.0))))


def test_a_body_that_the_scan_cuts_off_is_noted_and_not_called_outside(spine):
    # The middle of L1 is some 35 mm above that of L2; its body begins 13 mm below its own middle.
    landmarks = [one for one in midlines(spine, L1=(0.0, 0.0, -10.0)) if one.level == "L1"]
    outline = measured(spine, landmarks).levels[0].outline_ras_mm
    cut = replace(spine, voxels_hu=spine.voxels_hu[: spine.truth["L1"].mid_slice])
    result = measured(cut, [replace(one, outline_ras_mm=outline) for one in landmarks])
    (unchecked,) = (finding for finding in result.all_findings if finding.code.startswith("mid_slice"))
    assert (unchecked.code, unchecked.severity) == ("mid_slice_unchecked", "warning")


def test_a_skipped_vertebra_gets_a_finding(spine):
    as_named = {of.level: of.midline_ras_mm for of in midlines(spine)}
    # The third vertebra is skipped, and the fourth has its name.
    skipped = [Landmarks("L1", as_named["L1"]), Landmarks("L2", as_named["L2"]), Landmarks("L3", as_named["L4"])]
    assert ("levels_too_far", "") in reported(measured(spine, skipped))
    apart = [Landmarks("L1", as_named["L1"]), Landmarks("L4", as_named["L4"])]
    assert ("levels_too_far", "") not in reported(measured(spine, apart))


def test_one_vertebra_measured_as_two_levels_gets_a_finding(spine):
    midline = spine.truth["L2"].midline_ras_mm
    twice = [Landmarks("L2", midline), Landmarks("L3", midline - np.array([0, 0, 5.0]))]
    assert ("levels_too_close", "") in reported(measured(spine, twice))


def test_a_body_lower_than_its_neighbors_gets_a_finding():
    result = reported(measured(spine_ct(LEVELS[1:], lower="L3", noise_hu=8.0)))
    assert ("body_low", "L3") in result
    assert not {("body_low", "L2"), ("body_low", "L4")} & result


def test_a_dense_level_gets_a_finding_unless_it_is_excluded(spine):
    dense = painted(spine, "L3", (0.0, 0.0, 0.0), (19.0, 13.5, 9.0), 80)
    assert ("level_stands_out", "L3") in reported(measured(spine, voxels_hu=dense))
    assert {level for _, level in reported(measured(spine, voxels_hu=dense))} == {"L3"}
    assert reported(measured(spine, voxels_hu=dense, exclusions={"L3": "sclerosis"})) == set()


def test_a_side_denser_than_the_other_by_more_than_noise_gets_a_finding(spine):
    side = painted(spine, "L2", (-14.0, 0.0, 0.0), (9.0, 14.0, 6.0), 90)
    assert ("sides_differ", "L2") in reported(measured(spine, voxels_hu=side))
    slight = painted(spine, "L2", (-14.0, 0.0, 0.0), (9.0, 14.0, 6.0), 15)
    assert reported(measured(spine, voxels_hu=slight)) == set()


def test_zones_of_any_name_are_recognized_by_their_side(spine):
    stack = axial_stack(CtVolume(spine.voxels_hu, spine.ras_from_ijk), PROTOCOL.frame)
    names = {"right": "lateral_1", "left": "lateral_2"}
    side = painted(spine, "L2", (-14.0, 0.0, 0.0), (9.0, 14.0, 6.0), 90)
    levels = [
        replace(level, rois={name: level.rois[side] for side, name in names.items()})
        for level in measured(spine, voxels_hu=side).levels
    ]
    own = replace(PROTOCOL, regions=tuple(Region(name, name, "zone", side=side) for side, name in names.items()))
    (finding,) = side_findings(levels, own)
    assert finding.sentence.startswith("The lateral_2 ROI of L2 differs from the lateral_1 ROI by +")
    front = replace(own, regions=(own.regions[0], Region("lateral_2", "lateral_2", "zone", side="front")))
    assert not side_findings(levels, front)
    # A patch at the base of a pedicle is expected on a lateral zone, of whatever name, and reported elsewhere.
    strict = own.with_values(patch_difference_hu=10.0, noise_limit_sds=1.0)
    assert not any(patch_findings(stack, level, strict) for level in levels)
    assert any(patch_findings(stack, level, replace(front, findings=strict.findings)) for level in levels)


@pytest.mark.parametrize("change_hu", [350, -260])
def test_a_patch_in_a_region_gets_a_finding(spine, change_hu):
    patch = painted(spine, "L4", (0.0, 5.0, 0.0), (3.5, 3.5, 4.0), change_hu)
    result = measured(spine, voxels_hu=patch)
    assert {(f.level, f.roi) for f in result.all_findings if f.code == "uneven_bone"} >= {
        ("L4", "round"),
        ("L4", "oval"),
    }
    assert {finding.level for finding in result.all_findings if finding.code == "uneven_bone"} == {"L4"}


def test_an_outline_unlike_the_one_in_the_ct_and_regions_beyond_the_bone_get_findings(spine):
    stack = axial_stack(CtVolume(spine.voxels_hu, spine.ras_from_ijk), PROTOCOL.frame)
    (landmarks,) = (one for one in midlines(spine) if one.level == "L2")
    found = measure_level(stack, landmarks, PROTOCOL).outline_ras_mm
    middle = found.mean(axis=0)

    def drawn(factors):
        outline = middle + (found - middle) * factors
        return check_places(
            stack, [measure_level(stack, replace(landmarks, outline_ras_mm=outline), PROTOCOL)], PROTOCOL
        )

    assert {finding.code for finding in drawn((1.0, 1.0, 1.0))} == set()
    wide = drawn((1.35, 1.0, 1.0))
    assert "outline_unlike_ct" in {finding.code for finding in wide}
    assert {finding.roi for finding in wide if finding.code == "leaves_bone"} >= {"left", "right"}


def test_a_region_edited_beyond_the_outline_gets_a_finding(spine):
    stack = axial_stack(CtVolume(spine.voxels_hu, spine.ras_from_ijk), PROTOCOL.frame)
    (landmarks,) = (one for one in midlines(spine) if one.level == "L2")
    level = measure_level(stack, landmarks, PROTOCOL)
    mask = level.rois["round"].mask
    for shift, expected in ((0, set()), (25, {("leaves_bone", "round")})):
        offset = (mask.offset_kji[0], mask.offset_kji[1] - shift, mask.offset_kji[2])
        edited = measure_level(stack, landmarks, PROTOCOL, edited_masks={"round": RoiMask(mask.inside, offset)})
        found = check_places(stack, [edited], PROTOCOL)
        assert {(finding.code, finding.roi) for finding in found if finding.code == "leaves_bone"} == expected


def test_a_narrow_view_is_noted(spine):
    j, i = (slice(20, -20) for _ in range(2))
    ct = CtVolume(spine.voxels_hu[:, j, i], spine.ras_from_ijk)
    stack = axial_stack(ct, PROTOCOL.with_values(field_of_view_min_mm=200.0).frame)
    for limit_mm, expected in ((200.0, ["small_field_of_view"]), (50.0, [])):
        found = check_places(stack, [], PROTOCOL.with_values(field_of_view_min_mm=limit_mm))
        assert [finding.code for finding in found] == expected
