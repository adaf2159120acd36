"""Define the columns of a cohort's table: names, units and permitted values."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS

# Cells that mark a missing value.
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-", "–", "—", ".", "?", "unknown", "missing"}
_NUMBER = re.compile(r"[-+−]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WITH_UNIT = re.compile(r"(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]")


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Parameters
    ----------
    unit : str
        Unit of the stored values.
    low, high : float
        Plausible range; values outside are typing errors or in another unit.
    factors : mapping of str to float
        Factor for the values by unit in the header.
    """

    unit: str
    low: float
    high: float
    factors: Mapping[str, float]


_HU = NumberColumn("HU", -1024, 3071, {"hu": 1})
_DENSITY = NumberColumn("g/cm²", 0.1, 3, {"g/cm2": 1, "mg/cm2": 0.001})

HU_COLUMNS = {f"hu_{level}_{roi}": (level, roi) for level in LEVELS for roi in ROIS}
_HU_OF_ANY_REGION = re.compile(rf"hu_({'|'.join(LEVELS)})_([a-z][a-z0-9_]{{0,39}})", re.IGNORECASE | re.ASCII)
NUMBER_COLUMNS: Mapping[str, NumberColumn] = {
    **dict.fromkeys(HU_COLUMNS, _HU),
    "age": NumberColumn("a", 0, 120, {"a": 1, "y": 1, "yr": 1, "years": 1, "year": 1}),
    "bmi": NumberColumn("kg/m²", 5, 150, {"kg/m2": 1}),
    **dict.fromkeys(("bmd", *(f"bmd_{level}" for level in MEAN_LEVELS), "bmd_neck", "bmd_hip"), _DENSITY),
    "t_score": NumberColumn("1", -12, 12, {"1": 1, "sd": 1}),
    "days_ct_dxa": NumberColumn("d", -36_525, 36_525, {"d": 1, "days": 1, "weeks": 7}),
    "qct_mg_cc": NumberColumn("mg/cm³", -200, 800, {"mg/cm3": 1, "mg/cc": 1, "mg/ml": 1, "g/cm3": 1000, "g/cc": 1000}),
    "outcome_days": NumberColumn("d", 0, 36_525, {"d": 1, "days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}),
}
# Words by column, each with its synonyms; an empty mapping accepts any text.
WORD_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "case": {},
    "audit": {},
    "sex": {"male": "male", "m": "male", "man": "male", "female": "female", "f": "female", "woman": "female"},
    "group": {group: group for group in GROUPS},
    "outcome": {
        **{"0": "0", "0.0": "0", "no": "0", "false": "0"},
        **{"1": "1", "1.0": "1", "yes": "1", "true": "1"},
    },
    "t_score_site": {},
    "dxa_device": {},
    "menopause": {
        **{"pre": "pre", "premenopausal": "pre"},
        **{"peri": "peri", "perimenopausal": "peri"},
        **{"post": "post", "postmenopausal": "post"},
    },
}
COLUMNS = (*WORD_COLUMNS, *NUMBER_COLUMNS)

AddFinding = Callable[[CohortFinding], None]


def place_of_hu(name: str) -> tuple[str, str] | None:
    """Return level and region of a column of HU, of any region; None for any other column."""
    match = _HU_OF_ANY_REGION.fullmatch(name)
    return (match[1].upper(), match[2].lower()) if match else None


def columns_of(
    header: Sequence[str], add_finding: AddFinding, any_region: bool = False
) -> dict[str, tuple[int, float]]:
    """Return index and unit factor of each known column.

    Parameters
    ----------
    header : sequence of str
    add_finding : callable
        Receives findings on unknown columns.
    any_region : bool
        Also accept HU of regions other than the five.

    Raises
    ------
    InputError
        If a column occurs twice.
    """
    known = {name.casefold(): name for name in COLUMNS}
    found: dict[str, tuple[int, float]] = {}
    for place, title in enumerate(header):
        match = _WITH_UNIT.fullmatch(title)
        stated, unit = (match["name"], match["unit"]) if match else (title, "")
        name = known.get(stated.strip().casefold())
        if name is None and any_region and (place_found := place_of_hu(stated.strip())):
            name = f"hu_{place_found[0]}_{place_found[1]}"
        if name is None:
            if title:
                add_finding(_unknown_column(title))
            continue
        if name in found:
            raise InputError(f"Row 1 has the column “{name}” twice: keep one of them.")
        factor = _factor(name, unit)
        if factor is None:
            column = _number_column(name)
            allowed = ", ".join(column.factors) if column else "none"
            sentence = f"Row 1, column {name}: the unit “{unit}” is unknown, so the column is omitted."
            add_finding(CohortFinding("unknown_unit", sentence, f"Use one of: {allowed}.", row=1, column=name))
            continue
        found[name] = (place, factor)
    return found


def _unknown_column(title: str) -> CohortFinding:
    close = get_close_matches(title, COLUMNS, 1)
    advice = f"Did you mean “{close[0]}”?" if close else ""
    sentence = f"Row 1, column {title}: the column is unknown and is ignored."
    return CohortFinding("unknown_column", sentence, advice, "note", row=1, column=title)


def _factor(name: str, unit: str) -> float | None:
    if not unit.strip():
        return 1
    plain = unit.strip().casefold().replace("²", "2").replace("³", "3").replace("^", "")
    column = _number_column(name)
    return column.factors.get(plain) if column else None


def _number_column(name: str) -> NumberColumn | None:
    return NUMBER_COLUMNS.get(name) or (_HU if place_of_hu(name) else None)


def number_column(
    name: str, cells: Sequence[tuple[int, str]], factor: float, separator: str, add_finding: AddFinding
) -> np.ndarray | None:
    """Return a column of numbers, NaN where missing; None if all values are in another unit.

    Parameters
    ----------
    name : str
    cells : sequence of (int, str)
        Row number and text of each case.
    factor : float
        Factor for the numbers.
    separator : str
        Separator of the file; if it is not a comma, commas may be decimal points.
    add_finding : callable
        Receives findings on single cells.
    """
    column = _number_column(name)
    if column is None:
        raise ValueError(f"{name} is not a column of numbers.")
    values = np.full(len(cells), np.nan)
    outside: list[tuple[int, float]] = []
    for index, (row, text) in enumerate(cells):
        if is_missing(text):
            continue
        plain = text.replace(",", ".") if separator != "," and text.count(",") == 1 else text
        match = _NUMBER.fullmatch(plain)
        value = float(plain.replace("−", "-")) * factor if match else math.nan
        if not math.isfinite(value):
            add_finding(_no_number(row, name, text))
        elif not column.low <= value <= column.high:
            outside.append((row, value))
        else:
            values[index] = value
    known = np.count_nonzero(~np.isnan(values))
    if len(outside) > known:
        low, high = min(value for _, value in outside), max(value for _, value in outside)
        found = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        kind = name if column.unit == "1" else f"value in {column.unit}"
        sentence = f"Column {name} contains {found}, which is not a {kind}: it is omitted."
        others = [unit for unit, factor in column.factors.items() if factor != 1]
        stated = f"Write its unit in the header, such as “{name} [{others[-1]}]”, or correct it." if others else ""
        remedy = stated or f"Correct it: use values from {column.low:g} to {column.high:g}."
        add_finding(CohortFinding("unknown_unit", sentence, remedy, row=outside[0][0], column=name))
        return None
    for row, value in outside:
        limits = f"{column.low:g} to {column.high:g}{'' if column.unit == '1' else f' {column.unit}'}"
        sentence = f"Row {row}, column {name}: {value:g} is outside {limits} and is omitted."
        add_finding(CohortFinding("out_of_range", sentence, "Correct the cell.", row=row, column=name))
    return values


def _no_number(row: int, name: str, text: str) -> CohortFinding:
    remedy = "Write a decimal point." if re.fullmatch(r"[-+−]?\d+,\d+", text) else "Correct the cell, or empty it."
    sentence = f"Row {row}, column {name}: “{shortened(text)}” is not a number and is omitted."
    return CohortFinding("no_number", sentence, remedy, row=row, column=name)


def word_column(name: str, cells: Sequence[tuple[int, str]], add_finding: AddFinding) -> tuple[str, ...]:
    """Return a column of standardized words, "" where missing."""
    return tuple(_words(name, cells, add_finding))


def _words(name: str, cells: Sequence[tuple[int, str]], add_finding: AddFinding) -> Iterator[str]:
    words = WORD_COLUMNS[name]
    for row, text in cells:
        if is_missing(text):
            yield ""
        elif not words:
            yield text
        elif text.casefold() in words:
            yield words[text.casefold()]
        else:
            allowed = ", ".join(dict.fromkeys(words.values()))
            sentence = f"Row {row}, column {name}: “{shortened(text)}” is not one of {allowed} and is omitted."
            add_finding(CohortFinding("unknown_word", sentence, "Correct the cell.", row=row, column=name))
            yield ""


def is_missing(text: str) -> bool:
    """Return whether a cell marks a missing value."""
    return text.casefold() in _MISSING


def shortened(text: str) -> str:
    """Return a cell's text, shortened for a sentence."""
    return text if len(text) <= 40 else f"{text[:39]}…"
