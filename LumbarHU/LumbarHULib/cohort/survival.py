"""Analyze time-to-event outcomes with lifelines: hazard ratio, Kaplan–Meier curves and the log-rank test."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, HypothesisTest
from LumbarHULib.cohort.rows import complete_rows, is_constant, require
from LumbarHULib.core.errors import InputError

LIFELINES_MISSING = "The Python package lifelines, which computes it, is missing: install lumbarhu[survival]."
DAYS_PER_YEAR = 365.25
# Precision of the maximum of Cox's likelihood; lifelines' default stops sooner.
_COX_PRECISION = {"precision": 1e-20, "r_precision": 1e-20}
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class HazardRatio(Estimate):
    """The hazard ratio per standard deviation of lower HU.

    Parameters
    ----------
    events : int
        Cases with the outcome.
    sd_hu : float
        Standard deviation (n − 1) of the HU of these cases.
    p_value : float
        Wald's two-sided p-value.
    adjusted_for : tuple of str
        Columns that the ratio is adjusted for.
    """

    events: int
    sd_hu: float
    p_value: float
    adjusted_for: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """The Kaplan–Meier curve of a group of cases.

    Parameters
    ----------
    n, events : int
    days : numpy.ndarray, shape (points,)
        Days of the curve's steps, ascending from 0.
    survival, low, high : numpy.ndarray, shape (points,)
        Proportion without the outcome, and its pointwise interval.
    at_risk : numpy.ndarray of int, shape (points,)
        Number of cases at risk just before each day.
    """

    n: int
    events: int
    days: np.ndarray
    survival: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray

    def index_at(self, days: float) -> int:
        """Return the index of the last point at or before a day."""
        return int(np.searchsorted(self.days, days, "right")) - 1


@dataclass(frozen=True, eq=False)
class SplitSurvival:
    """Kaplan–Meier curves of the cases at or below a cutoff, and above it.

    Parameters
    ----------
    cutoff_hu : float
    low, high : SurvivalCurve
        Curves at or below the cutoff, and above it.
    log_rank : HypothesisTest
    """

    cutoff_hu: float
    low: SurvivalCurve
    high: SurvivalCurve
    log_rank: HypothesisTest


def has_lifelines() -> bool:
    """Return whether lifelines is installed."""
    return find_spec("lifelines") is not None


def hazard_ratio(
    hu: ArrayLike,
    days: ArrayLike,
    events: ArrayLike,
    adjusted_for: Mapping[str, ArrayLike],
    confidence: float = CONFIDENCE,
) -> HazardRatio:
    """Return the hazard ratio per standard deviation of lower HU, by Cox's model with Efron's ties.

    Parameters
    ----------
    hu : array_like, shape (n,)
    days : array_like, shape (n,)
        Days to the outcome or to the end of follow-up, more than 0.
    events : array_like, shape (n,)
        1 with the outcome, 0 without.
    adjusted_for : mapping of str to array_like, shape (n,)
        Columns to adjust for, such as age, and sex as 0 and 1.
    confidence : float

    Raises
    ------
    InputError
        Without lifelines; with fewer outcomes than adjusting columns plus two; with a constant column, or a column that
        determines the outcome.

    References
    ----------
    D.R. Cox. J R Stat Soc B 1972;34:187–220. B. Efron. JASA 1977;72:557–565 (ties).
    """
    held = tuple(adjusted_for)
    columns, left_out = complete_rows({"HU": hu, "days": days, "outcome": events, **adjusted_for})
    happened = int((columns["outcome"] == 1).sum())
    require(happened, len(held) + 2, "cases with the outcome", "A hazard ratio")
    for name in ("HU", *held):
        if is_constant(columns[name]):
            raise InputError(f"Column “{name}” is {columns[name][0]:g} in every case: omit it.")
    sd_hu = float(columns["HU"].std(ddof=1))
    columns["HU"] = -(columns["HU"] - columns["HU"].mean()) / sd_hu
    fitted = _by_lifelines(_fit_cox, columns, confidence)
    row = fitted.summary.loc["HU"]
    low, high = (float(row[f"exp(coef) {end} {100 * confidence:g}%"]) for end in ("lower", "upper"))
    return HazardRatio(
        n=int(columns["HU"].size),
        estimate=float(row["exp(coef)"]),
        low=low,
        high=high,
        confidence=confidence,
        method="Cox, Efron's ties, Wald",
        left_out=left_out,
        events=happened,
        sd_hu=sd_hu,
        p_value=float(row["p"]),
        adjusted_for=held,
    )


def _fit_cox(columns: Mapping[str, np.ndarray], confidence: float) -> Any:
    from lifelines import CoxPHFitter
    from pandas import DataFrame

    model = CoxPHFitter(alpha=1 - confidence)
    return model.fit(DataFrame(columns), "days", "outcome", fit_options=_COX_PRECISION)


def split_survival(
    hu: ArrayLike, days: ArrayLike, events: ArrayLike, cutoff_hu: float, confidence: float = CONFIDENCE
) -> SplitSurvival:
    """Return the Kaplan–Meier curves at or below a cutoff and above it, and the log-rank test between them.

    Parameters
    ----------
    hu, days, events : array_like, shape (n,)
        As in `hazard_ratio`.
    cutoff_hu : float
        Cutoff, chosen before the outcomes are seen.
    confidence : float
        Confidence of the pointwise intervals (Greenwood's variance on the log-log scale).

    Raises
    ------
    InputError
        Without lifelines; without a case on either side of the cutoff, or without an outcome.

    References
    ----------
    E.L. Kaplan, P. Meier. JASA 1958;53:457–481. N. Mantel. Cancer Chemother Rep 1966;50:163–170 (log-rank).
    """
    columns, left_out = complete_rows({"HU": hu, "days": days, "outcome": events})
    is_low = columns["HU"] <= cutoff_hu
    for count, where in ((is_low.sum(), "at or below"), ((~is_low).sum(), "above")):
        if not count:
            raise InputError(f"No case with follow-up has HU {where} {cutoff_hu:g}: choose another cutoff.")
    require(int((columns["outcome"] == 1).sum()), 1, "case with the outcome", "A log-rank test")
    parts = [{name: column[rows] for name, column in columns.items()} for rows in (is_low, ~is_low)]
    low, high = (_by_lifelines(_curve, part, confidence) for part in parts)
    test = _by_lifelines(_log_rank, *parts)
    return SplitSurvival(
        cutoff_hu=float(cutoff_hu),
        low=low,
        high=high,
        log_rank=HypothesisTest(
            test="log-rank",
            n=int(is_low.size),
            statistic=float(test.test_statistic),
            statistic_name="χ²",
            degrees_of_freedom=(1.0,),
            p_value=float(test.p_value),
            left_out=left_out,
        ),
    )


def _curve(columns: Mapping[str, np.ndarray], confidence: float) -> SurvivalCurve:
    from lifelines import KaplanMeierFitter

    happened = columns["outcome"] == 1
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(columns["days"], happened, label="S")
    days = fitted.survival_function_.index.to_numpy(dtype=np.float64)
    low, high = (
        fitted.confidence_interval_[f"S_{end}_{confidence:g}"].to_numpy(dtype=np.float64) for end in ("lower", "upper")
    )
    survival = fitted.survival_function_["S"].to_numpy(dtype=np.float64)
    return SurvivalCurve(
        n=int(happened.size),
        events=int(happened.sum()),
        days=days,
        survival=survival,
        # The log-log interval is undefined before the first outcome and at a survival of 0; it has no width there.
        low=np.where(np.isnan(low), survival, low),
        high=np.where(np.isnan(high), survival, high),
        at_risk=fitted.event_table["at_risk"].reindex(fitted.survival_function_.index).to_numpy(dtype=np.int64),
    )


def _log_rank(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> Any:
    from lifelines.statistics import logrank_test

    return logrank_test(first["days"], second["days"], first["outcome"] == 1, second["outcome"] == 1)


def _by_lifelines(work: Callable[..., Result], *values: Any) -> Result:
    """Return the result of `work`; raise InputError with the reason if lifelines cannot compute it."""
    if not has_lifelines():
        raise InputError(LIFELINES_MISSING)
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning, StatisticalWarning

    with warnings.catch_warnings():
        # Warnings of lifelines concern the reliability of its numbers; other warnings are irrelevant here.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", StatisticalWarning)
        try:
            return work(*values)
        except (ConvergenceError, ConvergenceWarning, StatisticalWarning):
            raise InputError(
                "Cox's model does not converge, because a column determines the outcome or is a combination of others: "
                "adjust for fewer columns, or add cases."
            ) from None
