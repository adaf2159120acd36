"""The content of figures, independent of drawing: files and scenes draw the same values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

# Free fraction of an axis on either side of the data.
_MARGIN = 0.05


@dataclass(frozen=True)
class Look:
    """A drawing style that can be distinguished in print without color.

    Parameters
    ----------
    line : {"", "solid", "dashed", "dotted"}
    marker : {"", "circle", "triangle", "square", "cross"}
    edge, fill : str
        Colors as #rrggbb; the line has the edge's color.
    """

    line: str
    marker: str
    edge: str
    fill: str = "#ffffff"


# Styles by role, from light to dark with decreasing bone density.
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "normal": Look("", "circle", "#4a7ba6"),
        "osteopenia": Look("", "triangle", "#606060", "#a8a8a8"),
        "osteoporosis": Look("", "square", "#111111", "#111111"),
        "no group": Look("", "cross", "#4a7ba6"),
        "finds osteoporosis": Look("solid", "square", "#111111"),
        "finds low_bmd": Look("dashed", "circle", "#7a7a7a"),
        "chance": Look("dotted", "", "#b0b0b0"),
        "difference": Look("", "circle", "#404040"),
        "bias": Look("solid", "", "#111111"),
        "limit": Look("dashed", "", "#111111"),
        "area": Look("", "square", "#111111", "#111111"),
        "low HU": Look("solid", "", "#111111"),
        "high HU": Look("dashed", "", "#7a7a7a"),
        "identity": Look("dotted", "", "#7a7a7a"),
        "Deming": Look("solid", "", "#111111"),
        "Passing–Bablok": Look("dashed", "", "#111111"),
    }
)


@dataclass(frozen=True, eq=False)
class Series:
    """Points of a panel.

    Parameters
    ----------
    role : str
        Key of `LOOKS`.
    label : str
        Label in the legend.
    x, y : numpy.ndarray, shape (n,)
        Coordinates, without missing values.
    is_line : bool
        Whether the points are joined and drawn without markers.
    """

    role: str
    label: str
    x: np.ndarray
    y: np.ndarray
    is_line: bool = False


@dataclass(frozen=True)
class Level:
    """A horizontal line through a panel, with an optional interval."""

    role: str
    label: str
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Box:
    """Median, quartiles, and whiskers up to 1.5 box lengths; values farther out are drawn singly."""

    role: str
    label: str
    x: float
    median: float
    q1: float
    q3: float
    low: float
    high: float
    outliers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Interval:
    """A number with its interval as a horizontal line in a forest plot, counted from the top.

    Parameters
    ----------
    label : str
        Label next to the axis.
    y : float
        Position from the top; a whole number.
    value, low, high : float
    text : str
        The numbers as text, at the line's end.
    """

    label: str
    y: float
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, eq=False)
class FigurePanel:
    """One diagram of a figure.

    Parameters
    ----------
    title : str
    x_label, y_label : str
        With units.
    text : str
        The panel's numbers, with n; one or more lines of text.
    x_limits, y_limits : tuple of float
    series : tuple of Series
    levels : tuple of Level
    boxes : tuple of Box
        With boxes, the horizontal axis has the boxes' labels, not numbers.
    is_square : bool
        Whether both axes are proportions from 0 to 1.
    intervals : tuple of Interval
        With intervals, the vertical axis points downward and has their labels, not numbers.
    """

    title: str
    x_label: str
    y_label: str
    text: str
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    series: tuple[Series, ...] = ()
    levels: tuple[Level, ...] = ()
    boxes: tuple[Box, ...] = ()
    is_square: bool = False
    intervals: tuple[Interval, ...] = ()


@dataclass(frozen=True)
class LegendLine:
    """The meaning of a style; `has_line` and `has_marker` state which part of it is drawn."""

    label: str
    role: str
    has_line: bool
    has_marker: bool


@dataclass(frozen=True, eq=False)
class FigureValues:
    """A figure of one or more panels, with its legend.

    Parameters
    ----------
    name : str
        Name of its files, without suffix.
    title, caption : str
        The content of the figure, in a few words and in a sentence.
    panels : tuple of FigurePanel
    legend_title : str
    legend : tuple of LegendLine
    legend_note : str
    free_corner : {"upper left", "upper right", "lower right", ""}
        Corner where its panels have no data; empty if there is none.
    sheet : str
        Name of the files in which it is a row, together with figures of other levels; empty if it has its own files.
    row_title : str
        Title of its row on the sheet, such as a level.
    """

    name: str
    title: str
    caption: str
    panels: tuple[FigurePanel, ...]
    legend_title: str
    legend: tuple[LegendLine, ...]
    legend_note: str
    free_corner: str
    sheet: str = ""
    row_title: str = ""


def limits_of(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the limits of an axis that shows all values with a margin."""
    every = np.concatenate([np.asarray(value, dtype=np.float64).ravel() for value in values])
    low, high = float(every.min()), float(every.max())
    room = _MARGIN * (high - low) or 0.5
    return low - room, high + room
