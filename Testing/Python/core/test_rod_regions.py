"""Rods measured in a CT: their means, and each reason to refuse one."""

from dataclasses import replace

import numpy as np
import pytest
from core.rod_phantom import CENTERS_RAS_MM, DENSITIES_MG_CC, RAS_FROM_IJK, hu_of, labels_of, phantom_of, rod_ct

from LumbarHULib.core.calibration import fit_calibration
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.rod_regions import RodPlace, samples_at, samples_of_labels
from LumbarHULib.files.calibration_settings import calibration_settings

LIMITS = calibration_settings().rods
UP = np.array([0.0, 0.0, 1.0])
PHANTOM = phantom_of("ABCDE")


def places(centers=None, length_mm=10.0, axis_ras=UP) -> list[RodPlace]:
    return [RodPlace(name, np.array(at), axis_ras, length_mm) for name, at in (centers or CENTERS_RAS_MM).items()]


def measured(ct=None, at=None, radius_mm=4.0, limits=LIMITS, phantom=PHANTOM):
    return samples_at(ct or rod_ct(), at or places(), phantom, radius_mm, limits)


def test_each_rod_has_the_mean_and_the_voxels_of_its_cylinder():
    ct = rod_ct(noise_hu=12.0)
    found = measured(ct)
    k, j, i = np.indices(ct.voxels_hu.shape)
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ RAS_FROM_IJK.T
    for name, sample in found.items():
        offset = points[..., :3] - CENTERS_RAS_MM[name]
        inside = (np.hypot(offset[..., 0], offset[..., 1]) <= 4.0) & (np.abs(offset[..., 2]) <= 5.0)
        values = ct.voxels_hu[inside].astype(float)
        assert sample.voxels == inside.sum()
        assert sample.mean_hu == pytest.approx(values.mean(), rel=1e-12)
        assert sample.sd_hu == pytest.approx(values.std(ddof=1), rel=1e-12)


def test_the_mean_does_not_depend_on_how_the_ct_is_stored():
    ct = rod_ct(noise_hu=12.0)
    flipped = RAS_FROM_IJK.copy()
    flipped[:3, 3] += flipped[:3, 0] * (ct.voxels_hu.shape[2] - 1)
    flipped[:3, 0] *= -1
    other = CtVolume(np.ascontiguousarray(ct.voxels_hu[:, :, ::-1]), flipped)
    assert {name: one.mean_hu for name, one in measured(other).items()} == pytest.approx(
        {name: one.mean_hu for name, one in measured(ct).items()}
    )


def test_a_label_map_gives_the_means_under_its_labels():
    ct = rod_ct(noise_hu=12.0)
    found = samples_of_labels(ct, labels_of(ct), PHANTOM, LIMITS)
    for value, name in enumerate("ABCDE", start=1):
        values = ct.voxels_hu[labels_of(ct) == value]
        assert found[name].mean_hu == pytest.approx(values.mean(), rel=1e-12)
        assert found[name].voxels == values.size


def changed(name, **offset):
    at = dict(CENTERS_RAS_MM)
    at[name] = np.add(at[name], [offset.get("r", 0.0), offset.get("a", 0.0), offset.get("s", 0.0)])
    return places(at)


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (changed("E", s=500.0), "rod E is outside the scan: place its mark in the CT of the phantom"),
        (changed("E", s=11.0), r"\d+ % of the cylinder at the rod E is outside the scan: move its mark, or choose a l"),
        (changed("B", r=-22.0), r"The cylinders at the rods A and B overlap in \d+ voxels"),
        (changed("C", a=9.0), r"cylinder at the rod C leaves the rod: its outer half differs by -\d+ HU|contains air"),
        (
            places({**CENTERS_RAS_MM, "Q": (0, 0, 12)}),
            "“Q” is not a rod of “rods”: name each mark after its rod, one of A,",
        ),
        ([*places(), *places({"a": CENTERS_RAS_MM["A"]})], "rod A is marked twice"),
        (places({**CENTERS_RAS_MM, "A": (0.0, -22.0, 14.0)}), r"rod A contains air: its mean is -1000 HU, and 100 %"),
    ],
)
def test_a_mark_at_a_wrong_place_is_refused_with_the_name_of_its_rod(at, sentence):
    with pytest.raises(InputError, match=sentence):
        measured(at=at)


def test_a_saturated_rod_is_refused():
    ct = rod_ct({**hu_of("ABCDE"), "D": 3071.0})
    with pytest.raises(InputError, match="100 % of the rod D is saturated, at or above 3000 HU"):
        measured(ct)
    with pytest.raises(InputError, match="100 % of the rod D is saturated"):
        samples_of_labels(ct, labels_of(ct), PHANTOM, LIMITS)


def test_a_rod_filled_with_air_is_refused_and_so_is_one_with_a_bubble():
    ct = rod_ct({**hu_of("ABCDE"), "B": -990.0})
    with pytest.raises(InputError, match="rod B contains air: its mean is -990 HU"):
        measured(ct)
    with pytest.raises(InputError, match="rod B contains air"):
        samples_of_labels(ct, labels_of(ct), PHANTOM, LIMITS)
    voxels = rod_ct().voxels_hu.copy()
    inside = np.argwhere(labels_of(rod_ct()) == 3)
    bubble = inside[np.linalg.norm(inside - inside.mean(axis=0), axis=1) < 3]
    voxels[tuple(bubble.T)] = -900
    with pytest.raises(InputError, match=r"rod C contains air: its mean is -\d+ HU, and \d+ % of its voxels"):
        measured(CtVolume(voxels, RAS_FROM_IJK), limits=replace(LIMITS, edge_hu=1e9))


def test_too_small_a_cylinder_is_refused():
    with pytest.raises(InputError, match=r"rod [AB] has \d+ voxels, fewer than 20: choose a larger radius"):
        measured(radius_mm=0.9)


def test_padding_in_a_rod_is_refused():
    ct = rod_ct()
    padded = CtVolume(ct.voxels_hu, ct.ras_from_ijk, np.tile([265.0, 266.0], (len(ct.voxels_hu), 1)))
    with pytest.raises(InputError, match=r"100 % of the rod E was not scanned \(padding\)"):
        measured(padded)


def test_labels_that_are_not_those_of_the_phantom_are_refused():
    ct, labels = rod_ct(), labels_of(rod_ct())
    with pytest.raises(InputError, match="contains the value 9, but “rods” has 1 for A, 2 for B"):
        samples_of_labels(ct, np.where(labels == 4, 9, labels), PHANTOM, LIMITS)
    with pytest.raises(InputError, match="label map is empty"):
        samples_of_labels(ct, np.zeros_like(labels), PHANTOM, LIMITS)
    nameless = replace(PHANTOM, rods=tuple(replace(rod, label_value=None) for rod in PHANTOM.rods))
    with pytest.raises(InputError, match="rod A of “rods” has no label_value"):
        samples_of_labels(ct, labels, nameless, LIMITS)


def test_densities_of_a_region_in_noisy_cts_with_offsets_are_covered_in_95_percent():
    """Measure rods and a region in rendered CTs: noise of the voxels, and an offset of each position."""
    random = np.random.default_rng(9)
    phantom = phantom_of("ABDE")
    covered, errors_mg_cc = [], []
    for trial in range(400):
        offsets_hu = dict(zip("ABCDE", random.normal(0, 3, 5), strict=True))
        found = measured(rod_ct(noise_hu=15.0, seed=trial, offsets_hu=offsets_hu), phantom=PHANTOM)
        rods = {name: sample for name, sample in found.items() if name != "C"}
        density = fit_calibration(phantom, rods, calibration_settings().fit, 31).density(found["C"].mean_hu)
        covered.append(density.low_mg_cc <= DENSITIES_MG_CC["C"] <= density.high_mg_cc)
        errors_mg_cc.append(density.mean_mg_cc - DENSITIES_MG_CC["C"])
    assert 0.93 <= np.mean(covered) <= 0.97
    assert abs(np.mean(errors_mg_cc)) <= 1.0
