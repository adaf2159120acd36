"""Panels and a legend on one page-wide figure, and its files; Matplotlib without its global state."""

import logging
from contextlib import contextmanager
from pathlib import Path

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
    # The same picture gives the same bytes.
    "svg.hashsalt": "LumbarHU",
}
_COLUMNS = 3
_LINE_POINTS = 8
_WIDTH_INCHES, _ROW_INCHES, _DOTS_PER_INCH = 7.2, 2.5, 300


@contextmanager
def _style():
    # That fonts are looked through for the first time is nothing to tell.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


class Panels:
    """A figure of some panels, the place after the last one for the legend.

    Parameters
    ----------
    count : int
        Number of panels.
    note : str
        Stands above all panels, such as that the data are synthetic.
    """

    def __init__(self, count: int, note: str = "") -> None:
        self._rows = (count + _COLUMNS) // _COLUMNS  # one place more than panels, rounded up
        with _style():
            from matplotlib.figure import Figure

            self._figure = Figure(figsize=(_WIDTH_INCHES, self._rows * _ROW_INCHES), layout="constrained")
            self._figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
            if note:
                self._figure.suptitle(note, fontsize=9, fontweight="bold")
        self._count = 0

    def _next(self):
        self._count += 1
        return self._figure.add_subplot(self._rows, _COLUMNS, self._count)

    def add(self, title: str, x_label: str, y_label: str, x_limits, y_limits, square: bool = False):
        """Return the axes of a further panel; square: both are shares from 0 to 1."""
        with _style():
            axes = self._next()
            axes.set(xlabel=x_label, ylabel=y_label, xlim=x_limits, ylim=y_limits)
            axes.set_title(title, loc="left", pad=_LINE_POINTS / 2)
            if square:
                axes.set_aspect("equal")
                axes.set_xticks((0, 0.5, 1))
                axes.set_yticks((0, 0.5, 1))
            return axes

    def tell(self, axes, text: str) -> None:
        """Write text under a panel's title, where it hides no data."""
        with _style():
            lines = text.count("\n") + 1
            axes.set_title(axes.get_title(loc="left"), loc="left", pad=_LINE_POINTS * (lines + 0.8))
            offset = {"xytext": (0, _LINE_POINTS / 2), "textcoords": "offset points"}
            axes.annotate(text, (0, 1), xycoords="axes fraction", fontsize=6, va="bottom", **offset)

    def tell_inside(self, axes, text: str) -> None:
        """Write text into a panel's lower right corner."""
        box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
        with _style():
            axes.text(0.98, 0.03, text, transform=axes.transAxes, fontsize=6, ha="right", va="bottom", bbox=box)

    def legend(self, title: str, lines: list[dict], note: str = "") -> None:
        """Draw what marks and lines mean into the place after the last panel."""
        with _style():
            from matplotlib.lines import Line2D

            axes = self._next()
            axes.axis("off")
            handles = [Line2D([], [], **line) for line in lines]
            axes.legend(handles=handles, title=title, loc="upper left", frameon=False, handlelength=3, labelspacing=1)
            axes.text(0.04, 0.12, note, transform=axes.transAxes, fontsize=7, va="bottom")

    def save(self, path: Path) -> None:
        """Write the figure as the path's ending says: .png or .svg."""
        # A date or a version would make two files of one picture.
        told = {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
        with _style():
            self._figure.savefig(path, dpi=_DOTS_PER_INCH, metadata=told)
            # Laid out once, it stays so: the next file is the same picture, sooner.
            self._figure.set_layout_engine("none")
