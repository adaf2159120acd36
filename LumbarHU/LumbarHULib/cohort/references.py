"""Define the references that HU are compared with: DXA, quantitative CT, or an outcome such as a fracture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.rows import as_column
from LumbarHULib.cohort.targets import TARGETS, Target
from LumbarHULib.core.errors import InputError

DXA, QCT = "DXA", "QCT"
# Labels of a case by its outcome.
OUTCOME_LABELS = ("without", "with")

QCT_TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "qct_osteoporosis": Target("qct_osteoporosis", ("osteoporosis",), "<=", "osteoporosis by QCT"),
        "qct_low_bmd": Target("qct_low_bmd", ("osteopenia", "osteoporosis"), "<", "osteopenia or osteoporosis by QCT"),
    }
)


@dataclass(frozen=True)
class QctCriteria:
    """Volumetric densities that separate the classes of quantitative CT.

    The values come from a file (``Resources/Study/qct_classes.json``).

    Parameters
    ----------
    osteoporosis_below_mg_cc : float
    normal_above_mg_cc : float
        Limits of the classes; the limits themselves belong to the class between them.
    source : str

    Raises
    ------
    InputError
        If the first is not below the second.
    """

    osteoporosis_below_mg_cc: float
    normal_above_mg_cc: float
    source: str = ""

    def __post_init__(self) -> None:
        if not self.osteoporosis_below_mg_cc < self.normal_above_mg_cc:
            raise InputError(
                f"Osteoporosis below {self.osteoporosis_below_mg_cc:g} mg/cm³ and normal above "
                f"{self.normal_above_mg_cc:g} mg/cm³ leave no class between them: correct the limits."
            )

    def group(self, density_mg_cc: float) -> str:
        """Return the class of one volumetric density."""
        if density_mg_cc < self.osteoporosis_below_mg_cc:
            return "osteoporosis"
        return "normal" if density_mg_cc > self.normal_above_mg_cc else "osteopenia"


def groups_of_qct(densities_mg_cc: ArrayLike, criteria: QctCriteria) -> tuple[str, ...]:
    """Return the class of each volumetric density, "" where it is unknown."""
    column = as_column(densities_mg_cc, "qct_mg_cc")
    return tuple("" if np.isnan(density) else criteria.group(density) for density in column)


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference standard with its classes.

    Parameters
    ----------
    name : str
        `DXA`, `QCT`, or the outcome's name.
    labels : sequence of str, shape (n,)
        The class of each case, "" where unknown.
    targets : tuple of Target
        Conditions that low HU are expected to find, stated before any data are seen.
    column : str
        Source columns of the classes in the cohort's table.
    """

    name: str
    labels: Sequence[str]
    targets: tuple[Target, ...]
    column: str

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return the number of cases in each class."""
        return {group: sum(label == group for label in self.labels) for group in self.targets[0].groups}


def dxa_reference(groups: Sequence[str]) -> Reference:
    """Return DXA as a reference."""
    return Reference(DXA, groups, tuple(TARGETS.values()), "group or t_score")


def qct_reference(groups: Sequence[str]) -> Reference:
    """Return quantitative CT as a reference."""
    return Reference(QCT, groups, tuple(QCT_TARGETS.values()), "qct_mg_cc")


def outcome_reference(outcomes: np.ndarray, name: str) -> Reference:
    """Return an outcome as a reference.

    Parameters
    ----------
    outcomes : numpy.ndarray, shape (n,)
        0, 1, or NaN where unknown.
    name : str

    Raises
    ------
    InputError
        If the name is empty, not printable, or the name of another target.
    """
    check_outcome_name(name)
    labels = tuple("" if np.isnan(value) else OUTCOME_LABELS[int(value)] for value in outcomes)
    return Reference(name, labels, (Target(name, OUTCOME_LABELS[1:], "<=", name, OUTCOME_LABELS),), "outcome")


def check_outcome_name(name: str) -> None:
    """Raise InputError for an outcome's name that the tables cannot use.

    Raises
    ------
    InputError
    """
    taken = {*TARGETS, *QCT_TARGETS, *GROUPS, DXA.casefold(), QCT.casefold()}
    if not name.strip() or not name.isprintable() or len(name) > 40 or ";" in name:
        raise InputError(f"The outcome cannot be named “{name}”: give 1 to 40 letters, such as fracture.")
    if name.strip().casefold() in taken:
        raise InputError(f"The outcome cannot be named “{name}”, the name of another target: give it another name.")
