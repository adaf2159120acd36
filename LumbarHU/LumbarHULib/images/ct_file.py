"""Read a CT from disk: NRRD, NIfTI, MetaImage, or a DICOM series."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.file_bytes import refuse_unreadable
from LumbarHULib.images.dicom_file import is_dicom
from LumbarHULib.images.dicom_headers import Progress
from LumbarHULib.images.dicom_series import read_dicom_series
from LumbarHULib.images.nifti_file import read_nifti
from LumbarHULib.images.sitk_file import read_with_sitk, write_with_sitk

_SITK_FORMATS = {".nrrd": "NRRD", ".nhdr": "NRRD", ".mha": "MetaImage", ".mhd": "MetaImage"}
_NIFTI_SUFFIXES = (".nii", ".nii.gz")
_READABLE = ".nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd or a folder with a DICOM series"


@dataclass(frozen=True, eq=False)
class CtFile:
    """A CT read from disk.

    Parameters
    ----------
    ct : CtVolume
        Voxels in stored order and the file's own geometry.
    scan_facts : ScanFacts
        Acquisition facts from the headers; never the patient's identity.
    findings : tuple of Finding
        Findings of reading, without file names.
    name : str
        Name of the file or folder, without its parent folders.
    """

    ct: CtVolume
    scan_facts: ScanFacts
    findings: tuple[Finding, ...]
    name: str

    @property
    def voxels_hu(self) -> np.ndarray:
        """Voxels in HU, shape (K, J, I), as stored."""
        return self.ct.voxels_hu

    @property
    def ras_from_ijk(self) -> np.ndarray:
        """From voxel indices (i, j, k) to RAS mm, shape (4, 4)."""
        return self.ct.ras_from_ijk


def read_ct(path: Path, progress: Progress | None = None, measured_ras_mm: np.ndarray | None = None) -> CtFile:
    """Read a CT.

    Parameters
    ----------
    path : pathlib.Path
        A .nrrd, .nhdr, .nii, .nii.gz, .mha or .mhd file; a folder with a DICOM series of single slices; or, if the
        folder contains several series, one file of the series.
    progress : callable, optional
        Called with the fraction done and the current step.
    measured_ras_mm : numpy.ndarray, shape (n, 3), optional
        Points to measure. If the slices of a DICOM series are not evenly spaced, only the evenly spaced part that
        contains all these points is read.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or does not contain a CT in HU.
    """
    progress = progress or (lambda share, text: None)
    path = Path(path)
    progress(0.0, "Reading the CT")
    with refuse_unreadable(path, "crop the CT to the lumbar spine"):
        ct_file = _read(path, progress, measured_ras_mm)
    progress(1.0, "Read the CT")
    return ct_file


def write_ct(path: Path, voxels_hu: np.ndarray, ras_from_ijk: np.ndarray) -> None:
    """Write a CT as .nrrd or .mha, compressed.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    voxels_hu : numpy.ndarray, shape (K, J, I)
        Values in HU.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From voxel indices (i, j, k) to RAS mm.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_with_sitk(path, voxels_hu, ras_from_ijk)


def _read(path: Path, progress: Progress, measured_ras_mm: np.ndarray | None) -> CtFile:
    if not path.exists():
        raise InputError(f"There is no file or folder “{path}”: check the path.")
    name = path.resolve().name
    if path.is_dir():
        return CtFile(*read_dicom_series(path, progress, measured_ras_mm), name)
    if path.stat().st_size == 0:
        raise InputError(f"“{path.name}” is empty: copy it again.")
    suffix = path.suffix.lower()
    if suffix in _SITK_FORMATS:
        voxels_hu, ras_from_ijk, orientation_known = read_with_sitk(path)
        return _ct_file(name, _SITK_FORMATS[suffix], voxels_hu, ras_from_ijk, orientation_known)
    if path.name.lower().endswith(_NIFTI_SUFFIXES):
        voxels_hu, ras_from_ijk, orientation_known, findings = read_nifti(path)
        return _ct_file(name, "NIfTI", voxels_hu, ras_from_ijk, orientation_known, findings)
    if is_dicom(path):
        return CtFile(*read_dicom_series(path, progress, measured_ras_mm), name)
    raise InputError(f"“{path.name}” has an unsupported format: choose {_READABLE}.")


def _ct_file(
    name: str,
    source: str,
    voxels_hu: np.ndarray,
    ras_from_ijk: np.ndarray,
    orientation_known: bool,
    findings: tuple[Finding, ...] = (),
) -> CtFile:
    if not orientation_known:
        findings = (*findings, _orientation_unknown(source))
    ct = CtVolume(voxels_hu, ras_from_ijk)
    return CtFile(ct, ScanFacts(orientation_known=orientation_known, source=source), findings, name)


def _orientation_unknown(source: str) -> Finding:
    return Finding(
        "orientation_unknown",
        f"The {source} file does not state the patient's orientation; its axes are assumed to point to the patient's "
        "left, back and head.",
        "Check the left and right side in the images, or use the DICOM series.",
        "severe",
    )
