"""A DICOM series of CT slices: a gate on the headers, then the voxels in HU and their place.

General readers sort by file name, stretch the spacing over a missing slice, straighten a tilted gantry and apply the
first slice's rescale to all of them. Here each slice's own header decides, and what does not fit is refused.
"""

import filecmp
from collections import Counter
from pathlib import Path

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.images.dicom_facts import facts_of_series
from LumbarHULib.images.dicom_headers import DicomHeader, counted, find_slices
from LumbarHULib.images.dicom_pixels import read_voxels_hu

# Headers state positions to about 0.01 mm; twice a slice's place closer than this is the same place.
_SAME_PLACE_MM = 0.01
# How far a slice may lie off the even grid: well under any slice spacing, and more than rounding in a header.
_OFF_GRID_MM = 0.1
# From this share of the usual step on, one slice is missing in between.
_MISSING_STEPS = 1.5
# Direction cosines may differ by rounding: 0.05 mm across a field of view of 500 mm.
_SAME_DIRECTION = 1e-4
_SAME_SPACING_MM = 1e-4
# Directions rounded to three digits still pass for perpendicular unit vectors.
_UNIT_VECTORS = 1e-2

_HEADER_SHARE = 0.3  # of the time that reading takes


def read_dicom_series(path: Path, progress) -> tuple[CtVolume, ScanFacts, tuple[Finding, ...]]:
    """Read the CT series in a folder, or the one that a file belongs to.

    Parameters
    ----------
    path : pathlib.Path
        The folder, or one file of the series.
    progress : callable
        Called with the share done and what is being done.

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
    headers, left_aside = _sorted_slices(path, lambda share, text: progress(_HEADER_SHARE * share, text))
    step_lps_mm = _even_step(headers)
    ras_from_ijk = _ras_from_ijk(headers[0], step_lps_mm)
    voxels_hu = read_voxels_hu(headers, lambda share, text: progress(_HEADER_SHARE + (1 - _HEADER_SHARE) * share, text))
    facts, findings = facts_of_series(headers, ras_from_ijk)
    return CtVolume(voxels_hu, ras_from_ijk), facts, (*_left_aside(left_aside), *findings)


def slice_files(path: Path, progress) -> list[Path]:
    """Return the file of each slice of a series, in the order of the voxels that `read_dicom_series` returns.

    Raises
    ------
    InputError
        As of `read_dicom_series`, where the headers alone tell.
    """
    return [header.path for header in _sorted_slices(path, progress)[0]]


def _sorted_slices(path: Path, progress) -> tuple[list[DicomHeader], Counter]:
    headers, left_aside = find_slices(path, progress)
    _check_alike(headers)
    headers, copies = _sorted_by_position(headers)
    left_aside["copy of a slice"] = copies
    return headers, left_aside


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
    """Return the slices along their normal, each once, and how many copies were dropped."""
    normal = _directions(headers[0])[2]
    headers = sorted(headers, key=lambda header: (float(_position(header) @ normal), header.path.name))
    kept = headers[:1]
    twice = []
    for header in headers[1:]:
        if (_position(header) - _position(kept[-1])) @ normal > _SAME_PLACE_MM:
            kept.append(header)
        elif not filecmp.cmp(header.path, kept[-1].path, shallow=False):
            twice.append((kept[-1], header))
    if twice:
        raise InputError(
            f"{len(twice)} slices lie where another one does (such as “{twice[0][0].path.name}” and "
            f"“{twice[0][1].path.name}”): two phases or reconstructions are mixed, export one of them."
        )
    if len(kept) < 2:
        raise InputError(f"The CT series has one slice only (“{kept[0].path.name}”): give at least two.")
    return kept, len(headers) - len(kept)


def _even_step(headers: list[DicomHeader]) -> np.ndarray:
    """Return the step from one slice's origin to the next, shape (3,), in LPS mm; refuse an uneven stack."""
    normal = _directions(headers[0])[2]
    positions = np.array([_position(header) for header in headers])
    gaps_mm = np.diff(positions @ normal)
    usual_mm = float(np.median(gaps_mm))
    widest = int(np.argmax(gaps_mm))
    if gaps_mm[widest] > _MISSING_STEPS * usual_mm:
        missing = max(1, round(gaps_mm[widest] / usual_mm) - 1)
        raise InputError(
            f"Between “{headers[widest].path.name}” and “{headers[widest + 1].path.name}” "
            f"{'a slice is' if missing == 1 else f'{missing} slices are'} missing, they lie {gaps_mm[widest]:.2f} mm "
            f"apart and the others {usual_mm:.2f} mm: copy the series again."
        )
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    residuals = positions - positions[0] - np.arange(len(positions))[:, None] * step
    along_mm = np.abs(residuals @ normal).max()
    sideways_mm = np.linalg.norm(residuals - np.outer(residuals @ normal, normal), axis=1).max()
    if along_mm > _OFF_GRID_MM:
        raise InputError(
            f"The slices are unevenly spaced, {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm apart: give a series of "
            "even spacing."
        )
    if sideways_mm > _OFF_GRID_MM:
        raise InputError(
            f"The slices are shifted against each other by up to {sideways_mm:.1f} mm: give a series with one image "
            "center."
        )
    return step


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
