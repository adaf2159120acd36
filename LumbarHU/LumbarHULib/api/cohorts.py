"""The statistics of a cohort, as the command line computes them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from LumbarHULib.cohort.analysis import AnalysisOptions
from LumbarHULib.cohort_files.job import CohortJob, CohortOutcome, run_cohort_job
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, parse_level, parse_levels, sorted_levels


def analyze_cohort(
    table: str | Path,
    out: str | Path | None = None,
    *,
    readings: str | Path | None = None,
    mean_levels: str | Iterable[str] = MEAN_LEVELS,
    prevalences: Mapping[str, float] | None = None,
    outcome_name: str = "outcome",
    outcome_cutoff_hu: float | None = None,
    force_cutoffs: bool = False,
    resamples: int = 2000,
    seed: int = 1,
    overwrite: bool = False,
    figures: bool = True,
    progress: Callable[[float, str], None] | None = None,
) -> CohortOutcome:
    """Compute the statistics of a cohort: groups, correlation, ROC, cutoffs, agreement of readers.

    Parameters
    ----------
    table : str or pathlib.Path
        The cohort's CSV with a row for each case.
    out : str or pathlib.Path, optional
        Output folder (created) with tables, figures and a summary; nothing is written without it.
    readings : str or pathlib.Path, optional
        Single readings, in a table with the columns of results.csv.
    mean_levels : str or iterable of str
        Levels that the mean is over, such as ``"L1-L4"`` or ``["L1", "L2"]``.
    prevalences : mapping of str to float, optional
        How frequent ``osteoporosis``, ``low_bmd``, ``qct_osteoporosis``, ``qct_low_bmd`` or the outcome is among those
        to be tested, as a share; a target without one gets no predictive values.
    outcome_name : str
        What the columns ``outcome`` and ``outcome_days`` are about, such as ``"fracture"``.
    outcome_cutoff_hu : float, optional
        Where Kaplan-Meier curves are split; at the study's cutoff for osteoporosis and the median without it.
    force_cutoffs : bool
        Give cutoffs even where a ROC curve does not show that low HU find the condition.
    resamples, seed : int
        Of the bootstrap of each cutoff.
    overwrite : bool
        Replace the folder if it exists.
    figures : bool
        Draw the figures into the folder, which takes longer than the statistics of a small cohort.
    progress : callable, optional
        Called with the share done, from 0 to 1, and what is being done.

    Returns
    -------
    CohortOutcome
        Its ``tables``, by name as the folder has them, give ``records()`` and ``to_dataframe()``.

    Raises
    ------
    InputError
        When the table cannot be read or analyzed; nothing is written then.
    """
    for target, share in (prevalences or {}).items():
        if not 0 < share < 1:
            raise InputError(f"The prevalence of {target} is {share:g}: give a share between 0 and 1, such as 0.2.")
    given = parse_levels(mean_levels) if isinstance(mean_levels, str) else sorted_levels(map(parse_level, mean_levels))
    job = CohortJob(
        table=Path(table),
        destination=None if out is None else Path(out),
        options=AnalysisOptions(
            prevalences=dict(prevalences or {}),
            resamples=resamples,
            seed=seed,
            outcome_cutoff_hu=outcome_cutoff_hu,
            force_cutoffs=force_cutoffs,
        ),
        readings=None if readings is None else Path(readings),
        overwrite=overwrite,
        mean_levels=given,
        outcome_name=outcome_name,
        with_figures=figures,
    )
    return run_cohort_job(job, progress or (lambda share, text: None))
