"""A folder was given that holds nothing of what is wanted: the one below it that was likely meant."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

# Below a folder of a thousand cases not each is looked into.
_MOST_FOLDERS = 200


def suggest_subfolder(folder: Path, is_wanted: Callable[[Path], bool]) -> str:
    """Return the end of a sentence that names the nearest folder below which is wanted; empty where there is none.

    Parameters
    ----------
    folder : pathlib.Path
        What was given.
    is_wanted : callable
        Tells of a folder whether it is what is wanted.
    """
    for pattern in ("[!.]*", "[!.]*/[!.]*"):
        below = sorted(place for place in islice(folder.glob(pattern), _MOST_FOLDERS) if place.is_dir())
        wanted = [place for place in below if is_wanted(place)]
        if len(wanted) == 1:
            return f"give “{wanted[0]}”, which lies below it."
        if wanted:
            return f"give one of those below it, such as “{wanted[0]}”."
    return ""
