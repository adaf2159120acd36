import numpy as np
import pytest
from core.builders import geometry, noise_ct

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError

GRID = geometry(shape_kji=(3, 4, 5))
VOXELS_HU = np.arange(60, dtype=np.int16).reshape(3, 4, 5) - 30


def refusal(voxels_hu=VOXELS_HU, ras_from_ijk=GRID) -> str:
    with pytest.raises(InputError) as caught:
        CtVolume(voxels_hu, ras_from_ijk)
    return str(caught.value)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.float32, np.float64, ">i2", "<f4"])
def test_voxels_of_any_number_type_are_taken_as_they_are_without_a_copy(dtype):
    voxels_hu = VOXELS_HU.astype(dtype)
    assert CtVolume(voxels_hu, GRID).voxels_hu is voxels_hu


def test_the_matrix_is_copied_and_frozen():
    matrix = GRID.copy()
    ct = CtVolume(VOXELS_HU, matrix)
    matrix[0, 3] += 1
    assert ct.ras_from_ijk[0, 3] == GRID[0, 3]
    with pytest.raises(ValueError, match="read-only"):
        ct.ras_from_ijk[0, 3] = 0


@pytest.mark.parametrize("shape", [(12, 5), (2, 2, 3, 5), (3, 4, 5, 1)])
def test_two_and_four_dimensions_are_refused_with_their_number(shape):
    assert f"has {len(shape)} dimensions" in refusal(np.resize(VOXELS_HU, shape))


def test_a_ct_without_voxels_is_refused():
    assert "no voxels" in refusal(VOXELS_HU[:0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_refused_with_their_count(value):
    voxels_hu = VOXELS_HU.astype(np.float32)
    voxels_hu[0, 0, :2] = value
    assert "has 2 voxels that are not finite" in refusal(voxels_hu)


def test_values_without_any_negative_one_are_refused_with_the_intercept_as_remedy():
    sentence = refusal((VOXELS_HU + 1024).astype(np.uint16))
    assert "lowest 994" in sentence
    assert "−1024" in sentence


def test_a_constant_volume_is_refused_with_its_value():
    assert "is -1000" in refusal(np.full((3, 4, 5), -1000, dtype=np.int16))


def test_a_map_on_a_background_of_zeros_is_refused_with_the_share():
    voxels = np.zeros((3, 4, 5))
    voxels[0] = np.linspace(-1, 0.9, 20).reshape(4, 5)
    assert "67 % of the CT's voxels are exactly 0" in refusal(voxels)


@pytest.mark.parametrize("dtype", [bool, complex, "S1", "datetime64[s]"])
def test_voxels_that_are_not_real_numbers_are_refused_with_their_type(dtype):
    assert str(np.dtype(dtype)) in refusal(np.ones((3, 4, 5)).astype(dtype))


def test_a_geometry_that_spans_no_volume_is_refused():
    flat, twin, unknown = (GRID.copy() for _ in range(3))
    flat[:3, 2] = 0
    twin[:3, 1] = 2 * twin[:3, 0]
    unknown[0, 0] = np.nan
    for matrix in (flat, twin):
        assert "do not span a volume" in refusal(ras_from_ijk=matrix)
    for matrix in (unknown, GRID[:3], GRID.T):
        assert "4 × 4 matrix" in refusal(ras_from_ijk=matrix)


def test_a_single_slice_and_a_large_background_of_air_are_fine():
    voxels_hu = noise_ct().voxels_hu[:1].copy()
    voxels_hu[:, 30:] = -1024
    assert CtVolume(voxels_hu, GRID).voxels_hu.shape == (1, 140, 160)
