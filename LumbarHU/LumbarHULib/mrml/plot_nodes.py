"""Write tables, and the panels of figures: each a chart, a table of values, and a series for each element."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from LumbarHULib.cohort.figure_values import LOOKS, Box, FigurePanel, FigureValues, Level, Look
from LumbarHULib.cohort.tables import Table
from LumbarHULib.mrml.node_types import Scene, ScriptedModuleNode, nodes_of_class
from LumbarHULib.mrml.reading import MODULE_NAME
from LumbarHULib.mrml.table_nodes import display_cells, fill_table

_Series = slicer.vtkMRMLPlotSeriesNode
_LINES = {
    "": _Series.LineStyleNone,
    "solid": _Series.LineStyleSolid,
    "dashed": _Series.LineStyleDash,
    "dotted": _Series.LineStyleDot,
}
# Slicer has no triangular markers.
_MARKERS = {
    "": _Series.MarkerStyleNone,
    "circle": _Series.MarkerStyleCircle,
    "triangle": _Series.MarkerStyleDiamond,
    "square": _Series.MarkerStyleSquare,
    "cross": _Series.MarkerStyleCross,
}
_MARKER_SIZE, _LINE_WIDTH = 9, 2
_TITLE_SIZE, _LABEL_SIZE = 12, 11
_HALF_BOX = 0.28
# Where no corner of a figure is free, its charts get room above the values, as a share of their range.
_ROOMY_CORNER, _LEGEND_ROOM = "upper right", 0.45
_KEPT_ROLES = "roles"


@dataclass(frozen=True)
class KeptFigure:
    """A figure in the scene: its name and title, its panels, and the corner for their legend, if they have one."""

    name: str
    title: str
    panels: tuple[str, ...]
    free_corner: str


@dataclass(frozen=True)
class FigureNodes:
    """A view of a node that keeps tables and figures, those of a cohort or of a follow-up.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters keep the names of tables and figures, its references the nodes by role: ``table roc``,
        ``chart roc round``, and for each chart ``values roc round`` and ``series roc round 1``.
    """

    node: ScriptedModuleNode

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of the tables, in order."""
        return tuple(json.loads(self.node.GetParameter("tables")))

    @property
    def figures(self) -> tuple[KeptFigure, ...]:
        """The figures, in order."""
        kept = json.loads(self.node.GetParameter("figures"))
        return tuple(KeptFigure(name, title, tuple(panels), corner) for name, title, panels, corner in kept)

    @property
    def table_titles(self) -> dict[str, str]:
        """The titles of the tables that were not deleted, by name."""
        nodes = {name: self.table(name) for name in self.table_names}
        return {name: node.GetName() for name, node in nodes.items() if node is not None}

    def table(self, name: str) -> Any:
        """Return the node of a table; None when it was deleted."""
        return self.node.GetNodeReference(f"table {name}")

    def chart(self, figure: str, panel: str) -> Any:
        """Return the chart node of a figure's panel; None when it was deleted."""
        return self.node.GetNodeReference(f"chart {figure} {panel}")


def figure_nodes(scene: Scene, parameter: str) -> list[ScriptedModuleNode]:
    """Return LumbarHU's nodes with a parameter, in the order in which they were added."""
    nodes = nodes_of_class(scene, "vtkMRMLScriptedModuleNode")
    return [node for node in nodes if node.GetModuleName() == MODULE_NAME and node.GetParameter(parameter)]


def new_figure_node(scene: Scene, parameter: str, name: str) -> ScriptedModuleNode:
    """Add a node that keeps tables and figures, still without any, under a name that its parameter stores."""
    node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
    node.UnRegister(None)
    node.SetModuleName(MODULE_NAME)
    node.SetHideFromEditors(True)
    node.SetName(f"{MODULE_NAME} – {parameter} {name}")
    node.SetParameter(parameter, name)
    node.SetParameter("tables", "[]")
    node.SetParameter("figures", "[]")
    scene.AddNode(node)
    return node


def keep_names(node: ScriptedModuleNode, tables: Iterable[str], figures: Iterable[FigureValues]) -> None:
    """Store the names of the tables and figures that a node keeps."""
    node.SetParameter("tables", json.dumps(list(tables)))
    kept = [(one.name, one.title, [panel.title for panel in one.panels], _legend_corner(one)) for one in figures]
    node.SetParameter("figures", json.dumps(kept))


class RoleNodes:
    """The nodes that another node references by role; missing nodes are created.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        The referencing node, which also stores the list of roles.
    """

    def __init__(self, node: ScriptedModuleNode) -> None:
        self._node = node
        self._before: list[str] = json.loads(node.GetParameter(_KEPT_ROLES) or "[]")
        self._taken: dict[str, bool] = {}

    @property
    def new_roles(self) -> tuple[str, ...]:
        """The roles whose nodes were created in this run."""
        return tuple(role for role, is_new in self._taken.items() if is_new)

    def node(self, role: str) -> Any:
        """Return the node of a role; None where there is none."""
        return self._node.GetNodeReference(role)

    def take(self, role: str, class_name: str, name: str) -> Any:
        """Return the node of a role, and mark the role as used; create the node with this name where there is none."""
        found = self.node(role)
        self._taken[role] = found is None
        if found is None:
            found = self._node.GetScene().AddNewNodeByClass(class_name, name)
            self._node.SetNodeReferenceID(role, found.GetID())
        return found

    def remove_others(self) -> None:
        """Remove the nodes of all roles not used in this run, and store the list of used roles."""
        for role in self._before:
            if role not in self._taken:
                if self.node(role) is not None:
                    self._node.GetScene().RemoveNode(self.node(role))
                self._node.RemoveNodeReferenceIDs(role)
        self._node.SetParameter(_KEPT_ROLES, json.dumps(list(self._taken)))


def write_table(owned: RoleNodes, name: str, title: str, table: Table) -> None:
    """Write a table as the table node of the role ``table NAME``."""
    node = owned.take(f"table {name}", "vtkMRMLTableNode", title)
    columns = {heading: [row[index] for row in table.rows] for index, heading in enumerate(table.columns)}
    fill_table(node, {heading: display_cells(cells) for heading, cells in columns.items()})


def write_chart(owned: RoleNodes, figure: FigureValues, panel: FigurePanel, mark: str = "") -> None:
    """Write a panel of a figure; every title begins with `mark`."""
    panel_role = f"{figure.name} {panel.title}"
    name = f"{mark}{figure.title}: {panel.title}"
    drawn = list(_drawn(panel))
    values = owned.take(f"values {panel_role}", "vtkMRMLTableNode", f"{name} (values)")
    fill_table(values, _columns([points for *_, points in drawn]))
    chart = owned.take(f"chart {panel_role}", "vtkMRMLPlotChartNode", name)
    state_before = chart.StartModify()
    chart.RemoveAllPlotSeriesNodeIDs()
    for number, (label, look, is_line, _) in enumerate(drawn, 1):
        series = owned.take(f"series {panel_role} {number}", "vtkMRMLPlotSeriesNode", label)
        series.SetName(label)  # shown in the chart's legend
        _set_look(series, look, is_line)
        series.SetAndObserveTableNodeID(values.GetID())
        series.SetXColumnName(_column_name(number, "x"))
        series.SetYColumnName(_column_name(number, "y"))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(f"{mark}{panel.title}{_title_text(panel)}")
    chart.SetXAxisTitle(panel.x_label or ", ".join(f"{box.x:g}: {box.role}" for box in panel.boxes))
    chart.SetYAxisTitle(panel.y_label)
    for limits, set_auto, set_range in (
        (panel.x_limits, chart.SetXAxisRangeAuto, chart.SetXAxisRange),
        (_with_room(figure, panel), chart.SetYAxisRangeAuto, chart.SetYAxisRange),
    ):
        set_auto(False)
        set_range(*limits)
    chart.SetTitleFontSize(_TITLE_SIZE)
    chart.SetAxisTitleFontSize(_LABEL_SIZE)
    chart.SetAxisLabelFontSize(_LABEL_SIZE)
    chart.SetLegendFontSize(_LABEL_SIZE)
    chart.SetGridVisibility(False)
    chart.SetLegendVisibility(bool(_legend_corner(figure)))
    chart.EndModify(state_before)


def _legend_corner(figure: FigureValues) -> str:
    """Return the corner for the legend; empty for a figure that needs none, such as boxes with names below them."""
    return figure.free_corner or (_ROOMY_CORNER if figure.legend else "")


def _with_room(figure: FigureValues, panel: FigurePanel) -> tuple[float, float]:
    """Return the limits of the vertical axis, higher where the legend would hide values."""
    low, high = panel.y_limits
    return (low, high) if figure.free_corner or not figure.legend else (low, high + _LEGEND_ROOM * (high - low))


def _title_text(panel: FigurePanel) -> str:
    """Return the panel's text for the title: one line, in characters that VTK can draw; the rest is in the legend."""
    if panel.boxes or panel.is_square:
        return ""
    return ": " + panel.text.replace("\n", ", ").replace("ρ", "rho")


def _drawn(panel: FigurePanel) -> Iterator[tuple[str, Look, bool, np.ndarray]]:
    """Yield label, look, whether a line joins the points, and the points, shape (n, 2), of each element of a panel."""
    for level in panel.levels:
        yield from _level_lines(level, panel.x_limits)
    for box in panel.boxes:
        yield box.label.replace("\n", ", "), LOOKS[box.role], True, _box_outline(box)
        if box.outliers:
            points = np.column_stack([np.full(len(box.outliers), box.x), box.outliers])
            yield f"{box.role}, outliers", LOOKS[box.role], False, points
    for series in panel.series:
        if series.x.size:
            yield series.label, LOOKS[series.role], series.is_line, np.column_stack([series.x, series.y])


def _level_lines(level: Level, x_limits: tuple[float, float]) -> Iterator[tuple[str, Look, bool, np.ndarray]]:
    left, right = x_limits
    yield level.label, LOOKS[level.role], True, np.array([[left, level.y], [right, level.y]])
    if level.low is not None:
        frame = [[left, level.low], [right, level.low], [right, level.high], [left, level.high], [left, level.low]]
        yield f"{level.label}, 95 % interval", LOOKS["chance"], True, np.array(frame)


def _box_outline(box: Box) -> np.ndarray:
    """Return whiskers, box and median as one line, from the end of the lower whisker back to the bottom of the box."""
    x, left, right = box.x, box.x - _HALF_BOX, box.x + _HALF_BOX
    line = [(x, box.low), (x, box.q1), (left, box.q1), (left, box.median), (right, box.median), (left, box.median)]
    line += [(left, box.q3), (x, box.q3), (x, box.high), (x, box.q3), (right, box.q3), (right, box.q1), (x, box.q1)]
    return np.array(line)


def _set_look(series: Any, look: Look, is_line: bool) -> None:
    series.SetPlotType(_Series.PlotTypeScatter)
    series.SetColor(*(int(look.edge[place : place + 2], 16) / 255 for place in (1, 3, 5)))
    # An element with markers in other figures, such as a box's outline, is a line here.
    series.SetLineStyle((_LINES[look.line] or _Series.LineStyleSolid) if is_line else _Series.LineStyleNone)
    series.SetMarkerStyle(_Series.MarkerStyleNone if is_line else _MARKERS[look.marker])
    series.SetLineWidth(_LINE_WIDTH)
    series.SetMarkerSize(_MARKER_SIZE)


def _columns(parts: list[np.ndarray]) -> dict[str, list[float]]:
    """Return two columns for each part, padded to the longest with NaN, which Slicer does not draw."""
    rows = max((len(points) for points in parts), default=0)
    columns = {}
    for number, points in enumerate(parts, 1):
        for place, axis in enumerate("xy"):
            gap = [float("nan")] * (rows - len(points))
            columns[_column_name(number, axis)] = [*points[:, place].tolist(), *gap]
    return columns


def _column_name(number: int, axis: str) -> str:
    return f"{axis} {number}"
