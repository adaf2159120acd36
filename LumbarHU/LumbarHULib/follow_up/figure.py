"""Draw a patient's HU over time, legible in print without color."""

from collections.abc import Callable, Sequence

from LumbarHULib.cohort_files.figure_panels import Panels
from LumbarHULib.follow_up.dated_audit import DatedAudit
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import common_levels, levels_of, mean_over, rois_of

CAPTION = (
    "Mean HU over time by region. Black: mean over the levels that all dates have; open circles are not comparable "
    "with the first date. Gray band: within the least significant change of the first date. Thin lines: single levels, "
    "without excluded ones."
)
_MARKERS = {"T12": "P", "L1": "o", "L2": "^", "L3": "s", "L4": "D", "L5": "v"}
_MEAN_LOOK = {"color": "#111111", "lw": 1.6}
_LEVEL_LOOK = {"color": "#8c8c8c", "lw": 0.7, "ms": 3, "mfc": "white", "mec": "#6a6a6a", "mew": 0.7}
_MOST_TICKS = 4
_TIME_MARGIN, _HU_MARGIN = 0.06, 0.08
_CONVERGED_HU, _MOST_STEPS = 1e-6, 200


def trend_figure(found: FollowUp) -> Panels:
    """Return a panel for each region, with the legend."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    audits, rois = found.audits, rois_of(found.audits)
    is_dated = audits[0].date is not None
    days = [float(date2num(audit.date) if is_dated else audit.position) for audit in audits]
    margin = _TIME_MARGIN * (days[-1] - days[0])
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
        if is_dated:
            locator = AutoDateLocator(minticks=2, maxticks=_MOST_TICKS)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        else:
            axes.set_xticks(days, [audit.when for audit in audits])
        if bands[roi]:
            axes.axhspan(*bands[roi], color="#dedede", lw=0, zorder=0)
        for level, line in lines[roi].items():
            axes.plot([day for day, _ in line], [hu for _, hu in line], marker=_MARKERS[level], **_LEVEL_LOOK)
        if means[roi]:
            _draw_mean(axes, days, means[roi], open_dates)
    panels.legend("", _legend_lines(levels), _NOTE)
    return panels


_NOTE = "Open circle: not comparable\nwith the first date.\nGray band: within the LSC\nof the first date."


def _draw_mean(axes, days: Sequence[float], means: Sequence[float], open_dates: set[int]) -> None:
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


def _legend_lines(levels: Sequence[str]) -> list[dict]:
    mean = {"label": "mean over levels", "marker": "o", "ms": 5, "mfc": "#111111", "mec": "#111111", **_MEAN_LOOK}
    return [mean, *({"label": level, "marker": _MARKERS[level], **_LEVEL_LOOK} for level in levels)]
