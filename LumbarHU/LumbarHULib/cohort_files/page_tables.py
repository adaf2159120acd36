"""Make a cohort's tables in the form of a paper from the tables in the CSV files."""

from collections.abc import Iterator, Mapping
from typing import Any

from LumbarHULib.cohort.agreement_tables import proportional_biases
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.group_tables import ALL, CATEGORIES, CHARACTERISTICS, MORE_CHARACTERISTICS
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files import html_text as html

_NAMES = {
    "age": "Age (years)",
    "bmi": "BMI (kg/m²)",
    "bmd": "BMD of L1–L4 (g/cm²)",
    "bmd_neck": "BMD of the femoral neck (g/cm²)",
    "bmd_hip": "BMD of the hip (g/cm²)",
    "t_score": "T-score",
    "days_ct_dxa": "Days between CT and DXA",
    "qct_mg_cc": "Density by QCT (mg/cm³)",
    "outcome_days": "Follow-up (days)",
}
# The study's marks.
_MARKS = {"normal": "▲", "osteopenia": "*", "osteoporosis": "#"}
_DIGITS = {"bmd": 2, "bmd_neck": 2, "bmd_hip": 2, "bmi": 2}
Record = Mapping[str, Any]


def summary_tables(analysis: CohortAnalysis) -> Iterator[tuple[str, list[str]]]:
    """Yield title and tables, in HTML, of each non-empty part of the summary."""
    parts = (
        ("Characteristics", _characteristics),
        ("HU and bone mineral density by group", _groups),
        ("Differences between regions and between levels", _differences),
        ("Correlation with bone mineral density", _correlation),
        ("ROC curves and cutoffs of the mean", _roc),
        ("Predictive values", _predictive),
        ("Classes against DXA", _classes),
        ("The study's cutoffs in this cohort", _study_cutoffs),
        ("Agreement of readings", _agreement),
    )
    for title, make in parts:
        tables = make(analysis)
        if tables:
            yield title, tables


def p_text(p: float | None) -> str:
    """Return a p-value in the format of papers."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def number_text(value: float | None, digits: int = 1) -> str:
    """Return a number, or a dash if it is missing."""
    # Adding 0 turns a negative zero into zero.
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def interval_text(record: Record, name: str, stem: str | None = None, digits: int = 2) -> str:
    """Return a number with the ends of its interval."""
    if record[name] is None:
        return "–"
    ends = [number_text(record[f"{stem or name}_{end}"], digits) for end in ("low", "high")]
    return f"{number_text(record[name], digits)} ({ends[0]} to {ends[1]})"


def _quartiles(record: Record, digits: int = 1) -> str:
    if not record["n"]:
        return "–"
    q1, q3 = (number_text(record[name], digits) for name in ("q1", "q3"))
    return f"{number_text(record['median'], digits)} ({q1}, {q3})"


def _sizes(analysis: CohortAnalysis) -> dict[str, int]:
    return {ALL: len(analysis.cohort), **analysis.cohort.group_sizes}


def _n(record: Record, sizes: Mapping[str, int]) -> str:
    """Return the number of values in a cell if it is below the number in the column's header."""
    return f", n = {record['n']}" if 0 < record["n"] < sizes[record["group"]] else ""


def _group_record(records: list[Record], group: str) -> Record:
    return next(record for record in records if record["group"] == group)


def _characteristics(analysis: CohortAnalysis) -> list[str]:
    table, rows, sizes = analysis.tables["characteristics"], [], _sizes(analysis)
    for variable in (*CATEGORIES, *CHARACTERISTICS, *MORE_CHARACTERISTICS):
        for category in CATEGORIES.get(variable, ("",)):
            records = list(table.records(variable=variable, category=category))
            if not records or (category and not records[0]["count"]):
                continue
            cells = [f"{_characteristic(record)}{_n(record, sizes)}" for record in records]
            test = records[0]["test"]
            rows.append([_NAMES.get(variable, f"{variable}: {category}"), *cells, p_text(records[0]["p"]), test or "–"])
    header = ["", *(f"{group}, n = {size}" for group, size in sizes.items()), "p", "test"]
    return [html.table(header, rows)] if rows else []


def _characteristic(record: Record) -> str:
    digits = _DIGITS.get(record["variable"], 1)
    if record["reported_as"] == "count":
        return f"{record['count']} ({number_text(record['percent'], 0)} %)" if record["n"] else "–"
    if record["reported_as"].startswith("mean"):
        return f"{number_text(record['mean'], digits)} ± {number_text(record['sd'], digits)}"
    return _quartiles(record, digits)


def _groups(analysis: CohortAnalysis) -> list[str]:
    table, rows, sizes = analysis.tables["groups"], [], _sizes(analysis)
    for level in analysis.cohort.levels_and_mean:
        for quantity in ("bmd", *ROIS):
            records = list(table.records(level=level, quantity=quantity))
            if not records:
                continue
            digits = _DIGITS.get(quantity, 1)
            cells = []
            for group in (ALL, *GROUPS):
                record = _group_record(records, group)
                marks = "".join(_MARKS[other] for other in filter(None, record["differs_from"].split(";")))
                cells.append(f"{_quartiles(record, digits)}{_n(record, sizes)} {marks}".strip())
            label = "BMD (g/cm²)" if quantity == "bmd" else f"{quantity} (HU)"
            rows.append([level, label, *cells, p_text(records[0]["p"])])
    if not rows:
        return []
    header = ["Level", "", *(f"{group}, n = {size}" for group, size in sizes.items()), "p"]
    marks = ", ".join(f"{mark} from {group}" for group, mark in _MARKS.items())
    note = f"Median (quartiles), Kruskal–Wallis. Differs (p < 0.05, Dunn with Holm's correction): {marks}."
    return [html.table(header, rows, left=2, grouped=True), html.paragraph(note, "note")]


def _differences(analysis: CohortAnalysis) -> list[str]:
    parts = []
    for name, column, title in (("between_rois", "level", "regions"), ("between_levels", "roi", "levels")):
        rows = []
        for record in analysis.tables[name].records():
            if record["test"] != "pair":
                statistic = f"{record['statistic_name']} = {number_text(record['statistic'], 2)}"
                cells = [record["test"], str(record["n"]), statistic, record["degrees_of_freedom"]]
                rows.append([record[column], *cells, p_text(record["p"])])
        if rows:
            header = [{"roi": "ROI", "level": "Level"}[column], "Test", "n", "Statistic", "df", "p"]
            caption = f"Between {title} of the same patients (pairs: {name}.csv)"
            parts.append(html.table(header, rows, caption, left=2, grouped=True))
    if parts:
        note = "Friedman's test is paired. The unpaired test treats the values of one patient as different patients."
        parts.append(html.paragraph(note, "note"))
    return parts


def _correlation(analysis: CohortAnalysis) -> list[str]:
    adjusted = {record["roi"]: record for record in analysis.tables["correlation_adjusted"].records()}
    rows = []
    for record in analysis.tables["correlation"].records():
        row = [record["roi"], str(record["n"]), interval_text(record, "rho", "ci"), p_text(record["p"])]
        other = adjusted.get(record["roi"])
        row += ["–"] * 3 if other is None else [str(other["n"]), interval_text(other, "rho", "ci"), p_text(other["p"])]
        rows.append(row)
    held = next(iter(adjusted.values()))["adjusted_for"].replace(";", " and ") if adjusted else "age and sex"
    header = ["ROI", "n", "Spearman's ρ (95 %)", "p", "n", f"adjusted for {held}", "p"]
    return [html.table(header, rows)] if rows else []


def _roc(analysis: CohortAnalysis) -> list[str]:
    parts = []
    accuracy = {(record["roi"], record["target"]): record for record in analysis.tables["cutoff_accuracy"].records()}
    for target in analysis.cohort.targets.values():
        rows = []
        records = list(analysis.tables["roc"].records(target=target.name))
        are_alike = len({(record["n_positive"], record["n_negative"]) for record in records}) == 1
        for record in records:
            at = accuracy.get((record["roi"], target.name))
            roi = record["roi"] if are_alike else f"{record['roi']}, {record['n_positive']} : {record['n_negative']}"
            row = [roi, interval_text(record, "auc", "ci"), interval_text(record, "cutoff_hu", "cutoff", 1)]
            if at is None:
                rows.append([*row, *["–"] * 5])
                continue
            positives, negatives = record["n_positive"], record["n_negative"]
            row += [
                f"{at['true_positive']}/{positives} = {interval_text(at, 'sensitivity')}",
                f"{at['true_negative']}/{negatives} = {interval_text(at, 'specificity')}",
                number_text(at["youden"], 2),
                f"{at['corrected_sensitivity']:.2f} / {at['corrected_specificity']:.2f}",
            ]
            rows.append(row)
        if rows:
            rule = "≤" if target.rule == "<=" else "<"
            sizes = f"{records[0]['n_positive']} with, {records[0]['n_negative']} without"
            caption = f"HU {rule} cutoff finds {target.positive} ({sizes if are_alike else 'n = with : without'})"
            header = ["ROI", "AUC (95 %)", "Cutoff (95 %), HU", "Sensitivity (95 %)", "Specificity (95 %)", "Youden"]
            parts.append(html.table([*header, "Corrected"], rows, caption))
    if parts:
        note = (
            "Corrected: sensitivity / specificity, corrected for the optimism of a cutoff derived from the same cases. "
            "In simulated studies of 27 versus 73 patients, the 95 % interval of the area contains the true area in 93 "
            "to 96 %, and that of the cutoff the true cutoff in 90 to 97 %."
        )
        parts.append(html.paragraph(note, "note"))
    return parts


def _predictive(analysis: CohortAnalysis) -> list[str]:
    rows = [
        [
            record["positive"],
            record["roi"],
            f"{100 * record['prevalence']:g} %",
            number_text(record["cutoff_hu"]),
            interval_text(record, "ppv"),
            interval_text(record, "npv"),
        ]
        for record in analysis.tables["predictive"].records()
    ]
    header = ["To find", "ROI", "Stated prevalence", "Cutoff, HU", "PPV (95 %)", "NPV (95 %)"]
    return [html.table(header, rows, left=2, grouped=True)] if rows else []


def _classes(analysis: CohortAnalysis) -> list[str]:
    rows = []
    for record in analysis.tables["class_agreement"].records():
        counts = [" / ".join(str(record[f"dxa_{group}_class_{found}"]) for found in GROUPS) for group in GROUPS]
        share = f"{record['agreeing']}/{record['n']}"
        kappas = [interval_text(record, "kappa"), interval_text(record, "linear_kappa")]
        rows.append([record["cutoffs"], record["roi"], share, *kappas, *counts])
    header = ["Cutoffs", "ROI", "Same class", "κ (95 %)", "κ, linear weights", *(f"DXA {group}" for group in GROUPS)]
    note = f"Last columns: cases classified as {' / '.join(GROUPS)}. A cohort's own cutoffs are too optimistic for it."
    return [html.table(header, rows, left=2, grouped=True), html.paragraph(note, "note")] if rows else []


def _study_cutoffs(analysis: CohortAnalysis) -> list[str]:
    rows = []
    for record in analysis.tables["study_cutoffs"].records():
        rule = "≤" if record["rule"] == "<=" else "<"
        rows.append(
            [
                record["positive"],
                record["roi"],
                f"{rule} {record['cutoff_hu']:g}",
                f"{record['true_positive']}/{record['n_positive']} = {interval_text(record, 'sensitivity')}",
                f"{record['true_negative']}/{record['n_negative']} = {interval_text(record, 'specificity')}",
                f"{number_text(record['source_sensitivity'], 2)} / {number_text(record['source_specificity'], 2)}",
            ]
        )
    header = ["To find", "ROI", "Cutoff, HU", "Sensitivity (95 %)", "Specificity (95 %)", "in the study"]
    return [html.table(header, rows, left=2, grouped=True)] if rows else []


def _agreement(analysis: CohortAnalysis) -> list[str]:
    rows = []
    for record in analysis.tables["agreement"].records():
        limits = "–"
        if record["bias_hu"] is not None:
            ends = [number_text(record[f"{end}_limit_hu"]) for end in ("lower", "upper")]
            limits = f"{interval_text(record, 'bias_hu', 'bias', 1)}; {ends[0]} to {ends[1]}"
        who = f"{record['comparison']}: {record['readers'].replace(';', ', ')}, {record['split']}"
        row = [who, record["level"], record["roi"], str(record["n"])]
        row += [interval_text(record, "icc_2_1", digits=3), interval_text(record, "icc_3_1", digits=3), limits]
        row += [number_text(record["rms_sd_hu"]), number_text(record["cv_percent"])]
        rows.append([*row, interval_text(record, "lsc_hu", "lsc", 1)])
    if not rows:
        return []
    whole = [row[1:] for row in rows if row[0] == rows[0][0]]
    header = ["Level", "ROI", "n", "ICC(2,1)", "ICC(3,1)", "Bias; 95 % limits, HU", "RMS-SD, HU", "CV, %", "LSC, HU"]
    parts = [html.table(header, whole, rows[0][0][0].upper() + rows[0][0][1:], left=2, grouped=True)]
    parts += [html.paragraph(sentence) for sentence in proportional_biases(analysis.tables["agreement"])]
    others = [row for row in rows if row[0] != rows[0][0] and row[1] == MEAN]
    if others:
        caption = "Other comparisons and subsets, mean over L1–L4 (levels: agreement.csv)"
        shown = [[row[0], *row[2:]] for row in others]
        parts.append(html.table(["Comparison", *header[1:]], shown, caption, left=2, grouped=True))
    return parts
