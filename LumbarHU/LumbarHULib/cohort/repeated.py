"""Compare several measurements of the same cases, such as five regions or four levels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import HypothesisTest
from LumbarHULib.cohort.groups import Description, describe
from LumbarHULib.cohort.rank_tests import PairwiseTest, friedman, kruskal_wallis
from LumbarHULib.cohort.rows import complete_rows, require


@dataclass(frozen=True, kw_only=True)
class RepeatedComparison:
    """A comparison of measurements of the same cases.

    Parameters
    ----------
    friedman : HypothesisTest
        The paired test, which is the appropriate one.
    kruskal_wallis_unpaired : HypothesisTest
        The study's test, which treats k measurements of one patient as measurements of k patients.
    measurements : tuple of Description
    pairwise : tuple of PairwiseTest
    pairwise_method : str
    """

    friedman: HypothesisTest
    kruskal_wallis_unpaired: HypothesisTest
    measurements: tuple[Description, ...]
    pairwise: tuple[PairwiseTest, ...]
    pairwise_method: str = "Dunn on Friedman's mean ranks, Holm"


def compare_repeated(columns: Mapping[str, ArrayLike]) -> RepeatedComparison:
    """Compare at least three measurements of the same cases.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)
        A column per measurement; a case that lacks one of them is omitted.

    Raises
    ------
    InputError
        With fewer than three columns or two complete cases, or if all columns are equal.
    """
    require(len(columns), 3, "columns", "Friedman's test")
    complete, left_out = complete_rows(columns)
    paired, pairwise = friedman(np.column_stack(list(complete.values())), tuple(complete))
    unpaired = kruskal_wallis(complete)
    return RepeatedComparison(
        friedman=HypothesisTest(**{**vars(paired), "left_out": left_out}),
        kruskal_wallis_unpaired=HypothesisTest(
            **{**vars(unpaired), "test": "Kruskal–Wallis, unpaired, as in the study", "left_out": left_out}
        ),
        measurements=tuple(describe(column, name) for name, column in complete.items()),
        pairwise=pairwise,
    )
