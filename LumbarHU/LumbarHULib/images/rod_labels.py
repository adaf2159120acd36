"""Read a label map of a phantom's rods, on the grid of the phantom's CT."""

from pathlib import Path

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM, largest_offset_mm
from LumbarHULib.images.nifti_file import read_nifti
from LumbarHULib.images.sitk_file import read_with_sitk

_SITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
_NIFTI_SUFFIXES = (".nii", ".nii.gz")


def is_label_map(path: Path) -> bool:
    """Return whether a file has the suffix of a label map."""
    return path.name.lower().endswith((*_SITK_SUFFIXES, *_NIFTI_SUFFIXES))


def read_rod_labels(path: Path, ct: CtVolume) -> np.ndarray:
    """Return a label map, shape (K, J, I), whole numbers, on the CT's grid.

    Raises
    ------
    InputError
        If it cannot be read, is not on the CT's grid, or has values that are no labels.
    """
    if path.name.lower().endswith(_NIFTI_SUFFIXES):
        labels, ras_from_ijk, _, _ = read_nifti(path)
    else:
        labels, ras_from_ijk, _ = read_with_sitk(path)
    require_rod_labels(f"“{path.name}”", labels, ras_from_ijk, ct)
    return labels.astype(np.int64) if labels.dtype.kind == "f" else labels


def require_rod_labels(subject: str, labels: np.ndarray, ras_from_ijk: np.ndarray, ct: CtVolume) -> None:
    """Raise InputError unless an array is a label map on the CT's grid; the sentence begins with `subject`.

    Parameters
    ----------
    subject : str
    labels : numpy.ndarray, shape (K, J, I)
    ras_from_ijk : numpy.ndarray, shape (4, 4)
    ct : CtVolume
    """
    if labels.shape != ct.voxels_hu.shape:
        grids = [" × ".join(str(size) for size in reversed(shape)) for shape in (labels.shape, ct.voxels_hu.shape)]
        raise InputError(
            f"{subject} is on another grid, of {grids[0]} voxels, than the CT of {grids[1]}: resample it to the CT."
        )
    offset_mm = largest_offset_mm(ras_from_ijk, ct.ras_from_ijk, labels.shape)
    if offset_mm > GEOMETRY_TOLERANCE_MM:
        raise InputError(
            f"{subject} is on another grid than the CT: a corner is {offset_mm:.3g} mm off: resample it to the CT."
        )
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)):  # also with NaN
        raise InputError(f"{subject} has values that are not whole numbers, so it is not a label map: choose one.")
    if labels.min() < 0:
        raise InputError(
            f"{subject} has negative values (lowest {labels.min()}), so it is not a label map: choose one."
        )
