"""Recognize files that file managers and network shares create in any folder, so that they are ignored."""

import os
from pathlib import Path

# macOS, Windows, Linux desktops and network storage.
_NAMES = frozenset(
    {
        *(".ds_store", ".localized", "icon\r", ".fseventsd", ".spotlight-v100", ".trashes", ".temporaryitems"),
        *(".apdisk", ".appledouble", "__macosx"),
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *(".directory", ".thumbnails", ".trash", "@eadir", ".@__thumb", "#recycle"),
    }
)

# AppleDouble: macOS writes such a file next to each file on a disk with another file system.
_APPLE_DOUBLE = "._"
_TRASH = ".trash-"


def is_of_file_manager(path: Path | str) -> bool:
    """Return whether a file manager created this file or folder, judged by its name alone."""
    name = Path(path).name if not isinstance(path, str) else path.rpartition("/")[2]
    return name.startswith(_APPLE_DOUBLE) or name.casefold() in _NAMES or name.casefold().startswith(_TRASH)


def entries(folder: Path) -> list[Path]:
    """Return the contents of a folder, sorted by name, without files that file managers created."""
    return sorted(path for path in folder.iterdir() if not is_of_file_manager(path))


def left_by_file_managers(folder: Path) -> list[str]:
    """Return every file or folder below a folder that a file manager created, as a relative path with slashes."""
    found = []
    for place, folders, names in os.walk(folder):
        found += [Path(place, name) for name in (*folders, *names) if is_of_file_manager(name)]
        folders[:] = [name for name in folders if not is_of_file_manager(name)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def files_below(folder: Path) -> list[Path]:
    """Return every file in a folder and its subfolders, sorted by path, without files that file managers created.

    Raises
    ------
    OSError
        If one of the folders cannot be read: some of the files would be taken for all.
    """

    def refuse(problem: OSError) -> None:
        raise problem

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_of_file_manager(name)]
        found += [Path(place, name) for name in names if not is_of_file_manager(name)]
    return sorted(found)
