"""lumbarhu cohort: from the options to the statistics of a cohort, and from these to a folder and the terminal."""

import argparse
from collections.abc import Sequence

from LumbarHULib.cohort.analysis import AnalysisOptions, CohortAnalysis
from LumbarHULib.cohort.bootstrap import LEAST_RESAMPLES, MOST_RESAMPLES
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort_files.job import CohortJob, run_cohort_job
from LumbarHULib.cohort_files.page_tables import interval_text, number_text
from LumbarHULib.cohort_files.words import by_kind, in_columns, more_like_it
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.option_values import share, whole_number
from LumbarHULib.headless.progress import Progress

_MOST_SEED = 999_999_999
# So many findings of one kind are printed; all stand in findings.csv.
_SHOWN = 3
# Of a sentence on the terminal.
_MOST_LETTERS = 240


def run_cohort(options: argparse.Namespace) -> int:
    """Work out the cohort that `options` name, write its folder, print the main numbers; return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    stated = {
        "osteoporosis": ("--prevalence", options.prevalence),
        "low_bmd": ("--low-bmd-prevalence", options.low_bmd_prevalence),
    }
    shares = {target: share(option, text) for target, (option, text) in stated.items() if text is not None}
    job = CohortJob(
        table=options.table,
        destination=options.out,
        options=AnalysisOptions(
            prevalences=shares,
            resamples=whole_number("--bootstraps", options.bootstraps, LEAST_RESAMPLES, MOST_RESAMPLES),
            seed=whole_number("--seed", options.seed, 0, _MOST_SEED),
        ),
        readings=options.readings,
        overwrite=options.overwrite,
    )
    progress = Progress()
    try:
        done = run_cohort_job(job, progress)
    finally:
        progress.clear()
    print(f"{cohort_text(done.analysis, done.findings)}\n\nSummary:  {job.destination / 'summary.html'}")
    return 0


def cohort_text(analysis: CohortAnalysis, findings: Sequence[CohortFinding]) -> str:
    """Return the main numbers and the findings as text for people."""
    cohort = analysis.cohort
    sizes = ", ".join(f"{size} {group}" for group, size in cohort.group_sizes.items())
    counted = f"{len(cohort)} case{'s' if len(cohort) > 1 else ''}: {sizes}"
    parts = [cohort.note, counted, _table(analysis), _findings_text(findings)]
    return "\n\n".join(part for part in parts if part)


def _table(analysis: CohortAnalysis) -> str:
    rhos = {record["roi"]: interval_text(record, "rho", "ci") for record in analysis.tables["correlation"].records()}
    rows = [["ROI", "To find", "ρ with BMD", "AUC", "Cutoff, HU", "Sensitivity", "Specificity"]]
    for record in analysis.tables["roc"].records():
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
    return aligned(rows, left_columns=2) if len(rows) > 1 else ""


def _findings_text(findings: Sequence[CohortFinding]) -> str:
    if not findings:
        return ""
    lines = ["Findings:"]
    for code, of_kind in by_kind(findings).items():
        shown = len(of_kind) if code == "left_out" else _SHOWN
        lines += [f"- {_without_middle(finding.sentence)} {finding.remedy}".rstrip() for finding in of_kind[:shown]]
        if len(of_kind) > shown:
            lines.append(f"- {_without_middle(more_like_it(len(of_kind) - shown, in_columns(of_kind)))}")
    return "\n".join(lines)


def _without_middle(sentence: str) -> str:
    """Return a sentence without the middle of a long list; findings.csv has the whole."""
    if len(sentence) <= _MOST_LETTERS:
        return sentence
    half = _MOST_LETTERS // 2
    begin, end = sentence[:half].rpartition(", ")[0], sentence[-half:].partition(", ")[2]
    return f"{begin}, … {end}" if begin and end else sentence
