"""The current level: where it is, how it is placed, accepted and changed, and the way to any other."""

from collections.abc import Callable

import numpy as np
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS
from LumbarHULib.mrml.level_review import accept_level, confirm_count, filled_in_levels
from LumbarHULib.mrml.markup_points import placed_points, replace_points
from LumbarHULib.mrml.reading_markups import (
    AUTOMATIC_ROLES,
    is_edited,
    markup_node,
    placed_levels,
    remove_markups,
    return_to_automatic,
)
from LumbarHULib.mrml.roi_segmentations import return_roi_to_automatic
from LumbarHULib.panel.level_menu import LevelMenu
from LumbarHULib.panel.level_words import state_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.views import is_in_sight, jump_to, show_midline
from LumbarHULib.placement.body_middle import midline_at_mid_height


class LevelsSection(Section):
    """The current level, and what can be done with it.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        button, snap = ui.huLevelMenuButton, services.placing.snap
        session, questions = services.session, services.questions
        self.menu = LevelMenu(button, session, questions, self._change, self.return_part, snap, self.review_next)
        ui.huEditOutlineButton.connect("toggled(bool)", self._on_edit_outline)
        self._on_click(ui.huPlaceButton, self._on_place)
        self._on_click(ui.huUndoButton, self.undo)
        self._on_click(ui.huRedoButton, self.redo)
        self._on_click(ui.huConfirmButton, lambda: self._change_counted(confirm_count))
        self._on_click(ui.huTakeBackButton, lambda: self._change_counted(remove_markups))

    def go_to(self, level: str) -> None:
        """Make a level the current one, and show it in the views where it is placed."""
        if not self._session.is_open:
            return
        self._session.select_level(level)
        midline_ras_mm = self.midline_ras_mm()
        if len(midline_ras_mm):
            jump_to(midline_ras_mm.mean(axis=0))
            show_midline(midline_ras_mm)
        self._session.tell("level")

    def choose(self, level: str) -> None:
        """Go to a level whose chip was clicked; nothing waits for a click any more."""
        if self._session.is_open:
            self._placing.cancel()
            self.go_to(level)
            self._session.tell()

    def on_key(self, level: str) -> None:
        """Go to a level that is placed; let the next clicks place one that is not."""
        if not self._session.is_open:
            return
        if level in placed_levels(self._session.reading) or not self._session.may_change:
            self._placing.cancel()
            self.go_to(level)
        else:
            self.place(level)

    def place(self, level: str) -> None:
        """Let the next clicks place a level."""
        if self._session.is_open:
            with self._messages.show_input_errors():
                self._placing.arm(level)

    def accept(self, level: str) -> None:
        """Accept a level that is shown, and go to the next that nobody has seen."""
        session = self._session
        with self._messages.show_input_errors():
            self._placing.cancel()
            session.history.remember()
            accept_level(session.reading, level)
            session.finish_edit()
        self.review_next()

    def review_next(self) -> None:
        """Go to the first level that nobody has seen with its outline as it is now."""
        waiting = self._session.unreviewed
        if waiting:
            self.go_to(waiting[0])

    def move_to_mid_height(self, level: str) -> None:
        """Move the midline of a level along the body's axis to mid-height, and show it; it can be undone."""

        def move(reading):
            result = self._session.level_result(level)
            if result is not None:
                points_ras_mm = midline_at_mid_height(self._session.measurer.stack, result, reading.protocol)
                replace_points(markup_node(reading, level, "midline"), "midline", points_ras_mm)

        self._change(move)
        self.go_to(level)

    def proposable(self) -> tuple[str, ...]:
        """Return the levels that are shown and wanted, from cranial to caudal."""
        reading = self._session.reading
        shown = LEVELS if self._choices.has_outer_levels else MEAN_LEVELS
        return tuple(level for level in shown if level not in {*reading.skipped_levels, *reading.exclusions})

    def unplaced(self) -> tuple[str, ...]:
        """Return the wanted levels that have no midline, from cranial to caudal."""
        placed = placed_levels(self._session.reading)
        return tuple(level for level in self.proposable() if level not in placed)

    def midline_ras_mm(self) -> np.ndarray:
        """Return the points of the current level's midline: two where it is placed, none where it has none."""
        midline = markup_node(self._session.reading, self._session.level, "midline")
        return np.empty((0, 3)) if midline is None else placed_points(midline)

    def is_in_sight(self) -> bool:
        """Return whether the axial view shows the current level's midline."""
        return self._session.is_open and is_in_sight(self.midline_ras_mm())

    def undo(self) -> None:
        """Undo the last edit."""
        self._on_history("undo")

    def redo(self) -> None:
        """Redo what was undone last."""
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
        """Forget a reader's edits of a boundary, an outline or a region."""
        returned = return_roi_to_automatic if part in ROIS else return_to_automatic
        self._change(lambda reading: returned(reading, level, part))

    def state(self, level: str) -> str:
        """Return in a few words how a level is."""
        return state_of(self._session, level, self._placing).text

    def _show(self) -> None:
        ui, session = self._ui, self._session
        level, may_change = session.level, session.may_change
        ui.huLevelFrame.visible = session.is_open
        state = state_of(session, level, self._placing)
        placed = session.is_open and level in placed_levels(session.reading)
        ui.huStateLabel.text = f"{level}: {state.text}"
        ui.huStateLabel.toolTip = state.detail
        ui.huPlaceButton.text = _("Place again") if placed else _("Place {level}").format(level=level)
        if level == self._placing.armed_level:
            ui.huPlaceButton.text = _("Cancel")
        frozen = self._why_unchangeable()
        for button in (ui.huPlaceButton, ui.huLevelMenuButton):
            self._enable(button, frozen)
        ui.huEditOutlineButton.blockSignals(True)
        ui.huEditOutlineButton.checked = session.edits_outline
        ui.huEditOutlineButton.blockSignals(False)
        missing = "" if placed else _("{level} is not placed.").format(level=level)
        self._enable(ui.huEditOutlineButton, frozen or missing)
        self.menu.show()
        counted = filled_in_levels(session.reading) if may_change else ()
        ui.huConfirmFrame.visible = bool(counted)
        text = _("{levels}: counted, not clicked. Check that no level is skipped or counted twice.")
        ui.huConfirmLabel.text = text.format(levels=_and(counted))
        ui.huConfirmButton.text = _("Confirm {levels}").format(levels=_and(counted))

    def _on_place(self) -> None:
        level = self._session.level
        if self._placing.armed_level == level:
            self._placing.cancel()
        else:
            self.place(level)

    def _on_edit_outline(self, is_on: bool) -> None:
        self._session.edits_outline = is_on
        self._session.tell()

    def _on_history(self, step: str) -> None:
        if self._session.may_change:
            with self._messages.show_input_errors(), slicer.util.WaitCursor():
                self._placing.cancel()
                moved_levels = getattr(self._session.history, step)()
                self._session.measure()
                self._show_one_of(moved_levels)

    def _show_one_of(self, levels: tuple[str, ...]) -> None:
        """Show where something came back: in the current level if it is one of them, otherwise in the only one."""
        if self._session.level in levels:
            midline_ras_mm = self.midline_ras_mm()
            if len(midline_ras_mm):
                show_midline(midline_ras_mm)
        elif len(levels) == 1:
            self.go_to(levels[0])

    def _change_counted(self, change: Callable) -> None:
        """Do something with each level that was counted; it can be undone."""

        def change_all(reading):
            for level in filled_in_levels(reading):
                change(reading, level)

        self._change(change_all)

    def _change(self, change: Callable) -> None:
        """Do one thing that can be undone, and measure again."""
        if not self._session.is_open:
            return
        with self._messages.show_input_errors():
            self._placing.cancel()
            self._session.reading.require_open()
            self._session.history.remember()
            try:
                change(self._session.reading)
            except ValueError:
                self._session.history.give_up()
                raise
            self._session.measure()


def _and(levels: tuple[str, ...]) -> str:
    *most, last = levels or ("",)
    return _("{most} and {last}").format(most=", ".join(most), last=last) if most else last
