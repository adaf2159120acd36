"""Write the audit folder, from which all numbers of a reading can be computed again."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.record import record_of
from LumbarHULib.audit.report.page import report_page
from LumbarHULib.audit.tables import results_columns, results_rows, summary_columns_of, summary_rows
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import PLACEMENT_CODES, Finding
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder
from LumbarHULib.files.csv_text import csv_text
from LumbarHULib.files.file_managers import files_below
from LumbarHULib.files.markup_file import SUFFIX, write_markup
from LumbarHULib.files.markup_origin import automatic_text, midline_text
from LumbarHULib.images.label_map_file import write_label_map

RECORD = "record.json"
RESULTS = "results.csv"
REPORT = "report.html"
SCENE = "scene.mrb"
# The segmented vertebrae, where the protocol measures in them.
VERTEBRAE = "vertebrae.nrrd"
# What reading a damaged record raises.
DAMAGES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
# OpenSSH signature of the record, and thus of every file whose hash it contains; optional.
SIGNATURE = "record.json.sig"

OWN_AUDIT_FOLDER = OwnFolder(
    frozenset({RESULTS, "summary.csv", "markups", "labelmaps", REPORT, SCENE, RECORD, SIGNATURE, VERTEBRAE}),
    sign=RECORD,
)

# A list of numbers that json wrote on separate lines. JSON strings contain no line breaks, so no string matches.
_NUMBERS_ON_LINES = re.compile(r"\[\n\s*([-\d.e+]+(?:,\s+[-\d.e+]+)*)\s*\]")


def write_audit_folder(
    destination: Path,
    audit: Audit,
    overwrite: bool = False,
    also_write: Callable[[Path], None] | None = None,
    progress: Callable[[float, str], None] | None = None,
    seal: Callable[[Path], None] | None = None,
) -> None:
    """Write the audit folder of one reading, completely or not at all.

    It contains ``results.csv``, ``summary.csv``, ``labelmaps/<roi>.nrrd`` in the CT's own grid, ``vertebrae.nrrd``
    where the protocol measures in segmented vertebrae, the markups as
    ``markups/L1-midline.mrk.json`` and so on, ``report.html`` for people, drawn from the written label maps, and
    ``record.json`` with the SHA-256 of all of them. The same reading gives the same bytes.

    Parameters
    ----------
    destination : pathlib.Path
        The output folder (created).
    audit : Audit
        The content of the folder.
    overwrite : bool
        Replace the folder if it exists.
    also_write : callable, optional
        Called with the folder before its record is made, to add another file, such as a scene.
    progress : callable, optional
        Called with the fraction done, from 0 to 1, and the current step.
    seal : callable, optional
        Called with the folder after its record is written, to sign it.

    Raises
    ------
    InputError
        If the folder exists and may not be replaced, or cannot be written.
    """
    progress = progress or (lambda share, text: None)
    is_calibrated = audit.calibration is not None
    with atomic_folder(destination, overwrite, OWN_AUDIT_FOLDER) as folder:
        _write_text(folder / RESULTS, csv_text(results_columns(is_calibrated), results_rows(audit)))
        _write_text(folder / "summary.csv", csv_text(summary_columns_of(is_calibrated), summary_rows(audit)))
        (folder / "markups").mkdir()
        for level in audit.result.levels:
            write_markups(folder / "markups", level, audit.result.findings)
        (folder / "labelmaps").mkdir()
        rois = audit.result.rois
        for number, roi in enumerate(rois):
            progress(number / len(rois), "Writing the label maps")
            masks = [(level.rois[roi].label_value, level.rois[roi].mask) for level in audit.result.levels]
            write_label_map(folder / "labelmaps" / f"{roi}.nrrd", audit.stack, audit.ct.ras_from_ijk, masks)
        vertebrae = [
            (LABEL_VALUES[level.level], level.vertebra) for level in audit.result.levels if level.vertebra is not None
        ]
        if vertebrae:
            write_label_map(folder / VERTEBRAE, audit.stack, audit.ct.ras_from_ijk, vertebrae)
        hashes = {name: file_sha256(folder / name) for name in files_in(folder)}
        _write_text(folder / REPORT, report_page(audit, folder / "labelmaps", hashes))
        if also_write is not None:
            also_write(folder)
        progress(1.0, "Writing the record")
        hashes |= {name: file_sha256(folder / name) for name in files_in(folder) if name not in hashes}
        record = record_of(audit, hashes)
        _write_text(folder / RECORD, _json_text(record))
        if seal is not None:
            seal(folder)


def folders_with_record(
    root: Path, deepest: int | None = None, unreadable: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield a folder and those below it that contain a record, in an order that depends on their names alone.

    Not only readings have records: a follow-up has one, too. Folders that are still being written, whose names begin
    with a dot, are omitted.

    Parameters
    ----------
    root : pathlib.Path
    deepest : int, optional
        The greatest number of folders between `root` and a record; by default any, and links to folders are not
        followed.
    unreadable : callable, optional
        Receives the error of each folder that cannot be read. By default, the first one raises InputError.

    Raises
    ------
    InputError
        If a folder cannot be read and `unreadable` is omitted.
    """

    def refuse(problem: OSError) -> None:
        raise InputError(f"{cannot_be_read(problem.filename, problem)}.") from problem

    # Links may lead in circles, which only a limit ends.
    for parent, names, files in os.walk(root, onerror=unreadable or refuse, followlinks=deepest is not None):
        folder = Path(parent)
        names[:] = sorted(name for name in names if not name.startswith("."))
        if RECORD in files:
            yield folder
        # An audit folder contains no other.
        if {RECORD, RESULTS} <= {*files} or len(folder.relative_to(root).parts) == deepest:
            names.clear()


def cannot_be_read(path: Path | str, problem: OSError) -> str:
    """Return a sentence, without its period, that a file or folder cannot be read, and what to do."""
    return f"“{path}” cannot be read ({problem.strerror}): check its permissions and the disk"


def files_in(folder: Path) -> list[str]:
    """Return the path within `folder`, with slashes, of every file below it, in alphabetical order.

    Files that file managers create are omitted.
    """
    return sorted(path.relative_to(folder).as_posix() for path in files_below(folder))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _json_text(document: dict[str, Any]) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return _NUMBERS_ON_LINES.sub(lambda match: f"[{' '.join(match[1].split())}]", text)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def write_markups(folder: Path, level: LevelResult, of_reading: Sequence[Finding]) -> None:
    """Write midline, boundary and outline of a level as measured, each into its own file."""
    doubts = [finding for finding in (*of_reading, *level.findings) if finding.code in PLACEMENT_CODES]
    boundary_ras_mm, outline_ras_mm = level.boundary.points_ras_mm, level.outline_ras_mm
    markups = {
        "midline": (level.midline_ras_mm, midline_text(level.origin, level.midline_ras_mm, doubts)),
        "boundary": (
            boundary_ras_mm,
            "" if level.boundary.given else automatic_text(boundary_ras_mm, level.midline_ras_mm),
        ),
        "outline": (
            outline_ras_mm,
            "" if level.outline_edited else automatic_text(outline_ras_mm, level.midline_ras_mm),
        ),
    }
    for role, (points_ras_mm, description) in markups.items():
        name = f"{level.level}-{role}"
        write_markup(folder / f"{name}{SUFFIX}", role, name, points_ras_mm, description)
