"""What every section of the panel has."""

from collections.abc import Callable
from itertools import pairwise

import qt


class Section:
    """A part of the panel: it shows the session, and does what its widgets ask for.

    Parameters
    ----------
    ui : object
        The panel's named widgets.
    panel : LumbarHULib.panel.panel.Panel
    """

    def __init__(self, ui, panel) -> None:
        self._ui, self._panel, self._session = ui, panel, panel.session

    def refresh(self, what: str) -> None:
        """Show the session as it is now; during a drag (``"numbers"``) most sections have nothing new to show."""
        if what == "all":
            self._show()

    def _show(self) -> None:
        """Show the session as it is now."""

    @staticmethod
    def _put_in_tab_order(header, widgets) -> None:
        """Let the Tab key go from a section's header to widgets that were made by code; made last, they come last."""
        for before, following in pairwise([header, *widgets]):
            qt.QWidget.setTabOrder(before, following)

    @staticmethod
    def _on_click(button, action: Callable[[], None]) -> None:
        """Let a button do something; what it would tell of its state is left aside."""
        button.connect("clicked(bool)", lambda _checked=False: action())
