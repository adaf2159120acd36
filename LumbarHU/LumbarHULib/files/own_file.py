"""Write a file completely or not at all, and replace only a file that LumbarHU wrote."""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import cannot_be_written, check_outside_audit_folders, check_parents
from LumbarHULib.files.located_json import read_located_json


@dataclass(frozen=True)
class OwnFile:
    """What identifies a JSON file as written by a command, so that it may be replaced.

    Parameters
    ----------
    schema : str
        Value of its key ``schema``.
    command : str
        The command that writes it, such as ``lumbarhu precision``.
    example : str
        A name for such a file.
    """

    schema: str
    command: str
    example: str


def check_own_file(path: Path, overwrite: bool, ours: OwnFile) -> None:
    """Raise InputError if `write_own_file` would refuse `path`, before any long computation starts."""
    try:
        if path.is_dir():
            raise InputError(f"“{path}” is a folder: give the name of a file, such as “{path / ours.example}”.")
        check_outside_audit_folders(path)
        check_parents(path)
    except OSError as problem:
        raise cannot_be_written(path, problem) from problem
    if not path.exists():
        return
    if not overwrite:
        raise InputError(f"The file “{path}” already exists: choose another name, or overwrite it (--overwrite).")
    if not _is_ours(path, ours):
        raise InputError(f"“{path}” was not made by {ours.command} and is not overwritten: choose another name.")


def write_own_file(path: Path, text: str, overwrite: bool, ours: OwnFile) -> None:
    """Write a file in UTF-8; missing parent folders are created, and a link to a file remains a link.

    Raises
    ------
    InputError
        If the file exists and may not be replaced, or cannot be written.
    """
    check_own_file(path, overwrite, ours)
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{uuid4().hex[:8]}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(place)
    except OSError as problem:
        raise cannot_be_written(path, problem) from problem
    finally:
        temporary.unlink(missing_ok=True)


def _is_ours(path: Path, ours: OwnFile) -> bool:
    try:
        document = read_located_json(path).plain()
    except InputError:
        return False
    return isinstance(document, dict) and document.get("schema") == ours.schema
