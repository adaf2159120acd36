"""Prepare the figures of a cohort as values: correlation, groups, ROC and outcome, and Bland–Altman of two readings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import (
    Box,
    FigurePanel,
    FigureValues,
    LegendLine,
    Level,
    Series,
    limits_of,
)
from LumbarHULib.cohort.flow import main_place
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.reading_sets import reading_sets
from LumbarHULib.cohort.references import DXA
from LumbarHULib.cohort.roc_figures import (
    forest_figure,
    hu_label,
    minus,
    roc_figure,
    role_of,
    survival_figure,
    two_lines,
)
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS

NO_GROUP = "no group"
# Whiskers extend to the last value within this many box lengths (J.W. Tukey, Exploratory Data Analysis, 1977).
_WHISKER = 1.5
# Extend the axis beyond the limits of agreement, so that these are not at the diagram's edge.
_LIMITS_ROOM = 1.4


def figures_of(analysis: CohortAnalysis) -> tuple[FigureValues, ...]:
    """Return each figure for which the cohort has data, from the values of its tables."""
    cohort = analysis.cohort
    mean_correlations = list(analysis.tables["correlation"].records()) or _correlations_by_level(
        analysis, cohort.mean_name
    )
    found = [_correlation(analysis, mean_correlations), _groups(analysis)]
    found += [roc_figure(analysis, analysis.rocs, reference) for reference in cohort.references]
    for level in cohort.level_places:
        found.append(_correlation(analysis, _correlations_by_level(analysis, level), level))
        rocs = [roc for roc in analysis.level_rocs if roc.level == level]
        found += [roc_figure(analysis, rocs, reference, level) for reference in cohort.references]
    found += [forest_figure(analysis, reference) for reference in cohort.references]
    found.append(survival_figure(analysis))
    return (*(figure for figure in found if figure is not None), *_bland_altman(analysis))


def _correlations_by_level(analysis: CohortAnalysis, level: str) -> list[Mapping[str, Any]]:
    """Return the rows with the correlation of a level or mean with DXA."""
    records = analysis.tables["correlation_levels"].records(level=level)
    return [record for record in records if record["density"] != "qct_mg_cc"]


def _correlation(
    analysis: CohortAnalysis, records: Iterable[Mapping[str, Any]], level: str = ""
) -> FigureValues | None:
    """Return HU against density of the mean or of a level, one panel per region (the study's Fig. 4)."""
    cohort, place = analysis.cohort, level or analysis.cohort.mean_name
    found = {record["roi"]: record for record in records}
    if not found:
        return None
    column = next(iter(found.values())).get("density", "bmd")
    density, groups = cohort.numbers[column], np.array(cohort.groups)
    known = {roi: ~np.isnan(density) & ~np.isnan(cohort.hu(place, roi)) for roi in found}
    y_limits = limits_of([cohort.hu(place, roi)[known[roi]] for roi in found])
    shown = [group for group in (*GROUPS, "") if (groups == group).any()]
    panels = []
    for roi, record in found.items():
        hu, chosen = cohort.hu(place, roi), [known[roi] & (groups == group) for group in shown]
        p = "p < 0.001" if record["p"] < 0.001 else f"p = {record['p']:.3f}"
        coefficient = minus(f"ρ = {record['rho']:.2f} ({record['ci_low']:.2f} to {record['ci_high']:.2f})")
        panels.append(
            FigurePanel(
                title=roi,
                x_label=_density_label(column),
                y_label=hu_label(place),
                text=f"{coefficient}\n{p}, n = {record['n']}",
                x_limits=limits_of([density[known[roi]]]),
                y_limits=y_limits,
                series=tuple(
                    Series(group or NO_GROUP, f"{group or NO_GROUP}, n = {rows.sum()}", density[rows], hu[rows])
                    for group, rows in zip(shown, chosen, strict=True)
                ),
            )
        )
    what = _density_words(column)
    return FigureValues(
        name=f"correlation_{level}" if level else "correlation",
        title=f"HU against {what[1]}" + (f", {level}" if level else ""),
        caption=f"HU against {what[0]}, by region" + (f", at {level}." if level else "."),
        panels=tuple(panels),
        legend_title="Group by DXA",
        legend=tuple(LegendLine(group or NO_GROUP, group or NO_GROUP, False, True) for group in shown),
        legend_note="ρ: Spearman's coefficient\nwith 95 % interval",
        free_corner="upper left",
        sheet="correlation_levels" if level else "",
        row_title=level,
    )


def _density_words(column: str) -> tuple[str, str]:
    """Return the name of a density column in a caption and in a title."""
    return {"t_score": ("the T-score by DXA", "T-score")}.get(column, ("bone mineral density by DXA", "BMD"))


def _density_label(column: str) -> str:
    if column == "t_score":
        return "T-score"
    return f"BMD of {column.removeprefix('bmd_') if '_' in column else MEAN} (g/cm²)"


def _groups(analysis: CohortAnalysis) -> FigureValues | None:
    """Return HU by group, one panel per region, with the cohort's own cutoffs."""
    cohort, groups = analysis.cohort, np.array(analysis.cohort.groups)
    mean = main_place(cohort)
    rois = cohort.rois(mean)
    rocs = [roc for roc in (analysis.rocs or analysis.level_rocs) if roc.level == mean and roc.reference == DXA]
    shown = [group for group in GROUPS if any((~np.isnan(cohort.hu(mean, roi)[groups == group])).any() for roi in rois)]
    if not shown:
        return None
    y_limits = limits_of([values[~np.isnan(values)] for values in (cohort.hu(mean, roi) for roi in rois)])
    panels = []
    for roi in rois:
        described = {record["group"]: record for record in analysis.tables["groups"].records(level=mean, quantity=roi)}
        boxes = tuple(
            _box(group, place, described[group], cohort.hu(mean, roi)[groups == group])
            for place, group in enumerate(shown, 1)
            if described[group]["n"]
        )
        panels.append(
            FigurePanel(
                title=roi,
                x_label="",
                y_label=hu_label(mean),
                text=", ".join(box.label.replace("\n", " ") for box in boxes),
                x_limits=(0.5, len(shown) + 0.5),
                y_limits=y_limits,
                levels=tuple(
                    Level(
                        role_of(analysis, roc.target),
                        f"cutoff for {analysis.cohort.targets[roc.target].positive}",
                        at.cutoff_hu,
                    )
                    for roc in rocs
                    if roc.roi == roi and roc.cutoff
                    for at in [roc.cutoff.apparent]
                ),
                boxes=boxes,
            )
        )
    lines = tuple(
        LegendLine(two_lines(f"for {TARGETS[target].positive}"), role_of(analysis, target), True, False)
        for target in TARGETS
        if any(roc.target == target and roc.cutoff for roc in rocs)
    )
    return FigureValues(
        name="groups",
        title="HU by group",
        caption="HU by group of bone mineral density, by region.",
        panels=tuple(panels),
        legend_title="Cutoffs of this cohort" if lines else "",
        legend=lines,
        legend_note="box: quartiles; line: median\nwhiskers: up to 1.5 box lengths",
        free_corner="upper right",
    )


def _box(group: str, place: int, described: Mapping[str, Any], hu: np.ndarray) -> Box:
    values = np.sort(hu[~np.isnan(hu)])
    q1, q3 = described["q1"], described["q3"]
    reach = _WHISKER * (q3 - q1)
    within = values[(values >= q1 - reach) & (values <= q3 + reach)]
    return Box(
        role=group,
        label=f"{group}\nn = {described['n']}",
        x=float(place),
        median=described["median"],
        q1=q1,
        q3=q3,
        # With few cases a quartile may be beyond the remaining values; a whisker must not point into its box.
        low=min(q1, float(within[0])) if within.size else q1,
        high=max(q3, float(within[-1])) if within.size else q3,
        outliers=tuple(float(value) for value in values if not q1 - reach <= value <= q3 + reach),
    )


def _bland_altman(analysis: CohortAnalysis) -> Iterator[FigureValues]:
    """Yield the differences of two readings against their mean, one panel per region."""
    rows = list(analysis.tables["agreement"].records(level=MEAN, split="all"))
    number = 0
    for found in reading_sets(analysis.cohort.readings):
        set_rows = [row for row in rows if row["readers"] == ";".join(found.names) and row["bias_hu"] is not None]
        if len(found.names) != 2 or not set_rows:
            continue
        number += 1
        first, second = found.names
        every = {row["roi"]: found.values(MEAN, row["roi"], analysis.cohort.minimum_levels) for row in set_rows}
        both = {roi: values[:, ~np.isnan(values).any(axis=0)] for roi, values in every.items()}
        yield FigureValues(
            name=f"bland_altman_{number}",
            title=f"{first} minus {second}",
            caption=f"Difference of {first} and {second} against their mean (Bland–Altman) over L1–L4, by region.",
            panels=difference_panels({row["roi"]: row for row in set_rows}, both),
            legend_title=f"{first}\nminus {second}",
            legend=(LegendLine("bias", "bias", True, False), LegendLine("95 % limits", "limit", True, False)),
            legend_note="gray: 95 % intervals of\nbias and limits",
            free_corner="",
        )


def difference_panels(
    rows: Mapping[str, Mapping[str, Any]], values: Mapping[str, Sequence[np.ndarray] | np.ndarray]
) -> tuple[FigurePanel, ...]:
    """Return Bland–Altman panels with common limits of the differences.

    Parameters
    ----------
    rows : mapping of str to mapping
        Bias and limits with their intervals, by panel title, with the columns of the table of agreement.
    values : mapping of str to (numpy.ndarray, numpy.ndarray), each shape (n,)
        Both values of each complete case, by panel title.
    """
    reach = max(
        *(_LIMITS_ROOM * abs(row[f"{end}_limit_hu"]) for row in rows.values() for end in ("lower", "upper")),
        *(float(np.abs(first - second).max()) for first, second in values.values()),
        1e-6,
    )
    panels = []
    for title, row in rows.items():
        first, second = values[title]
        mean_hu = (first + second) / 2
        # Adding 0 turns a negative zero into zero.
        bias, low, high = (round(row[f"{name}_hu"], 1) + 0.0 for name in ("bias", "lower_limit", "upper_limit"))
        panels.append(
            FigurePanel(
                title=title,
                x_label="mean of both (HU)",
                y_label="difference (HU)",
                text=minus(f"bias {bias:.1f} HU, n = {row['n']}\nlimits {low:.1f} to {high:.1f} HU"),
                x_limits=limits_of([mean_hu]),
                y_limits=limits_of([np.array([-reach, reach])]),
                series=(Series("difference", f"n = {row['n']}", mean_hu, first - second),),
                levels=tuple(
                    Level(role, label, row[f"{end}_hu"], row[f"{end}_low"], row[f"{end}_high"])
                    for end, role, label in (
                        ("bias", "bias", "bias"),
                        ("lower_limit", "limit", "lower 95 % limit"),
                        ("upper_limit", "limit", "upper 95 % limit"),
                    )
                ),
            )
        )
    return tuple(panels)
