"""Files that file managers and shares leave in any folder: nobody's data, so that they count nowhere."""

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

# AppleDouble: what macOS leaves next to each file on a disk that is not its own.
_APPLE_DOUBLE = "._"
_TRASH = ".trash-"


def is_of_file_manager(path: Path | str) -> bool:
    """Tell whether a file or folder is one that a file manager made, by its own name."""
    name = Path(path).name if not isinstance(path, str) else path.rpartition("/")[2]
    return name.startswith(_APPLE_DOUBLE) or name.casefold() in _NAMES or name.casefold().startswith(_TRASH)


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, by name, without what file managers left there."""
    return sorted(path for path in folder.iterdir() if not is_of_file_manager(path))


def left_by_file_managers(folder: Path) -> list[str]:
    """Return the path within a folder, with slashes, of every file or folder below it that a file manager left."""
    found = []
    for place, folders, names in os.walk(folder):
        found += [Path(place, name) for name in (*folders, *names) if is_of_file_manager(name)]
        folders[:] = [name for name in folders if not is_of_file_manager(name)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def files_below(folder: Path) -> list[Path]:
    """Return every file in a folder and the folders in it, by path, without what file managers left there."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_of_file_manager(name)]
        found += [Path(place, name) for name in names if not is_of_file_manager(name)]
    return sorted(found)
