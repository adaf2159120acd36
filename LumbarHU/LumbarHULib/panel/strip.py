"""A region's mean drawn next to its cutoffs, on an axis of HU: what the report's chart shows, in one row."""

from collections.abc import Sequence

import qt
import slicer

from LumbarHULib.core.cutoffs import Cutoff
from LumbarHULib.core.results import RoiSummary

_FREE_HU = 10.0
_LINE_COLOR, _MEAN_COLOR = "#8a8a8a", "#1f77d0"
_INTERVAL_ALPHA = 110


def strip_axis(summaries: Sequence[RoiSummary], error_hu: float) -> tuple[float, float]:
    """Return where the common axis of all regions begins and ends, in HU."""
    marks_hu = [mark for summary in summaries for mark in _marks_hu(summary, error_hu)]
    return (min(marks_hu, default=0.0) - _FREE_HU, max(marks_hu, default=0.0) + _FREE_HU)


def strip_marks(summary: RoiSummary, axis_hu: tuple[float, float], error_hu: float, width_px: int) -> tuple:
    """Return where everything is drawn, in whole pixels from the left.

    Returns
    -------
    tuple
        For each of the two cutoffs, if there are any, its place and its interval or None, then mean and the ends of its
        error, or None.
    """

    def place(hu: float) -> int:
        return round((hu - axis_hu[0]) / (axis_hu[1] - axis_hu[0]) * (width_px - 1))

    def of_cutoff(cutoff: Cutoff) -> tuple:
        return place(cutoff.cutoff_hu), None if cutoff.interval_hu is None else tuple(map(place, cutoff.interval_hu))

    mean_hu = summary.mean_hu
    mean = None if mean_hu is None else tuple(map(place, (mean_hu, mean_hu - error_hu, mean_hu + error_hu)))
    return (*map(of_cutoff, _cutoffs_of(summary)), mean)


def draw_strip(marks: tuple, width_px: int, height_px: int):
    """Return a picture of what `strip_marks` gives: the osteoporosis cutoff above the line, the normal one below."""
    *cutoffs, mean = marks
    ratio = _pixel_ratio()
    pixmap = qt.QPixmap(round(width_px * ratio), round(height_px * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter(pixmap)
    middle, half = height_px // 2, height_px // 2 - 1
    line, text = qt.QColor(_LINE_COLOR), slicer.app.palette().color(qt.QPalette.Text)
    painter.fillRect(0, middle, width_px, 1, line)
    interval_color = qt.QColor(_LINE_COLOR)
    interval_color.setAlpha(_INTERVAL_ALPHA)
    for top, (at, interval) in zip((0, middle + 1), cutoffs, strict=False):
        if interval is not None:
            painter.fillRect(interval[0], top, max(interval[1] - interval[0], 1), half, interval_color)
        painter.fillRect(at - 1, top, 2, half, text)
    if mean is not None:
        at, low, high = mean
        color = qt.QColor(_MEAN_COLOR)
        painter.fillRect(low, middle - 1, max(high - low, 1), 3, color)
        painter.fillRect(at - 3, middle - 4, 7, 9, color)
    painter.end()
    return pixmap


def _pixel_ratio() -> float:
    """Return how many pixels of the screen one of Qt's is; 1 where the application does not say."""
    ratio = getattr(slicer.app, "devicePixelRatio", 1.0)
    return float(ratio() if callable(ratio) else ratio)


def _cutoffs_of(summary: RoiSummary) -> tuple[Cutoff, ...]:
    return () if summary.cutoffs is None else (summary.cutoffs.osteoporosis, summary.cutoffs.normal)


def _marks_hu(summary: RoiSummary, error_hu: float) -> list[float]:
    marks = [] if summary.mean_hu is None else [summary.mean_hu - error_hu, summary.mean_hu + error_hu]
    for cutoff in _cutoffs_of(summary):
        marks += [cutoff.cutoff_hu] if cutoff.interval_hu is None else list(cutoff.interval_hu)
    return marks
