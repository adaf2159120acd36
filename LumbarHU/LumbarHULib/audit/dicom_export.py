"""Export an audit folder as DICOM objects to the archive of its CT."""

import csv
import json
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LumbarHULib.audit.dicom_report import REPORTED, ReportedMean, report_of
from LumbarHULib.audit.dicom_segmentation import Region, segmentation_of
from LumbarHULib.audit.folder import RECORD
from LumbarHULib.audit.verify import measured_points, verify_audit_folder
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS, ROIS
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder, check_destination
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.dicom_series import slice_files
from LumbarHULib.images.sitk_file import read_with_sitk

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import ComprehensiveSR
    from pydicom import DataElement, Dataset

SEGMENTATION, REPORT = "segmentation.dcm", "report.dcm"
OWN_DICOM_FOLDER = OwnFolder(frozenset({SEGMENTATION, REPORT}), sign=SEGMENTATION)

# Elements that a DICOM object copies from the CT: the first are required, the others may be empty.
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
# All that DICOM knows.
_SEXES = ("M", "F", "O")
# Of a date; pydicom also takes 1953.04.17, of the standard before DICOM, which PS3.5 calls not compliant.
_EIGHT_DIGITS = re.compile("[0-9]{8}")
_ALL_LETTERS = "ISO_IR 192"  # UTF-8


def export_dicom(
    folder: Path,
    series: Path,
    destination: Path,
    overwrite: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> None:
    """Write a Segmentation object and a structured report of an audit folder, both or neither.

    The folder is verified first, so that the archive receives only values that follow from label maps and CT.

    Parameters
    ----------
    folder : pathlib.Path
        The audit folder.
    series : pathlib.Path
        Folder of the measured DICOM series, or one file of it.
    destination : pathlib.Path
        Output folder (created), with ``segmentation.dcm`` and ``report.dcm``. Both contain the CT's patient and study.
    overwrite : bool
        Replace the folder if it exists.
    progress : callable, optional
        Called with the fraction done, from 0 to 1, and the current step.

    Raises
    ------
    InputError
        If highdicom is missing, the folder fails verification, the CT is not a DICOM series, its headers lack an
        identifier, or the files cannot be written.
    """
    progress = progress or (lambda share, text: None)
    require_highdicom()
    check_destination(destination, overwrite, OWN_DICOM_FOLDER)
    measured_ras_mm = measured_points(folder)
    ct_file = read_ct(series, progress, measured_ras_mm)
    slice_spacing_mm = ct_file.scan_facts.slice_spacing_mm
    if ct_file.scan_facts.source != "DICOM" or slice_spacing_mm is None:
        raise InputError(f"“{series.name}” is not a DICOM series: choose the folder of the measured series.")
    differences = verify_audit_folder(folder, ct_file.ct, progress)
    if differences:
        raise InputError(
            f"“{folder}” and “{series.name}” have {len(differences)} difference{'s' if len(differences) != 1 else ''} "
            f"({differences[0].removesuffix('.')}): list them with lumbarhu verify, and measure this CT again."
        )
    progress(0.0, "Making the DICOM objects")
    files = slice_files(series, lambda share, text: None, measured_ras_mm)
    with warnings.catch_warnings():
        # Of oddities of the CT's headers that the objects take over as they are.
        warnings.filterwarnings("ignore", module=r"(pydicom|highdicom)(\.|$)")
        try:
            segmentation, report = _objects(folder, files, slice_spacing_mm)
        except (ValueError, TypeError, AttributeError, KeyError) as problem:  # all that highdicom raises
            raise InputError(
                f"The headers of “{series.name}” cannot be taken over into DICOM objects ({problem}): export the "
                "original series again."
            ) from problem
        with atomic_folder(destination, overwrite, OWN_DICOM_FOLDER) as whole:
            segmentation.save_as(whole / SEGMENTATION)
            report.save_as(whole / REPORT)
    progress(1.0, "Wrote the DICOM objects")


def _objects(folder: Path, files: Sequence[Path], slice_spacing_mm: float) -> tuple["Segmentation", "ComprehensiveSR"]:
    """Return the Segmentation and the report of an audit folder, on the slices in these files."""
    regions, masks, touched = _regions(folder)
    slices = [_source_slice(files[k]) for k in touched]
    _check_distinct_uids({str(dataset.SOPInstanceUID) for dataset in slices}, files)
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    segmentation = segmentation_of(slices, slice_spacing_mm, masks, regions, record["reader"])
    report = report_of(
        segmentation,
        slices,
        regions,
        _values(folder / "results.csv"),
        _means(folder / "summary.csv"),
        record["cutoffs"]["citation"],
        record["notice"],
        record["reader"],
    )
    added = (record["reader"], record["cutoffs"]["citation"], record["notice"])
    for made in (segmentation, report):
        made.SpecificCharacterSet = _character_set(slices[0], added)
    return segmentation, report


def _character_set(source: "Dataset", added: Sequence[str]) -> str | Sequence[str]:
    """Return the CT's own character set, which keeps names byte by byte, or one with all characters if necessary."""
    stated = source.get("SpecificCharacterSet")
    return stated if stated and "".join(added).isascii() else _ALL_LETTERS


def require_highdicom() -> None:
    """Raise InputError, with the remedy, if highdicom is missing."""
    from importlib.util import find_spec

    if find_spec("highdicom") is None:
        raise InputError(
            "DICOM export needs the Python package highdicom, which is missing: use 3D Slicer 5.12, which includes it, "
            "or install it with pip install highdicom."
        )


def _regions(folder: Path) -> tuple[list[Region], np.ndarray, np.ndarray]:
    """Return the regions, their voxels, shape (n_slices, rows, columns, n_regions), and the slices k with any voxel."""
    labels = {roi: read_with_sitk(folder / "labelmaps" / f"{roi}.nrrd")[0] for roi in ROIS}
    touched = np.flatnonzero(np.any([volume.any(axis=(1, 2)) for volume in labels.values()], axis=0))
    there = {roi: set(np.unique(volume[touched]).tolist()) for roi, volume in labels.items()}
    regions = [Region(level, roi) for level in LEVELS for roi in ROIS if LABEL_VALUES[level] in there[roi]]
    if not regions:
        raise InputError(f"“{folder}” contains no measured region: measure a level before the export.")
    masks = np.stack([labels[region.roi][touched] == LABEL_VALUES[region.level] for region in regions], axis=-1)
    return regions, masks, touched


def _source_slice(path: Path) -> "Dataset":
    """Return a slice's header with all elements that a derived object copies."""
    import pydicom

    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    for keyword in _NEEDED:
        if not dataset.get(keyword):
            raise InputError(
                f"“{path.name}” states no {keyword}, so a DICOM object could not refer to it: export the original "
                "series again."
            )
    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for keyword in (*_NEEDED, *_MAY_BE_EMPTY):
        if not _is_allowed(dataset[keyword]):
            raise InputError(
                f"“{path.name}” states the {keyword} “{dataset[keyword].value}”, which DICOM does not allow: correct "
                "the headers, or export the original series again."
            )
    return dataset


def _check_distinct_uids(referenced: Collection[str], files: Sequence[Path]) -> None:
    """Raise InputError if a referenced SOP Instance UID is that of several slices of the series, measured or not."""
    import pydicom

    first: dict[str, Path] = {}
    for file in files:
        header = pydicom.dcmread(file, force=True, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
        uid = str(header.get("SOPInstanceUID", ""))
        other = first.setdefault(uid, file)
        if other is not file and uid in referenced:
            raise InputError(
                f"“{other.name}” and “{file.name}” state the same SOPInstanceUID, so a DICOM object could not refer to "
                "one of them: export the original series again."
            )


def _is_allowed(element: "DataElement") -> bool:
    """Return whether an identifier, a date, a time or a sex is valid by DICOM PS3.5, as archives require."""
    from pydicom.uid import UID
    from pydicom.valuerep import DA, TM

    value = element.value
    if not value:
        return True
    if element.VR == "CS":
        return value in _SEXES
    if element.VR == "DA" and not _EIGHT_DIGITS.fullmatch(str(value)):
        return False
    parse = {"DA": DA, "TM": TM, "UI": UID}.get(element.VR, str)
    try:
        parsed = parse(value)
    except (ValueError, TypeError):
        return False
    return parsed.is_valid if isinstance(parsed, UID) else True


def _values(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (row["level"], row["roi"]): {name: float(row[name]) for name in REPORTED}
        for row in _rows(path)
        if row["mean_hu"]
    }


def _means(path: Path) -> list[ReportedMean]:
    return [
        ReportedMean(row["roi"], tuple(row["levels"].split(";")), float(row["mean_hu"]), row["class"])
        for row in _rows(path)
        if row["mean_hu"]
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
