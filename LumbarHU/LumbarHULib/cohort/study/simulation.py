"""Simulate from the study's quartiles how much its cutoffs and classes would vary in similar patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.cutoff import best_cutoffs
from LumbarHULib.cohort.estimates import CONFIDENCE, check_confidence
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.check_cutoffs import split_sizes
from LumbarHULib.cohort.study.tables import MEAN, ByGroup, StudyTables
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS

ASSUMPTION = (
    "each group follows two half-normal distributions that join at the printed median and have the printed quartiles"
)
# Number of elements in each working array.
_CHUNK = 1_000_000


@dataclass(frozen=True, kw_only=True)
class SimulatedCutoff:
    """The variation of a Youden cutoff between studies of the same size.

    Parameters
    ----------
    roi, target : str
    printed_hu : float
        The study's own cutoff.
    median_hu, low_hu, high_hu : float
        Median and central interval of the simulated studies' cutoffs.
    confidence : float
        Fraction of the simulated studies within the interval.
    n_positive, n_negative : int
    studies, seed : int
    assumption : str
        Assumed distribution of the patients.
    """

    roi: str
    target: str
    printed_hu: float
    median_hu: float
    low_hu: float
    high_hu: float
    confidence: float
    n_positive: int
    n_negative: int
    studies: int
    seed: int
    assumption: str = ASSUMPTION


@dataclass(frozen=True, kw_only=True)
class ExpectedClasses:
    """The fraction of each group that the study's two cutoffs assign to each class.

    Parameters
    ----------
    roi : str
    shares : mapping of str to mapping of str to float
        By the group by DXA, then by the class by the cutoffs.
    assumption : str
        Assumed distribution of each group; the fractions follow from it without simulation.
    """

    roi: str
    shares: Mapping[str, Mapping[str, float]]
    assumption: str = ASSUMPTION


def simulate_cutoff(
    tables: StudyTables, roi: str, target: str, studies: int = 10_000, seed: int = 1, confidence: float = CONFIDENCE
) -> SimulatedCutoff:
    """Return the sampling interval of one of the study's cutoffs.

    Each simulated study draws as many patients of each group as the study had, and uses the Youden cutoff of the means
    over L1–L4 as defined by `cutoff.youden_cutoff`.

    Parameters
    ----------
    tables : StudyTables
    roi, target : str
        One of `ROIS` and of `TARGETS`.
    studies : int
        100 to a million.
    seed : int
    confidence : float

    Raises
    ------
    InputError
        If the region or target is unknown, or the number of studies is outside these limits.
    """
    check_confidence(confidence)
    if target not in TARGETS:
        raise InputError(f"Target “{target}” is not known: use one of {', '.join(TARGETS)}.")
    quantities = _regions(tables, roi)
    if not 100 <= studies <= 1_000_000:
        raise InputError(f"{studies} simulated studies cannot be used: give 100 to 1000000.")
    rng = np.random.default_rng(seed)
    sizes = [tables.group_sizes[group] for group in GROUPS]
    found_by = TARGETS[target]
    is_positive = np.repeat([group in found_by.positive_groups for group in GROUPS], sizes)
    cutoffs = []
    rows = max(1, _CHUNK // sum(sizes))
    for start in range(0, studies, rows):
        held = min(rows, studies - start)
        values = np.hstack([quantities[group].draw(rng, (held, tables.group_sizes[group])) for group in GROUPS])
        order = np.argsort(values, axis=1)
        positive = is_positive[order]
        best = best_cutoffs(np.take_along_axis(values, order, axis=1), positive, ~positive, found_by.rule)
        cutoffs.append(best.cutoff_hu[best.is_valid])
    tail = (1 - confidence) / 2
    low, median, high = np.quantile(np.concatenate(cutoffs), (tail, 0.5, 1 - tail))
    n_positive, n_negative = split_sizes(tables, found_by)
    return SimulatedCutoff(
        roi=roi,
        target=target,
        printed_hu=tables.cutoff(roi, target).cutoff_hu,
        median_hu=float(median),
        low_hu=float(low),
        high_hu=float(high),
        confidence=confidence,
        n_positive=n_positive,
        n_negative=n_negative,
        studies=studies,
        seed=seed,
    )


def expected_classes(tables: StudyTables, roi: str) -> ExpectedClasses:
    """Return the fraction of each group that the study's own cutoffs assign to each class.

    Raises
    ------
    InputError
        If the region is not known.
    """
    quantities = _regions(tables, roi)
    low, high = (tables.cutoff(roi, target).cutoff_hu for target in ("osteoporosis", "low_bmd"))
    shares = {}
    for group in GROUPS:
        below_low, below_high = quantities[group].share_below(low), quantities[group].share_below(high)
        shares[group] = {
            "normal": 1 - below_high,
            "osteopenia": below_high - below_low,
            "osteoporosis": below_low,
        }
    return ExpectedClasses(roi=roi, shares=shares)


def _regions(tables: StudyTables, roi: str) -> ByGroup:
    quantities = tables.levels[MEAN].get(roi) if roi != "bmd" else None
    if quantities is None:
        raise InputError(f"Region “{roi}” is not known: use one of {', '.join(ROIS)}.")
    return quantities
