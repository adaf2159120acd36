"""Write a folder completely or not at all."""

import errno
import os
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import is_of_file_manager

_REASONS = {
    errno.ENOSPC: "the disk is full: make room or choose another disk",
    errno.EDQUOT: "your disk quota is used up: make room or choose another disk",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "you have no permission to write there: choose another folder",
    errno.EPERM: "you have no permission to write there: choose another folder",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
}


@dataclass(frozen=True)
class OwnFolder:
    """What identifies a folder as made by LumbarHU, so that it may be replaced.

    Parameters
    ----------
    names : collection of str
        Every file and folder that LumbarHU writes at its top level. Anything else is the user's own and must not be
        lost.
    sign : str
        A file, by its path in the folder, that every folder made by LumbarHU contains. The names alone do not suffice:
        other folders hold a “markups” too.
    """

    names: Collection[str]
    sign: str


def check_destination(destination: Path, overwrite: bool = False, ours: OwnFolder | None = None) -> None:
    """Raise InputError if `atomic_folder` would refuse `destination`, before any long computation starts."""
    try:
        _check(Path(destination), overwrite, ours)
    except OSError as problem:
        raise cannot_be_written(destination, problem) from problem


def check_inputs_stay(destination: Path, inputs: Iterable[Path]) -> None:
    """Raise InputError if replacing an existing `destination` would remove one of the inputs."""
    if not destination.exists():
        return
    # Unlike Path.resolve, realpath does not fail on circular links.
    place = os.path.realpath(destination)
    for path in inputs:
        if Path(os.path.realpath(path)).is_relative_to(place):
            raise InputError(
                f"“{destination}” contains the input “{path.name}” and is not overwritten: choose another folder."
            )


@contextmanager
def atomic_folder(destination: Path, overwrite: bool = False, ours: OwnFolder | None = None) -> Iterator[Path]:
    """Yield a temporary folder next to `destination` and move it there when the ``with`` block ends without an error.

    An existing folder is replaced only then. After an error or an interruption by the user, nothing has changed.

    Parameters
    ----------
    destination : pathlib.Path
        The output folder. Missing parent folders are created.
    overwrite : bool
        Replace it if it exists. An empty one is replaced in any case.
    ours : OwnFolder, optional
        What an existing folder must contain to be replaced. By default, any folder may be replaced.

    Raises
    ------
    InputError
        When the folder exists and may not be replaced, or cannot be written.
    """
    check_destination(destination, overwrite, ours)
    place = _absolute(destination)
    made: list[Path] = []
    temporary = place.with_name(f".{place.name}.{uuid4().hex[:8]}.part")
    try:
        _make_parents(place.parent, made)
        temporary.mkdir()
        yield temporary
        _put_in_place(temporary, place, overwrite, ours)
    except BaseException as problem:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        if isinstance(problem, OSError):
            raise cannot_be_written(destination, problem) from problem
        raise


def check_outside_audit_folders(destination: Path) -> None:
    """Raise InputError if `destination` is inside a folder whose record lists its files: it would no longer verify."""
    for folder in _absolute(destination).parents:
        if _has_record(folder):
            raise InputError(
                f"“{destination}” is inside “{folder.name}”, a folder of LumbarHU whose record.json lists its files, "
                "and one more would count as a change: choose a path outside it."
            )


def _has_record(folder: Path) -> bool:
    try:
        with (folder / "record.json").open("rb") as stream:
            return b'"schema": "lumbarhu-' in stream.read(200)
    except OSError:
        return False


def names_in(folder: Path) -> set[str]:
    """Return the names in a folder, except files that file managers create."""
    return {name for name in os.listdir(folder) if not is_of_file_manager(name)}


def _check(destination: Path, overwrite: bool, ours: OwnFolder | None) -> None:
    _check_distinct_name(_absolute(destination))
    check_outside_audit_folders(destination)
    if os.path.lexists(destination) and not destination.is_dir():
        raise InputError(f"“{destination}” is a file: choose another name for the folder.")
    if destination.is_dir():
        content = names_in(destination)
        if content and not overwrite:
            raise InputError(
                f"The folder “{destination}” already exists: choose another folder, or overwrite it (--overwrite)."
            )
        for place in (Path.cwd(), Path.home()):
            if place.resolve().is_relative_to(destination.resolve()):
                raise InputError(
                    f"“{destination}” contains the folder “{place}” and is not overwritten: choose another folder."
                )
        if content and ours is not None:
            _check_is_ours(destination, content, ours)
        return
    check_parents(destination)


def check_parents(destination: Path) -> None:
    """Raise InputError or PermissionError if a file or folder cannot be created in the folders above it."""
    ancestor = _absolute(destination).parent
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise InputError(f"“{destination}” cannot be created because “{ancestor}” is a file: choose another folder.")
    if not os.access(ancestor, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _check_distinct_name(place: Path) -> None:
    """Raise InputError if another name differs only in case or Unicode form: some systems treat the two as the same."""
    if not place.parent.is_dir():
        return
    same = [name for name in os.listdir(place.parent) if name != place.name and _folded(name) == _folded(place.name)]
    if same and place.name not in os.listdir(place.parent):
        raise InputError(
            f"“{place}” already exists as “{same[0]}”, the same name on macOS and Windows: choose another name."
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_is_ours(destination: Path, content: set[str], ours: OwnFolder) -> None:
    strangers = sorted(content - set(ours.names))
    if strangers:
        raise InputError(
            f"“{destination}” was not made by LumbarHU (it contains “{strangers[0]}”) and is not overwritten: "
            "choose another folder."
        )
    if not (destination / ours.sign).is_file():
        raise InputError(
            f"“{destination}” was not made by LumbarHU (it contains no {ours.sign}) and is not overwritten: "
            "choose another folder."
        )


def cannot_be_written(destination: Path, problem: OSError) -> InputError:
    """Return the error to report when the system refuses to write, with the remedy."""
    reason = _REASONS.get(problem.errno or 0) or f"{problem.strerror or problem}: check the disk and the path"
    return InputError(f"“{destination}” cannot be written: {reason}.")


def _absolute(destination: Path) -> Path:
    """Return the path with links resolved, so that a link to a folder stays and the folder itself is replaced."""
    return Path(os.path.realpath(destination))


def _make_parents(folder: Path, made: list[Path]) -> None:
    """Create `folder` and its parents, and add each created folder to `made`."""
    if folder.exists():
        return
    _make_parents(folder.parent, made)
    folder.mkdir()
    made.append(folder)


def _put_in_place(temporary: Path, place: Path, overwrite: bool, ours: OwnFolder | None) -> None:
    if not os.path.lexists(place):
        temporary.rename(place)
        return
    # Another program may have created it while the block ran.
    check_destination(place, overwrite, ours)
    old = temporary.with_suffix(".old")
    place.rename(old)
    try:
        temporary.rename(place)
    except BaseException:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
