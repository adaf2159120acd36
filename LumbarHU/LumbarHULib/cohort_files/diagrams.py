"""Draw diagrams other than point plots: the flow of cases, and forest plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LumbarHULib.cohort.figure_values import FigureValues
from LumbarHULib.cohort.flow import Flow
from LumbarHULib.cohort_files.figure_panels import figure_style, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOW_WIDTH, _STEP_HEIGHT = 3.5, 0.95
_FOREST_WIDTH, _FOREST_ROW = 3.6, 0.15
_BOX: dict[str, Any] = {"boxstyle": "square,pad=0.45", "facecolor": "white", "edgecolor": "#111111", "linewidth": 0.8}
_SIDE_BOX: dict[str, Any] = {**_BOX, "edgecolor": "#7a7a7a"}
_REASON_LETTERS = 34


class Diagram:
    """A finished figure."""

    def __init__(self, figure: "Figure") -> None:
        self._figure = figure

    def save(self, path: Path) -> None:
        """Write the figure in the format of the path's suffix: .png or .svg."""
        save_figure(self._figure, path)


def draw_flow(flows: Sequence[Flow], note: str = "") -> Diagram:
    """Return the STARD diagram from the table to the analysis, with a column for each reference."""
    most = max(len(flow.steps) for flow in flows) + 1
    with figure_style():
        from matplotlib.figure import Figure

        size = (_FLOW_WIDTH * len(flows), _STEP_HEIGHT * most + 0.3)
        figure = Figure(figsize=size, layout="constrained")
        if note:
            figure.suptitle(note, fontsize=9, fontweight="bold")
        for number, flow in enumerate(flows, 1):
            axes = figure.add_subplot(1, len(flows), number)
            axes.set(xlim=(0, 1), ylim=(-most + 0.4, 0.6))
            axes.axis("off")
            axes.set_title(f"{flow.reference or 'No reference'}, {flow.level}", loc="left")
            _draw_steps(axes, flow)
    return Diagram(figure)


def _draw_steps(axes: "Axes", flow: Flow) -> None:
    from textwrap import fill

    arrow = {"arrowstyle": "-|>", "lw": 0.8, "color": "#111111", "shrinkA": 13, "shrinkB": 13}
    thin = {"arrowstyle": "-|>", "lw": 0.6, "color": "#7a7a7a", "shrinkA": 0, "shrinkB": 2}
    x = 0.28
    for number, step in enumerate(flow.steps):
        axes.text(x, -number, f"{step.name}\nn = {step.n}", ha="center", va="center", bbox=_BOX)
        if number:
            axes.annotate("", (x, -number), (x, 1 - number), arrowprops=arrow)
        if step.left_out:
            reasons = "\n".join(fill(part, _REASON_LETTERS) for part in step.reason_text.split("; "))
            text = f"omitted: {step.left_out}\n{reasons}"
            side: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": 5.5, "bbox": _SIDE_BOX}
            axes.text(0.56, 0.5 - number, text, **side)
            axes.annotate("", (0.54, 0.5 - number), (x, 0.5 - number), arrowprops=thin)
    if flow.classes:
        last = -len(flow.steps)
        classes = "\n".join(f"{name}: {n}" for name, n in flow.classes.items())
        axes.text(x, last, classes, ha="center", va="center", bbox=_BOX)
        axes.annotate("", (x, last), (x, last + 1), arrowprops={**arrow, "shrinkB": 19})


def draw_forest(values: FigureValues, note: str = "") -> Diagram:
    """Return a forest plot of the areas with their intervals, one panel per target."""
    rows = max(panel.y_limits[1] for panel in values.panels)
    with figure_style():
        from matplotlib.figure import Figure

        width = _FOREST_WIDTH * max(2, len(values.panels))
        figure = Figure(figsize=(width, _FOREST_ROW * rows + 0.9), layout="constrained")
        if note:
            figure.suptitle(note, fontsize=9, fontweight="bold")
        for number, panel in enumerate(values.panels, 1):
            axes = figure.add_subplot(1, max(2, len(values.panels)), number)
            axes.set(xlim=panel.x_limits, ylim=panel.y_limits[::-1], xlabel=panel.x_label)
            axes.set_title(panel.title, loc="left")
            axes.axvline(0.5, ls=":", lw=0.8, color="#7a7a7a")
            for one in panel.intervals:
                axes.plot([one.low, one.high], [one.y, one.y], color="#111111", lw=0.9)
                axes.plot([one.value], [one.y], marker="s", ms=3, color="#111111")
                text_style: dict[str, Any] = {
                    "ha": "left",
                    "va": "center",
                    "fontsize": 5.5,
                    "transform": axes.get_yaxis_transform(),
                }
                axes.text(1.01, one.y, one.text, **text_style)
            axes.set_yticks([one.y for one in panel.intervals], [one.label for one in panel.intervals], fontsize=6)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
    return Diagram(figure)
