"""The vertebral levels and the five regions of interest: names, order and label values."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from LumbarHULib.core.errors import InputError

# VerSe numbering (Sekuboyina et al., Medical Image Analysis 2021, doi 10.1016/j.media.2021.102166).
LABEL_VALUES: Mapping[str, int] = MappingProxyType({"T12": 19, "L1": 20, "L2": 21, "L3": 22, "L4": 23, "L5": 24})

# Cranial to caudal.
LEVELS: tuple[str, ...] = tuple(LABEL_VALUES)

# The levels whose mean is compared with the study's cutoffs; T12 and L5 are measured and shown only.
MEAN_LEVELS: tuple[str, ...] = ("L1", "L2", "L3", "L4")

# The order of the study's columns: the lateral regions run from the patient's right to left.
ROIS: tuple[str, ...] = ("round", "oval", "right", "front", "left")


def parse_level(text: str) -> str:
    """Return the level that `text` names, ignoring case and surrounding blanks.

    Raises
    ------
    InputError
        If `text` is not one of the six levels.
    """
    level = text.strip().upper()
    if level not in LABEL_VALUES:
        raise InputError(f"Unknown level “{text.strip()}”: use one of {', '.join(LEVELS)}.")
    return level


def parse_levels(text: str) -> tuple[str, ...]:
    """Return the levels that `text` names, separated by commas or as a range, from cranial to caudal.

    Raises
    ------
    InputError
        If one is unknown or named twice, or a range runs upward.
    """
    found: list[str] = []
    for part in text.split(","):
        ends = [parse_level(end) for end in re.split("[-–]", part)]
        first, last = LEVELS.index(ends[0]), LEVELS.index(ends[-1])
        if len(ends) > 2 or first > last:
            raise InputError(f"“{part.strip()}” is not a range of levels: give a range such as L1-L3.")
        found += LEVELS[first : last + 1]
    if len(set(found)) < len(found):
        raise InputError(f"“{text.strip()}” names a level twice: name each level once.")
    return sorted_levels(found)


def sorted_levels(levels: Iterable[str]) -> tuple[str, ...]:
    """Return `levels` from cranial to caudal."""
    return tuple(sorted(levels, key=LEVELS.index))
