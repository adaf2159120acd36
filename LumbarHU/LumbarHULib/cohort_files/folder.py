"""Write a cohort's folder, completely or not at all: tables, figures, summary, and cutoffs to measure with."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from LumbarHULib.cohort.analysis import TABLE_NAMES, CohortAnalysis
from LumbarHULib.cohort.tables import Table, gaps_table
from LumbarHULib.cohort_files.checklist import CHECKLIST, checklist_table
from LumbarHULib.cohort_files.cutoffs import documents_of
from LumbarHULib.cohort_files.figures import cohort_figures
from LumbarHULib.cohort_files.page import summary_page
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder
from LumbarHULib.files.csv_text import csv_text

SUMMARY = "summary.html"
FIGURES = "figures"
_DOCUMENTS = {
    "cutoffs.json": "The cohort's own cutoffs, for lumbarhu measure --cutoffs",
    "protocol.json": "The protocol with the readers' own measurement error, for lumbarhu measure --protocol",
}
NO_MATPLOTLIB = ("Figures", "", "The Python package Matplotlib, which draws them, is missing.", "matplotlib")
NO_FIGURES = ("Figures", "", "They were not requested.", "a run without the option --no-figures")
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
        can_draw = with_figures and find_spec("matplotlib") is not None
        if not can_draw:
            missing += [NO_MATPLOTLIB if with_figures else NO_FIGURES]
        tables = tables_of(analysis)
        tables["gaps"] = gaps_table([*analysis.tables["gaps"].rows, *missing])
        files = {SUMMARY: "This page"}
        for name, table in tables.items():
            _write(folder / f"{name}.csv", csv_text(table.columns, table.rows))
            files[f"{name}.csv"] = table.title
        for name, document in documents.items():
            _write(folder / name, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
            files[name] = _DOCUMENTS[name]
        figures = {}
        (folder / FIGURES).mkdir()
        for figure in cohort_figures(analysis) if can_draw else ():
            progress(0.0, "Drawing figures")
            for ending in (".png", ".svg"):
                path = folder / FIGURES / f"{figure.name}{ending}"
                figure.panels.save(path)
                files[f"{FIGURES}/{path.name}"] = figure.caption
            figures[figure.name] = (folder / FIGURES / f"{figure.name}.svg", figure.caption)
        _write(folder / SUMMARY, summary_page(analysis, tables, figures, files))
    return tables


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
