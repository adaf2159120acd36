"""A vertebra's mask shows its body: middle, axes and size, however poor the mask is."""

from dataclasses import replace

import numpy as np
import pytest
from placement.builders import body_errors, common_phantom, common_stack, study_protocol, whole_mask
from placement.phantom_masks import coarse, holed, ragged, vertebra_mask
from scipy import ndimage

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.placement.mask_bodies import guess_from_mask

PROTOCOL = study_protocol()


def guessed(level, mask, ras_from_ijk=None):
    ras_from_ijk = common_phantom().ras_from_ijk if ras_from_ijk is None else ras_from_ijk
    return guess_from_mask(level, mask, ras_from_ijk, common_stack(), PROTOCOL)


@pytest.mark.parametrize("level", ["L2", "L3", "L4"])
@pytest.mark.parametrize("kind", ["whole", "body", "ragged", "holed", "ragged and holed"])
def test_body_and_axes_are_found_in_every_kind_of_mask(level, kind):
    mask = vertebra_mask(common_phantom().spec.vertebra(level), common_phantom().grid, whole=kind != "body")
    if "holed" in kind:
        mask = holed(mask)
    if "ragged" in kind:
        mask = ragged(mask)
    guess = guessed(level, mask)
    middle_mm, up_deg, front_deg, size_mm = body_errors(guess, common_phantom().spec.vertebra(level))
    assert np.linalg.norm(middle_mm) < 1.5
    assert up_deg < 6
    assert front_deg < 3
    # The endplates are hollow: in the middle the body is lower than at its rims.
    assert np.all(np.abs(size_mm) < (3, 3, 4.5))


def test_a_coarse_mask_gets_a_finding_and_still_shows_the_body():
    mask = coarse(whole_mask("L3"), (2, 6, 6))[1::2, 2::6, 2::6]
    ras_from_ijk = common_phantom().ras_from_ijk @ np.diag([6.0, 6.0, 2.0, 1.0])
    ras_from_ijk[:3, 3] = (common_phantom().ras_from_ijk @ [2.5, 2.5, 0.5, 1])[:3]
    guess = guessed("L3", mask, ras_from_ijk)
    middle_mm, _, front_deg, _ = body_errors(guess, common_phantom().spec.vertebra("L3"))
    assert np.linalg.norm(middle_mm) < 3
    assert front_deg < 5
    assert [finding.code for finding in guess.findings] == ["mask_coarse"]


@pytest.mark.parametrize("height_mm", [15.0, 16.0])
def test_a_crushed_body_thinner_than_its_arch_is_not_confused_with_it(height_mm):
    vertebra = replace(common_phantom().spec.vertebra("L3"), height_mm=height_mm, depth_mm=29.0, width_mm=40.0)
    grid = axial_grid((0.0, -14.0, 0.0), (90.0, 90.0, 120.0), 1.0, 5.0)
    mask = coarse(vertebra_mask(vertebra, grid), (1, 3, 3))
    middle_mm, up_deg, front_deg, size_mm = body_errors(guessed("L3", mask, grid.ras_from_ijk), vertebra)
    assert np.linalg.norm(middle_mm) < 2
    assert up_deg < 6
    assert front_deg < 3
    assert np.all(np.abs(size_mm[:2]) < 3)


def test_a_good_mask_has_no_findings():
    assert guessed("L3", whole_mask("L3")).findings == ()


def test_detached_pieces_of_a_vertebra_are_ignored_and_reported():
    mask = whole_mask("L3") | np.roll(whole_mask("L3"), 24, axis=0) & vertebra_mask(
        common_phantom().spec.vertebra("L2"), common_phantom().grid, whole=False
    )
    guess = guessed("L3", mask)
    assert np.linalg.norm(body_errors(guess, common_phantom().spec.vertebra("L3"))[0]) < 1.5
    assert "mask_in_pieces" in [finding.code for finding in guess.findings]


@pytest.mark.parametrize("kind", ["whole", "body", "without discs"])
def test_a_segment_of_two_vertebrae_is_refused_whichever_is_the_larger(kind):
    two = np.any(
        [
            vertebra_mask(common_phantom().spec.vertebra(level), common_phantom().grid, kind == "whole")
            for level in ("L2", "L3")
        ],
        axis=0,
    )
    if kind == "without discs":
        two = ndimage.binary_closing(two, np.ones((9, 3, 3)))
    with pytest.raises(InputError, match="The segment of L3 contains several vertebrae"):
        guessed("L3", two)


def test_holes_are_filled_and_reported():
    guess = guessed("L3", holed(whole_mask("L3"), count=60))
    assert [finding.code for finding in guess.findings] == ["mask_with_holes"]
    assert all(finding.level == "L3" for finding in guess.findings)


def test_a_mask_that_leaks_into_the_muscle_shows_the_body():
    vertebra = common_phantom().spec.vertebra("L3")
    k, j, i = np.indices(common_phantom().grid.shape_kji)
    points = (
        np.stack([i, j, k], axis=-1) @ common_phantom().ras_from_ijk[:3, :3].T + common_phantom().ras_from_ijk[:3, 3]
    )
    leak = np.linalg.norm(points - vertebra.to_ras([vertebra.width_mm / 2 + 4, 0, 0]), axis=-1) < 8
    middle_mm, _, front_deg, _ = body_errors(guessed("L3", whole_mask("L3") | leak), vertebra)
    assert np.linalg.norm(middle_mm) < 4
    assert front_deg < 8


def test_the_storage_order_of_the_mask_changes_nothing():
    mask, matrix = whole_mask("L3"), common_phantom().ras_from_ijk
    flipped = matrix @ np.array([[-1.0, 0, 0, mask.shape[2] - 1], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    guess, again = guessed("L3", mask), guessed("L3", mask[:, :, ::-1].transpose(1, 0, 2), flipped)
    assert np.allclose(guess.center_ras_mm, again.center_ras_mm, atol=0.05)
    assert np.allclose(guess.anterior_ras, again.anterior_ras, atol=0.005)


@pytest.mark.parametrize("end", [slice(None, 14), slice(12, None)])
def test_a_body_that_the_scan_cuts_off_is_refused(end):
    mask = whole_mask("L3")
    rows = np.flatnonzero(
        vertebra_mask(common_phantom().spec.vertebra("L3"), common_phantom().grid, whole=False).any(axis=(1, 2))
    )
    first, last = (0, rows[len(rows) // 2]) if end.start is None else (rows[len(rows) // 2], mask.shape[0])
    stack = common_stack().__class__(
        common_stack().voxels_hu[first:last],
        common_stack().ras_from_ijk @ np.block([[np.eye(3), np.array([[0], [0], [first]])], [np.zeros((1, 3)), 1]]),
        common_stack().stored_axes,
        common_stack().flipped,
    )
    with pytest.raises(
        InputError, match="body of L3 reaches the first or last slice of the CT, so part of it is missing"
    ):
        guess_from_mask("L3", mask, common_phantom().ras_from_ijk, stack, PROTOCOL)


def test_a_mask_of_another_ct_is_refused():
    elsewhere = common_phantom().ras_from_ijk.copy()
    elsewhere[2, 3] += 500
    with pytest.raises(InputError, match="segment of L3 is outside the CT"):
        guessed("L3", whole_mask("L3"), elsewhere)


def test_a_segment_that_is_not_a_vertebra_is_refused():
    ball = np.zeros(common_phantom().grid.shape_kji, dtype=bool)
    ball[10:13, 60:70, 60:70] = True
    with pytest.raises(InputError, match="segment of L3 does not contain a vertebral body"):
        guessed("L3", ball)
    with pytest.raises(InputError, match="segment of L3 does not contain a vertebral body"):
        guessed("L3", ndimage.binary_erosion(whole_mask("L3"), iterations=6))
    with pytest.raises(InputError, match="segment of L3 is empty"):
        guessed("L3", np.zeros_like(ball))
