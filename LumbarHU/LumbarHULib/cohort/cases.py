"""The cases of a cohort as columns of numbers, with their readings and what is doubtful about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS


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

    Raises
    ------
    InputError
        If there is no case, a case is there twice, columns differ in length, or more groups are those of T-scores than
        there are.
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

    def __post_init__(self) -> None:
        n = len(self.cases)
        if not n:
            raise InputError("The cohort has no case: give at least one.")
        if len(set(self.cases)) < n:
            raise InputError("A case of the cohort is there twice: give each case one row.")
        columns = [self.groups, *self.level_hu.values(), *self.numbers.values(), *self.labels.values()]
        if any(len(column) != n for column in columns):
            raise InputError(f"The columns of the cohort differ in length: give {n} values in each.")
        grouped = sum(map(bool, self.groups))
        if not 0 <= self.groups_by_t_score <= grouped:
            raise InputError(
                f"{self.groups_by_t_score} groups cannot be those of T-scores where {grouped} cases have one: give at "
                "most as many."
            )

    def __len__(self) -> int:
        return len(self.cases)

    @cached_property
    def mean_hu(self) -> Mapping[str, np.ndarray]:
        """Mean over the known levels among L1–L4 by region, each shape (n,), NaN with fewer than `minimum_levels`."""
        return {roi: self._mean(roi) for roi in ROIS if any((level, roi) in self.level_hu for level in MEAN_LEVELS)}

    def _mean(self, roi: str) -> np.ndarray:
        levels = np.stack([self.hu(level, roi) for level in MEAN_LEVELS])
        known = ~np.isnan(levels)
        count = known.sum(axis=0)
        total = np.where(known, levels, 0).sum(axis=0)
        return np.where(count >= self.minimum_levels, total / np.maximum(count, 1), np.nan)

    def hu(self, level: str, roi: str) -> np.ndarray:
        """Return the HU of a level, or of ``MEAN``, in one region, shape (n,); NaN where unknown."""
        found = self.mean_hu.get(roi) if level == MEAN else self.level_hu.get((level, roi))
        return np.full(len(self), np.nan) if found is None else found

    def bmd(self, level: str) -> np.ndarray | None:
        """Return the bone mineral density of a level, or of ``MEAN``, in g/cm², shape (n,); None if there is none."""
        return self.numbers.get("bmd" if level == MEAN else f"bmd_{level}")

    @cached_property
    def measured_rois(self) -> tuple[str, ...]:
        """The regions that have any value at any level of L1–L4."""
        return tuple(roi for roi in ROIS if any(roi in self.rois(level) for level in MEAN_LEVELS))

    def rois(self, level: str) -> tuple[str, ...]:
        """Return the regions that have any value at a level, or at ``MEAN``."""
        return tuple(roi for roi in ROIS if not np.isnan(self.hu(level, roi)).all())

    @cached_property
    def group_sizes(self) -> Mapping[str, int]:
        """Number of cases in each group."""
        return {group: sum(label == group for label in self.groups) for group in GROUPS}

    @property
    def is_synthetic(self) -> bool:
        """Whether it is made up; its note says so."""
        return self.note.upper().startswith("SYNTHETIC")
