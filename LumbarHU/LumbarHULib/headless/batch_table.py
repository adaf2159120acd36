"""Read the table of a batch, CASES.csv, with one row for each CT, and report problems by row and column."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from LumbarHULib.audit.audit import UNNAMED
from LumbarHULib.audit.report.case_index import INDEX
from LumbarHULib.cohort_files.columns import is_missing, shortened
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_file import load_calibration
from LumbarHULib.files.csv_table import CsvTable, read_csv_table
from LumbarHULib.headless.batch_columns import COLUMNS, SOURCES
from LumbarHULib.headless.measure_job import MeasureJob
from LumbarHULib.headless.reading_options import (
    ct_date,
    exclusions_named,
    levels_named,
    printable_name,
    reading_number,
    segments_named,
)

_Text = TypeVar("_Text")
_Value = TypeVar("_Value")

# Columns that apply to one source only.
_OF_SOURCE = {"segment": "segmentation", "fill_levels": "seeds"}
_YES_NO = {"yes": True, "true": True, "1": True, "x": True, "no": False, "false": False, "0": False}

_LONGEST_NAME = 100
# Characters with a special meaning to Windows, a shell, or links on a web page.
_UNSAFE = re.compile(r'[<>:"/\\|?*%#&;\'`$!]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class RowProblem:
    """A problem with a row.

    Parameters
    ----------
    row : int
        As in a spreadsheet, with the header as row 1.
    case : str
        The case's name in the row.
    column : str
        The column with the mistake; empty when it appeared during the measurement.
    sentence : str
    """

    row: int
    case: str
    column: str
    sentence: str


@dataclass(frozen=True)
class BatchRow:
    """A row that can be measured.

    Parameters
    ----------
    row : int
    case : str
    folder : str
        Name of its audit folder in the batch's folder: the case's name, with reader and reading where a case has
        several rows.
    job : MeasureJob
    """

    row: int
    case: str
    folder: str
    job: MeasureJob


@dataclass(frozen=True)
class BatchTable:
    """A table of cases.

    Parameters
    ----------
    rows : tuple of BatchRow
        In the table's order.
    problems : tuple of RowProblem
        The rows that cannot be used, each with its first problem.
    notes : tuple of str
        Remarks on the table, as sentences.
    """

    rows: tuple[BatchRow, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...]


class _CellError(InputError):
    """A problem with a cell, and its column."""

    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


def read_batch_table(path: Path, out: Path, **common: Any) -> BatchTable:
    """Read the table of a batch.

    Parameters
    ----------
    path : pathlib.Path
        The table; paths in it are relative to it.
    out : pathlib.Path
        The batch's folder, which contains all audit folders.
    **common
        Fields of `MeasureJob` that all rows share, such as the protocol.

    Raises
    ------
    InputError
        When the file cannot be read, has no rows, lacks a column, or has a column that is probably a typing error, or
        when calibrations are of two minerals.
    """
    path = Path(os.path.abspath(path))
    table = read_csv_table(path)
    places, notes = _places(table)
    every_job = MeasureJob(Path(), [], out, **common)
    rows, problems = [], []
    readings: dict[str, set[tuple[str, str]]] = {}
    for number, cells in table.rows:
        texts = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        readings.setdefault(_key(texts["case"]), set()).add((texts.get("reader", ""), texts.get("reading", "")))
        try:
            if any(cells[len(table.header) :]):
                raise _CellError("", f"the row has {len(cells)} cells under {len(table.header)} columns: correct it.")
            rows.append(BatchRow(number, texts["case"], "", _job(texts, path.parent, every_job)))
        except _CellError as problem:
            problems.append(RowProblem(number, shortened(texts["case"]), problem.column, str(problem)))
    if not table.rows:
        raise InputError(f"“{table.file_name}” has no cases: add a row for each case.")
    _check_minerals(rows)
    named, repeated = _with_folders(rows, readings, out)
    problems = sorted((*problems, *repeated), key=lambda problem: problem.row)
    return BatchTable(named, tuple(problems), tuple(notes))


def _places(table: CsvTable) -> tuple[dict[str, int], list[str]]:
    """Return the index of each known column, and remarks on the others."""
    places: dict[str, int] = {}
    notes = []
    for place, title in enumerate(table.header):
        name = title.casefold()
        if name in places:
            raise InputError(f"“{table.file_name}”, row 1: the column “{name}” occurs twice: remove one of them.")
        if name in COLUMNS:
            places[name] = place
            continue
        # A misspelled column must not be ignored silently.
        close = get_close_matches(name, COLUMNS, 1, cutoff=0.75)
        if close and close[0] not in map(str.casefold, table.header):
            raise InputError(
                f"“{table.file_name}”, row 1: the column “{shortened(title)}” is unknown: write “{close[0]}”, or "
                "choose a name that is less similar."
            )
        if title:
            notes.append(f"Row 1: the column “{shortened(title)}” is unknown and was ignored.")
    for name in ("case", "ct"):
        if name not in places:
            raise InputError(
                f"“{table.file_name}” has no column “{name}”: add it. The columns are {', '.join(COLUMNS)}."
            )
    if not set(SOURCES) & set(places):
        raise InputError(f"“{table.file_name}” has no column “{'” or “'.join(SOURCES)}”: add one of them.")
    return places, notes


def _job(texts: Mapping[str, str], base: Path, common: MeasureJob) -> MeasureJob:
    """Return `common` with the values of a row's cells; raise _CellError for the first problem."""
    _check_name(texts["case"])
    given = {name: "" if is_missing(text) else text for name, text in texts.items()}
    ct = _existing("ct", given["ct"], base)
    sources = [name for name in SOURCES if given.get(name)]
    if len(sources) != 1:
        problem = f"{' and '.join(sources)} are both given" if sources else f"there is no {' or '.join(SOURCES)}"
        raise _CellError(sources[-1] if sources else SOURCES[0], f"{problem}: give one of them.")
    for column, source in _OF_SOURCE.items():
        if given.get(column) and source not in sources and _YES_NO.get(given[column].casefold(), True):
            raise _CellError(column, f"it applies to {source} only, which the row does not have: leave it empty.")
    levels, exclude, reader, reading, when = (
        given.get(name, "") for name in ("levels", "exclude", "reader", "reading", "ct_date")
    )
    of_source: dict[str, Any] = {name: _existing(name, given[name], base) for name in sources if name != "markups"}
    return replace(
        common,
        ct=ct,
        markups=_existing_paths("markups", given["markups"], base) if "markups" in sources else [],
        **of_source,
        segments=_read("segment", segments_named, [given["segment"]]) if given.get("segment") else {},
        fill_levels=_yes_or_no("fill_levels", given.get("fill_levels", "")),
        levels=_read("levels", levels_named, levels) if levels else None,
        exclusions=_read("exclude", exclusions_named, [exclude]) if exclude else {},
        case=texts["case"],
        reader=_read("reader", printable_name, reader) if reader else UNNAMED,
        reading=_read("reading", reading_number, reading) if reading else 1,
        ct_date=_read("ct_date", ct_date, when) if when else "",
        calibration=_calibration(given.get("calibration", ""), base) or common.calibration,
    )


def _calibration(text: str, base: Path) -> Path | None:
    """Return the row's own calibration, which can be read; None without one."""
    if not text:
        return None
    path = _existing("calibration", text, base)
    try:
        mineral_of(path)
    except InputError as problem:
        raise _CellError("calibration", str(problem)) from problem
    return path


@lru_cache(maxsize=1024)
def mineral_of(calibration: Path) -> str:
    """Return the mineral of the densities of a calibration file.

    Raises
    ------
    InputError
        When it cannot be used.
    """
    return load_calibration(calibration).calibration.unit


def _check_minerals(rows: Sequence[BatchRow]) -> None:
    """Raise InputError where the densities in one table would be of two minerals."""
    first: dict[str, int] = {}
    for row in rows:
        if row.job.calibration is not None:
            first.setdefault(mineral_of(row.job.calibration), row.row)
    if len(first) > 1:
        (one, one_row), (other, other_row), *_ = first.items()
        raise InputError(
            f"The calibration of row {one_row} is of {one} and that of row {other_row} of {other}, which are not "
            "interchangeable: make a batch for each."
        )


def _read(column: str, read: Callable[[str, _Text], _Value], text: _Text) -> _Value:
    try:
        return read(column, text)
    except InputError as problem:
        raise _CellError(column, str(problem)) from problem


def _yes_or_no(column: str, text: str) -> bool:
    answer = _YES_NO.get(text.casefold()) if text else False
    if answer is None:
        raise _CellError(column, f"“{shortened(text)}” is neither yes nor no: write yes or no, or leave it empty.")
    return answer


def _check_name(case: str) -> None:
    """Raise _CellError where the case's name is not a valid folder name on every system, or would hide the folder."""
    if not case:
        raise _CellError("case", "the row has no case: give a name.")
    if not case.isprintable():
        raise _CellError("case", f"the name {shortened(case)!r} cannot be printed on one line: write it again.")
    unsafe = _UNSAFE.search(case)
    if unsafe:
        raise _CellError("case", f"a folder cannot be named “{shortened(case)}”: remove {unsafe[0]} from the name.")
    if case.startswith((".", "-", "~")) or case.endswith("."):
        raise _CellError("case", f"a folder cannot be named “{shortened(case)}”: begin and end with a letter or digit.")
    if _DEVICES.fullmatch(case) or _key(case).endswith(".csv") or _key(case) == INDEX:
        raise _CellError("case", f"“{case}” is a reserved name in Windows or in the batch: choose another name.")
    if len(os.fsencode(case)) > _LONGEST_NAME:
        raise _CellError("case", f"“{shortened(case)}” is longer than {_LONGEST_NAME} bytes: choose a shorter name.")


def _existing(column: str, text: str, base: Path) -> Path:
    if not text:
        raise _CellError(column, f"there is no {column}: give its path, relative to the table.")
    path = base / text
    if "\0" in text or not os.path.exists(path):
        is_backslash = "\\" in text and os.sep == "/"
        remedy = "write / between folders" if is_backslash else "give a path relative to the table"
        raise _CellError(column, f"there is no file or folder “{text}”: {remedy}.")
    # A named pipe, for example, would wait for another program.
    if not (os.path.isfile(path) or os.path.isdir(path)):
        raise _CellError(column, f"“{text}” is neither a file nor a folder: give one of them.")
    return path


def _existing_paths(column: str, text: str, base: Path) -> list[Path]:
    """Return the paths separated by semicolons; an existing path may itself contain a semicolon."""
    parts = [text] if os.path.exists(base / text) else [part.strip() for part in text.split(";") if part.strip()]
    return [_existing(column, part, base) for part in parts or [""]]


def _with_folders(
    rows: Sequence[BatchRow], readings: Mapping[str, set[tuple[str, str]]], out: Path
) -> tuple[tuple[BatchRow, ...], list[RowProblem]]:
    """Return the rows with the names of their folders, and the problems of rows whose folder is already used.

    `readings` are the pairs of reader and reading of each case in the table, in all rows.
    """
    first_rows: dict[str, int] = {}
    named, problems = [], []
    for row in rows:
        folder = row.case
        if len(readings[_key(row.case)]) > 1:
            folder = f"{row.case}_{row.job.reader}_{row.job.reading}"
        try:
            _check_name(folder)
        except _CellError as problem:
            problems.append(RowProblem(row.row, row.case, "reader", str(problem)))
            continue
        before = first_rows.setdefault(_key(folder), row.row)
        if before == row.row:
            named.append(replace(row, folder=folder, job=replace(row.job, destination=out / folder)))
            continue
        sentence = f"the case “{row.case}” is already in row {before}: give another case, reader or reading."
        problems.append(RowProblem(row.row, row.case, "case", sentence))
    return tuple(named), problems


def _key(name: str) -> str:
    """Return a key that is equal for two names that are the same folder on some system."""
    return unicodedata.normalize("NFC", name).casefold()


def problem_sentences(problems: Sequence[RowProblem], most: int) -> Iterator[str]:
    """Yield the first problems as sentences with row and column, and the number of further problems."""
    for problem in problems[:most]:
        where = f"column {problem.column}" if problem.column else f"case {problem.case}"
        yield f"Row {problem.row}, {where}: {problem.sentence}"
    if len(problems) > most:
        yield f"… and {len(problems) - most} more."
