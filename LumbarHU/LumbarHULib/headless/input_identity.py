"""Check whether the input files of a measurement are unchanged, by a hash of their content or a cheap signature."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import LumbarHULib
from LumbarHULib.audit.audit import software_versions
from LumbarHULib.audit.folder import file_sha256
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_managers import entries, files_below
from LumbarHULib.files.markup_file import SUFFIX
from LumbarHULib.images.image_header import read_image_header

# Formats with the CT in one file; any other file is part of a series in its folder.
_WHOLE_FILES = (".nrrd", ".nii", ".nii.gz", ".mha")
_HEADER_FILES = (".nhdr", ".mhd")
_DATA_FILE_KEYS = ("data file", "datafile", "elementdatafile")

# The packages that numbers depend on; packages that only draw or count may change without affecting them.
MEASURING_ROOMS = ("core", "placement", "files", "images", "audit", "api", "headless")
DRAWING_ROOMS = ("audit/report",)
# Imported only with a scene, and without effect on numbers.
_NOT_MEASURING = frozenset({"slicer-core"})


@dataclass(frozen=True)
class KnownContent:
    """The SHA-256 of a measurement's inputs, and their signature when it was computed.

    Parameters
    ----------
    sign : str
        Signature of the names, sizes and modification times of all files: see `sign_of`.
    sha256 : mapping of str to str
        Hash of the content, by the role of the input.
    """

    sign: str
    sha256: Mapping[str, str]

    def plain(self) -> dict[str, Any]:
        """Return the signature and the hashes as plain JSON values."""
        return {"sign": self.sign, "sha256": dict(self.sha256)}


def ct_files(path: Path) -> list[Path]:
    """Return all files of the CT at `path`.

    Raises
    ------
    InputError
        When the header that names some of them is damaged.
    OSError
        When a file cannot be accessed.
    """
    if path.is_dir() or path.name.lower().endswith((*_WHOLE_FILES, *_HEADER_FILES)):
        return volume_files(path)
    return _files_in(path.parent, "")  # one file of a series


def volume_files(path: Path) -> list[Path]:
    """Return all files of the volume in one file or folder, such as a segmentation.

    Raises
    ------
    InputError, OSError
        As for `ct_files`.
    """
    if path.is_dir():
        return files_below(path)
    if not path.name.lower().endswith(_HEADER_FILES):
        return [path]
    fields = _fields_with_data(path)
    named = path.parent / next((fields[key] for key in _DATA_FILE_KEYS if fields.get(key)), "")
    # With a list or a pattern of names, all files in the same folder count.
    return [path, named] if named.is_file() else [path, *_files_in(path.parent, "")]


def markup_files(paths: Iterable[Path]) -> list[Path]:
    """Return all markup files in these files and folders."""
    return [file for path in paths for file in (_files_in(path, SUFFIX) if path.is_dir() else [path])]


def sign_of(inputs: Mapping[str, Sequence[Path]]) -> str:
    """Return a signature of files without reading them: a hash of the path, size and times of each.

    Writing or replacing a file changes its signature even if the content stays the same. The names are hashed, because
    they may contain patients' names.

    Raises
    ------
    InputError
        When a file does not exist.
    """
    digest = hashlib.sha256()
    for role, files in inputs.items():
        digest.update(f"{role}\0{len(files)}\0".encode())
        for file in files:
            try:
                status = os.stat(file)
            except FileNotFoundError as error:
                raise InputError(f"“{file.name}” does not exist: restore it, or remove the link to it.") from error
            digest.update(os.fsencode(file))
            digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\0".encode())
    return digest.hexdigest()


def content_of(inputs: Mapping[str, Sequence[Path]], known: KnownContent | None = None) -> KnownContent:
    """Return the content hashes of a measurement's inputs, computed only if the signature differs from `known`.

    Parameters
    ----------
    inputs : mapping of str to sequence of Path
        Files by their role.
    known : KnownContent, optional
        As an earlier call returned it.
    """
    sign = sign_of(inputs)
    if known is not None and known.sign == sign:
        return known
    return KnownContent(sign, {role: _content_sha256(files) for role, files in inputs.items()})


@lru_cache(maxsize=1)
def program_sha256() -> str:
    """Return a hash of the program files and package versions on which numbers depend."""
    root = Path(LumbarHULib.__file__).parent
    digest = hashlib.sha256()
    for name in measuring_files(root):
        digest.update(f"{name}\0{file_sha256(root / name)}\0".encode())
    for package, version in software_versions().items():
        if package not in _NOT_MEASURING:
            digest.update(f"{package}\0{version}\0".encode())
    return digest.hexdigest()


def measuring_files(root: Path) -> list[str]:
    """Return the library's files below `root` on which numbers depend, as relative paths."""
    names = [file.relative_to(root).as_posix() for room in MEASURING_ROOMS for file in (root / room).rglob("*.py")]
    return sorted(name for name in names if not name.startswith(tuple(f"{room}/" for room in DRAWING_ROOMS)))


def _content_sha256(files: Sequence[Path]) -> str:
    if len(files) == 1 and not files[0].name.lower().endswith(SUFFIX):
        return file_sha256(files[0])
    # A markup without a name is named after its file, so the names count.
    contents = sorted(f"{file.name}\0{file_sha256(file)}" for file in files)
    return hashlib.sha256("\n".join(contents).encode("utf-8", "surrogateescape")).hexdigest()


def _fields_with_data(path: Path) -> dict[str, str]:
    header = read_image_header(path)
    with path.open("rb") as stream:
        stream.seek(header.length)
        # The last line of a MetaImage header is not part of its fields.
        value = "" if header.is_nrrd else stream.readline().partition(b"=")[2].strip().decode("utf-8", "replace")
    return header.fields | ({"elementdatafile": value} if value else {})


def _files_in(folder: Path, suffix: str) -> list[Path]:
    return [path for path in entries(folder) if path.is_file() and path.name.lower().endswith(suffix)]
