"""The cases of a cohort as columns of numbers, with their readings and what is doubtful about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.references import (
    Reference,
    check_outcome_name,
    dxa_reference,
    outcome_reference,
    qct_reference,
)
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import Target
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS, sorted_levels


@dataclass(frozen=True)
class CohortFinding(Finding):
    """One thing a reader should know about a cohort.

    Parameters
    ----------
    row : int or None
        Row of the table as a spreadsheet counts, its header being row 1; None for no single row.
    column : str
        Column of the table; empty for none.
    case : str
        The case concerned; empty for none.
    """

    row: int | None = None
    column: str = ""
    case: str = ""


@dataclass(frozen=True, eq=False)
class Reading:
    """What one reader measured in one case, once.

    Parameters
    ----------
    case, reader : str
    reading : int
        Which reading of this reader it is, from 1.
    hu : mapping of (str, str) to float
        Mean HU by level and region, of the levels that are not excluded.
    origins : mapping of str to str
        By level, how the midline came about: a `core.landmarks` origin without its amounts; empty where unknown.
    excluded : tuple of str
        Levels that this reading leaves out.
    blinded : bool or None
        Whether the reader saw no other reading and no proposal; None where unknown.
    """

    case: str
    reader: str
    reading: int
    hu: Mapping[tuple[str, str], float]
    origins: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    blinded: bool | None = None


@dataclass(frozen=True, eq=False)
class Cohort:
    """A row per case.

    Parameters
    ----------
    name : str
        What the cohort is called.
    cases : sequence of str, shape (n,)
        Each once.
    level_hu : mapping of (str, str) to numpy.ndarray, shape (n,)
        Mean HU by level and region, NaN where unknown.
    groups : sequence of str, shape (n,)
        One of `GROUPS` by DXA, or "".
    numbers : mapping of str to numpy.ndarray, shape (n,)
        Other columns of numbers that there are, such as ``age`` and ``bmd_L1``; NaN where unknown.
    labels : mapping of str to sequence of str, shape (n,)
        Columns of words that there are, such as ``sex``; "" where unknown.
    readings : sequence of Reading
        Single readings, where they are known.
    findings : sequence of CohortFinding
        What its table told.
    minimum_levels : int
        Fewest levels that a mean over L1–L4 is taken of.
    note : str
        Belongs on everything made of it; says that it is synthetic if it is.
    groups_by_t_score : int
        How many of the groups are those of T-scores; the others are as given.
    mean_levels : tuple of str
        The levels that the mean is over; L1–L4 unless others are chosen.
    qct_groups : sequence of str, shape (n,)
        The class of each case by quantitative CT, or ""; empty without such a column.
    outcome_name : str
        What the columns ``outcome`` and ``outcome_days`` are about.
    table_rows : int or None
        Rows of its table that are not blank, with those that could not be used; None where there is no table.
    rows_left_out : mapping of str to int
        How many of these rows are no case of their own, by reason.

    Raises
    ------
    InputError
        If there is no case, a case is there twice, columns differ in length, more groups are those of T-scores than
        there are, or the mean's levels or the outcome's name cannot be used.
    """

    name: str
    cases: Sequence[str]
    level_hu: Mapping[tuple[str, str], np.ndarray]
    groups: Sequence[str]
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    readings: Sequence[Reading] = ()
    findings: Sequence[CohortFinding] = ()
    minimum_levels: int = 2
    note: str = ""
    groups_by_t_score: int = 0
    mean_levels: tuple[str, ...] = MEAN_LEVELS
    qct_groups: Sequence[str] = ()
    outcome_name: str = "outcome"
    table_rows: int | None = None
    rows_left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.cases)
        if not n:
            raise InputError("The cohort has no case: give at least one.")
        if len(set(self.cases)) < n:
            raise InputError("A case of the cohort is there twice: give each case one row.")
        columns = [self.groups, *self.level_hu.values(), *self.numbers.values(), *self.labels.values()]
        columns += [self.qct_groups] if self.qct_groups else []
        if any(len(column) != n for column in columns):
            raise InputError(f"The columns of the cohort differ in length: give {n} values in each.")
        grouped = sum(map(bool, self.groups))
        if not 0 <= self.groups_by_t_score <= grouped:
            raise InputError(
                f"{self.groups_by_t_score} groups cannot be those of T-scores where {grouped} cases have one: give at "
                "most as many."
            )

        check_mean_levels(self.mean_levels)
        check_outcome_name(self.outcome_name)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def mean_name(self) -> str:
        """What the mean is called: ``MEAN``, or its levels where others are chosen."""
        return name_of_mean(self.mean_levels)

    @property
    def has_study_mean(self) -> bool:
        """Whether the mean is that over L1–L4, which the study's cutoffs are of."""
        return self.mean_name == MEAN

    @cached_property
    def mean_hu(self) -> Mapping[str, np.ndarray]:
        """The mean by region, each shape (n,): over its known levels, NaN with fewer than `minimum_levels`.

        A mean over fewer levels than `minimum_levels` needs them all.
        """
        return self._means(self.mean_levels)

    @cached_property
    def _study_mean_hu(self) -> Mapping[str, np.ndarray]:
        return self.mean_hu if self.has_study_mean else self._means(MEAN_LEVELS)

    def _means(self, levels: Sequence[str]) -> Mapping[str, np.ndarray]:
        found = {}
        for roi in ROIS:
            if not any((level, roi) in self.level_hu for level in levels):
                continue
            hu = np.stack([self._level_hu(level, roi) for level in levels])
            known = ~np.isnan(hu)
            count = known.sum(axis=0)
            total = np.where(known, hu, 0).sum(axis=0)
            is_enough = count >= min(self.minimum_levels, len(levels))
            found[roi] = np.where(is_enough, total / np.maximum(count, 1), np.nan)
        return found

    def _level_hu(self, level: str, roi: str) -> np.ndarray:
        found = self.level_hu.get((level, roi))
        return np.full(len(self), np.nan) if found is None else found

    def hu(self, level: str, roi: str) -> np.ndarray:
        """Return the HU of a level, of ``MEAN`` or of the chosen mean, in one region, shape (n,); NaN where unknown."""
        if level in LEVELS:
            return self._level_hu(level, roi)
        means = self.mean_hu if level == self.mean_name else self._study_mean_hu
        return means[roi] if roi in means else np.full(len(self), np.nan)

    def bmd(self, level: str) -> np.ndarray | None:
        """Return the bone mineral density of a level, or of L1–L4, in g/cm², shape (n,); None if there is none."""
        return self.numbers.get(f"bmd_{level}" if level in LEVELS else "bmd")

    def density_columns(self, level: str) -> tuple[str, ...]:
        """Return the columns of numbers that HU of a level, or of a mean, are correlated with.

        DXA of the level itself or else of L1–L4, or the T-score where there is no density; and quantitative CT.
        """
        own = [f"bmd_{level}", "bmd", *(() if any(name.startswith("bmd") for name in self.numbers) else ("t_score",))]
        dxa = [name for name in own if name in self.numbers][:1]
        return (*dxa, *(("qct_mg_cc",) if "qct_mg_cc" in self.numbers else ()))

    @cached_property
    def measured_rois(self) -> tuple[str, ...]:
        """The regions that have any value at any level."""
        return tuple(roi for roi in ROIS if any(roi in self.rois(level) for level in LEVELS))

    @cached_property
    def measured_levels(self) -> tuple[str, ...]:
        """The levels that have any value in any region, from cranial to caudal."""
        return tuple(level for level in LEVELS if self.rois(level))

    @cached_property
    def levels_and_mean(self) -> tuple[str, ...]:
        """L1–L4 and the other measured levels, and the mean, if it has another name."""
        levels = sorted_levels({*MEAN_LEVELS, *self.measured_levels})
        return levels if self.mean_name in levels else (*levels, self.mean_name)

    @cached_property
    def level_places(self) -> tuple[str, ...]:
        """What the tables by level are of: the measured levels, and the mean over L1–L4 where another is chosen."""
        return (*self.measured_levels, *(() if self.has_study_mean or not self.rois(MEAN) else (MEAN,)))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """What HU are compared with as classes: DXA, quantitative CT, the outcome; those that any case has."""
        found = [dxa_reference(self.groups)]
        if self.qct_groups:
            found.append(qct_reference(self.qct_groups))
        if "outcome" in self.numbers:
            found.append(outcome_reference(self.numbers["outcome"], self.outcome_name))
        return tuple(reference for reference in found if any(reference.labels))

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """What low HU are expected to find, by name, over all references."""
        return {target.name: target for reference in self.references for target in reference.targets}

    def rois(self, level: str) -> tuple[str, ...]:
        """Return the regions that have any value at a level, or at a mean."""
        return tuple(roi for roi in ROIS if not np.isnan(self.hu(level, roi)).all())

    @cached_property
    def group_sizes(self) -> Mapping[str, int]:
        """Number of cases in each group."""
        return {group: sum(label == group for label in self.groups) for group in GROUPS}

    @property
    def is_synthetic(self) -> bool:
        """Whether it is made up; its note says so."""
        return self.note.upper().startswith("SYNTHETIC")


def name_of_mean(levels: Sequence[str]) -> str:
    """Return what a mean over these levels is called: ``L1–L4`` where they are neighbors, else ``L1+L3``."""
    places = [LEVELS.index(level) for level in levels]
    if len(levels) == 1:
        return levels[0]
    if places[-1] - places[0] == len(levels) - 1:
        return f"{levels[0]}–{levels[-1]}"
    return "+".join(levels)


def check_mean_levels(levels: Sequence[str]) -> None:
    """Refuse levels over which no mean is taken.

    Raises
    ------
    InputError
        If there is none, one is unknown, or one is there twice or out of order.
    """
    if not levels or tuple(levels) != sorted_levels({level for level in levels if level in LEVELS}):
        given = ", ".join(levels) or "none"
        raise InputError(
            f"A mean over the levels {given} cannot be taken: give each of {', '.join(LEVELS)} at most once."
        )
