"""The menu of the current level: what is seldom done with it."""

from collections.abc import Callable
from functools import partial

import qt
from slicer.i18n import tr as _

from LumbarHULib.core.levels import ROIS
from LumbarHULib.mrml.reading import ask_for_level, exclude_level, include_level
from LumbarHULib.mrml.reading_markups import AUTOMATIC_ROLES, placed_levels, remove_markups
from LumbarHULib.panel.level_words import edited_parts, part_title
from LumbarHULib.panel.line_menu import LineMenu
from LumbarHULib.panel.services import Asks, Snaps
from LumbarHULib.panel.session import Session


class LevelMenu:
    """Wanted or not, excluded or not, return to automatic, remove.

    Parameters
    ----------
    button : QToolButton
    session : Session
    questions : Asks
    change : callable
        Does one thing to the reading that can be undone, and measures again.
    return_part : callable
        Called with a level and a part that is to return to automatic.
    snap : Snaps
        Whether clicks snap to the edge of a body.
    review : callable
        Shows the first level that is to be reviewed.
    """

    def __init__(
        self,
        button,
        session: Session,
        questions: Asks,
        change: Callable[[Callable], None],
        return_part: Callable[[str, str], None],
        snap: Snaps,
        review: Callable[[], object],
    ) -> None:
        self._session, self._questions, self._change, self._snap = session, questions, change, snap
        self._menu = qt.QMenu(button)
        self.wanted = self._add(_("Measure this level"), self._on_wanted)
        self.wanted.checkable = True
        self.wanted.toolTip = _("Without the check, the level counts as not measured, and nothing of it is exported.")
        self._reasons = self._menu.addMenu(_("Exclude"))
        self._reasons.menuAction().toolTip = _(
            "The level is measured and exported, but is not in the means; state why."
        )
        self._menu.toolTipsVisible = True
        self.reasons = {text: self._add_reason(text) for text in _reasons()}
        self.other_reason = self._reasons.addAction(_("other reason…"))
        self.other_reason.connect("triggered(bool)", lambda _checked=False: self._on_other_reason())
        self.include = self._add(_("Include again"), self._on_include)
        self._menu.addSeparator()
        self.returns = {
            part: self._add(
                _("Return to automatic: {part}").format(part=part_title(part)),
                partial(self._return_soon, part, return_part),
            )
            for part in (*AUTOMATIC_ROLES, *ROIS)
        }
        self._menu.addSeparator()
        self.remove = self._add(_("Remove the markups"), self._on_remove)
        self.lines = LineMenu(self._menu, session, change, review)
        self._menu.addSeparator()
        self.snaps = self._add(_("Clicks snap to the edge"), self._on_snaps)
        self.snaps.checkable = True
        button.setMenu(self._menu)

    def show(self) -> None:
        """Offer what can be done with the current level."""
        session, level = self._session, self._session.level
        may_change = session.may_change
        reading = session.reading
        placed = may_change and level in placed_levels(reading)
        excluded = may_change and level in reading.exclusions
        self.wanted.text = _("Measure {level}").format(level=level)
        self.wanted.checked = may_change and level not in reading.skipped_levels
        self.snaps.checked = self._snap.is_on
        self._reasons.menuAction().visible = may_change and not excluded
        self._reasons.title = _("Exclude {level}").format(level=level)
        self.include.visible = excluded
        self.include.text = _("Include {level} again").format(level=level)
        parts = edited_parts(session, level) if placed else ()
        for part, action in self.returns.items():
            action.visible = part in parts
        self.lines.menu.menuAction().visible = may_change
        self.remove.enabled = placed
        self.remove.text = _("Remove the markups of {level}").format(level=level)

    def exclude(self, reason: str) -> None:
        """Exclude the current level from the means."""
        level = self._session.level
        self._change(lambda reading: exclude_level(reading, level, reason))

    def _add(self, text: str, action: Callable[[], object]):
        added = self._menu.addAction(text)
        added.connect("triggered(bool)", lambda _checked=False: action())
        return added

    def _add_reason(self, text: str):
        added = self._reasons.addAction(text)
        added.connect("triggered(bool)", lambda _checked=False: self.exclude(text))
        return added

    def _return_soon(self, part: str, return_part: Callable[[str, str], None]) -> None:
        # The menu closes first: what it leads to measures, and redraws the menu itself.
        qt.QTimer.singleShot(0, lambda: return_part(self._session.level, part))

    def _on_other_reason(self) -> None:
        title = _("Exclude {level}").format(level=self._session.level)
        self.exclude(self._questions.entered_text(title, _("Reason for excluding:")))

    def _on_snaps(self) -> None:
        self._snap.is_on = not self._snap.is_on
        self._session.tell()

    def _on_wanted(self) -> None:
        level = self._session.level
        wanted = level in self._session.reading.skipped_levels
        self._change(lambda reading: ask_for_level(reading, level, wanted))

    def _on_include(self) -> None:
        level = self._session.level
        self._change(lambda reading: include_level(reading, level))

    def _on_remove(self) -> None:
        level = self._session.level
        self._change(lambda reading: remove_markups(reading, level))


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
