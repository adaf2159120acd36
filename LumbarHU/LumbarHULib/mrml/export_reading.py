"""Export a reading from the scene to its audit folder."""

import json
from collections.abc import Callable
from pathlib import Path

from LumbarHULib.audit.audit import SEEN, Audit, require_measured_levels
from LumbarHULib.audit.ct_date import CT_DATE
from LumbarHULib.audit.folder import DAMAGES, OWN_AUDIT_FOLDER, RECORD, write_audit_folder
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.images.ct_identity import voxels_sha256
from LumbarHULib.mrml.ct_date import stated_date_of
from LumbarHULib.mrml.ct_node import ct_from_node, world_from_node
from LumbarHULib.mrml.node_types import VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_calibration import calibration_of


class CaseNameError(InputError):
    """The case of a reading cannot name its folder, or is the name of another one's."""


class NoCaseNameError(CaseNameError):
    """The case of a reading has no name."""


# Characters that a file name may not contain on some operating systems.
_FORBIDDEN = frozenset('<>:"/\\|?*')


def audit_folder_of(root: Path, reading: Reading) -> Path:
    """Return the path of a reading's audit folder: root/case/reader/reading number.

    Raises
    ------
    InputError
        When case or reader cannot name a folder.
    """
    return folder_of_reader(root, reading.case, reading.reader) / str(reading.number)


def folder_of_reader(root: Path, case: str, reader: str) -> Path:
    """Return the folder of a reader's readings of a case; raises InputError as `audit_folder_of`."""
    return Path(root) / _folder_name("case", case) / _folder_name("reader", reader)


def require_case_name(reading: Reading) -> None:
    """Raise InputError when case or reader cannot name a folder, before one is chosen or the case is locked."""
    folder_of_reader(Path(), reading.case, reading.reader)


def export_reading(
    root: Path,
    reading: Reading,
    result: ReadingResult,
    overwrite: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> Path:
    """Write the audit folder of a reading below `root`, and return its path.

    Raises
    ------
    InputError
        When the reading has no measured level, a level that is not excluded could not be measured, the CT was removed,
        the folder exists and may not be replaced, or it cannot be written. A folder of another CT, case or reader is
        never replaced.
    """
    folder, audit = prepare_export(root, reading, result)
    write_audit_folder(folder, audit, overwrite, progress=progress)
    return folder


def prepare_export(root: Path, reading: Reading, result: ReadingResult) -> tuple[Path, Audit]:
    """Return the path and the content of a reading's audit folder, which may be there already.

    The user is asked about replacing it only after this: what can never be replaced is refused here.

    Raises
    ------
    InputError
        As for `export_reading`, except that a folder of this reading may exist.
    """
    folder, audit = audit_folder_of(root, reading), audit_of_reading(reading, result)
    check_destination(folder, True, OWN_AUDIT_FOLDER)
    require_no_other_reading(folder, audit)
    return folder, audit


def require_case_of_ct(root: Path, case: str, ct_node: VolumeNode) -> None:
    """Raise CaseNameError when the exports below `root` have this case already, read on another CT."""
    folder = Path(root) / _folder_name("case", case)
    hashes = {_voxels_in(path) for path in folder.glob(f"*/*/{RECORD}")} - {None}
    if hashes and hashes != {voxels_sha256(ct_from_node(ct_node).voxels_hu)}:
        raise CaseNameError(
            f"“{folder}” contains the case “{case}” read on another CT: give this case another name, or export to "
            "another folder."
        )


def _voxels_in(record: Path) -> str | None:
    """Return the hash of the voxels that a record states; None where it cannot be read."""
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["ct"]["voxels_sha256"])
    except (OSError, *DAMAGES):
        return None


def require_no_other_reading(folder: Path, audit: Audit) -> None:
    """Raise InputError when the folder is of another CT, case or reader: it is never replaced, even with consent."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        found = (record["case"], record["reader"], record["ct"]["voxels_sha256"])
    except FileNotFoundError:
        return
    except (OSError, *DAMAGES):
        raise InputError(
            f"“{folder}” contains a record that cannot be read, so it is not replaced: move that folder away, or "
            "export to another folder."
        ) from None
    case, reader, voxels_sha256 = found
    if (case, reader) != (audit.case, audit.reader):
        raise CaseNameError(
            f"“{folder}” contains the case “{case}” by {reader}, not “{audit.case}” by {audit.reader}, so it is not "
            "replaced: give this case another name, or export to another folder."
        )
    if voxels_sha256 != audit.voxels_sha256:
        raise CaseNameError(
            f"“{folder}” contains the case “{case}” read on another CT, so it is not replaced: give this case another "
            "name, or export to another folder."
        )


def audit_of_reading(reading: Reading, result: ReadingResult) -> Audit:
    """Return the content of a reading's audit folder; raises InputError as `export_reading` does."""
    require_measured_levels(result)
    if not result.levels:
        raise InputError(f"{reading.title} has no measured level: place a midline first.")
    return audit_by(reading, result, reading.protocol_document, reading.cutoffs_document)


def audit_by(reading: Reading, result: ReadingResult, protocol: ProtocolDocument, cutoffs: CutoffsDocument) -> Audit:
    """Return the content of an audit folder for a reading's result by a protocol.

    Raises
    ------
    InputError
        When the CT was removed.
    """
    date, seen = stated_date_of(reading.ct_node), list(reading.seen_by_reader)
    extra = {"blinded": not seen} | ({SEEN: seen} if seen else {}) | {"history": reading.history}
    return Audit(
        case=reading.case,
        reader=reading.reader,
        reading=reading.number,
        result=result,
        ct=ct_of(reading),
        world_from_file=world_from_node(reading.ct_node),
        scan_facts=reading.scan_facts,
        protocol=protocol,
        cutoffs=cutoffs,
        accept_off_protocol=reading.accepts_off_protocol,
        extra=extra | ({CT_DATE: date} if date else {}),
        calibration=calibration_of(reading),
    )


def ct_of(reading: Reading) -> CtVolume:
    """Return a reading's CT; raise InputError when it is no longer in the scene."""
    if reading.ct_node is None:
        raise InputError(f"The CT of {reading.title} is no longer in the scene: load it, and start a new reading.")
    return ct_from_node(reading.ct_node)


def _folder_name(kind: str, text: str) -> str:
    name = "".join("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in text).strip(" .")
    if not name:
        if not text.strip():
            kind_of_error = NoCaseNameError if kind == "case" else InputError
            raise kind_of_error(f"The reading has no {kind}: give the {kind} a name, never the patient's own.")
        kind_of_error = CaseNameError if kind == "case" else InputError
        raise kind_of_error(f"The {kind} “{text}” cannot be used as a folder name: give the {kind} another name.")
    return name
