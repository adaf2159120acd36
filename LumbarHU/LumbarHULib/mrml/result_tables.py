"""Show a reading's numbers as tables in the scene, rounded for display; exported files have every digit."""

from collections.abc import Sequence
from typing import Any

from LumbarHULib.core.calibration import Density
from LumbarHULib.core.levels import ROIS, sorted_levels
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.core.results import ReadingResult, RoiSummary, class_heading
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_calibration import calibration_of
from LumbarHULib.mrml.subject_hierarchy import put_in_folder
from LumbarHULib.mrml.table_nodes import fill_table

_TITLES = {"results": "HU by level", "summary": "HU summary"}


def results_table(reading: Reading) -> Any:
    """Return the table of every level and region; None where there is none."""
    return reading.node.GetNodeReference("results")


def summary_table(reading: Reading) -> Any:
    """Return the table of means and classes; None where there is none."""
    return reading.node.GetNodeReference("summary")


def write_tables(reading: Reading, result: ReadingResult) -> None:
    """Fill both tables, and create them in their folder where there are none."""
    calibration = calibration_of(reading)
    unit = "" if calibration is None else calibration.unit
    _fill(reading, "results", _result_columns(result, unit))
    _fill(reading, "summary", _summary_columns(result, unit))


def density_text(density: Density | None) -> str:
    """Return a density with its 95 % interval, for display: “98.1 (80.2 to 116.0)”; empty if there is none."""
    if density is None:
        return ""
    if density.low_mg_cc is None or density.high_mg_cc is None:
        return f"{density.mean_mg_cc:.1f}"
    return f"{density.mean_mg_cc:.1f} ({density.low_mg_cc:.1f} to {density.high_mg_cc:.1f})"


def _result_columns(result: ReadingResult, unit_of_density: str) -> dict[str, list[Any]]:
    """Return the columns with one row for each level and region, in the order of the study."""
    rows = [(level, level.rois[roi]) for level in result.levels for roi in ROIS]
    columns: dict[str, list[Any]] = {"level": [level.level for level, _ in rows], "ROI": [roi.roi for _, roi in rows]}
    for quantity in QUANTITIES:
        unit, values = quantity.shown_unit, [roi.values[quantity.name] for _, roi in rows]
        title = f"{quantity.title} ({unit})" if unit else quantity.title
        columns[title] = [round(value, 1) for value in values] if unit else values
    if unit_of_density:
        columns[unit_of_density] = [density_text(roi.density) for _, roi in rows]
    columns["edited"] = ["by hand" if roi.edited else "" for _, roi in rows]
    columns["excluded"] = [level.excluded for level, _ in rows]
    return columns


def _summary_columns(result: ReadingResult, unit_of_density: str) -> dict[str, list[Any]]:
    """Return the columns with one row for each region: means of the levels, overall mean, class and cutoffs."""
    measured = {level.level: level for level in result.levels}
    rows = result.summaries
    columns = {"ROI": [row.roi for row in rows]}
    for level in sorted_levels(measured):
        title = f"{level} (excluded)" if measured[level].excluded else level
        columns[title] = [f"{measured[level].rois[row.roi].values['mean_hu']:.1f}" for row in rows]
    columns |= _columns("mean_hu", rows)
    if unit_of_density:
        columns[f"mean ({unit_of_density})"] = [density_text(row.density) for row in rows]
    columns["mean of"] = [" ".join(row.levels) for row in rows]
    columns[class_heading(result.whose_cutoffs or "the")] = [row.class_words for row in rows]
    columns["next to the cutoff"] = [_nearness(row) for row in rows]
    for key in ("osteoporosis_cutoff_hu", "normal_cutoff_hu", "distance_hu", "distance_lsc"):
        columns |= _columns(key, rows)
    return columns


def _columns(key: str, rows: Sequence[RoiSummary]) -> dict[str, list[Any]]:
    """Return a column of the summary by its title with unit."""
    column = SUMMARY_COLUMNS[key]
    title = f"{column.title} ({column.unit})" if column.unit else column.title
    return {title: [column.text(row, none="") for row in rows]}


def _nearness(row: RoiSummary) -> str:
    remarks = []
    if row.mean_hu is not None and row.inside_interval is None:
        remarks.append("the cutoff's confidence interval is unknown")
    if row.inside_interval:
        remarks.append("inside the cutoff's confidence interval")
    if row.within_error:
        remarks.append("within measurement error of the cutoff")
    return ", ".join(remarks)


def _fill(reading: Reading, role: str, columns: dict[str, list[Any]]) -> None:
    node = reading.node.GetNodeReference(role)
    if node is None:
        node = reading.scene.AddNewNodeByClass("vtkMRMLTableNode", _TITLES[role] + reading.owner_suffix)
        reading.node.SetNodeReferenceID(role, node.GetID())
        put_in_folder(reading, "Tables", node)
    fill_table(node, columns)
