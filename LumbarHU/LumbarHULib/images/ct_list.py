"""List the CTs that a reader reads one after the other, from a folder or from a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.csv_table import read_csv_table
from LumbarHULib.files.file_managers import entries
from LumbarHULib.images.dicom_file import is_dicom

_SUFFIXES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_COLUMNS = ("case", "ct")


@dataclass(frozen=True)
class CtOfList:
    """One CT to be read.

    Parameters
    ----------
    case : str
        The case's name in results.
    path : pathlib.Path
        The path for `read_ct`.
    """

    case: str
    path: Path


def read_ct_list(path: Path) -> tuple[CtOfList, ...]:
    """Return the CTs of a folder or a table, in reading order.

    Parameters
    ----------
    path : pathlib.Path
        A folder with CT files and folders of DICOM slices, whose names become the cases' names; or a CSV file with the
        columns ``case`` and ``ct``, where ``ct`` is a path that may be relative to the table.

    Raises
    ------
    InputError
        If the folder or table is missing, lists no CT, or lists a case twice.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no folder or table “{path}”: choose the CTs to read.")
    found = _list_folder(path) if path.is_dir() else _list_table(path)
    if not found:
        raise InputError(f"“{path.name}” lists no CT: choose a folder of CTs, or a table with the columns case and ct.")
    cases = [item.case for item in found]
    for case in cases:
        if cases.count(case) > 1:
            raise InputError(
                f"“{path.name}” lists the case “{case}” {cases.count(case)} times: give each CT its own case."
            )
    return found


def next_ct(cts: Sequence[CtOfList], case: str, was_read: Callable[[str], bool]) -> CtOfList | None:
    """Return the next unread CT after that of `case`; after the last CT, continue with the first.

    Parameters
    ----------
    cts : sequence of CtOfList
    case : str
        The open case. A case that is not in the list counts as before the first.
    was_read : callable
        Returns whether a case has been read.
    """
    cases = [item.case for item in cts]
    start = cases.index(case) + 1 if case in cases else 0
    in_turn = [*cts[start:], *cts[:start]]
    return next((item for item in in_turn if item.case != case and not was_read(item.case)), None)


def _list_folder(folder: Path) -> tuple[CtOfList, ...]:
    found = [CtOfList(_case_of(path), path) for path in entries(folder) if _is_ct(path)]
    return tuple(found)


def _case_of(path: Path) -> str:
    suffix = next((suffix for suffix in sorted(_SUFFIXES, key=len, reverse=True) if _ends(path, suffix)), "")
    return path.name[: len(path.name) - len(suffix)]


def _is_ct(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        # One file suffices: do not open every file in a folder of thousands of slices.
        first = next((item for item in entries(path) if item.is_file() and is_dicom(item)), None)
        return first is not None
    return any(_ends(path, suffix) for suffix in _SUFFIXES)


def _ends(path: Path, suffix: str) -> bool:
    return path.name.lower().endswith(suffix)


def _list_table(path: Path) -> tuple[CtOfList, ...]:
    table = read_csv_table(path)
    names = [name.casefold() for name in table.header]
    for column in _COLUMNS:
        if column not in names:
            raise InputError(f"“{path.name}” lacks the column “{column}”: add it.")
    places = [names.index(column) for column in _COLUMNS]
    found = []
    for row, cells in table.rows:
        case, ct = (cells[place].strip() if place < len(cells) else "" for place in places)
        if not case or not ct:
            raise InputError(f"Row {row} of “{path.name}” has no {'case' if not case else 'ct'}: fill it in.")
        found.append(CtOfList(case, path.parent / ct))
    return tuple(found)
