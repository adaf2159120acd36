"""Compute Kruskal–Wallis, Dunn's and Friedman's tests on ranks, corrected for ties."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from LumbarHULib.cohort.estimates import HypothesisTest, check_finite, holm, two_sided_normal_p
from LumbarHULib.cohort.ranks import average_ranks, tie_term
from LumbarHULib.cohort.rows import is_constant, require
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PairwiseTest:
    """The test of one of several pairs.

    Parameters
    ----------
    first, second : str
        Names of the two samples.
    statistic : float
        z or t; positive if the first is higher.
    p_value : float
        Two-sided p-value of this pair alone.
    corrected_p_value : float
        p-value corrected for the number of pairs, by the comparison's method.
    """

    first: str
    second: str
    statistic: float
    p_value: float
    corrected_p_value: float

    def __post_init__(self) -> None:
        check_finite(self)


def pairwise_tests(pairs: list[tuple[str, str, float, float]]) -> tuple[PairwiseTest, ...]:
    """Return the pairs, each (first, second, statistic, p), with p-values corrected by Holm's method."""
    corrected = holm([p for *_, p in pairs])
    return tuple(
        PairwiseTest(first=first, second=second, statistic=statistic, p_value=p, corrected_p_value=corrected_p)
        for (first, second, statistic, p), corrected_p in zip(pairs, corrected, strict=True)
    )


def kruskal_wallis(samples: Mapping[str, np.ndarray]) -> HypothesisTest:
    """Return the Kruskal–Wallis test of independent samples.

    Parameters
    ----------
    samples : mapping of str to numpy.ndarray, shape (n of the sample,)
        At least two, none empty, without NaN.

    Raises
    ------
    InputError
        If all values are the same, or there are fewer than two samples or three values.

    References
    ----------
    W.H. Kruskal, W.A. Wallis. Use of ranks in one-criterion variance analysis. JASA 1952;47:583–621.
    """
    from scipy.stats import kruskal

    n = _check_samples(samples, "The Kruskal–Wallis test")
    found = kruskal(*samples.values())
    return HypothesisTest(
        test="Kruskal–Wallis",
        n=n,
        statistic=float(found.statistic),
        statistic_name="H",
        degrees_of_freedom=(len(samples) - 1,),
        p_value=float(found.pvalue),
    )


def dunn(samples: Mapping[str, np.ndarray]) -> tuple[PairwiseTest, ...]:
    """Return Dunn's test of every pair of independent samples, p-values corrected by Holm's method.

    Parameters
    ----------
    samples : mapping of str to numpy.ndarray
        As for `kruskal_wallis`.

    Raises
    ------
    InputError
        As `kruskal_wallis` does.

    References
    ----------
    O.J. Dunn. Multiple comparisons using rank sums. Technometrics 1964;6:241–252.
    """
    n = _check_samples(samples, "Dunn's test")
    ranks, ties = _pooled_ranks(samples)
    variance = n * (n + 1) / 12 - ties / (12 * (n - 1))
    pairs = []
    for first, second in combinations(ranks, 2):
        difference = float(ranks[first].mean() - ranks[second].mean())
        z = difference / math.sqrt(variance * (1 / ranks[first].size + 1 / ranks[second].size))
        pairs.append((first, second, z, two_sided_normal_p(z)))
    return pairwise_tests(pairs)


def friedman(table: np.ndarray, names: tuple[str, ...]) -> tuple[HypothesisTest, tuple[PairwiseTest, ...]]:
    """Return Friedman's test of several measurements of the same cases, and of every pair of them.

    Parameters
    ----------
    table : numpy.ndarray, shape (n, k)
        A row per case, without NaN.
    names : tuple of str, shape (k,)

    Returns
    -------
    HypothesisTest
    tuple of PairwiseTest
        Dunn's test on the mean ranks, corrected by Holm's method.

    Raises
    ------
    InputError
        With fewer than three measurements or two cases, or if every case has the same value in all of them.

    References
    ----------
    M. Friedman. The use of ranks to avoid the assumption of normality. JASA 1937;32:675–701. W.J. Conover. Practical
    Nonparametric Statistics, 3rd ed., section 5.8 (ties).
    """
    from scipy.stats import friedmanchisquare

    n, k = table.shape
    require(k, 3, "measurements of each case", "Friedman's test")
    require(n, 2, "complete cases", "Friedman's test")
    ranks, ties = _ranks_in_rows(table)
    spread = 1 - ties / (n * (k**3 - k))
    if spread <= 0:
        raise InputError("Every case has the same value in all columns, so Friedman's test cannot rank them.")
    mean_ranks = ranks.mean(axis=0)
    found = friedmanchisquare(*table.T)
    test = HypothesisTest(
        test="Friedman",
        n=n,
        statistic=float(found.statistic),
        statistic_name="χ²",
        degrees_of_freedom=(k - 1,),
        p_value=float(found.pvalue),
    )
    standard_error = math.sqrt(k * (k + 1) / (6 * n) * spread)
    pairs = []
    for first, second in combinations(range(k), 2):
        z = float(mean_ranks[first] - mean_ranks[second]) / standard_error
        pairs.append((names[first], names[second], z, two_sided_normal_p(z)))
    return test, pairwise_tests(pairs)


def _check_samples(samples: Mapping[str, np.ndarray], purpose: str) -> int:
    """Raise InputError for samples that cannot be ranked; return the number of values."""
    require(len(samples), 2, "groups with values", purpose)
    pooled = np.concatenate(list(samples.values()))
    require(pooled.size, 3, "values", purpose)
    if is_constant(pooled):
        raise InputError(f"All {pooled.size} values are {pooled[0]:g}, so they cannot be ranked: check the column.")
    return int(pooled.size)


def _pooled_ranks(samples: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Return the ranks of each sample among all values, and Σ(t³ − t) of the ties."""
    ranks, counts = average_ranks(np.concatenate(list(samples.values())))
    ends = np.cumsum([sample.size for sample in samples.values()])[:-1]
    return dict(zip(samples, np.split(ranks, ends), strict=True)), tie_term(counts)


def _ranks_in_rows(table: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the ranks within each row, with mean ranks for ties, and Σ(t³ − t) over all rows."""
    lower, same = np.zeros(table.shape), np.zeros(table.shape)
    for column in table.T:
        lower += column[:, None] < table
        same += column[:, None] == table
    # A value tied with t − 1 others contributes (t³ − t) / t.
    return lower + (same + 1) / 2, float(np.sum(same**2 - 1))
