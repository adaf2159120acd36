"""lumbarhu cohort: compute the statistics of a cohort, write them to a folder, and print the main numbers."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from LumbarHULib.api.cohorts import analyze_cohort
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.bootstrap import LEAST_RESAMPLES, MOST_RESAMPLES
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.flow import main_place
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort_files.job import CohortOutcome
from LumbarHULib.cohort_files.page import figures_text, sizes_and_curves_text
from LumbarHULib.cohort_files.page_tables import interval_text, number_text
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.option_values import levels, number, share, whole_number
from LumbarHULib.headless.progress import Progress

_MOST_SEED = 999_999_999
_LEAST_HU, _MOST_HU = -1024, 3071
# Longest sentence on the terminal.
_MOST_LETTERS = 240


def run_cohort(options: argparse.Namespace) -> int:
    """Analyze the cohort, write its folder, print the main numbers, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    stated = {
        "osteoporosis": ("--prevalence", options.prevalence),
        "low_bmd": ("--low-bmd-prevalence", options.low_bmd_prevalence),
        "qct_osteoporosis": ("--qct-prevalence", options.qct_prevalence),
        "qct_low_bmd": ("--qct-low-bmd-prevalence", options.qct_low_bmd_prevalence),
        options.outcome_name: ("--outcome-prevalence", options.outcome_prevalence),
    }
    cutoff = options.outcome_cutoff
    shares = {target: share(option, text) for target, (option, text) in stated.items() if text is not None}
    levels_of_mean = levels("--mean", options.mean)
    resamples = whole_number("--bootstraps", options.bootstraps, LEAST_RESAMPLES, MOST_RESAMPLES)
    seed = whole_number("--seed", options.seed, 0, _MOST_SEED)
    progress = Progress()
    try:
        done = analyze_cohort(
            options.table,
            options.out,
            readings=options.readings,
            mean_levels=levels_of_mean,
            prevalences=shares,
            outcome_name=options.outcome_name,
            outcome_cutoff_hu=None if cutoff is None else number("--outcome-cutoff", cutoff, _LEAST_HU, _MOST_HU),
            force_cutoffs=options.force_cutoffs,
            resamples=resamples,
            seed=seed,
            overwrite=options.overwrite,
            figures=not options.no_figures,
            progress=progress,
        )
    finally:
        progress.clear()
    print(f"{cohort_text(done)}\n\nSummary:  {options.out / 'summary.html'}")
    return 0


def cohort_text(done: CohortOutcome) -> str:
    """Return the main numbers, the findings and the number of missing results, as text for a terminal."""
    analysis, gaps = done.analysis, done.tables["gaps"].rows
    missing = ""
    if gaps:
        missing = f"{len(gaps)} results are missing: gaps.csv states why, and what they need."
        missing = missing if len(gaps) > 1 else "1 result is missing: gaps.csv states why, and what it needs."
    parts = [analysis.cohort.note, sizes_and_curves_text(analysis.cohort), _table(analysis), _areas_by_level(analysis)]
    parts += [_survival(analysis), findings_text(done.findings), figures_text(done.tables["gaps"]), missing]
    return "\n\n".join(part for part in parts if part)


def _table(analysis: CohortAnalysis) -> str:
    """Return the table of numbers for the mean, or for the level that most cases have."""
    place = main_place(analysis.cohort)
    rhos = {record["roi"]: interval_text(record, "rho", "ci") for record in _correlations(analysis, place)}
    rows = [["ROI", "To find", "ρ with BMD", "AUC", "Cutoff, HU", "Sensitivity", "Specificity"]]
    is_mean = bool(analysis.tables["roc"].rows)
    records = analysis.tables["roc"].records() if is_mean else analysis.tables["roc_levels"].records(level=place)
    for record in records:
        found = record["true_positive"]
        rows.append(
            [
                record["roi"],
                record["positive"],
                rhos.get(record["roi"], "–"),
                interval_text(record, "auc", "ci"),
                interval_text(record, "cutoff_hu", "cutoff", 1),
                "–" if found is None else f"{found}/{record['n_positive']} = {number_text(record['sensitivity'], 2)}",
                "–"
                if found is None
                else f"{record['true_negative']}/{record['n_negative']} = {number_text(record['specificity'], 2)}",
            ]
        )
    if len(rows) == 1:
        return ""
    title = f"{place}:" if place in LEVELS else f"Mean over {place}:"
    return f"{title}\n{aligned(rows, left_columns=2)}"


def _correlations(analysis: CohortAnalysis, place: str) -> list[Mapping[str, Any]]:
    own = list(analysis.tables["correlation"].records()) if place == analysis.cohort.mean_name else []
    levels_of_dxa = analysis.tables["correlation_levels"].records(level=place)
    return own or [record for record in levels_of_dxa if record["density"].startswith("bmd")]


def _areas_by_level(analysis: CohortAnalysis) -> str:
    """Return a table of the areas under the curves by level; empty with fewer than two levels."""
    places = list(dict.fromkeys(roc.level for roc in analysis.level_rocs))
    if len(places) < 2:
        return ""
    areas: dict[tuple[str, str], dict[str, RegionRoc]] = {}
    for roc in analysis.level_rocs:
        areas.setdefault((roc.target, roc.roi), {})[roc.level] = roc
    rows = [["AUC by level", "ROI", *places]]
    for (target, roi), level_areas in areas.items():
        cells = [number_text(level_areas[place].area.estimate, 2) if place in level_areas else "–" for place in places]
        rows.append([target, roi, *cells])
    return aligned(rows, left_columns=2)


def _survival(analysis: CohortAnalysis) -> str:
    """Return Harrell's C and the hazard ratios of the main level or mean."""
    place = main_place(analysis.cohort)
    ratios: dict[str, list[str]] = {}
    for record in analysis.tables["survival_hazard_ratios"].records(level=place):
        held = f" (adjusted for {record['adjusted_for'].replace(';', ' and ')})" if record["adjusted_for"] else ""
        ratios.setdefault(record["roi"], []).append(f"{interval_text(record, 'hazard_ratio', 'ci')}{held}")
    rows = [["ROI", f"With {analysis.cohort.outcome_name}", "Harrell's C", "Hazard ratio per SD of lower HU"]]
    for record in analysis.tables["survival_concordance"].records(level=place):
        hazard_ratios = "; ".join(ratios.get(record["roi"], ["–"]))
        events = f"{record['events']}/{record['n']}"
        rows.append([record["roi"], events, interval_text(record, "c", "ci"), hazard_ratios])
    return aligned(rows, left_columns=1) if len(rows) > 1 else ""


def findings_text(findings: Sequence[CohortFinding]) -> str:
    """Return the findings as text for a terminal; empty if there are none."""
    if not findings:
        return ""
    lines = [f"- {_without_middle(finding.sentence)} {finding.remedy}".rstrip() for finding in findings]
    return "\n".join(["Findings:", *lines])


def _without_middle(sentence: str) -> str:
    """Return a sentence without the middle of a long list; findings.csv has the full sentence."""
    if len(sentence) <= _MOST_LETTERS:
        return sentence
    half = _MOST_LETTERS // 2
    begin, end = sentence[:half].rpartition(", ")[0], sentence[-half:].partition(", ")[2]
    return f"{begin}, … {end}" if begin and end else sentence
