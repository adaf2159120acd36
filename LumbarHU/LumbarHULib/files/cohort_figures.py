"""The figures of a cohort, to be read in print without color: markers and line styles tell what colors do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.reading_sets import reading_sets
from LumbarHULib.cohort.roc import roc_curve
from LumbarHULib.cohort.study_tables import MEAN
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.files.figure_panels import MOST_VECTOR_POINTS, Panels

# Marker, fill and edge by group: from light to dark as bone gets less dense.
GROUP_MARKS = {
    "normal": ("o", "white", "#4a7ba6"),
    "osteopenia": ("^", "#a8a8a8", "#606060"),
    "osteoporosis": ("s", "#111111", "#111111"),
}
_TARGET_LINES = {"osteoporosis": ("-", "#111111", "s"), "low_bmd": ("--", "#7a7a7a", "o")}
# The curves' markers as letters.
_MARKER_LETTERS = {"osteoporosis": "□", "low_bmd": "○"}


@dataclass(frozen=True, eq=False)
class NamedFigure:
    """A figure with the name of its files and what it shows, in a sentence."""

    name: str
    caption: str
    panels: Panels


def cohort_figures(analysis: CohortAnalysis) -> Iterator[NamedFigure]:
    """Yield each figure that the cohort allows: correlation, groups, ROC, and Bland–Altman of each pair of readings."""
    for draw in (_scatter, _boxes, _roc):
        figure = draw(analysis)
        if figure is not None:
            yield figure
    yield from _bland_altman(analysis)


def _scatter(analysis: CohortAnalysis) -> NamedFigure | None:
    """Return HU against bone mineral density, a panel per region (the study's Fig. 4)."""
    cohort = analysis.cohort
    found = {record["roi"]: record for record in analysis.tables["correlation"].records()}
    if not found:
        return None
    density, groups = cohort.bmd(MEAN), np.array(cohort.groups)
    panels = Panels(len(found), cohort.note)
    for roi in found:
        hu = cohort.hu(MEAN, roi)
        axes = panels.add(f"{roi}", "BMD of L1–L4 (g/cm²)", "mean HU of L1–L4 (HU)")
        rasterized = len(cohort) > MOST_VECTOR_POINTS
        for group, (marker, fill, edge) in GROUP_MARKS.items():
            of_group = groups == group
            axes.plot(
                density[of_group], hu[of_group], marker, ms=3.6, mfc=fill, mec=edge, mew=0.7, rasterized=rasterized
            )
        other = groups == ""
        axes.plot(density[other], hu[other], "x", ms=3.6, color="#4a7ba6", mew=0.7, rasterized=rasterized)
        told = found[roi]
        p = "p < 0.001" if told["p"] < 0.001 else f"p = {told['p']:.3f}"
        coefficient = f"ρ = {told['rho']:.2f} ({told['ci_low']:.2f} to {told['ci_high']:.2f})".replace("-", "−")
        panels.tell(axes, f"{coefficient}\n{p}, n = {told['n']}")
    panels.same_heights()
    marks = {group: GROUP_MARKS[group] for group in GROUPS if (groups == group).any()}
    if (groups == "").any():
        marks["no group"] = ("x", "#4a7ba6", "#4a7ba6")
    panels.legend(
        "Group by DXA",
        [dict(label=group, marker=m, mfc=fill, mec=edge, ls="none") for group, (m, fill, edge) in marks.items()],
        "ρ: Spearman's coefficient\nwith 95 % interval",
    )
    return NamedFigure("correlation", "HU against bone mineral density by DXA, by region.", panels)


def _boxes(analysis: CohortAnalysis) -> NamedFigure | None:
    """Return HU by group, a panel per region, with the cohort's own cutoffs."""
    cohort = analysis.cohort
    groups = np.array(cohort.groups)
    shown = [group for group in GROUPS if (groups == group).any()]
    if not shown or not cohort.rois(MEAN):
        return None
    panels = Panels(len(cohort.rois(MEAN)), cohort.note)
    for roi in cohort.rois(MEAN):
        hu = cohort.hu(MEAN, roi)
        samples = [hu[(groups == group) & ~np.isnan(hu)] for group in shown]
        axes = panels.add(roi, "", "mean HU of L1–L4 (HU)")
        boxes = axes.boxplot(
            samples,
            widths=0.55,
            patch_artist=True,
            medianprops={"color": "#111111", "lw": 1.6},
            flierprops={"marker": ".", "ms": 3, "mec": "#404040"},
            whiskerprops={"lw": 0.8},
            capprops={"lw": 0.8},
        )
        for box, fill in zip(boxes["boxes"], ("white", "#d0d0d0", "#8c8c8c"), strict=False):
            box.set(facecolor=fill, edgecolor="#111111", linewidth=0.8)
        axes.set_xticks(
            range(1, len(shown) + 1),
            [f"{group}\nn = {sample.size}" for group, sample in zip(shown, samples, strict=True)],
        )
        for roc in analysis.rocs:
            if roc.roi == roi and roc.cutoff:
                style, color, _ = _TARGET_LINES[roc.target]
                axes.axhline(roc.cutoff.apparent.cutoff_hu, ls=style, color=color, lw=1.0, zorder=0)
    panels.same_heights()
    lines = [
        dict(
            label=f"for {TARGETS[target].positive}".replace(" or ", "\nor "),
            ls=_TARGET_LINES[target][0],
            color=_TARGET_LINES[target][1],
        )
        for target in TARGETS
        if any(roc.target == target and roc.cutoff for roc in analysis.rocs)
    ]
    panels.legend("Cutoffs of this cohort", lines, "box: quartiles; line: median\nwhiskers: up to 1.5 box lengths")
    return NamedFigure("groups", "HU by group of bone mineral density, by region.", panels)


def _roc(analysis: CohortAnalysis) -> NamedFigure | None:
    """Return the ROC curves, a panel per region (the study's Fig. 5)."""
    if not analysis.rocs:
        return None
    cohort = analysis.cohort
    rois = dict.fromkeys(roc.roi for roc in analysis.rocs)
    panels = Panels(len(rois), cohort.note)
    for roi in rois:
        rocs = [roc for roc in analysis.rocs if roc.roi == roi]
        axes = panels.add(roi, "1 − specificity", "sensitivity", square=True)
        axes.plot([0, 1], [0, 1], ":", color="#b0b0b0", lw=0.8)
        told = []
        for roc in rocs:
            style, color, marker = _TARGET_LINES[roc.target]
            curve = roc_curve(cohort.hu(MEAN, roi), cohort.groups, TARGETS[roc.target])
            many = curve.cutoff_hu.size > MOST_VECTOR_POINTS
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, style, color=color, lw=1.3, rasterized=many)
            area = roc.area
            line = f"{_MARKER_LETTERS[roc.target]} AUC {area.estimate:.2f} ({area.low:.2f} to {area.high:.2f})"
            if roc.cutoff:
                at = roc.cutoff.apparent
                axes.plot(
                    1 - at.specificity.estimate, at.sensitivity.estimate, marker, ms=5, mfc="white", mec=color, mew=1.2
                )
                line += f"\n{at.rule.replace('<=', '≤')} {at.cutoff_hu:.1f} HU"
            told.append(f"{line}, n = {area.n_positive} : {area.n_negative}")
        panels.tell_inside(axes, "\n".join(told))
    lines = [
        dict(label=TARGETS[target].positive.replace(" or ", "\nor "), ls=ls, color=color, marker=m, mfc="white")
        for target, (ls, color, m) in _TARGET_LINES.items()
        if any(roc.target == target for roc in analysis.rocs)
    ]
    note = "AUC: area with 95 % interval\nmarker: Youden cutoff\nn = with : without"
    panels.legend("Low HU find", lines, note)
    return NamedFigure("roc", "ROC curves of the mean over L1–L4, by region, with the Youden cutoffs.", panels)


def _bland_altman(analysis: CohortAnalysis) -> Iterator[NamedFigure]:
    """Yield the differences of two readings against their mean, a panel per region."""
    cohort = analysis.cohort
    rows = list(analysis.tables["agreement"].records(level=MEAN, split="all"))
    number = 0
    for found in reading_sets(cohort.readings):
        of_set = [row for row in rows if row["readers"] == ";".join(found.names) and row["bias_hu"] is not None]
        if len(found.names) != 2 or not of_set:
            continue
        number += 1
        panels = Panels(len(of_set), cohort.note)
        first, second = found.names
        for row in of_set:
            values = found.values(MEAN, row["roi"], cohort.minimum_levels)
            values = values[:, ~np.isnan(values).any(axis=0)]
            axes = panels.add(row["roi"], "mean of both (HU)", "difference (HU)")
            rasterized = values.shape[1] > MOST_VECTOR_POINTS
            axes.plot(
                values.mean(axis=0), values[0] - values[1], "o", ms=3, mfc="white", mec="#404040", rasterized=rasterized
            )
            reach = 1.4 * max(abs(row["lower_limit_hu"]), abs(row["upper_limit_hu"]), 1e-6)
            axes.set_ylim(min(-reach, axes.get_ylim()[0]), max(reach, axes.get_ylim()[1]))
            for end, style in (("bias", "-"), ("lower_limit", "--"), ("upper_limit", "--")):
                axes.axhline(row[f"{end}_hu"], ls=style, color="#111111", lw=1.1)
                axes.axhspan(row[f"{end}_low"], row[f"{end}_high"], color="#d8d8d8", lw=0, zorder=0)
            limits = f"{row['lower_limit_hu']:.1f} to {row['upper_limit_hu']:.1f} HU"
            panels.tell(axes, f"bias {row['bias_hu']:.1f}, limits {limits}, n = {row['n']}".replace("-", "−"))
        panels.same_heights()
        lines = [dict(label="bias", ls="-", color="#111111"), dict(label="95 % limits", ls="--", color="#111111")]
        panels.legend(f"{first}\nminus {second}", lines, "gray: 95 % intervals of\nbias and limits")
        caption = f"Difference of {first} and {second} against their mean (Bland–Altman), mean over L1–L4, by region."
        yield NamedFigure(f"bland_altman_{number}", caption, panels)
