"""Process a cohort from its table to its folder, for the command line, the panel and the Python API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.cohort.analysis import AnalysisOptions, CohortAnalysis, analyze
from LumbarHULib.cohort.cases import CohortFinding, check_mean_levels
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort.references import check_outcome_name
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.folder import OWN_COHORT_FOLDER, tables_of, write_cohort_folder
from LumbarHULib.cohort_files.table import cohort_inputs, read_cohort
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.atomic_folder import check_destination, check_inputs_stay
from LumbarHULib.files.cutoffs_file import load_cutoffs


@dataclass(frozen=True)
class CohortJob:
    """The inputs, options and output folder of a cohort's analysis.

    Parameters
    ----------
    table : Path
        The cohort's table.
    destination : Path or None
        Output folder (created); None to compute without writing.
    options : AnalysisOptions
    readings : Path or None
        Single readings in one file.
    overwrite : bool
    mean_levels : tuple of str
        Levels in the mean.
    outcome_name : str
        Name of the outcome in the columns ``outcome`` and ``outcome_days``.
    with_figures : bool
        Draw the figures.
    """

    table: Path
    destination: Path | None
    options: AnalysisOptions
    readings: Path | None = None
    overwrite: bool = False
    mean_levels: tuple[str, ...] = MEAN_LEVELS
    outcome_name: str = "outcome"
    with_figures: bool = True


@dataclass(frozen=True, eq=False)
class CohortOutcome:
    """The results of a cohort job.

    Parameters
    ----------
    analysis : CohortAnalysis
    tables : dict of str to Table
        Tables by name, as in the folder.
    """

    analysis: CohortAnalysis
    tables: dict[str, Table]

    @property
    def findings(self) -> tuple[CohortFinding, ...]:
        """Return the findings, one per kind."""
        return counted(self.analysis.findings)


def run_cohort_job(job: CohortJob, progress: Callable[[float, str], None] = lambda share, text: None) -> CohortOutcome:
    """Analyze a cohort, and write its folder completely or not at all.

    Parameters
    ----------
    job : CohortJob
    progress : callable
        Called often with the fraction done, from 0 to 1, and the current step. An exception from it ends the work, and
        nothing is written.

    Raises
    ------
    InputError
        With a sentence for the user; nothing is written.
    """
    if job.destination is not None:
        check_destination(job.destination, job.overwrite, OWN_COHORT_FOLDER)
        check_inputs_stay(job.destination, cohort_inputs(job.table, job.readings))
    progress(0.0, "Reading the table")
    check_mean_levels(job.mean_levels)
    check_outcome_name(job.outcome_name)
    cohort = read_cohort(job.table, job.readings, progress, job.mean_levels, job.outcome_name)
    analysis = analyze(cohort, job.options, load_cutoffs().cutoffs, progress)
    if job.destination is None:
        return CohortOutcome(analysis, tables_of(analysis))
    tables = write_cohort_folder(job.destination, analysis, job.overwrite, progress, job.with_figures)
    return CohortOutcome(analysis, tables)
