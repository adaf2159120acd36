"""Read the pixels of a sorted DICOM series as one array in HU, each slice with its own rescale."""

import filecmp
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.dicom_file import dataset_of, write_dataset
from LumbarHULib.images.dicom_headers import DicomHeader, Progress
from LumbarHULib.images.sitk_file import quiet_console

if TYPE_CHECKING:
    from pydicom import Dataset

_PIXEL_KEYWORDS = (
    *("SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelData"),
)

# Attributes that state which stored values are padding, that is, not scanned.
_PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")


def read_voxels_hu(headers: list[DicomHeader], progress: Progress) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the voxels of sorted slices, and the values that mark padding.

    Returns
    -------
    tuple of numpy.ndarray, shape (K, J, I), and numpy.ndarray, shape (K, 2), or None
        HU, as int16 or int32 if every slope and intercept is a whole number, otherwise as float64; and for each slice
        the lowest and highest HU that its header declares as padding (NaN if it declares none).

    Raises
    ------
    InputError
        If a slice has no rescale to HU, or its pixels cannot be read.
    """
    rescales = [_rescale(header) for header in headers]
    whole = all(number.is_integer() for rescale in rescales for number in rescale)
    rows, columns = (int(headers[0].number(keyword) or 0) for keyword in ("Rows", "Columns"))
    shape = (len(headers), rows, columns)
    voxels_hu = np.empty(shape, dtype=np.int16 if whole else np.float64)
    with tempfile.TemporaryDirectory() as folder:
        for k, (header, (slope, intercept)) in enumerate(zip(headers, rescales, strict=True)):
            progress(k / len(headers), "Reading the slices")
            stored = _stored_pixels(header.path, Path(folder))
            if stored.shape != shape[1:]:
                raise _unreadable(header.path)
            if whole:
                pixels_hu = stored.astype(np.int64) * int(slope) + int(intercept)
                if voxels_hu.dtype == np.int16 and not _fits(pixels_hu, np.int16):
                    voxels_hu = voxels_hu.astype(np.int32)
                if not _fits(pixels_hu, voxels_hu.dtype):
                    raise _unreadable(header.path)
                voxels_hu[k] = pixels_hu
            else:
                voxels_hu[k] = stored * slope + intercept
    return voxels_hu, padding_of(headers)


def padding_of(headers: Sequence[DicomHeader]) -> np.ndarray | None:
    """Return the lowest and highest HU of each slice's padding, shape (K, 2); None if no header states any."""
    padding_hu = np.full((len(headers), 2), np.nan)
    for k, header in enumerate(headers):
        value, limit = (_stored_number(header, keyword) for keyword in _PADDING)
        if value is None:
            continue
        slope, intercept = _rescale(header)
        ends = [stored * slope + intercept for stored in (value, value if limit is None else limit)]
        padding_hu[k] = min(ends), max(ends)
    return None if np.isnan(padding_hu).all() else padding_hu


def _stored_number(header: DicomHeader, keyword: str) -> float | None:
    """Return an attribute in the pixels' type, even if it was written with the other signedness."""
    raw = header.values.get(keyword)
    number = float(int.from_bytes(raw[:2], "little")) if isinstance(raw, bytes) and raw else header.number(keyword)
    if number is None:
        return None
    is_signed, span = bool(header.number("PixelRepresentation")), 2.0 ** (header.number("BitsAllocated") or 16)
    if is_signed and number >= span / 2:
        return number - span
    return number + span if number < 0 and not is_signed else number


def are_same_pixels(first: DicomHeader, second: DicomHeader) -> bool:
    """Return whether two slices have the same pixel values, whatever their other headers state.

    Raises
    ------
    InputError
        If the pixels of either slice cannot be read.
    """
    if first.path.stat().st_size == second.path.stat().st_size and filecmp.cmp(first.path, second.path, shallow=False):
        return True
    with tempfile.TemporaryDirectory() as folder:
        one, other = (_stored_pixels(header.path, Path(folder)) for header in (first, second))
    return _rescale(first) == _rescale(second) and np.array_equal(one, other)


def _fits(pixels_hu: np.ndarray, target: DTypeLike) -> bool:
    limits = np.iinfo(np.dtype(target))
    return bool(limits.min <= pixels_hu.min() and pixels_hu.max() <= limits.max)


def _rescale(header: DicomHeader) -> tuple[float, float]:
    name = header.path.name
    if (header.number("SamplesPerPixel") or 1) != 1:
        raise InputError(f"“{name}” has color pixels, not one value per pixel: choose the original CT slices.")
    photometric = header.text("PhotometricInterpretation").upper()
    if photometric not in ("", "MONOCHROME1", "MONOCHROME2"):
        raise InputError(f"“{name}” has color pixels ({photometric}), not HU: choose the original CT slices.")
    kind = header.text("RescaleType").upper()
    if kind not in ("", "HU", "US"):
        raise InputError(f"The values of “{name}” are declared as {kind}, not HU: choose the original CT series.")
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if intercept is None or not slope:
        raise InputError(f"“{name}” states no rescale slope and intercept, so its values are not HU: export it again.")
    return slope, intercept


def _stored_pixels(path: Path, folder: Path) -> np.ndarray:
    """Return the stored pixels of one file, before slope and intercept."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dataset_of(path)
            if "PixelData" not in dataset:
                raise InputError(f"“{path.name}” contains no pixels: copy the series again.")
            syntax = dataset.file_meta.TransferSyntaxUID
            if syntax.is_compressed and syntax != pydicom.uid.RLELossless:
                return _checked_bits(path, dataset, _unpacked(dataset, folder))
            return _checked_bits(path, dataset, dataset.pixel_array)
    except (InputError, OSError):
        raise
    except Exception as error:  # the errors of pydicom and SimpleITK on damaged pixels have no common base class
        raise _unreadable(path) from error


def _checked_bits(path: Path, dataset: "Dataset", stored: np.ndarray) -> np.ndarray:
    """Return the pixels; refuse pixels with more bits than the header states for the image."""
    bits = int(dataset.get("BitsStored") or 16)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if dataset.get("PixelRepresentation") else (0, (1 << bits) - 1)
    if low < 0 and low <= stored.min() and high < stored.max() < 1 << bits:
        # Before version 3, pydicom leaves the bits above the stored ones zero.
        stored = np.where(stored > high, stored - (1 << bits), stored)
    if stored.min() < low or stored.max() > high:
        raise InputError(
            f"The pixels of “{path.name}” range from {stored.min()} to {stored.max()}, beyond the {bits} bits that the "
            "header states, probably because an overlay is stored in the bits above: export the series again without "
            "overlays."
        )
    return stored


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"The pixels of “{path.name}” cannot be read, so they are damaged or cut off: copy the series again."
    )


def _unpacked(dataset: "Dataset", folder: Path) -> np.ndarray:
    """Decode JPEG of any kind with GDCM, which SimpleITK includes; pydicom would need more packages.

    GDCM gets only the pixels: without a rescale it returns the stored values, and no patient name is copied.
    """
    import pydicom
    import SimpleITK
    from pydicom.uid import CTImageStorage, generate_uid

    bare = pydicom.Dataset()
    for keyword in _PIXEL_KEYWORDS:
        if keyword in dataset:
            bare.add(dataset[keyword])
    # If the header states inverted gray, GDCM inverts the values of some kinds of JPEG; a measurement needs the stored
    # values.
    bare.PhotometricInterpretation = "MONOCHROME2"
    bare.SOPClassUID, bare.SOPInstanceUID, bare.Modality = CTImageStorage, generate_uid(), "CT"
    bare.RescaleSlope, bare.RescaleIntercept = 1, 0
    bare.file_meta = pydicom.dataset.FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    file = folder / "pixels.dcm"
    write_dataset(file, bare)
    with quiet_console([]):
        return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file)))[0]
