"""Values of a measurement protocol: what each may be, and groups of them that are checked when they are made."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, ClassVar

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, sorted_levels


@dataclass(frozen=True)
class Declaration:
    """What a protocol value may be.

    Parameters
    ----------
    meaning : str
        One sentence.
    unit : str
        As protocol files write it; “1” for a number without unit, empty for words.
    low, high : float
        The valid range of a number.
    integer : bool
        Whether it is a whole number.
    options : tuple of str
        The words allowed for a value that is a word; `level_names` is true for one that is a list of levels.
    study : bool
        Whether it is a choice that a paper would state, which every protocol file must contain. All other values tune
        how LumbarHU finds structures and raises findings.
    default, note : number or None, str
        The value, with its reason, for a file that omits it; without a default the shipped protocol's value is used.
    file_name : str
        The name in files if it is not the group's prefix and the field's name.
    """

    meaning: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    integer: bool = False
    options: tuple[str, ...] = ()
    level_names: bool = False
    study: bool = False
    default: float | None = None
    note: str = ""
    file_name: str = ""

    def check(self, name: str, value: Any) -> None:
        """Raise InputError, with the value's name in files, unless `value` is valid."""
        if self.options:
            if value not in self.options:
                raise InputError(f"Protocol value {name} is “{value}”: use one of {', '.join(self.options)}.")
        elif self.level_names:
            _check_level_names(name, value)
        else:
            self._check_number(name, value)

    def _check_number(self, name: str, value: Any) -> None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or (self.integer and not isinstance(value, int)):
            kind = "a whole number" if self.integer else "a number"
            raise InputError(f"Protocol value {name} is “{value}”: use {kind}.")
        if not self.low <= value <= self.high:
            raise InputError(
                f"Protocol value {name} is {value:g} {self.unit.replace('1', '')}".rstrip()
                + f": use {self.low:g} to {self.high:g}."
            )


def _check_level_names(name: str, value: Any) -> None:
    if not isinstance(value, tuple) or not value or any(level not in MEAN_LEVELS for level in value):
        raise InputError(f"Protocol value {name} is “{value}”: use levels among {', '.join(MEAN_LEVELS)}.")
    if len(set(value)) != len(value) or value != sorted_levels(value):
        raise InputError(f"Protocol value {name} is “{value}”: name each level once, from cranial to caudal.")


def number(unit: str, low: float, high: float, meaning: str, **more: Any) -> Any:
    """Declare a value that protocol files contain; see `Declaration`."""
    return field(metadata={"declared": Declaration(meaning, unit, low, high, **more)})


def word(*options: str, meaning: str) -> Any:
    """Declare a choice of the study that is one of a few words."""
    return field(metadata={"declared": Declaration(meaning, options=options, study=True)})


def level_names(meaning: str) -> Any:
    """Declare a choice of the study that is a list of levels."""
    return field(metadata={"declared": Declaration(meaning, level_names=True, study=True)})


def tuned(value: float, unit: str, low: float, high: float, meaning: str, note: str) -> Any:
    """Declare a tuning value that is set here instead of in the protocol file; its note gives the reason."""
    declared = Declaration(meaning, unit, low, high, integer=isinstance(value, int), default=value, note=note)
    return field(metadata={"declared": declared})


class ValueGroup:
    """The values of one stage, checked when the group is made.

    `PREFIX` precedes the fields' names in files. Each tuple of `INCREASING` names fields whose values must increase.
    """

    PREFIX: ClassVar[str] = ""
    INCREASING: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        for attribute, name, declared in self.declarations():
            declared.check(name, getattr(self, attribute))
        names = {attribute: name for attribute, name, _ in self.declarations()}
        for low, high in (pair for row in self.INCREASING for pair in pairwise(row)):
            if not getattr(self, low) < getattr(self, high):
                raise InputError(
                    f"Protocol values {names[low]} = {getattr(self, low):g} and {names[high]} = "
                    f"{getattr(self, high):g} contradict each other: the first must be smaller than the second."
                )

    @classmethod
    def declarations(cls) -> Iterator[tuple[str, str, Declaration]]:
        """Yield the name of each field, its name in files and its declaration."""
        for item in fields(cls):  # type: ignore[arg-type]  # every group is a dataclass
            if "declared" in item.metadata:
                declared = item.metadata["declared"]
                yield item.name, declared.file_name or cls.PREFIX + item.name, declared
