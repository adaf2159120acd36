"""Compute the agreement of two classifications of the same cases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, normal_quantile
from LumbarHULib.cohort.proportions import wilson_interval
from LumbarHULib.cohort.rows import label_codes, require
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """Counts of two classifications against each other.

    Parameters
    ----------
    categories : tuple of str
    counts : tuple of tuple of int
        A row for each category of the first classification, a column for each of the second.
    left_out : int
        Number of cases without both classes.
    """

    categories: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    left_out: int = 0

    @property
    def n(self) -> int:
        """Number of cases with both classes."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, kw_only=True)
class Kappa(Estimate):
    """Cohen's kappa, with the observed and the expected agreement."""

    observed_agreement: float
    expected_agreement: float
    weights: str


def confusion_matrix(first: Sequence[Any], second: Sequence[Any], categories: Sequence[str]) -> ConfusionMatrix:
    """Return the number of cases for each pair of classes of two classifications.

    Parameters
    ----------
    first, second : sequence of str, shape (n,)
        One of `categories`, or None, NaN or "" where unknown.
    categories : sequence of str

    Raises
    ------
    InputError
        If the classifications differ in length or contain another label.
    """
    if len(first) != len(second):
        raise InputError(f"The classifications have {len(first)} and {len(second)} rows: give both for each case.")
    rows, columns = label_codes(first, categories), label_codes(second, categories)
    both = (rows >= 0) & (columns >= 0)
    size = len(categories)
    counts = np.bincount(rows[both] * size + columns[both], minlength=size * size).reshape(size, size)
    return ConfusionMatrix(
        categories=tuple(categories),
        counts=tuple(tuple(int(count) for count in row) for row in counts),
        left_out=int(both.size - both.sum()),
    )


def cohen_kappa(matrix: ConfusionMatrix, weights: str = "none", confidence: float = CONFIDENCE) -> Kappa:
    """Return Cohen's kappa of a confusion matrix.

    Parameters
    ----------
    matrix : ConfusionMatrix
    weights : {"none", "linear", "quadratic"}
        Weight of a disagreement by the distance between its categories.
    confidence : float

    Raises
    ------
    InputError
        With fewer than two cases, or if a classification assigns all cases to one category: κ is then 0 or undefined,
        whatever the other classification.

    Notes
    -----
    The interval is κ ± z · the asymptotic standard error, clipped to −1 and 1. For perfect agreement this error is 0;
    the lower end is then Wilson's for the observed agreement, with fixed expected agreement.

    References
    ----------
    J.L. Fleiss, J. Cohen, B.S. Everitt. Large sample standard errors of kappa and weighted kappa. Psychological
    Bulletin 1969;72:323–327.
    """
    require(matrix.n, 2, "cases with both classes", "Cohen's kappa")
    counts = np.array(matrix.counts, dtype=np.float64)
    if 1 in (np.count_nonzero(counts.sum(axis=1)), np.count_nonzero(counts.sum(axis=0))):
        raise InputError("One classification has only one category, so kappa is not informative: report the counts.")
    agreement = _agreement_weights(len(counts), weights)
    shares = counts / matrix.n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed = float(np.sum(agreement * shares))
    expected = float(rows @ agreement @ columns)
    kappa = (observed - expected) / (1 - expected)
    z = normal_quantile(confidence)
    # Mean weight of each category over the other classification.
    meets = (agreement @ columns)[:, None] + (rows @ agreement)[None, :]
    inner = float(np.sum(shares * (agreement * (1 - expected) - meets * (1 - observed)) ** 2))
    variance = (inner - (observed * expected - 2 * expected + observed) ** 2) / (matrix.n * (1 - expected) ** 4)
    if observed >= 1 - 1e-12:
        kappa = 1.0
        low, high = (wilson_interval(matrix.n, matrix.n, confidence)[0] - expected) / (1 - expected), 1.0
        method = "Wilson for perfect agreement"
    else:
        reach = z * math.sqrt(max(0.0, variance))
        low, high = max(-1.0, kappa - reach), min(1.0, kappa + reach)
        method = "asymptotic, Fleiss, Cohen & Everitt 1969"
    return Kappa(
        n=matrix.n,
        left_out=matrix.left_out,
        estimate=kappa,
        low=max(-1.0, low),
        high=high,
        confidence=confidence,
        method=method,
        observed_agreement=observed,
        expected_agreement=expected,
        weights=weights,
    )


def _agreement_weights(size: int, weights: str) -> np.ndarray:
    """Return weights that are 1 on the diagonal and smaller elsewhere, shape (size, size)."""
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / max(1, size - 1)
    if weights == "none":
        return np.eye(size)
    if weights == "linear":
        return 1 - distance
    if weights == "quadratic":
        return 1 - distance**2
    raise InputError(f"Weights “{weights}” are not known: use none, linear or quadratic.")
