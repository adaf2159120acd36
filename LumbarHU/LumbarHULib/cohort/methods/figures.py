"""Prepare the figures of a comparison as values: differences, lines, ROC curves and their areas."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from LumbarHULib.cohort.figure_values import FigurePanel, FigureValues, Interval, LegendLine, Series, limits_of
from LumbarHULib.cohort.figures import difference_panels
from LumbarHULib.cohort.methods.comparison import DEMING, PASSING_BABLOK, MethodComparison
from LumbarHULib.cohort.methods.method import short_names
from LumbarHULib.cohort.references import Reference
from LumbarHULib.cohort.roc import roc_curve
from LumbarHULib.cohort.roc_figures import ROLES, SHARES, areas_figure, minus, suffix_of, two_lines

# Longest name in one line above a panel.
_MOST_LETTERS = 24


def figures_of_comparison(comparison: MethodComparison) -> Iterator[FigureValues]:
    """Yield each figure for which the comparison has results."""
    values = _values_of_pairs(comparison)
    short = {
        # A long name needs two lines above a panel.
        name: one.replace(":", ":\n") if len(one) > _MOST_LETTERS else one
        for name, one in short_names([one.method for one in comparison.measured.methods]).items()
    }
    limits = {(row["first"], row["second"]): row for row in comparison.tables["bland_altman"].records() if row["n"]}
    if limits:
        titles = {pair: f"{short[pair[0]]}\nminus {short[pair[1]]}" for pair in limits}
        yield FigureValues(
            name="bland_altman",
            title="Differences between methods",
            caption="Difference of two methods against their mean (Bland–Altman), by pair.",
            panels=difference_panels(
                {titles[pair]: row for pair, row in limits.items()}, {titles[pair]: values[pair] for pair in limits}
            ),
            legend_title="First minus second",
            legend=(LegendLine("bias", "bias", True, False), LegendLine("95 % limits", "limit", True, False)),
            legend_note="gray: 95 % intervals of\nbias and limits",
            free_corner="",
        )
    lines: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in comparison.tables["regression"].records():
        lines.setdefault((row["first"], row["second"]), {})[row["regression"]] = row
    if lines:
        yield FigureValues(
            name="regression",
            title="Lines between methods",
            caption="Second method against the first, with the lines of Deming and of Passing and Bablok, by pair.",
            panels=tuple(_line_panel(pair, found, values[pair], short) for pair, found in lines.items()),
            legend_title="Second against first",
            legend=(
                LegendLine("Deming", DEMING, True, False),
                LegendLine("Passing and Bablok", PASSING_BABLOK, True, False),
                LegendLine("equal HU", "identity", True, False),
            ),
            legend_note="y = a + b · x",
            free_corner="upper left",
        )
    for reference in comparison.measured.cohort.references:
        targets = [target.name for target in reference.targets]
        areas = [row for row in comparison.tables["roc"].records() if row["target"] in targets]
        if areas:
            yield _roc_figure(comparison, reference, areas, short)
            yield _areas_figure(reference, areas, short)


def _values_of_pairs(comparison: MethodComparison) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    values: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in comparison.tables["pairs"].records():
        values.setdefault((row["first"], row["second"]), []).append((row["first_hu"], row["second_hu"]))
    return {pair: tuple(np.array(both).T) for pair, both in values.items()}


def _line_panel(
    pair: tuple[str, str],
    found: Mapping[str, Mapping[str, Any]],
    hu: tuple[np.ndarray, np.ndarray],
    short: Mapping[str, str],
) -> FigurePanel:
    ends = np.array(limits_of(hu))
    series = [
        Series("identity", "equal HU", ends, ends, is_line=True),
        Series("difference", f"n = {hu[0].size}", *hu),
    ]
    text = [f"n = {hu[0].size}"]
    for name, row in found.items():
        series.append(Series(name, name, ends, row["intercept_hu"] + row["slope"] * ends, is_line=True))
        sign = "+" if row["slope"] >= 0 else "−"
        text.append(minus(f"{name}: {row['intercept_hu']:.1f} HU {sign} {abs(row['slope']):.3f} x"))
    limits = float(ends[0]), float(ends[1])
    return FigurePanel(
        title=f"{short[pair[1]]}\nagainst {short[pair[0]]}",
        x_label=f"{short[pair[0]]} (HU)",
        y_label=f"{short[pair[1]]} (HU)",
        text="\n".join(text),
        x_limits=limits,
        y_limits=limits,
        series=tuple(series),
    )


def _roc_figure(
    comparison: MethodComparison, reference: Reference, areas: list[Mapping[str, Any]], short: Mapping[str, str]
) -> FigureValues:
    measured, targets = comparison.measured, {target.name: target for target in reference.targets}
    panels = []
    for one in measured.methods:
        own = [row for row in areas if row["method"] == one.name]
        if not own:
            continue
        series = [Series("chance", "chance", np.array([0.0, 1.0]), np.array([0.0, 1.0]), is_line=True)]
        text = []
        for row in own:
            target = targets[row["target"]]
            curve = roc_curve(measured.hu(one), reference.labels, target)
            role = ROLES[list(targets).index(target.name)]
            series.append(Series(role, target.positive, curve.false_positive_rate, curve.true_positive_rate, True))
            area = f"{row['auc']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
            text.append(f"AUC {area}, n = {row['n_positive']} : {row['n_negative']}")
        panels.append(
            FigurePanel(
                title=short[one.name],
                x_label="1 − specificity",
                y_label="sensitivity",
                text="\n".join(text),
                x_limits=SHARES,
                y_limits=SHARES,
                series=tuple(series),
                is_square=True,
            )
        )
    known = [target for target in reference.targets if any(row["target"] == target.name for row in areas)]
    return FigureValues(
        name=f"roc{suffix_of(reference)}",
        title=f"ROC curves, {reference.name}",
        caption=f"ROC curves of the methods, {reference.name}; low HU find the target.",
        panels=tuple(panels),
        legend_title="Low HU find",
        legend=tuple(
            LegendLine(two_lines(target.positive), ROLES[reference.targets.index(target)], True, False)
            for target in known
        ),
        legend_note="AUC: area with 95 % interval,\nin this order\nn = with : without",
        free_corner="lower right",
    )


def _areas_figure(reference: Reference, areas: list[Mapping[str, Any]], short: Mapping[str, str]) -> FigureValues:
    panels = []
    for target in reference.targets:
        own = [row for row in areas if row["target"] == target.name]
        if not own:
            continue
        intervals = tuple(
            Interval(
                short[row["method"]],
                place,
                row["auc"],
                row["ci_low"],
                row["ci_high"],
                f"{row['auc']:.2f} ({row['ci_low']:.2f}–{row['ci_high']:.2f})",
            )
            for place, row in enumerate(own, 1)
        )
        panels.append((target.positive, intervals))
    return areas_figure(
        f"areas{suffix_of(reference)}",
        f"Areas by method, {reference.name}",
        f"Areas under the ROC curves of the methods with 95 % intervals (DeLong), {reference.name}.",
        panels,
    )
