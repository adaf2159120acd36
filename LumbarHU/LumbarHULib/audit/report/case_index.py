"""A page that leads to the reports of many cases, to sort and to filter."""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from LumbarHULib import __version__
from LumbarHULib.audit.folder import RECORD, REPORT, cannot_be_read, folders_with_record
from LumbarHULib.audit.record import NOTICE
from LumbarHULib.audit.report.page import CLASS_STYLE
from LumbarHULib.audit.report.words import IN_TABLE, NONE, number_text
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.results import CLASSES, class_counts, class_words
from LumbarHULib.files import html_text as html
from LumbarHULib.files.csv_table import read_csv_table
from LumbarHULib.files.html_text import Html
from LumbarHULib.files.resources import resource_path

INDEX = "index.html"

_SUMMARY = "summary.csv"
_OF_FOLLOW_UP = "changes.csv"
_TITLE = "LumbarHU index"
# Of a name in one row of a thousand.
_MOST_LETTERS = 100
_MOST_DIGITS = 20
_SCRIPT = resource_path("Report", "index.js")

_STYLE = (
    CLASS_STYLE
    + """
body { max-width: 90rem; }
.class { min-width: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.find { display: flex; flex-wrap: wrap; gap: .6rem 1.4rem; align-items: end; margin: 1rem 0; }
.find[hidden] { display: none; }
.find > * { min-width: 0; max-width: 100%; }
.find label { display: block; font-size: .9rem; }
.find input, .find select { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  padding: .3rem .5rem; max-width: 100%; }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: .1rem 0;
  cursor: pointer; text-decoration: underline dotted; text-align: inherit; }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
.meaning { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; }
.meaning li { max-width: none; }
@media print { .find { display: none; } th button { text-decoration: none; } }
"""
)


@dataclass(frozen=True)
class _Reading:
    """The cells of one audit folder, with its sort key (case, reader, reading, folder) and its location."""

    cells: tuple[str, ...]
    order: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class IndexOutcome:
    """What an index leads to.

    Parameters
    ----------
    readings : int
        How many audit folders.
    problems : tuple of str
        For each that was left out, a sentence that begins with its path.
    """

    readings: int
    problems: tuple[str, ...]


def write_index(root: Path, progress: Callable[[float, str], None] | None = None) -> IndexOutcome:
    """Write ``index.html`` into a folder that holds audit folders, at any depth, and return what it leads to.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    progress : callable, optional
        Called with the share done, from 0 to 1, and what is being done.

    Raises
    ------
    InputError
        When there is no such folder, it is or holds no audit folder, its index.html is another program's, or it cannot
        be written.
    """
    progress = progress or (lambda share, text: None)
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"There is no folder “{root}”: check the path.")
    if (root / RECORD).is_file():
        raise InputError(f"“{root}” is itself an audit folder: choose the folder that contains it.")
    _check_is_ours(root / INDEX)
    unreadable: list[OSError] = []
    folders = [folder for folder in folders_with_record(root, unreadable=unreadable.append) if _is_reading(folder)]
    if not folders:
        raise InputError(
            f"“{root}” contains no audit folder of LumbarHU: choose the folder to which cases were exported."
        )
    readings, problems = [], []
    for error in unreadable:
        place = Path(error.filename).relative_to(root).as_posix()
        problems.append(f"{place}: {cannot_be_read(error.filename, error)}.")
    for number, folder in enumerate(folders):
        progress(number / len(folders), "Reading the summaries")
        try:
            readings.append(_reading(root, folder))
        except InputError as problem:
            problems.append(f"{folder.relative_to(root).as_posix()}: {problem}")
    readings.sort(key=lambda reading: reading.order)
    _write_whole(root / INDEX, _page(_with_distinct_names(readings), problems))
    progress(1.0, "Written")
    return IndexOutcome(len(readings), tuple(problems))


def _check_is_ours(path: Path) -> None:
    if path.exists() and f"<title>{_TITLE}" not in path.read_text(encoding="utf-8", errors="replace"):
        raise InputError(f"“{path}” was not made by LumbarHU and is not overwritten: move or rename it.")


def _is_reading(folder: Path) -> bool:
    """Return whether a folder with a record is that of a reading, although its summary or its report may be missing."""
    has_page = any((folder / name).is_file() for name in (_SUMMARY, REPORT))
    return has_page and not (folder / _OF_FOLLOW_UP).exists()


def _reading(root: Path, folder: Path) -> _Reading:
    table = read_csv_table(folder / _SUMMARY)
    rows = [dict(zip(table.header, cells, strict=False)) for _, cells in table.rows]
    by_roi = {row.get("roi"): row for row in rows}
    try:
        of_rois = [by_roi[roi] for roi in ROIS]
        first = of_rois[0]
        values = [_roi_cell(row["mean_hu"], row["class"]) for row in of_rois]
        classes = [row["class"] for row in of_rois]
        codes = dict.fromkeys(code for row in of_rois for code in row["findings"].split(";") if code)
        named = [first["case"], first["reader"], first["reading"]]
        levels = first["levels"].replace(";", ", ") or NONE
    except (KeyError, ValueError) as problem:
        raise InputError(f"{_SUMMARY} is not as LumbarHU writes it ({problem}): measure the case again.") from problem
    shown = [code.replace("_", " ") for code in codes if code not in IN_TABLE]
    agree = " + ".join(map(str, class_counts(classes))) or NONE
    case, reader, reading = named
    cells = (
        _case_cell(root, folder, case),
        html.foreign(reader, _MOST_LETTERS),
        html.foreign(reading, _MOST_LETTERS),
        levels,
        *values,
        agree,
        ", ".join(shown),
    )
    order = tuple(_counting(text) for text in (case, reader, reading, folder.as_posix()))
    return _Reading(cells, order, folder.relative_to(root).as_posix())


def _with_distinct_names(readings: Sequence[_Reading]) -> list[_Reading]:
    """Add the folder to the name of the case if several readings have the same name."""
    counts = Counter(reading.order[:-1] for reading in readings)
    distinct = []
    for reading in readings:
        first, *others = reading.cells
        if counts[reading.order[:-1]] > 1:
            first = Html(f"{first} <small>{html.foreign(reading.place, _MOST_LETTERS)}</small>")
        distinct.append(replace(reading, cells=(first, *others)))
    return distinct


def _counting(text: str) -> str:
    """Return a sort key that puts “case 9” before “case 10”."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(_MOST_DIGITS), text.lower())


def _case_cell(root: Path, folder: Path, case: str) -> Html:
    if not (folder / REPORT).is_file():
        return Html(f"{html.foreign(case, _MOST_LETTERS)} (without a report)")
    # Bytes: a name need not be UTF-8. Quoted, no part of it can be an address elsewhere.
    address = quote(os.fsencode((folder / REPORT).relative_to(root).as_posix()))
    return Html(f'<a href="{address}">{html.foreign(case, _MOST_LETTERS)}</a>')


def _roi_cell(mean_hu: str, class_name: str) -> Html:
    if mean_hu and not math.isfinite(float(mean_hu)):
        raise ValueError(f"mean_hu is {mean_hu}")
    mean = number_text(float(mean_hu)) if mean_hu else NONE
    return Html(f'{mean} <span class="class {class_name}"><span class="unseen">{class_words(class_name)}</span></span>')


def _page(readings: Sequence[_Reading], problems: Sequence[str]) -> str:
    count = f"{len(readings)} reading{'s' if len(readings) != 1 else ''}"
    header = ["Case", "Reader", "Reading", "Levels", *(f"{roi} HU" for roi in ROIS), "Agree", "Findings"]
    meaning = "".join(f'<li><span class="class {name}">{class_words(name)}</span></li>' for name in CLASSES)
    options = "".join(f"<option>{class_words(name)}</option>" for name in CLASSES)
    parts = [
        html.heading(_TITLE, 1),
        html.paragraph(f"{count}; LumbarHU {__version__}. {NOTICE}", "note"),
        html.paragraph(
            "The classes are by the cutoffs that each report names. Agree: how many regions have one class.", "note"
        ),
        '<div class="find" hidden>'
        '<div><label for="text">Find a case, reader or finding</label><input id="text" type="search"></div>'
        '<div><label for="class">A region with the class</label>'
        f'<select id="class"><option value="">any</option>{options}</select></div>'
        '<p id="shown" role="status"></p></div>',
        f'<ul class="meaning">{meaning}</ul>',
    ]
    if problems:
        parts += [html.heading("Left out"), html.bullets(html.foreign(problem) for problem in problems)]
    last = len(header) - 1
    parts.append(html.table(header, [of.cells for of in readings], left=4, text={0, 1, last}, name="Readings"))
    return html.page(f"{_TITLE}: {count}", parts, style=_STYLE, script=_SCRIPT.read_text(encoding="utf-8"))


def _write_whole(path: Path, text: str) -> None:
    # Of one name always: what a killed process left is written over.
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise InputError(
            f"“{path}” cannot be written ({problem.strerror or problem}): check the folder's permissions and the "
            "free disk space."
        ) from problem
