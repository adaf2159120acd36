"""Compute all statistics of a cohort, one statement per table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.agreement_tables import agreement_table, readings_table
from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.class_tables import class_agreement_table, classes_of
from LumbarHULib.cohort.comparison_tables import between_levels_table, between_rois_table
from LumbarHULib.cohort.correlation_tables import correlation_tables
from LumbarHULib.cohort.findings import cohort_findings, findings_tables
from LumbarHULib.cohort.flow import flow_table
from LumbarHULib.cohort.group_tables import characteristics_table, groups_tables
from LumbarHULib.cohort.roc_tables import (
    RegionRoc,
    cutoff_accuracy_table,
    differences_table,
    level_differences_table,
    note_missing_inputs,
    predictive_table,
    region_rocs,
    roc_table,
    study_cutoffs_table,
)
from LumbarHULib.cohort.survival_tables import RegionSurvival, survival_tables
from LumbarHULib.cohort.tables import Cell, Omissions, Table
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS

# The tables in the order in which they are computed.
TABLE_NAMES = (
    *("flow", "cases", "characteristics", "groups", "groups_pairwise", "between_rois", "between_levels"),
    *("correlation", "correlation_adjusted", "correlation_levels", "correlation_levels_adjusted"),
    *("roc", "cutoff_accuracy", "roc_differences", "predictive", "class_agreement", "study_cutoffs"),
    *("roc_levels", "cutoff_accuracy_levels", "roc_differences_levels", "predictive_levels"),
    *("class_agreement_levels", "study_cutoffs_levels"),
    *("survival_concordance", "survival_hazard_ratios", "survival_log_rank", "survival_curves"),
    *("agreement", "readings", "gaps", "findings", "rows"),
)


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """The user's options.

    Parameters
    ----------
    prevalences : mapping of str to float
        Prevalence of each target's condition among the patients to be tested, by the target's name. A target without a
        prevalence gets no predictive values.
    resamples : int
        Bootstrap resamples of each cutoff.
    seed : int
        Seed of the bootstrap.
    outcome_cutoff_hu : float or None
        Cutoff that splits the Kaplan–Meier curves; None for the published cutoff and the median.
    force_cutoffs : bool
        Report cutoffs even for ROC curves that do not show that low HU find the target.

    Raises
    ------
    InputError
        If the prevalence of osteoporosis exceeds that of osteopenia and osteoporosis together.
    """

    prevalences: Mapping[str, float]
    resamples: int = 2000
    seed: int = 1
    outcome_cutoff_hu: float | None = None
    force_cutoffs: bool = False

    def __post_init__(self) -> None:
        for prefix, by in (("", ""), ("qct_", " by QCT")):
            part = self.prevalences.get(f"{prefix}osteoporosis", 0)
            whole = self.prevalences.get(f"{prefix}low_bmd", 1)
            if whole < part:
                raise InputError(
                    f"The prevalence of osteopenia or osteoporosis{by}, {100 * whole:g} %, is below that of "
                    f"osteoporosis alone, {100 * part:g} %: correct one of them."
                )


@dataclass(frozen=True, eq=False)
class CohortAnalysis:
    """A cohort and all results computed from it.

    Parameters
    ----------
    cohort : Cohort
    options : AnalysisOptions
    published : CutoffTable
        The published cutoffs that were applied to it.
    tables : mapping of str to Table
        Tables by name.
    rocs : tuple of RegionRoc
        ROC results of the mean.
    level_rocs : tuple of RegionRoc
        ROC results of each level, and of the mean over L1–L4 if another mean is chosen.
    survival : tuple of RegionSurvival
        Kaplan–Meier curves of the outcome.
    findings : tuple of CohortFinding
        Findings on the cohort.
    """

    cohort: Cohort
    options: AnalysisOptions
    published: CutoffTable
    tables: Mapping[str, Table]
    rocs: tuple[RegionRoc, ...]
    level_rocs: tuple[RegionRoc, ...]
    survival: tuple[RegionSurvival, ...]
    findings: tuple[CohortFinding, ...]


def analyze(
    cohort: Cohort,
    options: AnalysisOptions,
    published: CutoffTable,
    progress: Callable[[float, str], None] = lambda share, text: None,
) -> CohortAnalysis:
    """Return every table of a cohort; the table of gaps lists results that cannot be computed.

    Parameters
    ----------
    cohort : Cohort
    options : AnalysisOptions
    published : CutoffTable
        Published cutoffs to apply to the cohort.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.
    """
    omissions = Omissions()
    mean, levels = (cohort.mean_name,), cohort.level_places
    progress(0.0, "Comparing groups")
    note_missing_inputs(cohort, omissions)
    tables = [
        flow_table(cohort),
        cases_table(cohort, published),
        characteristics_table(cohort, omissions),
        *groups_tables(cohort, omissions),
        between_rois_table(cohort, omissions),
        between_levels_table(cohort, omissions),
        *correlation_tables(cohort, omissions),
    ]
    # A mean over a single level equals that level.
    places = tuple(dict.fromkeys((*mean, *levels)))
    every = region_rocs(cohort, places, options.resamples, options.seed, omissions, progress)
    rocs = tuple(roc for roc in every if roc.level in mean)
    level_rocs = _in_order([roc for roc in every if roc.level in levels], levels)
    progress(0.0, "Comparing classes and readings")
    tables += [
        roc_table(rocs),
        cutoff_accuracy_table(rocs),
        differences_table(cohort, omissions),
        predictive_table(rocs, options.prevalences, omissions),
        class_agreement_table(cohort, mean, rocs, published, omissions),
        study_cutoffs_table(cohort, mean, published, omissions),
        roc_table(level_rocs, is_by_level=True),
        cutoff_accuracy_table(level_rocs, is_by_level=True),
        level_differences_table(cohort, omissions),
        predictive_table(level_rocs, options.prevalences, omissions, is_by_level=True),
        class_agreement_table(cohort, levels, level_rocs, published, omissions, is_by_level=True),
        study_cutoffs_table(cohort, levels, published, omissions, is_by_level=True),
    ]
    time_tables, survival = survival_tables(cohort, published, options.outcome_cutoff_hu, omissions, progress)
    progress(0.0, "Comparing classes and readings")
    tables += [*time_tables, agreement_table(cohort, omissions), readings_table(cohort), omissions.table()]
    findings = (*cohort.findings, *cohort_findings(cohort, rocs, level_rocs, options.force_cutoffs))
    tables += findings_tables(findings)
    return CohortAnalysis(
        cohort, options, published, {table.name: table for table in tables}, rocs, level_rocs, survival, findings
    )


def _in_order(rocs: Sequence[RegionRoc], levels: Sequence[str]) -> tuple[RegionRoc, ...]:
    """Return ROC results sorted by target, then by level."""
    targets = list(dict.fromkeys(roc.target for roc in rocs))
    return tuple(sorted(rocs, key=lambda roc: (targets.index(roc.target), levels.index(roc.level))))


def cases_table(cohort: Cohort, published: CutoffTable) -> Table:
    """Return each case with its group, its means, the number of levels in each mean, and its classes.

    Only a mean over L1–L4 has a class.
    """
    means = {roi: cohort.hu(cohort.mean_name, roi) for roi in ROIS}
    known = {roi: sum(~np.isnan(cohort.hu(level, roi)) for level in cohort.mean_levels) for roi in ROIS}
    none = [""] * len(cohort)
    classes = {roi: classes_of(means[roi], published.rois[roi]) if cohort.has_study_mean else none for roi in ROIS}
    rows: list[list[Cell]] = [
        [case, cohort.groups[row]]
        + [None if np.isnan(means[roi][row]) else float(means[roi][row]) for roi in ROIS]
        + [int(known[roi][row]) for roi in ROIS]
        + [classes[roi][row] for roi in ROIS]
        for row, case in enumerate(cohort.cases)
    ]
    columns = ["case", "group", *(f"mean_hu_{roi}" for roi in ROIS), *(f"levels_{roi}" for roi in ROIS)]
    return Table("cases", "Cases", [*columns, *(f"class_{roi}" for roi in ROIS)], rows)
