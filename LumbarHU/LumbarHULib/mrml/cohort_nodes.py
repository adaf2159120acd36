"""Write a cohort's tables and figures into the scene. They are found again by role, and updated by a second run."""

from collections.abc import Mapping, Sequence

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.figure_values import FigureValues
from LumbarHULib.cohort.figures import figures_of
from LumbarHULib.cohort.tables import Table
from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.node_types import Scene, ScriptedModuleNode
from LumbarHULib.mrml.plot_nodes import (
    FigureNodes,
    RoleNodes,
    figure_nodes,
    keep_names,
    new_figure_node,
    write_chart,
    write_table,
)
from LumbarHULib.mrml.subject_hierarchy import children_of, folder_under, hierarchy_of, item_of

_PARAMETER = "cohort"
_COHORT_ATTRIBUTE = "LumbarHU.cohort"
_PART_ATTRIBUTE = "LumbarHU.part"
_TABLES = "Tables"


class CohortNodes(FigureNodes):
    """A view of the node that keeps a cohort's tables and figures."""

    @property
    def name(self) -> str:
        """The cohort's name."""
        return self.node.GetParameter(_PARAMETER)


def cohorts(scene: Scene) -> tuple[CohortNodes, ...]:
    """Return the cohorts in a scene, in the order in which they were added."""
    return tuple(map(CohortNodes, figure_nodes(scene, _PARAMETER)))


def write_cohort(scene: Scene, analysis: CohortAnalysis, tables: Mapping[str, Table]) -> CohortNodes:
    """Write each table as a table node and each panel of each figure as a plot chart node.

    Nodes of a cohort of the same name are updated, and nodes that are no longer needed are removed.

    Parameters
    ----------
    scene : vtkMRMLScene
    analysis : CohortAnalysis
    tables : mapping of str to Table
        By name, as in the cohort's folder.

    Raises
    ------
    InputError
        When the cohort has no name.
    """
    cohort = analysis.cohort
    if not cohort.name.strip():
        raise InputError("The cohort has no name: give its table a name.")
    figures = _for_scene(figures_of(analysis))
    found = [kept.node for kept in cohorts(scene) if kept.name == cohort.name]
    node = found[0] if found else new_figure_node(scene, _PARAMETER, cohort.name)
    owned = RoleNodes(node)
    mark = "SYNTHETIC – " if cohort.is_synthetic else ""
    for table in tables.values():
        write_table(owned, table.name, f"{mark}{table.title}", table)
    for figure in figures:
        for panel in figure.panels:
            write_chart(owned, figure, panel, mark)
    owned.remove_others()
    keep_names(node, tables, figures)
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


def _put_in_folders(node: ScriptedModuleNode, owned: RoleNodes, title: str, figures: Mapping[str, str]) -> None:
    """Put the tables into one folder and each figure's nodes into another; nodes that a user moved stay."""
    hierarchy = hierarchy_of(node.GetScene())
    name = node.GetParameter(_PARAMETER)
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
