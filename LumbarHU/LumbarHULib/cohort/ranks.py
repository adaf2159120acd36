"""Ranks with ties, and quartiles as the study's program takes them."""

import numpy as np


def average_ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks from 1 on, equal values sharing the mean of theirs, and how often each distinct value occurs.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)

    Returns
    -------
    ranks : numpy.ndarray, shape (n,)
    counts : numpy.ndarray of int, shape (distinct,)
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse], counts


def tie_term(counts: np.ndarray) -> float:
    """Return Σ(t³ − t) over the sizes of the ties."""
    sizes = counts.astype(np.float64)
    return float(np.sum(sizes**3 - sizes))


def quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Return Q1, median and Q3 at the ranks (n + 1)p, between which values are interpolated.

    It is what SPSS calls a weighted average (HAVERAGE), R type 6; the study's quartiles of integers fit it and not the
    (n − 1)p of most programs: whole numbers for 27 cases, halves for 33, quarters for 40.
    """
    return tuple(float(value) for value in np.quantile(values, (0.25, 0.5, 0.75), method="weibull"))
