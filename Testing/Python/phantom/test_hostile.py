"""Hostile phantoms: the truth that they carry, checked against formulas and second implementations."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.distance import cdist

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.hostile.anatomy import Anatomy, Arch, BodyShape, Bone, Scanner, Surroundings, Vein
from LumbarHULib.phantom.hostile.case import render_case
from LumbarHULib.phantom.hostile.families import FAMILIES, family_case

QUIET = Scanner(pixel_mm=0.5, slice_mm=1.0, thickness_mm=1.0, slices=3, blur_fwhm_mm=0.0, noise_hu=0.0)


@pytest.fixture(scope="module")
def protocol():
    return load_protocol().protocol


def measured_in_truth(case, protocol):
    """Return the measurement with the true midline and the true outline; a single vertebra does not show its level."""
    landmarks = Landmarks("L2", case.midline_ras_mm)
    stack = axial_stack(case.ct, protocol.frame)
    return measure_level(stack, landmarks, protocol, known_outline_ras_mm=case.control_points_ras_mm())


def field_means_hu(case, masks) -> dict[str, float]:
    """Return the mean of the bone inside the cortex, without blur and noise, over each region's voxels."""
    means = {}
    for roi, mask in masks.items():
        crop = tuple(slice(at, at + count) for at, count in zip(mask.offset_kji, mask.inside.shape, strict=True))
        means[roi] = float(case.field_hu[crop][mask.inside].mean())
    return means


def profile_hu(case, index: int, from_mm: np.ndarray) -> np.ndarray:
    """Values of the mid-slice along the outline's outward normal, by SciPy's interpolation."""
    points = case.outline_ras_mm[:, :2]
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normal = np.column_stack([along[:, 1], -along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    inward = points.mean(axis=0) - points[index]
    outward = -normal[index] * np.sign(normal[index] @ inward)
    at = points[index] + from_mm[:, None] * outward
    corner, step = case.ras_from_ijk[:2, 3], np.diag(case.ras_from_ijk)[:2]
    i, j = ((at - corner) / step).T
    return map_coordinates(case.voxels_hu[case.mid_slice].astype(float), [j, i], order=1)


def test_the_midline_has_the_body_s_depth_and_its_ends_lie_on_the_outline():
    case = render_case(Anatomy(BodyShape(depth_mm=31.5, rotation_deg=12.0), scanner=QUIET), 4)
    anterior, posterior = case.midline_ras_mm
    assert np.linalg.norm(anterior - posterior) == pytest.approx(31.5)
    assert cdist(case.midline_ras_mm, case.outline_ras_mm).min(axis=1).max() < 0.06
    # Counterclockwise by 12° with the left on the right: the front moves toward the right.
    assert np.degrees(np.arctan2(*(anterior - posterior)[:2])) == pytest.approx(12.0)


@pytest.mark.parametrize(("horns", "width"), [((6.0, 4.0), 44.0), ((0.0, 0.0), 38.0)])
def test_horns_and_width_are_as_long_as_they_were_asked_for(horns, width):
    shape = BodyShape(depth_mm=30.0, width_mm=width, horn_mm=horns)
    case = render_case(Anatomy(shape, scanner=QUIET), 0)
    offset = case.outline_ras_mm - case.midline_ras_mm[0]
    right = offset[:, 0] > 3
    reach = [-offset[right, 1].min() - 30.0, -offset[offset[:, 0] < -3, 1].min() - 30.0]
    assert reach == pytest.approx(horns, abs=0.35)
    assert np.ptp(offset[:, 0]) == pytest.approx(width, abs=0.8)


def test_the_control_points_spline_is_the_outline():
    case = family_case("horns", 3)
    spline, _ = sample_closed_spline(case.control_points_ras_mm()[:, :2])
    assert cdist(spline, case.outline_ras_mm[:, :2]).min(axis=1).max() < 0.08


def test_the_edge_of_what_is_rendered_is_the_true_outline():
    # Bone and soft tissue without cortex, sharp: the step is at the outline.
    anatomy = Anatomy(
        BodyShape(flare_mm=0.0),
        Bone(cortex_mm=1e-6, cortex_hu=400.0, trabecular_hu=400.0, texture_hu=0.0),
        surroundings=Surroundings(fat_hu=-100.0, ligament_mm=4.0, vessels=(), psoas_mm=0.0),
        scanner=replace(QUIET, pixel_mm=0.25, blur_fwhm_mm=0.8),
    )
    case = render_case(anatomy, 1)
    from_mm = np.arange(-2, 2.001, 0.02)
    front = case.outline_ras_mm[:, 1] > case.midline_ras_mm[:, 1].mean()
    assert not case.covered[front].any()
    for index in np.flatnonzero(front)[::40]:
        profile = profile_hu(case, index, from_mm)
        crossing = from_mm[np.abs(profile - (400.0 + 45.0) / 2).argmin()]
        assert abs(crossing) < 0.08


def test_a_cortex_carries_its_thickness_times_its_value():
    anatomy = Anatomy(
        BodyShape(flare_mm=0.0),
        Bone(cortex_mm=0.5, cortex_hu=1000.0, cortex_variation=0.0, trabecular_hu=45.0, texture_hu=0.0),
        surroundings=Surroundings(ligament_mm=6.0, vessels=(), psoas_mm=0.0, fat_hu=45.0, muscle_hu=45.0),
        scanner=replace(QUIET, pixel_mm=0.3, blur_fwhm_mm=1.2),
    )
    case = render_case(anatomy, 1)
    from_mm = np.arange(-4, 4.001, 0.05)
    front = [0, len(case.outline_ras_mm) // 8, -len(case.outline_ras_mm) // 8]
    for index in front:
        excess = (profile_hu(case, index, from_mm) - 45.0).sum() * 0.05
        assert excess == pytest.approx(0.5 * (1000.0 - 45.0), rel=0.05)


def test_without_blur_the_regions_measure_the_field_and_the_field_is_its_formula(protocol):
    bone = Bone(trabecular_hu=120.0, gradient_hu_per_mm=(0.6, -1.5, 2.0), texture_hu=0.0)
    case = render_case(Anatomy(BodyShape(flare_mm=0.0), bone, arch=Arch(corner_hu=(0.0, 0.0)), scanner=QUIET), 2)
    level = measured_in_truth(case, protocol)
    fields = field_means_hu(case, {roi: level.rois[roi].mask for roi in ROIS})
    half_depth_mm = case.anatomy.shape.depth_mm / 2
    for roi in ROIS:
        mask = level.rois[roi].mask
        k, j, i = np.nonzero(mask.inside) + np.array(mask.offset_kji)[:, None]
        ras = case.ras_from_ijk[:3, :3] @ np.array([i, j, k]) + case.ras_from_ijk[:3, 3:]
        offset = ras - case.midline_ras_mm[0][:, None]
        back = (case.outline_ras_mm[:, 1].min() - case.midline_ras_mm[0, 1]) / 2
        formula = 120.0 + 0.6 * -offset[0] - 1.5 * (offset[1] - back) + 2.0 * ras[2]
        assert fields[roi] == pytest.approx(formula.mean(), abs=0.02)
        assert level.rois[roi].values["mean_hu"] == pytest.approx(fields[roi], abs=0.5)
    assert abs(back + half_depth_mm) < 3


def test_the_density_changes_with_height_as_it_was_asked_for():
    bone = Bone(gradient_hu_per_mm=(0.0, 0.0, 3.0), texture_hu=0.0)
    case = render_case(Anatomy(bone=bone, scanner=replace(QUIET, slice_mm=2.0, thickness_mm=2.0)), 1)
    # The grid's k runs upward.
    assert case.ras_from_ijk[2, 2] == 2.0
    assert np.diff(case.field_hu, axis=0) == pytest.approx(6.0, abs=1e-3)


@pytest.mark.parametrize("sharpening", [0.0, 1.0])
def test_deep_inside_a_kernel_keeps_the_bone_s_value(sharpening):
    bone = Bone(texture_hu=0.0)
    case = render_case(Anatomy(bone=bone, scanner=replace(QUIET, blur_fwhm_mm=1.4, sharpening=sharpening)), 1)
    middle = np.rint(np.linalg.solve(case.ras_from_ijk, [*case.midline_ras_mm.mean(axis=0), 1])[:3]).astype(int)[::-1]
    assert case.voxels_hu[tuple(middle)] == pytest.approx(130.0, abs=1.0)


def test_a_sharp_kernel_overshoots_outside_the_cortex():
    soft, sharp = (
        render_case(Anatomy(scanner=replace(QUIET, blur_fwhm_mm=0.9, sharpening=weight)), 1) for weight in (0.0, 1.0)
    )
    from_mm = np.arange(1.0, 2.5, 0.1)
    assert profile_hu(sharp, 0, from_mm).min() < profile_hu(soft, 0, from_mm).min() - 30


@pytest.mark.parametrize("scanner", [{"noise_hu": 20.0}, {"streak_hu": 20.0}, {"metal_hu": 20.0}])
def test_noise_and_streaks_have_the_sd_they_were_asked_for(scanner):
    quiet, noisy = (render_case(Anatomy(scanner=replace(QUIET, **change)), 1) for change in ({}, scanner))
    added = noisy.voxels_hu.astype(float) - quiet.voxels_hu
    assert added.std(axis=(1, 2)) == pytest.approx([20.0] * 3, rel=0.03)
    along_x, along_y = (np.diff(added, axis=axis).std() for axis in (2, 1))
    if "streak_hu" in scanner:
        assert along_x < along_y / 4
    if "noise_hu" in scanner:
        assert along_x == pytest.approx(along_y, rel=0.05)


def test_where_the_vein_opens_the_wall_there_is_no_cortex():
    case = render_case(Anatomy(vein=Vein(mouth_mm=12.0), scanner=QUIET), 1)
    across = case.outline_ras_mm[:, 0] - case.midline_ras_mm[1, 0]
    behind = case.outline_ras_mm[:, 1] < case.midline_ras_mm[1, 1] + 2
    gone = case.cortex_mm == 0
    assert np.ptp(across[gone]) == pytest.approx(12.0, abs=0.25)
    assert behind[gone].all()


def test_the_same_seed_gives_the_same_case_and_another_family_another_body():
    one, again, other = family_case("lung", 7), family_case("lung", 7), family_case("horns", 7)
    assert np.array_equal(one.voxels_hu, again.voxels_hu)
    assert one.anatomy.shape.depth_mm != other.anatomy.shape.depth_mm


@pytest.mark.parametrize("family", [*FAMILIES, "mixed"])
def test_every_family_has_its_body_whole_in_a_ct_that_can_be_measured_in_its_true_outline(family, protocol):
    case = family_case(family, 1)
    level = measured_in_truth(case, protocol)
    assert all(np.isfinite(level.rois[roi].values["mean_hu"]) for roi in ROIS)
    last = np.array(case.voxels_hu.shape[:0:-1]) - 1
    corner, step = case.ras_from_ijk[:2, 3], np.diag(case.ras_from_ijk)[:2]
    ij = (case.outline_ras_mm[:, :2] - corner) / step
    margin_px = 8.0 / case.anatomy.scanner.pixel_mm
    assert (ij > margin_px).all()
    assert (ij < last - margin_px).all()


def test_an_impossible_case_is_refused():
    with pytest.raises(InputError, match="no mid-slice"):
        render_case(Anatomy(scanner=replace(QUIET, slices=4)), 0)
    with pytest.raises(InputError, match="no family"):
        family_case("ghosts", 0)
