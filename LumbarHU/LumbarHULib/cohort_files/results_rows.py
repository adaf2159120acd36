"""Read the rows of an audit folder's ``results.csv``, or of a table with the same columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort_files.columns import AddFinding, number_column, place_of_hu, shortened
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.files.csv_table import CsvTable

_NEEDED = ("case", "reader", "reading", "level", "roi", "mean_hu")
_OPTIONAL = ("excluded", "origin", "blinded", "findings")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class ResultsRow:
    """One region at one level.

    Parameters
    ----------
    row : int
        Its number in the file.
    case, reader : str
    reading : int
    level, roi : str
    mean_hu : float or None
        None if the region was not measured, or its number cannot be used.
    excluded : str
        Why the level is excluded, as the cell states it; otherwise empty.
    origin : str
        Origin of the midline.
    blinded : bool or None
        Whether the reader was blinded, if the row states it.
    findings : str
        Codes of the findings, joined by semicolons.
    """

    row: int
    case: str
    reader: str
    reading: int
    level: str
    roi: str
    mean_hu: float | None
    excluded: str
    origin: str
    blinded: bool | None
    findings: str


def results_rows(table: CsvTable, add_finding: AddFinding, any_region: bool = False) -> Iterator[ResultsRow]:
    """Yield the rows that identify reader, case and region.

    Parameters
    ----------
    table : CsvTable
        Its columns may have any order and any case.
    add_finding : callable
        Receives findings on rows and numbers that cannot be used.
    any_region : bool
        Also accept regions other than the five.

    Raises
    ------
    InputError
        If the table lacks a column, or has one twice.
    """
    names = [name.casefold() for name in table.header]
    place = {name: at for at, name in enumerate(names)}
    for name in (*_NEEDED, *_OPTIONAL):
        if names.count(name) > 1:
            raise InputError(f"“{table.file_name}” has the column “{name}” twice: keep one of them.")
    missing = [name for name in _NEEDED if name not in place]
    if missing:
        raise InputError(f"“{table.file_name}” lacks the column “{missing[0]}”: use the columns of results.csv.")

    def cell(cells: Sequence[str], name: str) -> str:
        at = place.get(name, len(cells))
        return cells[at] if at < len(cells) else ""

    texts = [(row, cell(cells, "mean_hu")) for row, cells in table.rows]
    values = number_column("hu_L1_round", texts, 1, table.separator, _located_in(table.file_name, add_finding))
    for index, (row, cells) in enumerate(table.rows):
        case, reader, number, level, roi = (cell(cells, name) for name in _NEEDED[:-1])
        level, roi = level.upper(), roi.casefold()
        wrong = _extra_cells(table, cells) or _wrong_place(case, reader, number, level, roi, any_region)
        if wrong:
            column, what, remedy = wrong
            message = f"{table.file_name}, row {row}: {what}; the row is omitted."
            add_finding(CohortFinding("unusable_row", message, remedy, row=row, column=column))
            continue
        is_known = values is not None and values[index] == values[index]
        yield ResultsRow(
            row=row,
            case=case,
            reader=reader,
            reading=int(number),
            level=level,
            roi=roi,
            mean_hu=float(values[index]) if values is not None and is_known else None,
            excluded=cell(cells, "excluded"),
            origin=cell(cells, "origin").partition(" ")[0],
            blinded=_TRUTHS.get(cell(cells, "blinded").casefold()),
            findings=cell(cells, "findings"),
        )


def _extra_cells(table: CsvTable, cells: Sequence[str]) -> tuple[str, str, str] | None:
    """Return column, fault and remedy if a row is longer than the header, as with an unquoted decimal comma."""
    if not any(cells[len(table.header) :]):
        return None
    return "", f"the row has {len(cells)} cells under {len(table.header)} columns", "Correct the row."


def _wrong_place(
    case: str, reader: str, number: str, level: str, roi: str, any_region: bool
) -> tuple[str, str, str] | None:
    """Return column, fault and remedy if a row does not identify reader, case and region; otherwise None."""
    for column, name in (("case", case), ("reader", reader)):
        if not name:
            return column, f"the {column} is missing", "Correct the row."
    if not number.isdecimal() or int(number) < 1:
        return "reading", f"“{shortened(number)}” is not a reading number", "Count readings from 1."
    for column, word, known in (("level", level, LEVELS), ("roi", roi, ROIS)):
        is_other_region = any_region and column == "roi" and place_of_hu(f"hu_{level}_{word}")
        if word not in known and not is_other_region:
            return column, f"“{shortened(word)}” is not a {column}", f"Use one of {', '.join(known)}."
    return None


def _located_in(file_name: str, add_finding: AddFinding) -> AddFinding:
    """Return a function that reports findings on a file other than the cohort's table."""

    def located(finding: CohortFinding) -> None:
        sentence = f"{file_name}: {finding.sentence.replace('hu_L1_round', 'mean_hu')}"
        add_finding(
            CohortFinding(finding.code, sentence, finding.remedy, finding.severity, row=finding.row, column="mean_hu")
        )

    return located
