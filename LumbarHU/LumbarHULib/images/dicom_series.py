"""A DICOM series of CT slices: a gate on the headers, then the voxels in HU and their place.

General readers sort by file name, stretch the spacing over a missing slice, straighten a tilted gantry and apply the
first slice's rescale to all of them. Here each slice's own header decides, and what does not fit is refused.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.images.dicom_facts import facts_of_series
from LumbarHULib.images.dicom_headers import DicomHeader, counted, find_slices, part_of
from LumbarHULib.images.dicom_one_ct import parts_along
from LumbarHULib.images.dicom_pixels import are_same_pixels, read_voxels_hu
from LumbarHULib.images.dicom_spacing import even_part

# Headers state positions to about 0.01 mm; twice a slice's place closer than this is the same place.
_SAME_PLACE_MM = 0.01
# Direction cosines may differ by rounding: 0.05 mm across a field of view of 500 mm.
_SAME_DIRECTION = 1e-4
_SAME_SPACING_MM = 1e-4
# Directions rounded to three digits still pass for perpendicular unit vectors.
_UNIT_VECTORS = 1e-2

_HEADER_SHARE = 0.3  # of the time that reading takes


def read_dicom_series(
    path: Path, progress, measured_ras_mm: np.ndarray | None = None
) -> tuple[CtVolume, ScanFacts, tuple[Finding, ...]]:
    """Read the CT series in a folder, or the one that a file belongs to.

    Parameters
    ----------
    path : pathlib.Path
        The folder, or one file of the series.
    progress : callable
        Called with the share done and what is being done.
    measured_ras_mm : numpy.ndarray, shape (n, 3), optional
        Points that will be measured at: where the slices are not evenly spaced, the evenly spaced part that holds all
        of them is read.

    Returns
    -------
    tuple of CtVolume, ScanFacts and tuple of Finding
        Slices in the order of their position along the normal; a tilted gantry's shear is kept.

    Raises
    ------
    InputError
        When there is no such series, or more than one; when the slices do not make up one even stack; or when their
        values cannot be turned into HU.
    """
    part = _sorted_slices(path, lambda share, text: progress(_HEADER_SHARE * share, text), measured_ras_mm)
    headers = part.headers
    ras_from_ijk = _ras_from_ijk(headers[0], part.step_lps_mm)
    voxels_hu, padding_hu = read_voxels_hu(
        headers, lambda share, text: progress(_HEADER_SHARE + (1 - _HEADER_SHARE) * share, text)
    )
    facts, findings = facts_of_series(headers, ras_from_ijk)
    return CtVolume(voxels_hu, ras_from_ijk, padding_hu), facts, (*part.findings, *findings)


def slice_files(path: Path, progress, measured_ras_mm: np.ndarray | None = None) -> list[Path]:
    """Return the file of each slice of a series, in the order of the voxels that `read_dicom_series` returns.

    Raises
    ------
    InputError
        As of `read_dicom_series`, where the headers alone tell.
    """
    return [header.path for header in _sorted_slices(path, progress, measured_ras_mm).headers]


@dataclass(frozen=True, eq=False)
class _Part:
    """Slices of one CT, evenly spaced along their normal, and what was found in sorting them."""

    headers: list[DicomHeader]
    step_lps_mm: np.ndarray
    findings: tuple[Finding, ...]


def _sorted_slices(path: Path, progress, measured_ras_mm: np.ndarray | None) -> _Part:
    headers, left_aside = find_slices(path, progress)
    _check_alike(headers)
    in_order, copies = _sorted_by_position(headers)
    in_order = part_of(path, *parts_along(in_order), left_aside)
    _check_places(in_order)
    left_aside["copy of a slice"] = copies
    normal = _directions(in_order[0])[2]
    positions = np.array([_position(header) for header in in_order])
    measured_lps_mm = None if measured_ras_mm is None else np.asarray(measured_ras_mm) * (-1.0, -1.0, 1.0)
    names = [header.path.name for header in in_order]
    even = even_part(positions, normal, names, measured_lps_mm)
    return _Part(in_order[even.slices], even.step_mm, (*_left_aside(left_aside), *even.findings))


# Keyword, how many numbers, how far two slices may differ, and the name in a sentence.
_GEOMETRY = (
    ("Rows", 1, 0.0, "number of rows"),
    ("Columns", 1, 0.0, "number of columns"),
    ("PixelSpacing", 2, _SAME_SPACING_MM, "pixel spacing"),
    ("ImageOrientationPatient", 6, _SAME_DIRECTION, "orientation"),
    ("ImagePositionPatient", 3, np.inf, "position"),
)


def _check_alike(headers: list[DicomHeader]) -> None:
    """Refuse slices that lack a geometry, or differ in size, pixel spacing or direction."""
    first = headers[0]
    for keyword, count, tolerance, name in _GEOMETRY:
        for header in headers:
            numbers = header.numbers(keyword, count)
            if numbers is None:
                raise InputError(f"“{header.path.name}” does not state its {name}: export the series again.")
            if np.any(np.abs(numbers - first.numbers(keyword, count)) > tolerance):
                raise InputError(
                    f"The slices “{first.path.name}” and “{header.path.name}” differ in {name}, so they are not one "
                    "stack: export one reconstruction into a folder of its own."
                )
    along_row, along_column = first.numbers("ImageOrientationPatient", 6).reshape(2, 3)
    lengths = np.linalg.norm([along_row, along_column], axis=1)
    if np.any(np.abs(lengths - 1) > _UNIT_VECTORS) or abs(along_row @ along_column) > _UNIT_VECTORS:
        raise InputError(f"“{first.path.name}” states an orientation that cannot be: export the series again.")
    if np.any(first.numbers("PixelSpacing", 2) <= 0):
        raise InputError(f"“{first.path.name}” states a pixel spacing that cannot be: export the series again.")


def _directions(header: DicomHeader) -> np.ndarray:
    """Return the unit vectors along a row, along a column and along the normal, shape (3, 3), in LPS."""
    along_row, along_column = header.numbers("ImageOrientationPatient", 6).reshape(2, 3)
    along_row = along_row / np.linalg.norm(along_row)
    along_column = along_column / np.linalg.norm(along_column)
    normal = np.cross(along_row, along_column)
    return np.array([along_row, along_column, normal / np.linalg.norm(normal)])


def _position(header: DicomHeader) -> np.ndarray:
    return header.numbers("ImagePositionPatient", 3)


def _sorted_by_position(headers: list[DicomHeader]) -> tuple[list[DicomHeader], int]:
    """Return the slices along their normal, without copies, and how many copies were dropped."""
    normal = _directions(headers[0])[2]
    headers = sorted(headers, key=lambda header: (float(_position(header) @ normal), header.path.name))
    kept: list[DicomHeader] = []
    for header in headers:
        same_place = _in_one_place(kept, header, normal)
        if not any(are_same_pixels(header, other) for other in same_place):
            kept.append(header)
    return kept, len(headers) - len(kept)


# So many slices in one place are no copies but phases: the first of them are compared.
_MOST_COMPARED = 2


def _in_one_place(kept: Sequence[DicomHeader], header: DicomHeader, normal: np.ndarray) -> list[DicomHeader]:
    return [
        other for other in kept[-_MOST_COMPARED:] if (_position(header) - _position(other)) @ normal <= _SAME_PLACE_MM
    ]


def _check_places(headers: Sequence[DicomHeader]) -> None:
    """Refuse a single slice, and slices in one place."""
    normal = _directions(headers[0])[2]
    twice = [
        (one, other)
        for one, other in pairwise(headers)
        if (_position(other) - _position(one)) @ normal <= _SAME_PLACE_MM
    ]
    if twice:
        raise InputError(
            f"{len(twice)} slices lie where another one does (such as “{twice[0][0].path.name}” and "
            f"“{twice[0][1].path.name}”): two phases or reconstructions are mixed, export one of them."
        )
    if len(headers) < 2:
        raise InputError(f"The CT series has one slice only (“{headers[0].path.name}”): give at least two.")


def _ras_from_ijk(first: DicomHeader, step_lps_mm: np.ndarray) -> np.ndarray:
    along_row, along_column, _ = _directions(first)
    row_spacing_mm, column_spacing_mm = first.numbers("PixelSpacing", 2)
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, 0] = along_row * column_spacing_mm
    lps_from_ijk[:3, 1] = along_column * row_spacing_mm
    lps_from_ijk[:3, 2] = step_lps_mm
    lps_from_ijk[:3, 3] = _position(first)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps_from_ijk + 0.0


def _left_aside(kinds: Counter) -> tuple[Finding, ...]:
    if not any(kinds.values()):
        return ()
    sentence = f"Beside the CT series there were {counted(kinds)}; they were left aside."
    return (Finding("files_left_aside", sentence, "", "note"),)
