"""The whole statistics of a cohort, one statement a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.agreement_tables import agreement_table, readings_table
from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.class_tables import class_agreement_table, classes_of
from LumbarHULib.cohort.comparison_tables import between_levels_table, between_rois_table
from LumbarHULib.cohort.correlation_tables import correlation_tables
from LumbarHULib.cohort.group_tables import characteristics_table, groups_tables
from LumbarHULib.cohort.roc_tables import (
    RegionRoc,
    cutoff_accuracy_table,
    differences_table,
    predictive_table,
    region_rocs,
    roc_table,
    study_cutoffs_table,
)
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

# A group with fewer cases is told: its quartiles and intervals say little.
SMALL_GROUP = 10

# The tables in the order in which they are worked out.
TABLE_NAMES = (
    *("cases", "characteristics", "groups", "groups_pairwise", "between_rois", "between_levels"),
    *("correlation", "correlation_adjusted", "correlation_levels"),
    *("roc", "cutoff_accuracy", "roc_differences", "predictive", "class_agreement", "study_cutoffs"),
    *("agreement", "readings", "findings"),
)

FINDING_COLUMNS = ("severity", "code", "row", "column", "case", "sentence", "remedy")


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """What a user chooses.

    Parameters
    ----------
    prevalences : mapping of str to float
        Share of each target's condition, by the target's name, among those to be tested. A target without one gets
        no predictive values.
    resamples : int
        Bootstrap resamples of each cutoff.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        When osteoporosis is more frequent than osteopenia and osteoporosis together.
    """

    prevalences: Mapping[str, float]
    resamples: int = 2000
    seed: int = 1

    def __post_init__(self) -> None:
        part, whole = self.prevalences.get("osteoporosis", 0), self.prevalences.get("low_bmd", 1)
        if whole < part:
            raise InputError(
                f"The prevalence of osteopenia or osteoporosis is {100 * whole:g} %, below that of osteoporosis alone, "
                f"{100 * part:g} %: give one of more than {100 * part:g} %."
            )


@dataclass(frozen=True, eq=False)
class CohortAnalysis:
    """A cohort with all that was worked out of it.

    Parameters
    ----------
    cohort : Cohort
    options : AnalysisOptions
    published : CutoffTable
        The cutoffs that were tried on it.
    tables : mapping of str to Table
        By name.
    rocs : tuple of RegionRoc
    findings : tuple of CohortFinding
        What the cohort's table told, and what is left out.
    """

    cohort: Cohort
    options: AnalysisOptions
    published: CutoffTable
    tables: Mapping[str, Table]
    rocs: tuple[RegionRoc, ...]
    findings: tuple[CohortFinding, ...]


def analyze(
    cohort: Cohort,
    options: AnalysisOptions,
    published: CutoffTable,
    progress: Callable[[float, str], None] = lambda share, text: None,
) -> CohortAnalysis:
    """Return every table of a cohort; what cannot be worked out is left out by name.

    Parameters
    ----------
    cohort : Cohort
    options : AnalysisOptions
    published : CutoffTable
        Cutoffs to try on the cohort.
    progress : callable
        Called with the share done, from 0 to 1, and what is being done.
    """
    omissions = Omissions()
    progress(0.0, "Comparing groups")
    tables = [
        cases_table(cohort, published),
        characteristics_table(cohort, omissions),
        *groups_tables(cohort, omissions),
        between_rois_table(cohort, omissions),
        between_levels_table(cohort, omissions),
        *correlation_tables(cohort, omissions),
    ]
    rocs = region_rocs(cohort, options.resamples, options.seed, omissions, progress)
    progress(0.0, "Comparing classes and readings")
    tables += [
        roc_table(rocs),
        cutoff_accuracy_table(rocs),
        differences_table(cohort, omissions),
        predictive_table(rocs, options.prevalences, omissions),
        class_agreement_table(cohort, rocs, published, omissions),
        study_cutoffs_table(cohort, published, omissions),
        agreement_table(cohort, omissions),
        readings_table(cohort),
    ]
    findings = (*cohort.findings, *_cohort_findings(cohort), *omissions.findings())
    tables.append(findings_table(findings))
    return CohortAnalysis(cohort, options, published, {table.name: table for table in tables}, rocs, findings)


def cases_table(cohort: Cohort, published: CutoffTable) -> Table:
    """Return each case with its group, its means over L1–L4, of how many levels they are, and its classes."""
    means = {roi: cohort.hu(MEAN, roi) for roi in ROIS}
    known = {roi: sum(~np.isnan(cohort.hu(level, roi)) for level in MEAN_LEVELS) for roi in ROIS}
    classes = {roi: classes_of(means[roi], published.rois[roi]) for roi in ROIS}
    rows: list[list[Cell]] = [
        [case, cohort.groups[row]]
        + [None if np.isnan(means[roi][row]) else float(means[roi][row]) for roi in ROIS]
        + [int(known[roi][row]) for roi in ROIS]
        + [classes[roi][row] for roi in ROIS]
        for row, case in enumerate(cohort.cases)
    ]
    columns = ["case", "group", *(f"mean_hu_{roi}" for roi in ROIS), *(f"levels_{roi}" for roi in ROIS)]
    return Table("cases", "Cases", [*columns, *(f"class_{roi}" for roi in ROIS)], rows)


def findings_table(findings: Sequence[CohortFinding]) -> Table:
    """Return the findings as a table."""
    rows = [[getattr(finding, column) for column in FINDING_COLUMNS] for finding in findings]
    return Table("findings", "What is doubtful or left out", FINDING_COLUMNS, rows)


def _cohort_findings(cohort: Cohort) -> list[CohortFinding]:
    findings = []
    absent = [roi for roi in ROIS if roi not in cohort.measured_rois]
    if absent:
        sentence = f"No case has HU in {', '.join(absent)}, which is left out everywhere."
        findings.append(CohortFinding("left_out", sentence))
    ungrouped = sum(not group for group in cohort.groups)
    if ungrouped:
        findings.append(
            CohortFinding("without_group", f"{_cases(ungrouped)} no group, so what compares groups goes without.")
        )
    for group, size in cohort.group_sizes.items():
        if size < SMALL_GROUP and ungrouped < len(cohort):
            told = f"{size} case{'s' if size != 1 else ''}: its quartiles and intervals say little."
            told = told if size else "no case, so comparisons leave it out."
            findings.append(CohortFinding("small_group", f"Group {group} has {told}"))
    missing = {roi: int(np.isnan(cohort.hu(MEAN, roi)).sum()) for roi in cohort.rois(MEAN)}
    for count in sorted(set(missing.values()) - {0}):
        told = ", ".join(roi for roi, number in missing.items() if number == count)
        findings.append(CohortFinding("without_mean", f"{_cases(count)} no mean over L1–L4 in {told}."))
    partial = {
        roi: int((~np.isnan(cohort.hu(MEAN, roi)) & _any_level_missing(cohort, roi)).sum()) for roi in cohort.rois(MEAN)
    }
    for count in sorted(set(partial.values()) - {0}):
        told = ", ".join(roi for roi, number in partial.items() if number == count)
        sentence = f"{_cases(count)} a mean over fewer levels than L1–L4 in {told}."
        findings.append(CohortFinding("levels_missing", sentence, "See cases.csv for how many levels each is of."))
    return findings


def _any_level_missing(cohort: Cohort, roi: str) -> np.ndarray:
    return np.any([np.isnan(cohort.hu(level, roi)) for level in MEAN_LEVELS], axis=0)


def _cases(count: int) -> str:
    return f"{count} case{'s have' if count != 1 else ' has'}"
