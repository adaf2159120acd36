"""Place proposed midlines in a reading, from segmented vertebrae or from clicks in the vertebral bodies."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.images.segmentation_file import Segment
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import (
    midline_origin,
    placed_levels,
    return_to_automatic,
    set_midline,
)
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.click_bodies import check_order, guesses_between_clicks
from LumbarHULib.placement.clicked_body import guess_from_click
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline
from LumbarHULib.placement.proposal import Proposal


def place_proposal(reading: Reading, proposal: Proposal, source_findings: Sequence[Finding] = ()) -> None:
    """Place a proposed midline, and return boundary and outline to automatic.

    Parameters
    ----------
    source_findings : sequence of Finding
        Findings on the source of the proposal as a whole.

    Raises
    ------
    InputError
        When the reading is signed off.
    """
    reading.require_open()
    landmarks = proposal.landmarks
    findings = (*source_findings, *proposal.findings)
    set_midline(reading, landmarks.level, landmarks.midline_ras_mm, landmarks.origin, findings)
    for role in ("boundary", "outline"):
        return_to_automatic(reading, landmarks.level, role)


def placed_by_hand(reading: Reading) -> tuple[str, ...]:
    """Return the levels whose midline a reader placed or corrected; a new proposal would discard that work."""
    return tuple(
        level for level in placed_levels(reading) if midline_origin(reading, level).kind != "proposal_accepted"
    )


def place_from_segments(
    reading: Reading,
    stack: AxialStack,
    segments: Mapping[str, Segment],
    source_findings: Sequence[Finding] = (),
    progress: Callable[[str], None] = lambda level: None,
) -> tuple[str, ...]:
    """Place a proposed midline in each segment, and return the reasons for the levels without one.

    Parameters
    ----------
    stack : AxialStack
        The reading's CT.
    segments : mapping of str to Segment
        Each level's segment.
    source_findings : sequence of Finding
        Findings of `levels_of_segments`.
    progress : callable, optional
        Called with each level before it is placed.
    """
    reading.require_open()
    refusals = []
    for level, segment in segments.items():
        progress(level)
        try:
            guess = guess_from_mask(level, segment.inside, segment.ras_from_ijk, stack, reading.protocol)
            place_proposal(reading, propose_midline(stack, guess, reading.protocol), source_findings)
        except InputError as problem:
            refusals.append(str(problem))
    return tuple(refusals)


def place_from_click(
    reading: Reading, stack: AxialStack, level: str, click_ras_mm: np.ndarray, above: Sequence[BodyGuess]
) -> BodyGuess:
    """Place a proposed midline in the vertebral body around a point, and return that body.

    Parameters
    ----------
    above : sequence of BodyGuess
        The bodies of the levels above that were clicked before; this body must be below them.

    Raises
    ------
    InputError
        When no body is visible there, or it belongs to another level; nothing is changed then.
    """
    guess = guess_from_click(stack, level, click_ras_mm, reading.protocol)
    check_order((*above, guess), reading.protocol.placement)
    place_proposal(reading, propose_midline(stack, guess, reading.protocol))
    return guess


def check_click(reading: Reading, stack: AxialStack, level: str, click_ras_mm: np.ndarray) -> None:
    """Raise InputError when a point, one of several that are placed together later, gives no midline by itself."""
    propose_midline(stack, guess_from_click(stack, level, click_ras_mm, reading.protocol), reading.protocol)


def place_between_clicks(
    reading: Reading, stack: AxialStack, clicks_ras_mm: Mapping[str, np.ndarray], wanted: Sequence[str]
) -> None:
    """Place proposed midlines around points and in the bodies between them, for the wanted levels.

    Raises
    ------
    InputError
        As `guesses_between_clicks` and `propose_midline`; nothing is changed then.
    """
    guesses = guesses_between_clicks(stack, clicks_ras_mm, reading.protocol)
    proposals = [propose_midline(stack, guess, reading.protocol) for guess in guesses if guess.level in wanted]
    for proposal in proposals:
        place_proposal(reading, proposal)
