"""The HU of methods in the cases of a cohort, and the columns of a pair."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.methods.method import Method
from LumbarHULib.core.cutoffs import RoiCutoffs


@dataclass(frozen=True, eq=False)
class MeasuredMethod:
    """A method with its HU in each case.

    Parameters
    ----------
    method : Method
    level_hu : mapping of str to numpy.ndarray, shape (n,)
        HU by level, NaN where unknown; only levels of the method.
    source : str
        Name of the file that the HU come from.
    cutoffs : RoiCutoffs or None
        Cutoffs that hold for this method; None if there are none.
    cutoffs_name : str
        Name of these cutoffs.
    repeated : tuple of numpy.ndarray, shape (n, levels)
        The mean over the method's levels in each case's first, second, … reading, NaN where there is no such reading;
        empty without repeated readings.
    """

    method: Method
    level_hu: Mapping[str, np.ndarray]
    source: str
    cutoffs: RoiCutoffs | None = None
    cutoffs_name: str = ""
    repeated: tuple[np.ndarray, ...] = ()

    @property
    def name(self) -> str:
        """Return the method as users write it."""
        return self.method.name


@dataclass(frozen=True, eq=False)
class MeasuredMethods:
    """The methods to compare, in the cases of one cohort.

    Parameters
    ----------
    cohort : Cohort
        Cases, references and notes.
    methods : tuple of MeasuredMethod
    results : mapping of str to str
        File name of each table of results, by the protocol's name.
    """

    cohort: Cohort
    methods: tuple[MeasuredMethod, ...]
    results: Mapping[str, str] = field(default_factory=dict)

    def hu(self, measured: MeasuredMethod) -> np.ndarray:
        """Return a method's HU, shape (n,): the mean over its known levels; NaN with too few."""
        return self._mean(measured, _known(measured))

    def pair(self, first: MeasuredMethod, second: MeasuredMethod) -> tuple[np.ndarray, np.ndarray]:
        """Return the HU of two methods, each shape (n,), NaN where unknown.

        If both are means over the same levels, a level that one of them lacks in a case is omitted for both, so that a
        difference comes from the methods and not from the levels.
        """
        known = _known(first), _known(second)
        if first.method.levels == second.method.levels:
            known = (known[0] & known[1],) * 2
        return self._mean(first, known[0]), self._mean(second, known[1])

    def _mean(self, measured: MeasuredMethod, known: np.ndarray) -> np.ndarray:
        hu = np.stack([measured.level_hu[level] for level in measured.method.levels])
        count = known.sum(axis=0)
        least = min(self.cohort.minimum_levels, len(measured.method.levels))
        return np.where(count >= least, np.where(known, hu, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _known(measured: MeasuredMethod) -> np.ndarray:
    """Return whether each level's HU are known, shape (levels, n)."""
    return ~np.isnan(np.stack([measured.level_hu[level] for level in measured.method.levels]))
