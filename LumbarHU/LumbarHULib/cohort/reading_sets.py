"""Pair readings of the same cases: between readers, or repeated readings by one reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from LumbarHULib.cohort.cases import Reading
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

BETWEEN, WITHIN = "between readers", "within reader"
LEAST_CASES = 3


@dataclass(frozen=True, eq=False)
class ReadingSet:
    """Readings to compare.

    Parameters
    ----------
    kind : str
        ``BETWEEN`` or ``WITHIN``.
    names : tuple of str
        The readers, or the reader's readings by number.
    cases : tuple of tuple of Reading
        Readings of each case that has all of them, in the order of `names`.
    left_out : int
        Number of cases that have some but not all of them.
    """

    kind: str
    names: tuple[str, ...]
    cases: tuple[tuple[Reading, ...], ...]
    left_out: int

    @property
    def rois(self) -> tuple[str, ...]:
        """Return the regions in any of the readings."""
        had = {roi for readings in self.cases for reading in readings for _, roi in reading.hu}
        return tuple(roi for roi in ROIS if roi in had)

    def values(self, level: str, roi: str, minimum_levels: int) -> np.ndarray:
        """Return the HU of each reading, shape (readings, cases), NaN where unknown.

        A mean over L1–L4 uses the levels that all readings of the case have, so that differences come from the reader
        and not from the levels.
        """
        rows = []
        for readings in self.cases:
            levels = (
                [level]
                if level != MEAN
                else [one for one in MEAN_LEVELS if all((one, roi) in reading.hu for reading in readings)]
            )
            if level == MEAN and len(levels) < minimum_levels:
                levels = []
            rows.append(
                [
                    np.mean([reading.hu.get((one, roi), np.nan) for one in levels]) if levels else np.nan
                    for reading in readings
                ]
            )
        return np.array(rows, dtype=np.float64).reshape(len(self.cases), len(self.names)).T

    def origins(self, level: str) -> list[str]:
        """Return the origin of each case's midlines: the common one, ``mixed``, or "" where unknown."""
        found = []
        for readings in self.cases:
            levels = MEAN_LEVELS if level == MEAN else (level,)
            kinds = {reading.origins.get(one, "") for reading in readings for one in levels if one in reading.origins}
            found.append("" if not kinds or "" in kinds else kinds.pop() if len(kinds) == 1 else "mixed")
        return found

    def blinding(self) -> list[str]:
        """Return the blinding of each case: ``blinded``, ``not blinded``, ``mixed``, or "" where unknown."""
        words = {True: "blinded", False: "not blinded", None: ""}
        found = []
        for readings in self.cases:
            kinds = {words[reading.blinded] for reading in readings}
            found.append("" if "" in kinds else kinds.pop() if len(kinds) == 1 else "mixed")
        return found


def reading_sets(readings: Sequence[Reading]) -> tuple[ReadingSet, ...]:
    """Return all comparable sets: all readers, each pair of more than two readers, and each reader's repetitions.

    If a reader read a case more than once, the first reading is compared with those of other readers.
    """
    by_case: dict[str, dict[str, list[Reading]]] = {}
    for reading in readings:
        by_case.setdefault(reading.case, {}).setdefault(reading.reader, []).append(reading)
    for readers in by_case.values():
        for own in readers.values():
            own.sort(key=lambda reading: reading.reading)
    names = tuple(sorted({reading.reader for reading in readings}))
    groups = [names] if len(names) > 1 else []
    groups += list(combinations(names, 2)) if len(names) > 2 else []
    sets = [_between(group, by_case) for group in groups]
    sets += [found for name in names if (found := _within(name, by_case))]
    return tuple(found for found in sets if found.cases)


def _between(names: tuple[str, ...], by_case: Mapping[str, Mapping[str, Sequence[Reading]]]) -> ReadingSet:
    complete = [tuple(readers[name][0] for name in names) for readers in by_case.values() if set(names) <= set(readers)]
    some = sum(any(name in readers for name in names) for readers in by_case.values())
    return ReadingSet(BETWEEN, names, tuple(complete), some - len(complete))


def _within(name: str, by_case: Mapping[str, Mapping[str, Sequence[Reading]]]) -> ReadingSet | None:
    """Return a reader's repeated readings, as many repetitions as at least three cases have."""
    repeated = [readers[name] for readers in by_case.values() if len(readers.get(name, ())) > 1]
    counts = sorted((len(own) for own in repeated), reverse=True)
    if not counts:
        return None
    number = counts[min(LEAST_CASES, len(counts)) - 1]
    complete = tuple(tuple(own[:number]) for own in repeated if len(own) >= number)
    names = tuple(f"{name} {place}" for place in range(1, number + 1))
    return ReadingSet(WITHIN, names, complete, len(repeated) - len(complete))
