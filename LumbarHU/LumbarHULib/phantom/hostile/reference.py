"""Measure a hostile case's regions inside the true outline."""

from collections.abc import Mapping

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult, RoiMask
from LumbarHULib.phantom.hostile.case import HostileCase

# Any level is possible: a single vertebra does not show its level.
LEVEL = "L2"


def measured_in_truth(case: HostileCase, protocol: Protocol) -> LevelResult:
    """Return the measurement with the true midline and the true outline."""
    stack = axial_stack(case.ct, protocol.frame)
    landmarks = Landmarks(LEVEL, case.midline_ras_mm)
    return measure_level(stack, landmarks, protocol, known_outline_ras_mm=case.control_points_ras_mm())


def field_means_hu(case: HostileCase, masks: Mapping[str, RoiMask]) -> dict[str, float]:
    """Return the mean of the bone inside the cortex, without blur and noise, over each region's voxels.

    Parameters
    ----------
    case : HostileCase
    masks : mapping of str to RoiMask
        Masks by region, from a measurement of this case's CT.
    """
    means = {}
    for roi, mask in masks.items():
        first, size = mask.offset_kji, mask.inside.shape
        crop = tuple(slice(start, start + count) for start, count in zip(first, size, strict=True))
        means[roi] = float(case.field_hu[crop][mask.inside].mean())
    return means
