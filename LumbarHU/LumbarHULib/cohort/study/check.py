"""Check which of the study's printed numbers are consistent with each other."""

import math

from LumbarHULib.cohort.study.check_cutoffs import (
    check_areas,
    check_counts,
    check_index_name,
    check_median_osteopenia,
    check_ranges,
    check_text,
    check_youden_indices,
)
from LumbarHULib.cohort.study.check_quartiles import (
    check_bmd_twice,
    check_grid_of_cutoffs,
    check_group_sizes,
    check_kruskal_wallis,
    check_quartiles_of_the_mean,
    check_repeated_cells,
)
from LumbarHULib.cohort.study.printed_numbers import PrintedCheck
from LumbarHULib.cohort.study.tables import StudyTables
from LumbarHULib.core.errors import InputError


def check_study(tables: StudyTables, lsc_hu: float) -> tuple[PrintedCheck, ...]:
    """Return every check of the study's tables, including those that agree, sorted by note.

    Parameters
    ----------
    tables : StudyTables
    lsc_hu : float
        Least significant change of HU, the smallest useful distance between cutoffs.

    Raises
    ------
    InputError
        If `lsc_hu` is not positive.
    """
    if not lsc_hu > 0:
        raise InputError(f"A least significant change of {lsc_hu:g} HU cannot be used: give more than 0 HU.")
    checks = [
        *check_counts(tables),
        *check_text(tables),
        *check_youden_indices(tables),
        *check_ranges(tables),
        *check_areas(tables),
        *check_median_osteopenia(tables, lsc_hu),
        *check_index_name(tables),
        *check_repeated_cells(tables),
        *check_quartiles_of_the_mean(tables),
        *check_group_sizes(tables),
        *check_bmd_twice(tables),
        *check_kruskal_wallis(tables),
        *check_grid_of_cutoffs(tables),
    ]
    return tuple(sorted(checks, key=lambda check: check.note or math.inf))
