"""Make the table of a cohort from what was exported, and name the columns that such a table has."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from LumbarHULib.audit.folder import RECORD, folders_with_record
from LumbarHULib.cohort_files.audit_facts import reading_of_record
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import cannot_be_written, check_outside_audit_folders
from LumbarHULib.files.csv_text import csv_text

NEW_TABLE = "cohort.csv"

# The columns of a new table, with an example; the user fills in those that no audit folder knows.
EXAMPLE: Mapping[str, str] = MappingProxyType(
    {"case": "P1", "audit": "audit/P1/AB/1", "sex": "female", "age": "64", "t_score": "-2.7"}
)
TO_FILL_IN = tuple(name for name in EXAMPLE if name not in ("case", "audit"))


def example_lines() -> tuple[str, str]:
    """Return the header of a table and a row, as in the file."""
    header, row = csv_text(tuple(EXAMPLE), [tuple(EXAMPLE.values())]).splitlines()
    return header, row


def write_new_table(root: Path) -> tuple[Path, int]:
    """Write a table with a row for each case that has audit folders below a folder; never replace a file.

    Parameters
    ----------
    root : pathlib.Path
        The folder, which gets the table.

    Returns
    -------
    tuple of pathlib.Path and int
        The table, and the number of its cases.

    Raises
    ------
    InputError
        If there is no audit folder, a folder cannot be read, a record is damaged, or the table exists or cannot be
        written.
    """
    path = root / NEW_TABLE
    check_outside_audit_folders(path)
    if path.exists():
        raise InputError(f"“{path}” exists already: choose it as the table, or rename it.")
    cases = _folders_by_case(root)
    empty = ("",) * len(TO_FILL_IN)
    rows = [(case, ";".join(folders), *empty) for case, folders in sorted(cases.items())]
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(csv_text(tuple(EXAMPLE), rows))
    except OSError as problem:
        raise cannot_be_written(path, problem) from problem
    return path, len(rows)


def _folders_by_case(root: Path) -> dict[str, list[str]]:
    """Return the audit folders below a folder, relative to it, by the case in their records."""
    cases: dict[str, list[str]] = {}
    for folder in folders_with_record(root):
        (case, _, _), facts = reading_of_record(folder / RECORD)
        if facts is None:
            continue
        named = folder.relative_to(root).as_posix()
        if ";" in named:
            raise InputError(f"“{named}” contains a semicolon, which separates folders in the table: rename it.")
        cases.setdefault(case, []).append(named)
    if not cases:
        raise InputError(f"“{root}” contains no audit folder: choose the folder that the readings were exported to.")
    return cases
