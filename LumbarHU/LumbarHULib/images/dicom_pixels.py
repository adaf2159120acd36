"""The pixels of a sorted DICOM series as one array in HU, each slice with its own rescale."""

import tempfile
import warnings
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.dicom_headers import DicomHeader
from LumbarHULib.images.sitk_file import quiet_console

_PIXEL_KEYWORDS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelData"),
)


def read_voxels_hu(headers: list[DicomHeader], progress) -> np.ndarray:
    """Read the voxels of sorted slices.

    Returns
    -------
    numpy.ndarray, shape (K, J, I)
        HU; int16 or int32 where every slope and intercept is a whole number, else float64.

    Raises
    ------
    InputError
        When a slice has no rescale to HU, or its pixels cannot be read.
    """
    rescales = [_rescale(header) for header in headers]
    whole = all(number.is_integer() for rescale in rescales for number in rescale)
    shape = (len(headers), int(headers[0].number("Rows")), int(headers[0].number("Columns")))
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
    return voxels_hu


def _fits(pixels_hu: np.ndarray, target) -> bool:
    return np.iinfo(target).min <= pixels_hu.min() and pixels_hu.max() <= np.iinfo(target).max


def _rescale(header: DicomHeader) -> tuple[float, float]:
    name = header.path.name
    if (header.number("SamplesPerPixel") or 1) != 1:
        raise InputError(f"“{name}” holds colors, not one value a pixel: give the CT slices themselves.")
    photometric = header.text("PhotometricInterpretation").upper()
    if photometric not in ("", "MONOCHROME1", "MONOCHROME2"):
        raise InputError(f"“{name}” holds colors ({photometric}), not HU: give the CT slices themselves.")
    kind = header.text("RescaleType").upper()
    if kind not in ("", "HU", "US"):
        raise InputError(f"The values of “{name}” are declared as {kind}, not HU: give the original CT series.")
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if intercept is None or not slope:
        raise InputError(f"“{name}” states no rescale slope and intercept, so its values are not HU: export it again.")
    return slope, intercept


def _stored_pixels(path: Path, folder: Path) -> np.ndarray:
    """Return the pixels of one file as they are stored, before slope and intercept."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            if "PixelData" not in dataset:
                raise InputError(f"“{path.name}” holds no pixels: copy the series again.")
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = _guessed_syntax(path)
            syntax = dataset.file_meta.TransferSyntaxUID
            if syntax.is_compressed and syntax != pydicom.uid.RLELossless:
                return _unpacked(dataset, folder)
            return dataset.pixel_array
    except (InputError, OSError):
        raise
    except Exception as error:  # what pydicom and SimpleITK raise on damaged pixels has no common base
        raise _unreadable(path) from error


def _unreadable(path: Path) -> InputError:
    return InputError(f"The pixels of “{path.name}” cannot be read: it is damaged or cut off, copy the series again.")


def _guessed_syntax(path: Path) -> str:
    """Return the transfer syntax of a file without preamble: letters after its first tag are an explicit type."""
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    with path.open("rb") as stream:
        return ExplicitVRLittleEndian if stream.read(6)[4:].isalpha() else ImplicitVRLittleEndian


def _unpacked(dataset, folder: Path) -> np.ndarray:
    """Decode JPEG of any kind by GDCM, which SimpleITK brings along; pydicom would need more packages.

    GDCM gets the pixels alone: without rescale it returns what is stored, and no patient's name is copied.
    """
    import pydicom
    import SimpleITK
    from pydicom.uid import CTImageStorage, generate_uid

    bare = pydicom.Dataset()
    for keyword in _PIXEL_KEYWORDS:
        if keyword in dataset:
            bare.add(dataset[keyword])
    bare.SOPClassUID, bare.SOPInstanceUID, bare.Modality = CTImageStorage, generate_uid(), "CT"
    bare.RescaleSlope, bare.RescaleIntercept = 1, 0
    bare.file_meta = pydicom.dataset.FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    file = folder / "pixels.dcm"
    pydicom.dcmwrite(file, bare, enforce_file_format=True)
    with quiet_console([]):
        return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file)))[0]
