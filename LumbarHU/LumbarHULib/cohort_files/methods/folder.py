"""Write a comparison's folder, completely or not at all: tables, figures and summary."""

from collections.abc import Callable, Iterator
from pathlib import Path

from LumbarHULib.cohort.methods.comparison import TABLE_NAMES, MethodComparison
from LumbarHULib.cohort.methods.figures import figures_of_comparison
from LumbarHULib.cohort.tables import Table, gaps_table
from LumbarHULib.cohort_files.diagrams import draw_forest
from LumbarHULib.cohort_files.figures import NamedFigure, draw_panels
from LumbarHULib.cohort_files.folder import FIGURES, why_no_figures, write_figures, write_tables, write_text
from LumbarHULib.cohort_files.methods.page import comparison_page
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder

COMPARISON = "comparison.html"
OWN_COMPARISON_FOLDER = OwnFolder(
    frozenset({COMPARISON, FIGURES, *(f"{name}.csv" for name in TABLE_NAMES)}), sign=COMPARISON
)


def write_comparison_folder(
    destination: Path,
    comparison: MethodComparison,
    overwrite: bool = False,
    progress: Callable[[float, str], None] = lambda share, text: None,
    with_figures: bool = True,
) -> dict[str, Table]:
    """Write a CSV per table, each figure as PNG and SVG, and ``comparison.html``.

    Parameters
    ----------
    destination : pathlib.Path
        The output folder (created).
    comparison : MethodComparison
    overwrite : bool
        Replace the folder if it exists.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.
    with_figures : bool

    Returns
    -------
    dict of str to Table
        The written tables by name.

    Raises
    ------
    InputError
        If the folder exists and may not be replaced, or cannot be written.
    """
    with atomic_folder(destination, overwrite, OWN_COMPARISON_FOLDER) as folder:
        missing = why_no_figures(with_figures)
        tables = {**comparison.tables, "gaps": gaps_table([*comparison.tables["gaps"].rows, *missing])}
        files = {COMPARISON: "This page", **write_tables(folder, tables)}
        figures, figure_files = write_figures(folder, () if missing else _drawn(comparison), progress)
        files |= figure_files
        write_text(folder / COMPARISON, comparison_page(comparison, tables, figures, files))
    return tables


def _drawn(comparison: MethodComparison) -> Iterator[NamedFigure]:
    note = comparison.measured.cohort.note
    for values in figures_of_comparison(comparison):
        draw = draw_forest if values.panels[0].intervals else draw_panels
        yield NamedFigure(values.name, values.caption, draw(values, note))
