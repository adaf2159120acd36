"""Find the vertebral bodies around clicked points, from the CT alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, sorted_levels
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.clicked_body import guess_from_click


def guesses_from_clicks(
    stack: AxialStack,
    clicks_ras_mm: Mapping[str, np.ndarray],
    protocol: Protocol,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> tuple[BodyGuess, ...]:
    """Return the vertebral bodies around points, from cranial to caudal.

    Raises
    ------
    InputError
        When a body is not found, two points are in one body, or the points are out of order.
    """
    levels = sorted_levels(clicks_ras_mm)
    guesses = []
    for number, level in enumerate(levels):
        progress(number / len(levels), f"Placing {level}")
        guesses.append(guess_from_click(stack, level, clicks_ras_mm[level], protocol))
    check_order(guesses, protocol.placement)
    return tuple(guesses)


def guesses_between_clicks(
    stack: AxialStack,
    clicks_ras_mm: Mapping[str, np.ndarray],
    protocol: Protocol,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> tuple[BodyGuess, ...]:
    """Return the vertebral bodies around points and those of the levels between them, from cranial to caudal.

    Each body between two points is searched one step below the body above it, and the last step must lead to the body
    of the next point. A level that was filled in carries a finding, so that a reader confirms it.

    Raises
    ------
    InputError
        As for `guesses_from_clicks`, and when the steps do not lead to the next point's body.
    """
    clicked = guesses_from_clicks(stack, clicks_ras_mm, protocol, progress)
    guesses = list(clicked[:1])
    try:
        for upper, lower in pairwise(clicked):
            guesses += [*_between(stack, upper, lower, protocol, progress), lower]
        check_order(guesses, protocol.placement)
    except InputError as problem:
        raise InputError(
            f"The levels between the clicks could not be filled in ({problem.cause}): click each level."
        ) from None
    return tuple(guesses)


def _between(
    stack: AxialStack, upper: BodyGuess, lower: BodyGuess, protocol: Protocol, progress: Callable[[float, str], None]
) -> list[BodyGuess]:
    """Return the bodies of the levels between two, each searched one step below the body above it."""
    between = LEVELS[LEVELS.index(upper.level) + 1 : LEVELS.index(lower.level)]
    guesses, above = [], upper
    for number, level in enumerate(between):
        progress(number / len(between), f"Placing {level}")
        try:
            found = guess_from_click(stack, level, _one_below(above, lower, len(between) + 1 - number), protocol)
        except InputError:
            raise InputError(f"No vertebral body for {level} was found below {above.level}", level) from None
        filled_in = Finding(
            "level_filled_in",
            f"{level} was not clicked: it was found between {upper.level} and {lower.level}.",
            "Check in the images that no level was skipped or counted twice.",
            "warning",
            level,
        )
        others = tuple(finding for finding in found.findings if finding.code != "click_off_center")
        above = replace(found, findings=(filled_in, *others), origin="neighbors")
        guesses.append(above)
    return guesses


def check_order(guesses: Sequence[BodyGuess], values: PlacementValues) -> None:
    """Raise InputError unless bodies, given from cranial to caudal, are below each other and do not overlap."""
    for upper, lower in pairwise(guesses):
        apart_mm = float((upper.center_ras_mm - lower.center_ras_mm) @ (upper.up_ras + lower.up_ras) / 2)
        half_heights_mm = (upper.height_mm + lower.height_mm) / 2
        if abs(apart_mm) < half_heights_mm / 2:
            raise InputError(
                f"The points of {upper.level} and {lower.level} are in the same vertebral body",
                lower.level,
                "place each point in its own body",
            )
        if abs(apart_mm) - half_heights_mm < values.disc_min_mm:
            raise InputError(
                f"The bodies of {upper.level} and {lower.level} are closer than the minimum disc height of "
                f"{values.disc_min_mm:g} mm, so one point is in a disc",
                lower.level,
                "place each point in its own body",
            )
        if apart_mm < 0:
            raise InputError(
                f"{upper.level} is {-apart_mm:.0f} mm below {lower.level}",
                upper.level,
                "name the points from cranial to caudal",
            )


def _one_below(above: BodyGuess, last: BodyGuess, steps: int) -> np.ndarray:
    """Return the approximate center of the next body, with `last` being `steps` below, along the curved spine."""
    offset = last.center_ras_mm - above.center_ras_mm
    direction = offset / np.linalg.norm(offset) - above.up_ras
    return above.center_ras_mm + np.linalg.norm(offset) / steps * direction / np.linalg.norm(direction)
