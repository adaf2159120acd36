"""Name a method: a region, the levels of its mean, and the protocol that measured it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, parse_levels

FORM = "[PROTOCOL:]REGION[@LEVELS]"
# All pairs are compared: ten methods are 45 pairs.
MOST_METHODS = 10
_REGION = re.compile("[a-z][a-z0-9_]{0,39}")
_PROTOCOL = re.compile(r"[^\s:@=;,][^:@=;,]{0,59}")


@dataclass(frozen=True)
class Method:
    """A way to get one number of HU for each case.

    Parameters
    ----------
    region : str
        Region as in the tables, such as ``round``.
    levels : tuple of str
        Levels of the mean, from cranial to caudal.
    protocol : str
        Name of the table of results that has the region; empty for the cohort's table.
    """

    region: str
    levels: tuple[str, ...] = MEAN_LEVELS
    protocol: str = ""

    @property
    def name(self) -> str:
        """Return the method as users write it, with its levels."""
        protocol = f"{self.protocol}:" if self.protocol else ""
        return f"{protocol}{self.region}@{levels_text(self.levels)}"


def levels_text(levels: Sequence[str]) -> str:
    """Return levels as `parse_levels` reads them: ``L1``, ``L1-L4`` or ``L1,L3``."""
    places = [LEVELS.index(level) for level in levels]
    if len(levels) > 1 and places[-1] - places[0] == len(levels) - 1:
        return f"{levels[0]}-{levels[-1]}"
    return ",".join(levels)


def parse_method(text: str) -> Method:
    """Return the method that a text names.

    Parameters
    ----------
    text : str
        ``[PROTOCOL:]REGION[@LEVELS]``, such as ``round``, ``round@L1`` or ``circle-200mm2-2025:circle_200mm2@L1-L4``.
        Without levels, the mean is over L1–L4.

    Raises
    ------
    InputError
        If the text has another form.
    """
    before, colon, rest = text.strip().rpartition(":")
    region, at, levels = rest.partition("@")
    protocol, region = before.strip(), region.strip().casefold()
    if not _REGION.fullmatch(region) or (colon and not _PROTOCOL.fullmatch(protocol)):
        raise InputError(f"“{text}” is not a method: write {FORM}, such as round, round@L1 or thin:oval@L1-L4.")
    try:
        return Method(region, parse_levels(levels) if at else MEAN_LEVELS, protocol)
    except InputError as problem:
        raise InputError(f"“{text}” is not a method. {problem}") from problem


def parse_methods(texts: Sequence[str]) -> tuple[Method, ...]:
    """Return the methods that texts name.

    Raises
    ------
    InputError
        If a text is not a method, a method occurs twice, or there are fewer than two or more than `MOST_METHODS`.
    """
    methods = tuple(parse_method(text) for text in texts)
    for place, method in enumerate(methods):
        if method in methods[:place]:
            raise InputError(f"The method {method.name} is named twice: name each method once.")
    if not 2 <= len(methods) <= MOST_METHODS:
        raise InputError(
            f"A comparison needs 2 to {MOST_METHODS} methods, but there {'is' if len(methods) == 1 else 'are'} "
            f"{len(methods)}: name them, such as round oval."
        )
    return methods


def short_names(methods: Sequence[Method]) -> dict[str, str]:
    """Return a short name of each method, by its name: without levels or protocol if these do not distinguish it."""
    by_levels = len({method.levels for method in methods}) > 1
    short = {}
    for method in methods:
        is_alone = sum(other.region == method.region for other in methods) == 1 or not method.protocol
        protocol = "" if is_alone else f"{method.protocol}:"
        short[method.name] = f"{protocol}{method.region}" + (f"@{levels_text(method.levels)}" if by_levels else "")
    return short if len(set(short.values())) == len(methods) else {method.name: method.name for method in methods}


def check_protocol_name(name: str) -> None:
    """Raise InputError for a protocol's name that a method cannot contain.

    Raises
    ------
    InputError
    """
    if not _PROTOCOL.fullmatch(name) or not name.isprintable():
        raise InputError(f"“{name}” cannot name results: give 1 to 60 characters without : @ = ; and commas.")
