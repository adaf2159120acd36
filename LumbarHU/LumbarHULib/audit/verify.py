"""An audit folder held against its CT: every hash, every count and every number worked out anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LumbarHULib.audit.folder import RECORD, file_sha256, files_in
from LumbarHULib.audit.verify_numbers import LabelVoxels, label_voxels
from LumbarHULib.audit.verify_record import record_differences
from LumbarHULib.audit.verify_tables import result_differences, summary_differences
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.files.cutoffs_file import cutoffs_from
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.protocol_file import protocol_from
from LumbarHULib.files.suggest_subfolder import folder_meant
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM, held_as, largest_offset_mm, voxels_sha256
from LumbarHULib.images.sitk_file import read_with_sitk


def verify_audit_folder(folder: Path, ct: CtVolume, progress: Callable[[float, str], None] | None = None) -> list[str]:
    """Return what differs between an audit folder and what its files and its CT give when worked out anew.

    Parameters
    ----------
    folder : pathlib.Path
        The audit folder.
    ct : CtVolume
        The CT that it is said to be of.
    progress : callable, optional
        Called with the share done, from 0 to 1, and what is being done.

    Returns
    -------
    list of str
        One sentence for each difference, with file, row, column, expected and found; empty when nothing differs.

    Raises
    ------
    InputError
        When `folder` is no audit folder, or its record cannot be read.
    """
    progress = progress or (lambda share, text: None)
    folder = Path(folder)
    record = _read_record(folder)
    ct = _as_in_the_scene(ct, record["ct"])
    progress(0.0, "Comparing the hashes")
    differences = _file_differences(folder, record["files"])
    ct_differences = _ct_differences(record["ct"], ct)
    differences += ct_differences
    voxels: dict[str, dict[int, LabelVoxels]] = {}
    for number, roi in enumerate(ROIS):
        progress((1 + number) / (1 + len(ROIS)), "Measuring the label maps anew")
        label_map = _read_label_map(folder / "labelmaps" / f"{roi}.nrrd", ct)
        differences += label_map.differences
        if label_map.labels is not None:
            voxels[roi] = label_voxels(label_map.labels, ct)
    differences += result_differences(folder / "results.csv", record, voxels)
    differences += summary_differences(folder / "summary.csv", folder / "results.csv", record, voxels)
    if not ct_differences:  # in another CT nothing would fit
        differences += record_differences(record, ct)
    progress(1.0, "Verified")
    return differences


def measured_points(folder: Path) -> np.ndarray:
    """Return the ends of the midlines that an audit folder's record tells of, shape (n, 3), RAS mm.

    Raises
    ------
    InputError
        When `folder` is no audit folder, or its record cannot be read.
    """
    record = _read_record(Path(folder))
    points = [point for level in record["levels"] for point in level["midline"]["points_ras_mm"]]
    file_from_world = np.linalg.inv(_world_from_file(record["ct"]))
    return np.array(points, dtype=float).reshape(-1, 3) @ file_from_world[:3, :3].T + file_from_world[:3, 3]


def _world_from_file(recorded: dict) -> np.ndarray:
    return np.array(recorded.get("world_from_file", np.eye(4)), dtype=float)


def _as_in_the_scene(ct: CtVolume, recorded: dict) -> CtVolume:
    """Return the CT of a file where the scene's transforms had it; one that comes from that scene as it is."""
    moved = _world_from_file(recorded) @ ct.ras_from_ijk
    ras_from_ijk = np.array(recorded["ras_from_ijk"], dtype=float)
    is_there, would_be = (
        largest_offset_mm(matrix, ras_from_ijk, ct.voxels_hu.shape) <= GEOMETRY_TOLERANCE_MM
        for matrix in (ct.ras_from_ijk, moved)
    )
    return ct if is_there or not would_be else CtVolume(ct.voxels_hu, moved, ct.padding_hu)


def _read_record(folder: Path) -> dict:
    """Return the record as plain values, checked, with the documents that it holds."""
    if not folder.is_dir():
        raise InputError(f"There is no folder “{folder}”: check the path.")
    if not (folder / RECORD).is_file():
        meant = folder_meant(folder, lambda below: (below / RECORD).is_file())
        raise InputError(f"“{folder}” holds no {RECORD}: {meant or 'it is no audit folder of LumbarHU.'}")
    for name in files_in(folder):
        if not (folder / name).is_file():
            raise InputError(f"“{folder / name}” is no file that can be read: remove it, or restore the file.")
    record: LocatedValue = read_located_json(folder / RECORD)
    check_against_schema(record, "record.schema.json")
    protocol_from(record["protocol"])
    cutoffs_from(record["cutoffs"])
    return record.plain()


def _file_differences(folder: Path, recorded_sha256: Mapping[str, str]) -> list[str]:
    there = set(files_in(folder)) - {RECORD}
    differences = [
        f"{name}: expected by the record, but the file is missing." for name in recorded_sha256.keys() - there
    ]
    differences += [
        f"{name}: not in the record, so the file was added later." for name in there - recorded_sha256.keys()
    ]
    for name in there & recorded_sha256.keys():
        found = file_sha256(folder / name)
        if found != recorded_sha256[name]:
            differences.append(
                f"{name}: expected SHA-256 {recorded_sha256[name]}, found {found}: the file was changed."
            )
    return sorted(differences)


def _ct_differences(recorded: dict, ct: CtVolume) -> list[str]:
    shape_kji, recorded_shape = ct.voxels_hu.shape, tuple(recorded["shape_kji"])
    if shape_kji != recorded_shape:
        return [f"CT: expected {_by(recorded_shape)} voxels, found {_by(shape_kji)}: it is another CT."]
    differences = []
    offset_mm = largest_offset_mm(ct.ras_from_ijk, np.array(recorded["ras_from_ijk"]), shape_kji)
    if offset_mm > GEOMETRY_TOLERANCE_MM:
        differences.append(
            f"CT: its geometry differs, a corner lies {offset_mm:.6g} mm from where the record has it: it is another "
            "CT or was stored otherwise."
        )
    voxels = held_as(ct.voxels_hu, recorded["voxels_type"])
    found = None if voxels is None else voxels_sha256(voxels)
    if found is None:
        differences.append(
            f"CT: expected values of the type {recorded['voxels_type']}, found {ct.voxels_hu.dtype} that it cannot "
            "hold: it is another CT."
        )
    elif found != recorded["voxels_sha256"]:
        differences.append(
            f"CT: expected voxels of SHA-256 {recorded['voxels_sha256']}, found {found}: its values differ."
        )
    return differences


@dataclass(frozen=True, eq=False)
class _LabelMap:
    """A label map, or None where its grid is not the CT's, and what is wrong with it."""

    labels: np.ndarray | None
    differences: tuple[str, ...]


def _read_label_map(path: Path, ct: CtVolume) -> _LabelMap:
    name = f"labelmaps/{path.name}"
    if not path.is_file():
        return _LabelMap(None, ())  # told with the hashes
    try:
        labels, ras_from_ijk, _ = read_with_sitk(path)
    except InputError as problem:
        return _LabelMap(None, (f"{name}: cannot be read: {problem}",))
    if labels.shape != ct.voxels_hu.shape:
        return _LabelMap(
            None, (f"{name}: expected the CT's grid of {_by(ct.voxels_hu.shape)} voxels, found {_by(labels.shape)}.",)
        )
    offset_mm = largest_offset_mm(ras_from_ijk, ct.ras_from_ijk, labels.shape)
    if offset_mm > GEOMETRY_TOLERANCE_MM:
        return _LabelMap(None, (f"{name}: its grid is not the CT's: a corner lies {offset_mm:.6g} mm from the CT's.",))
    differences = []
    if labels.dtype != np.uint8:
        differences.append(f"{name}: expected voxels that are uint8, found {labels.dtype}.")
    if not np.array_equal(labels, np.floor(labels)):
        return _LabelMap(None, (*differences, f"{name}: expected whole numbers, found others."))
    strange = sorted(set(np.unique(labels[labels != 0]).tolist()) - set(LABEL_VALUES.values()))
    if strange:
        low, high = min(LABEL_VALUES.values()), max(LABEL_VALUES.values())
        shown = ", ".join(f"{value:g}" for value in strange[:5])
        differences.append(f"{name}: expected label values {low} to {high}, found {shown}.")
    return _LabelMap(labels, tuple(differences))


def _by(shape_kji: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in reversed(shape_kji))
