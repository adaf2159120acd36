"""Find the slices of a CT series among the DICOM files of a folder, and count the other files by kind."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import files_below, is_of_file_manager
from LumbarHULib.images.dicom_file import header_of, is_dicom, transfer_syntax_of
from LumbarHULib.images.dicom_one_ct import FINGERPRINT_KEYWORDS, KEYWORDS, fingerprint, parts_alike

if TYPE_CHECKING:
    from pydicom import Dataset

# They include no name, ID or birth date of a patient. The date of the scan is compared with that of a calibration.
_KEYWORDS = [
    *("SOPClassUID", "Modality", "ImageType", "SeriesInstanceUID", "SeriesNumber", "NumberOfFrames"),
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness", "GantryDetectorTilt"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "LossyImageCompression", "LossyImageCompressionMethod"),
    *("PixelRepresentation", "BitsAllocated", "BitsStored", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("KVP", "XRayTubeCurrent", "ConvolutionKernel", "Manufacturer", "ManufacturerModelName"),
    *("ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusIngredient", "ContrastBolusRoute"),
    *("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate"),
    *("AcquisitionDateTime", "SeriesDate", "StudyDate"),
    *KEYWORDS,
]

# ImageType values of localizers, and of maps whose values are not attenuation.
_LOCALIZER_WORDS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "REF_SURVIEW"}
_MAP_WORDS = {
    *("PERFUSION", "SUBTRACTION", "STD_DEVIATION", "QUANTITY", "DIVISION", "MULTIPLICATION", "ADDITION", "MASKED"),
    *("MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY"),
    *("MIP", "MINIP", "MAXIMUM", "MINIMUM"),
}

_SEVERAL_FRAMES = "image of several frames"

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


# Called with the fraction done and the current step.
Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class DicomHeader:
    """The elements of one DICOM header that concern a measurement.

    Parameters
    ----------
    path : pathlib.Path
    values : mapping of str to object
        The elements' values by keyword.
    fingerprints : mapping of str to str
        Hashes that distinguish patients, studies and frames of reference without identifying them: see `dicom_one_ct`.
    transfer_syntax : str
        UID of the transfer syntax; empty if the file states none.
    """

    path: Path
    values: Mapping[str, object]
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    transfer_syntax: str = ""

    def text(self, keyword: str) -> str:
        """Return the element's value as text, with several values separated by blanks; empty if there is none."""
        value = self.values.get(keyword)
        if isinstance(value, MutableSequence):
            return " ".join(map(str, value))
        return "" if value is None else str(value).strip()

    def numbers(self, keyword: str, count: int) -> np.ndarray | None:
        """Return the element's values, shape (count,); None unless they are `count` finite numbers."""
        try:
            values = np.array(self.values.get(keyword), dtype=float).reshape(-1)
        except (TypeError, ValueError):
            return None
        return values if len(values) == count and np.all(np.isfinite(values)) else None

    def number(self, keyword: str) -> float | None:
        """Return the element's value; None unless it is one finite number."""
        values = self.numbers(keyword, 1)
        return None if values is None else float(values[0])

    @property
    def series(self) -> tuple[str, ...]:
        """Return a key that is the same for all files of a series, even if their UIDs were removed."""
        uid = self.text("SeriesInstanceUID")
        return (uid,) if uid else ("", self.text("SeriesNumber"), str(self.path.parent))


# The slices of each series.
_Series = dict[tuple[str, ...], list[DicomHeader]]


def read_header(path: Path) -> DicomHeader:
    """Read the header of a DICOM file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = header_of(path, [*_KEYWORDS, *FINGERPRINT_KEYWORDS])
            values = {keyword: _value(dataset, keyword) for keyword in _KEYWORDS}
            fingerprints = {
                keyword: fingerprint(str(_value(dataset, keyword) or "")) for keyword in FINGERPRINT_KEYWORDS
            }
    except OSError:
        raise
    except Exception as error:  # pydicom's errors on damaged files have no common base class
        raise InputError(f"“{path.name}” is damaged and cannot be read as DICOM: copy the series again.") from error
    return DicomHeader(path, values, fingerprints, transfer_syntax_of(dataset))


def _value(dataset: "Dataset", keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except (TypeError, ValueError):  # such as letters instead of a number: treat it as missing
        return None


def find_slices(path: Path, progress: Progress) -> tuple[list[DicomHeader], Counter[str]]:
    """Find the slices of one CT series.

    Parameters
    ----------
    path : pathlib.Path
        A folder, searched with its subfolders, or one file of the series.
    progress : callable
        Called with the fraction done and the current step.

    Returns
    -------
    tuple of list of DicomHeader and collections.Counter
        The unsorted slices, and the number of ignored files of each kind.

    Raises
    ------
    InputError
        If there is no CT series, or more than one.
    """
    paths = files_below(path) if path.is_dir() else sorted(file for file in path.parent.iterdir() if file.is_file())
    if not paths:
        raise InputError(f"The folder “{path.name or path}” is empty: choose the folder with the DICOM files.")
    slices: _Series = {}
    ignored: Counter[str] = Counter()
    for number, file in enumerate(paths):
        if number % 20 == 0:
            progress(number / len(paths), "Reading the DICOM headers")
        if file.name.upper() == "DICOMDIR" or is_of_file_manager(file):
            continue
        if file.is_symlink() and not file.exists():
            raise InputError(
                f"“{file.name}” in the CT's folder is a link to a missing file: copy the whole series, or remove the "
                "link."
            )
        if not is_dicom(file):
            ignored["file that is not DICOM"] += 1
            continue
        header = read_header(file)
        kind = _kind_of_other_file(header)
        if kind:
            ignored[kind] += 1
        else:
            slices.setdefault(header.series, []).append(header)
    return _only_series(path, slices, ignored), ignored


_PLURALS = {
    "file that is not DICOM": "files that are not DICOM",
    "file without an image": "files without an image",
    "localizer": "localizers",
    "copy of a slice": "copies of slices",
    "slice of another CT in the same series": "slices of another CT in the same series",
    "single slice of another series": "single slices of other series",
}


def counted(kinds: Counter[str]) -> str:
    """Return text with the number of files of each kind."""
    return ", ".join(
        f"{count} {kind if count == 1 else _PLURALS.get(kind, f'× {kind}')}"
        for kind, count in sorted(kinds.items())
        if count
    )


def _kind_of_other_file(header: DicomHeader) -> str:
    """Return the kind of a file that is not a single CT slice; empty if it is one."""
    modality = header.text("Modality").upper()
    words = set(header.text("ImageType").upper().split())
    if modality != "CT":
        return f"file of modality {modality}" if modality else "file without a modality"
    if header.text("SOPClassUID").startswith(_SECONDARY_CAPTURE):
        return "screen capture (secondary capture)"
    if words & _LOCALIZER_WORDS:
        return "localizer"
    if words & _MAP_WORDS:
        return f"map ({', '.join(sorted(words & _MAP_WORDS)).lower()}) whose values are not HU"
    if (header.number("NumberOfFrames") or 1) > 1:
        return _SEVERAL_FRAMES
    if header.number("Rows") is None or header.number("Columns") is None:
        return "file without an image"
    return ""


def _only_series(path: Path, slices: _Series, ignored: Counter[str]) -> list[DicomHeader]:
    if not path.is_dir():
        return _series_of(path, slices, ignored)
    # A single slice is not a volume: next to a stack it is a stray, such as a bolus-tracking image.
    stacks = {key: headers for key, headers in slices.items() if len(headers) > 1}
    chosen = stacks if len(stacks) == 1 else slices
    if not chosen:
        several_frames = ", or save this CT as NRRD" if ignored[_SEVERAL_FRAMES] else ""
        raise InputError(
            f"“{path.name or path}” contains no CT slices, only {counted(ignored)}: choose the folder of the axial "
            f"CT series{several_frames}."
        )
    if len(chosen) > 1:
        named = [_described(headers) for headers in chosen.values()]
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        raise InputError(
            f"“{path.name or path}” contains {len(named)} CT series ({'; '.join(named[:4])}{more}): choose one, by its "
            "folder or by any of its files."
        )
    (series,) = chosen
    ignored["single slice of another series"] += sum(len(slices[key]) for key in slices if key != series)
    parts, differing = parts_alike(chosen[series])
    return part_of(path, parts, differing, ignored)


def part_of(
    path: Path, parts: list[list[DicomHeader]], differing: Sequence[str], ignored: Counter[str]
) -> list[DicomHeader]:
    """Return the only part of a series, or the part that the file at `path` belongs to.

    Raises
    ------
    InputError
        If there are several parts and `path` is a folder. The sentence names the headers that differ.
    """
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        if any(header.path.name == path.name for header in part) and not path.is_dir():
            ignored["slice of another CT in the same series"] += sum(map(len, parts)) - len(part)
            return part
    shown = ", ".join(f"{_counted_slices(len(part))} like “{part[0].path.name}”" for part in parts[:3])
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    names = " and ".join(filter(None, (", ".join(differing[:-1]), *differing[-1:])))
    raise InputError(
        f"“{path.name or path}” contains {len(parts)} CTs with the same SeriesInstanceUID that differ in {names} "
        f"({shown}{more}): choose any file of the CT to measure, or export each CT into its own folder."
    )


def _counted_slices(count: int) -> str:
    return f"{count} slice{'s' if count != 1 else ''}"


def _series_of(path: Path, slices: _Series, ignored: Counter[str]) -> list[DicomHeader]:
    """Return the series that the file at `path` belongs to."""
    for headers in slices.values():
        if any(header.path.name == path.name for header in headers):
            ignored.clear()  # the user chose by naming a file
            return part_of(path, *parts_alike(headers), ignored)
    kind = _kind_of_other_file(read_header(path))
    raise InputError(f"“{path.name}” is a {kind}, not a CT slice: choose a file of the axial CT series.")


def _described(headers: list[DicomHeader]) -> str:
    first = headers[0]
    number, kernel = first.text("SeriesNumber"), first.text("ConvolutionKernel")
    thickness_mm = first.number("SliceThickness")
    details = [f"number {number}" if number else "", f"{len(headers)} slices"]
    details += [f"{thickness_mm:g} mm" if thickness_mm else "", f"kernel {kernel}" if kernel else ""]
    return f"“{first.path.name}”: " + ", ".join(detail for detail in details if detail)
