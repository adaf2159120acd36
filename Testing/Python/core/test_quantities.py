import statistics

import numpy as np
import pytest
import SimpleITK
from core.builders import PROTOCOL, UPRIGHT, control_points, geometry, kidney, noise_ct

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.quantities import QUANTITIES, RoiSample, measure_roi, measure_sample, sample_voxels
from LumbarHULib.core.results import RoiMask

RANDOM = np.random.default_rng(11)


def measured(values_hu, slices=1, pixel_area_mm2=0.25) -> dict:
    return measure_sample(RoiSample(np.asarray(values_hu), slices, pixel_area_mm2), "The round ROI of L1")


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 101, 1000])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32, np.float64])
def test_numbers_are_those_of_the_standard_library_and_of_numpy(count, kind):
    values = RANDOM.normal(100, 60, count).astype(kind)
    found = measured(values, slices=3, pixel_area_mm2=0.3)
    exact = [float(value) for value in values]
    tolerance = {"rel": 1e-12, "abs": 1e-12}
    assert found["mean_hu"] == pytest.approx(statistics.fmean(exact), **tolerance)
    assert found["sd_hu"] == pytest.approx(statistics.stdev(exact), rel=1e-9)
    assert found["median_hu"] == pytest.approx(statistics.median(exact), **tolerance)
    quartiles = statistics.quantiles(exact, n=4, method="inclusive")
    assert [found["q1_hu"], found["q3_hu"]] == pytest.approx([quartiles[0], quartiles[2]], **tolerance)
    assert [found["q1_hu"], found["q3_hu"]] == pytest.approx(list(np.quantile(values.astype(float), [0.25, 0.75])))
    assert (found["min_hu"], found["max_hu"]) == (min(exact), max(exact))
    assert (found["voxels"], found["slices"]) == (count, 3)
    assert found["area_mm2"] == pytest.approx(count * 0.3 / 3, abs=1e-6)


def test_whole_numbers_are_summed_exactly():
    values = np.full(70_001, 32_767, dtype=np.int16)
    values[0] = -32_768
    assert measured(values)["mean_hu"] == int(values.astype(object).sum()) / 70_001


def test_every_quantity_has_a_number_of_plain_type_and_a_name_of_its_own():
    found = measured(np.array([1, 2, 4], dtype=np.int16))
    assert list(found) == [quantity.name for quantity in QUANTITIES]
    assert all(type(value) in (int, float) for value in found.values())
    assert (
        len({quantity.title for quantity in QUANTITIES})
        == len({quantity.code for quantity in QUANTITIES})
        == len(found)
    )


@pytest.mark.parametrize(("count", "reported"), [(0, "0 voxels"), (1, "1 voxel,")])
def test_fewer_than_two_voxels_are_refused_with_their_number(count, reported):
    with pytest.raises(InputError) as caught:
        measured(np.zeros(count, dtype=np.int16))
    assert str(caught.value).startswith(f"The round ROI of L1 has {reported}")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_simpleitk_finds_the_same_numbers_under_the_same_label_map(dtype):
    ct = noise_ct(geometry((0.6, 0.7, 1.0)), dtype=dtype)
    if dtype == np.float32:
        ct.voxels_hu[...] += RANDOM.normal(0, 0.3, ct.voxels_hu.shape).astype(np.float32)
    stack = axial_stack(ct, PROTOCOL.frame)
    result = measure_level(stack, UPRIGHT.landmarks(control_points(kidney()), level="L2"), PROTOCOL)
    for roi in ROIS:
        of = result.rois[roi]
        assert of.label_value == LABEL_VALUES["L2"] == 21
        crop, offset = stack.stored_crop(of.mask.inside, of.mask.offset_kji)
        labels = np.zeros(ct.voxels_hu.shape, dtype=np.uint8)
        labels[tuple(slice(o, o + n) for o, n in zip(offset, crop.shape, strict=True))][crop] = 21
        filter_ = SimpleITK.LabelStatisticsImageFilter()
        filter_.Execute(SimpleITK.GetImageFromArray(ct.voxels_hu), SimpleITK.GetImageFromArray(labels))
        assert sorted(filter_.GetLabels()) == [0, 21]
        if dtype == np.int16:
            assert of.values["mean_hu"] == filter_.GetMean(21)
        assert of.values["mean_hu"] == pytest.approx(filter_.GetMean(21), rel=1e-9)
        assert of.values["sd_hu"] == pytest.approx(filter_.GetSigma(21), rel=1e-9)
        assert (of.values["min_hu"], of.values["max_hu"]) == (filter_.GetMinimum(21), filter_.GetMaximum(21))
        assert of.values["voxels"] == filter_.GetCount(21)
        assert of.values["area_mm2"] == pytest.approx(filter_.GetCount(21) * 0.6 * 0.7 / 3, abs=1e-6)
        assert of.values["slices"] == 3


def test_an_edited_mask_with_an_empty_slice_counts_the_slices_that_hold_voxels():
    stack = axial_stack(noise_ct(), PROTOCOL.frame)
    inside = np.zeros((3, 2, 2), dtype=bool)
    inside[[0, 2]] = True
    mask = RoiMask(inside, (3, 50, 60))
    sample = sample_voxels(stack, mask)
    assert sorted(sample.values_hu) == sorted(stack.voxels_hu[[3, 5], 50:52, 60:62].ravel())
    of = measure_roi(stack, "L1", "left", mask, edited=True)
    assert (of.values["voxels"], of.values["slices"], of.values["area_mm2"]) == (8, 2, 1.0)
    assert of.edited
