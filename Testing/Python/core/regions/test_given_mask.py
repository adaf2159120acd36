"""A segmentation on a grid of its own, brought to the CT's voxels: those whose centers are in a voxel of the mask."""

import numpy as np
import pytest
from core.builders import PROTOCOL
from core.regions.formula_body import LEVEL, grid, rotation_about, voxel_centers
from phantom.stored_orders import reoriented, stored_orders

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.regions.given_mask import is_of_vertebra, mask_on_stack, needs_vertebrae
from LumbarHULib.files.protocol_file import load_protocol


def stack_on(shape, matrix):
    return axial_stack(
        CtVolume(np.random.default_rng(1).integers(-100, 200, shape).astype(np.int16), matrix), PROTOCOL.frame
    )


def whole(stack, mask) -> np.ndarray:
    """Return a mask in the whole stack."""
    array = np.zeros(stack.voxels_hu.shape, dtype=bool)
    box = tuple(slice(o, o + n) for o, n in zip(mask.offset_kji, mask.inside.shape, strict=True))
    array[box] = mask.inside
    return array


GRIDS = {
    "finer": ((0.6, 0.6, 1.0), None),
    "coarser": ((2.1, 1.7, 4.0), None),
    "turned": ((1.1, 1.3, 2.0), rotation_about(1, 17) @ rotation_about(0, 8)),
}


@pytest.mark.parametrize("number", [0, 13, 40])
@pytest.mark.parametrize("name", GRIDS)
def test_a_voxel_belongs_to_the_mask_whose_nearest_voxel_is_set(name, number):
    shape, matrix = grid((0.9, 0.9, 1.5), (40, 40, 30))
    stack = stack_on(shape, matrix)
    mask_shape, mask_matrix = grid(GRIDS[name][0], (34, 36, 26), GRIDS[name][1], off_mm=(1.11, -2.07, 0.57))
    mask = np.random.default_rng(number).random(mask_shape) < 0.5
    # The same mask in another order of storage has the same voxels.
    found = whole(stack, mask_on_stack(LEVEL, *reoriented(mask, mask_matrix, *stored_orders()[number]), stack))
    expected = np.zeros(stack.voxels_hu.shape, dtype=bool)
    centers = voxel_centers(stack.voxels_hu.shape, stack.ras_from_ijk)
    ijk = np.rint((centers - mask_matrix[:3, 3]) @ np.linalg.inv(mask_matrix[:3, :3]).T).astype(int)
    inside = ((ijk >= 0) & (ijk < mask_shape[::-1])).all(axis=-1)
    i, j, k = ijk[inside].T
    expected[inside] = mask[k, j, i]
    assert np.array_equal(found, expected)


def test_a_mask_that_reaches_beyond_the_ct_is_cut_there():
    shape, matrix = grid((1.0, 1.0, 2.0), (30, 30, 20))
    stack = stack_on(shape, matrix)
    large, large_matrix = grid((1.0, 1.0, 2.0), (60, 60, 60))
    assert whole(stack, mask_on_stack(LEVEL, np.ones(large, dtype=bool), large_matrix, stack)).all()


def test_a_mask_outside_the_ct_is_refused():
    shape, matrix = grid((1.0, 1.0, 2.0), (30, 30, 20))
    far = matrix.copy()
    far[2, 3] += 500
    with pytest.raises(
        InputError, match="No voxel of the CT is in the segment of L1: check that both are of one patient"
    ):
        mask_on_stack(LEVEL, np.ones(shape, dtype=bool), far, stack_on(shape, matrix))


def test_the_regions_of_the_volume_are_made_from_the_segmentation():
    made = {name: needs_vertebrae(load_protocol(name).protocol) for name in ("three-slice", "circle-200mm2-2025")}
    assert made == {"three-slice": False, "circle-200mm2-2025": False}
    for name in ("eroded-7mm-2021", "ellipse-prism"):
        protocol = load_protocol(name).protocol
        assert needs_vertebrae(protocol)
        assert all(map(is_of_vertebra, protocol.regions))
