"""Make the tables by level, of the flow and of the outcome for a cohort's summary."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.flow import main_place
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort_files.page_tables import Record, interval_text, number_text, p_text
from LumbarHULib.files import html_text as html


def flow_tables(analysis: CohortAnalysis) -> list[str]:
    """Return the number of cases at each step, in HTML."""
    place = main_place(analysis.cohort)
    rows = [
        [
            record["reference"] or "none",
            record["step"],
            str(record["n"]),
            "" if record["left_out"] is None else str(record["left_out"]),
            record["reasons"],
        ]
        for record in analysis.tables["flow"].records(level=place)
    ]
    caption = f"For {place} (each level: flow.csv)"
    header = ["Reference", "Step", "Cases", "Omitted", "Reason"]
    return [html.table(header, rows, caption, left=2, grouped=True, text=(4,))]


def level_tables(analysis: CohortAnalysis) -> Iterator[tuple[str, list[str]]]:
    """Yield title and tables, in HTML, of each non-empty part of the summary by level and of the outcome."""
    parts = (
        ("Correlation with density, by level", _correlation),
        ("ROC curves and cutoffs, by level", _roc),
        ("Differences between the areas of levels", _differences),
        (f"The study's cutoffs for the mean over {MEAN}, applied to levels", _study_cutoffs),
        (f"{analysis.cohort.outcome_name.capitalize()} over time", _survival),
    )
    for title, make in parts:
        tables = make(analysis)
        if tables:
            yield title, tables


def _correlation(analysis: CohortAnalysis) -> list[str]:
    key = ("level", "roi", "density")
    adjusted = _by(analysis.tables["correlation_levels_adjusted"].records(), key)
    rows = []
    for record in analysis.tables["correlation_levels"].records():
        other = adjusted.get(tuple(record[name] for name in key))
        row = [record["level"], record["roi"], record["density"], str(record["n"]), interval_text(record, "rho", "ci")]
        row += [p_text(record["p"]), p_text(record["p_corrected"])]
        row += ["–"] * 3 if other is None else [interval_text(other, "rho", "ci"), p_text(other["p"])]
        rows.append(row if other is None else [*row, p_text(other["p_corrected"])])
    if not rows:
        return []
    held = next(iter(adjusted.values()))["adjusted_for"].replace(";", " and ") if adjusted else "age and sex"
    header = [
        "Level",
        "ROI",
        "with",
        "n",
        "Spearman's ρ (95 %)",
        "p",
        "p, Holm",
        f"adjusted for {held}",
        "p",
        "p, Holm",
    ]
    return [html.table(header, rows, left=3, grouped=True)]


def _roc(analysis: CohortAnalysis) -> list[str]:
    parts = []
    accuracy = _by(analysis.tables["cutoff_accuracy_levels"].records(), ("target", "level", "roi"))
    for target in analysis.cohort.targets.values():
        rows = []
        for record in analysis.tables["roc_levels"].records(target=target.name):
            at = accuracy.get((target.name, record["level"], record["roi"]))
            row = [record["level"], record["roi"], f"{record['n_positive']} : {record['n_negative']}"]
            row += [interval_text(record, "auc", "ci"), interval_text(record, "cutoff_hu", "cutoff", 1)]
            if at is None:
                rows.append([*row, *["–"] * 4])
                continue
            row += [interval_text(at, "sensitivity"), interval_text(at, "specificity"), number_text(at["youden"], 2)]
            rows.append([*row, f"{at['corrected_sensitivity']:.2f} / {at['corrected_specificity']:.2f}"])
        if rows:
            rule = "≤" if target.rule == "<=" else "<"
            caption = f"HU {rule} cutoff finds {target.positive} (n = with : without)"
            header = ["Level", "ROI", "n", "AUC (95 %)", "Cutoff (95 %), HU", "Sensitivity (95 %)"]
            header += ["Specificity (95 %)", "Youden", "Corrected"]
            parts.append(html.table(header, rows, caption, left=2, grouped=True))
    return parts


def _differences(analysis: CohortAnalysis) -> list[str]:
    records = list(analysis.tables["roc_differences_levels"].records())
    if not records:
        return []
    differing = [record for record in records if record["p_corrected"] < 0.05]
    text = (
        f"{len(differing)} of {len(records)} pairs of levels (DeLong, paired; each on the cases with both levels) "
        "differ with p < 0.05 after Holm's correction over all pairs (roc_differences_levels.csv)."
    )
    rows = [
        [
            record["target"],
            record["roi"],
            f"{record['first']} − {record['second']}",
            str(record["n"]),
            interval_text(record, "difference", "ci", 3),
            p_text(record["p"]),
            p_text(record["p_corrected"]),
        ]
        for record in differing
    ]
    header = ["To find", "ROI", "Levels", "n", "Difference of areas (95 %)", "p", "p, Holm"]
    return [html.paragraph(text), *([html.table(header, rows, left=3, grouped=True)] if rows else [])]


def _study_cutoffs(analysis: CohortAnalysis) -> list[str]:
    rows = [
        [
            record["positive"],
            record["level"],
            record["roi"],
            f"{'≤' if record['rule'] == '<=' else '<'} {record['cutoff_hu']:g}",
            f"{record['true_positive']}/{record['n_positive']} = {interval_text(record, 'sensitivity')}",
            f"{record['true_negative']}/{record['n_negative']} = {interval_text(record, 'specificity')}",
        ]
        for record in analysis.tables["study_cutoffs_levels"].records()
        if record["level"] != MEAN
    ]
    if not rows:
        return []
    header = ["To find", "Level", "ROI", "Cutoff, HU", "Sensitivity (95 %)", "Specificity (95 %)"]
    note = f"These are cutoffs for the mean over {MEAN}; the study has no cutoffs for single levels."
    return [html.table(header, rows, left=3, grouped=True), html.paragraph(note, "note")]


def _survival(analysis: CohortAnalysis) -> list[str]:
    tables, parts = analysis.tables, []
    ratios: dict[tuple[Any, ...], dict[str, Record]] = {}
    for record in tables["survival_hazard_ratios"].records():
        ratios.setdefault((record["level"], record["roi"]), {})[record["adjusted_for"]] = record
    held = next((held for place_ratios in ratios.values() for held in place_ratios if held), "")
    rows = []
    for record in tables["survival_concordance"].records():
        place_ratios = ratios.get((record["level"], record["roi"]), {})
        row = [record["level"], record["roi"], f"{record['events']}/{record['n']}", interval_text(record, "c", "ci")]
        for adjusted_for in ("", held) if held else ("",):
            ratio = place_ratios.get(adjusted_for)
            row += ["–"] * 3 if ratio is None else [interval_text(ratio, "hazard_ratio", "ci"), p_text(ratio["p"])]
            row += [] if ratio is None else [p_text(ratio["p_corrected"])]
        rows.append(row)
    if rows:
        header = ["Level", "ROI", "With outcome", "Harrell's C (95 %)", "Hazard ratio per SD (95 %)", "p", "p, Holm"]
        header += [f"adjusted for {held.replace(';', ' and ')}", "p", "p, Holm"] if held else []
        parts.append(html.table(header, rows, left=2, grouped=True))
        note = "Low HU were expected to precede the outcome: C above 0.5, hazard ratio of lower HU above 1."
        parts.append(html.paragraph(note, "note"))
    rows = [
        [
            record["level"],
            record["roi"],
            f"{record['cutoff_hu']:.1f} ({record['cutoff_source']})",
            f"{record['events_low']}/{record['n_low']}",
            f"{record['events_high']}/{record['n_high']}",
            number_text(record["chi_squared"], 2),
            p_text(record["p"]),
            p_text(record["p_corrected"]),
        ]
        for record in tables["survival_log_rank"].records()
    ]
    if rows:
        header = ["Level", "ROI", "Split at, HU", "At or below", "Above", "χ² (log-rank)", "p", "p, Holm"]
        parts.append(html.table(header, rows, left=3, grouped=True))
    return parts


def _by(records: Iterable[Record], columns: tuple[str, ...]) -> Mapping[tuple[Any, ...], Record]:
    return {tuple(record[name] for name in columns): record for record in records}
