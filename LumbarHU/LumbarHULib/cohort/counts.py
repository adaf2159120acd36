"""Count patients by two properties, such as sex and group, and test whether these are independent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LumbarHULib.cohort.estimates import HypothesisTest
from LumbarHULib.cohort.rows import label_codes
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class CountComparison:
    """Counts by two properties, and the test of their independence.

    Parameters
    ----------
    rows, columns : tuple of str
    counts : tuple of tuple of int
        One tuple per row.
    test : HypothesisTest
        Test over the rows and columns that are not empty.
    smallest_expected : float
        Smallest expected count; below 5 the p-value is approximate.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    test: HypothesisTest
    smallest_expected: float


def compare_counts(
    first: Sequence[Any], second: Sequence[Any], rows: Sequence[str], columns: Sequence[str]
) -> CountComparison:
    """Return the counts of cases by two properties, and Pearson's χ² test that they are independent.

    Parameters
    ----------
    first, second : sequence of str, shape (n,)
        The properties of each case, one of `rows` and of `columns`, or None, NaN or "" where unknown.
    rows, columns : sequence of str

    Raises
    ------
    InputError
        If the properties differ in length, or one of them is the same in every case.

    References
    ----------
    K. Pearson. Philos Mag 1900;50:157–175. No continuity correction.
    """
    from scipy.stats import chi2_contingency

    if len(first) != len(second):
        raise InputError(f"The properties have {len(first)} and {len(second)} rows: give both for each case.")
    row, column = label_codes(first, rows), label_codes(second, columns)
    both = (row >= 0) & (column >= 0)
    shape = (len(rows), len(columns))
    counts = np.bincount(row[both] * shape[1] + column[both], minlength=shape[0] * shape[1]).reshape(shape)
    known = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    if min(known.shape) < 2:
        raise InputError("One of the two properties is the same in every case, so there is nothing to compare.")
    found = chi2_contingency(known, correction=False)
    return CountComparison(
        rows=tuple(rows),
        columns=tuple(columns),
        counts=tuple(tuple(int(count) for count in line) for line in counts),
        test=HypothesisTest(
            test="Pearson's χ²",
            n=int(known.sum()),
            statistic=float(found.statistic),
            statistic_name="χ²",
            degrees_of_freedom=(int(found.dof),),
            p_value=float(found.pvalue),
            left_out=int(both.size - both.sum()),
        ),
        smallest_expected=float(found.expected_freq.min()),
    )
