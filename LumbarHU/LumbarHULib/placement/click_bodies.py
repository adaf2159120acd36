"""From one point in each vertebral body to where the bodies are, by the CT alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, sorted_levels
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.placement.body_box import BodyAxes
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.cross_section import cross_section
from LumbarHULib.placement.symmetry import mirror_plane

_ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])

# Each round looks at endplates, walls and symmetry from where the round before has found them.
_ROUNDS = 2


def guess_from_click(stack: AxialStack, level: str, click_ras_mm: np.ndarray, protocol: Protocol) -> BodyGuess:
    """Return where the vertebral body around a point is.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    click_ras_mm : array_like, shape (3,)
        Anywhere within some 6 mm of the body's middle.
    protocol : Protocol

    Raises
    ------
    InputError
        When the point lies outside the CT, no body is seen around it, or the scan ends within that body.
    """
    click = np.asarray(click_ras_mm, dtype=float)
    _check_inside(stack, level, click)
    middle, up, anterior, depth_mm = click, None, _ANTERIOR_RAS, protocol.placement_depth_usual_mm
    for number in range(_ROUNDS):
        endplates = find_endplates(stack, level, middle, anterior, depth_mm, protocol, up)
        axes = BodyAxes(endplates.middle_ras_mm, endplates.up_ras, anterior).turned(endplates.up_ras, anterior)
        section = cross_section(stack, axes, endplates.height_mm, protocol)
        axes, depth_mm = axes.moved((*section.center_mm, 0.0)), section.depth_mm
        size_mm = endplates.height_mm, depth_mm, section.width_mm
        guess = BodyGuess(level, axes.center_ras_mm, axes.up_ras, axes.anterior_ras, *size_mm)
        mirror = mirror_plane(stack, axes, guess, near=number > 0)
        axes = axes.mirrored_about(mirror.offset_mm, mirror.angle_deg)
        middle, up, anterior = axes.center_ras_mm, axes.up_ras, axes.anterior_ras
    if section.seen < protocol.placement_click_seen_min:
        raise InputError(
            f"Around {level} the walls of a body are seen on {100 * section.seen:.0f} % of the way, at least "
            f"{100 * protocol.placement_click_seen_min:.0f} % are needed",
            level,
            "its point may lie in a disc, place it in the middle of the body",
        )
    endplates = find_endplates(stack, level, middle, anterior, depth_mm, protocol, up)
    axes = replace(axes, center_ras_mm=endplates.middle_ras_mm).turned(endplates.up_ras, anterior)
    findings = (
        *_off_center(level, float(np.linalg.norm(endplates.middle_ras_mm - click)), protocol),
        *_faint("endplates_faint", level, "endplates", endplates.support, "", protocol),
        *_faint("walls_faint", level, "walls", section.seen, ", and that it stands in a body, not in a disc", protocol),
    )
    size_mm = endplates.height_mm, depth_mm, section.width_mm
    return BodyGuess(level, axes.center_ras_mm, axes.up_ras, axes.anterior_ras, *size_mm, findings)


def guesses_from_clicks(
    stack: AxialStack,
    clicks_ras_mm: Mapping[str, np.ndarray],
    protocol: Protocol,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> tuple[BodyGuess, ...]:
    """Return where the bodies around points are, from cranial to caudal.

    Raises
    ------
    InputError
        When a body is not found, two points lie in one body, or the points are out of order.
    """
    levels = sorted_levels(clicks_ras_mm)
    guesses = []
    for number, level in enumerate(levels):
        progress(number / len(levels), f"Placing {level}")
        guesses.append(guess_from_click(stack, level, clicks_ras_mm[level], protocol))
    check_order(guesses, protocol)
    return tuple(guesses)


def guesses_between_clicks(
    stack: AxialStack,
    clicks_ras_mm: Mapping[str, np.ndarray],
    protocol: Protocol,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> tuple[BodyGuess, ...]:
    """Return where the bodies around points are, and those of the levels between them, from cranial to caudal.

    Each body between is looked for one step below the one above it, and the last step must lead into the body that the
    next point lies in. A level that was filled in carries a finding: somebody must confirm it.

    Raises
    ------
    InputError
        As of `guesses_from_clicks`, and when the steps do not lead to the next point's body.
    """
    clicked = guesses_from_clicks(stack, clicks_ras_mm, protocol, progress)
    guesses = list(clicked[:1])
    try:
        for upper, lower in pairwise(clicked):
            guesses += [*_between(stack, upper, lower, protocol, progress), lower]
        check_order(guesses, protocol)
    except InputError as problem:
        raise InputError(
            f"The levels between the clicks could not be filled in ({problem.cause}): click each level."
        ) from None
    return tuple(guesses)


def _between(stack: AxialStack, upper: BodyGuess, lower: BodyGuess, protocol: Protocol, progress) -> list[BodyGuess]:
    """Return the bodies of the levels between two, each looked for one step below the one above it."""
    between = LEVELS[LEVELS.index(upper.level) + 1 : LEVELS.index(lower.level)]
    guesses, above = [], upper
    for number, level in enumerate(between):
        progress(number / len(between), f"Placing {level}")
        found = guess_from_click(stack, level, _one_below(above, lower, len(between) + 1 - number), protocol)
        filled_in = Finding(
            "level_filled_in",
            f"{level} was not clicked: it was found between {upper.level} and {lower.level}.",
            "Check on the images that no level was skipped or counted twice.",
            "warning",
            level,
        )
        told = tuple(finding for finding in found.findings if finding.code != "click_off_center")
        above = replace(found, findings=(filled_in, *told))
        guesses.append(above)
    return guesses


def check_order(guesses: Sequence[BodyGuess], protocol: Protocol) -> None:
    """Raise InputError unless bodies, given from cranial to caudal, lie one below the other, each in its own place."""
    for upper, lower in pairwise(guesses):
        apart_mm = float((upper.center_ras_mm - lower.center_ras_mm) @ (upper.up_ras + lower.up_ras) / 2)
        half_heights_mm = (upper.height_mm + lower.height_mm) / 2
        if abs(apart_mm) < half_heights_mm / 2:
            raise InputError(
                f"{upper.level} and {lower.level} lie in the same vertebral body",
                lower.level,
                "place each in a body of its own",
            )
        if abs(apart_mm) - half_heights_mm < protocol.placement_disc_min_mm:
            raise InputError(
                f"{upper.level} and {lower.level} have no disc of {protocol.placement_disc_min_mm:g} mm between them",
                lower.level,
                "one of them lies in a disc, place each in a body of its own",
            )
        if apart_mm < 0:
            raise InputError(
                f"{upper.level} lies {-apart_mm:.0f} mm below {lower.level}",
                upper.level,
                "name the points from top to bottom",
            )


def _one_below(above: BodyGuess, last: BodyGuess, steps: int) -> np.ndarray:
    """Return a point about where the next body is, when `last` is so many steps below: the spine is curved."""
    way = last.center_ras_mm - above.center_ras_mm
    direction = way / np.linalg.norm(way) - above.up_ras
    return above.center_ras_mm + np.linalg.norm(way) / steps * direction / np.linalg.norm(direction)


def _check_inside(stack: AxialStack, level: str, click: np.ndarray) -> None:
    ijk = stack.to_ijk(click)
    if not np.all((ijk > -0.5) & (ijk < np.array(stack.voxels_hu.shape[::-1]) - 0.5)):
        raise InputError(
            f"The point of {level} lies outside the CT",
            level,
            "place it in the middle of the body, or check that it belongs to this CT",
        )


def _off_center(level: str, off_mm: float, protocol: Protocol) -> tuple[Finding, ...]:
    if off_mm <= protocol.placement_click_off_mm:
        return ()
    return (
        Finding(
            "click_off_center",
            f"The body found for {level} has its middle {off_mm:.0f} mm from the point, more than "
            f"{protocol.placement_click_off_mm:g} mm.",
            "Check that it is the body that was meant.",
            "warning",
            level,
        ),
    )


def _faint(code: str, level: str, what: str, seen: float, also: str, protocol: Protocol) -> tuple[Finding, ...]:
    if seen >= protocol.placement_seen_min:
        return ()
    return (
        Finding(
            code,
            f"The {what} of {level} are seen on {100 * seen:.0f} % of their extent, less than "
            f"{100 * protocol.placement_seen_min:.0f} %.",
            f"Check the proposed midline on the images{also}.",
            "warning",
            level,
        ),
    )
