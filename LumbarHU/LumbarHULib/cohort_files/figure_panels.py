"""Draw panels and a legend on a page-wide figure and write its files, without Matplotlib's global state."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LumbarHULib.cohort.figure_values import FigurePanel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_VECTOR_POINTS = 2000
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelsize": 7,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 7.5,
    "svg.fonttype": "path",
    # Makes the file's bytes reproducible.
    "svg.hashsalt": "LumbarHU",
}
_COLUMNS = 3
_LINE_POINTS = 8
_WIDTH_INCHES, _ROW_INCHES, _DOTS_PER_INCH = 7.2, 2.5, 300
_SHEET_COLUMN_INCHES, _SHEET_ROW_INCHES, _SHEET_LEAST_INCHES = 1.9, 1.9, 3.8
_SHEET_TOP_INCHES, _SHEET_LEGEND_INCHES, _SHEET_FONT, _SHEET_DOTS_PER_INCH = 0.3, 0.6, 6, 200


@contextmanager
def figure_style() -> Iterator[None]:
    """Apply the common style of all figures."""
    # Suppress Matplotlib's message about building its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


class Panels:
    """A figure of several panels, with the legend after the last one.

    Parameters
    ----------
    count : int
        Number of panels.
    note : str
        Note above all panels, such as that the data are synthetic.
    """

    def __init__(self, count: int, note: str = "") -> None:
        self._rows = (count + _COLUMNS) // _COLUMNS  # one more cell than panels, rounded up
        with figure_style():
            from matplotlib.figure import Figure
            from matplotlib.layout_engine import ConstrainedLayoutEngine

            layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06)
            self._figure = Figure(figsize=(_WIDTH_INCHES, self._rows * _ROW_INCHES), layout=layout)
            if note:
                self._figure.suptitle(note, fontsize=9, fontweight="bold")
        self._count = 0

    def _next(self) -> "Axes":
        self._count += 1
        return self._figure.add_subplot(self._rows, _COLUMNS, self._count)

    def add(
        self,
        title: str,
        x_label: str,
        y_label: str,
        x_limits: tuple[float, float],
        y_limits: tuple[float, float],
        square: bool = False,
    ) -> "Axes":
        """Return the axes of another panel; `square` is for proportions from 0 to 1 on both axes."""
        with figure_style():
            axes = self._next()
            axes.set(xlabel=x_label, ylabel=y_label, xlim=x_limits, ylim=y_limits)
            axes.set_title(title, loc="left", pad=_LINE_POINTS / 2)
            if square:
                axes.set_aspect("equal")
                axes.set_xticks((0, 0.5, 1))
                axes.set_yticks((0, 0.5, 1))
            return axes

    def write_numbers(self, axes: "Axes", text: str) -> None:
        """Write text below a panel's title, without covering data."""
        with figure_style():
            lines = text.count("\n") + 1
            axes.set_title(axes.get_title(loc="left"), loc="left", pad=_LINE_POINTS * (lines + 0.8))
            offset: dict[str, Any] = {"xytext": (0, _LINE_POINTS / 2), "textcoords": "offset points"}
            axes.annotate(text, (0, 1), xycoords="axes fraction", fontsize=6, va="bottom", **offset)

    def write_inside(self, axes: "Axes", text: str) -> None:
        """Write text into a panel's lower right corner."""
        box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
        with figure_style():
            axes.text(0.98, 0.03, text, transform=axes.transAxes, fontsize=6, ha="right", va="bottom", bbox=box)

    def legend(self, title: str, lines: list[dict[str, Any]], note: str = "") -> None:
        """Draw the legend after the last panel."""
        with figure_style():
            from matplotlib.lines import Line2D

            axes = self._next()
            axes.axis("off")
            handles = [Line2D([], [], **line) for line in lines]
            axes.legend(handles=handles, title=title, loc="upper left", frameon=False, handlelength=3, labelspacing=1)
            axes.text(0.04, 0.12, note, transform=axes.transAxes, fontsize=7, va="bottom")

    def save(self, path: Path) -> None:
        """Write the figure as the path's ending says: .png or .svg."""
        save_figure(self._figure, path)


class SheetPanels:
    """Small multiples on one sheet: a row per level, a column per region, the legend below.

    Parameters
    ----------
    rows : int
    columns : list of str
        The regions.
    note : str
        Note above all panels, such as that the data are synthetic.
    """

    def __init__(self, rows: int, columns: list[str], note: str = ""):
        self._rows, self._columns = rows, columns
        height = _SHEET_TOP_INCHES + rows * _SHEET_ROW_INCHES + _SHEET_LEGEND_INCHES
        width = max(_SHEET_LEAST_INCHES, _SHEET_COLUMN_INCHES * len(columns))
        with figure_style():
            from matplotlib.figure import Figure

            self._figure = Figure(figsize=(width, height))
            if note:
                self._figure.suptitle(note, fontsize=9, fontweight="bold", y=1 - 0.08 / height, va="top")
            # All panels have the same size, so the layout engine, slow for many panels, is not needed.
            self._grid = self._figure.add_gridspec(
                rows + 1,
                len(columns),
                height_ratios=[*[_SHEET_ROW_INCHES] * rows, _SHEET_LEGEND_INCHES],
                left=0.5 / width,
                right=1 - 0.08 / width,
                top=1 - (_SHEET_TOP_INCHES + 0.15) / height,
                bottom=0.02,
                wspace=0.12,
                hspace=0.28,
            )

    def add(self, row: int, column: str, row_title: str, panel: FigurePanel) -> "Axes":
        """Return the axes of a panel; only outer panels have axis titles."""
        place = self._columns.index(column)
        with figure_style():
            axes = self._figure.add_subplot(self._grid[row, place])
            axes.set(xlim=panel.x_limits, ylim=panel.y_limits)
            axes.tick_params(labelsize=_SHEET_FONT, length=2)
            axes.set_title(f"{row_title} {column}", loc="left", fontsize=7, pad=2)
            if place == 0:
                axes.set_ylabel(panel.y_label, fontsize=_SHEET_FONT)
            else:
                axes.tick_params(labelleft=False)
            if row == self._rows - 1 or not panel.is_square:
                axes.set_xlabel(panel.x_label, fontsize=_SHEET_FONT, labelpad=1)
            if panel.is_square:
                axes.set_aspect("equal")
                axes.set_xticks((0, 0.5, 1))
                axes.set_yticks((0, 0.5, 1))
            return axes

    def write_numbers(self, axes: "Axes", text: str, is_below: bool) -> None:
        """Write a panel's numbers into a corner without data."""
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
        x, y = (0.98, 0.02) if is_below else (0.03, 0.98)
        sides: dict[str, Any] = {"ha": "right", "va": "bottom"} if is_below else {"ha": "left", "va": "top"}
        with figure_style():
            axes.text(x, y, text, transform=axes.transAxes, fontsize=_SHEET_FONT - 1.2, bbox=box, **sides)

    def legend(self, title: str, lines: list[dict[str, Any]], note: str = "") -> None:
        """Draw the legend below the panels, side by side."""
        with figure_style():
            from matplotlib.lines import Line2D

            axes = self._figure.add_subplot(self._grid[self._rows, :])
            axes.axis("off")
            handles = [Line2D([], [], **{**line, "label": line["label"].replace("\n", " ")}) for line in lines]
            handles.append(Line2D([], [], ls="none", label=note.replace("\n", ", ")))
            axes.legend(handles=handles, title=title, loc="center", frameon=False, ncols=2, fontsize=_SHEET_FONT)

    def save(self, path: Path) -> None:
        """Write the figure as the path's ending says: .png or .svg."""
        save_figure(self._figure, path, _SHEET_DOTS_PER_INCH)


def save_figure(figure: "Figure", path: Path, dots_per_inch: int = _DOTS_PER_INCH) -> None:
    """Write a figure in the format of the path's suffix, .png or .svg, with reproducible bytes."""
    # A date or a version would make the file's bytes change.
    metadata = {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
    with figure_style():
        figure.savefig(path, dpi=dots_per_inch, metadata=metadata)
        # Keep the layout: the next file then has the same layout and is faster.
        figure.set_layout_engine("none")
