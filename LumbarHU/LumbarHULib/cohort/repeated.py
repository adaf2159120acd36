"""Several measurements of the same cases, such as five regions or four levels, and whether they differ."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.estimates import HypothesisTest
from LumbarHULib.cohort.groups import Description, describe
from LumbarHULib.cohort.rank_tests import PairwiseTest, friedman, kruskal_wallis
from LumbarHULib.cohort.rows import complete_rows, require


@dataclass(frozen=True, kw_only=True)
class RepeatedComparison:
    """Whether measurements of the same cases differ.

    Parameters
    ----------
    friedman : HypothesisTest
        The paired test, which is the right one.
    kruskal_wallis_unpaired : HypothesisTest
        The test of the study, which takes k measurements of one patient for those of k patients.
    measurements : tuple of Description
    pairwise : tuple of PairwiseTest
    pairwise_method : str
    """

    friedman: HypothesisTest
    kruskal_wallis_unpaired: HypothesisTest
    measurements: tuple[Description, ...]
    pairwise: tuple[PairwiseTest, ...]
    pairwise_method: str = "Dunn on Friedman's mean ranks, Holm"


def compare_repeated(columns: Mapping[str, object]) -> RepeatedComparison:
    """Return whether at least three measurements of the same cases differ.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)
        A column per measurement; a case without all of them is left out.

    Raises
    ------
    InputError
        With fewer than three columns or two complete cases, or where nothing differs at all.
    """
    require(len(columns), 3, "columns", "Friedman's test")
    complete, left_out = complete_rows(columns)
    paired, pairwise = friedman(np.column_stack(list(complete.values())), tuple(complete))
    unpaired = kruskal_wallis(complete)
    return RepeatedComparison(
        friedman=HypothesisTest(**{**vars(paired), "left_out": left_out}),
        kruskal_wallis_unpaired=HypothesisTest(
            **{**vars(unpaired), "test": "Kruskal–Wallis, unpaired, as the study did it", "left_out": left_out}
        ),
        measurements=tuple(describe(column, name) for name, column in complete.items()),
        pairwise=pairwise,
    )
