"""Whether the reader could see a level before it is accepted: the axial view was drawn with it, a moment ago."""

import time
from collections.abc import Hashable

from slicer.util import VTKObservationMixin

from LumbarHULib.panel.views import AXIAL, drawn_views

# A key pressed twice in a row comes sooner than anybody has looked at what the first press brought into sight.
SHORTEST_LOOK_S = 0.3


class LevelSight(VTKObservationMixin):
    """Waits for the first drawing of the axial view after a level came into its slice."""

    def __init__(self) -> None:
        VTKObservationMixin.__init__(self)
        self._in_sight: Hashable | None = None
        self._drawn_s: float | None = None

    @property
    def could_be_seen(self) -> bool:
        """Whether the level has been on the screen for a moment."""
        return self._drawn_s is not None and time.monotonic() - self._drawn_s >= SHORTEST_LOOK_S

    def follow(self, in_sight: Hashable | None) -> None:
        """Wait for a drawing if this came into sight just now; None where nothing is."""
        if in_sight != self._in_sight:
            self._in_sight, self._drawn_s = in_sight, None
            self.removeObservers()
            if in_sight is not None:
                view = drawn_views()[AXIAL]
                self.addObserver(view.renderWindow(), "EndEvent", self._on_drawn)
                view.scheduleRender()  # the view may show that slice already

    def _on_drawn(self, *_) -> None:
        self._drawn_s = time.monotonic()
        self.removeObservers()
