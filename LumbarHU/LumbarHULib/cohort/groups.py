"""Classify T-scores into WHO groups, describe each group, and test whether groups differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import HypothesisTest, check_finite, two_sided_t_p
from LumbarHULib.cohort.rank_tests import PairwiseTest, dunn, kruskal_wallis, pairwise_tests
from LumbarHULib.cohort.ranks import quartiles
from LumbarHULib.cohort.rows import Labels, as_column, is_constant, labeled_rows, require
from LumbarHULib.core.errors import InputError

# From the densest to the least dense bone, in the order of the study's tables.
GROUPS: tuple[str, ...] = ("normal", "osteopenia", "osteoporosis")

# Royston's approximation of the Shapiro–Wilk test holds for this many values (Applied Statistics 1995;44:547–551).
SHAPIRO_LEAST, SHAPIRO_MOST = 3, 5000


@dataclass(frozen=True)
class TScoreCriteria:
    """T-scores from which bone density is normal, and at or below which it is osteoporosis.

    The values come from a file (``Resources/Study/who_t_scores.json``).
    """

    normal_at_least: float
    osteoporosis_at_most: float

    def __post_init__(self) -> None:
        if not self.osteoporosis_at_most < self.normal_at_least:
            raise InputError(
                f"Osteoporosis at or below T = {self.osteoporosis_at_most:g} and normal from {self.normal_at_least:g} "
                "leave no range for osteopenia: correct the criteria."
            )

    def group(self, t_score: float) -> str:
        """Return the group of one T-score."""
        if t_score >= self.normal_at_least:
            return "normal"
        return "osteoporosis" if t_score <= self.osteoporosis_at_most else "osteopenia"


def groups_of_t_scores(t_scores: ArrayLike, criteria: TScoreCriteria) -> tuple[str, ...]:
    """Return the group of each T-score, "" where it is unknown."""
    column = as_column(t_scores, "t_score")
    return tuple("" if math.isnan(t_score) else criteria.group(t_score) for t_score in column)


@dataclass(frozen=True, kw_only=True)
class Description:
    """Descriptive statistics of a column.

    Parameters
    ----------
    name : str
    n, left_out : int
    is_normal : bool
        Whether to report mean ± SD rather than median (Q1, Q3).
    shapiro_p : float or None
        None if the Shapiro–Wilk test does not apply: fewer than 3 or more than 5000 values, or all the same.
    mean : float
    sd : float or None
        None for a single value.
    median, q1, q3, minimum, maximum : float
    """

    name: str
    n: int
    left_out: int
    is_normal: bool
    shapiro_p: float | None
    mean: float
    sd: float | None
    median: float
    q1: float
    q3: float
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        check_finite(self)


@dataclass(frozen=True, kw_only=True)
class GroupComparison:
    """A comparison of groups.

    Parameters
    ----------
    test : HypothesisTest
        ANOVA if every group may be assumed to be normal, otherwise Kruskal–Wallis.
    groups : tuple of Description
    pairwise : tuple of PairwiseTest
    pairwise_method : str
        Test and correction for the number of pairs.
    empty_groups : tuple of str
        Groups without values, which are omitted.
    """

    test: HypothesisTest
    groups: tuple[Description, ...]
    pairwise: tuple[PairwiseTest, ...]
    pairwise_method: str
    empty_groups: tuple[str, ...] = ()


def describe(values: ArrayLike, name: str = "value", alpha: float = 0.05) -> Description:
    """Return mean, SD, median and quartiles of a column, and whether it may be assumed to be normal.

    Parameters
    ----------
    values : array_like, shape (n,)
    name : str
    alpha : float
        Normality is assumed if the Shapiro–Wilk p-value is above this.

    Raises
    ------
    InputError
        If there is no value.

    References
    ----------
    S.S. Shapiro, M.B. Wilk. An analysis of variance test for normality. Biometrika 1965;52:591–611. Quartiles: `ranks`.
    """
    column = as_column(values, name)
    known = column[~np.isnan(column)]
    require(known.size, 1, "value", f"A description of “{name}”")
    p = _shapiro_p(known)
    q1, median, q3 = quartiles(known)
    return Description(
        name=name,
        n=int(known.size),
        left_out=int(column.size - known.size),
        is_normal=p is not None and p > alpha,
        shapiro_p=p,
        mean=float(known.mean()),
        sd=float(known.std(ddof=1)) if known.size > 1 else None,
        median=median,
        q1=q1,
        q3=q3,
        minimum=float(known.min()),
        maximum=float(known.max()),
    )


def compare_groups(
    values: ArrayLike,
    labels: Labels,
    groups: Sequence[str] = GROUPS,
    name: str = "value",
    alpha: float = 0.05,
    by_ranks: bool = False,
) -> GroupComparison:
    """Compare groups in one column, by the test that the distributions allow.

    The tests are ANOVA and pooled-variance t tests if Shapiro–Wilk rejects normality in no group, otherwise
    Kruskal–Wallis and Dunn's test. Pairs are corrected by Holm's method.

    Parameters
    ----------
    values : array_like, shape (n,)
    labels : sequence of str, shape (n,)
        The group of each case, None, NaN or "" where unknown.
    groups : sequence of str
    name : str
        Name of the values in messages.
    alpha : float
        Significance level of the Shapiro–Wilk test.
    by_ranks : bool
        Use rank tests whatever the distributions.

    Raises
    ------
    InputError
        With fewer than two groups that have values, or fewer than three values, or all values the same.
    """
    known, codes, left_out = labeled_rows(values, labels, groups, name)
    samples = {group: known[codes == index] for index, group in enumerate(groups)}
    empty = tuple(group for group, sample in samples.items() if not sample.size)
    samples = {group: sample for group, sample in samples.items() if sample.size}
    require(len(samples), 2, "groups with values", f"A comparison of “{name}”")
    described = tuple(describe(sample, group, alpha) for group, sample in samples.items())
    if not by_ranks and all(group.is_normal for group in described):
        test, pairwise = _anova(samples)
        method = "t test with pooled variance, Holm"
    else:
        test, pairwise = kruskal_wallis(samples), dunn(samples)
        method = "Dunn, ties corrected, Holm"
    return GroupComparison(
        test=HypothesisTest(**{**vars(test), "left_out": left_out}),
        groups=described,
        pairwise=pairwise,
        pairwise_method=method,
        empty_groups=empty,
    )


def _shapiro_p(values: np.ndarray) -> float | None:
    if not SHAPIRO_LEAST <= values.size <= SHAPIRO_MOST or is_constant(values):
        return None
    from scipy.stats import shapiro

    # scipy treats a range below 1e-19 as 0; scaling by a power of 2 is exact.
    exponent = int(np.frexp(np.ptp(values))[1])
    return float(shapiro(np.ldexp(values, -exponent)).pvalue)


def _anova(samples: Mapping[str, np.ndarray]) -> tuple[HypothesisTest, tuple[PairwiseTest, ...]]:
    """Return the analysis of variance, and its pairs, of samples of at least three values that are not constant."""
    from scipy.stats import f_oneway

    n, k = sum(sample.size for sample in samples.values()), len(samples)
    found = f_oneway(*samples.values())
    means = {name: float(sample.mean()) for name, sample in samples.items()}
    within = sum(float(np.sum((sample - means[name]) ** 2)) for name, sample in samples.items()) / (n - k)
    test = HypothesisTest(
        test="ANOVA",
        n=n,
        statistic=float(found.statistic),
        statistic_name="F",
        degrees_of_freedom=(k - 1, n - k),
        p_value=float(found.pvalue),
    )
    pairs = []
    for first, second in combinations(samples, 2):
        error = math.sqrt(within * (1 / samples[first].size + 1 / samples[second].size))
        t = (means[first] - means[second]) / error
        pairs.append((first, second, t, two_sided_t_p(t, n - k)))
    return test, pairwise_tests(pairs)
