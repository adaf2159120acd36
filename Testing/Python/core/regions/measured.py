"""A formula body measured by a shipped protocol."""

from dataclasses import dataclass

import numpy as np
from core.builders import stored_voxels
from core.regions.formula_body import LEVEL, FormulaBody
from phantom.stored_orders import reoriented

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.regions.given_mask import mask_on_stack
from LumbarHULib.core.results import LevelResult, RoiResult
from LumbarHULib.files.protocol_file import load_protocol


@dataclass(frozen=True, eq=False)
class MeasuredBody:
    """One level of a formula body."""

    ct: CtVolume
    stack: AxialStack
    result: LevelResult
    roi: RoiResult

    @property
    def stored(self) -> np.ndarray:
        """The region's voxels in the stored order, shape (k, j, i)."""
        return stored_voxels(self.stack, self.roi.mask, self.ct.voxels_hu.shape)


def measured(
    protocol: str | Protocol, body: FormulaBody, shape_kji, ras_from_ijk, mask=None, order=(0, 1, 2), flips=(False,) * 3
) -> MeasuredBody:
    """Measure the body's only region, with its true midline, and with `mask` (on the same grid) as segmentation."""
    result, stack, ct = measured_level(protocol, body, shape_kji, ras_from_ijk, mask, order, flips)
    (roi,) = result.rois.values()
    return MeasuredBody(ct, stack, result, roi)


def measured_level(
    protocol, body: FormulaBody, shape_kji, ras_from_ijk, mask=None, order=(0, 1, 2), flips=(False,) * 3
):
    """Return the level as `measured` does, with all regions, and the stack and the CT."""
    if isinstance(protocol, str):
        protocol = load_protocol(protocol).protocol
    voxels, matrix = reoriented(body.voxels_hu(shape_kji, ras_from_ijk), ras_from_ijk, order, flips)
    ct = CtVolume(voxels, matrix)
    stack = axial_stack(ct, protocol.frame)
    k = round(float(stack.slice_heights(np.zeros(3))))
    point = stack.ras_from_ijk[:3, 3] + k * stack.ras_from_ijk[:3, 2]
    landmarks = Landmarks(LEVEL, body.midline_ras_mm(point, stack.normal_ras))
    vertebra = None
    if mask is not None:
        stored_mask, mask_matrix = reoriented(mask, ras_from_ijk, order, flips)
        vertebra = mask_on_stack(LEVEL, stored_mask, mask_matrix, stack)
    return measure_level(stack, landmarks, protocol, vertebra=vertebra), stack, ct
