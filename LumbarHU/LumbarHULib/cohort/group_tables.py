"""Make the study's Tables 1 and 2 for a cohort: its characteristics, and its HU by level, region and group."""

from collections.abc import Sequence

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.counts import compare_counts
from LumbarHULib.cohort.groups import GROUPS, Description, GroupComparison, compare_groups, describe
from LumbarHULib.cohort.tables import TEST_COLUMNS, Cell, Omissions, Table, cells_of_test
from LumbarHULib.core.levels import LEVELS

ALL = "all"
# Groups with a corrected p-value below this are marked as different.
ALPHA = 0.05

# Characteristics of a patient, by column of the cohort's table, with their units.
CHARACTERISTICS = {
    "age": "a",
    "bmi": "kg/m²",
    "bmd": "g/cm²",
    "bmd_neck": "g/cm²",
    "bmd_hip": "g/cm²",
    "t_score": "1",
    "days_ct_dxa": "d",
}
# These are included only if the table has them.
MORE_CHARACTERISTICS = {"qct_mg_cc": "mg/cm³", "outcome_days": "d"}
CATEGORIES = {"sex": ("male", "female"), "menopause": ("pre", "peri", "post")}

_NO_COLUMN = "The table has no such column, or no usable value in it."
_DESCRIPTION = ("n", "left_out", "mean", "sd", "median", "q1", "q3", "minimum", "maximum", "shapiro_p")


def characteristics_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return Table 1: numbers with the test chosen by Shapiro–Wilk, and counts with Pearson's χ² test."""
    name = "Characteristics"
    rows: list[list[Cell]] = []
    for variable, categories in CATEGORIES.items():
        if variable not in cohort.labels:
            omissions.add(name, variable, _NO_COLUMN, variable)
            continue
        rows += _counts(cohort, variable, categories, omissions)
    more = {name: unit for name, unit in MORE_CHARACTERISTICS.items() if name in cohort.numbers}
    for variable, unit in (CHARACTERISTICS | more).items():
        if variable not in cohort.numbers:
            omissions.add(name, variable, _NO_COLUMN, variable)
            continue
        values = cohort.numbers[variable]
        compared = omissions.attempt(
            name, f"the test of {variable}", compare_groups, values, cohort.groups, name=variable
        )
        for group, described in _described(values, cohort.groups):
            cells = [variable, "", unit, group, None, None, _kind(described, compared), *_cells(described)]
            rows.append([*cells, *cells_of_test(compared.test if compared else None)])
    columns = ("variable", "category", "unit", "group", "count", "percent", "reported_as", *_DESCRIPTION, *TEST_COLUMNS)
    return Table("characteristics", "Characteristics of the cohort", columns, rows)


def _kind(described: Description | None, compared: GroupComparison | None) -> str:
    """Return how a number is described: the same in every group, matching the chosen test."""
    if described is None:
        return ""
    is_normal = described.is_normal if compared is None else all(group.is_normal for group in compared.groups)
    return "mean ± SD" if is_normal else "median (Q1, Q3)"


def _counts(cohort: Cohort, variable: str, categories: Sequence[str], omissions: Omissions) -> list[list[Cell]]:
    """Return one row per category and group."""
    labels = np.array(cohort.labels[variable])
    groups = np.array(cohort.groups)
    compared = omissions.attempt(
        "Characteristics", f"the test of {variable}", compare_counts, labels, groups, categories, GROUPS
    )
    rows = []
    for category in categories:
        for group in (ALL, *GROUPS):
            known = (labels != "") & ((groups == group) | (group == ALL))
            count, total = int((labels[known] == category).sum()), int(known.sum())
            percent = 100 * count / total if total else None
            left_out = int(((labels == "") & ((groups == group) | (group == ALL))).sum())
            described = [total, left_out, *[None] * (len(_DESCRIPTION) - 2)]
            cells = [variable, category, "1", group, count, percent, "count", *described]
            rows.append([*cells, *cells_of_test(compared.test if compared else None)])
    return rows


def groups_tables(cohort: Cohort, omissions: Omissions) -> tuple[Table, Table]:
    """Return Table 2 and the pairwise tests: BMD and HU of each level and of their mean, by group.

    All tests are Kruskal–Wallis tests, as in the study; pairs are compared by Dunn's test with Holm's correction.
    """
    rows: list[list[Cell]] = []
    pairs: list[list[Cell]] = []
    for level in cohort.levels_and_mean:
        for quantity in ("bmd", *cohort.measured_rois):
            values = cohort.bmd(level) if quantity == "bmd" else cohort.hu(level, quantity)
            if values is None or np.isnan(values).all():
                omissions.add("HU by group", f"{quantity} of {level}", _NO_COLUMN, _columns_of(level, quantity))
                continue
            compared = omissions.attempt(
                "Tests of HU by group",
                f"{quantity} of {level}",
                compare_groups,
                values,
                cohort.groups,
                name=f"{quantity} of {level}",
                by_ranks=True,
            )
            unit = "g/cm²" if quantity == "bmd" else "HU"
            for group, described in _described(values, cohort.groups):
                cells = [level, quantity, unit, group, *_cells(described)]
                rows.append([*cells, *cells_of_test(compared.test if compared else None), _different(compared, group)])
            if compared:
                for pair in compared.pairwise:
                    cells = [pair.first, pair.second, pair.statistic, pair.p_value, pair.corrected_p_value]
                    pairs.append([level, quantity, *cells, compared.pairwise_method])
    columns = ("level", "quantity", "unit", "group", *_DESCRIPTION, *TEST_COLUMNS, "differs_from")
    pair_columns = ("level", "quantity", "first", "second", "z", "p", "p_corrected", "method")
    return (
        Table("groups", "Bone mineral density and HU by group", columns, rows),
        Table("groups_pairwise", "Bone mineral density and HU by group: pairs of groups", pair_columns, pairs),
    )


def _columns_of(level: str, quantity: str) -> str:
    """Return the source columns of a quantity at a level or as a mean."""
    if quantity == "bmd":
        return f"bmd_{level}" if level in LEVELS else "bmd"
    return f"hu_{level}_{quantity}" if level in LEVELS else f"hu_… of {quantity} at two levels or more"


def _described(values: np.ndarray, groups: Sequence[str]) -> list[tuple[str, Description | None]]:
    """Return the description of all values and of each group's values; None for a group without values."""
    labels = np.array(groups)
    samples = [(ALL, values), *((group, values[labels == group]) for group in GROUPS)]
    return [(group, None if np.isnan(sample).all() else describe(sample, group)) for group, sample in samples]


def _cells(described: Description | None) -> list[Cell]:
    if described is None:
        return [0, *[None] * (len(_DESCRIPTION) - 1)]
    return [getattr(described, name) for name in _DESCRIPTION]


def _different(compared: GroupComparison | None, group: str) -> str:
    """Return the groups that differ from `group`, joined by semicolons."""
    if compared is None:
        return ""
    pairs = [pair for pair in compared.pairwise if group in (pair.first, pair.second)]
    others = {pair.first if pair.second == group else pair.second for pair in pairs if pair.corrected_p_value < ALPHA}
    return ";".join(other for other in GROUPS if other in others)
