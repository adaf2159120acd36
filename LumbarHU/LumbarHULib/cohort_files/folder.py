"""Write a cohort's folder, completely or not at all: tables, figures, summary, and cutoffs to measure with."""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from LumbarHULib.cohort.analysis import TABLE_NAMES, CohortAnalysis
from LumbarHULib.cohort.tables import Table, gaps_table
from LumbarHULib.cohort_files.checklist import CHECKLIST, checklist_table
from LumbarHULib.cohort_files.cutoffs import documents_of
from LumbarHULib.cohort_files.figures import NamedFigure, cohort_figures
from LumbarHULib.cohort_files.page import MATPLOTLIB, summary_page
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder
from LumbarHULib.files.csv_text import csv_text

SUMMARY = "summary.html"
FIGURES = "figures"
_DOCUMENTS = {
    "cutoffs.json": "The cohort's own cutoffs, for lumbarhu measure --cutoffs",
    "protocol.json": "The protocol with the readers' own measurement error, for lumbarhu measure --protocol",
}
_NO_MATPLOTLIB = ("Figures", "", "The Python package Matplotlib, which draws them, is missing.", MATPLOTLIB)
_NO_FIGURES = ("Figures", "", "They were not requested.", "a run without the option --no-figures")
OWN_COHORT_FOLDER = OwnFolder(
    frozenset({SUMMARY, FIGURES, *_DOCUMENTS, *(f"{name}.csv" for name in (*TABLE_NAMES, CHECKLIST))}), sign=SUMMARY
)


def tables_of(analysis: CohortAnalysis) -> dict[str, Table]:
    """Return every table of a cohort, by name: those of the analysis, and the checklists."""
    return {**analysis.tables, CHECKLIST: checklist_table(analysis)}


def write_cohort_folder(
    destination: Path,
    analysis: CohortAnalysis,
    overwrite: bool = False,
    progress: Callable[[float, str], None] = lambda share, text: None,
    with_figures: bool = True,
) -> dict[str, Table]:
    """Write a CSV per table, each figure as PNG and SVG, ``summary.html``, and the files to measure with.

    Parameters
    ----------
    destination : pathlib.Path
        The output folder (created).
    analysis : CohortAnalysis
    overwrite : bool
        Replace the folder if it exists.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.
    with_figures : bool
        Draw the figures, which takes longer than the statistics of a small cohort.

    Returns
    -------
    dict of str to Table
        The written tables by name, with missing files among the gaps.

    Raises
    ------
    InputError
        If the folder exists and may not be replaced, or cannot be written.
    """
    with atomic_folder(destination, overwrite, OWN_COHORT_FOLDER) as folder:
        documents, missing = documents_of(analysis)
        no_figures = why_no_figures(with_figures)
        missing += no_figures
        tables = tables_of(analysis)
        tables["gaps"] = gaps_table([*analysis.tables["gaps"].rows, *missing])
        files = {SUMMARY: "This page", **write_tables(folder, tables)}
        for name, document in documents.items():
            write_text(folder / name, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
            files[name] = _DOCUMENTS[name]
        drawn = () if no_figures else cohort_figures(analysis)
        figures, figure_files = write_figures(folder, drawn, progress)
        files |= figure_files
        write_text(folder / SUMMARY, summary_page(analysis, tables, figures, files))
    return tables


def why_no_figures(with_figures: bool) -> list[tuple[str, str, str, str]]:
    """Return the row of the table of gaps that says why no figure can be drawn; empty if they can be."""
    if not with_figures:
        return [_NO_FIGURES]
    return [] if find_spec("matplotlib") is not None else [_NO_MATPLOTLIB]


def write_tables(folder: Path, tables: Mapping[str, Table]) -> dict[str, str]:
    """Write a CSV per table, and return the title of each file."""
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", csv_text(table.columns, table.rows))
    return {f"{name}.csv": table.title for name, table in tables.items()}


def write_figures(
    folder: Path, figures: Iterable[NamedFigure], progress: Callable[[float, str], None]
) -> tuple[dict[str, tuple[Path, str]], dict[str, str]]:
    """Write each figure as PNG and SVG into the folder of figures, which is made even for none.

    Returns
    -------
    tuple of dict and dict
        The SVG and the caption of each figure by name, and the caption of each file.
    """
    (folder / FIGURES).mkdir()
    drawn, files = {}, {}
    for figure in figures:
        progress(0.0, "Drawing figures")
        for ending in (".png", ".svg"):
            path = folder / FIGURES / f"{figure.name}{ending}"
            figure.panels.save(path)
            files[f"{FIGURES}/{path.name}"] = figure.caption
        drawn[figure.name] = (folder / FIGURES / f"{figure.name}.svg", figure.caption)
    return drawn, files


def write_text(path: Path, text: str) -> None:
    """Write a text file with the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")
