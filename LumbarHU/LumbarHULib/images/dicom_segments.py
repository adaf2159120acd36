"""Read the segments of a DICOM Segmentation object as voxels of their CT."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, ROIS

if TYPE_CHECKING:
    from pydicom import Dataset

_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
_RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])

# DICOM states positions to about 0.01 mm; a frame farther from its slice than this belongs to another grid.
_SAME_POSITION_MM = 0.02

_LABEL = re.compile(rf"({'|'.join(LEVELS)})[ _-]({'|'.join(ROIS)})", re.IGNORECASE)


def read_dicom_segments(path: Path, ct: CtVolume) -> Iterator[tuple[str, str, np.ndarray, tuple[int, int, int]]]:
    """Yield level, region, voxels as an array [k, j, i] of the segment's slices, and the index of the first voxel.

    Parameters
    ----------
    path : pathlib.Path
        A binary Segmentation object with segments labeled like “L1 round”; other segments are ignored.
    ct : CtVolume
        The CT that contains the frames' slices.

    Raises
    ------
    InputError
        If the file is not such an object, no segment has such a label, or a frame is not in a slice of the CT.
    """
    dataset, frames = _read(path)
    regions = {}
    for segment in dataset.SegmentSequence:
        match = _LABEL.fullmatch(str(segment.SegmentLabel).strip())
        if match:
            regions[int(segment.SegmentNumber)] = match[1].upper(), match[2].lower()
    if not regions:
        raise InputError(f"“{path.name}” has no segment labeled like “L1 round”: choose LumbarHU's own object.")
    slices: dict[int, dict[int, np.ndarray]] = {number: {} for number in regions}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for frame, group in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        if number in regions:
            slices[number][_slice_of(path, ct, group, shared, frame.shape)] = frame.astype(bool)
    for number, (level, roi) in regions.items():
        if slices[number]:
            first, last = min(slices[number]), max(slices[number])
            inside = np.zeros((last - first + 1, *ct.voxels_hu.shape[1:]), dtype=bool)
            for k, frame in slices[number].items():
                inside[k - first] = frame
            yield level, roi, inside, (first, 0, 0)


def _read(path: Path) -> tuple["Dataset", np.ndarray]:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            if dataset.get("SOPClassUID") != _SEGMENTATION_STORAGE or dataset.get("SegmentationType") != "BINARY":
                raise InputError(f"“{path.name}” is not a binary DICOM Segmentation object: choose one.")
            frames = dataset.pixel_array
    except (InputError, OSError):
        raise
    except Exception as error:  # pydicom's errors on damaged files have no common base class
        raise InputError(f"“{path.name}” is damaged and cannot be read as DICOM: copy it again.") from error
    return dataset, frames if frames.ndim == 3 else frames[np.newaxis]


def _slice_of(path: Path, ct: CtVolume, group: "Dataset", shared: "Dataset", shape_ji: tuple[int, ...]) -> int:
    """Return the index k of the stored CT's slice that contains a frame."""

    def macro(name: str) -> Any:
        return (group if name in group else shared)[name][0]

    position = np.array(macro("PlanePositionSequence").ImagePositionPatient, dtype=float) * _RAS_FROM_LPS
    along = np.array(macro("PlaneOrientationSequence").ImageOrientationPatient, dtype=float).reshape(2, 3)
    row_mm, column_mm = (float(spacing) for spacing in macro("PixelMeasuresSequence").PixelSpacing)
    steps = along * _RAS_FROM_LPS * np.array([[column_mm], [row_mm]])
    far_ji = np.array(ct.voxels_hu.shape[1:]) - 1
    k = int(np.rint(np.linalg.solve(ct.ras_from_ijk[:3, :3], position - ct.ras_from_ijk[:3, 3])[2]))
    corners = ((0, 0), (0, far_ji[1]), (far_ji[0], 0))
    offsets_mm = [
        np.linalg.norm(position + j * steps[1] + i * steps[0] - (ct.ras_from_ijk @ (i, j, k, 1))[:3])
        for j, i in corners
    ]
    if shape_ji != ct.voxels_hu.shape[1:] or not 0 <= k < len(ct.voxels_hu) or max(offsets_mm) > _SAME_POSITION_MM:
        raise InputError(
            f"“{path.name}” has a frame outside the slices of the CT: choose the DICOM series that it refers to."
        )
    return k
