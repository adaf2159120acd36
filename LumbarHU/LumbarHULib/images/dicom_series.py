"""Read a DICOM series of CT slices: check the headers, then read the voxels in HU and their geometry.

General readers sort by file name, stretch the spacing over a missing slice, straighten a tilted gantry and apply the
first slice's rescale to all slices. This reader uses each slice's own header and refuses slices that do not fit.
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
from LumbarHULib.images.dicom_headers import DicomHeader, Progress, counted, find_slices, part_of
from LumbarHULib.images.dicom_one_ct import parts_along
from LumbarHULib.images.dicom_pixels import are_same_pixels, read_voxels_hu
from LumbarHULib.images.dicom_spacing import even_part

# Headers state positions to about 0.01 mm; slices closer than this have the same position.
_SAME_POSITION_MM = 0.01
# Direction cosines may differ by rounding: 0.05 mm across a field of view of 500 mm.
_SAME_DIRECTION = 1e-4
_SAME_SPACING_MM = 1e-4
# Direction vectors rounded to three digits are still accepted as perpendicular unit vectors.
_UNIT_VECTORS = 1e-2

_HEADER_FRACTION = 0.3  # of the time that reading takes


def read_dicom_series(
    path: Path, progress: Progress, measured_ras_mm: np.ndarray | None = None
) -> tuple[CtVolume, ScanFacts, tuple[Finding, ...]]:
    """Read the CT series in a folder, or the series that a file belongs to.

    Parameters
    ----------
    path : pathlib.Path
        The folder, or one file of the series.
    progress : callable
        Called with the fraction done and the current step.
    measured_ras_mm : numpy.ndarray, shape (n, 3), optional
        Points to measure. If the slices are not evenly spaced, only the evenly spaced part that contains all these
        points is read.

    Returns
    -------
    tuple of CtVolume, ScanFacts and tuple of Finding
        Slices sorted by their position along the normal; the shear of a tilted gantry is kept.

    Raises
    ------
    InputError
        If there is no series or more than one, the slices do not form one evenly spaced stack, or their values cannot
        be converted to HU.
    """
    part = _sorted_slices(path, lambda share, text: progress(_HEADER_FRACTION * share, text), measured_ras_mm)
    headers = part.headers
    ras_from_ijk = _ras_from_ijk(headers[0], part.step_lps_mm)
    voxels_hu, padding_hu = read_voxels_hu(
        headers, lambda share, text: progress(_HEADER_FRACTION + (1 - _HEADER_FRACTION) * share, text)
    )
    facts, findings = facts_of_series(headers, ras_from_ijk)
    return CtVolume(voxels_hu, ras_from_ijk, padding_hu), facts, (*part.findings, *findings)


def slice_files(path: Path, progress: Progress, measured_ras_mm: np.ndarray | None = None) -> list[Path]:
    """Return the file of each slice of a series, in the order of the voxels that `read_dicom_series` returns.

    Raises
    ------
    InputError
        As `read_dicom_series`, for problems visible in the headers.
    """
    return [header.path for header in _sorted_slices(path, progress, measured_ras_mm).headers]


@dataclass(frozen=True, eq=False)
class _Part:
    """Slices of one CT, evenly spaced along their normal, and the findings of sorting them."""

    headers: list[DicomHeader]
    step_lps_mm: np.ndarray
    findings: tuple[Finding, ...]


def _sorted_slices(path: Path, progress: Progress, measured_ras_mm: np.ndarray | None) -> _Part:
    headers, ignored = find_slices(path, progress)
    _check_alike(headers)
    in_order, copies = _sorted_by_position(headers)
    in_order = part_of(path, *parts_along(in_order), ignored)
    _check_positions(in_order)
    ignored["copy of a slice"] = copies
    normal = _directions(in_order[0])[2]
    positions = np.array([_position(header) for header in in_order])
    measured_lps_mm = None if measured_ras_mm is None else np.asarray(measured_ras_mm) * (-1.0, -1.0, 1.0)
    names = [header.path.name for header in in_order]
    even = even_part(positions, normal, names, measured_lps_mm)
    return _Part(in_order[even.slices], even.step_mm, (*_ignored_files(ignored), *even.findings))


# Keyword, number of values, tolerance between slices, and name in messages.
_GEOMETRY = (
    ("Rows", 1, 0.0, "number of rows"),
    ("Columns", 1, 0.0, "number of columns"),
    ("PixelSpacing", 2, _SAME_SPACING_MM, "pixel spacing"),
    ("ImageOrientationPatient", 6, _SAME_DIRECTION, "orientation"),
    ("ImagePositionPatient", 3, np.inf, "position"),
)


def _check_alike(headers: list[DicomHeader]) -> None:
    """Raise InputError if slices lack a geometry, or differ in size, pixel spacing or direction."""
    first = headers[0]
    for keyword, count, tolerance, name in _GEOMETRY:
        for header in headers:
            numbers = header.numbers(keyword, count)
            if numbers is None:
                raise InputError(f"“{header.path.name}” does not state its {name}: export the series again.")
            if np.any(np.abs(numbers - _numbers(first, keyword, count)) > tolerance):
                raise InputError(
                    f"The slices “{first.path.name}” and “{header.path.name}” differ in {name}, so they are not one "
                    "stack: export one reconstruction into its own folder."
                )
    along_row, along_column = _numbers(first, "ImageOrientationPatient", 6).reshape(2, 3)
    lengths = np.linalg.norm([along_row, along_column], axis=1)
    if np.any(np.abs(lengths - 1) > _UNIT_VECTORS) or abs(along_row @ along_column) > _UNIT_VECTORS:
        raise InputError(f"“{first.path.name}” states an impossible orientation: export the series again.")
    if np.any(_numbers(first, "PixelSpacing", 2) <= 0):
        raise InputError(f"“{first.path.name}” states an impossible pixel spacing: export the series again.")


def _numbers(header: DicomHeader, keyword: str, count: int) -> np.ndarray:
    """Return numbers that the header states: `_check_alike` refuses slices without them."""
    numbers = header.numbers(keyword, count)
    if numbers is None:
        raise InputError(f"“{header.path.name}” does not state its {keyword}: export the series again.")
    return numbers


def _directions(header: DicomHeader) -> np.ndarray:
    """Return the unit vectors along a row, along a column and along the normal, shape (3, 3), in LPS."""
    along_row, along_column = _numbers(header, "ImageOrientationPatient", 6).reshape(2, 3)
    along_row = along_row / np.linalg.norm(along_row)
    along_column = along_column / np.linalg.norm(along_column)
    normal = np.cross(along_row, along_column)
    return np.array([along_row, along_column, normal / np.linalg.norm(normal)])


def _position(header: DicomHeader) -> np.ndarray:
    return _numbers(header, "ImagePositionPatient", 3)


def _sorted_by_position(headers: list[DicomHeader]) -> tuple[list[DicomHeader], int]:
    """Return the slices sorted along their normal, without copies, and the number of copies."""
    normal = _directions(headers[0])[2]
    headers = sorted(headers, key=lambda header: (float(_position(header) @ normal), header.path.name))
    kept: list[DicomHeader] = []
    for header in headers:
        same_place = _at_one_position(kept, header, normal)
        if not any(are_same_pixels(header, other) for other in same_place):
            kept.append(header)
    return kept, len(headers) - len(kept)


# More slices at one position are phases, not copies: compare only the first ones.
_MOST_COMPARED = 2


def _at_one_position(kept: Sequence[DicomHeader], header: DicomHeader, normal: np.ndarray) -> list[DicomHeader]:
    return [
        other
        for other in kept[-_MOST_COMPARED:]
        if (_position(header) - _position(other)) @ normal <= _SAME_POSITION_MM
    ]


def _check_positions(headers: Sequence[DicomHeader]) -> None:
    """Raise InputError for a single slice, and for slices at the same position."""
    normal = _directions(headers[0])[2]
    twice = [
        (one, other)
        for one, other in pairwise(headers)
        if (_position(other) - _position(one)) @ normal <= _SAME_POSITION_MM
    ]
    if twice:
        raise InputError(
            f"{len(twice)} slices have the position of another slice (such as “{twice[0][0].path.name}” and "
            f"“{twice[0][1].path.name}”), so two phases or reconstructions are mixed: export one of them."
        )
    if len(headers) < 2:
        raise InputError(f"The CT series has only one slice (“{headers[0].path.name}”): choose a whole series.")


def _ras_from_ijk(first: DicomHeader, step_lps_mm: np.ndarray) -> np.ndarray:
    along_row, along_column, _ = _directions(first)
    row_spacing_mm, column_spacing_mm = _numbers(first, "PixelSpacing", 2)
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, 0] = along_row * column_spacing_mm
    lps_from_ijk[:3, 1] = along_column * row_spacing_mm
    lps_from_ijk[:3, 2] = step_lps_mm
    lps_from_ijk[:3, 3] = _position(first)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps_from_ijk + 0.0


def _ignored_files(kinds: Counter[str]) -> tuple[Finding, ...]:
    if not any(kinds.values()):
        return ()
    sentence = f"The CT's folder also contains {counted(kinds)}, which were ignored."
    return (Finding("files_left_aside", sentence, "", "note"),)
