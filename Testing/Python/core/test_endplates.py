"""The computed endplates, compared with those of phantoms, whose surfaces are known by construction."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from core.builders import PROTOCOL

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.endplates import find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spec import VesselSpec
from LumbarHULib.phantom.spines import lumbar_spine, upright_spine

FIELD_MM = (60.0, 60.0, 110.0)
SPINE = ("L2", "L3", "L4")


# Rendered once for the tests in a row that look at the same CT.
@lru_cache(maxsize=2)
def ct_of(spec, slice_mm=2.5, pixel_mm=0.8, noise_hu=15.0, seed=11, size_mm=FIELD_MM, turned=None, sheared_deg=0.0):
    # L3's middle is at the origin, off the grid's middle, so that the slices are not symmetrical about it.
    grid = axial_grid((1.3, -2.1, 0.37 * slice_mm), size_mm, pixel_mm, slice_mm)
    grid = grid.rotated(*turned) if turned else grid
    grid = grid.sheared(sheared_deg) if sheared_deg else grid
    ct = render_on_grid(spec, grid, noise_hu=noise_hu, noise_fwhm_mm=1.0, seed=seed)
    return axial_stack(CtVolume(ct.voxels_hu, ct.ras_from_ijk), PROTOCOL.frame)


def found_in(stack, vertebra, off_mm=(0.0, 0.0, 0.0)):
    middle = np.array(vertebra.center_ras_mm) + off_mm
    return find_endplates(
        stack, vertebra.level, middle, vertebra.axes_ras[1], vertebra.depth_mm, PROTOCOL.endplates, PROTOCOL.outline
    )


def true_centers(vertebra):
    half_mm = vertebra.height_mm / 2 - vertebra.endplate_concavity_mm
    return vertebra.to_ras([0, 0, half_mm]), vertebra.to_ras([0, 0, -half_mm])


ODD_SPINES = {
    "usual": ({}, 15.0),
    "osteoporotic, thin cortex": ({"trabecular_hu": 30.0, "cortex_mm": 0.4, "endplate_mm": 0.4}, 30.0),
    "dense": ({"trabecular_hu": 220.0, "endplate_mm": 1.2}, 20.0),
    "hollow endplates": ({"endplate_concavity_mm": 3.0}, 15.0),
    "flat endplates": ({"endplate_concavity_mm": 0.0}, 15.0),
    "aorta with contrast medium": ({"aorta": VesselSpec(10.0, 300.0, 62.0, gap_mm=0.5)}, 25.0),
}


MORE_SPINES = (
    *((name, 2.5) for name in ("usual", "dense", "hollow endplates", "flat endplates")),
    *((name, 1.0) for name in ODD_SPINES if name != "hollow endplates"),
)


@pytest.mark.parametrize(
    ("name", "slice_mm"),
    [
        ("osteoporotic, thin cortex", 2.5),
        ("aorta with contrast medium", 2.5),
        ("hollow endplates", 1.0),
        *(pytest.param(*row, marks=pytest.mark.proof) for row in MORE_SPINES),
    ],
)
def test_the_centers_of_both_endplates_are_found_within_a_millimeter(name, slice_mm):
    fields, noise_hu = ODD_SPINES[name]
    spec = upright_spine(SPINE, trunk=False, tilt_deg=4.0, **fields)
    vertebra = spec.vertebra("L3")
    found = found_in(ct_of(spec, slice_mm, noise_hu=noise_hu), vertebra)
    for center, true in zip(
        (found.upper.center_ras_mm, found.lower.center_ras_mm), true_centers(vertebra), strict=True
    ):
        assert np.linalg.norm(center - true) < 1.0
    assert abs(found.middle_ras_mm @ [0, 0, 1]) < 0.4
    assert found.support > 0.9


@pytest.mark.parametrize("off_mm", [(0.0, 0.0, 0.0), (-2.0, -4.0, 2.0), (0.0, -3.0, -4.0), (2.0, -2.0, -4.0)])
def test_a_low_body_and_its_disc_are_not_measured_as_one_body_of_usual_height(off_mm):
    spec = upright_spine(SPINE, trunk=False, tilt_deg=15.0, endplate_concavity_mm=0.7)
    crushed = replace(spec.vertebra("L3"), height_mm=16.0, depth_mm=29.0, width_mm=39.0)
    spec = replace(spec, vertebrae=tuple(crushed if one.level == "L3" else one for one in spec.vertebrae))
    stack = ct_of(spec, slice_mm=1.0, pixel_mm=1.0, noise_hu=13.0)
    found = found_in(stack, crushed, crushed.to_ras(off_mm) - crushed.center_ras_mm)
    assert abs(crushed.to_vertebra(found.middle_ras_mm)[2]) < 0.5
    assert found.height_mm == pytest.approx(16.0 - 2 * 0.7, abs=1.0)


@pytest.mark.parametrize("off_mm", [-6.0, -3.0, 3.0, 6.0])
def test_where_the_search_begins_does_not_matter(off_mm):
    spec = lumbar_spine(SPINE, pelvis=False)
    stack = ct_of(spec)
    vertebra = spec.vertebra("L3")
    at_middle, off_middle = found_in(stack, vertebra), found_in(stack, vertebra, (0, 0, off_mm))
    assert off_middle.middle_ras_mm == pytest.approx(at_middle.middle_ras_mm, abs=0.35)


@pytest.mark.parametrize(
    "tilt_deg", [-15.0, *(pytest.param(tilt, marks=pytest.mark.proof) for tilt in (-8.0, 0.0, 8.0, 15.0))]
)
def test_the_tilt_has_its_sign(tilt_deg):
    spec = upright_spine(SPINE, trunk=False, tilt_deg=tilt_deg)
    found = found_in(ct_of(spec), spec.vertebra("L3"))
    assert found.tilt_deg == pytest.approx(tilt_deg, abs=1.5)
    assert found.up_ras == pytest.approx(spec.vertebra("L3").axes_ras[2], abs=0.04)


@pytest.mark.parametrize(
    "grid",
    [
        {"turned": ((1, 0, 0), 10.0)},
        {"sheared_deg": 12.0},
        pytest.param({"turned": ((0, 1, 0), 8.0)}, marks=pytest.mark.proof),
    ],
)
def test_oblique_and_sheared_slices_give_the_same_place(grid):
    spec = upright_spine(SPINE, trunk=False)
    vertebra = spec.vertebra("L3")
    found = found_in(ct_of(spec, 2.0, **grid), vertebra)
    for center, true in zip(
        (found.upper.center_ras_mm, found.lower.center_ras_mm), true_centers(vertebra), strict=True
    ):
        assert np.linalg.norm(center - true) < 1.0


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.proof) for seed in (0, 1, 2))])
def test_slices_of_5_mm_still_tell_mid_height_to_half_a_slice_and_a_millimeter(seed):
    spec = lumbar_spine(SPINE, pelvis=False, lordosis=1.2, trabecular_hu=80.0)
    vertebra = spec.vertebra("L3")
    found = found_in(ct_of(spec, 5.0, noise_hu=30.0, seed=seed), vertebra, (0, 0, 1.5 * (seed - 1.5)))
    assert abs(found.middle_ras_mm[2] - vertebra.center_ras_mm[2]) < 5.0 / 2 + 1.0


def test_distances_are_those_to_the_nearer_endplate_and_negative_beyond_it():
    spec = upright_spine(SPINE, trunk=False, tilt_deg=10.0, endplate_concavity_mm=0.0)
    vertebra = spec.vertebra("L3")
    found = found_in(ct_of(spec, 1.0, noise_hu=5.0), vertebra)
    inside = [[0, 0, 0], [0, 0, 10], [8, 5, -11], [-8, -5, 11], [0, 0, 16]]
    true_mm = [14.0, 4.0, 3.0, 3.0, -2.0]
    assert found.distances_mm(vertebra.to_ras(inside)) == pytest.approx(true_mm, abs=0.5)


def test_the_height_of_a_low_body_is_measured():
    heights = {}
    for height_mm in (16.0, 28.0):
        spec = upright_spine(SPINE, trunk=False)
        upper, middle, lower = spec.vertebrae
        spec = replace(spec, vertebrae=(upper, replace(middle, height_mm=height_mm), lower))
        heights[height_mm] = found_in(ct_of(spec), spec.vertebra("L3")).height_mm
    assert heights[28.0] - heights[16.0] == pytest.approx(12.0, abs=1.5)


@pytest.mark.parametrize(("name", "center_s_mm"), [("upper", -22.0), ("lower", 22.0)])
def test_a_body_that_the_scan_cuts_off_is_refused(name, center_s_mm):
    spec = upright_spine(SPINE, trunk=False)
    grid = axial_grid((0, 0, center_s_mm), (60, 60, 65), 0.8, 2.5)
    ct = render_on_grid(spec, grid, noise_hu=10.0, seed=3)
    stack = axial_stack(CtVolume(ct.voxels_hu, ct.ras_from_ijk), PROTOCOL.frame)
    with pytest.raises(InputError, match=f"The scan ends .* L3, before its {name} endplate and .* omit L3"):
        found_in(stack, spec.vertebra("L3"))


def test_a_place_outside_the_scan_is_refused():
    spec = upright_spine(SPINE, trunk=False)
    with pytest.raises(InputError, match="The scan ends"):
        found_in(ct_of(spec), spec.vertebra("L3"), (0, 0, 200.0))


@pytest.mark.parametrize("offset_mm", [(0, -75, 0), (90, 0, 0), (0, 50, 0)])
def test_no_endplates_are_found_in_muscle_and_fat(offset_mm):
    spec = upright_spine(SPINE, trunk=False)
    stack = ct_of(spec, size_mm=(250.0, 220.0, 110.0), pixel_mm=1.5)
    with pytest.raises(InputError, match=r"endplate of L3 is not visible|are .* mm apart"):
        found_in(stack, spec.vertebra("L3"), offset_mm)


@pytest.mark.parametrize("slice_mm", [12.6, 20.0, 4000.0])
def test_slices_farther_apart_than_half_a_body_are_refused(slice_mm):
    matrix = np.diag([-0.8, -0.8, slice_mm, 1.0])
    matrix[:3, 3] = 20.0, 20.0, -3 * slice_mm
    voxels_hu = np.random.default_rng(4).normal(60, 40, (7, 50, 50)).astype(np.int16)
    stack = axial_stack(CtVolume(voxels_hu, matrix), PROTOCOL.frame)
    with pytest.raises(InputError, match=f"in slices {slice_mm:.4g} mm apart, more than half the usual height"):
        find_endplates(stack, "L3", np.zeros(3), np.array([0.0, 1.0, 0.0]), 34.0, PROTOCOL.endplates, PROTOCOL.outline)
