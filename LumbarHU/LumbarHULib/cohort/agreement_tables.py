"""Tabulate the agreement of readings by region and level, by the midlines' origin, and by blinding."""

from collections.abc import Iterator, Sequence

import numpy as np

from LumbarHULib.cohort.agreement import bland_altman, intraclass_correlations, repeatability, scaled
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.reading_sets import ReadingSet, reading_sets
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate, interval_columns
from LumbarHULib.core.levels import MEAN_LEVELS

_NAME = "Agreement of readings"
_COLUMNS = (
    *("comparison", "readers", "split", "level", "roi", "n", "left_out"),
    *interval_columns("icc_2_1"),
    *interval_columns("icc_3_1"),
    *interval_columns("bias_hu", "bias"),
    *interval_columns("lower_limit_hu", "lower_limit"),
    *interval_columns("upper_limit_hu", "upper_limit"),
    *interval_columns("bias_slope", "bias_slope"),
    "bias_slope_p",
    "sd_of_differences_hu",
    *interval_columns("rms_sd_hu", "rms_sd"),
    *interval_columns("cv_percent", "cv"),
    *interval_columns("lsc_hu", "lsc"),
)


def agreement_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return ICC, Bland–Altman, RMS-SD, %CV and least significant change of all comparable readings."""
    rows: list[list[Cell]] = []
    sets = reading_sets(cohort.readings)
    if not sets:
        reason = f"No case has {'two readings' if cohort.readings else 'a reading'}."
        omissions.add(_NAME, "", reason, "audit, or the option --readings")
    for found in sets:
        for level in (*MEAN_LEVELS, MEAN):
            for roi in found.rois:
                values = found.values(level, roi, cohort.minimum_levels)
                if np.isnan(values).any(axis=0).all():
                    omissions.add(_NAME, f"{roi} of {level}", "No case has it in all readings.")
                    continue
                for split, chosen in _splits(found, level):
                    rows += _row(found, split, level, roi, values[:, chosen], cohort.lsc_factor, omissions)
    return Table("agreement", "Agreement of readings", _COLUMNS, rows)


def _splits(found: ReadingSet, level: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and mask of each subset of the cases: all, by origin, by blinding."""
    yield "all", np.ones(len(found.cases), dtype=bool)
    for labels in (found.origins(level), found.blinding()):
        kinds = sorted(set(labels) - {""})
        if len(kinds) > 1 or (kinds and "" in labels):
            for kind in kinds:
                yield kind, np.array([label == kind for label in labels])


def _row(
    found: ReadingSet,
    split: str,
    level: str,
    roi: str,
    values: np.ndarray,
    lsc_factor: float | None,
    omissions: Omissions,
) -> list[list[Cell]]:
    part = f"{_NAME}, {found.kind} {', '.join(found.names)}, {split}"
    name = f"{roi} of {level}"
    precision = omissions.attempt(part, name, repeatability, values)
    if precision is None:
        return []
    icc = omissions.attempt(part, f"ICC of {name}", intraclass_correlations, values)
    limits = omissions.attempt(part, f"limits of {name}", bland_altman, *values) if len(values) == 2 else None
    cells: list[Cell] = [found.kind, ";".join(found.names), split, level, roi, precision.rms_sd.n]
    cells.append(precision.rms_sd.left_out + (found.left_out if split == "all" else 0))
    cells += [*cells_of_estimate(icc.icc_2_1 if icc else None), *cells_of_estimate(icc.icc_3_1 if icc else None)]
    for end in ("bias", "lower_limit", "upper_limit"):
        cells += cells_of_estimate(getattr(limits, end) if limits else None)
    cells += [*cells_of_estimate(limits.slope if limits else None), limits.slope_p if limits else None]
    cells += [
        limits.sd if limits else None,
        *cells_of_estimate(precision.rms_sd),
        *cells_of_estimate(precision.cv_percent),
    ]
    return [[*cells, *cells_of_estimate(scaled(precision.rms_sd, lsc_factor) if lsc_factor else None)]]


def proportional_biases(agreement: Table) -> list[str]:
    """Return a sentence for each region in which the difference between readers depends on bone density."""
    return [
        f"The difference between the readers {record['readers'].replace(';', ' and ')} changes by "
        f"{record['bias_slope']:+.2f} HU per HU of the {record['roi']} mean over L1–L4 (95 % interval "
        f"{record['bias_slope_low']:+.2f} to {record['bias_slope_high']:+.2f}): the bias is proportional, so bias and "
        "limits hold only for the middle of the range."
        for record in agreement.records(split="all", level=MEAN)
        if record["bias_slope"] is not None and (record["bias_slope_low"] > 0 or record["bias_slope_high"] < 0)
    ]


def readings_table(cohort: Cohort) -> Table:
    """Return the readings of each case side by side, with mean and difference if there are two."""
    rows: list[list[Cell]] = []
    for found in reading_sets(cohort.readings):
        for level in (*MEAN_LEVELS, MEAN):
            for roi in found.rois:
                values = found.values(level, roi, cohort.minimum_levels)
                for readings, hu in zip(found.cases, values.T, strict=True):
                    rows += _differences(found.names, readings[0].case, level, roi, hu)
    columns = ("case", "level", "roi", "first", "second", "first_hu", "second_hu", "mean_hu", "difference_hu")
    return Table("readings", "Readings side by side", columns, rows)


def _differences(names: Sequence[str], case: str, level: str, roi: str, hu: np.ndarray) -> list[list[Cell]]:
    if len(names) != 2 or np.isnan(hu).any():
        return []
    first, second = (float(value) for value in hu)
    return [[case, level, roi, *names, first, second, (first + second) / 2, first - second]]
