"""Tabulate the association of low HU with early outcomes: Harrell's C, hazard ratios, Kaplan–Meier, log-rank tests."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.concordance import harrell_c
from LumbarHULib.cohort.correlation_tables import held_columns
from LumbarHULib.cohort.estimates import holm
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.survival import (
    DAYS_PER_YEAR,
    LIFELINES_MISSING,
    SplitSurvival,
    SurvivalCurve,
    has_lifelines,
    hazard_ratio,
    split_survival,
)
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate, interval_columns
from LumbarHULib.core.cutoffs import CutoffTable

# Years at which the curves are tabulated, in addition to the end of follow-up.
_YEARS = (1, 2, 3, 5, 10)
_CONCORDANCE, _HAZARD, _LOG_RANK = "Harrell's C", "Hazard ratio", "Kaplan–Meier and log-rank"
AT_OR_BELOW, ABOVE = "at or below", "above"


@dataclass(frozen=True, kw_only=True)
class RegionSurvival:
    """The Kaplan–Meier curves of one region, at a level or as a mean, on both sides of a cutoff.

    Parameters
    ----------
    level, roi : str
    source : str
        Source of the cutoff.
    split : SplitSurvival
    """

    level: str
    roi: str
    source: str
    split: SplitSurvival


def survival_tables(
    cohort: Cohort,
    published: CutoffTable,
    cutoff_hu: float | None,
    omissions: Omissions,
    progress: Callable[[float, str], None],
) -> tuple[tuple[Table, Table, Table, Table], tuple[RegionSurvival, ...]]:
    """Return the tables of the time-to-event outcome, for the mean and each level, and the curves.

    Parameters
    ----------
    cohort : Cohort
    published : CutoffTable
        Cutoffs whose osteoporosis value splits the mean over L1–L4.
    cutoff_hu : float or None
        Cutoff for every split, instead of the published cutoff and the median.
    omissions : Omissions
    progress : callable
    """
    concordance: list[list[Cell]] = []
    hazards: list[tuple[list[Cell], float]] = []
    log_ranks: list[tuple[list[Cell], float]] = []
    curves: list[RegionSurvival] = []
    times = _times(cohort, omissions)
    known = times or (np.empty(0), np.empty(0))
    held = held_columns(cohort)
    places = [cohort.mean_name, *(place for place in cohort.level_places if place != cohort.mean_name)]
    every = [(level, roi) for level in places for roi in cohort.rois(level)] if times else []
    if every and not has_lifelines():
        for name in (_HAZARD, _LOG_RANK):
            omissions.add(name, "", LIFELINES_MISSING, "lumbarhu[survival]")
    for number, (level, roi) in enumerate(every):
        progress(number / len(every), "Analyzing the outcome over time")
        hu, name = cohort.hu(level, roi), f"{roi} of {level}"
        about: list[Cell] = [roi, level, cohort.outcome_name]
        c = omissions.attempt(_CONCORDANCE, name, harrell_c, hu, *known)
        if c:
            concordance.append([*about, c.n, c.left_out, c.events, c.pairs, *cells_of_estimate(c)])
        if not has_lifelines():
            continue
        for adjusted_for in ({}, held) if held else ({},):
            label = f"{name}, adjusted for {' and '.join(held)}" if adjusted_for else name
            ratio = omissions.attempt(_HAZARD, label, hazard_ratio, hu, *known, adjusted_for)
            if ratio:
                cells = [*about, ";".join(ratio.adjusted_for), ratio.n, ratio.left_out, ratio.events, ratio.sd_hu]
                hazards.append(([*cells, *cells_of_estimate(ratio)], ratio.p_value))
        for source, value in _cutoffs(cohort, level, roi, published, cutoff_hu, known):
            label = f"{name}, split at {value:g} HU"
            split = omissions.attempt(_LOG_RANK, label, split_survival, hu, *known, value)
            if split:
                test = split.log_rank
                cells = [*about, value, source, test.n, split.low.n, split.low.events, split.high.n, split.high.events]
                log_ranks.append(([*cells, test.statistic], test.p_value))
                curves.append(RegionSurvival(level=level, roi=roi, source=source, split=split))
    if times and not held:
        reason = "Neither age nor sex varies between the cases of the table."
        omissions.add(_HAZARD, "those adjusted for age and sex", reason, "age or sex")
    return _tables_of(cohort.outcome_name, concordance, hazards, log_ranks, curves), tuple(curves)


def _tables_of(
    outcome_name: str,
    concordance: list[list[Cell]],
    hazards: list[tuple[list[Cell], float]],
    log_ranks: list[tuple[list[Cell], float]],
    curves: Sequence[RegionSurvival],
) -> tuple[Table, Table, Table, Table]:
    """Return the four tables from their rows, where needed with each row's p value."""
    first = ("roi", "level", "outcome")
    sizes = ("n_low", "events_low", "n_high", "events_high")
    return (
        Table(
            "survival_concordance",
            "Harrell's C of low HU for an early outcome",
            (*first, "n", "left_out", "events", "pairs", *interval_columns("c", "ci")),
            concordance,
        ),
        Table(
            "survival_hazard_ratios",
            "Hazard ratio for each standard deviation by which HU are lower",
            (*first, "adjusted_for", "n", "left_out", "events", "sd_hu", *interval_columns("hazard_ratio", "ci"), *_P),
            _with_holm(hazards),
        ),
        Table(
            "survival_log_rank",
            "Outcome at or below a cutoff and above it",
            (*first, "cutoff_hu", "cutoff_source", "n", *sizes, "chi_squared", *_P),
            _with_holm(log_ranks),
        ),
        Table(
            "survival_curves",
            "Proportion without the outcome by year",
            (*first, "cutoff_hu", "cutoff_source", "side", "n", "events", "days", "at_risk", *_SHARE),
            [row for curve in curves for row in _curve_rows(outcome_name, curve)],
        ),
    )


_P = ("p", "p_corrected", "correction")
_SHARE = interval_columns("survival", "ci")


def _times(cohort: Cohort, omissions: Omissions) -> tuple[np.ndarray, np.ndarray] | None:
    """Return days and outcomes; None unless the table has both. If it has only one, note the gap."""
    days, outcomes = (cohort.numbers.get(name) for name in ("outcome_days", "outcome"))
    what = "Outcome over time"
    if outcomes is None and days is not None:
        omissions.add(what, "", "The table has outcome_days but no usable outcome.", "outcome")
    elif outcomes is not None and days is None:
        omissions.add(what, "", "The table has an outcome but no usable outcome_days.", "outcome_days")
    elif outcomes is not None and days is not None and np.isnan(days + outcomes).all():
        omissions.add(what, "", "No case has both an outcome and outcome_days.", "outcome_days")
    elif outcomes is not None and days is not None:
        return days, outcomes
    return None


def _cutoffs(
    cohort: Cohort,
    level: str,
    roi: str,
    published: CutoffTable,
    stated_hu: float | None,
    times: tuple[np.ndarray, np.ndarray],
) -> Iterator[tuple[str, float]]:
    """Yield source and value of each cutoff; no cutoff was derived from the outcomes."""
    if stated_hu is not None:
        yield "stated beforehand", stated_hu
        return
    if level == MEAN:
        yield f"osteoporosis, {published.name}", published.rois[roi].osteoporosis.cutoff_hu
    hu = cohort.hu(level, roi)
    known = hu[~np.isnan(hu + times[0] + times[1])]
    if known.size:
        yield "median", float(np.median(known))


def _with_holm(rows: list[tuple[list[Cell], float]]) -> list[list[Cell]]:
    """Return each row with its p-value, the p-value corrected for the number of rows, and the method's name."""
    corrected = holm([p for _, p in rows])
    return [[*cells, p, other, "Holm"] for (cells, p), other in zip(rows, corrected, strict=True)]


def _curve_rows(outcome: str, found: RegionSurvival) -> Iterator[list[Cell]]:
    about: list[Cell] = [found.roi, found.level, outcome, found.split.cutoff_hu, found.source]
    for side, curve in ((AT_OR_BELOW, found.split.low), (ABOVE, found.split.high)):
        last = float(curve.days[-1])
        for days in sorted({*(year * DAYS_PER_YEAR for year in _YEARS if year * DAYS_PER_YEAR < last), last}):
            at = curve.index_at(days)
            shares = [float(column[at]) for column in (curve.survival, curve.low, curve.high)]
            yield [*about, side, curve.n, curve.events, days, _at_risk(curve, at, days), *shares]


def _at_risk(curve: SurvivalCurve, at: int, days: float) -> int:
    """Return the number of cases that are followed up to a day or longer."""
    if curve.days[at] < days:
        return int(curve.at_risk[at + 1]) if at + 1 < curve.at_risk.size else 0
    return int(curve.at_risk[at])


def curves_of(curves: tuple[RegionSurvival, ...], level: str) -> Mapping[str, list[RegionSurvival]]:
    """Return the curves of a level or mean by region, with each region's first cutoff."""
    found: dict[str, list[RegionSurvival]] = {}
    for curve in curves:
        if curve.level == level:
            found.setdefault(curve.roi, []).append(curve)
    return found
