"""Write the pages on every table of a cohort and of a comparison, from the example cohort: ``make pages``."""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "LumbarHU"))

from LumbarHULib.cohort.analysis import AnalysisOptions  # noqa: E402
from LumbarHULib.cohort.methods.method import parse_methods  # noqa: E402
from LumbarHULib.cohort.tables import Table  # noqa: E402
from LumbarHULib.cohort_files.job import CohortJob, run_cohort_job  # noqa: E402
from LumbarHULib.cohort_files.methods.job import ComparisonJob, run_comparison_job  # noqa: E402
from LumbarHULib.cohort_files.synthetic_files import COHORT, OUTCOME, READINGS, write_synthetic_cohort  # noqa: E402

PAGE = Path(__file__).parent / "cohort-tables.md"
COMPARISON_PAGE = Path(__file__).parent / "comparison-tables.md"

_HEAD = """\
# The tables of a cohort

`lumbarhu cohort COHORT.csv --out result` writes these tables into `result`, as CSV in UTF-8 with all digits. A value
that could not be computed is an empty cell or a missing row, and `gaps.csv` states the reason. Confidence intervals are
95 % intervals, from `…_low` to `…_high`. `summary.html` shows the same numbers for people, with a paragraph on the
method. A script generates this page from the tables of the example cohort (`lumbarhu demo --cohort`).

Regions (`roi`) are `round`, `oval`, `right`, `front`, `left`. Levels are `T12` to `L5`, if measured, and `L1–L4` for
the mean over these (with `--mean L1,L2` the mean is `L1–L2`, and so on). Groups are `normal`, `osteopenia`,
`osteoporosis`, and `all` for all of them. The condition to find (`target`) is

| target | by | found |
|---|---|---|
| `osteoporosis` | DXA: group or T-score | HU at or below the cutoff |
| `low_bmd` | DXA: osteopenia or osteoporosis | HU below the cutoff |
| `qct_osteoporosis`, `qct_low_bmd` | the same by quantitative CT: below 80, and up to 120 mg/cm³ | the same |
| the outcome's name | the column `outcome`, named by `--outcome-name` | HU at or below the cutoff |

Low HU count as positive everywhere: this direction is fixed beforehand and never chosen from the data. A table whose
name ends in `_levels` is about single levels; the table without this suffix is about the mean. If a table contains
several tests, `p_corrected` is corrected for their number by the method in `correction`, over the whole table, and `p`
is uncorrected.
"""

# What a row of each table is of.
_ROWS = {
    "flow": "a step from the table to the analysis, as in a STARD diagram, for a reference and a level",
    "cases": "a case",
    "characteristics": "a characteristic of the patients in a group: the study's Table 1",
    "groups": "a quantity at a level in a group: the study's Table 2",
    "groups_pairwise": "a comparison of two groups",
    "between_rois": "a test of all regions, or of two regions, at a level",
    "between_levels": "a test of all levels, or of two levels, of a region",
    "correlation": "a region: Spearman's ρ of its mean over L1–L4 with the bone mineral density",
    "correlation_adjusted": "a region: the same as partial correlation",
    "correlation_levels": "a region at a level with a density: the level's own or, without it, that of L1–L4; and a "
    "region's mean with a density that is not BMD",
    "correlation_levels_adjusted": "the same as partial correlation",
    "roc": "a region and a target: the study's Table 3",
    "cutoff_accuracy": "one of the cohort's own cutoffs",
    "roc_differences": "two regions whose areas under the curve are compared (DeLong, paired)",
    "predictive": "one of the cohort's own cutoffs, at the stated prevalence",
    "class_agreement": "a region: its classes by the study's cutoffs, or by the cohort's own, compared with the "
    "groups by DXA",
    "study_cutoffs": "one of the study's cutoffs, applied to this cohort; targets by QCT use the cutoff for the same "
    "class, and the outcome uses that for osteoporosis",
    "roc_levels": "a region at a level, and a target",
    "cutoff_accuracy_levels": "one of the cohort's own cutoffs of a level",
    "roc_differences_levels": "two levels, or a level and the mean, whose areas under the curve are compared in a "
    "region (DeLong, paired, on the cases that have both)",
    "predictive_levels": "one of the cohort's own cutoffs of a level, at the stated prevalence",
    "class_agreement_levels": "a region at a level: its classes compared with the groups by DXA",
    "study_cutoffs_levels": "one of the study's cutoffs for the mean over L1–L4, applied to a level",
    "survival_concordance": "a region at a level or as a mean: how often the case with lower HU has the earlier "
    "outcome",
    "survival_hazard_ratios": "a region at a level or as a mean, by Cox's model, plain and adjusted",
    "survival_log_rank": "a region at a level or as a mean, split at a cutoff that was not derived from the outcome",
    "survival_curves": "a side of such a cutoff after 1, 2, 3, 5 or 10 years, or at the end of its follow-up",
    "agreement": "two readers, or the readings of one, in a region at a level",
    "readings": "a case, level and region that was read more than once",
    "gaps": "a missing analysis, or missing results of an analysis that share a reason",
    "checklist": "an item of STARD 2015 or GRRAS, with the answer as far as the analysis knows it",
    "findings": "a finding; findings on single rows of the table are counted",
    "rows": "a finding on a row of the cohort's table",
}

_COMPARISON_HEAD = """\
# The tables of a comparison of methods

`lumbarhu compare COHORT.csv --methods round oval --out result` writes these tables into `result`, as CSV in UTF-8 with
all digits. A method is `[PROTOCOL:]REGION@LEVELS`, such as `round@L1-L4`; `first` and `second` are the methods of a
pair, in the order in which they were named. Targets are those of [a cohort](cohort-tables.md); low HU are positive.
`p` is uncorrected; `p_corrected` is corrected by the method in `correction` for all tests of its kind in the table.
`comparison.html` shows the same numbers for people. A script generates this page.
"""
_COMPARISON_ROWS = {
    "methods": "a method",
    "bland_altman": "a pair of methods; all differences are first minus second",
    "regression": "a line of a pair: `Deming` or `Passing–Bablok`, second = intercept + slope · first",
    "class_agreement": "a pair of methods that both have cutoffs",
    "roc": "a method and a target",
    "roc_differences": "a pair of methods and a target (DeLong, paired)",
    "pairs": "a case and a pair that it has HU of",
}
# Columns whose meaning differs from that in a cohort's tables.
_COMPARISON_COLUMNS = {
    "method": ("", "the method"),
    "source": ("", "table that the HU come from"),
    "mean_hu|sd_hu": ("HU", "mean and standard deviation of the method's HU; of a pair, the mean of both methods"),
    "first|second": ("", "the two methods"),
    "first_hu|second_hu": ("HU", "HU by the first and by the second method, over the levels that both have"),
    "difference_hu": ("HU", "first minus second"),
    "agreeing": ("1", "cases with the same class by both methods"),
    "p": ("1", "two-sided p-value: of no bias by the paired t-test, or of equal areas"),
}

# Unit and meaning of a column, by its name, or by a regular expression where several share one.
_COLUMNS = {
    "case": ("", "name of the case"),
    "reference": ("", "reference that HU are compared with: `DXA`, `QCT` or the outcome"),
    "step": ("", "step of the flow; after the last step, the classes"),
    "reasons": ("", "reasons for omitting cases before this step, each with its number"),
    "group": ("", "group of the case by DXA, or group of the row"),
    "mean_hu_ROI": ("HU", "mean over the measured levels, each with the same weight"),
    "levels_ROI": ("1", "number of levels in the mean"),
    "class_ROI": ("", "class of the mean by the study's cutoffs"),
    "variable": ("", "column of the cohort's table"),
    "category": ("", "the counted word; empty for a column of numbers"),
    "unit": ("", "unit of the values in the row"),
    "count": ("1", "cases with this word"),
    "percent": ("%", "percentage of the cases with a known word"),
    "reported_as": ("", "form for a paper: `mean ± SD` if Shapiro–Wilk allows, `median (Q1, Q3)`, or `count`"),
    "n": ("1", "number of cases in the row"),
    "left_out": ("1", "number of cases omitted because a value is missing"),
    "mean|median|q1|q3|minimum|maximum": (
        "`unit`",
        "statistics of the values in the group; quartiles at the ranks (n + 1)p",
    ),
    "sd": ("`unit`", "standard deviation, n − 1"),
    "shapiro_p": ("1", "p-value of the Shapiro–Wilk test of normality"),
    "test": ("", "name of the test"),
    "statistic_name": ("", "name of its statistic"),
    "statistic": ("1", "its value"),
    "degrees_of_freedom": ("1", "several joined by `;`"),
    "p": ("1", "two-sided p-value"),
    "p_corrected": ("1", "p-value corrected for multiple comparisons"),
    "correction": ("", "method of the correction"),
    "method": ("", "method of test or interval"),
    "level": ("", "level, or the mean over all"),
    "quantity": ("", "`bmd` or the region whose HU are compared"),
    "differs_from": ("", "groups that differ from this one with a corrected p-value below 0.05, joined by `;`"),
    "first|second": ("", "the two that are compared; empty if all are compared"),
    "z": ("1", "standard normal statistic"),
    "paired": ("", "whether the test is paired, that is, treats the values as those of the same patients"),
    "roi": ("", "region"),
    "rho": ("1", "Spearman's rank correlation"),
    "density": ("", "column of the cohort's table that HU are correlated with"),
    "note": ("", "note on the row, for example that the cutoff of a mean is applied to a level"),
    "outcome": ("", "name of the outcome"),
    "events": ("1", "cases with the outcome"),
    "pairs": ("1", "pairs of cases in which it is known which case had the earlier outcome"),
    "c": ("1", "Harrell's C of low HU"),
    "hazard_ratio": ("1", "hazard ratio per standard deviation of lower HU"),
    "sd_hu": ("HU", "this standard deviation"),
    "cutoff_source": ("", "source of the cutoff: stated beforehand, published, or the median"),
    "n_low|events_low|n_high|events_high": (
        "1",
        "cases, and those with the outcome, at or below the cutoff and above it",
    ),
    "chi_squared": ("1", "statistic of the log-rank test"),
    "side": ("", "side of the cutoff: `at or below` or `above`"),
    "days": ("d", "since the CT"),
    "at_risk": ("1", "cases with at least this follow-up"),
    "survival": ("1", "proportion without the outcome (Kaplan–Meier)"),
    "analysis": ("", "the analysis with missing results"),
    "reason": ("", "reason"),
    "would_need": ("", "columns, options or packages that would provide the result; empty if more cases are needed"),
    "ci_low|ci_high": ("as the value", "its confidence interval"),
    "adjusted_for": ("", "columns that the correlation is adjusted for, joined by `;`"),
    "target": ("", "condition to find"),
    "positive": ("", "the same in words: the groups that count as positive"),
    "n_positive|n_negative": ("1", "cases with and without it"),
    "auc": ("1", "area under the ROC curve (DeLong)"),
    "cutoff_hu": ("HU", "the cutoff; the cohort's own are those with the greatest Youden index"),
    "cutoff_low|cutoff_high": ("HU", "bootstrap interval of the cutoff"),
    "sensitivity|specificity": (
        "1",
        "proportion of cases with it that are found, and of cases without it that are not",
    ),
    "sensitivity_low|sensitivity_high|specificity_low|specificity_high": ("1", "their confidence intervals"),
    "true_positive|false_negative|true_negative|false_positive": ("1", "the counts behind them"),
    "youden": ("1", "sensitivity + specificity − 1"),
    "rule": ("", "how a mean is compared with the cutoff: `<=` or `<`"),
    "corrected_sensitivity|corrected_specificity|corrected_youden": (
        "1",
        "expected in other cases: corrected for optimism by the bootstrap",
    ),
    "optimism_of_sensitivity|optimism_of_specificity": ("1", "the subtracted optimism"),
    "resamples|seed": ("1", "of the bootstrap"),
    "difference": ("1", "area of the first minus that of the second"),
    "prevalence": ("1", "stated prevalence of the target among the patients to be tested"),
    "ppv|npv": ("1", "positive and negative predictive value"),
    "ppv_low|ppv_high|npv_low|npv_high": ("1", "their confidence intervals"),
    "cutoffs": ("", "source of the cutoffs"),
    "agreeing": ("1", "cases with the same class as by DXA"),
    "observed_agreement": ("1", "proportion of these cases"),
    "kappa|linear_kappa": ("1", "Cohen's κ, without and with linear weights"),
    "kappa_low|kappa_high|linear_kappa_low|linear_kappa_high": ("1", "their confidence intervals"),
    "dxa_GROUP_class_GROUP": ("1", "confusion matrix: cases of this group by DXA with that class by HU"),
    "source_sensitivity|source_specificity": ("1", "sensitivity and specificity of the same cutoff in its source"),
    "source": ("", "source of the cutoff; of an item, the files that the answer comes from"),
    "list|item": ("", "name of the checklist, and the item's number in it"),
    "asks": ("", "what the item asks, in short"),
    "answer": ("", "the answer; `To be added by the authors` precedes what the analysis cannot know"),
    "citation": ("", "the checklist's publication, and where it was read"),
    "comparison": ("", "`between readers`, or `within reader` over repeated readings"),
    "readers": ("", "the readers, joined by `;`"),
    "split": ("", "subset of the readings: all, by the midlines' origin, or by blinding"),
    "icc_2_1|icc_3_1": ("1", "intraclass correlation: two-way, single reading, absolute agreement and consistency"),
    "icc_2_1_low|icc_2_1_high|icc_3_1_low|icc_3_1_high": ("1", "their confidence intervals"),
    "bias_hu": ("HU", "mean difference, first minus second"),
    "bias_low|bias_high": ("HU", "its confidence interval"),
    "lower_limit_hu|upper_limit_hu": ("HU", "Bland and Altman's limits of agreement"),
    "lower_limit_low|lower_limit_high|upper_limit_low|upper_limit_high": ("HU", "their confidence intervals"),
    "bias_slope|bias_slope_low|bias_slope_high": (
        "1",
        "change of the difference per HU of the readings' mean, and its interval; if the interval excludes 0, the bias "
        "is proportional",
    ),
    "bias_slope_p": ("1", "p-value of no slope"),
    "sd_of_differences_hu": ("HU", "standard deviation of the differences"),
    "rms_sd_hu": ("HU", "precision error: root mean square of the cases' standard deviations"),
    "rms_sd_low|rms_sd_high": ("HU", "its confidence interval"),
    "cv_percent|cv_low|cv_high": ("%", "the same as coefficient of variation, and its confidence interval"),
    "lsc_hu|lsc_low|lsc_high": ("HU", "least significant change, 2.77 times the precision error, and its interval"),
    "first_hu|second_hu": ("HU", "HU of the first and the second reading"),
    "mean_hu|difference_hu": ("HU", "mean of the readings, and first minus second"),
    "severity": ("", "`note`, `warning` or `severe`: see [findings](findings.md#how-grave-it-is)"),
    "code": ("", "stable name of the finding"),
    "protocol": ("", "name of the results, by `--results`; empty for the cohort's table"),
    "levels": ("", "levels of the mean"),
    "median_hu|q1_hu|q3_hu|minimum_hu|maximum_hu": ("HU", "its distribution"),
    "osteoporosis_cutoff_hu|normal_cutoff_hu": ("HU", "the method's cutoffs; empty if there are none"),
    "bias_slope_p_corrected": ("1", "the same, corrected for multiple comparisons"),
    "regression": ("", "name of the regression"),
    "intercept_hu|intercept_low|intercept_high": (
        "HU",
        "intercept of the line and its interval; without 0, the methods differ by a constant",
    ),
    "slope|slope_low|slope_high": (
        "1",
        "slope of the line and its interval; without 1, the methods differ in proportion to the HU",
    ),
    "error_ratio": ("1", "variance of the second method's error divided by that of the first's (Deming)"),
    "error_ratio_source": ("", "`given`, `assumed: equal errors` or `estimated from repeated readings`"),
    "linearity_h": ("1", "statistic of the cusum test of linearity (Passing and Bablok)"),
    "linearity_p|linearity_p_corrected": ("1", "its p-value, uncorrected and corrected for multiple comparisons"),
    "first_GROUP_second_GROUP": ("1", "cross table: cases of this class by the first method and that by the second"),
    "interval_method": ("", "method of the interval"),
    "row|column": ("", "location in the cohort's table; row 1 is the header"),
    "sentence|remedy": ("", "the finding, and what to do"),
}
_FAMILIES = {
    "ROI": "(round|oval|right|front|left)",
    "GROUP": "(normal|osteopenia|osteoporosis)",
}


def pages() -> dict[Path, str]:
    """Return the pages as Markdown, by their file."""
    cohort, comparison = _tables()
    own = {name: described for name, described in _COLUMNS.items() if name not in _COMPARISON_COLUMNS}
    return {
        PAGE: "\n".join([_HEAD, *(_part(table, _ROWS, _COLUMNS) for table in cohort)]),
        COMPARISON_PAGE: "\n".join(
            [
                _COMPARISON_HEAD,
                *(_part(table, {**_ROWS, **_COMPARISON_ROWS}, {**_COMPARISON_COLUMNS, **own}) for table in comparison),
            ]
        ),
    }


def _part(table: Table, rows_of: Mapping[str, str], meanings: Mapping[str, tuple[str, str]]) -> str:
    """Return the description of a table."""
    rows = [f"| {', '.join(names)} | {unit} | {meaning} |" for names, unit, meaning in _described(table, meanings)]
    title = table.title.replace("Shanghai 2022", "the study")
    head = f"## {table.name}.csv\n\n{title}. A row is {rows_of[table.name]}.\n"
    return "\n".join([head, "| column | unit | meaning |", "|---|---|---|", *rows]) + "\n"


def _tables() -> tuple[list[Table], list[Table]]:
    """Return the tables of the example cohort, and those of a comparison of two of its methods."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_synthetic_cohort(folder)
        options = AnalysisOptions(prevalences={"osteoporosis": 0.2, "low_bmd": 0.6}, resamples=100)
        job = CohortJob(folder / COHORT, folder / "result", options, folder / READINGS, outcome_name=OUTCOME)
        comparison = run_comparison_job(ComparisonJob(parse_methods(["round", "oval"]), folder / COHORT))
        return list(run_cohort_job(job).tables.values()), list(comparison.tables.values())


def _described(table: Table, meanings: Mapping[str, tuple[str, str]]) -> list[tuple[list[str], str, str]]:
    """Return the columns of a table, grouped by meaning, with unit and meaning."""
    described: dict[str, tuple[list[str], str, str]] = {}
    for column in table.columns:
        pattern = next(pattern for pattern in meanings if re.fullmatch(_expanded(pattern), column))
        names, _, _ = described.setdefault(pattern, ([], *meanings[pattern]))
        names.append(f"`{column}`")
    return list(described.values())


def _expanded(pattern: str) -> str:
    for family, names in _FAMILIES.items():
        pattern = pattern.replace(family, names)
    return pattern


if __name__ == "__main__":
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8", newline="\n")
