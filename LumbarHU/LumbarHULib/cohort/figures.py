"""The figures of a cohort as values: correlation, groups, ROC, and Bland–Altman of each pair of readings."""

from collections.abc import Iterator

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
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.reading_sets import ReadingSet, reading_sets
from LumbarHULib.cohort.roc import roc_curve
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS

NO_GROUP = "no group"
_MEAN_HU = "mean HU of L1–L4 (HU)"
# Whiskers reach to the last value within so many box lengths (J.W. Tukey, Exploratory Data Analysis, 1977).
_WHISKER = 1.5
# Beyond the limits of agreement, so that they do not frame the diagram.
_LIMITS_ROOM = 1.4
_SHARES = (-0.02, 1.02)
# The curves' markers as letters.
_MARKER_LETTERS = {"osteoporosis": "□", "low_bmd": "○"}


def figures_of(analysis: CohortAnalysis) -> tuple[FigureValues, ...]:
    """Return each figure that the cohort allows, from the values of its tables."""
    found = [make(analysis) for make in (_correlation, _groups, _roc)]
    return (*(figure for figure in found if figure is not None), *_bland_altman(analysis))


def _correlation(analysis: CohortAnalysis) -> FigureValues | None:
    """Return HU against bone mineral density, a panel per region (the study's Fig. 4)."""
    cohort = analysis.cohort
    found = {record["roi"]: record for record in analysis.tables["correlation"].records()}
    if not found:
        return None
    density, groups = cohort.bmd(MEAN), np.array(cohort.groups)
    known = {roi: ~np.isnan(density) & ~np.isnan(cohort.hu(MEAN, roi)) for roi in found}
    y_limits = limits_of([cohort.hu(MEAN, roi)[known[roi]] for roi in found])
    shown = [group for group in (*GROUPS, "") if (groups == group).any()]
    panels = []
    for roi, told in found.items():
        hu, chosen = cohort.hu(MEAN, roi), [known[roi] & (groups == group) for group in shown]
        p = "p < 0.001" if told["p"] < 0.001 else f"p = {told['p']:.3f}"
        coefficient = _minus(f"ρ = {told['rho']:.2f} ({told['ci_low']:.2f} to {told['ci_high']:.2f})")
        panels.append(
            FigurePanel(
                title=roi,
                x_label="BMD of L1–L4 (g/cm²)",
                y_label=_MEAN_HU,
                told=f"{coefficient}\n{p}, n = {told['n']}",
                x_limits=limits_of([density[known[roi]]]),
                y_limits=y_limits,
                series=tuple(
                    Series(group or NO_GROUP, f"{group or NO_GROUP}, n = {rows.sum()}", density[rows], hu[rows])
                    for group, rows in zip(shown, chosen, strict=True)
                ),
            )
        )
    return FigureValues(
        name="correlation",
        title="HU against BMD",
        caption="HU against bone mineral density by DXA, by region.",
        panels=tuple(panels),
        legend_title="Group by DXA",
        legend=tuple(LegendLine(group or NO_GROUP, group or NO_GROUP, False, True) for group in shown),
        legend_note="ρ: Spearman's coefficient\nwith 95 % interval",
        free_corner="upper left",
    )


def _groups(analysis: CohortAnalysis) -> FigureValues | None:
    """Return HU by group, a panel per region, with the cohort's own cutoffs."""
    cohort, groups = analysis.cohort, np.array(analysis.cohort.groups)
    rois = cohort.rois(MEAN)
    shown = [group for group in GROUPS if any((~np.isnan(cohort.hu(MEAN, roi)[groups == group])).any() for roi in rois)]
    if not shown:
        return None
    y_limits = limits_of([values[~np.isnan(values)] for values in (cohort.hu(MEAN, roi) for roi in rois)])
    panels = []
    for roi in rois:
        described = {record["group"]: record for record in analysis.tables["groups"].records(level=MEAN, quantity=roi)}
        boxes = tuple(
            _box(group, place, described[group], cohort.hu(MEAN, roi)[groups == group])
            for place, group in enumerate(shown, 1)
            if described[group]["n"]
        )
        panels.append(
            FigurePanel(
                title=roi,
                x_label="",
                y_label=_MEAN_HU,
                told=", ".join(box.label.replace("\n", " ") for box in boxes),
                x_limits=(0.5, len(shown) + 0.5),
                y_limits=y_limits,
                levels=tuple(
                    Level(f"finds {roc.target}", f"cutoff for {TARGETS[roc.target].positive}", at.cutoff_hu)
                    for roc in analysis.rocs
                    if roc.roi == roi and roc.cutoff
                    for at in [roc.cutoff.apparent]
                ),
                boxes=boxes,
            )
        )
    lines = tuple(
        LegendLine(_two_lines(f"for {TARGETS[target].positive}"), f"finds {target}", True, False)
        for target in TARGETS
        if any(roc.target == target and roc.cutoff for roc in analysis.rocs)
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


def _box(group: str, place: int, described, hu: np.ndarray) -> Box:
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
        # Of few cases a quartile may lie outside what is left: a whisker never points into its box.
        low=min(q1, float(within[0])) if within.size else q1,
        high=max(q3, float(within[-1])) if within.size else q3,
        outliers=tuple(float(value) for value in values if not q1 - reach <= value <= q3 + reach),
    )


def _roc(analysis: CohortAnalysis) -> FigureValues | None:
    """Return the ROC curves, a panel per region (the study's Fig. 5)."""
    if not analysis.rocs:
        return None
    rois = dict.fromkeys(roc.roi for roc in analysis.rocs)
    panels = []
    for roi in rois:
        rocs = [roc for roc in analysis.rocs if roc.roi == roi]
        chance = Series("chance", "chance", np.array([0.0, 1.0]), np.array([0.0, 1.0]), is_line=True)
        series, told = [chance], []
        for roc in rocs:
            series += _curve(analysis, roc)
            told.append(_told_of(roc))
        panels.append(
            FigurePanel(
                title=roi,
                x_label="1 − specificity",
                y_label="sensitivity",
                told="\n".join(told),
                x_limits=_SHARES,
                y_limits=_SHARES,
                series=tuple(series),
                is_square=True,
            )
        )
    return FigureValues(
        name="roc",
        title="ROC curves",
        caption="ROC curves of the mean over L1–L4, by region, with the Youden cutoffs.",
        panels=tuple(panels),
        legend_title="Low HU find",
        legend=tuple(
            LegendLine(_two_lines(TARGETS[target].positive), f"finds {target}", True, True)
            for target in TARGETS
            if any(roc.target == target for roc in analysis.rocs)
        ),
        legend_note="AUC: area with 95 % interval\nmarker: Youden cutoff\nn = with : without",
        free_corner="lower right",
    )


def _curve(analysis: CohortAnalysis, roc: RegionRoc) -> Iterator[Series]:
    target = TARGETS[roc.target]
    curve = roc_curve(analysis.cohort.hu(MEAN, roc.roi), analysis.cohort.groups, target)
    role = f"finds {roc.target}"
    area = f"{target.positive}: AUC {roc.area.estimate:.2f}, n = {roc.area.n_positive} : {roc.area.n_negative}"
    yield Series(role, area, curve.false_positive_rate, curve.true_positive_rate, is_line=True)
    if roc.cutoff:
        at = roc.cutoff.apparent
        x, y = np.array([1 - at.specificity.estimate]), np.array([at.sensitivity.estimate])
        yield Series(role, f"{_rule(at.rule)} {at.cutoff_hu:.1f} HU", x, y)


def _told_of(roc: RegionRoc) -> str:
    area = roc.area
    line = f"{_MARKER_LETTERS[roc.target]} AUC {area.estimate:.2f} ({area.low:.2f} to {area.high:.2f})"
    if roc.cutoff:
        at = roc.cutoff.apparent
        line += f"\n{_rule(at.rule)} {at.cutoff_hu:.1f} HU"
    return f"{line}, n = {area.n_positive} : {area.n_negative}"


def _bland_altman(analysis: CohortAnalysis) -> Iterator[FigureValues]:
    """Yield the differences of two readings against their mean, a panel per region."""
    rows = list(analysis.tables["agreement"].records(level=MEAN, split="all"))
    number = 0
    for found in reading_sets(analysis.cohort.readings):
        of_set = [row for row in rows if row["readers"] == ";".join(found.names) and row["bias_hu"] is not None]
        if len(found.names) != 2 or not of_set:
            continue
        number += 1
        first, second = found.names
        yield FigureValues(
            name=f"bland_altman_{number}",
            title=f"{first} minus {second}",
            caption=f"Difference of {first} and {second} against their mean (Bland–Altman) over L1–L4, by region.",
            panels=_difference_panels(found, of_set, analysis.cohort.minimum_levels),
            legend_title=f"{first}\nminus {second}",
            legend=(LegendLine("bias", "bias", True, False), LegendLine("95 % limits", "limit", True, False)),
            legend_note="gray: 95 % intervals of\nbias and limits",
            free_corner="",
        )


def _difference_panels(found: ReadingSet, rows: list, minimum_levels: int) -> tuple[FigurePanel, ...]:
    both = {}
    for row in rows:
        values = found.values(MEAN, row["roi"], minimum_levels)
        both[row["roi"]] = values[:, ~np.isnan(values).any(axis=0)]
    reach = max(
        *(_LIMITS_ROOM * abs(row[f"{end}_limit_hu"]) for row in rows for end in ("lower", "upper")),
        *(float(np.abs(first - second).max()) for first, second in both.values()),
        1e-6,
    )
    panels = []
    for row in rows:
        first, second = both[row["roi"]]
        mean_hu = (first + second) / 2
        limits = f"{row['lower_limit_hu']:.1f} to {row['upper_limit_hu']:.1f} HU"
        panels.append(
            FigurePanel(
                title=row["roi"],
                x_label="mean of both (HU)",
                y_label="difference (HU)",
                told=_minus(f"bias {row['bias_hu']:.1f}, limits {limits}, n = {row['n']}"),
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


def _rule(rule: str) -> str:
    return rule.replace("<=", "≤")


def _two_lines(text: str) -> str:
    return text.replace(" or ", "\nor ")


def _minus(text: str) -> str:
    return text.replace("-", "−")
