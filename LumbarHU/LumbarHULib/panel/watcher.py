"""What watches the scene, and the application's colors, on behalf of the session."""

from collections.abc import Sequence

import qt
import slicer
from slicer.util import VTKObservationMixin

from LumbarHULib.panel.highlight import show_checked
from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session

_COLORS_CHANGED = "paletteChanged(QPalette)"


class Watcher(VTKObservationMixin):
    """Observes nodes for as long as it has something to do.

    Parameters
    ----------
    session : Session
    messages : Messages
    """

    def __init__(self, session: Session, messages: Messages) -> None:
        VTKObservationMixin.__init__(self)
        self._session, self._messages = session, messages

    def _observe(self, node, handlers) -> None:
        """Call each handler at its event of the node, until `removeObservers`."""
        for event, handler in handlers.items():
            self.addObserver(node, event, handler)


class ColorsWatcher:
    """Lets everything be shown again when the application turns dark or light: some is drawn in its colors.

    Parameters
    ----------
    session : Session
    buttons : sequence
        The buttons that stay checked.
    """

    def __init__(self, session: Session, buttons: Sequence) -> None:
        self._session, self._buttons = session, buttons
        for button in buttons:
            button.connect("toggled(bool)", lambda _is_on=False, button=button: show_checked(button))
        slicer.app.connect(_COLORS_CHANGED, self._on_changed)

    def removeObservers(self) -> None:  # noqa: N802 - as every watcher's
        """Watch no more."""
        slicer.app.disconnect(_COLORS_CHANGED, self._on_changed)

    def _on_changed(self, *_) -> None:
        qt.QTimer.singleShot(0, self._show)  # when all widgets have the new colors

    def _show(self) -> None:
        for button in self._buttons:
            show_checked(button)
        self._session.tell()
