"""Write a follow-up's tables and plots into the scene. They are found again by role, and updated by a second run."""

from collections.abc import Mapping
from typing import Any

from LumbarHULib.cohort.tables import Table
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import changes_by_pair
from LumbarHULib.follow_up.trend import trend_values
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

_PARAMETER = "follow-up"
_FOLDER_ATTRIBUTE, _PART_ATTRIBUTE = "LumbarHU.follow-up", "LumbarHU.part"
MEANS = "means"


class FollowUpNodes(FigureNodes):
    """A view of the node that keeps a follow-up's tables and its figure."""

    @property
    def case(self) -> str:
        """The patient's name in results."""
        return self.node.GetParameter(_PARAMETER)


def follow_ups(scene: Scene) -> tuple[FollowUpNodes, ...]:
    """Return the follow-ups in a scene, in the order in which they were added."""
    return tuple(map(FollowUpNodes, figure_nodes(scene, _PARAMETER)))


def write_follow_up_nodes(scene: Scene, found: FollowUp) -> FollowUpNodes:
    """Write a follow-up's tables as table nodes and its figure as plot charts; those of the same case are updated."""
    kept = [one.node for one in follow_ups(scene) if one.case == found.case]
    node = kept[0] if kept else new_figure_node(scene, _PARAMETER, found.case)
    owned, figure = RoleNodes(node), trend_values(found)
    tables = {MEANS: means_table(found), "changes": found.changes, "measurements": found.measurements}
    for name, table in tables.items():
        write_table(owned, name, f"{table.title} of {found.case}", table)
    for panel in figure.panels:
        write_chart(owned, figure, panel)
    owned.remove_others()
    keep_names(node, tables, [figure])
    _put_in_folders(node, owned, found.case)
    return FollowUpNodes(node)


def means_table(found: FollowUp) -> Table:
    """Return the changes of the means, rounded and in the order in which one reads them."""
    # The change comes first: a view of the table shows the columns on the left.
    columns = ("ROI", "from", "to", "change (HU)", "95 % interval", "changed", "first (HU)", "second (HU)", "levels")
    when = {audit.position: audit.when for audit in found.audits}
    rows = [_means_row(record, when) for pair in changes_by_pair(found.changes).values() for record in pair]
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


def _put_in_folders(node: ScriptedModuleNode, owned: RoleNodes, case: str) -> None:
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
