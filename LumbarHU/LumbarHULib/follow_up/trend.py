"""The HU of one patient over time as values of a figure, for plots in a scene."""

import numpy as np

from LumbarHULib.cohort.figure_values import FigurePanel, FigureValues, LegendLine, Level, Series, limits_of
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import MEAN, NOT_COMPARABLE, levels_of, rois_of

TREND = "trend"
CAPTION = (
    "Mean HU over time. Thick line: mean over the levels that all dates have; squares are comparable with the first "
    "date, circles are not. Vertical lines: 95 % interval of the change from the first date, which counts if it ends "
    "before the dashed line. Dotted lines: single levels."
)


def trend_values(found: FollowUp) -> FigureValues:
    """Return a panel for each region: its mean and its levels by days since the first CT.

    Without dates, the CTs are counted in the order given.
    """
    is_dated = found.audits[0].date is not None
    first = found.audits[0]
    at = {
        audit.position: float((audit.date - first.date).days if audit.date and first.date else audit.position)
        for audit in found.audits
    }
    x_label = "days since the first CT" if is_dated else "CT, in the order given"
    x_limits = limits_of([np.array(list(at.values()))])
    panels = [(roi, _lines(found, roi, at), _intervals(found, roi, at)) for roi in rois_of(found.audits)]
    # The same scale everywhere, so that regions can be compared.
    every = [series.y for _, lines, intervals in panels for series in (*lines, *intervals)]
    y_limits = limits_of(every) if every else (0.0, 1.0)
    return FigureValues(
        name=TREND,
        title=f"Follow-up of {found.case}",
        caption=CAPTION,
        panels=tuple(
            FigurePanel(
                title=roi,
                x_label=x_label,
                y_label="mean HU",
                text=_text(found, roi),
                x_limits=x_limits,
                y_limits=y_limits,
                series=(*lines, *intervals),
                levels=_first_mean(found, roi),
            )
            for roi, lines, intervals in panels
        ),
        legend_title="",
        legend=(LegendLine("mean over levels", "area", True, True), LegendLine("level", "chance", True, False)),
        legend_note=CAPTION,
        free_corner="",
    )


def _lines(found: FollowUp, roi: str, at: dict[int, float]) -> list[Series]:
    """Return the levels' lines, and the mean's line with its markers."""
    drawn = []
    for level in levels_of(found.audits):
        points = _points(found, roi, level, at)
        if points:
            x, y = np.array(points).T
            drawn.append(Series("chance", level, x, y, is_line=True))
    means = _points(found, roi, MEAN, at)
    if not means:
        return drawn
    x, y = np.array(means).T
    drawn.append(Series("bias", "mean over levels", x, y, is_line=True))
    is_open = np.array([index > 0 and bool(found.why_not_comparable(0, index)) for index in range(len(found.audits))])
    for role, label, chosen in (("area", "comparable", ~is_open), ("difference", "not comparable", is_open)):
        if chosen.any():
            drawn.append(Series(role, label, x[chosen], y[chosen]))
    return drawn


def _points(found: FollowUp, roi: str, level: str, at: dict[int, float]) -> list[tuple[float, float]]:
    return [
        (at[record["ct"]], record["mean_hu"])
        for record in found.measurements.records(level=level, roi=roi)
        if record["mean_hu"] is not None and not record["excluded"]
    ]


def _intervals(found: FollowUp, roi: str, at: dict[int, float]) -> list[Series]:
    """Return a vertical line for each later date: the first mean plus the interval of the change."""
    drawn = []
    for record in found.changes.records(level=MEAN, roi=roi):
        if record["from_first"] and record["changed"] != NOT_COMPARABLE:
            x = np.full(2, at[record["to_ct"]])
            y = record["from_hu"] + np.array([record["change_low_hu"], record["change_high_hu"]])
            drawn.append(Series("bias", "95 % interval", x, y, is_line=True))
    return drawn


def _first_mean(found: FollowUp, roi: str) -> tuple[Level, ...]:
    first = next((one for one in found.changes.records(level=MEAN, roi=roi) if one["from_hu"] is not None), None)
    return () if first is None else (Level("limit", "first date", first["from_hu"]),)


def _text(found: FollowUp, roi: str) -> str:
    """Return the change from the first to the last date, as the title of the panel."""
    last = found.audits[-1].position
    for record in found.changes.records(level=MEAN, roi=roi):
        if record["from_first"] and record["to_ct"] == last:
            if record["changed"] == NOT_COMPARABLE:
                return str(record["changed"])
            low, high = record["change_low_hu"], record["change_high_hu"]
            counts = {"yes": "counts", "no": "does not count"}[str(record["changed"])]
            return f"{record['change_hu']:+.1f} HU ({low:+.1f} to {high:+.1f}), {counts}"
    return ""
