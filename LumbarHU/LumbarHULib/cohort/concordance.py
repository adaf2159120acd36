"""Compute Harrell's C: how often the case with lower HU has the earlier outcome."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, normal_quantile
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Concordance(Estimate):
    """Harrell's C with its interval.

    Parameters
    ----------
    events : int
        Cases with the outcome.
    pairs : int
        Pairs of cases in which it is known which case had the earlier outcome.
    concordant, tied : int
        Pairs in which that case has the lower HU, and pairs with equal HU.
    standard_error : float
    """

    events: int
    pairs: int
    concordant: int
    tied: int
    standard_error: float


def harrell_c(hu: ArrayLike, days: ArrayLike, events: ArrayLike, confidence: float = CONFIDENCE) -> Concordance:
    """Return Harrell's C of low HU for an early outcome.

    A pair counts if it is known which case had the earlier outcome; a case that is censored on the day of another's
    outcome counts as later. Pairs with equal HU count half, and pairs with outcomes on the same day do not count.

    Parameters
    ----------
    hu : array_like, shape (n,)
    days : array_like, shape (n,)
        Days to the outcome or, without it, to the end of follow-up.
    events : array_like, shape (n,)
        1 with the outcome, 0 without; NaN where unknown, as in the other columns.
    confidence : float

    Raises
    ------
    InputError
        With fewer than two cases, no case with the outcome, no pair that counts, or HU that are all the same.

    Notes
    -----
    O(n log² n). The standard error is the infinitesimal jackknife, as in R's ``survival::concordance``.

    References
    ----------
    F.E. Harrell, K.L. Lee, D.B. Mark. Stat Med 1996;15:361–387. T.M. Therneau, D.A. Watson. The concordance statistic
    and the Cox model. Technical Report 85, Mayo Clinic 2017 (standard error).
    """
    columns, left_out = complete_rows({"HU": hu, "days": days, "outcome": events})
    values, times, happened = columns["HU"], columns["days"], columns["outcome"] == 1
    n = values.size
    require(n, 2, "complete cases", "Harrell's C")
    require(int(happened.sum()), 1, "case with the outcome", "Harrell's C")
    if is_constant(values):
        raise InputError(f"HU are {values[0]:g} in every case, so Harrell's C is undefined: check the column.")
    # A case censored on a day counts as later than the outcomes of that day.
    order = 2 * _dense_ranks(times) + ~happened
    ranks = _dense_ranks(values)
    above, equal, below = (np.zeros(n, dtype=np.int64) for _ in range(3))
    _count_later(order, ranks, happened, above, equal, below)
    pairs = int((above + equal + below).sum()) // 2
    if not pairs:
        raise InputError(
            "Harrell's C needs a pair of cases with a known order of outcomes, but there is no such pair: add "
            "follow-up."
        )
    concordant, tied = int(above.sum()) // 2, int(equal.sum()) // 2
    c = (concordant + tied / 2) / pairs
    influence = above + equal / 2 - c * (above + equal + below)
    error = math.sqrt(float(np.sum(influence**2))) / pairs
    reach = normal_quantile(confidence) * error
    return Concordance(
        n=n,
        estimate=c,
        low=max(0.0, c - reach),
        high=min(1.0, c + reach),
        confidence=confidence,
        method="infinitesimal jackknife",
        left_out=left_out,
        events=int(happened.sum()),
        pairs=pairs,
        concordant=concordant,
        tied=tied,
        standard_error=error,
    )


def _dense_ranks(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _count_later(
    order: np.ndarray,
    ranks: np.ndarray,
    happened: np.ndarray,
    above: np.ndarray,
    equal: np.ndarray,
    below: np.ndarray,
) -> None:
    """Add the concordant, tied and discordant pairs of each case.

    A pair consists of an event and a case that is later in `order`; it is concordant if the later case has the higher
    rank. Blocks sorted by order are merged bottom-up, and the cases of each block are counted against the neighboring
    block.
    """
    n = order.size
    sequence = np.argsort(order, kind="stable")
    # Cases at the same position do not form a pair, so a group of them is one leaf and never spans a merge.
    starts = np.flatnonzero(np.concatenate([[True], np.diff(order[sequence]) > 0]))
    group_of = np.repeat(np.arange(starts.size), np.diff(np.concatenate([starts, [n]])))
    top = int(ranks.max()) + 1
    width = 1
    while width < starts.size:
        block = group_of // width
        is_right = block % 2 == 1
        pair = block // 2
        key = pair * top + ranks[sequence]
        early = ~is_right & happened[sequence]
        late_keys = np.sort(key[is_right])
        early_keys = np.sort(key[early])
        for rows, keys, later in ((early, late_keys, True), (is_right, early_keys, False)):
            cases, own = sequence[rows], key[rows]
            left, right = np.searchsorted(keys, own, "left"), np.searchsorted(keys, own, "right")
            first = np.searchsorted(keys, pair[rows] * top, "left")
            last = np.searchsorted(keys, (pair[rows] + 1) * top, "left")
            lower, higher = left - first, last - right
            above[cases] += higher if later else lower
            below[cases] += lower if later else higher
            equal[cases] += right - left
        width *= 2
