"""Suggest a subfolder when a chosen folder does not contain the wanted data."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

# Do not search every subfolder of a folder with a thousand cases.
_MOST_FOLDERS = 200


def suggest_subfolder(folder: Path, is_wanted: Callable[[Path], bool]) -> str:
    """Return the end of a sentence that names the nearest wanted subfolder; empty if there is none.

    Parameters
    ----------
    folder : pathlib.Path
        The chosen folder.
    is_wanted : callable
        Returns whether a folder contains the wanted data.
    """
    for pattern in ("[!.]*", "[!.]*/[!.]*"):
        below = sorted(place for place in islice(folder.glob(pattern), _MOST_FOLDERS) if place.is_dir())
        wanted = [place for place in below if is_wanted(place)]
        if len(wanted) == 1:
            return f"choose its subfolder “{wanted[0]}”."
        if wanted:
            return f"choose one of its subfolders, such as “{wanted[0]}”."
    return ""
