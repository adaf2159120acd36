"""Combine several readings of one CT as in the study: the mean of the readers' values, and their difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.cases import Reading
from LumbarHULib.cohort.reading_sets import BETWEEN, ReadingSet
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Table
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS


@dataclass(frozen=True, eq=False)
class CombinedReadings:
    """The combined result of several readings of one CT.

    Parameters
    ----------
    readings : tuple of Reading
    hu : mapping of (str, str) to float
        Mean of the readers' values by level and region, without the levels that any reading excludes. A reader's value
        is the mean of that reader's readings.
    excluded : tuple of str
        Levels that at least one reading excludes.
    excluded_by_one : tuple of str
        Excluded levels that another reading measures.
    """

    readings: tuple[Reading, ...]
    hu: Mapping[tuple[str, str], float]
    excluded: tuple[str, ...]
    excluded_by_one: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return reader and number of each reading."""
        return tuple(f"{reading.reader} {reading.reading}" for reading in self.readings)

    def mean_hu(self, roi: str, minimum_levels: int) -> float | None:
        """Return the mean over the available levels L1–L4; None with fewer than `minimum_levels`."""
        levels = [level for level in MEAN_LEVELS if (level, roi) in self.hu]
        return float(np.mean([self.hu[level, roi] for level in levels])) if len(levels) >= minimum_levels else None


def combine(readings: Sequence[Reading]) -> CombinedReadings:
    """Return the combined result of several readings of one CT.

    A level that one reading excludes is omitted for all, so that every mean is over the same levels.
    """
    excluded = tuple(level for level in LEVELS if any(level in reading.excluded for reading in readings))
    return CombinedReadings(
        readings=tuple(readings),
        hu={
            (level, roi): mean
            for level in LEVELS
            if level not in excluded
            for roi in dict.fromkeys((*ROIS, *(roi for reading in readings for _, roi in reading.hu)))
            if (mean := _mean_over_readers(readings, level, roi)) is not None
        },
        excluded=excluded,
        excluded_by_one=tuple(
            level for level in excluded if not all(level in reading.excluded for reading in readings)
        ),
    )


def _mean_over_readers(readings: Sequence[Reading], level: str, roi: str) -> float | None:
    """Return the mean of the readers' means; None if no reading has the value."""
    own = list(_by_reader(readings, level, roi).values())
    return float(np.mean(own)) if own else None


def _by_reader(readings: Sequence[Reading], level: str, roi: str) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for reading in readings:
        if (level, roi) in reading.hu:
            values.setdefault(reading.reader, []).append(reading.hu[level, roi])
    return {reader: float(np.mean(own)) for reader, own in values.items()}


def combined_table(combined: CombinedReadings, minimum_levels: int) -> Table:
    """Return the readings' HU side by side, with their mean as in the study and their difference.

    The difference is first − second for two readings, and greatest − least for more. Origin and blinding use the same
    words as the subsets of a cohort's agreement.
    """
    rows: list[list[Cell]] = []
    as_set = ReadingSet(BETWEEN, combined.names, (combined.readings,), 0)
    for level in (MEAN, *MEAN_LEVELS):
        for roi in as_set.rois:
            if level != MEAN and (level, roi) not in combined.hu:
                continue
            mean = combined.mean_hu(roi, minimum_levels) if level == MEAN else combined.hu[level, roi]
            values = _values(combined, level, roi, minimum_levels)
            known = [value for value in values if value is not None]
            difference = None
            if len(known) == len(values) > 1:
                difference = known[0] - known[1] if len(known) == 2 else max(known) - min(known)
            rows.append([level, roi, *values, mean, difference, *as_set.origins(level), *as_set.blinding()])
    columns = ("level", "roi", *(f"{name} (HU)" for name in combined.names), "mean (HU)", "difference (HU)")
    return Table("combined", "Readings together", (*columns, "origin", "blinded"), rows)


def _values(combined: CombinedReadings, level: str, roi: str, minimum_levels: int) -> list[float | None]:
    """Return the HU of each reading; a mean is over the levels that all readings have."""
    if level != MEAN:
        return [reading.hu.get((level, roi)) for reading in combined.readings]
    shared = [
        one
        for one in MEAN_LEVELS
        if one not in combined.excluded and all((one, roi) in reading.hu for reading in combined.readings)
    ]
    if len(shared) < minimum_levels:
        return [None] * len(combined.readings)
    return [float(np.mean([reading.hu[one, roi] for one in shared])) for reading in combined.readings]
