"""Every moved point measured at once."""

import numpy as np
import slicer

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.level_review import note_seen
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, markup_node, move_into_slice
from LumbarHULib.panel.display import AxialRegions
from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.views import AXIAL, CalmViews, rendering_paused, show_midline, view_under_mouse
from LumbarHULib.panel.watcher import Watcher

_Markups = slicer.vtkMRMLMarkupsNode


class LiveMeasurement(Watcher):
    """Watches the current level's markups and measures the level while they are moved."""

    def __init__(self, session: Session, messages: Messages) -> None:
        super().__init__(session, messages)
        self._roles: dict[str, str] = {}
        self._midline_ras_mm = np.empty((0, 3))
        self._is_busy = False
        self._is_dragging = self._was_moved = False
        self._views, self._regions = CalmViews(), AxialRegions()

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

    def _on_drag_starts(self, _node, _event) -> None:
        if self._session.may_change:
            self._is_dragging, self._was_moved = True, False
            self._views.calm()
            self._session.history.remember()
            self._regions.begin(self._session.reading)

    def _on_drag_ends(self, node, _event) -> None:
        session, self._is_dragging = self._session, False
        self._views.wake()
        self._regions.end()
        if not session.may_change:
            return
        if not self._was_moved:
            session.history.give_up()
        elif self._roles.get(node.GetID()) == "midline":
            show_midline(placed_points(node))
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
                session.measure_level(session.level)
        except InputError as problem:
            self._messages.tell(str(problem))
        finally:
            self._is_busy = False

    def _keep_in_one_slice(self, node) -> None:
        """Let the end that was not dragged follow into the slice of the one that was."""
        session = self._session
        from_side = self._is_dragging and view_under_mouse() != AXIAL
        move_into_slice(session.reading, session.level, session.measurer.stack, self._midline_ras_mm, from_side)
        self._midline_ras_mm = placed_points(node)
