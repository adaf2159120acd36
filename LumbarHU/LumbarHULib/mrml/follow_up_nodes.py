"""Write a follow-up's tables and plots into the scene. They are found again by role, and updated by a second run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from LumbarHULib.cohort.tables import Table
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import MEAN
from LumbarHULib.follow_up.trend import trend_values
from LumbarHULib.mrml.cohort_nodes import KeptFigure
from LumbarHULib.mrml.plot_nodes import RoleNodes, write_chart
from LumbarHULib.mrml.reading import MODULE_NAME
from LumbarHULib.mrml.subject_hierarchy import children_of, folder_under, hierarchy_of, item_of
from LumbarHULib.mrml.table_nodes import display_cells, fill_table

_PARAMETER = "follow-up"
_FOLDER_ATTRIBUTE, _PART_ATTRIBUTE = "LumbarHU.follow-up", "LumbarHU.part"
MEANS = "means"


@dataclass(frozen=True)
class FollowUpNodes:
    """A view of the node that keeps a follow-up's tables and plots; as `CohortNodes`, for the same views.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters store the case and the names of tables and panels, its references the nodes by role.
    """

    node: object

    @property
    def case(self) -> str:
        """The patient's name in results."""
        return self.node.GetParameter(_PARAMETER)

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of the tables, in order."""
        return tuple(json.loads(self.node.GetParameter("tables")))

    @property
    def figures(self) -> tuple[KeptFigure, ...]:
        """The figure."""
        kept = json.loads(self.node.GetParameter("figures"))
        return tuple(KeptFigure(name, title, tuple(panels), corner) for name, title, panels, corner in kept)

    def table(self, name: str):
        """Return the node of a table; None when it was deleted."""
        return self.node.GetNodeReference(f"table {name}")

    def chart(self, figure: str, panel: str):
        """Return the chart node of a panel; None when it was deleted."""
        return self.node.GetNodeReference(f"chart {figure} {panel}")


def follow_ups(scene) -> tuple[FollowUpNodes, ...]:
    """Return the follow-ups in a scene, in the order in which they were added."""
    nodes = scene.GetNodesByClass("vtkMRMLScriptedModuleNode")
    nodes.UnRegister(None)
    every = (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
    return tuple(
        FollowUpNodes(node) for node in every if node.GetModuleName() == MODULE_NAME and node.GetParameter(_PARAMETER)
    )


def write_follow_up_nodes(scene, found: FollowUp) -> FollowUpNodes:
    """Write a follow-up's tables as table nodes and its figure as plot charts; those of the same case are updated."""
    kept = [one.node for one in follow_ups(scene) if one.case == found.case]
    node = kept[0] if kept else _new_node(scene, found.case)
    owned, figure = RoleNodes(node), trend_values(found)
    tables = {MEANS: means_table(found), "changes": found.changes, "measurements": found.measurements}
    for name, table in tables.items():
        table_node = owned.take(f"table {name}", "vtkMRMLTableNode", f"{table.title} of {found.case}")
        columns = {title: [row[index] for row in table.rows] for index, title in enumerate(table.columns)}
        fill_table(table_node, {title: display_cells(cells) for title, cells in columns.items()})
    for panel in figure.panels:
        write_chart(owned, figure, panel)
    owned.remove_others()
    node.SetParameter("tables", json.dumps(list(tables)))
    panels = [panel.title for panel in figure.panels]
    node.SetParameter("figures", json.dumps([(figure.name, figure.title, panels, figure.free_corner)]))
    _put_in_folders(node, owned, found.case)
    return FollowUpNodes(node)


def means_table(found: FollowUp) -> Table:
    """Return the changes of the means, rounded and in the order in which one reads them."""
    # The change comes first: a view of the table shows the columns on the left.
    columns = ("ROI", "from", "to", "change (HU)", "95 % interval", "changed", "first (HU)", "second (HU)", "levels")
    when = {audit.position: audit.when for audit in found.audits}
    rows = [_means_row(record, when) for record in found.changes.records(level=MEAN)]
    return Table(MEANS, "Changes of the means", (*columns, "LSC (HU)", "HU per year", "reason"), rows)


def _means_row(record: Any, when: Mapping[int, str]) -> list[str]:
    interval = ""
    if record["change_low_hu"] is not None:
        interval = f"{record['change_low_hu']:+.1f} to {record['change_high_hu']:+.1f}"
    return [
        *(
            record["roi"],
            when[record["from_ct"]],
            when[record["to_ct"]],
            _number(record["change_hu"], "+.1f"),
            interval,
        ),
        *(record["changed"], _number(record["from_hu"]), _number(record["to_hu"]), record["levels"].replace(";", " ")),
        *(_number(record["lsc_hu"]), _number(record["hu_per_year"], "+.1f"), record["reason"]),
    ]


def _number(value: float | None, form: str = ".1f") -> str:
    return "" if value is None else format(round(value, 1) + 0.0, form)


def _new_node(scene, case: str):
    node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
    node.UnRegister(None)
    node.SetModuleName(MODULE_NAME)
    node.SetHideFromEditors(True)
    node.SetName(f"{MODULE_NAME} – follow-up {case}")
    node.SetParameter(_PARAMETER, case)
    node.SetParameter("tables", "[]")
    node.SetParameter("figures", "[]")
    scene.AddNode(node)
    return node


def _put_in_folders(node, owned: RoleNodes, case: str) -> None:
    """Put new nodes into the follow-up's folder; nodes that a user moved stay."""
    hierarchy = hierarchy_of(node.GetScene())
    top = folder_under(hierarchy, hierarchy.GetSceneItemID(), f"Follow-up of {case}", _FOLDER_ATTRIBUTE, case)
    for role in owned.new_roles:
        folder = top
        if role.partition(" ")[0] in ("values", "series"):
            folder = folder_under(hierarchy, top, "Values", _PART_ATTRIBUTE, "values")
        hierarchy.SetItemParent(item_of(hierarchy, owned.node(role)), folder)
    if owned.new_roles:
        for item in (top, *children_of(hierarchy, top, recursively=True)):
            hierarchy.SetItemExpanded(item, False)
