"""How HU go with bone mineral density: Spearman's coefficients, plain and adjusted for age and sex."""

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.correlation import partial_spearman, spearman
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate
from LumbarHULib.core.levels import MEAN_LEVELS

_NAMES = ("HU", "BMD")
_ESTIMATE = ("n", "rho", "ci_low", "ci_high", "p")


def correlation_tables(cohort: Cohort, omissions: Omissions) -> tuple[Table, Table, Table]:
    """Return the correlations of the mean over L1–L4 with the density there, the adjusted ones, and those by level."""
    plain: list[list[Cell]] = []
    adjusted: list[list[Cell]] = []
    by_level: list[list[Cell]] = []
    held = held_columns(cohort)
    for level in (MEAN, *MEAN_LEVELS):
        density = cohort.bmd(level)
        if density is None:
            omissions.add("Correlation with BMD", level, "the table has no such density.")
            continue
        for roi in cohort.measured_rois:
            name, hu = f"{roi} of {level}", cohort.hu(level, roi)
            found = omissions.attempt("Correlation with BMD", name, spearman, hu, density, names=_NAMES)
            if level != MEAN:
                by_level += [[level, *_row(roi, found)]] if found else []
                continue
            plain += [_row(roi, found)] if found else []
            if held:
                partial = omissions.attempt(
                    "Adjusted correlation", name, partial_spearman, hu, density, held, names=_NAMES
                )
                adjusted += [_row(roi, partial, ";".join(held))] if partial else []
    if cohort.bmd(MEAN) is not None and not held:
        omissions.add("Adjusted correlation", "", "the table has neither age nor sex that differs between cases.")
    return (
        Table("correlation", "Correlation of HU with bone mineral density", ("roi", *_ESTIMATE), plain),
        Table(
            "correlation_adjusted",
            "Correlation of HU with bone mineral density, adjusted for age and sex",
            ("roi", "adjusted_for", *_ESTIMATE),
            adjusted,
        ),
        Table(
            "correlation_levels",
            "Correlation of HU with bone mineral density, by level",
            ("level", "roi", *_ESTIMATE),
            by_level,
        ),
    )


def held_columns(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return age, and sex as 0 for male and 1 for female, where they are known and differ between cases."""
    columns = {}
    if "age" in cohort.numbers:
        columns["age"] = cohort.numbers["age"]
    if "sex" in cohort.labels:
        codes = {"male": 0.0, "female": 1.0}
        columns["sex"] = np.array([codes.get(label, np.nan) for label in cohort.labels["sex"]])
    return {name: column for name, column in columns.items() if np.unique(column[~np.isnan(column)]).size > 1}


def _row(roi: str, found, *more: Cell) -> list[Cell]:
    return [roi, *more, found.n, *cells_of_estimate(found), found.p_value]
