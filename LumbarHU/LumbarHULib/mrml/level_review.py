"""Which levels a reader has seen with their outline: each must be seen before the reading is signed off."""

from dataclasses import asdict

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import parse_level
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.markup_origin import midline_text
from LumbarHULib.mrml.markup_points import describe, placed_points
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import (
    ORIGIN_PREFIX,
    markup_node,
    midline_origin,
    placed_levels,
    placement_findings,
    stored_origin,
)

# Under this and a level's name it keeps the midline that a reader has seen and accepted: another one is not accepted.
ACCEPTED_PREFIX = "accepted "

# Finding on a level that was counted instead of clicked.
_FILLED_IN = "level_filled_in"

# A reader or another program moves a midline by more than this; saving and reopening a scene by far less.
_MOVED_MM = 1e-3


def filled_in_levels(reading: Reading) -> tuple[str, ...]:
    """Return the levels that were counted instead of clicked and whose count no reader has confirmed."""
    return tuple(
        level
        for level in placed_levels(reading)
        if any(finding.code == _FILLED_IN for finding in placement_findings(reading, level))
    )


def unreviewed_levels(reading: Reading, result: ReadingResult | None = None) -> tuple[str, ...]:
    """Return the levels that count and whose midline no reader has seen and accepted as it is now, in order.

    It does not matter who placed the midline: the outline and the regions that follow from it are seen only afterwards.

    Parameters
    ----------
    result : ReadingResult, optional
        Levels that give no number in it do not count: there is nothing to accept.
    """
    refused = () if result is None else (refusal.level for refusal in result.refusals)
    do_not_count = {*reading.exclusions, *reading.skipped_levels, *refused}
    return tuple(
        level for level in placed_levels(reading) if level not in do_not_count and not _is_accepted(reading, level)
    )


def require_reviewed(reading: Reading, result: ReadingResult) -> None:
    """Raise InputError where a reading that is not signed off has levels that no reader has seen as they are now."""
    waiting = () if reading.is_signed_off else unreviewed_levels(reading, result)
    if waiting:
        raise InputError(
            f"{reading.title} has levels that are not reviewed ({', '.join(waiting)}): go to each, check its slice and "
            "outline, then accept or correct it."
        )


def accept_level(reading: Reading, level: str) -> None:
    """Record that a reader has seen a level and accepts it; raises InputError after signing off."""
    confirm_count(reading, level)
    note_seen(reading, level)


def note_seen(reading: Reading, level: str) -> None:
    """Record that a reader sees a level's midline as it is now; raises InputError after signing off."""
    reading.require_open()
    points_ras_mm = placed_points(markup_node(reading, level, "midline"))
    reading.keep(f"{ACCEPTED_PREFIX}{parse_level(level)}", points_ras_mm.tolist())


def confirm_count(reading: Reading, level: str) -> None:
    """Record that a reader confirms the name of a level that was counted; raises InputError after signing off."""
    reading.require_open()
    findings = tuple(finding for finding in placement_findings(reading, level) if finding.code != _FILLED_IN)
    node, kept = markup_node(reading, level, "midline"), stored_origin(reading, level)
    if kept is None:
        kept = asdict(midline_origin(reading, level)) | {"points_ras_mm": placed_points(node).tolist()}
    reading.keep(f"{ORIGIN_PREFIX}{parse_level(level)}", kept | {"findings": _plain(findings)})
    describe(node, midline_text(MidlineOrigin.of(kept), kept["points_ras_mm"], findings))


def _is_accepted(reading: Reading, level: str) -> bool:
    accepted, node = reading.value(f"{ACCEPTED_PREFIX}{level}"), markup_node(reading, level, "midline")
    if accepted is None or node is None:
        return False
    accepted_ras_mm, now_ras_mm = np.array(accepted), placed_points(node)
    return accepted_ras_mm.shape == now_ras_mm.shape and bool(np.abs(accepted_ras_mm - now_ras_mm).max() <= _MOVED_MM)


def _plain(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]
