"""The panel's second section: the levels, each with its state and a button to place it."""

import numpy as np
import qt
from slicer.i18n import tr as _

from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS
from LumbarHULib.mrml.reading import ask_for_level, exclude_level, include_level
from LumbarHULib.mrml.reading_markups import (
    AUTOMATIC_ROLES,
    is_edited,
    markup_node,
    placed_levels,
    placed_points,
    remove_markups,
    return_to_automatic,
)
from LumbarHULib.mrml.roi_segmentations import return_roi_to_automatic
from LumbarHULib.panel.level_rows import LevelRow, edited_parts, make_rows, part_title, state_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.views import jump_to, show_midline


class LevelsSection(Section):
    """A row for each level, and what can be done with the current one."""

    def __init__(self, ui, panel) -> None:
        super().__init__(ui, panel)
        self._rows = make_rows(ui.huLevelsFrame)
        for level, row in self._rows.items():
            self._on_click(row.choose, lambda level=level: self._on_choose(level))
            self._on_click(row.place, lambda level=level: self._on_place(level))
            self._on_click(row.remove, lambda level=level: self._on_remove(level))
            row.wanted.connect("clicked(bool)", lambda wanted, level=level: self._on_wanted(level, wanted))
        self._put_in_tab_order(
            ui.huTakeBackButton,
            [widget for row in self._rows.values() for widget in row.widgets if widget is not row.state],
        )
        self._shown_for = None
        for reason in _reasons():
            ui.huReasonCombo.addItem(reason)
        ui.huReasonCombo.setCurrentIndex(-1)
        ui.huReasonCombo.lineEdit().placeholderText = _("reason")
        ui.huEditOutlineButton.connect("toggled(bool)", self._on_edit_outline)
        self._on_click(ui.huExcludeButton, self._on_exclude)
        self._on_click(ui.huUndoButton, self.undo)
        self._on_click(ui.huRedoButton, self.redo)

    def go_to(self, level: str) -> None:
        """Make a level the current one, and show it in the views where it has a place."""
        if not self._session.is_open:
            return
        self._session.select_level(level)
        midline_ras_mm = self._midline_ras_mm()
        if len(midline_ras_mm):
            jump_to(midline_ras_mm.mean(axis=0))
            show_midline(midline_ras_mm)

    def on_key(self, level: str) -> None:
        """Go to a level that is placed; let the next clicks place one that is not."""
        if not self._session.is_open:
            return
        if level in placed_levels(self._session.reading) or not self._session.may_change:
            self._panel.placing.cancel()
            self.go_to(level)
        else:
            self.place(level)

    def place(self, level: str) -> None:
        """Let the next clicks place a level."""
        if self._session.is_open:
            with self._panel.messages.problems_told():
                self._panel.placing.arm(level)

    def place_first(self) -> None:
        """Let the next clicks place the first level that is asked for and has no midline."""
        reading = self._session.reading
        done = {*placed_levels(reading), *reading.exclusions, *reading.skipped_levels}
        following = next((level for level in MEAN_LEVELS if level not in done), "")
        if following:
            self.place(following)

    def proposable(self) -> tuple[str, ...]:
        """Return the levels that are shown and asked for, from cranial to caudal."""
        reading, has_outer = self._session.reading, self._panel.parameters.outerLevels
        shown = LEVELS if has_outer else MEAN_LEVELS
        return tuple(level for level in shown if level not in {*reading.skipped_levels, *reading.exclusions})

    def row(self, level: str) -> LevelRow:
        """Return the widgets of a level's row."""
        return self._rows[level]

    def undo(self) -> None:
        """Take the last gesture back."""
        self._on_history("undo")

    def redo(self) -> None:
        """Repeat what was taken back last."""
        self._on_history("redo")

    def edited_markup(self, node) -> tuple[str, str] | None:
        """Return level and role of a markup that a reader edited and may return to automatic; None for any other."""
        session = self._session
        if session.may_change:
            for level in LEVELS:
                for role in AUTOMATIC_ROLES:
                    if markup_node(session.reading, level, role) is node and is_edited(session.reading, level, role):
                        return level, role
        return None

    def return_part(self, level: str, part: str) -> None:
        """Forget a reader's editing of a boundary, an outline or a region."""
        returned = return_roi_to_automatic if part in ROIS else return_to_automatic
        self._change(lambda reading: returned(reading, level, part))

    def _show(self) -> None:
        session, ui = self._session, self._ui
        parameters = self._panel.parameters
        placed = placed_levels(session.reading) if session.is_open else ()
        skipped = session.reading.skipped_levels if session.is_open else ()
        may_change = session.may_change
        for level, row in self._rows.items():
            is_shown = level in MEAN_LEVELS or level in placed or bool(parameters and parameters.outerLevels)
            for widget in row.widgets:
                widget.visible = is_shown
            parts = edited_parts(session, level) if level in placed else ()
            armed_level = self._panel.placing.armed_level
            row.wanted.checked, row.wanted.enabled = level not in skipped, may_change
            row.choose.checked = session.is_open and level == session.level
            row.choose.enabled = session.is_open
            row.state.text, row.state.toolTip = state_of(session, level, placed, parts, self._panel.placing)
            row.place.text = _("Anew") if level in placed else _("Place")
            if level == armed_level:
                row.place.text = _("Cancel")
            row.place.enabled = may_change
            self._fill_menu(level, row, parts if may_change else ())
            row.remove.enabled = may_change and level in placed
        self._show_current(placed, may_change)
        ui.huUndoButton.enabled = may_change and session.history.can_undo
        ui.huRedoButton.enabled = may_change and session.history.can_redo

    def _fill_menu(self, level: str, row: LevelRow, parts) -> None:
        menu = row.automatic.menu()
        menu.clear()
        for part in parts:
            action = menu.addAction(_("Return to automatic: {part}").format(part=part_title(part)))
            # A menu is emptied only when it has closed.
            action.connect(
                "triggered(bool)",
                lambda _checked=False, part=part: qt.QTimer.singleShot(0, lambda: self.return_part(level, part)),
            )
        row.automatic.enabled = bool(parts)

    def _show_current(self, placed, may_change: bool) -> None:
        ui, session = self._ui, self._session
        ui.huLevelFrame.enabled = may_change
        ui.huEditOutlineButton.blockSignals(True)
        ui.huEditOutlineButton.checked = session.edits_outline
        ui.huEditOutlineButton.blockSignals(False)
        ui.huEditOutlineButton.enabled = may_change and session.level in placed
        excluded = session.reading.exclusions.get(session.level, "") if session.is_open else ""
        ui.huExcludeButton.text = _("Include") if excluded else _("Exclude")
        ui.huReasonCombo.enabled = not excluded
        shown_for = (session.reading, session.level, excluded)
        if shown_for != self._shown_for:
            # A reason that was typed for one level is none for another.
            self._shown_for = shown_for
            ui.huReasonCombo.setCurrentText(excluded)
        ui.huReasonLabel.text = _("Exclude {level}:").format(level=session.level)
        ui.huEditOutlineButton.text = _("Edit outline of {level}").format(level=session.level)

    def _on_choose(self, level: str) -> None:
        self.go_to(level)
        self._session.tell()

    def _on_place(self, level: str) -> None:
        if self._panel.placing.armed_level == level:
            self._panel.placing.cancel()
        else:
            self.place(level)

    def _on_wanted(self, level: str, wanted: bool) -> None:
        self._change(lambda reading: ask_for_level(reading, level, wanted))

    def _on_remove(self, level: str) -> None:
        self._change(lambda reading: remove_markups(reading, level))

    def _on_edit_outline(self, is_on: bool) -> None:
        self._session.edits_outline = is_on
        self._session.tell()

    def _on_exclude(self) -> None:
        level, reason = self._session.level, self._ui.huReasonCombo.currentText
        if level in self._session.reading.exclusions:
            self._change(lambda reading: include_level(reading, level))
        else:
            self._change(lambda reading: exclude_level(reading, level, reason))

    def _on_history(self, step: str) -> None:
        if self._session.may_change:
            with self._panel.messages.problems_told():
                self._panel.placing.cancel()
                moved_levels = getattr(self._session.history, step)()
                self._session.measure()
                self._show_one_of(moved_levels)

    def _show_one_of(self, levels: tuple[str, ...]) -> None:
        """Show where something came back: in the current level if it is one of them, otherwise in the only one."""
        if self._session.level in levels:
            midline_ras_mm = self._midline_ras_mm()
            if len(midline_ras_mm):
                show_midline(midline_ras_mm)
        elif len(levels) == 1:
            self.go_to(levels[0])

    def _midline_ras_mm(self) -> np.ndarray:
        """Return the points of the current level's midline: two where it is placed, none where it has none."""
        midline = markup_node(self._session.reading, self._session.level, "midline")
        return np.empty((0, 3)) if midline is None else placed_points(midline)

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
