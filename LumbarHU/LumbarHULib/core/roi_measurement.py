"""From label maps to numbers: every quantity of every region of one level."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.quantities import RoiSample, measure_sample
from LumbarHULib.core.results import RoiMask, RoiResult


def sample_voxels(stack: AxialStack, mask: RoiMask) -> RoiSample:
    """Return the CT's voxels under `mask`."""
    crop = tuple(slice(start, start + size) for start, size in zip(mask.offset_kji, mask.inside.shape, strict=True))
    slices = int(np.count_nonzero(mask.inside.any(axis=(1, 2))))
    return RoiSample(stack.voxels_hu[crop][mask.inside], slices, stack.pixel_area_mm2)


def measure_roi(stack: AxialStack, level: str, roi: str, mask: RoiMask, edited: bool = False) -> RoiResult:
    """Return what the voxels under `mask` measure.

    Raises
    ------
    InputError
        When the region holds fewer than two voxels.
    """
    values = measure_sample(sample_voxels(stack, mask), f"The {roi} ROI of {level}")
    return RoiResult(level, roi, LABEL_VALUES[level], values, mask, edited)
