"""Compare the readings of one CT in a scene, with the same computation as for audit folders."""

from collections.abc import Mapping
from typing import Any

from LumbarHULib.cohort import cases
from LumbarHULib.cohort.combined_readings import CombinedReadings, combine, combined_table
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.mrml.node_types import TableNode, VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.subject_hierarchy import hierarchy_of, item_of
from LumbarHULib.mrml.table_nodes import display_cells, fill_table

_ROLE = "LumbarHU.readings"
_DIGITS = 1
_MEAN, _DIFFERENCE = "mean (HU)", "difference (HU)"


def reading_values(reading: Reading, result: ReadingResult) -> cases.Reading:
    """Return a reading's result in the form used by the cohort statistics."""
    levels = [level for level in result.levels if level.level in MEAN_LEVELS]
    measured = [level for level in levels if not level.excluded]
    excluded = {name for name in reading.exclusions if name in MEAN_LEVELS}
    return cases.Reading(
        case=reading.case,
        reader=reading.reader,
        reading=reading.number,
        hu={(level.level, roi): result.values["mean_hu"] for level in measured for roi, result in level.rois.items()},
        origins={level.level: level.origin.kind for level in measured},
        excluded=tuple(level for level in MEAN_LEVELS if level in excluded),
        blinded=reading.is_blinded,
    )


def compare_readings(results: Mapping[Reading, ReadingResult]) -> CombinedReadings:
    """Return the combined readings of one CT.

    Parameters
    ----------
    results : mapping of Reading to ReadingResult
        At least two readings of one CT with their results.

    Raises
    ------
    InputError
        With fewer than two readings that have a measured level.
    """
    readings = [reading_values(reading, result) for reading, result in results.items()]
    readings = [reading for reading in readings if reading.hu]
    if len(readings) < 2:
        raise InputError("Fewer than two readings of this CT have a measured level: measure another reading first.")
    return combine(readings)


def comparison_table(ct_node: VolumeNode) -> Any:
    """Return the table that compares a CT's readings; None where there is none."""
    return ct_node.GetNodeReference(_ROLE)


def write_comparison(ct_node: VolumeNode, combined: CombinedReadings, minimum_levels: int) -> TableNode:
    """Write a comparison of a CT's readings into the scene, and return the table node."""
    table = combined_table(combined, minimum_levels)
    node = comparison_table(ct_node)
    if node is None:
        node = ct_node.GetScene().AddNewNodeByClass("vtkMRMLTableNode", f"{table.title} ({ct_node.GetName()})")
        ct_node.SetNodeReferenceID(_ROLE, node.GetID())
        hierarchy = hierarchy_of(ct_node.GetScene())
        hierarchy.SetItemParent(item_of(hierarchy, node), item_of(hierarchy, ct_node))
    # As text: a table view would show 131 next to 131.2, and −0.
    cells = [[_shown(cell) if isinstance(cell, float) else cell for cell in row] for row in table.rows]
    columns = {title: display_cells([row[index] for row in cells]) for index, title in enumerate(table.columns)}
    # A panel is narrow: unlike in files, the difference is next to the two readings, before their mean.
    titles = list(columns)
    titles.insert(titles.index(_MEAN), titles.pop(titles.index(_DIFFERENCE)))
    fill_table(node, {title: columns[title] for title in titles})
    return node


def _shown(value: float) -> str:
    return f"{round(value, _DIGITS) + 0.0:.{_DIGITS}f}"


def unblind(reading: Reading) -> bool:
    """Record that the reader of an open reading has seen other readings; return whether the record changed."""
    if reading.is_signed_off or not reading.is_blinded:
        return False
    reading.keep("blinded", False)
    return True
