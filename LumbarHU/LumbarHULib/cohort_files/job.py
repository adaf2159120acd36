"""A cohort from its table to its folder: one path for the command line, the panel and the Python API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.cohort.analysis import AnalysisOptions, CohortAnalysis, analyze
from LumbarHULib.cohort.cases import CohortFinding, check_mean_levels
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort.references import check_outcome_name
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.folder import OWN_COHORT_FOLDER, write_cohort_folder
from LumbarHULib.cohort_files.table import cohort_inputs, read_cohort
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.files.cutoffs_file import load_cutoffs


@dataclass(frozen=True)
class CohortJob:
    """What to work out, and where to put it.

    Parameters
    ----------
    table : Path
        The cohort's table.
    destination : Path or None
        Output folder (created); None to compute alone.
    options : AnalysisOptions
    readings : Path or None
        Single readings in one file.
    overwrite : bool
    mean_levels : tuple of str
        The levels that the mean is over.
    outcome_name : str
        What the columns ``outcome`` and ``outcome_days`` are about.
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
    """What was computed.

    Parameters
    ----------
    analysis : CohortAnalysis
    tables : dict of str to Table
        By name, as the folder holds them.
    """

    analysis: CohortAnalysis
    tables: dict[str, Table]

    @property
    def findings(self) -> tuple[CohortFinding, ...]:
        """What is doubtful, once for each kind."""
        return counted(self.analysis.findings)


def run_cohort_job(job: CohortJob, progress: Callable[[float, str], None] = lambda share, text: None) -> CohortOutcome:
    """Work out a cohort, and write its folder whole or not at all.

    Parameters
    ----------
    job : CohortJob
    progress : callable
        Called often with the share done, from 0 to 1, and what is being done. What it raises ends the work, and nothing
        is written then.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    if job.destination is not None:
        check_destination(job.destination, job.overwrite, OWN_COHORT_FOLDER)
        _check_inputs_stay(job, job.destination)
    progress(0.0, "Reading the table")
    check_mean_levels(job.mean_levels)
    check_outcome_name(job.outcome_name)
    cohort = read_cohort(job.table, job.readings, progress, job.mean_levels, job.outcome_name)
    analysis = analyze(cohort, job.options, load_cutoffs().cutoffs, progress)
    if job.destination is None:
        return CohortOutcome(analysis, dict(analysis.tables))
    tables = write_cohort_folder(job.destination, analysis, job.overwrite, progress, job.with_figures)
    return CohortOutcome(analysis, tables)


def _check_inputs_stay(job: CohortJob, destination: Path) -> None:
    """Raise InputError when replacing the destination would remove what is read."""
    if not destination.exists():
        return
    place = destination.resolve()
    for path in cohort_inputs(job.table, job.readings):
        if path.resolve().is_relative_to(place):
            raise InputError(
                f"“{destination}” holds “{path.name}”, which is to be read, so it is not overwritten: choose "
                "another folder."
            )
