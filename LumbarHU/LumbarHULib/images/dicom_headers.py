"""The DICOM files of a folder: which of them are slices of a CT, by series, and why the others are not."""

import warnings
from collections import Counter
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import files_below, is_of_file_manager
from LumbarHULib.images.dicom_file import header_of, is_dicom, transfer_syntax_of
from LumbarHULib.images.dicom_one_ct import FINGERPRINT_KEYWORDS, KEYWORDS, fingerprint, parts_alike

# No name, number or date of a patient is among them.
_KEYWORDS = [
    *("SOPClassUID", "Modality", "ImageType", "SeriesInstanceUID", "SeriesNumber", "NumberOfFrames"),
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness", "GantryDetectorTilt"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "LossyImageCompression", "LossyImageCompressionMethod"),
    *("PixelRepresentation", "BitsAllocated", "BitsStored", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("KVP", "XRayTubeCurrent", "ConvolutionKernel", "Manufacturer", "ManufacturerModelName"),
    *("ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusIngredient", "ContrastBolusRoute"),
    *("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate"),
    *KEYWORDS,
]

# Words of ImageType: projections to plan a scan on, and maps whose values are no attenuation.
_LOCALIZER_WORDS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "REF_SURVIEW"}
_MAP_WORDS = {
    *("PERFUSION", "SUBTRACTION", "STD_DEVIATION", "QUANTITY", "DIVISION", "MULTIPLICATION", "ADDITION", "MASKED"),
    *("MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY"),
    *("MIP", "MINIP", "MAXIMUM", "MINIMUM"),
}

_SEVERAL_FRAMES = "image of several frames"

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True, eq=False)
class DicomHeader:
    """The header of one DICOM file, as far as it concerns a measurement.

    Parameters
    ----------
    path : pathlib.Path
    values : mapping of str to object
        Values by keyword.
    fingerprints : mapping of str to str
        What tells one patient, study and frame of reference from another, but not which: see `dicom_one_ct`.
    transfer_syntax : str
        UID of how the pixels are stored; empty where the file does not say.
    """

    path: Path
    values: Mapping[str, object]
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    transfer_syntax: str = ""

    def text(self, keyword: str) -> str:
        """Return the element's value as text, several values parted by a blank; empty where there is none."""
        value = self.values.get(keyword)
        if isinstance(value, MutableSequence):
            return " ".join(map(str, value))
        return "" if value is None else str(value).strip()

    def numbers(self, keyword: str, count: int) -> np.ndarray | None:
        """Return the element's values, shape (count,); None where they are not `count` finite numbers."""
        try:
            values = np.array(self.values.get(keyword), dtype=float).reshape(-1)
        except (TypeError, ValueError):
            return None
        return values if len(values) == count and np.all(np.isfinite(values)) else None

    def number(self, keyword: str) -> float | None:
        """Return the element's value; None where it is not one finite number."""
        values = self.numbers(keyword, 1)
        return None if values is None else float(values[0])

    @property
    def series(self) -> tuple[str, ...]:
        """What the files of one series have in common, also where their UIDs were removed."""
        uid = self.text("SeriesInstanceUID")
        return (uid,) if uid else ("", self.text("SeriesNumber"), str(self.path.parent))


# The slices of each series.
_Series = dict[tuple[str, ...], list[DicomHeader]]


def read_header(path: Path) -> DicomHeader:
    """Read the header of a DICOM file.

    Raises
    ------
    InputError
        When it cannot be read.
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
    except Exception as error:  # what pydicom raises on a damaged file has no common base
        raise InputError(f"“{path.name}” cannot be read as DICOM: it is damaged, copy the series again.") from error
    return DicomHeader(path, values, fingerprints, transfer_syntax_of(dataset))


def _value(dataset, keyword: str):
    try:
        return dataset.get(keyword)
    except (TypeError, ValueError):  # such as letters where a number belongs: as good as missing
        return None


def find_slices(path: Path, progress) -> tuple[list[DicomHeader], Counter]:
    """Find the slices of one CT series.

    Parameters
    ----------
    path : pathlib.Path
        A folder, searched with the folders in it, or one file of the series.
    progress : callable
        Called with the share done and what is being done.

    Returns
    -------
    tuple of list of DicomHeader and collections.Counter
        The slices in no particular order, and how many files of what kind were left aside.

    Raises
    ------
    InputError
        When there is no CT series, or more than one.
    """
    paths = files_below(path) if path.is_dir() else sorted(file for file in path.parent.iterdir() if file.is_file())
    if not paths:
        raise InputError(f"The folder “{path.name or path}” is empty: give the folder with the DICOM files.")
    slices: _Series = {}
    left_aside: Counter = Counter()
    for number, file in enumerate(paths):
        if number % 20 == 0:
            progress(number / len(paths), "Reading the DICOM headers")
        if file.name.upper() == "DICOMDIR" or is_of_file_manager(file):
            continue
        if file.is_symlink() and not file.exists():
            raise InputError(
                f"“{file.name}” in the CT's folder is a link to a file that is not there: copy the whole series, or "
                "remove the link."
            )
        if not is_dicom(file):
            left_aside["file that is not DICOM"] += 1
            continue
        header = read_header(file)
        kind = _kind_of_no_slice(header)
        if kind:
            left_aside[kind] += 1
        else:
            slices.setdefault(header.series, []).append(header)
    return _only_series(path, slices, left_aside), left_aside


_PLURALS = {
    "file that is not DICOM": "files that are not DICOM",
    "file without an image": "files without an image",
    "localizer": "localizers",
    "copy of a slice": "copies of slices",
    "slice of another CT in the same series": "slices of another CT in the same series",
    "single slice of another series": "single slices of other series",
}


def counted(kinds: Counter) -> str:
    """Return how many files of each kind there are."""
    return ", ".join(
        f"{count} {kind if count == 1 else _PLURALS.get(kind, f'× {kind}')}"
        for kind, count in sorted(kinds.items())
        if count
    )


def _kind_of_no_slice(header: DicomHeader) -> str:
    """Say what a file is when it is no single slice of a CT; empty when it is one."""
    modality = header.text("Modality").upper()
    words = set(header.text("ImageType").upper().split())
    if modality != "CT":
        return f"file of modality {modality}" if modality else "file that names no modality"
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


def _only_series(path: Path, slices: _Series, left_aside: Counter) -> list[DicomHeader]:
    if not path.is_dir():
        return _series_of(path, slices, left_aside)
    # A single slice is no volume: beside a stack it is a stray, such as a bolus tracker's image.
    stacks = {key: headers for key, headers in slices.items() if len(headers) > 1}
    chosen = stacks if len(stacks) == 1 else slices
    if not chosen:
        several_frames = ", or save this CT as NRRD" if left_aside[_SEVERAL_FRAMES] else ""
        raise InputError(
            f"“{path.name or path}” holds no slices of a CT, only {counted(left_aside)}: give the folder of the axial "
            f"CT series{several_frames}."
        )
    if len(chosen) > 1:
        named = [_described(headers) for headers in chosen.values()]
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        raise InputError(
            f"“{path.name or path}” holds {len(named)} CT series ({'; '.join(named[:4])}{more}): give one of them, by "
            "its folder or by any one of its files."
        )
    (series,) = chosen
    left_aside["single slice of another series"] += sum(len(slices[key]) for key in slices if key != series)
    parts, differing = parts_alike(chosen[series])
    return part_of(path, parts, differing, left_aside)


def part_of(
    path: Path, parts: list[list[DicomHeader]], differing: Sequence[str], left_aside: Counter
) -> list[DicomHeader]:
    """Return the one part of a series, or the one that the file at `path` belongs to.

    Raises
    ------
    InputError
        When there are several, and `path` is a folder; the sentence names the headers in which they differ.
    """
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        if any(header.path.name == path.name for header in part) and not path.is_dir():
            left_aside["slice of another CT in the same series"] += sum(map(len, parts)) - len(part)
            return part
    shown = ", ".join(f"{_counted_slices(len(part))} like “{part[0].path.name}”" for part in parts[:3])
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    names = " and ".join(filter(None, (", ".join(differing[:-1]), *differing[-1:])))
    raise InputError(
        f"“{path.name or path}” holds {len(parts)} CTs under one SeriesInstanceUID, which differ in {names} ({shown}"
        f"{more}): name any one file of the CT to measure, or export each into a folder of its own."
    )


def _counted_slices(count: int) -> str:
    return f"{count} slice{'s' if count != 1 else ''}"


def _series_of(path: Path, slices: _Series, left_aside: Counter) -> list[DicomHeader]:
    """Return the series that the file at `path` belongs to."""
    for headers in slices.values():
        if any(header.path.name == path.name for header in headers):
            left_aside.clear()  # who names a file has chosen
            return part_of(path, *parts_alike(headers), left_aside)
    kind = _kind_of_no_slice(read_header(path))
    raise InputError(f"“{path.name}” is no slice of a CT but a {kind}: give a file of the axial CT series.")


def _described(headers: list[DicomHeader]) -> str:
    first = headers[0]
    number, kernel = first.text("SeriesNumber"), first.text("ConvolutionKernel")
    thickness_mm = first.number("SliceThickness")
    details = [f"number {number}" if number else "", f"{len(headers)} slices"]
    details += [f"{thickness_mm:g} mm" if thickness_mm else "", f"kernel {kernel}" if kernel else ""]
    return f"“{first.path.name}”: " + ", ".join(detail for detail in details if detail)
