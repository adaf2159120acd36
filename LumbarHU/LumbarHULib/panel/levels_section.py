"""The panel's second section: the levels, each with its state and a button to place it."""

from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS
from LumbarHULib.mrml.reading import exclude_level, include_level
from LumbarHULib.mrml.reading_markups import is_edited, placed_levels, remove_markups, return_to_automatic
from LumbarHULib.panel.views import jump_to

_ROW_STYLE = (
    "QToolButton { font-weight: bold; min-width: 3em; padding: 3px; }"
    "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); }"
)


@dataclass(frozen=True, eq=False)
class _Row:
    """The widgets of one level."""

    choose: object
    state: object
    place: object
    remove: object

    @property
    def widgets(self) -> tuple:
        return (self.choose, self.state, self.place, self.remove)


class LevelsSection:
    """A row for each level, and what can be done with the current one.

    Parameters
    ----------
    ui : object
        The panel's named widgets.
    panel : LumbarHULib.panel.panel.Panel
    """

    def __init__(self, ui, panel):
        self._ui, self._panel, self._session = ui, panel, panel.session
        grid = qt.QGridLayout(ui.huLevelsFrame)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self._rows = {level: self._make_row(grid, number, level) for number, level in enumerate(LEVELS)}
        for reason in _reasons():
            ui.huReasonCombo.addItem(reason)
        ui.huReasonCombo.setCurrentIndex(-1)
        ui.huReasonCombo.lineEdit().placeholderText = _("reason")
        ui.huEditOutlineButton.connect("toggled(bool)", self._on_edit_outline)
        ui.huReturnOutlineButton.connect("clicked(bool)", lambda _checked=False: self._on_automatic("outline"))
        ui.huReturnBoundaryButton.connect("clicked(bool)", lambda _checked=False: self._on_automatic("boundary"))
        ui.huExcludeButton.connect("clicked(bool)", lambda _checked=False: self._on_exclude())
        ui.huUndoButton.connect("clicked(bool)", lambda _checked=False: self._on_history("undo"))
        ui.huRedoButton.connect("clicked(bool)", lambda _checked=False: self._on_history("redo"))

    def go_to(self, level: str) -> None:
        """Make a level the current one, and show it in the views where it has a place."""
        if not self._session.is_open:
            return
        self._session.select_level(level)
        result = self._session.level_result(level)
        if result is not None:
            jump_to(result.frame.midline_ras_mm.mean(axis=0))

    def on_key(self, level: str) -> None:
        """Go to a level that is placed; let the next clicks place one that is not."""
        if not self._session.is_open:
            return
        if level in placed_levels(self._session.reading) or not self._session.may_change:
            self._panel.placing.cancel()
            self.go_to(level)
        else:
            self._place(level)

    def row(self, level: str) -> _Row:
        """Return the widgets of a level's row."""
        return self._rows[level]

    def refresh(self, what: str) -> None:
        """Show the levels as they are."""
        if what != "all":
            return  # a drag changes numbers; what it leaves is shown when it ends
        session, ui = self._session, self._ui
        parameters = self._panel.parameters
        placed = placed_levels(session.reading) if session.is_open else ()
        may_change = session.may_change
        for level, row in self._rows.items():
            is_shown = level in MEAN_LEVELS or level in placed or bool(parameters and parameters.outerLevels)
            for widget in row.widgets:
                widget.visible = is_shown
            row.choose.checked = session.is_open and level == session.level
            row.choose.enabled = session.is_open
            row.state.text, row.state.toolTip = self._state_of(level, placed)
            is_armed = self._panel.placing.level == level
            row.place.text = _("Cancel") if is_armed else (_("Place anew") if level in placed else _("Place"))
            row.place.enabled = may_change
            row.remove.enabled = may_change and level in placed
        self._refresh_current(placed, may_change)
        ui.huUndoButton.enabled = may_change and session.history.can_undo
        ui.huRedoButton.enabled = may_change and session.history.can_redo

    def _refresh_current(self, placed, may_change: bool) -> None:
        ui, session = self._ui, self._session
        ui.huLevelFrame.enabled = may_change
        is_placed = may_change and session.level in placed
        edited = {
            role: is_placed and is_edited(session.reading, session.level, role) for role in ("boundary", "outline")
        }
        ui.huEditOutlineButton.blockSignals(True)
        ui.huEditOutlineButton.checked = session.edits_outline
        ui.huEditOutlineButton.blockSignals(False)
        ui.huEditOutlineButton.enabled = is_placed
        ui.huReturnOutlineButton.enabled = edited["outline"]
        ui.huReturnBoundaryButton.enabled = edited["boundary"]
        boundary = _("Boundary moved by hand") if edited["boundary"] else _("Boundary follows the midline")
        ui.huBoundaryState.text = boundary
        excluded = session.reading.exclusions.get(session.level, "") if session.is_open else ""
        ui.huExcludeButton.text = _("Include") if excluded else _("Exclude")
        ui.huReasonCombo.enabled = not excluded
        ui.huReasonLabel.text = _("Exclude {level}:").format(level=session.level)
        ui.huEditOutlineButton.text = _("Edit outline of {level}").format(level=session.level)

    def _state_of(self, level: str, placed) -> tuple[str, str]:
        """Return what a row says of its level, and the whole of it for its tooltip."""
        session = self._session
        if self._panel.placing.level == level:
            told = _("click front, then back edge")
            return told, _("In the axial view. A click in another view scrolls the axial view there; Esc breaks off.")
        if not session.is_open:
            return "", ""
        excluded = session.reading.exclusions.get(level, "")
        if excluded:
            return _("excluded: {reason}").format(reason=excluded), excluded
        if level not in placed:
            return _("not placed"), ""
        refusal = session.refusal_of(level)
        if refusal:
            return _("no number"), refusal
        edited = [role for role in ("boundary", "outline") if is_edited(session.reading, level, role)]
        told = _("edited: {parts}").format(parts=", ".join(edited)) if edited else _("placed")
        return told, told

    def _make_row(self, grid, number: int, level: str) -> _Row:
        choose, place, remove = qt.QToolButton(), qt.QPushButton(), qt.QToolButton()
        state = qt.QLabel()
        choose.text, choose.checkable, choose.styleSheet = level, True, _ROW_STYLE
        choose.toolTip = _("Go to {level}.").format(level=level)
        place.toolTip = _("Place the midline of {level} with two axial clicks.").format(level=level)
        remove.text, remove.toolTip = "✕", _("Remove the markups of {level}.").format(level=level)
        state.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        choose.connect("clicked(bool)", lambda _checked=False, level=level: self._on_choose(level))
        place.connect("clicked(bool)", lambda _checked=False, level=level: self._on_place(level))
        remove.connect("clicked(bool)", lambda _checked=False, level=level: self._on_remove(level))
        for column, widget in enumerate((choose, state, place, remove)):
            widget.objectName = f"hu{level}{('Choose', 'State', 'Place', 'Remove')[column]}"
            grid.addWidget(widget, number, column)
        return _Row(choose, state, place, remove)

    def _on_choose(self, level: str) -> None:
        self.go_to(level)
        self._session.tell()

    def _on_place(self, level: str) -> None:
        if self._panel.placing.level == level:
            self._panel.placing.cancel()
        else:
            self._place(level)

    def _place(self, level: str) -> None:
        with self._panel.messages.problems_told():
            self._panel.placing.arm(level)

    def _on_remove(self, level: str) -> None:
        self._change(lambda reading: remove_markups(reading, level))

    def _on_edit_outline(self, is_on: bool) -> None:
        self._session.edits_outline = is_on
        self._session.tell()

    def _on_automatic(self, role: str) -> None:
        self._change(lambda reading: return_to_automatic(reading, self._session.level, role))

    def _on_exclude(self) -> None:
        level, reason = self._session.level, self._ui.huReasonCombo.currentText
        if level in self._session.reading.exclusions:
            self._change(lambda reading: include_level(reading, level))
        else:
            self._change(lambda reading: exclude_level(reading, level, reason))

    def _on_history(self, step: str) -> None:
        with self._panel.messages.problems_told():
            self._panel.placing.cancel()
            getattr(self._session.history, step)()
            self._session.measure()

    def _change(self, change) -> None:
        """Do one thing that can be undone, and measure again."""
        with self._panel.messages.problems_told():
            self._panel.placing.cancel()
            self._session.history.remember()
            try:
                change(self._session.reading)
            except ValueError:
                self._session.history.give_up()
                raise
            self._session.measure()


def _reasons() -> tuple[str, ...]:
    return (
        _("fracture"),
        _("metal"),
        _("cement"),
        _("lesion"),
        _("transitional vertebra"),
        _("artifact"),
        _("out of the scan"),
    )
