"""Compare results.csv with repeated measurements, and summary.csv with results.csv."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LumbarHULib import __version__
from LumbarHULib.audit.folder import file_sha256
from LumbarHULib.audit.tables import (
    DENSITY_COLUMNS,
    NEWER_COLUMNS,
    NOT_MEASURED,
    QUANTITY_COLUMNS,
    joined_codes,
    results_columns,
    summary_columns_of,
)
from LumbarHULib.audit.verify_densities import densities_again
from LumbarHULib.audit.verify_numbers import LabelVoxels, measured_again
from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.results import GIVEN_CLASSES
from LumbarHULib.files.csv_text import Cell, cell_text

# Columns with whole numbers that are compared exactly.
_EXACT = {"min_hu", "max_hu", "voxels", "slices", "label_value"}
_TOLERANCE = 1e-9
# Relative tolerance: a geometry stored in single precision changes areas in the seventh digit.
_AREA_TOLERANCE = 1e-6

Row = dict[str, str]


def result_differences(
    path: Path, record: dict[str, Any], voxels: Mapping[str, Mapping[int, LabelVoxels]]
) -> list[str]:
    """Return the differences of results.csv from the record and from the label maps.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    record : dict
        The folder's record.
    voxels : mapping of str to mapping of int to LabelVoxels
        Voxels of each label, for each region with a measurable label map.
    """
    rows, differences = _read_rows(path, _expected_columns(path, record))
    if rows is None:
        return differences
    expected = _recorded_cells(record)
    by_key: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row["level"], row["roi"])
        if key in by_key:
            differences.append(f"{path.name}, {' '.join(key)}: the row occurs twice.")
        by_key[key] = row
    differences += [
        f"{path.name}, {' '.join(key)}: expected a row, found none." for key in expected if key not in by_key
    ]
    for key, row in by_key.items():
        where = f"{path.name}, {' '.join(key)}"
        if key not in expected:
            differences.append(f"{where}: not in the record, so the row was added later.")
            continue
        differences += _cell_differences(where, row, expected[key])
        if key[1] in voxels:
            of_label = voxels[key[1]].get(LABEL_VALUES[key[0]])
            differences += _quantity_differences(where, row, of_label, _groups(record, *key))
            if of_label is not None:
                mean_hu = measured_again(of_label, _groups(record, *key))["mean_hu"]
                differences += _density_differences(where, row, str(mean_hu), record)
    return differences + _labels_without_row(voxels, by_key)


def summary_differences(
    path: Path, results_path: Path, record: dict[str, Any], voxels: Mapping[str, Mapping[int, LabelVoxels]]
) -> list[str]:
    """Return the differences of summary.csv from results.csv and the cutoffs in the record.

    The label maps in `voxels` replace a results.csv that was changed after the record was written, because its errors
    are not errors of summary.csv.
    """
    rows, differences = _read_rows(path, summary_columns_of("calibration" in record))
    results, _ = _read_rows(results_path, _expected_columns(results_path, record))
    if rows is None or results is None:
        return differences
    if file_sha256(results_path) != record["files"].get(results_path.name):
        results = _rows_of_label_maps(results, record, voxels)
    found = {row["roi"]: row for row in rows}
    rois = _rois(record)
    if [row["roi"] for row in rows] != rois:
        differences.append(
            f"{path.name}: expected the rows {', '.join(rois)}, found {', '.join(row['roi'] for row in rows)}."
        )
    for roi, row in found.items():
        if roi in rois:
            of_row = _cell_differences(f"{path.name}, {roi}", row, _summary_cells(roi, results, record))
            differences += of_row or _recorded_summary_differences(roi, row, record)
            differences += _density_differences(f"{path.name}, {roi}", row, row["mean_hu"], record)
    return differences


def _rois(record: dict[str, Any]) -> list[str]:
    return [summary["roi"] for summary in record["summaries"]]


def _expected_columns(path: Path, record: dict[str, Any]) -> list[str]:
    """Return the columns that results.csv should have: in a folder of another version, newer ones may be missing."""
    columns = list(results_columns("calibration" in record))
    if record["software"]["LumbarHU"] == __version__ or not path.is_file():
        return columns
    header = path.read_bytes().removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
    names = header.strip().split(",")
    newer = {name for name in (*QUANTITY_COLUMNS, *NEWER_COLUMNS) if name not in names and name != "mean_hu"}
    return [name for name in columns if name not in newer]


def _read_rows(path: Path, columns: Sequence[str]) -> tuple[list[Row] | None, list[str]]:
    """Return the rows of a table; None if it cannot be read, which is a difference unless the file is missing."""
    if not path.is_file():
        return None, []  # reported with the hashes
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return None, [f"{path.name}: cannot be read as CSV in UTF-8 ({error})."]
    if not lines or lines[0] != list(columns):
        return None, [
            f"{path.name}: expected the columns {', '.join(columns)}, found {', '.join(lines[0] if lines else [])}."
        ]
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(columns):
            return None, [f"{path.name}, line {number}: expected {len(columns)} cells, found {len(line)}."]
    return [dict(zip(columns, line, strict=True)) for line in lines[1:]], []


def _recorded_cells(record: dict[str, Any]) -> dict[tuple[str, str], dict[str, Cell]]:
    """Return the cells of results.csv by the record, by level and region."""
    reading = {name: record[name] for name in ("case", "reader", "reading")}
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    for level in record["levels"]:
        for roi in _rois(record):
            findings = [*level["findings"], *level["rois"][roi]["findings"]]
            cells[level["level"], roi] = reading | {
                "label_value": LABEL_VALUES[level["level"]],
                "origin": str(MidlineOrigin(**level["midline"]["origin"])),
                "outline_edited": level["outline"]["source"] == "reader",
                "boundary_moved": level["boundary"]["moved"],
                "edited": level["rois"][roi]["edited"],
                "placement_sd_hu": level["rois"][roi]["placement_sd_hu"],
                "excluded": level["excluded"],
                "findings": joined_codes(finding["code"] for finding in findings),
            }
    for level in record["not_measured"]:
        for roi in _rois(record):
            cells[level["level"], roi] = reading | {
                "label_value": LABEL_VALUES[level["level"]],
                "origin": "",
                "outline_edited": False,
                "boundary_moved": False,
                "edited": False,
                "placement_sd_hu": None,
                "excluded": level["excluded"],
                "findings": NOT_MEASURED,
            }
    return cells


def _quantity_differences(
    where: str, row: Row, voxels: LabelVoxels | None, groups: Sequence[Sequence[int]]
) -> list[str]:
    if voxels is None:
        filled = [column for column in (*QUANTITY_COLUMNS, *DENSITY_COLUMNS) if row.get(column)]
        return [f"{where}: the row has numbers, but the label map has no voxel with its label value."] if filled else []
    is_exact = voxels.values_hu.dtype.kind in "iu" and not groups
    again = {name: value for name, value in measured_again(voxels, groups).items() if name in row}
    return _cell_differences(where, row, again, exact_mean=is_exact)


def _density_differences(where: str, row: Row, mean_hu: str, record: dict[str, Any]) -> list[str]:
    """Return the differences of the densities from those of a mean by the calibration in the record."""
    if "calibration" not in record:
        return []
    known_hu = float(mean_hu) if _is_number(mean_hu) else None
    return _cell_differences(where, row, densities_again(known_hu, record["calibration"]))


def _groups(record: dict[str, Any], level: str, roi: str) -> list[list[int]]:
    """Return the groups of slices of a region at a level by the record; empty if its mean is that of all voxels."""
    of_level = next((one for one in record["levels"] if one["level"] == level), None)
    return [] if of_level is None else of_level["rois"][roi].get("stored_groups", [])


def _cell_differences(where: str, row: Row, expected: Mapping[str, Cell], exact_mean: bool = False) -> list[str]:
    return [
        f"{where}, {column}: expected {cell_text(value) or 'nothing'}, found {row[column] or 'nothing'}."
        for column, value in expected.items()
        if column in row or column not in NEWER_COLUMNS
        if not _is_same(column, row[column], value, exact_mean)
    ]


def _is_same(column: str, found: str, expected: Cell, exact_mean: bool) -> bool:
    if not isinstance(expected, (int, float)) or isinstance(expected, bool):
        return found == cell_text(expected)
    try:
        number = float(found)
    except ValueError:
        return False
    if column in _EXACT or isinstance(expected, int) or (column == "mean_hu" and exact_mean):
        return number == expected
    tolerance = _AREA_TOLERANCE if column == "area_mm2" else _TOLERANCE
    return abs(number - expected) <= tolerance * max(1.0, abs(expected))


def _labels_without_row(
    voxels: Mapping[str, Mapping[int, LabelVoxels]], rows: Mapping[tuple[str, str], Row]
) -> list[str]:
    level_of_value = {value: level for level, value in LABEL_VALUES.items()}
    return [
        f"labelmaps/{roi}.nrrd: contains {of_value.values_hu.size} voxels of {level_of_value[value]}, but results.csv "
        f"has no row for {level_of_value[value]} {roi}."
        for roi, labels in voxels.items()
        for value, of_value in labels.items()
        if value in level_of_value and (level_of_value[value], roi) not in rows
    ]


def _rows_of_label_maps(
    results: Sequence[Row], record: dict[str, Any], voxels: Mapping[str, Mapping[int, LabelVoxels]]
) -> list[Row]:
    """Return the rows for a summary from label maps and record; a region without a label map keeps its own row."""
    rows = [row for row in results if row["roi"] not in voxels]
    for (level, roi), cells in _recorded_cells(record).items():
        of_level = voxels.get(roi, {}).get(LABEL_VALUES[level])
        if of_level is not None:
            mean_hu = cell_text(measured_again(of_level, _groups(record, level, roi))["mean_hu"])
            rows.append({"level": level, "roi": roi, "mean_hu": mean_hu, "excluded": cell_text(cells["excluded"])})
    return rows


def _summary_cells(roi: str, results: Sequence[Row], record: dict[str, Any]) -> dict[str, Cell]:
    """Return the cells of summary.csv for one region, computed from the rows of results.csv."""
    protocol = record["protocol_values"]
    used = {
        row["level"]: float(row["mean_hu"])
        for row in results
        if row["roi"] == roi
        and row["level"] in protocol["mean_levels"]
        and not row["excluded"]
        and _is_number(row["mean_hu"])
    }
    both = record["cutoffs"]["rois"].get(roi)
    recorded = next(summary for summary in record["summaries"] if summary["roi"] == roi)
    cells: dict[str, Cell] = {name: record[name] for name in ("case", "reader", "reading")}
    cells |= {
        "levels": ";".join(used),
        "mean_hu": None,
        "class": "not_classified",
        "osteoporosis_cutoff_hu": None if both is None else float(both["osteoporosis"]["value"]),
        "normal_cutoff_hu": None if both is None else float(both["normal"]["value"]),
        "findings": joined_codes(finding["code"] for finding in (*record["findings"], *recorded["findings"])),
    }
    placement = recorded["placement"] or {}
    shares = placement.get("class_shares") or {}
    cells["placement_sd_hu"] = _float(placement.get("sd_hu"))
    cells |= {f"share_{name}": _float(shares.get(name)) for name in GIVEN_CLASSES}
    cells |= dict.fromkeys(("cutoff_low_hu", "cutoff_high_hu", "nearest_cutoff_hu", "distance_hu", "distance_lsc"))
    if not used:
        return cells
    mean_hu = math.fsum(used.values()) / len(used)
    if both is None:
        return cells | {"mean_hu": mean_hu}
    low_hu, high_hu = both["osteoporosis"]["value"], both["normal"]["value"]
    is_off_protocol = any(finding["code"] in OFF_PROTOCOL_CODES for finding in record["findings"])
    if len(used) >= protocol["minimum_levels"] and (record["accept_off_protocol"] or not is_off_protocol):
        cells["class"] = "osteoporosis" if mean_hu <= low_hu else "normal" if mean_hu >= high_hu else "osteopenia"
    nearest = both["osteoporosis" if abs(mean_hu - low_hu) <= abs(mean_hu - high_hu) else "normal"]
    interval = nearest.get("interval", {})
    distance_hu = mean_hu - nearest["value"]
    return cells | {
        "mean_hu": mean_hu,
        "cutoff_low_hu": _float(interval.get("low")),
        "cutoff_high_hu": _float(interval.get("high")),
        "nearest_cutoff_hu": float(nearest["value"]),
        "distance_hu": distance_hu,
        "distance_lsc": distance_hu / protocol["lsc_hu"],
    }


def _recorded_summary_differences(roi: str, row: Row, record: dict[str, Any]) -> list[str]:
    """Return the differences of one region's class and levels in the record from the correct row."""
    recorded = next(summary for summary in record["summaries"] if summary["roi"] == roi)
    stated = {"class": recorded["class"], "levels": ";".join(recorded["levels"])}
    return [
        f"record.json, {roi}, {name}: expected {row[name] or 'nothing'}, found {found or 'nothing'}."
        for name, found in stated.items()
        if found != row[name]
    ]


def _float(value: int | float | None) -> float | None:
    return None if value is None else float(value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
