"""Every moved point measured at once."""

import numpy as np
import qt
import slicer

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.level_review import note_seen
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading_markups import AUTOMATIC_ROLES, MARKUP_ROLES, markup_node, move_into_slice
from LumbarHULib.panel.calm_views import CalmViews
from LumbarHULib.panel.display import AxialRegions
from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.views import AXIAL, rendering_paused, show_midline, view_under_mouse
from LumbarHULib.panel.watcher import Watcher

_Markups = slicer.vtkMRMLMarkupsNode
# Without a drawing, as when the mouse rests, a move is measured after this time.
_LONGEST_WAIT_MS = 150


class LiveMeasurement(Watcher):
    """Watches the current level's markups and measures the level while they are moved.

    While a point is dragged, the mouse may move faster than a level is measured and drawn: it is measured once for each
    drawing, which shows it. The last move is always measured.
    """

    def __init__(self, session: Session, messages: Messages) -> None:
        super().__init__(session, messages)
        self._roles: dict[str, str] = {}
        self._midline_ras_mm = np.empty((0, 3))
        self._is_busy = False
        self._is_dragging = self._was_moved = False
        self._views, self._regions = CalmViews(), AxialRegions()
        self._moved: tuple | None = None
        self._drawings_before = -1
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.measure_moved)

    def watch(self) -> None:
        """Observe the markups that the current level has now."""
        session = self._session
        nodes = {} if not session.may_click else self._nodes()
        if {node.GetID(): role for node, role in nodes.items()} == self._roles:
            self._remember_midline()
            return
        self.stop()
        self._roles = {node.GetID(): role for node, role in nodes.items()}
        for node in nodes:
            self._observe(
                node,
                {
                    _Markups.PointModifiedEvent: self._on_moved,
                    _Markups.PointRemovedEvent: self._on_moved,
                    _Markups.PointStartInteractionEvent: self._on_drag_starts,
                    _Markups.PointEndInteractionEvent: self._on_drag_ends,
                },
            )
        self._remember_midline()

    def stop(self) -> None:
        """Observe nothing any more."""
        self.measure_moved()
        self.removeObservers()
        self._views.wake()
        self._regions.end()
        self._roles = {}

    def _nodes(self) -> dict:
        session = self._session
        nodes = {markup_node(session.reading, session.level, role): role for role in MARKUP_ROLES}
        return {node: role for node, role in nodes.items() if node is not None}

    def _remember_midline(self) -> None:
        for node, role in self._nodes().items() if self._session.is_open else ():
            if role == "midline":
                self._midline_ras_mm = placed_points(node)

    def _on_drag_starts(self, node, _event) -> None:
        if self._session.may_change:
            self._is_dragging, self._was_moved = True, False
            self._views.calm()
            self._drawings_before = -1  # the first move is measured at once
            self._session.history.remember()
            follows = self._roles.get(node.GetID()) == "midline" and view_under_mouse() == AXIAL
            followers = [other for other, role in self._nodes().items() if role in AUTOMATIC_ROLES and follows]
            self._regions.begin(self._session.reading, followers)

    def _on_drag_ends(self, node, _event) -> None:
        session = self._session
        self.measure_moved()
        self._is_dragging = False
        self._views.wake()
        self._regions.end()
        if not session.may_change:
            return
        if not self._was_moved:
            session.history.give_up()
        else:
            if self._roles.get(node.GetID()) == "midline":
                show_midline(placed_points(node))
            # The reader looked at the level while dragging.
            note_seen(session.reading, session.level)
        session.finish_edit()

    def _on_moved(self, node, _event) -> None:
        session = self._session
        role = self._roles.get(node.GetID())
        if self._is_busy or role is None or not session.may_change or session.measurer.is_writing:
            return
        if session.is_placing:
            return  # measured once, when both ends are placed
        if role == "midline" and len(placed_points(node)) != 2:
            return  # being placed
        self._is_busy = self._was_moved = True
        try:
            with rendering_paused():
                if role == "midline":
                    self._keep_in_one_slice(node)
            self._moved = (session.measurer, session.level)
            if not self._is_dragging or self._views.drawings != self._drawings_before:
                self.measure_moved()
            elif not self._timer.isActive():
                self._timer.start(_LONGEST_WAIT_MS)
        except InputError as problem:
            self._messages.tell(str(problem))
        finally:
            self._is_busy = False

    def measure_moved(self) -> None:
        """Measure what was moved, if it is not measured yet."""
        moved, self._moved = self._moved, None
        self._timer.stop()
        session = self._session
        if moved is None or moved[0] is not session.measurer or not session.may_change:
            return
        self._drawings_before = self._views.drawings
        with rendering_paused():
            try:
                session.measure_level(moved[1])
            except InputError as problem:
                self._messages.tell(str(problem))

    def _keep_in_one_slice(self, node) -> None:
        """Let the end that was not dragged follow into the slice of the one that was."""
        session = self._session
        from_side = self._is_dragging and view_under_mouse() != AXIAL
        move_into_slice(session.reading, session.level, session.measurer.stack, self._midline_ras_mm, from_side)
        self._midline_ras_mm = placed_points(node)
