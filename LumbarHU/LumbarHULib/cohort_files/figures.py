"""Draw the figures of a cohort, legible in print without color."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import LOOKS, FigurePanel, FigureValues, Look, Series
from LumbarHULib.cohort.figures import figures_of
from LumbarHULib.cohort.flow import main_flows
from LumbarHULib.cohort_files.diagrams import Diagram, draw_flow, draw_forest
from LumbarHULib.cohort_files.figure_panels import MOST_VECTOR_POINTS, Panels, SheetPanels
from LumbarHULib.core.levels import ROIS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = {"": "none", "solid": "-", "dashed": "--", "dotted": ":"}
_MARKERS = {"": "", "circle": "o", "triangle": "^", "square": "s", "cross": "x"}
_BOX_FILLS = {"normal": "white", "osteopenia": "#d0d0d0", "osteoporosis": "#8c8c8c"}
_CUTOFF_MARKER_SIZE, _MARKER_SIZE = 5.0, 3.6
# Scale of markers and lines of small multiples.
_SHEET_SCALE = 0.65


@dataclass(frozen=True, eq=False)
class NamedFigure:
    """A figure with the name of its files and its caption."""

    name: str
    caption: str
    panels: Panels | SheetPanels | Diagram


def cohort_figures(analysis: CohortAnalysis) -> Iterator[NamedFigure]:
    """Yield each figure for which the cohort has data; figures of single levels share a sheet."""
    note = analysis.cohort.note
    flow = draw_flow(main_flows(analysis.cohort), note)
    yield NamedFigure("flow", "From the table to the analysis, by reference.", flow)
    sheets: dict[str, list[FigureValues]] = {}
    for figure in figures_of(analysis):
        if figure.sheet:
            sheets.setdefault(figure.sheet, []).append(figure)
        elif figure.panels[0].intervals:
            yield NamedFigure(figure.name, figure.caption, draw_forest(figure, note))
        else:
            yield NamedFigure(figure.name, figure.caption, draw_panels(figure, note))
    for name, rows in sheets.items():
        levels = ", ".join(figure.row_title for figure in rows)
        caption = f"{rows[0].title.rpartition(', ')[0]} by level and region: {levels}."
        yield NamedFigure(name, caption, _sheet(rows, note))


def draw_panels(figure: FigureValues, note: str) -> Panels:
    """Return a figure with a panel for each diagram, and the legend after the last one."""
    panels = Panels(len(figure.panels), note)
    for panel in figure.panels:
        _draw(panels, panel)
    panels.legend(figure.legend_title, _legend_lines(figure), figure.legend_note)
    return panels


def _sheet(rows: list[FigureValues], note: str) -> SheetPanels:
    """Return small multiples with a row per level and a column per region."""
    rois = [roi for roi in ROIS if any(panel.title == roi for figure in rows for panel in figure.panels)]
    sheet = SheetPanels(len(rows), rois, note)
    for number, figure in enumerate(rows):
        for panel in figure.panels:
            axes = sheet.add(number, panel.title, figure.row_title, panel)
            _draw_inside(axes, panel, _SHEET_SCALE)
            sheet.write_numbers(axes, panel.text, panel.is_square)
    sheet.legend(rows[0].legend_title, _legend_lines(rows[0]), rows[0].legend_note)
    return sheet


def _legend_lines(figure: FigureValues) -> list[dict[str, Any]]:
    lines = []
    for line in figure.legend:
        look = LOOKS[line.role]
        marks = _marker(look) if line.has_marker else {}
        lines.append({"label": line.label, **_line(look, line.has_line), **marks})
    return lines


def _draw(panels: Panels, panel: FigurePanel) -> None:
    axes = panels.add(panel.title, panel.x_label, panel.y_label, panel.x_limits, panel.y_limits, panel.is_square)
    _draw_inside(axes, panel)
    if panel.boxes:
        _draw_boxes(axes, panel)
    elif panel.is_square:
        panels.write_inside(axes, panel.text)
    else:
        panels.write_numbers(axes, panel.text)


def _draw_inside(axes: "Axes", panel: FigurePanel, scale: float = 1.0) -> None:
    for level in panel.levels:
        if level.low is not None and level.high is not None:
            axes.axhspan(level.low, level.high, color="#d8d8d8", lw=0, zorder=0)
        axes.axhline(level.y, **_line(LOOKS[level.role]), lw=1.1, zorder=0.5)
    for series in panel.series:
        _draw_series(axes, series, scale)


def _draw_series(axes: "Axes", series: Series, scale: float) -> None:
    look = LOOKS[series.role]
    rasterized = series.x.size > MOST_VECTOR_POINTS
    if series.is_line:
        width = scale * (0.8 if look.line == "dotted" else 1.3)
        axes.plot(series.x, series.y, **_line(look), lw=width, rasterized=rasterized)
    else:
        size = scale * (_CUTOFF_MARKER_SIZE if look.line else _MARKER_SIZE)
        axes.plot(series.x, series.y, ls="none", ms=size, rasterized=rasterized, **_marker(look))


def _draw_boxes(axes: "Axes", panel: FigurePanel) -> None:
    stats = [
        {"med": box.median, "q1": box.q1, "q3": box.q3, "whislo": box.low, "whishi": box.high, "fliers": box.outliers}
        for box in panel.boxes
    ]
    boxes = axes.bxp(
        stats,
        positions=[box.x for box in panel.boxes],
        widths=0.55,
        patch_artist=True,
        manage_ticks=False,
        medianprops={"color": "#111111", "lw": 1.6},
        flierprops={"marker": ".", "ms": 3, "mec": "#404040"},
        whiskerprops={"lw": 0.8},
        capprops={"lw": 0.8},
    )
    for patch, box in zip(boxes["boxes"], panel.boxes, strict=True):
        patch.set(facecolor=_BOX_FILLS[box.role], edgecolor="#111111", linewidth=0.8)
    axes.set_xticks([box.x for box in panel.boxes], [box.label for box in panel.boxes])


def _line(look: Look, has_line: bool = True) -> dict[str, Any]:
    return {"ls": _LINES[look.line] if has_line else "none", "color": look.edge}


def _marker(look: Look) -> dict[str, Any]:
    width = 1.2 if look.line else 0.7
    return {"marker": _MARKERS[look.marker], "mfc": look.fill, "mec": look.edge, "mew": width}
