"""Make the rows of results.csv and summary.csv."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from LumbarHULib.audit.audit import Audit
from LumbarHULib.core import summary_columns
from LumbarHULib.core.calibration import Density
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.core.results import GIVEN_CLASSES, LevelRefusal, LevelResult, RoiSummary
from LumbarHULib.files.csv_text import Cell

_Item = TypeVar("_Item")

QUANTITY_COLUMNS: tuple[str, ...] = tuple(quantity.name for quantity in QUANTITIES)

RESULTS_COLUMNS: tuple[str, ...] = (
    *("case", "reader", "reading", "level", "roi"),
    *QUANTITY_COLUMNS,
    *("placement_sd_hu", "label_value", "origin", "outline_edited", "boundary_moved", "edited", "excluded", "findings"),
)

# Columns of results.csv that folders of earlier versions lack.
NEWER_COLUMNS: tuple[str, ...] = ("outline_edited", "boundary_moved")

# Columns of a region's row in summary.csv after the class.
_SUMMARY_VALUES: tuple[str, ...] = (
    *("osteoporosis_cutoff_hu", "normal_cutoff_hu", "cutoff_low_hu", "cutoff_high_hu"),
    *("nearest_cutoff_hu", "distance_hu", "distance_lsc"),
    *("placement_sd_hu", *(f"share_{name}" for name in GIVEN_CLASSES)),
)

SUMMARY_COLUMNS: tuple[str, ...] = (
    *("case", "reader", "reading", "roi", "levels", "mean_hu", "class"),
    *(*_SUMMARY_VALUES, "findings"),
)

# Columns before the findings of both tables, only with a calibration.
DENSITY_COLUMNS: tuple[str, ...] = ("mean_mg_cc", "mg_cc_low", "mg_cc_high")

# The finding of a level without numbers.
NOT_MEASURED = "not_measured"


def results_columns(is_calibrated: bool) -> tuple[str, ...]:
    """Return the columns of results.csv, with or without those of a calibration."""
    return tuple(_with_densities(RESULTS_COLUMNS, DENSITY_COLUMNS if is_calibrated else ()))


def summary_columns_of(is_calibrated: bool) -> tuple[str, ...]:
    """Return the columns of summary.csv, with or without those of a calibration."""
    return tuple(_with_densities(SUMMARY_COLUMNS, DENSITY_COLUMNS if is_calibrated else ()))


def results_rows(audit: Audit) -> list[list[Cell]]:
    """Return one row for each level and region, from cranial to caudal, with empty cells for a refused level."""
    levels: list[LevelResult | LevelRefusal] = [*audit.result.levels, *audit.result.refusals]
    levels.sort(key=lambda level: LEVELS.index(level.level))
    return [
        _with_densities(
            [audit.case, audit.reader, audit.reading, level.level, roi, *_level_cells(level, roi)],
            _density_cells(audit, level.rois[roi].density if isinstance(level, LevelResult) else None),
        )
        for level in levels
        for roi in audit.result.rois
    ]


def summary_rows(audit: Audit) -> list[list[Cell]]:
    """Return one row for each region."""
    return [
        _with_densities(
            [audit.case, audit.reader, audit.reading, *_summary_cells(summary, audit.result.findings)],
            _density_cells(audit, summary.density),
        )
        for summary in audit.result.summaries
    ]


def joined_codes(codes: Iterable[str]) -> str:
    """Return the distinct codes of findings, joined for one cell."""
    return ";".join(dict.fromkeys(codes))


def _density_cells(audit: Audit, density: Density | None) -> list[Cell]:
    """Return the cells of `DENSITY_COLUMNS`: none without a calibration, empty ones without a number."""
    if audit.calibration is None:
        return []
    return [None] * 3 if density is None else [density.mean_mg_cc, density.low_mg_cc, density.high_mg_cc]


def _with_densities(row: Sequence[_Item], densities: Sequence[_Item]) -> list[_Item]:
    """Return a row, or its columns, with those of the densities before the last, the findings."""
    return [*row[:-1], *densities, row[-1]]


def _level_cells(level: LevelResult | LevelRefusal, roi: str) -> list[Cell]:
    label_value = LABEL_VALUES[level.level]
    if isinstance(level, LevelRefusal):
        by_hand = (False, False, False)
        return [*[None] * len(QUANTITY_COLUMNS), None, label_value, "", *by_hand, level.excluded, NOT_MEASURED]
    measured = level.rois[roi]
    values = [measured.values[name] for name in QUANTITY_COLUMNS]
    codes = joined_codes(finding.code for finding in (*level.findings, *measured.findings))
    placement_sd_hu = None if level.trials is None else level.trials.sd_hu[roi]
    by_hand = (level.outline_edited, level.boundary.moved, measured.edited)
    return [*values, placement_sd_hu, label_value, str(level.origin), *by_hand, level.excluded, codes]


def _summary_cells(summary: RoiSummary, scan_findings: tuple[Finding, ...]) -> list[Cell]:
    return [
        summary.roi,
        ";".join(summary.levels),
        summary.mean_hu,
        summary.class_name,
        *(summary_columns.SUMMARY_COLUMNS[key].value(summary) for key in _SUMMARY_VALUES),
        joined_codes(finding.code for finding in (*scan_findings, *summary.findings)),
    ]
