"""The folder of a batch: audit folders, common tables, and the known content of the inputs for the next run."""

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO
from uuid import uuid4

from LumbarHULib.audit.tables import results_columns, summary_columns_of
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import cannot_be_written, check_destination, names_in
from LumbarHULib.files.csv_text import csv_text
from LumbarHULib.headless.batch_table import RowProblem
from LumbarHULib.headless.input_identity import KnownContent

FAILURES = "failures.csv"
_FAILURES_COLUMNS = ("row", "case", "column", "sentence")
_TABLES = {"results.csv": results_columns, "summary.csv": summary_columns_of}

# A folder with this subfolder is the folder of a batch.
_STATE = ".batch"
_LOCK = "lock"
_KNOWN = "known.jsonl"

# A row without its line feed, and a cell of a row with its quotes.
_ROW = re.compile(r'((?:"(?:[^"]|"")*"|[^"\n])*)\n')
_CELL = re.compile(r'(?:^|,)("(?:[^"]|"")*"|[^",]*)')
# Temporary folders of `atomic_folder` that remain when a process is killed.
_LEFT_BEHIND = re.compile(r"\..+\.[0-9a-f]{8}\.(part|old)")
# Errors when another process holds the lock; a file system without locks raises other errors.
_LOCKED = (errno.EACCES, errno.EAGAIN)


@dataclass(frozen=True)
class BatchFolder:
    """The folder of a batch while the batch is running.

    Parameters
    ----------
    path : Path
    known : dict of str to KnownContent
        The content of the inputs by the name of each audit folder, as known from earlier runs.
    """

    path: Path
    known: dict[str, KnownContent]
    _log: TextIO = field(repr=False)

    def keep(self, folder: str, content: KnownContent) -> None:
        """Store the content of a case's inputs."""
        if self.known.get(folder) != content:
            self.known[folder] = content
            self._log.write(_known_line(folder, content))
            self._log.flush()

    def strays(self, folders: Iterable[str]) -> list[str]:
        """Return the other folders in the batch's folder, in alphabetical order."""
        own = {*folders, _STATE}
        with os.scandir(self.path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and entry.name not in own)

    def write_tables(self, folders: Sequence[str], failures: Sequence[RowProblem], is_calibrated: bool = False) -> None:
        """Write results and summary of these cases, in this order, and failures, each completely or not at all."""
        for name, columns_of in _TABLES.items():
            columns = columns_of(is_calibrated)
            with _atomic_file(self.path / name) as stream:
                stream.write(csv_text(columns, []))
                for folder in folders:
                    table = (self.path / folder / name).read_text(encoding="utf-8")
                    header, _, rows = table.partition("\n")
                    is_alike = tuple(header.split(",")) == columns
                    stream.write(rows if is_alike else _with_columns(table, columns))
        failed = [(problem.row, problem.case, problem.column, problem.sentence) for problem in failures]
        with _atomic_file(self.path / FAILURES) as stream:
            stream.write(csv_text(_FAILURES_COLUMNS, failed))


def _with_columns(table: str, columns: Sequence[str]) -> str:
    """Return the rows of a table without densities or of an earlier version, with empty cells for what it lacks."""
    lines = [_CELL.findall(line) for line in _ROW.findall(table)]
    rows = [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]
    return "".join(",".join(row.get(name, "") for name in columns) + "\n" for row in rows)


@contextmanager
def batch_folder(path: Path) -> Iterator[BatchFolder]:
    """Open or create the folder of a batch for this process alone; remains of killed processes are removed.

    Raises
    ------
    InputError
        When the folder is not a batch's, cannot be written, or another batch is running in it.
    """
    state = path / _STATE
    try:
        if not state.is_dir():
            _check_is_free(path)
        state.mkdir(parents=True, exist_ok=True)
        with (state / _LOCK).open("a+b") as lock:
            _take(lock, path)
            _remove_left_behind(path)
            known = _read_known(state / _KNOWN)
            with (state / _KNOWN).open("a", encoding="utf-8", newline="\n") as log:
                log.write("\n")  # the last line may be cut off
                yield BatchFolder(path, known, log)
            # Remains of a worker that was killed; another worker measured its case.
            _remove_left_behind(path)
            with _atomic_file(state / _KNOWN) as stream:
                stream.writelines(_known_line(folder, known[folder]) for folder in sorted(known))
    except OSError as problem:
        raise cannot_be_written(path, problem) from problem


def _remove_left_behind(path: Path) -> None:
    with os.scandir(path) as entries:
        left_behind = [entry.path for entry in entries if _LEFT_BEHIND.fullmatch(entry.name)]
    for half in left_behind:
        shutil.rmtree(half, ignore_errors=True)


def _check_is_free(path: Path) -> None:
    strangers = sorted(names_in(path)) if path.is_dir() else []
    if strangers:
        raise InputError(
            f"“{path}” already exists and is not the folder of a batch (it contains “{strangers[0]}”): choose an empty "
            "or new folder."
        )
    check_destination(path)


def _take(lock: BinaryIO, path: Path) -> None:
    """Hold the lock until this process ends, in whatever way."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in _LOCKED:
            raise InputError(
                f"Another batch is running in “{path}”: wait until it ends, or choose another folder."
            ) from (problem)


def _read_known(path: Path) -> dict[str, KnownContent]:
    """Return the content known from earlier runs; truncated or damaged lines are ignored."""
    known = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                known[entry["folder"]] = KnownContent(str(entry["sign"]), dict(entry["sha256"]))
            except (ValueError, KeyError, TypeError):
                continue
    return known


def _known_line(folder: str, content: KnownContent) -> str:
    return json.dumps({"folder": folder, **content.plain()}, ensure_ascii=False) + "\n"


@contextmanager
def _atomic_file(path: Path) -> Iterator[TextIO]:
    """Yield a file that replaces `path` when the ``with`` block ends without an error."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
