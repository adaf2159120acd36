"""What watches the scene on behalf of the session."""

from slicer.util import VTKObservationMixin

from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session


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
