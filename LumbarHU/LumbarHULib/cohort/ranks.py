"""Compute ranks with ties, and quartiles by the method of the study's software."""

import numpy as np


def average_ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks from 1, with mean ranks for ties, and the count of each distinct value.

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
    """Return Q1, median and Q3 at the ranks (n + 1)p, interpolating between values.

    SPSS calls this method weighted average (HAVERAGE); it is R's type 6. The study's quartiles of integers agree with
    it, and not with the (n − 1)p of most programs: whole numbers for 27 cases, halves for 33, quarters for 40.
    """
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), method="weibull").tolist()
    return low, middle, high
