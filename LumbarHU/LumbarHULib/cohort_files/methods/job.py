"""Compare methods from their tables to a folder, for the command line and the Python API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort.methods.comparison import ComparisonOptions, MethodComparison, compare
from LumbarHULib.cohort.methods.method import Method
from LumbarHULib.cohort.references import check_outcome_name
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.methods.folder import OWN_COMPARISON_FOLDER, write_comparison_folder
from LumbarHULib.cohort_files.methods.read import read_methods, results_file
from LumbarHULib.cohort_files.table import cohort_inputs
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import check_destination, check_inputs_stay
from LumbarHULib.files.cutoffs_file import load_cutoffs


@dataclass(frozen=True)
class ComparisonJob:
    """The inputs, options and output folder of a comparison.

    Parameters
    ----------
    methods : tuple of Method
    table : pathlib.Path or None
        The cohort's table.
    results : mapping of str to pathlib.Path
        Tables of results by the protocol's name.
    destination : pathlib.Path or None
        Output folder (created); None to compute without writing.
    options : ComparisonOptions
    cutoffs : tuple of pathlib.Path
        Cutoffs, each for the protocol that its file names, in addition to the study's or in place of them.
    outcome_name : str
        Name of the outcome in the columns ``outcome`` and ``outcome_days``.
    overwrite : bool
    with_figures : bool
    """

    methods: tuple[Method, ...]
    table: Path | None = None
    results: Mapping[str, Path] = field(default_factory=dict)
    destination: Path | None = None
    options: ComparisonOptions = field(default_factory=ComparisonOptions)
    cutoffs: tuple[Path, ...] = ()
    outcome_name: str = "outcome"
    overwrite: bool = False
    with_figures: bool = True


@dataclass(frozen=True, eq=False)
class ComparisonOutcome:
    """The results of a comparison of methods.

    Parameters
    ----------
    comparison : MethodComparison
    tables : dict of str to Table
        Tables by name, as in the folder; each gives ``records()`` and ``to_dataframe()``.
    """

    comparison: MethodComparison
    tables: dict[str, Table]

    @property
    def findings(self) -> tuple[CohortFinding, ...]:
        """Return the findings, one per kind."""
        return counted(self.comparison.findings)


def run_comparison_job(
    job: ComparisonJob, progress: Callable[[float, str], None] = lambda share, text: None
) -> ComparisonOutcome:
    """Compare methods, and write the folder completely or not at all.

    Parameters
    ----------
    job : ComparisonJob
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step. An exception from it ends the work, and
        nothing is written.

    Raises
    ------
    InputError
        With a sentence for the user; nothing is written.
    """
    if job.destination is not None:
        check_destination(job.destination, job.overwrite, OWN_COMPARISON_FOLDER)
        check_inputs_stay(job.destination, _inputs(job))
    check_outcome_name(job.outcome_name)
    cutoffs = _cutoffs(job.cutoffs)
    measured = read_methods(job.methods, job.table, job.results, cutoffs, job.outcome_name, progress)
    progress(0.0, "Comparing methods")
    comparison = compare(measured, job.options)
    if job.destination is None:
        return ComparisonOutcome(comparison, dict(comparison.tables))
    tables = write_comparison_folder(job.destination, comparison, job.overwrite, progress, job.with_figures)
    return ComparisonOutcome(comparison, tables)


def _cutoffs(paths: Sequence[Path]) -> dict[str, CutoffTable]:
    """Return the cutoffs by the id of their protocol: the study's, and those in files."""
    own: dict[str, CutoffTable] = {}
    for path in paths:
        document = load_cutoffs(path)
        if document.protocol_id in own:
            raise InputError(f"Two files have cutoffs for the protocol {document.protocol_id}: give one of them.")
        own[document.protocol_id] = document.cutoffs
    study = load_cutoffs()
    return {study.protocol_id: study.cutoffs, **own}


def _inputs(job: ComparisonJob) -> list[Path]:
    table = () if job.table is None else cohort_inputs(job.table)
    return [*map(results_file, job.results.values()), *table, *job.cutoffs]
