"""How a markup came to be where it is, as the description of its first point tells it: in files and in the scene.

Whoever moves a point in another program does not change this text; so it names the place as well, and a markup that
stands elsewhere than its text says was moved by a hand.
"""

import hashlib
import re

import numpy as np

from LumbarHULib.core.landmarks import MANUAL, POSITION_DECIMALS, MidlineOrigin, origin_of_proposal

_MIDLINE_TEXT = re.compile(
    r"origin: (?P<kind>\w+)(?: \((?P<corrected_mm>[-+.\de]+) mm, (?P<corrected_deg>[-+.\de]+) deg\))?"
    r"(?:, proposed at RAS (?P<proposed>[-+.\de ]+))?"
)
_AUTOMATIC_TEXT = re.compile(r"origin: automatic, points (?P<points>[\da-f]{16}), midline (?P<midline>[\da-f]{16})")


def midline_text(origin: MidlineOrigin, points_ras_mm) -> str:
    """Return what tells how a midline at these points, shape (2, 3), was placed; empty where a reader placed it."""
    if origin == MANUAL:
        return ""
    if origin.kind != "proposal_corrected":
        place = " ".join(map(repr, np.asarray(points_ras_mm, dtype=float).ravel().tolist()))
        return f"origin: {origin.kind}, proposed at RAS {place}"
    return f"origin: {origin.kind} ({float(origin.corrected_mm)!r} mm, {float(origin.corrected_deg)!r} deg)"


def midline_origin_of(text: str, points_ras_mm: np.ndarray) -> MidlineOrigin:
    """Return how a midline that now stands at these points was placed, by its text."""
    match = _MIDLINE_TEXT.fullmatch(text)
    if match is None:
        return MANUAL
    try:
        if match["kind"] == "proposal_accepted" and match["proposed"]:
            proposed_ras_mm = np.array([float(number) for number in match["proposed"].split()]).reshape(-1, 3)
            return origin_of_proposal(proposed_ras_mm, points_ras_mm)
        return MidlineOrigin(match["kind"], float(match["corrected_mm"] or 0), float(match["corrected_deg"] or 0))
    except ValueError:  # a description that somebody wrote by hand
        return MANUAL


def automatic_text(points_ras_mm, midline_ras_mm) -> str:
    """Return what tells that LumbarHU made a boundary or an outline at these points, for this midline."""
    return f"origin: automatic, points {_sign(points_ras_mm)}, midline {_sign(midline_ras_mm)}"


def is_automatic(text: str, points_ras_mm) -> bool:
    """Tell whether a boundary or an outline stands where LumbarHU made it, by its text."""
    match = _AUTOMATIC_TEXT.fullmatch(text)
    return match is not None and match["points"] == _sign(points_ras_mm)


def is_made_for(text: str, midline_ras_mm) -> bool:
    """Tell whether the midline still stands where it stood when LumbarHU made a boundary or an outline for it."""
    match = _AUTOMATIC_TEXT.fullmatch(text)
    return match is not None and match["midline"] == _sign(midline_ras_mm)


def _sign(points_ras_mm) -> str:
    # Points are kept to this precision: what a program loses in writing and reading them is far less.
    steps = np.rint(np.asarray(points_ras_mm, dtype=float) * 10.0**POSITION_DECIMALS).astype("<i8")
    return hashlib.sha256(steps.tobytes()).hexdigest()[:16]
