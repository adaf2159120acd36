"""Read NIfTI files: keep a sheared matrix, and refuse a file that is cut off.

SimpleITK reads a cut-off file without a warning, and refuses a sheared sform or replaces it by the qform. This module
therefore reads the format's two headers itself (nifti.nimh.nih.gov: nifti1.h, nifti2.h).
"""

import gzip
import zlib
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Literal

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding


def _header_type(fields: Mapping[str, tuple[str, int]]) -> np.dtype:
    """Return the type of a header from type and offset of each field."""
    formats, offsets = zip(*fields.values(), strict=True)
    return np.dtype({"names": list(fields), "formats": list(formats), "offsets": list(offsets)})


_BYTE_ORDERS: tuple[Literal["<"], Literal[">"]] = ("<", ">")

# Type and offset of each field, by the header's size.
_HEADERS = {
    348: _header_type(
        {
            "dim": ("8i2", 40),
            "datatype": ("i2", 70),
            "pixdim": ("8f4", 76),
            "vox_offset": ("f4", 108),
            "scl_slope": ("f4", 112),
            "scl_inter": ("f4", 116),
            "xyzt_units": ("u1", 123),
            "qform_code": ("i2", 252),
            "sform_code": ("i2", 254),
            "quatern": ("3f4", 256),
            "qoffset": ("3f4", 268),
            "srow": ("(3,4)f4", 280),
            "magic": ("S4", 344),
        }
    ),
    540: _header_type(
        {
            "magic": ("S8", 4),
            "datatype": ("i2", 12),
            "dim": ("8i8", 16),
            "pixdim": ("8f8", 104),
            "vox_offset": ("i8", 168),
            "scl_slope": ("f8", 176),
            "scl_inter": ("f8", 184),
            "qform_code": ("i4", 344),
            "sform_code": ("i4", 348),
            "quatern": ("3f8", 352),
            "qoffset": ("3f8", 376),
            "srow": ("(3,4)f8", 400),
            "xyzt_units": ("i4", 500),
        }
    ),
}
_SINGLE_FILE_MAGICS = (b"n+1", b"n+2")

_VOXEL_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOR_TYPES = (128, 2304)
_COMPLEX_TYPES = (32, 1792, 2048)

# Units in mm, by the lowest three bits of xyzt_units; without a unit, millimeters are assumed.
_UNIT_MM = {1: 1000.0, 2: 1.0, 3: 0.001}

# A smaller difference between a file's two geometries is rounding.
_SAME_GEOMETRY_MM = 0.1

# Smaller whole numbers are exact in every type used here.
_LARGEST_WHOLE = float(1 << 53)

_LARGEST_OFFSET = 1 << 30
_CHUNK_BYTES = 1 << 24


def read_nifti(path: Path) -> tuple[np.ndarray, np.ndarray, bool, tuple[Finding, ...]]:
    """Read the voxels and the geometry of a NIfTI-1 or NIfTI-2 file, compressed or not.

    Returns
    -------
    tuple
        Voxels of shape (K, J, I); the 4 × 4 matrix `ras_from_ijk`; whether the file states its orientation; findings.

    Raises
    ------
    InputError
        If the file is not NIfTI, is cut off, or does not have three dimensions and one number per voxel.
    """
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            header = _read_header(path, stream)
            voxels = _read_voxels(path, stream, header)
    except EOFError as error:
        raise _cut_off_error(path) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"The compressed data of “{path.name}” are damaged: copy it again.") from error
    with np.errstate(all="ignore"):  # CtVolume refuses values that are not finite
        ras_from_ijk, known, findings = _geometry(header)
    return _rescaled(voxels, header), ras_from_ijk, known, findings


def _cut_off_error(path: Path) -> InputError:
    return InputError(f"“{path.name}” is cut off before its last voxel: copy it again.")


def _read_header(path: Path, stream: gzip.GzipFile | BufferedReader) -> np.void:
    start = stream.read(4)
    for size, header_type in _HEADERS.items():
        for byte_order in _BYTE_ORDERS:
            if start == np.array(size, dtype=f"{byte_order}i4").tobytes():
                data = start + stream.read(size - 4)
                if len(data) < size:
                    raise _cut_off_error(path)
                header = np.frombuffer(data, dtype=header_type.newbyteorder(byte_order), count=1)[0]
                if header["magic"][:3] in _SINGLE_FILE_MAGICS:
                    return header
    raise InputError(f"“{path.name}” is not a single-file NIfTI image: save it again as .nii.gz or .nrrd.")


def _read_voxels(path: Path, stream: gzip.GzipFile | BufferedReader, header: np.void) -> np.ndarray:
    dimensions, sizes = int(header["dim"][0]), [int(size) for size in header["dim"][1:]]
    datatype = int(header["datatype"])
    if datatype in _COLOR_TYPES or (dimensions >= 5 and sizes[4] > 1):
        raise InputError(f"“{path.name}” contains colors or vectors, not one value per voxel: choose the CT itself.")
    if datatype in _COMPLEX_TYPES:
        raise InputError(f"“{path.name}” contains complex numbers, not one value per voxel: choose the CT itself.")
    if datatype not in _VOXEL_TYPES:
        raise InputError(f"“{path.name}” has voxels of NIfTI type {datatype}: save it as 16-bit whole numbers.")
    if dimensions < 3 or any(size > 1 for size in sizes[3:dimensions]):
        raise InputError(f"“{path.name}” has {dimensions} dimensions: choose a volume with three.")
    if min(sizes[:3]) < 1:
        shape = " × ".join(str(size) for size in sizes[:3])
        raise InputError(f"The header of “{path.name}” states {shape} voxels: save it again.")
    voxel_type = np.dtype(_VOXEL_TYPES[datatype]).newbyteorder(header.dtype["dim"].base.byteorder)
    count_bytes = sizes[0] * sizes[1] * sizes[2] * voxel_type.itemsize
    if not 0 <= header["vox_offset"] < _LARGEST_OFFSET:
        raise InputError(f"“{path.name}” has a damaged header: copy it again.")
    offset = max(int(header["vox_offset"]), header.dtype.itemsize)
    if path.stat().st_size < offset + count_bytes and not isinstance(stream, gzip.GzipFile):
        raise _cut_off_error(path)
    stream.seek(offset)
    voxels = np.empty((sizes[2], sizes[1], sizes[0]), dtype=voxel_type)
    buffer = memoryview(voxels.data).cast("B")
    filled = 0
    while filled < count_bytes:
        read = stream.readinto(buffer[filled : filled + _CHUNK_BYTES])
        if not read:
            raise _cut_off_error(path)
        filled += read
    # The checksum of a compressed file follows its data: reading to the end verifies it.
    while stream.read(_CHUNK_BYTES):
        pass
    return voxels if voxel_type.isnative else voxels.astype(voxel_type.newbyteorder("="))


def _rescaled(voxels: np.ndarray, header: np.void) -> np.ndarray:
    """Apply slope and intercept, as whole numbers if both are whole, otherwise in the type that ITK and Slicer use."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope + intercept) or (slope == 1 and intercept == 0):
        return voxels
    whole = voxels.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer()
    if whole and _largest_rescaled(voxels, slope, intercept) < _LARGEST_WHOLE:
        return narrowed(voxels.astype(np.int64) * int(slope) + int(intercept))
    with np.errstate(over="ignore"):  # CtVolume refuses values that are not finite
        return (voxels * np.float64(slope) + intercept).astype(np.promote_types(voxels.dtype, np.float32))


def _largest_rescaled(voxels: np.ndarray, slope: float, intercept: float) -> float:
    """Return the largest absolute value after slope and intercept, computed without overflow."""
    return max(abs(float(value) * slope + intercept) for value in (voxels.min(), voxels.max()))


def narrowed(whole_numbers: np.ndarray) -> np.ndarray:
    """Return `whole_numbers` as int16 or int32, whichever holds them; unchanged if neither does."""
    low, high = int(whole_numbers.min()), int(whole_numbers.max())
    for target in (np.int16, np.int32):
        if np.iinfo(target).min <= low and high <= np.iinfo(target).max:
            return whole_numbers.astype(target)
    return whole_numbers


def _geometry(header: np.void) -> tuple[np.ndarray, bool, tuple[Finding, ...]]:
    """Return the sform, otherwise the qform, otherwise (like ITK) a matrix along the axes L, P, S."""
    unit_mm = _UNIT_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    sform = _sform(header, unit_mm) if header["sform_code"] > 0 else None
    qform = _qform(header, unit_mm) if header["qform_code"] > 0 else None
    if sform is None and qform is None:
        spacings_mm = header["pixdim"][1:4].astype(float) * unit_mm
        return np.diag([*(spacings_mm * (-1, -1, 1)), 1.0]), False, ()
    if qform is None:
        return np.asarray(sform), True, ()
    if sform is None:
        return qform, True, ()
    if not _spans_space(qform):
        return sform, True, (_damaged("qform", "sform"),)
    if not _spans_space(sform):
        return qform, True, (_damaged("sform", "qform"),)
    sizes = header["dim"][1:4]
    corners = np.array([[i, j, k, 1] for i in (0, sizes[0]) for j in (0, sizes[1]) for k in (0, sizes[2])], dtype=float)
    apart_mm = float(np.linalg.norm(corners @ (sform - qform).T, axis=1).max())
    return sform, True, () if apart_mm < _SAME_GEOMETRY_MM else (_two_geometries(apart_mm),)


def _spans_space(matrix: np.ndarray) -> bool:
    """Return whether a geometry is finite and gives voxels a volume; a matrix of zeros was never filled in."""
    return bool(np.isfinite(matrix).all()) and abs(np.linalg.det(matrix[:3, :3])) > 0


def _damaged(one: str, other: str) -> Finding:
    return Finding(
        "two_geometries",
        f"The file states two geometries, and one of them ({one}) is damaged; the other ({other}) is used.",
        "Check the markups' position in the images, or save the CT with one geometry.",
    )


def _two_geometries(apart_mm: float) -> Finding:
    return Finding(
        "two_geometries",
        f"The file states two geometries (sform and qform) that differ by up to {apart_mm:.1f} mm; the sform is used.",
        "Check the markups' position in the images, or save the CT with one geometry.",
    )


def _sform(header: np.void, unit_mm: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3] = header["srow"].astype(float) * unit_mm
    return matrix


def _qform(header: np.void, unit_mm: float) -> np.ndarray:
    b, c, d = header["quatern"].astype(float)
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    spacings = header["pixdim"][1:4].astype(float)
    handedness = -1.0 if header["pixdim"][0] < 0 else 1.0
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * spacings * (1.0, 1.0, handedness) * unit_mm
    matrix[:3, 3] = header["qoffset"].astype(float) * unit_mm
    return matrix
