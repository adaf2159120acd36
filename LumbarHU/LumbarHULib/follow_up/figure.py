"""Draw a patient's HU over time, legible in print without color."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from LumbarHULib.cohort_files.figure_panels import Panels
from LumbarHULib.follow_up.dated_audit import DatedAudit
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import MEAN, common_levels, levels_of, mean_over, rois_of

CAPTION = (
    "Mean HU over time by region. Black: mean over the levels that all dates have; open circles are not comparable "
    "with the first date. Gray band: within the least significant change of the first date. Thin lines: single levels, "
    "without excluded ones."
)
DENSITY_CAPTION = (
    "Mean in mg/cm³ {} over time by region, over the levels that both dates have. Bar: the first mean plus the 95 % "
    "interval of the change."
)
_MARKERS = {"T12": "P", "L1": "o", "L2": "^", "L3": "s", "L4": "D", "L5": "v"}
_MEAN_LOOK: dict[str, Any] = {"color": "#111111", "lw": 1.6}
_MEAN_LINE: dict[str, Any] = {
    "label": "mean over levels",
    "marker": "o",
    "ms": 5,
    "mfc": "#111111",
    "mec": "#111111",
    **_MEAN_LOOK,
}
_LEVEL_LOOK: dict[str, Any] = {"color": "#8c8c8c", "lw": 0.7, "ms": 3, "mfc": "white", "mec": "#6a6a6a", "mew": 0.7}
_MOST_TICKS = 4
_TIME_MARGIN, _HU_MARGIN = 0.06, 0.08
_CONVERGED_HU, _MOST_STEPS = 1e-6, 200


def trend_figure(found: FollowUp) -> Panels:
    """Return a panel for each region, with the legend."""
    audits, rois = found.audits, rois_of(found.audits)
    days, margin = _times(audits)
    levels = levels_of(audits)
    open_dates = {at for at in range(1, len(audits)) if found.why_not_comparable(0, at)}
    panels = Panels(len(rois))
    bands = {roi: _band(found, roi) for roi in rois}
    means = {roi: _means(audits, roi) for roi in rois}
    lines = {roi: {level: _line_of(found, level, roi, days) for level in levels} for roi in rois}
    # The same scale everywhere, so that regions can be compared.
    every_hu = [hu for of_roi in lines.values() for line in of_roi.values() for _, hu in line]
    limits = _limits([*every_hu, *(hu for ends in (*bands.values(), *means.values()) for hu in ends)])
    for roi in rois:
        axes = panels.add(roi, "", "mean HU", (days[0] - margin, days[-1] + margin), limits)
        _label_times(axes, audits, days)
        if bands[roi]:
            axes.axhspan(*bands[roi], color="#dedede", lw=0, zorder=0)
        for level, line in lines[roi].items():
            axes.plot([day for day, _ in line], [hu for _, hu in line], marker=_MARKERS[level], **_LEVEL_LOOK)
        if means[roi]:
            _draw_mean(axes, days, means[roi], open_dates)
    panels.legend("", _legend_lines(levels), _NOTE)
    return panels


def density_figure(found: FollowUp) -> Panels:
    """Return a panel for each region with its means in mg/cm³ and the intervals of their changes."""
    audits, rois = found.audits, rois_of(found.audits)
    days, margin = _times(audits)
    panels = Panels(len(rois))
    changes: dict[str, list[Mapping[str, Any] | None]] = {}
    for roi in rois:
        records = {one["to_ct"]: one for one in found.changes.records(level=MEAN, roi=roi, from_first=True)}
        changes[roi] = [records.get(audit.position) for audit in audits[1:]]
    known = [one for of_roi in changes.values() for one in of_roi if one is not None and one["from_mg_cc"] is not None]
    ends = [one["from_mg_cc"] + (one[f"change_{end}_mg_cc"] or 0.0) for one in known for end in ("low", "high")]
    limits = _limits([*(one[name] for one in known for name in ("from_mg_cc", "to_mg_cc")), *ends])
    for roi in rois:
        x_limits = (days[0] - margin, days[-1] + margin)
        axes = panels.add(roi, "", f"mg/cm³ {found.mineral}", x_limits, limits)
        _label_times(axes, audits, days)
        for day, record in zip(days[1:], changes[roi], strict=True):
            if record is None or record["from_mg_cc"] is None:
                continue
            first_mg_cc, is_judged = record["from_mg_cc"], record["change_low_mg_cc"] is not None
            axes.plot([days[0], day], [first_mg_cc] * 2, ls="--", color="#8c8c8c", lw=0.7, zorder=0)
            axes.plot([days[0]], [first_mg_cc], marker="o", ms=5, mec="#111111", mfc="#111111", ls="none", zorder=3)
            if is_judged:
                low, high = (first_mg_cc + record[f"change_{end}_mg_cc"] for end in ("low", "high"))
                axes.plot([day] * 2, [low, high], color="#6a6a6a", lw=1.0, marker="_", ms=6, zorder=2)
            fill = "#111111" if is_judged else "white"
            axes.plot([day], [record["to_mg_cc"]], marker="o", ms=5, mec="#111111", mfc=fill, ls="none", zorder=3)
    bar = {"label": "95 % of the change", "marker": "_", "ms": 6, "color": "#6a6a6a", "lw": 1.0}
    panels.legend("", [_MEAN_LINE | {"ls": "none"}, bar], _DENSITY_NOTE)
    return panels


def _times(audits: Sequence[DatedAudit]) -> tuple[list[float], float]:
    """Return where each date is on the axis, and the margin."""
    from matplotlib.dates import date2num

    is_dated = audits[0].date is not None
    days = [float(date2num(audit.date) if is_dated else audit.position) for audit in audits]
    return days, _TIME_MARGIN * (days[-1] - days[0])


def _label_times(axes: Any, audits: Sequence[DatedAudit], days: Sequence[float]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if audits[0].date is None:
        axes.set_xticks(days, [audit.when for audit in audits])
        return
    locator = AutoDateLocator(minticks=2, maxticks=_MOST_TICKS)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


_DENSITY_NOTE = (
    "A change from the first\ndate counts if its bar does\nnot reach the dashed line.\nOpen circle: not judged."
)
_NOTE = "Open circle: not comparable\nwith the first date.\nGray band: within the LSC\nof the first date."


def _draw_mean(axes: Any, days: Sequence[float], means: Sequence[float], open_dates: set[int]) -> None:
    for at in range(1, len(days)):
        style = ":" if {at - 1, at} & open_dates else "-"
        axes.plot(days[at - 1 : at + 1], means[at - 1 : at + 1], ls=style, **_MEAN_LOOK)
    for at, (day, mean_hu) in enumerate(zip(days, means, strict=True)):
        fill = "white" if at in open_dates else "#111111"
        axes.plot([day], [mean_hu], marker="o", ms=5, mec="#111111", mfc=fill, mew=1.2, ls="none", zorder=3)


def _means(audits: Sequence[DatedAudit], roi: str) -> list[float]:
    """Return a region's mean at each date, over the levels that all dates have; empty without such levels."""
    levels = common_levels(audits, roi)
    return [mean_over(audit, roi, levels) for audit in audits] if levels else []


def _line_of(found: FollowUp, level: str, roi: str, days: Sequence[float]) -> list[tuple[float, float]]:
    """Return day and HU of a level at each date that has it."""
    return [
        (day, audit.hu[level, roi])
        for day, audit in zip(days, found.audits, strict=True)
        if audit.why_missing(level, roi) == ""
    ]


def _band(found: FollowUp, roi: str) -> tuple[float, float] | tuple[()]:
    """Return the means at which a change from the first date begins to count; empty without an LSC."""
    audits = found.audits
    levels = common_levels(audits, roi)
    if not levels or found.lsc.lsc_hu(roi, levels, 0.0) is None or found.lsc.why_not(audits[0]):
        return ()
    first_hu = mean_over(audits[0], roi, levels)

    def lsc_at(mean_hu: float) -> float:
        return found.lsc.lsc_hu(roi, levels, mean_hu) or 0.0

    return _end_of_band(first_hu, -1, lsc_at), _end_of_band(first_hu, 1, lsc_at)


def _end_of_band(first_hu: float, sign: int, lsc_at: Callable[[float], float]) -> float:
    """Return the mean whose change from the first equals the LSC, which depends on the mean of both."""
    end_hu = first_hu
    for _ in range(_MOST_STEPS):
        before_hu, end_hu = end_hu, first_hu + sign * lsc_at((first_hu + end_hu) / 2)
        if abs(end_hu - before_hu) < _CONVERGED_HU:
            break
    return end_hu


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = _HU_MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def _legend_lines(levels: Sequence[str]) -> list[dict[str, Any]]:
    return [_MEAN_LINE, *({"label": level, "marker": _MARKERS[level], **_LEVEL_LOOK} for level in levels)]
