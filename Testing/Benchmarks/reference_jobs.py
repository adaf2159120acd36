"""Measure the same regions with SimpleITK, from label maps of the CT's full size."""

from collections.abc import Callable

import SimpleITK
from workload import Workload

from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.results import ReadingResult


class ReferenceJobs:
    """A CT and the five label maps of a result, as SimpleITK images."""

    def __init__(self, workload: Workload, result: ReadingResult):
        self._result = result
        self._ct = SimpleITK.GetImageFromArray(workload.ct.voxels_hu)
        self._label_maps = {}
        stack = workload.stack()
        for roi in ROIS:
            label_map = SimpleITK.Image(self._ct.GetSize(), SimpleITK.sitkUInt8)
            for level in result.levels:
                crop, first_kji = stack.stored_crop(level.rois[roi].mask.inside, level.rois[roi].mask.offset_kji)
                pasted = SimpleITK.GetImageFromArray(crop.astype("uint8") * LABEL_VALUES[level.level])
                label_map = SimpleITK.Paste(label_map, pasted, pasted.GetSize(), [0, 0, 0], list(first_kji[::-1]))
            self._label_maps[roi] = label_map

    def label_statistics(self, _: int = 0) -> None:
        """Measure all five label maps with LabelStatisticsImageFilter."""
        for roi in ROIS:
            measured = SimpleITK.LabelStatisticsImageFilter()
            measured.Execute(self._ct, self._label_maps[roi])
            self._compare(roi, measured.GetMean)

    def label_intensity_statistics(self, _: int = 0) -> None:
        """Measure all five label maps with LabelIntensityStatisticsImageFilter."""
        for roi in ROIS:
            measured = SimpleITK.LabelIntensityStatisticsImageFilter()
            measured.Execute(self._label_maps[roi], self._ct)
            self._compare(roi, measured.GetMean)

    def _compare(self, roi: str, mean_of_label: Callable[[int], float]) -> None:
        """Check that both programs give the same means."""
        for level in self._result.levels:
            mean_hu, other_hu = level.rois[roi].values["mean_hu"], mean_of_label(LABEL_VALUES[level.level])
            if abs(mean_hu - other_hu) > 1e-9:
                raise SystemExit(
                    f"The mean of {roi} at {level.level} is {mean_hu} HU, and {other_hu} HU with SimpleITK."
                )
