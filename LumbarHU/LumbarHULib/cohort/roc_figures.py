"""Prepare ROC curves, forest plots of their areas, and Kaplan–Meier curves as values."""

from collections.abc import Iterator, Sequence

import numpy as np

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import FigurePanel, FigureValues, Interval, LegendLine, Series
from LumbarHULib.cohort.flow import main_place
from LumbarHULib.cohort.references import DXA, QCT, Reference
from LumbarHULib.cohort.roc import roc_curve
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.survival import DAYS_PER_YEAR, SplitSurvival, SurvivalCurve
from LumbarHULib.cohort.survival_tables import ABOVE, AT_OR_BELOW, RegionSurvival, curves_of
from LumbarHULib.core.levels import LEVELS

SHARES = (-0.02, 1.02)
# Marker symbols of the curves, for the first and the second target.
_MARKER_LETTERS = ("□", "○")
ROLES = ("finds osteoporosis", "finds low_bmd")
# Margin left and right of a forest plot's areas.
_ROOM = 0.03


def role_of(analysis: CohortAnalysis, target: str) -> str:
    """Return the drawing role of a target: the first or the second of its reference."""
    return ROLES[_place_of(analysis, target)]


def _place_of(analysis: CohortAnalysis, target: str) -> int:
    for reference in analysis.cohort.references:
        names = [one.name for one in reference.targets]
        if target in names:
            return names.index(target)
    return 0


def hu_label(place: str) -> str:
    """Return the axis label for the HU of a level or a mean."""
    return f"mean HU of {place} (HU)"


def suffix_of(reference: Reference) -> str:
    """Return the suffix of the names of a reference's figures."""
    return {DXA: "", QCT: "_qct"}.get(reference.name, "_outcome")


def _by(reference: Reference) -> str:
    return "" if reference.name == DXA else f", {reference.name}"


def roc_figure(
    analysis: CohortAnalysis, rocs: Sequence[RegionRoc], reference: Reference, level: str = ""
) -> FigureValues | None:
    """Return the ROC curves of one reference for the mean or a level, one panel per region (the study's Fig. 5)."""
    found = [roc for roc in rocs if roc.reference == reference.name]
    if not found:
        return None
    panels = []
    for roi in dict.fromkeys(roc.roi for roc in found):
        chance = Series("chance", "chance", np.array([0.0, 1.0]), np.array([0.0, 1.0]), is_line=True)
        series, lines = [chance], []
        for roc in (roc for roc in found if roc.roi == roi):
            series += _curve(analysis, reference, roc)
            lines.append(_area_text(analysis, roc))
        panels.append(
            FigurePanel(
                title=roi,
                x_label="1 − specificity",
                y_label="sensitivity",
                text="\n".join(lines),
                x_limits=SHARES,
                y_limits=SHARES,
                series=tuple(series),
                is_square=True,
            )
        )
    place = level or analysis.cohort.mean_name
    mean_words = f"of {place}" if place in LEVELS else f"of the mean over {place}"
    targets = [target for target in reference.targets if any(roc.target == target.name for roc in found)]
    suffix = suffix_of(reference)
    return FigureValues(
        name=f"roc{suffix}_{level}" if level else f"roc{suffix}",
        title="ROC curves" + _by(reference) + (f", {level}" if level else ""),
        caption=f"ROC curves {mean_words}{_by(reference)}, by region, with the Youden cutoffs.",
        panels=tuple(panels),
        legend_title="Low HU find",
        legend=tuple(
            LegendLine(two_lines(target.positive), role_of(analysis, target.name), True, True) for target in targets
        ),
        legend_note="AUC: area with 95 % interval\nmarker: Youden cutoff\nn = with : without",
        free_corner="lower right",
        sheet=f"roc_levels{suffix}" if level else "",
        row_title=level,
    )


def _curve(analysis: CohortAnalysis, reference: Reference, roc: RegionRoc) -> Iterator[Series]:
    target = analysis.cohort.targets[roc.target]
    curve = roc_curve(analysis.cohort.hu(roc.level, roc.roi), reference.labels, target)
    role = role_of(analysis, roc.target)
    area = f"{target.positive}: AUC {roc.area.estimate:.2f}, n = {roc.area.n_positive} : {roc.area.n_negative}"
    yield Series(role, area, curve.false_positive_rate, curve.true_positive_rate, is_line=True)
    if roc.cutoff:
        at = roc.cutoff.apparent
        x, y = np.array([1 - at.specificity.estimate]), np.array([at.sensitivity.estimate])
        yield Series(role, f"{_rule(at.rule)} {at.cutoff_hu:.1f} HU", x, y)


def _area_text(analysis: CohortAnalysis, roc: RegionRoc) -> str:
    area, letter = roc.area, _MARKER_LETTERS[_place_of(analysis, roc.target)]
    line = f"{letter} AUC {area.estimate:.2f} ({area.low:.2f} to {area.high:.2f})"
    if roc.cutoff:
        at = roc.cutoff.apparent
        line += f"\n{_rule(at.rule)} {at.cutoff_hu:.1f} HU"
    return f"{line}, n = {area.n_positive} : {area.n_negative}"


def forest_figure(analysis: CohortAnalysis, reference: Reference) -> FigureValues | None:
    """Return a forest plot of the areas of every level and region with their intervals, one panel per target."""
    rocs = [
        *(roc for roc in analysis.level_rocs if roc.level != analysis.cohort.mean_name),
        *analysis.rocs,
    ]
    rocs = [roc for roc in rocs if roc.reference == reference.name]
    if len({(roc.level, roc.roi) for roc in rocs}) < 2:
        return None
    panels = []
    for target in reference.targets:
        target_rocs = [roc for roc in rocs if roc.target == target.name]
        if not target_rocs:
            continue
        panels.append((target.positive, tuple(_intervals(target_rocs))))
    return areas_figure(
        f"forest{suffix_of(reference)}",
        f"Areas by level{_by(reference)}",
        f"Areas under the ROC curves with 95 % intervals (DeLong), by level and region{_by(reference)}.",
        panels,
    )


def areas_figure(
    name: str, title: str, caption: str, panels: Sequence[tuple[str, tuple[Interval, ...]]]
) -> FigureValues:
    """Return a forest plot of areas under ROC curves: a panel for each title and its intervals, on one scale."""
    low = min(min(interval.low for _, intervals in panels for interval in intervals), 0.5) - _ROOM
    return FigureValues(
        name=name,
        title=title,
        caption=caption,
        panels=tuple(_areas_panel(panel_title, intervals, low) for panel_title, intervals in panels),
        legend_title="",
        legend=(),
        legend_note="",
        free_corner="",
    )


def _areas_panel(title: str, intervals: tuple[Interval, ...], low: float) -> FigurePanel:
    bottom = intervals[-1].y + 1
    return FigurePanel(
        title=title,
        x_label="area under the ROC curve",
        y_label="",
        text="",
        x_limits=(low, 1 + _ROOM),
        y_limits=(0, bottom),
        series=(Series("chance", "chance", np.array([0.5, 0.5]), np.array([0, bottom]), is_line=True),),
        intervals=intervals,
    )


def _intervals(rocs: Sequence[RegionRoc]) -> Iterator[Interval]:
    y, before = 0, rocs[0].level
    for roc in rocs:
        # Leave one line free between levels.
        y += 1 if roc.level == before else 2
        before, area = roc.level, roc.area
        text = f"{area.estimate:.2f} ({area.low:.2f}–{area.high:.2f})"
        yield Interval(f"{roc.level} {roc.roi}", y, area.estimate, area.low, area.high, text)


def survival_figure(analysis: CohortAnalysis) -> FigureValues | None:
    """Return the Kaplan–Meier curves on both sides of a cutoff for the mean or the main level, one panel per region."""
    place, name = main_place(analysis.cohort), analysis.cohort.outcome_name
    found = curves_of(analysis.survival, place)
    if not found:
        return None
    records = {
        (record["roi"], record["cutoff_source"]): record
        for record in analysis.tables["survival_log_rank"].records(level=place)
    }
    longest = max(
        float(side.days[-1]) for (first, *_) in found.values() for side in (first.split.low, first.split.high)
    )
    panels = []
    for roi, (first, *_) in found.items():
        p = records[roi, first.source]["p"]
        p_text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        panels.append(
            FigurePanel(
                title=roi,
                x_label="years",
                y_label=f"share without {name}",
                text=f"split at {first.split.cutoff_hu:.1f} HU, log-rank {p_text}\n{_sizes(first.split)}",
                x_limits=(0, longest / DAYS_PER_YEAR),
                y_limits=SHARES,
                series=tuple(_steps(first)),
            )
        )
    return FigureValues(
        name="survival",
        title=f"{name.capitalize()} over time",
        caption=f"Share without {name} (Kaplan–Meier) at or below a cutoff and above it, by region, {place}.",
        panels=tuple(panels),
        legend_title=f"HU of {place}",
        legend=(
            LegendLine(f"{AT_OR_BELOW} the cutoff", "low HU", True, False),
            LegendLine(f"{ABOVE} the cutoff", "high HU", True, False),
        ),
        legend_note="Cutoff, not found with\nthe outcome:\n"
        + next(iter(found.values()))[0].source.replace(", ", ",\n"),
        free_corner="lower left",
    )


def _sizes(split: SplitSurvival) -> str:
    low, high = split.low, split.high
    return f"{low.events} of {low.n} at or below, {high.events} of {high.n} above"


def _steps(found: RegionSurvival) -> Iterator[Series]:
    for role, side, curve in (
        ("low HU", AT_OR_BELOW, found.split.low),
        ("high HU", ABOVE, found.split.high),
    ):
        x, y = _stairs(curve)
        yield Series(role, f"{side}, n = {curve.n}, {curve.events} with", x, y, is_line=True)


def _stairs(curve: SurvivalCurve) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of a descending step curve, in years and proportions."""
    years = np.repeat(curve.days / DAYS_PER_YEAR, 2)[1:]
    return years, np.repeat(curve.survival, 2)[:-1]


def _rule(rule: str) -> str:
    return rule.replace("<=", "≤")


def two_lines(text: str) -> str:
    """Return a long legend text in two lines."""
    return text.replace(" or ", "\nor ")


def minus(text: str) -> str:
    """Return a text with true minus signs."""
    return text.replace("-", "−")
