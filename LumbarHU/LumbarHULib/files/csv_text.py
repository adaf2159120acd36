"""Write CSV with all digits and without cells that a spreadsheet would run as formulas."""

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

# A spreadsheet computes a cell that begins with one of these characters. If it splits lines at semicolons or tabs
# instead of commas, a cell begins after those as well, and a line break inside quotes may begin a row.
_FORMULA_START = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\t\r＝＋－＠])")
_NEEDS_QUOTES = re.compile(r'[",;\t\r\n]|^\s|\s$')

Cell = str | int | float | bool | None


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a header and rows as CSV, with a line feed at the end of each line.

    Parameters
    ----------
    columns : sequence of str
        Column names for the header.
    rows : iterable of sequences
        Cells in the order of `columns`: see `cell_text`.
    """
    return "".join(
        ",".join(_quoted(cell_text(cell)) for cell in row) + "\n"
        for row in [columns, *(_checked(row, columns) for row in rows)]
    )


def cell_text(cell: Cell) -> str:
    """Return a cell's text in the file, without quotes.

    Numbers have all their digits, truth values are ``true`` and ``false``, and None is empty. Text that a spreadsheet
    would read as a formula gets a leading apostrophe; a negative number does not.
    """
    if cell is None:
        return ""
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if isinstance(cell, (int, np.integer)):
        return str(int(cell))
    if isinstance(cell, (float, np.floating)):
        if not math.isfinite(cell):
            raise ValueError(f"{cell} is not a finite number: a table cannot hold it.")
        return repr(float(cell))
    return _FORMULA_START.sub(r"\1'", cell)


def _checked(row: Sequence[Cell], columns: Sequence[str]) -> Sequence[Cell]:
    if len(row) != len(columns):
        raise ValueError(f"A row has {len(row)} cells for {len(columns)} columns.")
    return row


def _quoted(text: str) -> str:
    if not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
