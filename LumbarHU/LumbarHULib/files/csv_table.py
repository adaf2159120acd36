"""Read a CSV file, as spreadsheets save it, into rows of text."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_bytes import read_file

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = ",;\t"
# Some spreadsheets write the separator in a line before the header, which they do not show.
_STATED_SEPARATOR = re.compile(r"sep=([,;\t])[,;\t]*(\r\n|\r|\n|$)", re.IGNORECASE)
_LONGEST_CELL = 100_000


@dataclass(frozen=True)
class CsvTable:
    """Header and rows of a CSV file.

    Parameters
    ----------
    file_name : str
        The file's name without its folders.
    header : tuple of str
        The column names without surrounding blanks.
    rows : tuple of (int, tuple of str)
        Each row that is not blank: its number in a spreadsheet (the header is row 1) and its cells.
    separator : str
        The character between cells.
    """

    file_name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    separator: str


def read_csv_table(path: Path) -> CsvTable:
    """Read a CSV file in UTF-8, or in UTF-16 as spreadsheets save it, separated by commas, semicolons or tabs.

    Raises
    ------
    InputError
        If the file is missing, is not CSV, or has no header.
    """
    path = Path(path)
    text = _text(path)
    stated = _STATED_SEPARATOR.match(text)
    if stated:
        text = text[stated.end() :]
    first = text.lstrip("\r\n").partition("\n")[0]
    counted = max(_SEPARATORS, key=first.count) if any(mark in first for mark in _SEPARATORS) else ","
    separator = stated[1] if stated else counted
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    # Strict, because a quotation mark that is never closed would otherwise take every row after it into one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, number = [], 0
    try:
        for number, row in enumerate(reader, start=1):
            if any(cell.strip() for cell in row):
                rows.append((number, tuple(map(_plain, row))))
    except csv.Error as problem:
        raise InputError(
            f"“{path.name}” is not a valid CSV table from row {number + 1} on ({problem}): correct the "
            "quotation marks, or save it again."
        ) from problem
    if not rows:
        raise InputError(f"“{path.name}” is empty: choose a table with a header.")
    (_, header), *cases = rows
    return CsvTable(path.name, header, tuple(cases), separator)


def _text(path: Path) -> str:
    content = read_file(path)
    if content.startswith(b"PK\x03\x04"):
        raise InputError(f"“{path.name}” is a workbook, not CSV: save it as CSV (UTF-8).")
    encoding = _BYTE_ORDER_MARKS.get(content[:2], "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}, line {line}: this is not text in UTF-8: save the file as CSV (UTF-8)."
        ) from error
    if "\0" in text:
        raise InputError(f"“{path.name}” is not a text file: save the table as CSV (UTF-8).")
    return text


def _plain(cell: str) -> str:
    """Return a cell's text; a leading apostrophe keeps a spreadsheet from computing it and is not part of it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:2] in tuple("=+-@") else cell
