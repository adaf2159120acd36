"""The folder of a batch: audit folders, the tables of all, and what is known of the inputs for the next run."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from LumbarHULib.audit.tables import RESULTS_COLUMNS, SUMMARY_COLUMNS
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import cannot_be_written, check_destination, names_in
from LumbarHULib.files.csv_text import csv_text
from LumbarHULib.headless.batch_table import RowProblem
from LumbarHULib.headless.input_identity import KnownContent

FAILURES = "failures.csv"
_FAILURES_COLUMNS = ("row", "case", "column", "sentence")
_TABLES = {"results.csv": RESULTS_COLUMNS, "summary.csv": SUMMARY_COLUMNS}

# By this folder in it a batch's folder is told from others.
_STATE = ".batch"
_LOCK = "lock"
_KNOWN = "known.jsonl"

# What `atomic_folder` leaves behind in a process that is killed.
_LEFT_BEHIND = re.compile(r"\..+\.[0-9a-f]{8}\.(part|old)")
# By another process that holds it; a file system without locks says something else.
_LOCKED = (errno.EACCES, errno.EAGAIN)


@dataclass(frozen=True)
class BatchFolder:
    """A batch's folder while a batch works in it.

    Parameters
    ----------
    path : Path
    known : dict of str to KnownContent
        By the name of each audit folder, the content of its inputs, as far as an earlier run knew it.
    """

    path: Path
    known: dict[str, KnownContent]
    _log: TextIO = field(repr=False)

    def keep(self, folder: str, content: KnownContent) -> None:
        """Remember the content of a case's inputs."""
        if self.known.get(folder) != content:
            self.known[folder] = content
            self._log.write(_known_line(folder, content))
            self._log.flush()

    def strays(self, folders: Iterable[str]) -> list[str]:
        """Return the folders in it that are none of these, in alphabetical order."""
        own = {*folders, _STATE}
        with os.scandir(self.path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and entry.name not in own)

    def write_tables(self, folders: Sequence[str], failures: Sequence[RowProblem]) -> None:
        """Write results and summary of these cases, in this order, and failures, each table whole or not at all."""
        for name, columns in _TABLES.items():
            with _whole_file(self.path / name) as stream:
                stream.write(csv_text(columns, []))
                for folder in folders:
                    _, _, rows = (self.path / folder / name).read_text(encoding="utf-8").partition("\n")
                    stream.write(rows)
        rows = [(problem.row, problem.case, problem.column, problem.sentence) for problem in failures]
        with _whole_file(self.path / FAILURES) as stream:
            stream.write(csv_text(_FAILURES_COLUMNS, rows))


@contextmanager
def batch_folder(path: Path) -> Iterator[BatchFolder]:
    """Open a batch's folder, or make it, for this process alone; what killing left half done is removed first and last.

    Raises
    ------
    InputError
        When the folder is somebody's own or cannot be written, or another batch works in it.
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
            # Of a worker that was killed on the way; its case was measured by another.
            _remove_left_behind(path)
            with _whole_file(state / _KNOWN) as stream:
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
            f"“{path}” exists already and is not the folder of a batch (it holds “{strangers[0]}”): choose one that is "
            "empty or new."
        )
    check_destination(path)


def _take(lock, path: Path) -> None:
    """Hold the lock for as long as this process lives, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in _LOCKED:
            raise InputError(
                f"Another batch is at work in “{path}”: wait for its end, or choose another folder."
            ) from (problem)


def _read_known(path: Path) -> dict[str, KnownContent]:
    """Return what earlier runs knew; a line that is cut off or damaged counts for nothing."""
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
def _whole_file(path: Path) -> Iterator[TextIO]:
    """Give a file that takes the place of `path` when the ``with`` block ends without an error."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
