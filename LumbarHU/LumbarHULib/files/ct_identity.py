"""Which CT it was: a hash of its voxels, and its geometry."""

import hashlib

import numpy as np


def voxels_sha256(voxels: np.ndarray) -> str:
    """Return the SHA-256, in hexadecimal digits, of the voxels' bytes.

    The bytes are those of the array as stored, in its own type: last index fastest, little-endian. Any program that
    reads the CT's file can work it out.
    """
    digest = hashlib.sha256()
    little_endian = voxels.dtype.newbyteorder("<")
    for plane in voxels:
        digest.update(np.ascontiguousarray(plane, dtype=little_endian))
    return digest.hexdigest()


def held_as(voxels: np.ndarray, dtype_name: str) -> np.ndarray | None:
    """Return the voxels in another type; None when a value would change."""
    wanted = np.dtype(dtype_name)
    if voxels.dtype == wanted:
        return voxels
    with np.errstate(invalid="ignore", over="ignore"):
        converted = voxels.astype(wanted)
    return converted if np.array_equal(converted, voxels) else None
