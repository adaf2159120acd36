"""What every section of the panel has."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

import qt
from slicer.i18n import tr as _

from LumbarHULib.panel.services import Services


class Section:
    """A part of the panel: it shows the session, and does what its widgets ask for.

    Parameters
    ----------
    ui : object
        The panel's named widgets.
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        self._ui = ui
        self._session, self._choices, self._placing = services.session, services.choices, services.placing
        self._messages, self._done, self._questions = services.messages, services.done, services.questions
        self._hints: dict[str, str] = {}

    def refresh(self, what: str) -> None:
        """Show the session as it is now; during a drag (``"numbers"``) most sections have nothing new to show."""
        if what == "all":
            self._show()

    def _show(self) -> None:
        """Show the session as it is now."""

    def _enable(self, button, problem: str) -> None:
        """Enable a button unless there is a problem, which the tooltip of the gray button then states."""
        hint = self._hints.setdefault(button.objectName, button.toolTip)
        button.enabled = not problem
        button.toolTip = problem or hint

    def _why_unchangeable(self) -> str:
        """Return why the reading cannot be changed, in a sentence; empty if it can."""
        session = self._session
        if session.may_change:
            return ""
        if not session.is_open:
            return _("Start a reading first.")
        if session.reading.is_signed_off:
            return _("The reading is signed off: reopen it first.")
        return _("The CT of the reading is missing: load it, and start a new reading.")

    def _why_unmeasured(self) -> str:
        """Return why there is no number, in a sentence; empty if there is one."""
        session = self._session
        if not session.is_open:
            return _("Start a reading first.")
        if session.result is not None and session.result.levels:
            return ""
        if session.result is not None and session.result.refused:
            return _("No level is measured: see the findings for the reasons.")
        return _("Place a level first.")

    @staticmethod
    def _missing(fields: Mapping[str, object]) -> str:
        """Return which fields are empty, in a sentence; empty if none is."""
        names = [name for name, value in fields.items() if not value]
        return _("Missing: {fields}.").format(fields=", ".join(names)) if names else ""

    @staticmethod
    def _put_in_tab_order(header, widgets: Iterable) -> None:
        """Let the Tab key go from a section's header to widgets that were made by code; made last, they come last."""
        for before, following in pairwise([header, *widgets]):
            qt.QWidget.setTabOrder(before, following)

    @staticmethod
    def _on_click(button, action: Callable[[], object]) -> None:
        """Let a button do something; the signal's own value is ignored."""
        button.connect("clicked(bool)", lambda _checked=False: action())
