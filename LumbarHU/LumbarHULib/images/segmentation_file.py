"""Segmentations from disk: label maps, Slicer's .seg.nrrd, or a folder with a file for each structure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import entries
from LumbarHULib.images.image_header import read_image_header
from LumbarHULib.images.nifti_file import read_nifti
from LumbarHULib.images.sitk_file import held_array, ras_from_ijk_of, read_image_with_sitk

_SITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
_NIFTI_SUFFIXES = (".nii", ".nii.gz")
_READABLE = ".nrrd, .seg.nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd or a folder with a file for each vertebra"

# Slicer's names of what a .seg.nrrd says of its segments.
_SEGMENT_KEY = re.compile(r"Segment(\d{1,9})_(Name|LabelValue|Layer|Tags)")
# The vertebrae that are measured, and those that tell of a spine that is not counted as most are.
_VERTEBRA_FILE = re.compile(r"T1[23]|L[1-6]", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, eq=False)
class Segment:
    """One structure of a segmentation.

    Parameters
    ----------
    name : str
        As the file gives it; empty where it gives none.
    value : int
        The value of its voxels in the file.
    inside : numpy.ndarray of bool, shape (K, J, I)
        Its voxels, cropped to them.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) of the crop to RAS mm.
    terminology : str
        What Slicer keeps of its meaning; empty where there is none.
    file : str
        Name, without endings, of the file that it is the only structure of; empty where it is one of several.
    """

    name: str
    value: int
    inside: np.ndarray
    ras_from_ijk: np.ndarray
    terminology: str = ""
    file: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it is named but has no voxels."""
        return self.inside.size == 0

    @property
    def middle_ras_mm(self) -> np.ndarray:
        """Middle of the box around it, shape (3,)."""
        middle_ijk = (np.array(self.inside.shape[::-1]) - 1) / 2
        return self.ras_from_ijk[:3, :3] @ middle_ijk + self.ras_from_ijk[:3, 3]


def read_segmentation(path: Path) -> tuple[Segment, ...]:
    """Read every segment; one that is named but has no voxels is there as well.

    Parameters
    ----------
    path : pathlib.Path
        A label map (.nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd), Slicer's .seg.nrrd, also with overlapping segments, or a
        folder with a mask for each structure, named like its file.

    Raises
    ------
    InputError
        When there is no such file, it cannot be read, or what it holds is no segmentation.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"There is no file or folder “{path}”: check the path.")
        if path.is_dir():
            return _read_folder(path)
        return _read_file(path)
    except PermissionError as error:
        raise InputError(f"“{path}” may not be read: ask for the right to read it.") from error
    except MemoryError as error:
        raise InputError(f"“{path.name}” is larger than the computer's memory: crop the segmentation.") from error


def _read_folder(path: Path) -> tuple[Segment, ...]:
    files = [
        file
        for file in entries(path)
        if file.name.lower().endswith(_NIFTI_SUFFIXES + _SITK_SUFFIXES) and not file.is_dir()
    ]
    if not files:
        raise InputError(f"The folder “{path.name}” holds no segmentation: give {_READABLE}.")
    found = []
    for file in files:
        # Only vertebrae are read: a folder may hold a hundred other structures.
        if _VERTEBRA_FILE.search(file.name):
            found += _read_file(file)
    return tuple(found)


def _read_file(path: Path) -> tuple[Segment, ...]:
    if path.stat().st_size == 0:
        raise InputError(f"“{path.name}” is empty: copy it again.")
    name = path.name.lower()
    if name.endswith(_NIFTI_SUFFIXES):
        labels, ras_from_ijk, _, _ = read_nifti(path)
        return _named_by_file(path, segments_in(path.name, labels, ras_from_ijk, {}))
    if not name.endswith(_SITK_SUFFIXES):
        raise InputError(f"“{path.name}” is of no format that can be read as a segmentation: give {_READABLE}.")
    image, _ = read_image_with_sitk(path, layers=True)
    array, ras_from_ijk = held_array(image), ras_from_ijk_of(image)
    ras_from_ijk[:3] *= read_image_header(path).unit_mm
    layers = [array] if array.ndim == 3 else [array[..., layer] for layer in range(array.shape[-1])]
    described = _described(path.name, image, len(layers))
    segments = tuple(
        segment
        for layer, labels in enumerate(layers)
        for segment in segments_in(path.name, labels, ras_from_ijk, described.get(layer, {}))
    )
    return _named_by_file(path, segments)


def _named_by_file(path: Path, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Name the only segment of a file after it, such as vertebrae_L1.nii.gz; its value tells nothing."""
    stem = path.name.split(".")[0]
    if not segments and _VERTEBRA_FILE.search(stem):
        return (Segment(stem, 1, np.zeros((0, 0, 0), dtype=bool), np.eye(4), file=stem),)
    if len(segments) != 1:
        return segments
    return (replace(segments[0], name=segments[0].name or stem, file=stem),)


def _described(called: str, image, layers: int) -> dict[int, dict[int, tuple[str, str]]]:
    """Return by layer and label value the name and terminology that a .seg.nrrd gives.

    Raises
    ------
    InputError
        When two segments are given one label value of one layer.
    """
    fields: dict[int, dict[str, str]] = {}
    for key in image.GetMetaDataKeys():
        match = _SEGMENT_KEY.fullmatch(key)
        if match:
            fields.setdefault(int(match.group(1)), {})[match.group(2)] = image.GetMetaData(key)
    described: dict[int, dict[int, tuple[str, str]]] = {}
    for number, field in sorted(fields.items()):
        # Files of before Slicer 4.11 have a layer for each segment and no label values; other programs write one layer
        # and do not say so.
        layer, value = field.get("Layer", "0" if layers == 1 else str(number)), field.get("LabelValue", "1")
        if not (_WHOLE_NUMBER.fullmatch(layer) and _WHOLE_NUMBER.fullmatch(value)):
            continue
        name = field.get("Name", "")
        of_layer = described.setdefault(int(layer), {})
        other = of_layer.get(int(value), ("", ""))[0]
        if int(value) in of_layer and _VERTEBRA_FILE.search(f"{name} {other}"):
            raise InputError(
                f"“{called}” gives the segments “{other}” and “{name}” the same label value {value}, "
                "so their voxels cannot be told apart: save the segmentation again, with a value for each."
            )
        of_layer[int(value)] = (name, field.get("Tags", ""))
    return described


def segments_in(
    called: str, labels: np.ndarray, ras_from_ijk: np.ndarray, described: Mapping[int, tuple[str, str]]
) -> tuple[Segment, ...]:
    """Return every segment that a label map holds, by value, and those that are described but have no voxels.

    Parameters
    ----------
    called : str
        What messages call the label map.
    labels : numpy.ndarray, shape (K, J, I)
        Whole numbers; 0 is no segment.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) to RAS mm.
    described : mapping of int to tuple
        Name and terminology of the values of which they are known.

    Raises
    ------
    InputError
        When the values are those of an image, not of a label map.
    """
    from scipy import ndimage

    segments = []
    for index, crop in enumerate(ndimage.find_objects(_whole_numbers(called, labels))):
        if crop is None:
            continue
        value = index + 1
        matrix = ras_from_ijk.copy()
        matrix[:3, 3] += matrix[:3, :3] @ [axis.start for axis in reversed(crop)]
        name, terminology = described.get(value, ("", ""))
        segments.append(Segment(name, value, labels[crop] == value, matrix, terminology))
    there = {segment.value for segment in segments}
    segments += [
        Segment(name, value, np.zeros((0, 0, 0), dtype=bool), ras_from_ijk, terminology)
        for value, (name, terminology) in described.items()
        if value not in there
    ]
    return tuple(segments)


# Label values above it are no vertebra's; an image of HU has thousands of values.
_LARGEST_VALUE = 4000


def _whole_numbers(called: str, labels: np.ndarray) -> np.ndarray:
    low, high = float(labels.min()), float(labels.max())
    if np.isnan(low):
        raise InputError(
            f"“{called}” holds voxels that are not a number (NaN): save the segmentation with whole numbers, 0 where "
            "there is no vertebra."
        )
    whole = labels.dtype.kind in "iu" or np.array_equal(labels, np.rint(labels))
    if not whole or low < 0 or high > _LARGEST_VALUE:
        raise InputError(
            f"“{called}” holds values from {low:g} to {high:g}, so it is no segmentation: give one with a whole "
            "number for each vertebra and 0 elsewhere."
        )
    return labels if labels.dtype in (np.uint8, np.int16, np.uint16, np.int32) else labels.astype(np.int32)
