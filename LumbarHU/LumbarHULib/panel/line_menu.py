"""The menu that takes over lines which are in the scene already."""

from collections.abc import Callable, Mapping
from functools import partial

import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.line_markups import lines_by_level, lines_in, take_over_lines
from LumbarHULib.panel.session import Session


class LineMenu:
    """Lists the lines of the scene whenever it opens.

    Parameters
    ----------
    menu : QMenu
        In which it is a submenu.
    session : Session
    change : callable
        Does one thing to the reading that can be undone, and measures again.
    review : callable
        Called when lines were taken over.
    """

    def __init__(
        self, menu, session: Session, change: Callable[[Callable], None], review: Callable[[], object]
    ) -> None:
        self._session, self._change, self._review = session, change, review
        self.menu = menu.addMenu(_("Use a line drawn in Markups"))
        self.menu.connect("aboutToShow()", self.fill)

    def fill(self) -> None:
        """List the lines that the scene has now."""
        self.menu.clear()
        lines, level = lines_in(slicer.mrmlScene), self._session.level
        try:
            named = lines_by_level(lines)
        except InputError as problem:
            named = {}
            self._add_text(str(problem))
        if named:
            self._add(_("Lines named {levels}").format(levels=", ".join(named)), named)
            self.menu.addSeparator()
        for line in lines:
            self._add(_("“{name}” as {level}").format(name=line.GetName(), level=level), {level: line})
        if not lines:
            self._add_text(_("The scene contains no other line: draw one from the front to the back edge of the body."))

    def take(self, lines: Mapping) -> None:
        """Take over lines by level; all of them, or none."""
        self._change(lambda reading: take_over_lines(reading, lines, self._session.measurer.stack))
        self._review()

    def _add(self, text: str, lines: Mapping) -> None:
        take = partial(self.take, lines)
        self.menu.addAction(text).connect("triggered(bool)", lambda _checked=False: take())

    def _add_text(self, text: str) -> None:
        self.menu.addAction(text).enabled = False
