"""Verify an audit folder against its CT: compute every hash, count and number again."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.audit.audit import software_versions
from LumbarHULib.audit.folder import RECORD, SIGNATURE, file_sha256, files_in
from LumbarHULib.audit.replay import CtHeaders, protocol_as_used, replay
from LumbarHULib.audit.replay_differences import document_differences, replay_differences
from LumbarHULib.audit.signature import fingerprint_of, signing_key
from LumbarHULib.audit.verify_densities import calibration_differences
from LumbarHULib.audit.verify_numbers import LabelVoxels, label_voxels
from LumbarHULib.audit.verify_tables import result_differences, summary_differences
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.files.calibration_file import calibration_from
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_from
from LumbarHULib.files.file_managers import left_by_file_managers
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.protocol_file import ProtocolDocument, protocol_from
from LumbarHULib.files.suggest_subfolder import suggest_subfolder
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM, held_as, largest_offset_mm, voxels_sha256
from LumbarHULib.images.sitk_file import read_with_sitk


@dataclass(frozen=True)
class Verification:
    """The result of verifying an audit folder.

    Parameters
    ----------
    differences : tuple of str
        One sentence for each difference, with file, row, column, expected and found.
    by_version : tuple of str
        Differences that may come from the folder's older or newer version of LumbarHU. They cannot be distinguished
        from changes of the folder.
    notes : tuple of str
        Notes that are not differences: changed line ends, files of file managers, versions.
    """

    differences: tuple[str, ...]
    by_version: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# Meaning of a difference in a file, by the start of its sentence.
_MEANINGS = (
    ("CT:", "this is not the CT that was measured, or one of the two was changed"),
    ("labelmaps/", "the label map is not that of its region"),
    ("markups/", "the markup is not the one that was measured"),
    ("results.csv", "the table differs from what the label maps measure in the CT"),
    ("summary.csv", "the table differs from what the levels and the cutoffs give"),
    ("report.html", "the report differs from the content of the folder"),
    ("record.json.sig", "the folder is not the one that was signed"),
    ("record.json", "the record differs from what markups, CT, protocol and cutoffs give"),
    ("", "files were added, removed or changed after the export"),
)


def meaning_of(difference: str) -> str:
    """Return the meaning of a difference in words."""
    return next(meaning for start, meaning in _MEANINGS if difference.startswith(start))


def verify_audit_folder(folder: Path, ct: CtVolume, progress: Callable[[float, str], None] | None = None) -> list[str]:
    """Return every difference that `verification_of` finds, as one list; empty if nothing differs.

    Raises
    ------
    InputError
        If `folder` is not an audit folder, or its record cannot be read.
    """
    found = verification_of(folder, ct, progress)
    return [*found.differences, *found.by_version]


def verification_of(
    folder: Path,
    ct: CtVolume,
    progress: Callable[[float, str], None] | None = None,
    headers: CtHeaders | None = None,
    signer: Path | None = None,
) -> Verification:
    """Return the differences between an audit folder and its repeated computation from files and CT.

    The label maps are measured with plain numpy, independently of the original measurement. Everything else is made
    again from the markups: see `replay`.

    Parameters
    ----------
    folder : pathlib.Path
        The audit folder.
    ct : CtVolume
        The CT that the folder should belong to.
    progress : callable, optional
        Called with the fraction done, from 0 to 1, and the current step.
    headers : CtHeaders, optional
        Facts and findings from the CT's file.
    signer : pathlib.Path, optional
        A public key: the folder must be signed by it.

    Raises
    ------
    InputError
        If `folder` is not an audit folder, or its record cannot be read.
    """
    progress = progress or (lambda share, text: None)
    folder = Path(folder)
    record, documents = read_record(folder)
    ct = _as_in_the_scene(ct, record["ct"])
    progress(0.0, "Comparing the hashes")
    differences, notes = file_differences(folder, record["files"])
    differences += _signature_differences(folder, signer, notes)
    changed_files = [_place_of(difference) for difference in differences]
    ct_differences = _ct_differences(record["ct"], ct)
    differences += ct_differences
    labels: dict[str, np.ndarray] = {}
    voxels: dict[str, dict[int, LabelVoxels]] = {}
    rois = documents[0].protocol.region_names
    for number, roi in enumerate(rois):
        progress((1 + number) / (2 + len(rois)), "Measuring the label maps again")
        label_map = _read_label_map(folder / "labelmaps" / f"{roi}.nrrd", ct)
        differences += label_map.differences
        if label_map.labels is not None:
            labels[roi] = label_map.labels
            voxels[roi] = label_voxels(label_map.labels, ct)
    differences += calibration_differences(record)
    differences += result_differences(folder / "results.csv", record, voxels)
    differences += summary_differences(folder / "summary.csv", folder / "results.csv", record, voxels)
    by_version: list[str] = []
    if not ct_differences:  # with another CT everything would differ
        progress((1 + len(rois)) / (2 + len(rois)), "Measuring the markups again")
        of_replay = _replayed(folder, record, documents, held_ct(ct, record["ct"]), labels, headers, changed_files)
        known = {_place_of(difference) for difference in differences}
        # Report a changed report once; its lines matter only if its hash in the record was changed, too.
        of_replay = [one for one in of_replay if not {_place_of(one), _place_of(one).partition(", line")[0]} & known]
        if record["software"]["LumbarHU"] == __version__:
            differences += of_replay
        else:
            by_version += of_replay
            notes.append(
                f"The folder was made with LumbarHU {record['software']['LumbarHU']}, and this is {__version__}: "
                "differences of the version are listed separately from contradictions within the folder."
            )
    ignored = left_by_file_managers(folder)
    if ignored:
        more = f" and {len(ignored) - 3} more" if len(ignored) > 3 else ""
        notes.append(f"Ignored because file managers create them: {', '.join(ignored[:3])}{more}.")
    progress(1.0, "Verified")
    return Verification(tuple(dict.fromkeys(differences)), tuple(dict.fromkeys(by_version)), tuple(notes))


def _signature_differences(folder: Path, signer: Path | None, notes: list[str]) -> list[str]:
    wanted = "" if signer is None else fingerprint_of(signer)
    try:
        key = signing_key(folder)
    except InputError as problem:
        return [str(problem)]
    if key:
        notes.append(f"Signed with the key {key}.")
    if wanted and key != wanted:
        found = f"signed with {key}" if key else "not signed"
        return [f"{SIGNATURE}: expected a signature with the key {wanted}, found the folder {found}."]
    return []


def _replayed(
    folder: Path,
    record: Mapping[str, Any],
    documents: tuple[ProtocolDocument, CutoffsDocument],
    ct: CtVolume,
    labels: Mapping[str, np.ndarray],
    headers: CtHeaders | None,
    changed_files: Sequence[str],
) -> list[str]:
    differences = document_differences(record, documents)
    try:
        documents = (protocol_as_used(record, documents[0]), documents[1])
    except InputError as problem:
        return [*differences, str(problem)]
    try:
        again = replay(folder, record, documents, ct, labels, headers, changed_files)
    except (InputError, OSError) as problem:
        return [*differences, f"markups/: cannot be measured again: {problem}"]
    same_software = record["software"] == software_versions()
    return [*differences, *replay_differences(folder, record, again, labels, same_software)]


def _place_of(difference: str) -> str:
    """Return file, row and column of a difference."""
    return difference.partition(": ")[0]


def held_ct(ct: CtVolume, recorded: dict[str, Any]) -> CtVolume:
    """Return the CT with its values in the type of the measurement."""
    voxels = held_as(ct.voxels_hu, recorded["voxels_type"])
    return ct if voxels is None or voxels is ct.voxels_hu else CtVolume(voxels, ct.ras_from_ijk, ct.padding_hu)


def measured_points(folder: Path) -> np.ndarray:
    """Return the ends of the midlines in an audit folder's record, shape (n, 3), RAS mm.

    Raises
    ------
    InputError
        If `folder` is not an audit folder, or its record cannot be read.
    """
    record, _ = read_record(Path(folder))
    points = [point for level in record["levels"] for point in level["midline"]["points_ras_mm"]]
    file_from_world = np.linalg.inv(_world_from_file(record["ct"]))
    return np.array(points, dtype=float).reshape(-1, 3) @ file_from_world[:3, :3].T + file_from_world[:3, 3]


def _world_from_file(recorded: dict[str, Any]) -> np.ndarray:
    return np.array(recorded.get("world_from_file", np.eye(4)), dtype=float)


def _as_in_the_scene(ct: CtVolume, recorded: dict[str, Any]) -> CtVolume:
    """Return a file's CT at its position by the scene's transforms; a CT from that scene is returned unchanged."""
    moved = _world_from_file(recorded) @ ct.ras_from_ijk
    ras_from_ijk = np.array(recorded["ras_from_ijk"], dtype=float)
    is_there, would_be = (
        largest_offset_mm(matrix, ras_from_ijk, ct.voxels_hu.shape) <= GEOMETRY_TOLERANCE_MM
        for matrix in (ct.ras_from_ijk, moved)
    )
    return ct if is_there or not would_be else CtVolume(ct.voxels_hu, moved, ct.padding_hu)


def read_record(folder: Path) -> tuple[dict[str, Any], tuple[ProtocolDocument, CutoffsDocument]]:
    """Return the checked record as plain values, and its protocol and cutoffs.

    Raises
    ------
    InputError
        When the folder is missing, is not an audit folder, cannot be read, or its record is damaged.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder “{folder}”: check the path.")
    if not (folder / RECORD).is_file():
        suggested = suggest_subfolder(folder, lambda below: (below / RECORD).is_file())
        raise InputError(
            f"“{folder}” contains no {RECORD}, so it is not an audit folder of LumbarHU: "
            f"{suggested or 'choose the folder that an export created.'}"
        )
    for name in files_in(folder):
        if not (folder / name).is_file():
            raise InputError(
                f"“{folder / name}” is neither a file nor a folder, but a pipe or a broken link: remove it, or "
                "restore the file."
            )
    record, protocol, cutoffs = _checked_record(folder / RECORD, _content_sha256(folder / RECORD))
    return record.plain(), (protocol, cutoffs)


@lru_cache(maxsize=1)
def _checked_record(path: Path, sha256: str) -> tuple[LocatedValue, ProtocolDocument, CutoffsDocument]:
    """Return the record, its protocol and its cutoffs; while its hash is the same it is read only once."""
    # Several audit folders are compared in a follow-up: the name of the file alone does not show which is wrong.
    record: LocatedValue = read_located_json(path, f"{path.resolve().parent.name}/{path.name}")
    check_against_schema(record, "record.schema.json")
    protocol = protocol_from(record["protocol"])
    if "calibration" in record:
        calibration_from(record["calibration"])
    _check_regions(record, protocol.protocol.region_names)
    return record, protocol, cutoffs_from(record["cutoffs"])


def _check_regions(record: LocatedValue, names: Sequence[str]) -> None:
    """Raise InputError unless each level and the summaries have exactly the protocol's regions."""
    for number, level in enumerate(record["levels"].value):
        place = level["rois"]
        for name in names:
            if name not in place:
                raise place.error(f"“levels[{number}].rois” lacks “{name}”: add it.")
        for name, entry in place.value.items():
            if name not in names:
                raise entry.error(f"“levels[{number}].rois.{name}” is not a region of the protocol: remove it.")
    found = [summary["roi"].value for summary in record["summaries"].value]
    if found != list(names):
        raise record["summaries"].error(
            f"“summaries” is for the regions {', '.join(found)}, not for {', '.join(names)}: restore the record."
        )


def _content_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return ""  # reading it gives the sentence


# Programs may change the line ends of shared text without changing its content.
_TEXT_FILES = (".csv", ".json", ".html")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def file_differences(folder: Path, recorded_sha256: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the differences between the files and their hashes, and the files that differ only in line ends."""
    there = set(files_in(folder)) - {RECORD, SIGNATURE}
    differences = [
        f"{name}: expected by the record, but the file is missing." for name in recorded_sha256.keys() - there
    ]
    differences += [
        f"{name}: not in the record, so the file was added later." for name in there - recorded_sha256.keys()
    ]
    notes = []
    for name in sorted(there & recorded_sha256.keys()):
        found = file_sha256(folder / name)
        if found == recorded_sha256[name]:
            continue
        if name.endswith(_TEXT_FILES):
            plain = (folder / name).read_bytes().removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
            if hashlib.sha256(plain).hexdigest() == recorded_sha256[name]:
                notes.append(f"{name}: only its line ends were changed.")
                continue
        differences.append(f"{name}: expected SHA-256 {recorded_sha256[name]}, found {found}: the file was changed.")
    return sorted(differences), notes


def _ct_differences(recorded: dict[str, Any], ct: CtVolume) -> list[str]:
    shape_kji, recorded_shape = ct.voxels_hu.shape, tuple(recorded["shape_kji"])
    if shape_kji != recorded_shape:
        return [f"CT: expected {_by(recorded_shape)} voxels, found {_by(shape_kji)}: it is another CT."]
    differences = []
    offset_mm = largest_offset_mm(ct.ras_from_ijk, np.array(recorded["ras_from_ijk"]), shape_kji)
    if offset_mm > GEOMETRY_TOLERANCE_MM:
        differences.append(
            f"CT: its geometry differs, a corner is {offset_mm:.6g} mm from its position in the record: it is another "
            "CT or was stored differently."
        )
    voxels = held_as(ct.voxels_hu, recorded["voxels_type"])
    found = None if voxels is None else voxels_sha256(voxels)
    if found is None:
        differences.append(
            f"CT: expected values of the type {recorded['voxels_type']}, found {ct.voxels_hu.dtype} with values "
            "outside its range: it is another CT."
        )
    elif found != recorded["voxels_sha256"]:
        differences.append(
            f"CT: expected voxels of SHA-256 {recorded['voxels_sha256']}, found {found}: its values differ."
        )
    return differences


@dataclass(frozen=True, eq=False)
class _LabelMap:
    """A label map, or None if its grid differs from the CT's, and its differences."""

    labels: np.ndarray | None
    differences: tuple[str, ...]


def _read_label_map(path: Path, ct: CtVolume) -> _LabelMap:
    name = f"labelmaps/{path.name}"
    if not path.is_file():
        return _LabelMap(None, ())  # reported with the hashes
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
        return _LabelMap(None, (f"{name}: expected the CT's grid, found one with a corner {offset_mm:.6g} mm away.",))
    differences = []
    if labels.dtype != np.uint8:
        differences.append(f"{name}: expected voxels that are uint8, found {labels.dtype}.")
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.floor(labels)):
        return _LabelMap(None, (*differences, f"{name}: expected whole numbers, found fractions."))
    strange = sorted(set(np.unique(labels[labels != 0]).tolist()) - set(LABEL_VALUES.values()))
    if strange:
        low, high = min(LABEL_VALUES.values()), max(LABEL_VALUES.values())
        shown = ", ".join(f"{value:g}" for value in strange[:5])
        differences.append(f"{name}: expected label values {low} to {high}, found {shown}.")
    return _LabelMap(labels, tuple(differences))


def _by(shape_kji: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in reversed(shape_kji))
