"""Read segmentations from disk: label maps, Slicer's .seg.nrrd, or a folder with a file for each structure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_bytes import refuse_unreadable
from LumbarHULib.files.file_managers import entries
from LumbarHULib.images.image_header import read_image_header
from LumbarHULib.images.nifti_file import read_nifti
from LumbarHULib.images.sitk_file import held_array, ras_from_ijk_of, read_image_with_sitk

_SITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
_NIFTI_SUFFIXES = (".nii", ".nii.gz")
_READABLE = ".nrrd, .seg.nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd or a folder with a file for each vertebra"

# Slicer's field names for the segments in a .seg.nrrd.
_SEGMENT_KEY = re.compile(r"Segment(\d{1,9})_(Name|LabelValue|Layer|Tags)")
# The measured vertebrae, and those that reveal an unusual count of vertebrae.
_VERTEBRA_FILE = re.compile(r"T1[23]|L[1-6]", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, eq=False)
class Segment:
    """One structure of a segmentation.

    Parameters
    ----------
    name : str
        The segment's name in the file; empty if it has none.
    value : int
        The value of its voxels in the file.
    inside : numpy.ndarray of bool, shape (K, J, I)
        Its voxels, cropped to their bounding box.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) of the crop to RAS mm.
    terminology : str
        Slicer's terminology tag; empty if there is none.
    file : str
        Name, without suffixes, of the file if the segment is its only structure; otherwise empty.
    """

    name: str
    value: int
    inside: np.ndarray
    ras_from_ijk: np.ndarray
    terminology: str = ""
    file: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether the segment has no voxels."""
        return self.inside.size == 0

    @property
    def middle_ras_mm(self) -> np.ndarray:
        """Return the center of the bounding box, shape (3,)."""
        middle_ijk = (np.array(self.inside.shape[::-1]) - 1) / 2
        return self.ras_from_ijk[:3, :3] @ middle_ijk + self.ras_from_ijk[:3, 3]


def read_segmentation(path: Path) -> tuple[Segment, ...]:
    """Read every segment, including named segments without voxels.

    Parameters
    ----------
    path : pathlib.Path
        A label map (.nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd), Slicer's .seg.nrrd, including overlapping segments, or a
        folder with a mask file for each structure, named after it.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or is not a segmentation.
    """
    path = Path(path)
    with refuse_unreadable(path, "crop the segmentation"):
        if not path.exists():
            raise InputError(f"There is no file or folder “{path}”: check the path.")
        return _read_folder(path) if path.is_dir() else _read_file(path)


def _read_folder(path: Path) -> tuple[Segment, ...]:
    files = [
        file
        for file in entries(path)
        if file.name.lower().endswith(_NIFTI_SUFFIXES + _SITK_SUFFIXES) and not file.is_dir()
    ]
    if not files:
        raise InputError(f"The folder “{path.name}” contains no segmentation: choose {_READABLE}.")
    found: list[Segment] = []
    for file in files:
        # Read only vertebrae: a folder may contain a hundred other structures.
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
        raise InputError(f"“{path.name}” has an unsupported segmentation format: choose {_READABLE}.")
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
    """Name a file's only segment after the file, such as vertebrae_L1.nii.gz; its label value has no meaning."""
    stem = path.name.split(".")[0]
    if not segments and _VERTEBRA_FILE.search(stem):
        return (Segment(stem, 1, np.zeros((0, 0, 0), dtype=bool), np.eye(4), file=stem),)
    if len(segments) != 1:
        return segments
    return (replace(segments[0], name=segments[0].name or stem, file=stem),)


def _described(called: str, image: Any, layers: int) -> dict[int, dict[int, tuple[str, str]]]:
    """Return the name and terminology in a .seg.nrrd, by layer and label value.

    Raises
    ------
    InputError
        If two segments have the same label value in the same layer.
    """
    fields: dict[int, dict[str, str]] = {}
    for key in image.GetMetaDataKeys():
        match = _SEGMENT_KEY.fullmatch(key)
        if match:
            fields.setdefault(int(match.group(1)), {})[match.group(2)] = image.GetMetaData(key)
    described: dict[int, dict[int, tuple[str, str]]] = {}
    for number, field in sorted(fields.items()):
        # Files from before Slicer 4.11 have a layer for each segment and no label values. Other programs write one
        # layer without stating it.
        layer, value = field.get("Layer", "0" if layers == 1 else str(number)), field.get("LabelValue", "1")
        if not (_WHOLE_NUMBER.fullmatch(layer) and _WHOLE_NUMBER.fullmatch(value)):
            continue
        name = field.get("Name", "")
        layer_segments = described.setdefault(int(layer), {})
        other = layer_segments.get(int(value), ("", ""))[0]
        if int(value) in layer_segments and _VERTEBRA_FILE.search(f"{name} {other}"):
            raise InputError(
                f"The segments “{other}” and “{name}” in “{called}” have the same label value {value}: save the "
                "segmentation again, with a value for each."
            )
        layer_segments[int(value)] = (name, field.get("Tags", ""))
    return described


def segments_in(
    called: str, labels: np.ndarray, ras_from_ijk: np.ndarray, described: Mapping[int, tuple[str, str]]
) -> tuple[Segment, ...]:
    """Return every segment of a label map, by value, including described segments without voxels.

    Parameters
    ----------
    called : str
        Name of the label map in messages.
    labels : numpy.ndarray, shape (K, J, I)
        Whole numbers; 0 is background.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) to RAS mm.
    described : mapping of int to tuple
        Known names and terminologies, by value.

    Raises
    ------
    InputError
        If the values are those of an image, not of a label map.
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


# Larger values are not vertebral labels: an image in HU has thousands of values.
_LARGEST_VALUE = 4000


def _whole_numbers(called: str, labels: np.ndarray) -> np.ndarray:
    low, high = float(labels.min()), float(labels.max())
    if np.isnan(low):
        raise InputError(
            f"“{called}” contains voxels that are not a number (NaN): save the segmentation with whole numbers and 0 "
            "as background."
        )
    whole = labels.dtype.kind in "iu" or np.array_equal(labels, np.rint(labels))
    if not whole or low < 0 or high > _LARGEST_VALUE:
        raise InputError(
            f"“{called}” contains values from {low:g} to {high:g}, so it is not a segmentation: choose one with a "
            "whole number for each vertebra and 0 as background."
        )
    return labels if labels.dtype in (np.uint8, np.int16, np.uint16, np.int32) else labels.astype(np.int32)
