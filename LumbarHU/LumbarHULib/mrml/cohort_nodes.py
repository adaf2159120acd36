"""A cohort's tables and figures in the scene: found again by role, brought up to date by a second run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import FigureValues
from LumbarHULib.cohort.figures import figures_of
from LumbarHULib.cohort.tables import Table
from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.plot_nodes import RoleNodes, write_chart
from LumbarHULib.mrml.reading import MODULE_NAME
from LumbarHULib.mrml.subject_hierarchy import children_of, folder_under, hierarchy_of, item_of
from LumbarHULib.mrml.table_nodes import display_cells, fill_table

_COHORT_ATTRIBUTE = "LumbarHU.cohort"
_PART_ATTRIBUTE = "LumbarHU.part"
_TABLES = "Tables"


@dataclass(frozen=True)
class CohortNodes:
    """A view of the node that keeps what was made of a cohort.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters keep the cohort's name and what was made, its references the nodes by role: ``table roc``,
        ``chart roc round``, and of each chart ``values roc round`` and ``series roc round 1``.
    """

    node: object

    @property
    def name(self) -> str:
        """What the cohort is called."""
        return self.node.GetParameter("cohort")

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables in their order."""
        return tuple(json.loads(self.node.GetParameter("tables")))

    @property
    def figures(self) -> tuple["KeptFigure", ...]:
        """The figures in their order."""
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
    """Return what a scene keeps of cohorts, in the order in which they came in."""
    nodes = scene.GetNodesByClass("vtkMRMLScriptedModuleNode")
    nodes.UnRegister(None)
    every = (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
    return tuple(
        CohortNodes(node) for node in every if node.GetModuleName() == MODULE_NAME and node.GetParameter("cohort")
    )


def write_cohort(scene, analysis: CohortAnalysis, tables: Mapping[str, Table]) -> CohortNodes:
    """Write each table as a table node and each panel of each figure as a plot chart node.

    What the scene holds of a cohort of the same name is brought up to date, and what is no longer made is removed.

    Parameters
    ----------
    scene : vtkMRMLScene
    analysis : CohortAnalysis
    tables : mapping of str to Table
        By name, as the cohort's folder holds them.
    """
    cohort = analysis.cohort
    if not cohort.name.strip():
        raise InputError("The cohort has no name: name its table.")
    figures = _for_scene(figures_of(analysis))
    found = [kept.node for kept in cohorts(scene) if kept.name == cohort.name]
    node = found[0] if found else _new_node(scene, cohort.name)
    owned = RoleNodes(node)
    mark = "SYNTHETIC – " if cohort.is_synthetic else ""
    for table in tables.values():
        columns = {title: [row[place] for row in table.rows] for place, title in enumerate(table.columns)}
        of_table = owned.take(f"table {table.name}", "vtkMRMLTableNode", f"{mark}{table.title}")
        fill_table(of_table, {title: display_cells(cells) for title, cells in columns.items()})
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
    """Return the figures that Slicer's plots can show and that a user would look for among so many.

    Slicer's axes cannot name the rows of a forest plot; and of levels those of DXA are enough, where there are such.
    The tables hold the same numbers.
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
    """Put tables into one folder and each figure's nodes into one, unless the user has put them elsewhere."""
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
        # Filling a folder opens it.
        for item in (top, *children_of(hierarchy, top, recursively=True)):
            hierarchy.SetItemExpanded(item, False)
