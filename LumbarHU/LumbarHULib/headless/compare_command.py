"""lumbarhu compare: compare methods that measured the same cases, write the folder, and print the main numbers."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from LumbarHULib.api.comparisons import compare_methods
from LumbarHULib.cohort.methods.deming import LEAST_RATIO, MOST_RATIO
from LumbarHULib.cohort_files.methods.folder import COMPARISON
from LumbarHULib.cohort_files.methods.job import ComparisonOutcome
from LumbarHULib.cohort_files.methods.page import summary_sentences
from LumbarHULib.cohort_files.methods.read import results_of_protocols
from LumbarHULib.cohort_files.page import sizes_text
from LumbarHULib.cohort_files.page_tables import interval_text, number_text, p_text
from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.cohort_command import findings_text
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.option_values import number
from LumbarHULib.headless.progress import Progress


def run_compare(options: argparse.Namespace) -> int:
    """Compare the methods, write the folder, print the main numbers, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    ratio = options.error_ratio
    if ratio != "estimated":
        ratio = number("--error-ratio", ratio, LEAST_RATIO, MOST_RATIO)
    progress = Progress()
    try:
        done = compare_methods(
            options.table,
            options.methods,
            options.out,
            results=_results(options.results),
            error_ratio=ratio,
            cutoffs=options.cutoffs,
            outcome_name=options.outcome_name,
            overwrite=options.overwrite,
            figures=not options.no_figures,
            progress=progress,
        )
    finally:
        progress.clear()
    print(f"{comparison_text(done)}\n\nSummary:  {options.out / COMPARISON}")
    return 0


def _results(texts: Sequence[str]) -> dict[str, Path]:
    results: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if equals and not (name and path):
            raise InputError(f"--results {text} cannot be used: write NAME=FILE, such as thin=thin/results.csv.")
        found = {name: Path(path)} if equals else results_of_protocols(Path(text))
        if twice := sorted(set(found) & set(results)):
            raise InputError(f"--results names {twice[0]} twice: give each table its own name.")
        results |= found
    return results


def comparison_text(done: ComparisonOutcome) -> str:
    """Return the main numbers, the findings and the number of missing results, as text for a terminal."""
    cohort, gaps = done.comparison.measured.cohort, done.tables["gaps"].rows
    missing = ""
    if gaps:
        missing = f"{len(gaps)} results are missing: gaps.csv states why, and what they need."
        missing = missing if len(gaps) > 1 else "1 result is missing: gaps.csv states why, and what it needs."
    sentences = "\n".join(f"- {sentence}" for sentence in summary_sentences(done.comparison))
    parts = [cohort.note, sizes_text(cohort), _pairs_text(done), _areas_text(done), sentences]
    return "\n\n".join(part for part in [*parts, findings_text(done.findings), missing] if part)


def _pairs_text(done: ComparisonOutcome) -> str:
    lines: dict[tuple[str, str], list[str]] = {}
    for record in done.tables["regression"].records():
        slope = f"{record['regression']} {number_text(record['slope'], 3)}"
        lines.setdefault((record["first"], record["second"]), []).append(slope)
    rows = [["First", "Second", "n", "Bias, HU", "p, Holm", "95 % limits, HU", "Slopes"]]
    for record in done.tables["bland_altman"].records():
        limits = " to ".join(number_text(record[f"{end}_limit_hu"]) for end in ("lower", "upper"))
        bias = interval_text(record, "bias_hu", "bias", 1)
        slopes = ", ".join(lines.get((record["first"], record["second"]), ["–"]))
        cells = [record["first"], record["second"], str(record["n"]), bias, p_text(record["p_corrected"])]
        rows.append([*cells, limits, slopes])
    return aligned(rows, left_columns=2) if len(rows) > 1 else ""


def _areas_text(done: ComparisonOutcome) -> str:
    rows = [["Method", "To find", "With : without", "AUC"]]
    for record in done.tables["roc"].records():
        sizes = f"{record['n_positive']} : {record['n_negative']}"
        rows.append([record["method"], record["positive"], sizes, interval_text(record, "auc", "ci", 3)])
    return aligned(rows, left_columns=2) if len(rows) > 1 else ""
