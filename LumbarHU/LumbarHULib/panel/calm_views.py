"""Views that draw less often while a point is dragged."""

import time

from LumbarHULib.panel.views import AXIAL, drawn_views, view_under_mouse

# The view with the regions and the one that the mouse is in, and all others.
_MOST_PER_SECOND, _FEWEST_PER_SECOND = 15.0, 5.0
_OTHERS_PER_SECOND = 2.0
# A view waits as long as it took to draw it, so that half of the time is left for what a move changes.
_WAITS_PER_DRAWING = 1.0


class CalmViews:
    """Views that draw less often while a point is dragged, the less the longer their drawing takes.

    A view whose drawing was asked for longer ago than its update rate allows is drawn inside the very mouse move. At
    Slicer's usual rate that is after 17 ms, as long as a measurement takes: each move would wait for every view.
    """

    def __init__(self) -> None:
        self._views: list[_CalmView] = []

    def calm(self) -> None:
        """Let the views draw less often."""
        if not self._views:
            looked_at = (AXIAL, view_under_mouse())
            self._views = [_CalmView(view, name in looked_at) for name, view in drawn_views().items()]

    @property
    def drawings(self) -> int:
        """How often the views that are looked at have been drawn since they are calm."""
        return sum(view.drawings for view in self._views)

    def wake(self) -> None:
        """Let the views draw as often as before."""
        for view in self._views:
            view.wake()
        self._views = []


class _CalmView:
    def __init__(self, view, is_looked_at: bool) -> None:
        self.drawings = 0
        self._view, self._rate_before = view, view.maximumUpdateRate
        self._window, self._began_s = view.renderWindow(), 0.0
        self._observers: tuple[int, ...] = ()
        view.maximumUpdateRate = _MOST_PER_SECOND if is_looked_at else _OTHERS_PER_SECOND
        if is_looked_at:
            handlers = {"StartEvent": self._begins, "EndEvent": self._ends}
            self._observers = tuple(self._window.AddObserver(event, handler) for event, handler in handlers.items())

    def wake(self) -> None:
        for observer in self._observers:
            self._window.RemoveObserver(observer)
        self._view.maximumUpdateRate = self._rate_before

    def _begins(self, _window, _event) -> None:
        self._began_s = time.perf_counter()

    def _ends(self, _window, _event) -> None:
        self.drawings += 1
        wait_s = (time.perf_counter() - self._began_s) * _WAITS_PER_DRAWING
        self._view.maximumUpdateRate = 1.0 / min(max(wait_s, 1.0 / _MOST_PER_SECOND), 1.0 / _FEWEST_PER_SECOND)
