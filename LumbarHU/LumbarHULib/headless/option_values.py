"""Read numbers and levels from options, and refuse invalid ones with a sentence."""

import math

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import parse_levels
from LumbarHULib.core.scan_facts import LEAST_KV, MOST_KV

_MOST_DIGITS = 9


def whole_number(option: str, text: str, least: int, most: int) -> int:
    """Return the whole number in an option.

    Raises
    ------
    InputError
        If it is not a whole number, or outside these limits.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not is_number or not least <= int(text) <= most:
        raise InputError(f"{option} {text} cannot be used: give a whole number from {least} to {most}.")
    return int(text)


def share(option: str, text: str) -> float:
    """Return the share between 0 and 1 in an option.

    Raises
    ------
    InputError
        If it is not a number between 0 and 1.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise InputError(f"{option} {text} is not a share: give a number between 0 and 1, such as 0.2.")
    return value


def number(option: str, text: str, least: float, most: float) -> float:
    """Return the number in an option.

    Raises
    ------
    InputError
        If it is not a number, or outside these limits.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise InputError(f"{option} {text} cannot be used: give a number from {least:g} to {most:g}.")
    return value


def tube_voltage_kv(option: str, text: str | None) -> float | None:
    """Return the tube voltage in an option, if it is given.

    Raises
    ------
    InputError
        If it is not a number, or not a tube voltage.
    """
    return None if text is None else number(option, text, LEAST_KV, MOST_KV)


def levels(option: str, text: str) -> tuple[str, ...]:
    """Return the levels in an option, as `parse_levels` reads them.

    Raises
    ------
    InputError
        If one is unknown or named twice.
    """
    try:
        return parse_levels(text)
    except InputError as problem:
        raise InputError(f"{option} {text} cannot be used. {problem}") from problem
