"""Tabulate Spearman's correlation of HU with bone mineral density, plain and adjusted for age and sex."""

from typing import Any

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.correlation import Correlation, partial_spearman, spearman
from LumbarHULib.cohort.estimates import holm
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate

_ESTIMATE = ("n", "rho", "ci_low", "ci_high", "p")
_HOLM = ("p_corrected", "correction")
# A narrow list shows only the beginning of a title, so the titles differ there.
_TITLE_LOWER = "correlation of HU with density"
_PLAIN, _ADJUSTED = "Correlation with density", "Correlation with density, adjusted for age and sex"
# Names of columns in messages.
_TITLES = {"t_score": "T-score", "qct_mg_cc": "QCT"}


def correlation_tables(cohort: Cohort, omissions: Omissions) -> tuple[Table, Table, Table, Table]:
    """Return the correlations of the mean with BMD, the adjusted correlations, and both by level.

    The tables by level also include the mean's correlation with quantitative CT, or with the T-score if there is no
    BMD.
    """
    held = held_columns(cohort)
    plain, adjusted, plain_levels, adjusted_levels = ([] for _ in range(4))
    for level in (cohort.mean_name, *(place for place in cohort.level_places if place != cohort.mean_name)):
        columns = cohort.density_columns(level)
        if not columns:
            omissions.add(_PLAIN, "", "The table has no density.", "bmd, t_score or qct_mg_cc")
            break
        for column in columns:
            is_contract = level == cohort.mean_name and column.startswith("bmd")
            for roi in cohort.rois(level):
                values = (cohort.hu(level, roi), cohort.numbers[column])
                about: dict[str, Any] = {"names": ("HU", _TITLES.get(column, "BMD"))}
                name = f"{roi} of {level} with {column}"
                found = omissions.attempt(_PLAIN, name, spearman, *values, **about)
                if found:
                    plain += [[roi, *_cells(found)]] if is_contract else []
                    if not is_contract or level in cohort.level_places:
                        plain_levels.append((level, roi, column, found))
                if not held:
                    continue
                partial = omissions.attempt(_ADJUSTED, name, partial_spearman, *values, held, **about)
                if partial:
                    adjusted += [[roi, ";".join(held), *_cells(partial)]] if is_contract else []
                    if not is_contract or level in cohort.level_places:
                        adjusted_levels.append((level, roi, column, partial))
    if not held:
        reason = "Neither age nor sex varies between the cases of the table."
        omissions.add(_ADJUSTED, "", reason, "age or sex")
    return (
        Table("correlation", "Correlation of HU with density", ("roi", *_ESTIMATE), plain),
        Table(
            "correlation_adjusted",
            f"Adjusted for age and sex: {_TITLE_LOWER}",
            ("roi", "adjusted_for", *_ESTIMATE),
            adjusted,
        ),
        Table(
            "correlation_levels",
            f"By level: {_TITLE_LOWER}",
            ("level", "roi", *_ESTIMATE, *_HOLM, "density"),
            [
                [level, roi, *_cells(found), *corrected, column]
                for (level, roi, column, found), corrected in _with_holm(plain_levels)
            ],
        ),
        Table(
            "correlation_levels_adjusted",
            f"By level, adjusted for age and sex: {_TITLE_LOWER}",
            ("level", "roi", "adjusted_for", *_ESTIMATE, *_HOLM, "density"),
            [
                [level, roi, ";".join(held), *_cells(found), *corrected, column]
                for (level, roi, column, found), corrected in _with_holm(adjusted_levels)
            ],
        ),
    )


def held_columns(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return age, and sex as 0 for male and 1 for female, if they are known and vary between cases."""
    columns = {}
    if "age" in cohort.numbers:
        columns["age"] = cohort.numbers["age"]
    if "sex" in cohort.labels:
        codes = {"male": 0.0, "female": 1.0}
        columns["sex"] = np.array([codes.get(label, np.nan) for label in cohort.labels["sex"]])
    return {name: column for name, column in columns.items() if np.unique(column[~np.isnan(column)]).size > 1}


def _cells(found: Correlation) -> list[Cell]:
    return [found.n, *cells_of_estimate(found), found.p_value]


def _with_holm(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return each row with its p-value corrected for the number of rows, and the method's name."""
    corrected = holm([row[-1].p_value for row in found])
    return [(row, [p, "Holm"]) for row, p in zip(found, corrected, strict=True)]
