"""Read the options of one CT from the text of an option or a table cell: levels, exclusions, names."""

import re

from LumbarHULib.audit.ct_date import parse_date
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import parse_level, parse_levels

_MOST_DIGITS = 6

# Separator of entries in “L2=fracture, old; L3=metal”; the text of an entry may itself contain commas.
_NEXT_LEVEL = re.compile(r"[,;](?=\s*[a-z]+\d+\s*=)", re.IGNORECASE)


def levels_named(option: str, text: str) -> tuple[str, ...]:
    """Return the levels in `text`, separated by commas, semicolons or blanks, or as a range such as L1-L4.

    Raises
    ------
    InputError
        When `text` names no level, an unknown level, or a level twice; the message names `option`.
    """
    levels = tuple(level for part in re.split(r"[,;\s]", text) if part for level in parse_levels(part))
    if not levels:
        raise InputError(f"{option} names no level: give levels such as L1,L2,L3,L4.")
    for level in levels:
        if levels.count(level) > 1:
            raise InputError(f"{option} names {level} twice: name each level once.", level)
    return levels


def exclusions_named(option: str, texts: list[str]) -> dict[str, str]:
    """Return the reasons by level from exclusions such as “L2=fracture, old; L3=metal”.

    Raises
    ------
    InputError
        When a reason is missing or cannot be printed, or a level is unknown or named twice.
    """
    exclusions: dict[str, str] = {}
    for text in (part for given in texts for part in _NEXT_LEVEL.split(given)):
        name, _, reason = (part.strip() for part in text.partition("="))
        if not reason:
            raise InputError(f"{option} {text} gives no reason: write for example {option} L2=fracture.")
        level = parse_level(name)
        if not reason.isprintable():
            raise InputError(
                f"The reason to exclude {level} is {reason!r}: write it in printable characters on one line.", level
            )
        if level in exclusions:
            raise InputError(f"{option} names {level} twice: give one reason.", level)
        exclusions[level] = reason
    return exclusions


def reading_number(option: str, text: str) -> int:
    """Return the reading number in `text`.

    Raises
    ------
    InputError
        When it is not a whole number from 1.
    """
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < 1:
        raise InputError(f"{option} {text} is not a reading number: give a whole number from 1.")
    return int(text)


def printable_name(option: str, text: str) -> str:
    """Return the name in `text`, without surrounding blanks.

    Raises
    ------
    InputError
        When it is empty or cannot be printed on one line.
    """
    if not text.strip():
        raise InputError(f"{option} is empty: give a name, or omit {option}.")
    if not text.isprintable():
        raise InputError(f"{option} is {text!r}: give a name in printable characters on one line.")
    return text.strip()


def ct_date(option: str, text: str) -> str:
    """Return the date of a CT in `text` as year-month-day.

    Raises
    ------
    InputError
        When it is not a date, earlier than any CT, or in the future.
    """
    return str(parse_date(text, f"the CT ({option})"))


def segments_named(option: str, texts: list[str]) -> dict[str, str]:
    """Return the segment's name or label value by level, from texts such as “L1=NAME; L2=3”.

    Raises
    ------
    InputError
        When a text names no segment or no level, or a level twice.
    """
    segments: dict[str, str] = {}
    for text in (part for given in texts for part in _NEXT_LEVEL.split(given)):
        name, _, segment = (part.strip() for part in text.partition("="))
        if not segment:
            raise InputError(f"{option} {text} names no segment: write for example {option} L1=NAME or {option} L1=3.")
        level = parse_level(name)
        if level in segments:
            raise InputError(f"{option} names {level} twice: give one segment.", level)
        segments[level] = segment
    return segments
