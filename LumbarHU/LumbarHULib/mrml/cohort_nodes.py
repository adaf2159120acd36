"""Write a cohort's tables and figures into the scene. They are found again by role, and updated by a second run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import FigureValues
from LumbarHULib.cohort.figures import figures_of
from LumbarHULib.cohort.tables import Table
from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.node_types import ParameterNode
from LumbarHULib.mrml.plot_nodes import RoleNodes, write_chart
from LumbarHULib.mrml.reading import MODULE_NAME
from LumbarHULib.mrml.subject_hierarchy import children_of, folder_under, hierarchy_of, item_of
from LumbarHULib.mrml.table_nodes import display_cells, fill_table

_COHORT_ATTRIBUTE = "LumbarHU.cohort"
_PART_ATTRIBUTE = "LumbarHU.part"
_TABLES = "Tables"


@dataclass(frozen=True)
class CohortNodes:
    """A view of the node that keeps a cohort's tables and figures.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters keep the names of the cohort and of its tables and figures, its references the nodes by role:
        ``table roc``, ``chart roc round``, and for each chart ``values roc round`` and ``series roc round 1``.
    """

    node: ParameterNode

    @property
    def name(self) -> str:
        """The cohort's name."""
        return self.node.GetParameter("cohort")

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of the tables, in order."""
        return tuple(json.loads(self.node.GetParameter("tables")))

    @property
    def figures(self) -> tuple["KeptFigure", ...]:
        """The figures, in order."""
        kept = json.loads(self.node.GetParameter("figures"))
        return tuple(KeptFigure(name, title, tuple(panels), corner) for name, title, panels, corner in kept)

    def table(self, name: str):
        """Return the node of a table; None when it was deleted."""
        return self.node.GetNodeReference(f"table {name}")

    def chart(self, figure: str, panel: str):
        """Return the chart node of a figure's panel; None when it was deleted."""
        return self.node.GetNodeReference(f"chart {figure} {panel}")


@dataclass(frozen=True)
class KeptFigure:
    """A figure in the scene: its name and title, its panels, and the corner for their legend, if they have one."""

    name: str
    title: str
    panels: tuple[str, ...]
    free_corner: str


def cohorts(scene) -> tuple[CohortNodes, ...]:
    """Return the cohorts in a scene, in the order in which they were added."""
    nodes = scene.GetNodesByClass("vtkMRMLScriptedModuleNode")
    nodes.UnRegister(None)
    every = (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
    return tuple(
        CohortNodes(node) for node in every if node.GetModuleName() == MODULE_NAME and node.GetParameter("cohort")
    )


def write_cohort(scene, analysis: CohortAnalysis, tables: Mapping[str, Table]) -> CohortNodes:
    """Write each table as a table node and each panel of each figure as a plot chart node.

    Nodes of a cohort of the same name are updated, and nodes that are no longer needed are removed.

    Parameters
    ----------
    scene : vtkMRMLScene
    analysis : CohortAnalysis
    tables : mapping of str to Table
        By name, as in the cohort's folder.
    """
    cohort = analysis.cohort
    if not cohort.name.strip():
        raise InputError("The cohort has no name: give its table a name.")
    figures = _for_scene(figures_of(analysis))
    found = [kept.node for kept in cohorts(scene) if kept.name == cohort.name]
    node = found[0] if found else _new_node(scene, cohort.name)
    owned = RoleNodes(node)
    mark = "SYNTHETIC – " if cohort.is_synthetic else ""
    for table in tables.values():
        columns = {title: [row[index] for row in table.rows] for index, title in enumerate(table.columns)}
        table_node = owned.take(f"table {table.name}", "vtkMRMLTableNode", f"{mark}{table.title}")
        fill_table(table_node, {title: display_cells(cells) for title, cells in columns.items()})
    for figure in figures:
        for panel in figure.panels:
            write_chart(owned, figure, panel, mark)
    owned.remove_others()
    node.SetParameter("tables", json.dumps(list(tables)))
    kept = [
        (figure.name, figure.title, [panel.title for panel in figure.panels], figure.free_corner) for figure in figures
    ]
    node.SetParameter("figures", json.dumps(kept))
    _put_in_folders(node, owned, f"{mark}Cohort {cohort.name}", {figure.name: figure.title for figure in figures})
    return CohortNodes(node)


def _for_scene(figures: Sequence[FigureValues]) -> tuple[FigureValues, ...]:
    """Return the figures that Slicer's plots can show, without those of less interest.

    Slicer's axes cannot name the rows of a forest plot. Of the figures by level, those for DXA suffice, if there are
    any. The tables contain the same numbers.
    """
    has_dxa = any(figure.sheet == "roc_levels" for figure in figures)
    return tuple(
        figure
        for figure in figures
        if not figure.panels[0].intervals and not (has_dxa and figure.sheet.startswith("roc_levels_"))
    )


def _new_node(scene, name: str):
    node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
    node.UnRegister(None)
    node.SetModuleName(MODULE_NAME)
    node.SetHideFromEditors(True)
    node.SetName(f"{MODULE_NAME} – cohort {name}")
    node.SetParameter("cohort", name)
    node.SetParameter("tables", "[]")
    node.SetParameter("figures", "[]")
    scene.AddNode(node)
    return node


def _put_in_folders(node, owned: RoleNodes, title: str, figures: Mapping[str, str]) -> None:
    """Put the tables into one folder and each figure's nodes into another; nodes that a user moved stay."""
    hierarchy = hierarchy_of(node.GetScene())
    name = node.GetParameter("cohort")
    top = folder_under(hierarchy, hierarchy.GetSceneItemID(), title, _COHORT_ATTRIBUTE, name)
    for role in owned.new_roles:
        kind, _, rest = role.partition(" ")
        part = _TABLES if kind == "table" else rest.split()[0]
        folder = folder_under(hierarchy, top, figures.get(part, part), _PART_ATTRIBUTE, part)
        if kind in ("values", "series"):
            folder = folder_under(hierarchy, folder, "Values", _PART_ATTRIBUTE, "values")
        hierarchy.SetItemParent(item_of(hierarchy, owned.node(role)), folder)
    if owned.new_roles:
        # Adding to a folder expands it.
        for item in (top, *children_of(hierarchy, top, recursively=True)):
            hierarchy.SetItemExpanded(item, False)
