"""What the panel says of a level: its state in words and as one sign."""

from dataclasses import dataclass

from slicer.i18n import tr as _

from LumbarHULib.audit.report.words import findings_of_level
from LumbarHULib.core.findings import SEVERITIES, Finding
from LumbarHULib.core.levels import ROIS
from LumbarHULib.mrml.reading_markups import (
    AUTOMATIC_ROLES,
    is_edited,
    midline_origin,
    placed_levels,
)
from LumbarHULib.mrml.roi_segmentations import rois_edited_by_hand
from LumbarHULib.panel.finding_titles import finding_title
from LumbarHULib.panel.services import Places
from LumbarHULib.panel.session import Session

# Of a level that is measured and reviewed.
SIGN_OF_SEVERITY = {"note": "✓", "warning": "▲", "severe": "✖"}


@dataclass(frozen=True)
class LevelState:
    """A level's state.

    Parameters
    ----------
    sign : str
        ○ not placed, … being placed, ? not reviewed, ✓ measured, ▲ measured with a warning, ✖ no number or a
        severe finding, – not wanted or excluded.
    text : str
        The same in a few words.
    detail : str
        Why, or what to do.
    """

    sign: str
    text: str
    detail: str = ""


def state_of(session: Session, level: str, placing: Places) -> LevelState:
    """Return the state of a level."""
    if placing.armed_level == level:
        if placing.bodies.level == level:
            return LevelState("…", _("click into the body"), _("Near its middle, best in the sagittal view. Esc ends."))
        text = _("In the axial view. A click in another view moves the axial view there; Esc ends.")
        return LevelState("…", _("click front, then back edge"), text)
    if not session.is_open:
        return LevelState("○", "")
    if level in session.reading.skipped_levels:
        return LevelState("–", _("not wanted"), _("The level counts as not measured."))
    excluded = session.reading.exclusions.get(level, "")
    if excluded:
        return LevelState("–", _("excluded: {reason}").format(reason=excluded), excluded)
    if level not in placed_levels(session.reading):
        return LevelState("○", _("not placed"))
    refusal = session.refusal_of(level)
    if refusal:
        return LevelState("✖", _("no number"), refusal)
    return _measured_state(session, level)


def _measured_state(session: Session, level: str) -> LevelState:
    parts = edited_parts(session, level)
    origin = midline_origin(session.reading, level)
    if level in session.unreviewed:
        text = _("Check slice, midline and outline; then accept the level or correct it.")
        words = _("proposed") if origin.kind == "proposal_accepted" else _("placed, not reviewed")
        return LevelState("?", words, text)
    sign = SIGN_OF_SEVERITY[worst_severity(session, level)]
    if parts:
        text = _("edited: {parts}").format(parts=", ".join(map(part_title, parts)))
        return LevelState(sign, text, text)
    if origin.kind == "proposal_corrected":
        text = _("corrected by {mm} mm, {deg}°")
        text = text.format(mm=f"{origin.corrected_mm:.1f}", deg=f"{origin.corrected_deg:.1f}")
        return LevelState(sign, text, _("How far the proposed midline was moved and turned."))
    text = _("accepted") if origin.kind == "proposal_accepted" else _("placed")
    detail = _("Boundary, outline and regions follow the midline.")
    result = session.level_result(level)
    is_reversed = result is not None and any(finding.code == "midline_reversed" for finding in result.findings)
    return LevelState(sign, text, " ".join([detail, *_ends_words(origin.ends[:: -1 if is_reversed else 1])]))


def _ends_words(ends: tuple[str, ...]) -> tuple[str, ...]:
    """Return a sentence on how the front and the back end of a midline were placed; none where that is unknown."""
    titles = {
        "snapped": _("snapped to the edge"),
        "free": _("free"),
        "clicked": _("clicked, no edge near"),
        "proposed": _("as proposed"),
        "moved": _("moved"),
    }
    words = [titles[end] for end in ends]
    return (_("Front end: {front}; back end: {back}.").format(front=words[0], back=words[1]),) if words else ()


def worst_severity(session: Session, level: str) -> str:
    """Return how grave the gravest finding on a level is; “note” where there is none."""
    findings = _findings(session, level)
    return findings[0].severity if findings else SEVERITIES[0]


def severe_titles(session: Session, level: str) -> tuple[str, ...]:
    """Return what the severe findings on a level are called, each once."""
    severe = [finding for finding in _findings(session, level) if finding.severity == "severe"]
    return tuple(dict.fromkeys(finding_title(finding.code) for finding in severe))


def _findings(session: Session, level: str) -> list[Finding]:
    """Return the findings on a level, the gravest first; none before anything is measured."""
    return [] if session.result is None else findings_of_level(session.result, level)


def edited_parts(session: Session, level: str) -> tuple[str, ...]:
    """Return what a reader changed by hand at a level: boundary, outline, regions."""
    reading, result = session.reading, session.level_result(level)
    parts = [role for role in AUTOMATIC_ROLES if is_edited(reading, level, role)]
    if result is not None:
        parts += [roi for roi in ROIS if result.rois[roi].edited]
    elif session.refusal_of(level) and reading.ct_node is not None:
        parts += rois_edited_by_hand(reading, level)  # may be why it is refused
    return tuple(parts)


def part_title(part: str) -> str:
    """Return what people call a part of a level that can be edited by hand."""
    titles = {"boundary": _("boundary"), "outline": _("outline")}
    return titles[part] if part in titles else _("region “{roi}”").format(roi=part)
