"""A folder that appears whole or not at all."""

import errno
import os
import shutil
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import is_of_file_manager

_REASONS = {
    errno.ENOSPC: "the disk is full: make room or choose another disk",
    errno.EDQUOT: "your share of the disk is used up: make room or choose another disk",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.EACCES: "you may not write there: choose another place",
    errno.EPERM: "you may not write there: choose another place",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
}


@dataclass(frozen=True)
class OwnFolder:
    """How a folder that LumbarHU made is told from one that may not be replaced.

    Parameters
    ----------
    names : collection of str
        All that ever lies in it, at its top; what else lies there is somebody's own and must not be lost.
    sign : str
        The file, by its path in the folder, without which LumbarHU did not make it: other folders hold a “markups” too.
    """

    names: Collection[str]
    sign: str


def check_destination(destination: Path, overwrite: bool = False, ours: OwnFolder | None = None) -> None:
    """Raise InputError where `atomic_folder` would refuse `destination`, so that no long work is done in vain."""
    try:
        _check(Path(destination), overwrite, ours)
    except OSError as problem:
        raise cannot_be_written(destination, problem) from problem


@contextmanager
def atomic_folder(destination: Path, overwrite: bool = False, ours: OwnFolder | None = None) -> Iterator[Path]:
    """Give a temporary folder beside `destination` and put it there when the ``with`` block ends without an error.

    An old folder is replaced only then. After an error, or when the user interrupts, everything is as it was before.

    Parameters
    ----------
    destination : pathlib.Path
        The folder to be; the folders above it are made.
    overwrite : bool
        Replace it if it exists. An empty one is replaced in any case.
    ours : OwnFolder, optional
        What the folder must look like to be replaced; by default any may be.

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


def names_in(folder: Path) -> set[str]:
    """Return what lies in a folder, without what file managers leave in any."""
    return {name for name in os.listdir(folder) if not is_of_file_manager(name)}


def _check(destination: Path, overwrite: bool, ours: OwnFolder | None) -> None:
    _check_told_apart(_absolute(destination))
    if os.path.lexists(destination) and not destination.is_dir():
        raise InputError(f"“{destination}” is a file: choose another name for the folder.")
    if destination.is_dir():
        content = names_in(destination)
        if content and not overwrite:
            raise InputError(
                f"The folder “{destination}” exists already: choose another one, or overwrite it (--overwrite)."
            )
        for place in (Path.cwd(), Path.home()):
            if place.resolve().is_relative_to(destination.resolve()):
                raise InputError(
                    f"“{destination}” holds the folder “{place}”, so it is not overwritten: choose another one."
                )
        if content and ours is not None:
            _check_is_ours(destination, content, ours)
        return
    ancestor = _absolute(destination).parent
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise InputError(f"“{destination}” cannot be made, because “{ancestor}” is a file: choose another place.")
    if not os.access(ancestor, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _check_told_apart(place: Path) -> None:
    """Raise InputError when there is a name that on other systems is the same: other case, other form of Unicode."""
    if not place.parent.is_dir():
        return
    same = [name for name in os.listdir(place.parent) if name != place.name and _folded(name) == _folded(place.name)]
    if same and place.name not in os.listdir(place.parent):
        raise InputError(
            f"“{place}” exists already as “{same[0]}”, which on macOS and Windows is the same name: choose another one."
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_is_ours(destination: Path, content: set[str], ours: OwnFolder) -> None:
    strangers = sorted(content - set(ours.names))
    if strangers:
        raise InputError(
            f"“{destination}” is no folder that LumbarHU made (it holds “{strangers[0]}”), so it is not overwritten: "
            "choose another one."
        )
    if not (destination / ours.sign).is_file():
        raise InputError(
            f"“{destination}” is no folder that LumbarHU made (it holds no {ours.sign}), so it is not overwritten: "
            "choose another one."
        )


def cannot_be_written(destination: Path, problem: OSError) -> InputError:
    """Return what to tell, with the remedy, when the system refuses to write."""
    reason = _REASONS.get(problem.errno or 0) or f"{problem.strerror or problem}: check the disk and the path"
    return InputError(f"“{destination}” cannot be written: {reason}.")


def _absolute(destination: Path) -> Path:
    """Return the path without links, so that a link to a folder stays and its folder is replaced."""
    return Path(os.path.realpath(destination))


def _make_parents(folder: Path, made: list[Path]) -> None:
    """Make `folder` and those above it, noting in `made` which of them were not there."""
    if folder.exists():
        return
    _make_parents(folder.parent, made)
    folder.mkdir()
    made.append(folder)


def _put_in_place(temporary: Path, place: Path, overwrite: bool, ours: OwnFolder | None) -> None:
    if not os.path.lexists(place):
        temporary.rename(place)
        return
    # It may have come into being while the block ran.
    check_destination(place, overwrite, ours)
    old = temporary.with_suffix(".old")
    place.rename(old)
    try:
        temporary.rename(place)
    except BaseException:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
