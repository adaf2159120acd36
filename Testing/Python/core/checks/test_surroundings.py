"""The tissue around the bodies: lung and bone next to them are neither wrong values nor vessels."""

from dataclasses import replace

import numpy as np
import pytest
from core.checks.test_reading import FACTS, measured, midlines, painted, ras_mm, reported, spine_ct

from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.phantom.spec import VesselSpec

NAME = "L2"


@pytest.fixture(scope="module")
def spine():
    return spine_ct((NAME,))


def with_lung(phantom, tissue_mm=5.0, lung_hu=-850.0) -> np.ndarray:
    """Return the voxels with lung in front of and lateral to the body, behind a layer of tissue."""
    x, y, _ = np.moveaxis(ras_mm(phantom) - phantom.truth[NAME].midline_ras_mm.mean(axis=0), -1, 0)
    is_lung = ((x / (23 + tissue_mm)) ** 2 + (y / (17 + tissue_mm)) ** 2 > 1) & (y > -12)
    noise = np.random.default_rng(4).normal(0, 40, is_lung.shape)
    return np.where(is_lung, lung_hu + noise, phantom.voxels_hu).astype(np.int16)


def ossified(phantom, shell_hu, marrow_hu, radius_mm=8.0, shell_mm=1.6) -> np.ndarray:
    """Return the voxels with an ossification in front of the body."""
    place, size = (0.0, 17.0 + radius_mm, 0.0), np.array((radius_mm, radius_mm, 14.0))
    x, y, z = np.moveaxis(ras_mm(phantom) - phantom.truth[NAME].midline_ras_mm.mean(axis=0) - place, -1, 0)

    def inside(radii):
        return (x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2 <= 1

    uneven = np.random.default_rng(5).normal(0, 15, x.shape)
    bone = np.where(inside(size - shell_mm), marrow_hu, shell_hu) + uneven
    return np.where(inside(size), bone, phantom.voxels_hu).astype(np.int16)


def codes(result) -> set[str]:
    return {code for code, _ in reported(result)}


def found(phantom, voxels_hu, facts=FACTS) -> set[str]:
    """Return the codes, with the outline that the unchanged CT gives."""
    landmarks = [one for one in midlines(phantom) if one.level == NAME]
    outline = measured(phantom, landmarks).levels[0].outline_ras_mm
    return codes(measured(phantom, [replace(one, outline_ras_mm=outline) for one in landmarks], voxels_hu, facts))


@pytest.mark.parametrize("tissue_mm", [1.0, 5.0, 12.0])
def test_lung_around_a_body_is_not_judged_as_tissue(spine, tissue_mm):
    assert "values_not_hu" not in found(spine, with_lung(spine, tissue_mm))


@pytest.mark.parametrize("offset_hu", [1024, -1024, 300, -600])
@pytest.mark.parametrize("has_lung", [False, True], ids=["tissue", "lung"])
def test_values_with_an_offset_are_found_next_to_lung_as_well(spine, offset_hu, has_lung):
    voxels_hu = with_lung(spine) if has_lung else spine.voxels_hu
    shifted = voxels_hu + np.int16(offset_hu)
    shifted[:, 0, 0] = -1000  # a CT without any negative value is refused
    assert "values_not_hu" in found(spine, shifted)


@pytest.mark.parametrize("bone", [(900, 900), (600, 300), (700, 160)], ids=["ivory", "dense", "marrow"])
def test_an_ossification_in_front_of_a_body_is_not_a_vessel(spine, bone):
    assert "contrast_seen" not in found(spine, ossified(spine, *bone))


def test_uneven_bone_is_not_a_vessel(spine):
    voxels_hu = ossified(spine, 700, 700)
    x = ras_mm(spine)[..., 0] - spine.truth[NAME].midline_ras_mm[0, 0]
    uneven = np.where(voxels_hu > 500, voxels_hu - 350 * (np.abs(x) < 2.5), voxels_hu).astype(np.int16)
    assert "contrast_seen" not in found(spine, uneven)


@pytest.mark.parametrize("hu", [150.0, 350.0, 600.0])
def test_a_vessel_with_contrast_medium_is_found_next_to_lung_and_bone(hu):
    phantom = spine_ct((NAME,), noise_hu=25.0, aorta=VesselSpec(radius_mm=9.5, hu=hu, angle_deg=62.0, plaque_hu=900.0))
    assert "contrast_seen" in codes(measured(phantom))
    spur = painted(phantom, NAME, (14.0, 22.0, 0.0), (6.0, 6.0, 12.0), 800)
    assert "contrast_seen" in found(phantom, spur, ScanFacts(tube_voltage_kv=120))
