"""Write the comparison of methods as one page: summary, method, tables, figures, findings and missing results."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.methods.comparison import MethodComparison
from LumbarHULib.cohort.methods.method import short_names
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.methods.method_text import comparison_method_text
from LumbarHULib.cohort_files.page import findings_parts, framed_page
from LumbarHULib.cohort_files.page_tables import interval_text, number_text, p_text
from LumbarHULib.files import html_text as html

# Most pairs that the summary puts into words; the tables have all.
_MOST_SENTENCES = 10


def comparison_page(
    comparison: MethodComparison,
    tables: Mapping[str, Table],
    figures: Mapping[str, tuple[Path, str]],
    files: Mapping[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    comparison : MethodComparison
    tables : mapping of str to Table
        The folder's tables, by name.
    figures : mapping of str to (pathlib.Path, str)
        SVG file and caption by name.
    files : mapping of str to str
        Content of each file, by its path in the folder.
    """
    cohort = comparison.measured.cohort
    parts = [html.heading("Summary"), html.bullets(summary_sentences(comparison))]
    parts += [html.heading("Findings"), *findings_parts(comparison.findings, tables["rows"])]
    parts += [html.heading("Method"), html.paragraph(comparison_method_text(comparison))]
    for title, shown in _tables(comparison):
        parts += [html.heading(title), *shown]
    heading, title = f"Comparison of methods: {cohort.name}", f"Comparison of {cohort.name}"
    return framed_page(cohort, heading, title, parts, tables["gaps"], figures, files)


def summary_sentences(comparison: MethodComparison) -> list[str]:
    """Return a sentence on each pair: bias, limits, classes and areas."""
    short, tables = _short(comparison), comparison.tables
    sentences = []
    for row in list(tables["bland_altman"].records())[:_MOST_SENTENCES]:
        first, second = short[row["first"]], short[row["second"]]
        bias, ends = row["bias_hu"], [number_text(row[f"{end}_limit_hu"]) for end in ("lower", "upper")]
        low, high = sorted((abs(row["bias_low"]), abs(row["bias_high"])))
        if row["bias_low"] <= 0 <= row["bias_high"]:
            interval = f"{number_text(row['bias_low'])} to {number_text(row['bias_high'])}"
            text = f"No bias of {first} against {second} is shown: {number_text(bias)} HU (95 % interval {interval})"
        else:
            word = "higher" if bias > 0 else "lower"
            interval = f"{number_text(low)} to {number_text(high)}"
            text = f"{first} reads {number_text(abs(bias))} HU {word} than {second} (95 % interval {interval})"
        sentence = (
            f"{text}; in single patients, the difference is {ends[0]} to {ends[1]} HU (95 % limits, n = {row['n']})."
        )
        pair = {"first": row["first"], "second": row["second"]}
        for found in tables["class_agreement"].records(**pair):
            sentence += f" {found['agreeing']} of {found['n']} have the same class."
        sentences.append(sentence)
    differing = [row for row in tables["roc_differences"].records() if row["p_corrected"] < 0.05]
    if tables["roc_differences"].rows:
        count, every = len(differing), len(tables["roc_differences"].rows)
        sentences.append(
            f"Areas under the ROC curves: {count} of {every} differences have p < 0.05 (DeLong, Holm's correction)."
        )
    return sentences or ["No pair of methods could be compared."]


def _short(comparison: MethodComparison) -> dict[str, str]:
    return short_names([one.method for one in comparison.measured.methods])


def _tables(comparison: MethodComparison) -> Iterator[tuple[str, list[str]]]:
    for title, make in (
        ("Methods", _methods),
        ("Bias and limits of agreement", _bland_altman),
        ("Lines between the methods", _regression),
        ("Agreement of classes", _classes),
        ("Areas under the ROC curves", _areas),
    ):
        tables = make(comparison)
        if tables:
            yield title, tables


def _methods(comparison: MethodComparison) -> list[str]:
    rows = []
    for row in comparison.tables["methods"].records():
        values = [number_text(row[name]) for name in ("mean_hu", "sd_hu", "median_hu", "minimum_hu", "maximum_hu")]
        cutoffs = "–"
        if row["osteoporosis_cutoff_hu"] is not None:
            cutoffs = f"{row['osteoporosis_cutoff_hu']:g} / {row['normal_cutoff_hu']:g}"
        rows.append([row["method"], row["source"], str(row["n"]), *values, cutoffs])
    header = ["Method", "From", "n", "Mean, HU", "SD", "Median", "Least", "Greatest", "Cutoffs, HU"]
    return [html.table(header, rows, left=2, text=(1,))]


def _bland_altman(comparison: MethodComparison) -> list[str]:
    short, rows = _short(comparison), []
    for row in comparison.tables["bland_altman"].records():
        limits = [interval_text(row, f"{end}_limit_hu", f"{end}_limit", 1) for end in ("lower", "upper")]
        slope = interval_text(row, "bias_slope", digits=3)
        cells = [f"{short[row['first']]} − {short[row['second']]}", str(row["n"])]
        cells += [interval_text(row, "bias_hu", "bias", 1), _both(row, "p"), *limits]
        rows.append([*cells, slope, _both(row, "bias_slope_p")])
    if not rows:
        return []
    header = ["Methods", "n", "Bias (95 %), HU", "p (Holm)", "Lower limit (95 %)", "Upper limit (95 %)"]
    note = (
        "Bias and limits are those of the first minus the second. Slope: change of the difference per HU of the mean "
        "of both; if it differs from 0, the bias is proportional."
    )
    return [html.table([*header, "Slope (95 %)", "p (Holm)"], rows), html.paragraph(note, "note")]


def _both(row: Mapping[str, Any], name: str) -> str:
    """Return a p-value and, in brackets, the corrected one."""
    if row[name] is None:
        return "–"
    return f"{p_text(row[name])} ({p_text(row[f'{name}_corrected'])})"


def _regression(comparison: MethodComparison) -> list[str]:
    short, rows = _short(comparison), []
    for row in comparison.tables["regression"].records():
        pair = f"{short[row['second']]} against {short[row['first']]}"
        intercept = interval_text(row, "intercept_hu", "intercept", 1)
        ratio = "–" if row["error_ratio"] is None else number_text(row["error_ratio"], 2)
        cells = [pair, row["regression"], str(row["n"]), intercept, interval_text(row, "slope", digits=3), ratio]
        rows.append([*cells, p_text(row["linearity_p"]), p_text(row["linearity_p_corrected"])])
    if not rows:
        return []
    header = ["Methods", "Regression", "n", "Intercept (95 %), HU", "Slope (95 %)", "Error ratio"]
    note = (
        "Second = intercept + slope · first. An interval of the slope without 1 is a proportional difference, one of "
        "the intercept without 0 a constant one. The error ratio is the variance of the second method's error divided "
        "by that of the first's. Linearity: cusum test."
    )
    table = html.table([*header, "p of linearity", "p, Holm"], rows, left=2, grouped=True)
    return [table, html.paragraph(note, "note")]


def _classes(comparison: MethodComparison) -> list[str]:
    short, summary, parts = _short(comparison), [], []
    for row in comparison.tables["class_agreement"].records():
        first, second = short[row["first"]], short[row["second"]]
        share = f"{row['agreeing']}/{row['n']} = {row['observed_agreement']:.2f}"
        summary.append([f"{first}, {second}", share, interval_text(row, "kappa"), interval_text(row, "linear_kappa")])
        counts = [[one, *(str(row[f"first_{one}_second_{other}"]) for other in GROUPS)] for one in GROUPS]
        header = ["", *(f"{second}: {group}" for group in GROUPS)]
        parts.append(html.table(header, [[f"{first}: {line[0]}", *line[1:]] for line in counts], f"{first}, {second}"))
    if not summary:
        return []
    return [html.table(["Methods", "Same class", "κ (95 %)", "κ, linear weights"], summary), *parts]


def _areas(comparison: MethodComparison) -> list[str]:
    short, tables, parts = _short(comparison), comparison.tables, []
    rows = [
        [
            row["positive"],
            short[row["method"]],
            f"{row['n_positive']} : {row['n_negative']}",
            interval_text(row, "auc", "ci", 3),
        ]
        for row in tables["roc"].records()
    ]
    if rows:
        header = ["To find", "Method", "With : without", "AUC (95 %)"]
        parts.append(html.table(header, rows, left=2, grouped=True))
    rows = [
        [
            comparison.measured.cohort.targets[row["target"]].positive,
            f"{short[row['first']]} − {short[row['second']]}",
            str(row["n"]),
            interval_text(row, "difference", "ci", 3),
            number_text(row["z"], 2),
            p_text(row["p"]),
            p_text(row["p_corrected"]),
        ]
        for row in tables["roc_differences"].records()
    ]
    if rows:
        header = ["To find", "Methods", "n", "Difference of areas (95 %)", "z", "p", "p, Holm"]
        caption = "DeLong's paired test, each pair on the cases with both"
        parts.append(html.table(header, rows, caption, left=2, grouped=True))
    return parts
