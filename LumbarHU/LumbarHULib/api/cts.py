"""CTs to measure: from files, from an array, from a volume node."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.images import ct_file

Ct = ct_file.CtFile


def read_ct(path: str | Path, near_ras: ArrayLike | None = None) -> Ct:
    """Read a CT.

    Parameters
    ----------
    path : str or pathlib.Path
        A .nrrd, .nhdr, .nii, .nii.gz, .mha or .mhd file; a folder with a DICOM series; or one file of a series, where
        the folder holds several.
    near_ras : array_like, shape (n, 3), optional
        Points that will be measured at, in RAS mm: of a DICOM series whose slices are not evenly spaced, the evenly
        spaced part that holds all of them is read.

    Returns
    -------
    Ct
        With ``voxels_hu``, ``ras_from_ijk``, ``scan_facts`` and ``findings``.

    Raises
    ------
    InputError
        When it cannot be read, or holds no CT in HU.
    """
    points = None if near_ras is None else np.asarray(near_ras, dtype=float).reshape(-1, 3)
    return ct_file.read_ct(Path(path), measured_ras_mm=points)


def ct_from_array(
    voxels_hu: np.ndarray, ras_from_ijk: ArrayLike, scan_facts: ScanFacts | None = None, name: str = "array"
) -> Ct:
    """Return a CT from an array.

    Parameters
    ----------
    voxels_hu : numpy.ndarray, shape (K, J, I)
        Hounsfield units, of any integer or floating type. An image of nibabel is indexed [i, j, k]: transpose it.
    ras_from_ijk : array_like, shape (4, 4)
        From voxel indices (i, j, k) to RAS mm: what nibabel calls the affine.
    scan_facts : ScanFacts, optional
        What is known of the acquisition. Where tube voltage and contrast medium are known to be other than the
        cutoffs', no class is given.
    name : str
        What messages call it.

    Raises
    ------
    InputError
        When the array cannot be a CT in HU, or the matrix is not that of a volume.
    """
    return Ct(CtVolume(np.asarray(voxels_hu), np.asarray(ras_from_ijk)), scan_facts or ScanFacts(), (), name)


def ct_from_node(volume_node: Any, scan_facts: ScanFacts | None = None) -> Ct:
    """Return the CT that a volume node of Slicer holds, where its transforms put it.

    The voxels are a view of the node's: they change with it.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
    scan_facts : ScanFacts, optional
        What is known of the acquisition; else what the panel noted at the node, where it did.

    Raises
    ------
    InputError
        When the node holds no CT in HU, or its transforms do more than move and turn it.
    """
    from LumbarHULib.mrml import ct_node

    facts, findings = ct_node.kept_scan(volume_node) or (ScanFacts(), ())
    return Ct(ct_node.ct_from_node(volume_node), scan_facts or facts, findings, volume_node.GetName() or "volume")
