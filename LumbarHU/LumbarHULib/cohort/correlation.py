"""Compute rank correlation with its interval, plain and adjusted for other columns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, normal_quantile, two_sided_t_p
from LumbarHULib.cohort.ranks import average_ranks
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError

# A column this close to a linear combination of the others carries no information of its own.
_COLLINEAR = 1e-10


@dataclass(frozen=True, kw_only=True)
class Correlation(Estimate):
    """A correlation coefficient with its interval and its p-value.

    Parameters
    ----------
    p_value : float
        Two-sided p-value of no correlation, by Student's t.
    adjusted_for : tuple of str
        Columns that the correlation is adjusted for.
    """

    p_value: float
    adjusted_for: tuple[str, ...] = ()


def spearman(
    first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE, names: tuple[str, str] = ("first", "second")
) -> Correlation:
    """Return Spearman's rank correlation.

    Parameters
    ----------
    first, second : array_like, shape (n,)
    confidence : float
    names : tuple of str
        Names of the two columns in messages.

    Raises
    ------
    InputError
        With fewer than four complete cases or with a constant column.

    Notes
    -----
    The interval is Fisher's with Bonett and Wright's standard error √((1 + ρ²/2) / (n − 3)). Without ties, the possible
    value next to ±1 is ±(1 − 12 / (n³ − n)). Closer to ±1 the interval would have almost no width; its inner end is
    then that of this value.

    References
    ----------
    D.G. Bonett, T.A. Wright. Sample size requirements for estimating Pearson, Kendall and Spearman correlations.
    Psychometrika 2000;65:23–28.
    """
    return partial_spearman(first, second, {}, confidence, names)


def partial_spearman(
    first: ArrayLike,
    second: ArrayLike,
    adjusted_for: Mapping[str, ArrayLike],
    confidence: float = CONFIDENCE,
    names: tuple[str, str] = ("first", "second"),
) -> Correlation:
    """Return Spearman's rank correlation adjusted for other columns: the partial correlation of the ranks.

    Parameters
    ----------
    first, second : array_like, shape (n,)
    adjusted_for : mapping of str to array_like, shape (n,)
        Columns to adjust for, such as age, and sex as 0 and 1.
    confidence : float
    names : tuple of str
        Names of the two columns in messages.

    Raises
    ------
    InputError
        With fewer than four complete cases beyond the number of adjusting columns, a constant column, or a column that
        is a combination of others.

    Notes
    -----
    With g adjusting columns, the interval is that of `spearman` with n − g instead of n, and t has n − 2 − g degrees of
    freedom.

    References
    ----------
    M.G. Kendall. Partial rank correlation. Biometrika 1942;32:277–283 (the formula); R.A. Fisher, Metron 1924;3:329–332
    (n − g).
    """
    held = tuple(adjusted_for)
    if set(names) & set(held):
        raise InputError(f"A column to adjust for cannot be named “{names[0]}” or “{names[1]}”: rename it.")
    columns, left_out = complete_rows({names[0]: first, names[1]: second, **adjusted_for})
    n = int(columns[names[0]].size)
    effective = n - len(held)
    purpose = f"A rank correlation adjusted for {', '.join(held)}" if held else "A rank correlation"
    require(n, 4 + len(held), "complete cases", purpose)
    for name, column in columns.items():
        if is_constant(column):
            raise InputError(f"Column “{name}” is {column[0]:g} in every case, so it has no correlation: omit it.")
    ranks = [average_ranks(column)[0] for column in columns.values()]
    rho = _residual_correlation(ranks[0], ranks[1], ranks[2:], held)
    freedom = effective - 2
    unexplained = 1 - rho * rho
    p = 0.0 if unexplained <= 0 else two_sided_t_p(rho * math.sqrt(freedom / unexplained), freedom)
    low, high = _interval(rho, effective, confidence)
    return Correlation(
        n=n,
        estimate=rho,
        low=low,
        high=high,
        confidence=confidence,
        method="Fisher z, Bonett & Wright 2000",
        left_out=left_out,
        p_value=p,
        adjusted_for=held,
    )


def _residual_correlation(
    first: np.ndarray, second: np.ndarray, held: list[np.ndarray], names: tuple[str, ...]
) -> float:
    """Return the correlation of the residuals of two columns after least-squares regression on the held columns."""
    first, second = first - first.mean(), second - second.mean()
    basis: list[np.ndarray] = []
    # Gram–Schmidt, with each column orthogonalized twice to remove rounding errors.
    for name, column in zip(names, held, strict=True):
        centered = column - column.mean()
        rest = _without(_without(centered, basis), basis)
        if np.linalg.norm(rest) <= _COLLINEAR * np.linalg.norm(centered):
            raise InputError(f"Column “{name}” is a combination of the other columns to adjust for: omit it.")
        basis.append(rest / np.linalg.norm(rest))
    rests = []
    for column in (first, second):
        rest = _without(_without(column, basis), basis)
        if np.linalg.norm(rest) <= _COLLINEAR * np.linalg.norm(column):
            raise InputError(f"A correlated column is a combination of {', '.join(names)}: adjust for fewer columns.")
        rests.append(rest / np.linalg.norm(rest))
    rho = float(rests[0] @ rests[1])
    return math.copysign(1.0, rho) if abs(rho) > 1 - 1e-14 else rho


def _without(column: np.ndarray, basis: list[np.ndarray]) -> np.ndarray:
    for direction in basis:
        column = column - (column @ direction) * direction
    return column


def _interval(rho: float, n: int, confidence: float) -> tuple[float, float]:
    z = normal_quantile(confidence)
    inner = math.copysign(min(abs(rho), 1 - 12 / (n**3 - n)), rho)
    reach = z * math.sqrt((1 + inner * inner / 2) / (n - 3))
    low, high = math.tanh(math.atanh(inner) - reach), math.tanh(math.atanh(inner) + reach)
    if inner == rho:
        return low, high
    return (low, max(high, rho)) if rho > 0 else (min(low, rho), high)
