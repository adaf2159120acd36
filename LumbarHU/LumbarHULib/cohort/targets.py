"""Define the targets of a cutoff: which groups are positive, and whether the cutoff itself counts as positive."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.rows import Labels, complete_rows, label_codes
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class Target:
    """A condition that low HU should find.

    Parameters
    ----------
    name : str
        Name in the files.
    positive_groups : tuple of str
        The groups that a positive test should find; the others are negative.
    rule : {"<=", "<"}
        A case is positive if its HU are at or below the cutoff, or below it.
    positive : str
        The positive class in words.
    groups : tuple of str
        All groups of its reference; groups that are not positive are negative.

    Raises
    ------
    InputError
        If the rule is unknown, or a positive group is not one of the groups.
    """

    name: str
    positive_groups: tuple[str, ...]
    rule: str
    positive: str
    groups: tuple[str, ...] = GROUPS

    def __post_init__(self) -> None:
        if not set(self.positive_groups) <= set(self.groups):
            raise InputError(
                f"The positive groups of {self.name} are {', '.join(self.positive_groups)}: use groups among "
                f"{', '.join(self.groups)}."
            )
        if self.rule not in ("<=", "<"):
            raise InputError(f"Rule “{self.rule}” is not known: use <= or <.")

    def is_found(self, hu: np.ndarray, cutoff_hu: float) -> np.ndarray:
        """Return whether the test is positive for each value, shape of `hu`."""
        return hu <= cutoff_hu if self.rule == "<=" else hu < cutoff_hu


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "osteoporosis": Target("osteoporosis", ("osteoporosis",), "<=", "osteoporosis"),
        "low_bmd": Target("low_bmd", ("osteopenia", "osteoporosis"), "<", "osteopenia or osteoporosis"),
    }
)


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """The complete cases of a cohort, split by a target.

    Parameters
    ----------
    hu : numpy.ndarray, shape (n, columns)
        HU, one column per region.
    is_positive : numpy.ndarray of bool, shape (n,)
    target : Target
    left_out : int
        Number of cases without all values or without a group.
    """

    hu: np.ndarray
    is_positive: np.ndarray
    target: Target
    left_out: int

    @property
    def n_positive(self) -> int:
        """Return the number of positive cases."""
        return int(self.is_positive.sum())

    @property
    def n_negative(self) -> int:
        """Return the number of negative cases."""
        return int(self.is_positive.size) - self.n_positive


def split(columns: Mapping[str, ArrayLike], groups: Labels, target: Target, least: int = 2) -> TwoClasses:
    """Return the complete cases of the columns, split by the target.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)
        HU by region.
    groups : sequence of str, shape (n,)
        One of the target's groups, or None, NaN or "" where unknown.
    target : Target
    least : int
        Number of cases needed in each class.

    Raises
    ------
    InputError
        If a class has too few cases, or a column is the same in every case.
    """
    codes = label_codes(groups, target.groups)
    complete, left_out = complete_rows({**columns, "group": np.where(codes >= 0, codes.astype(np.float64), np.nan)})
    positive_codes = [target.groups.index(group) for group in target.positive_groups]
    is_positive = np.isin(complete.pop("group"), positive_codes)
    for name, count in (("with", is_positive.sum()), ("without", (~is_positive).sum())):
        if count < least:
            raise InputError(
                f"{count} case{'s' if count != 1 else ''} {name} {target.positive} "
                f"{'has' if count == 1 else 'have'} all values, but at least {least} {'is' if least == 1 else 'are'} "
                "needed: add cases."
            )
    for name, column in complete.items():
        if np.ptp(column) == 0:
            raise InputError(f"Column “{name}” is {column[0]:g} in every case, so it cannot separate them: check it.")
    return TwoClasses(np.column_stack(list(complete.values())), is_positive, target, left_out)
