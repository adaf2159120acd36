"""Identify a CT by a hash of its voxels and by its geometry."""

import hashlib

import numpy as np

# NIfTI stores the geometry in single precision, which shifts a CT by some 1e-5 mm.
GEOMETRY_TOLERANCE_MM = 1e-3


def voxels_sha256(voxels: np.ndarray) -> str:
    """Return the SHA-256, in hexadecimal digits, of the voxels' bytes.

    The bytes are those of the stored array in its own type: last index fastest, little-endian. Any program that reads
    the CT's file can compute the hash.
    """
    digest = hashlib.sha256()
    little_endian = voxels.dtype.newbyteorder("<")
    for plane in voxels:
        digest.update(np.ascontiguousarray(plane, dtype=little_endian).data)
    return digest.hexdigest()


def held_as(voxels: np.ndarray, dtype_name: str) -> np.ndarray | None:
    """Return the voxels converted to another type; None if a value would change."""
    wanted = np.dtype(dtype_name)
    if voxels.dtype == wanted:
        return voxels
    with np.errstate(invalid="ignore", over="ignore"):
        converted = voxels.astype(wanted)
    return converted if np.array_equal(converted, voxels) else None


def largest_offset_mm(first: np.ndarray, second: np.ndarray, shape_kji: tuple[int, ...]) -> float:
    """Return the largest distance between corresponding corners of two grids of the same shape, in mm.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) to RAS mm.
    shape_kji : tuple of int
        Shape of both arrays.
    """
    corners_ijk = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners_ijk[:, :3] *= np.array(shape_kji[::-1]) - 1
    return float(np.linalg.norm(corners_ijk @ (first - second)[:3].T, axis=1).max())
