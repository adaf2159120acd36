"""Read and write a markup's origin, which the description of its first point states in files and in the scene.

Moving a point in another program does not change this text. The text therefore states the position as well: a markup at
another position was moved by hand.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.findings import ABOUT_WHICH_BODY_CODES, PLACEMENT_CODES, Finding
from LumbarHULib.core.landmarks import MANUAL, POSITION_DECIMALS, MidlineOrigin, origin_now

_MIDLINE_TEXT = re.compile(
    r"origin: (?P<kind>\w+)(?: \((?P<corrected_mm>[-+.\de]+) mm, (?P<corrected_deg>[-+.\de]+) deg\))?"
    r"(?:, ends (?P<ends>\w+ \w+))?(?:, (?:proposed|placed) at RAS (?P<placed>[-+.\de ]+))?"
    r"(?:, findings (?P<findings>\[.*\]))?"
)
_AUTOMATIC_TEXT = re.compile(r"origin: automatic, points (?P<points>[\da-f]{16}), midline (?P<midline>[\da-f]{16})")


def midline_text(origin: MidlineOrigin, points_ras_mm: ArrayLike, findings: Sequence[Finding] = ()) -> str:
    """Return text that states how a midline was placed; empty if a reader placed it in an unknown way.

    Parameters
    ----------
    origin : MidlineOrigin
    points_ras_mm : array_like, shape (2, 3)
        The midline's position.
    findings : sequence of Finding
        Findings on the proposal.
    """
    if origin == MANUAL:
        return ""
    sentence = f"origin: {origin.kind}"
    if origin.kind == "proposal_corrected":
        sentence += f" ({float(origin.corrected_mm)!r} mm, {float(origin.corrected_deg)!r} deg)"
    if origin.ends:
        sentence += f", ends {' '.join(origin.ends)}"
    if origin.ends or origin.kind != "proposal_corrected":
        place = " ".join(map(repr, np.asarray(points_ras_mm, dtype=float).ravel().tolist()))
        sentence += f", {'proposed' if origin.kind == 'proposal_accepted' else 'placed'} at RAS {place}"
    plain = [asdict(finding) for finding in findings]
    return f"{sentence}, findings {json.dumps(plain, ensure_ascii=False)}" if plain else sentence


def midline_origin_of(text: str, points_ras_mm: np.ndarray) -> MidlineOrigin:
    """Return the origin of a midline that is now at these points, by its text."""
    match = _MIDLINE_TEXT.fullmatch(text)
    if match is None:
        return MANUAL
    corrected = float(match["corrected_mm"] or 0), float(match["corrected_deg"] or 0)
    try:
        origin = MidlineOrigin(match["kind"], *corrected, tuple((match["ends"] or "").split()))
        if not match["placed"]:
            return origin
        placed_ras_mm = np.array([float(number) for number in match["placed"].split()]).reshape(-1, 3)
        return origin_now(origin, placed_ras_mm, points_ras_mm)
    except ValueError:  # a description that somebody wrote by hand
        return MANUAL


def midline_findings_of(text: str, level: str, origin: MidlineOrigin) -> tuple[Finding, ...]:
    """Return the findings in a proposal's text that still hold for a midline with this origin."""
    match = _MIDLINE_TEXT.fullmatch(text)
    if match is None or not match["findings"]:
        return ()
    try:
        findings = tuple(Finding(**item) for item in json.loads(match["findings"]))
        known = all(finding.code in PLACEMENT_CODES and finding.level in ("", level) for finding in findings)
        printable = all(value.isprintable() for finding in findings for value in asdict(finding).values())
    except (ValueError, TypeError, AttributeError, RecursionError):  # a description that somebody wrote by hand
        return ()
    return still_doubtful(findings, origin) if known and printable else ()


def still_doubtful(findings: tuple[Finding, ...], origin: MidlineOrigin) -> tuple[Finding, ...]:
    """Return the findings that still hold; a moved proposal keeps only those that doubt its vertebral body."""
    if origin.kind != "proposal_corrected":
        return findings
    return tuple(finding for finding in findings if finding.code in ABOUT_WHICH_BODY_CODES)


def automatic_text(points_ras_mm: ArrayLike, midline_ras_mm: ArrayLike) -> str:
    """Return text that states that LumbarHU made a boundary or an outline at these points, for this midline."""
    return f"origin: automatic, points {_sign(points_ras_mm)}, midline {_sign(midline_ras_mm)}"


def is_automatic(text: str, points_ras_mm: ArrayLike) -> bool:
    """Return whether a boundary or an outline is still where LumbarHU made it, by its text."""
    match = _AUTOMATIC_TEXT.fullmatch(text)
    return match is not None and match["points"] == _sign(points_ras_mm)


def is_made_for(text: str, midline_ras_mm: ArrayLike) -> bool:
    """Return whether the midline has not moved since LumbarHU made a boundary or an outline for it."""
    match = _AUTOMATIC_TEXT.fullmatch(text)
    return match is not None and match["midline"] == _sign(midline_ras_mm)


def _sign(points_ras_mm: ArrayLike) -> str:
    # Positions are rounded to this precision: the error of writing and reading them is far smaller.
    steps = np.rint(np.asarray(points_ras_mm, dtype=float) * 10.0**POSITION_DECIMALS).astype("<i8")
    return hashlib.sha256(steps.tobytes()).hexdigest()[:16]
