"""Comparisons of methods, as the command line computes them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from LumbarHULib.cohort.methods.comparison import ComparisonOptions
from LumbarHULib.cohort.methods.method import parse_methods
from LumbarHULib.cohort_files.methods.job import ComparisonJob, ComparisonOutcome, run_comparison_job
from LumbarHULib.cohort_files.methods.read import results_of_protocols
from LumbarHULib.core.errors import InputError


def compare_methods(
    table: str | Path | None = None,
    methods: Iterable[str] = (),
    out: str | Path | None = None,
    *,
    results: str | Path | Mapping[str, str | Path] | None = None,
    error_ratio: float | str = 1.0,
    cutoffs: str | Path | Iterable[str | Path] = (),
    outcome_name: str = "outcome",
    overwrite: bool = False,
    figures: bool = True,
    progress: Callable[[float, str], None] | None = None,
) -> ComparisonOutcome:
    """Compare methods that measured the same cases, in pairs: bias, lines, classes, areas under ROC curves.

    Parameters
    ----------
    table : str or pathlib.Path, optional
        The cohort's CSV with a row for each case; without it, the results alone are compared, without a reference.
    methods : iterable of str
        Two to ten methods, each as ``[PROTOCOL:]REGION[@LEVELS]``, such as ``"round"``, ``"round@L1"`` or
        ``"circle-200mm2-2025:circle_200mm2@L1-L4"``.
    out : str or pathlib.Path, optional
        Output folder (created) with tables, figures and a page; nothing is written without it.
    results : str, pathlib.Path, or mapping of str to str or pathlib.Path, optional
        The output folder of a measurement or batch by several protocols, or tables with the columns of results.csv (or
        folders that contain one) by the protocol's name.
    error_ratio : float or {"estimated"}
        Variance of the second method's error divided by that of the first's, for Deming's regression; a number other
        than 1 needs exactly two methods. ``"estimated"`` estimates it from repeated readings.
    cutoffs : str, pathlib.Path or iterable of them
        Cutoffs files, for classes by means over L1–L4. Each holds for the results that are named by the id of its
        protocol; one of the study's protocol, in place of the study's cutoffs, also for the table.
    outcome_name : str
        Name of the outcome in the column ``outcome``, such as ``"fracture"``.
    overwrite : bool
        Replace the folder if it exists.
    figures : bool
        Draw the figures into the folder.
    progress : callable, optional
        Called with the fraction done, from 0 to 1, and the current step.

    Returns
    -------
    ComparisonOutcome
        Its ``tables``, by name as in the folder, give ``records()`` and ``to_dataframe()``.

    Raises
    ------
    InputError
        If a table cannot be read or a method is not in it; nothing is written then.
    """
    if isinstance(methods, str):
        raise InputError(f"The methods are “{methods}”: give a list, such as ['round', 'oval'].")
    if isinstance(error_ratio, str) and error_ratio != "estimated":
        raise InputError(f"The error ratio “{error_ratio}” is not known: give a number, or “estimated”.")
    job = ComparisonJob(
        methods=parse_methods(list(methods)),
        table=None if table is None else Path(table),
        results=results_of_protocols(Path(results))
        if isinstance(results, str | Path)
        else {name: Path(path) for name, path in (results or {}).items()},
        destination=None if out is None else Path(out),
        options=ComparisonOptions(None if isinstance(error_ratio, str) else float(error_ratio)),
        cutoffs=(Path(cutoffs),) if isinstance(cutoffs, str | Path) else tuple(map(Path, cutoffs)),
        outcome_name=outcome_name,
        overwrite=overwrite,
        with_figures=figures,
    )
    return run_comparison_job(job, progress or (lambda share, text: None))
