"""The rows of the levels section: a level's widgets, and what they say of it."""

from dataclasses import dataclass

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.mrml.reading_markups import AUTOMATIC_ROLES, is_edited, midline_origin
from LumbarHULib.mrml.roi_segmentations import rois_edited_by_hand

_CHOOSE_WIDTH_PX = 42


@dataclass(frozen=True, eq=False)
class LevelRow:
    """The widgets of one level, in their order: wanted or not, go there, state, place, return to automatic, remove."""

    wanted: object
    choose: object
    state: object
    place: object
    automatic: object
    remove: object

    @property
    def widgets(self) -> tuple:
        """All of them, from left to right."""
        return (self.wanted, self.choose, self.state, self.place, self.automatic, self.remove)


def make_rows(frame) -> dict[str, LevelRow]:
    """Return a row for each level, laid out in `frame`."""
    grid = qt.QGridLayout(frame)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(2)
    grid.setHorizontalSpacing(4)
    grid.setColumnStretch(2, 1)
    return {level: _make_row(grid, number, level) for number, level in enumerate(LEVELS)}


def _make_row(grid, number: int, level: str) -> LevelRow:
    wanted, choose, place = qt.QCheckBox(), qt.QToolButton(), qt.QPushButton()
    state, automatic, remove = qt.QLabel(), qt.QToolButton(), qt.QToolButton()
    wanted.toolTip = _("Measure {level}. Without the tick it counts as not measured, and is not asked for.").format(
        level=level
    )
    choose.text, choose.checkable = level, True
    bold = choose.font
    bold.setBold(True)
    choose.font = bold
    choose.setMinimumWidth(_CHOOSE_WIDTH_PX)
    choose.connect("toggled(bool)", lambda checked: _highlight(choose, checked))
    choose.toolTip = _("Go to {level}.").format(level=level)
    place.toolTip = _("Place the midline of {level}, or place it anew, with two axial clicks.").format(level=level)
    automatic.text = "↺"
    automatic.toolTip = _("Return to automatic what was edited by hand at {level}.").format(level=level)
    automatic.setPopupMode(qt.QToolButton.InstantPopup)
    automatic.setMenu(qt.QMenu(automatic))
    remove.text = "✕"
    remove.toolTip = _("Remove the markups of {level}.").format(level=level)
    state.wordWrap = True
    state.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
    row = LevelRow(wanted, choose, state, place, automatic, remove)
    names = ("Wanted", "Choose", "State", "Place", "Automatic", "Remove")
    for column, (name, widget) in enumerate(zip(names, row.widgets, strict=True)):
        widget.objectName = f"hu{level}{name}"
        grid.addWidget(widget, number, column)
    return row


def _highlight(button, checked: bool) -> None:
    """Let a button stand out.

    By its palette: one with a style sheet keeps all its colors when Slicer turns dark, this one its highlight, and only
    until another level is chosen.
    """
    palette = qt.QPalette()
    if checked:
        usual = slicer.app.palette()
        palette.setColor(qt.QPalette.Button, usual.color(qt.QPalette.Highlight))
        palette.setColor(qt.QPalette.ButtonText, usual.color(qt.QPalette.HighlightedText))
    button.palette = palette


def edited_parts(session, level: str) -> tuple[str, ...]:
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


def state_of(session, level: str, placed, parts, placing) -> tuple[str, str]:
    """Return what a row says of its level, and the whole of it for its tooltip."""
    if placing.bodies.level == level:
        return _("click into the body"), _("Near its middle, best in the sagittal view. Esc ends.")
    if placing.level == level:
        told = _("click front, then back edge")
        return told, _("In the axial view. A click in another view scrolls the axial view there; Esc breaks off.")
    if not session.is_open:
        return "", ""
    if level in session.reading.skipped_levels:
        return _("not asked for"), _("The level counts as not measured.")
    excluded = session.reading.exclusions.get(level, "")
    if excluded:
        return _("excluded: {reason}").format(reason=excluded), excluded
    if level not in placed:
        return _("not placed"), ""
    refusal = session.refusal_of(level)
    if refusal:
        return _("no number"), refusal
    if not parts:
        origin = midline_origin(session.reading, level)
        if origin.kind == "proposal_corrected":
            told = _("corrected by {mm} mm, {deg}°")
            told = told.format(mm=f"{origin.corrected_mm:.1f}", deg=f"{origin.corrected_deg:.1f}")
            return told, _("How far the proposed midline was moved and turned.")
        told = _("proposed") if origin.kind == "proposal_accepted" else _("placed")
        return told, _("Boundary, outline and regions follow the midline.")
    told = _("edited: {parts}").format(parts=", ".join(map(part_title, parts)))
    return told, told
