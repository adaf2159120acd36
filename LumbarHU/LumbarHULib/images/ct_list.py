"""The CTs that a reader goes through one after the other: a folder of them, or a table that names them."""

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
        What it is called in results.
    path : pathlib.Path
        What `read_ct` takes.
    """

    case: str
    path: Path


def read_ct_list(path: Path) -> tuple[CtOfList, ...]:
    """Return the CTs of a folder or a table, in the order in which they are to be read.

    Parameters
    ----------
    path : pathlib.Path
        A folder with CT files and folders of DICOM slices, which are called by their names; or a CSV file with the
        columns ``case`` and ``ct``, the latter a path that may be relative to the table.

    Raises
    ------
    InputError
        When there is no such folder or table, it names no CT, or one case twice.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no folder or table “{path}”: choose the CTs to read.")
    found = _of_folder(path) if path.is_dir() else _of_table(path)
    if not found:
        raise InputError(f"“{path.name}” names no CT: give a folder of CTs, or a table with the columns case and ct.")
    cases = [item.case for item in found]
    for case in cases:
        if cases.count(case) > 1:
            raise InputError(
                f"“{path.name}” names the case “{case}” {cases.count(case)} times: give each its own name."
            )
    return found


def next_ct(cts: Sequence[CtOfList], case: str, was_read: Callable[[str], bool]) -> CtOfList | None:
    """Return the first CT behind that of `case` whose case was not read yet, from the beginning again at the end.

    Parameters
    ----------
    cts : sequence of CtOfList
    case : str
        The case that is open; one that the list does not name stands before the first.
    was_read : callable
        Tells of a case whether it was read.
    """
    cases = [item.case for item in cts]
    start = cases.index(case) + 1 if case in cases else 0
    in_turn = [*cts[start:], *cts[:start]]
    return next((item for item in in_turn if item.case != case and not was_read(item.case)), None)


def _of_folder(folder: Path) -> tuple[CtOfList, ...]:
    found = [CtOfList(_case_of(path), path) for path in entries(folder) if _is_ct(path)]
    return tuple(found)


def _case_of(path: Path) -> str:
    suffix = next((suffix for suffix in sorted(_SUFFIXES, key=len, reverse=True) if _ends(path, suffix)), "")
    return path.name[: len(path.name) - len(suffix)]


def _is_ct(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        # One file tells: a folder of thousands of slices is not looked through here.
        first = next((item for item in entries(path) if item.is_file() and is_dicom(item)), None)
        return first is not None
    return any(_ends(path, suffix) for suffix in _SUFFIXES)


def _ends(path: Path, suffix: str) -> bool:
    return path.name.lower().endswith(suffix)


def _of_table(path: Path) -> tuple[CtOfList, ...]:
    table = read_csv_table(path)
    names = [name.casefold() for name in table.header]
    for column in _COLUMNS:
        if column not in names:
            raise InputError(f"“{path.name}” lacks the column “{column}”: give the columns case and ct.")
    places = [names.index(column) for column in _COLUMNS]
    found = []
    for row, cells in table.rows:
        case, ct = (cells[place].strip() if place < len(cells) else "" for place in places)
        if not case or not ct:
            raise InputError(f"Row {row} of “{path.name}” has no {'case' if not case else 'ct'}: fill it in.")
        found.append(CtOfList(case, path.parent / ct))
    return tuple(found)
