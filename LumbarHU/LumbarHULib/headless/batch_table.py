"""The table of a batch, CASES.csv: a row per CT, and what is wrong with it by row and column."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from LumbarHULib.audit.audit import UNNAMED
from LumbarHULib.audit.report.case_index import INDEX
from LumbarHULib.cohort_files.columns import is_missing, shortened
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.csv_table import CsvTable, read_csv_table
from LumbarHULib.headless.batch_columns import COLUMNS, SOURCES
from LumbarHULib.headless.measure_job import MeasureJob
from LumbarHULib.headless.reading_options import (
    exclusions_named,
    levels_named,
    printable_name,
    reading_number,
    segments_named,
)

# Columns that say more of one source, and mean nothing with another.
_OF_SOURCE = {"segment": "segmentation", "fill_levels": "seeds"}
_YES_NO = {"yes": True, "true": True, "1": True, "x": True, "no": False, "false": False, "0": False}

_LONGEST_NAME = 100
# Windows, or a shell, or a web page with links, takes these for something else.
_UNSAFE = re.compile(r'[<>:"/\\|?*%#&;\'`$!]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a row.

    Parameters
    ----------
    row : int
        As a spreadsheet counts, the header being row 1.
    case : str
        As the row names it.
    column : str
        Where the mistake stands; empty when it showed in measuring.
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
        Name of its audit folder in the batch's: the case's, with reader and reading where a case has several rows.
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
        The rows that cannot be used, each with the first thing that is wrong with it.
    notes : tuple of str
        What is odd about the table, in sentences.
    """

    rows: tuple[BatchRow, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...]


class _CellError(InputError):
    """What is wrong with a cell, and in which column it stands."""

    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


def read_batch_table(path: Path, out: Path, **common) -> BatchTable:
    """Read the table of a batch.

    Parameters
    ----------
    path : pathlib.Path
        The table; paths in it are relative to it.
    out : pathlib.Path
        The batch's folder, in which each audit folder will lie.
    **common
        Fields of `MeasureJob` that all rows have in common, such as the protocol.

    Raises
    ------
    InputError
        When the file cannot be read, has no rows, lacks a column, or has one that is likely a slip of the pen.
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
        raise InputError(f"“{table.file_name}” has no case: give a row for each.")
    named, repeated = _with_folders(rows, readings, out)
    problems = sorted((*problems, *repeated), key=lambda problem: problem.row)
    return BatchTable(named, tuple(problems), tuple(notes))


def _places(table: CsvTable) -> tuple[dict[str, int], list[str]]:
    """Return the place of each column that is known, and what is odd about the others."""
    places: dict[str, int] = {}
    notes = []
    for place, title in enumerate(table.header):
        name = title.casefold()
        if name in places:
            raise InputError(f"“{table.file_name}”, row 1: the column “{name}” stands there twice: keep one of them.")
        if name in COLUMNS:
            places[name] = place
            continue
        # One that was meant to count would else be left out in silence.
        close = get_close_matches(name, COLUMNS, 1, cutoff=0.75)
        if close and close[0] not in map(str.casefold, table.header):
            raise InputError(
                f"“{table.file_name}”, row 1: the column “{shortened(title)}” is not known: write “{close[0]}”, or "
                "give it a name that is less alike."
            )
        if title:
            notes.append(f"Row 1: the column “{shortened(title)}” is not known; it is not used.")
    for name in ("case", "ct"):
        if name not in places:
            raise InputError(f"“{table.file_name}” has no column “{name}”: its columns are {', '.join(COLUMNS)}.")
    if not set(SOURCES) & set(places):
        raise InputError(f"“{table.file_name}” has no column “{'” or “'.join(SOURCES)}”: give one of them.")
    return places, notes


def _job(texts: Mapping[str, str], base: Path, common: MeasureJob) -> MeasureJob:
    """Return `common` with what a row's cells ask for; raise _CellError for the first that is wrong."""
    _check_name(texts["case"])
    given = {name: "" if is_missing(text) else text for name, text in texts.items()}
    ct = _existing("ct", given["ct"], base)
    sources = [name for name in SOURCES if given.get(name)]
    if len(sources) != 1:
        told = f"{' and '.join(sources)} are both given" if sources else f"there is no {' or '.join(SOURCES)}"
        raise _CellError(sources[-1] if sources else SOURCES[0], f"{told}: give one.")
    for column, source in _OF_SOURCE.items():
        if given.get(column) and source not in sources and _YES_NO.get(given[column].casefold(), True):
            raise _CellError(column, f"it says more of a {source}, and the row gives none: leave it empty.")
    levels, exclude, reader, reading = (given.get(name, "") for name in ("levels", "exclude", "reader", "reading"))
    return replace(
        common,
        ct=ct,
        markups=_existing_paths("markups", given["markups"], base) if "markups" in sources else [],
        **{name: _existing(name, given[name], base) for name in sources if name != "markups"},
        segments=_read("segment", segments_named, [given["segment"]]) if given.get("segment") else {},
        fill_levels=_yes_or_no("fill_levels", given.get("fill_levels", "")),
        levels=_read("levels", levels_named, levels) if levels else None,
        exclusions=_read("exclude", exclusions_named, [exclude]) if exclude else {},
        case=texts["case"],
        reader=_read("reader", printable_name, reader) if reader else UNNAMED,
        reading=_read("reading", reading_number, reading) if reading else 1,
    )


def _read(column: str, read, text):
    try:
        return read(column, text)
    except InputError as problem:
        raise _CellError(column, str(problem)) from problem


def _yes_or_no(column: str, text: str) -> bool:
    answer = _YES_NO.get(text.casefold()) if text else False
    if answer is None:
        raise _CellError(column, f"“{shortened(text)}” is neither yes nor no: write one of them, or leave it empty.")
    return answer


def _check_name(case: str) -> None:
    """Raise _CellError where a folder cannot bear the case's name on every system, or would hide."""
    if not case:
        raise _CellError("case", "the row names no case: give one.")
    if not case.isprintable():
        raise _CellError("case", f"the name {shortened(case)!r} cannot be printed on one line: write it anew.")
    unsafe = _UNSAFE.search(case)
    if unsafe:
        raise _CellError("case", f"a folder cannot be named “{shortened(case)}”: leave {unsafe[0]} out of it.")
    if case.startswith((".", "-", "~")) or case.endswith("."):
        raise _CellError("case", f"a folder cannot be named “{shortened(case)}”: begin and end with a letter or digit.")
    if _DEVICES.fullmatch(case) or _key(case).endswith(".csv") or _key(case) == INDEX:
        raise _CellError("case", f"“{case}” means something else to Windows or to the batch: choose another name.")
    if len(os.fsencode(case)) > _LONGEST_NAME:
        raise _CellError("case", f"“{shortened(case)}” is longer than {_LONGEST_NAME} bytes: choose a shorter name.")


def _existing(column: str, text: str, base: Path) -> Path:
    if not text:
        raise _CellError(column, f"there is no {column}: give its path, relative to the table.")
    path = base / text
    if "\0" in text or not os.path.exists(path):
        remedy = "write / between folders" if "\\" in text and os.sep == "/" else "paths are relative to the table"
        raise _CellError(column, f"there is no file or folder “{text}”: {remedy}.")
    # Nothing that waits for another program, as a named pipe does.
    if not (os.path.isfile(path) or os.path.isdir(path)):
        raise _CellError(column, f"“{text}” is neither a file nor a folder: give one of them.")
    return path


def _existing_paths(column: str, text: str, base: Path) -> list[Path]:
    """Return the paths between semicolons; a name that exists may hold one itself."""
    parts = [text] if os.path.exists(base / text) else [part.strip() for part in text.split(";") if part.strip()]
    return [_existing(column, part, base) for part in parts or [""]]


def _with_folders(
    rows: Sequence[BatchRow], readings: Mapping[str, set], out: Path
) -> tuple[tuple[BatchRow, ...], list[RowProblem]]:
    """Return the rows with the names of their folders, without those that a row before them already has.

    `readings` are the pairs of reader and reading with which each case stands in the table, in rows of any kind.
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
        sentence = f"the case “{row.case}” stands in row {before} already: give another case, reader or reading."
        problems.append(RowProblem(row.row, row.case, "case", sentence))
    return tuple(named), problems


def _key(name: str) -> str:
    """Return what two names share that are one folder on some system."""
    return unicodedata.normalize("NFC", name).casefold()


def told(problems: Sequence[RowProblem], most: int) -> Iterator[str]:
    """Yield the first problems as sentences that begin with row and column, and how many more there are."""
    for problem in problems[:most]:
        where = f"column {problem.column}" if problem.column else f"case {problem.case}"
        yield f"Row {problem.row}, {where}: {problem.sentence}"
    if len(problems) > most:
        yield f"… and {len(problems) - most} more."
