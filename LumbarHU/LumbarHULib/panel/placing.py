"""Placing midlines with two clicks each, level after level; or by clicks into the bodies."""

from collections.abc import Callable

import numpy as np
import qt
import slicer
import vtk
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS
from LumbarHULib.mrml.markup_points import placed_points, replace_points
from LumbarHULib.mrml.node_types import MarkupsNode, MaybeNone
from LumbarHULib.mrml.reading import ask_for_level
from LumbarHULib.mrml.reading_markups import ensure_markup, markup_node, move_into_slice, placed_levels, set_midline
from LumbarHULib.panel.body_clicks import BodyClicks, require_shown
from LumbarHULib.panel.edge_snap import EdgeSnap, let_free_click_place
from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.views import (
    AXIAL,
    has_axial_view,
    is_in_axial_view,
    is_zoomed,
    jump_to,
    scroll_to,
    slice_node,
    zoom_on,
)
from LumbarHULib.panel.watcher import Watcher
from LumbarHULib.placement.body_middle import body_middle_near
from LumbarHULib.placement.spine_center import expected_center, spine_center

_Markups = slicer.vtkMRMLMarkupsNode
_Interaction = slicer.vtkMRMLInteractionNode


class Placing(Watcher):
    """Waits for the two clicks that make a midline.

    Parameters
    ----------
    session : Session
    messages : Messages
    on_placed : callable, optional
        Called when the last level is placed or proposed, and no other waits for a click.

    Attributes
    ----------
    level : str
        The level whose edges the next clicks show; empty when they do not.
    bodies : BodyClicks
        What waits for clicks into the bodies instead: never both at once.
    snap : EdgeSnap
        Shows the edge that the next click would take.
    """

    def __init__(self, session: Session, messages: Messages, on_placed: Callable[[], object] = lambda: None) -> None:
        super().__init__(session, messages)
        self._node: MarkupsNode | MaybeNone = None
        self._taken: np.ndarray | None = None
        self._ends: list[str] = []
        self._has_changed = False
        self.level = ""
        self._on_placed = on_placed
        self.bodies = BodyClicks(session, messages, on_placed)
        self.snap = EdgeSnap(session)

    @property
    def is_armed(self) -> bool:
        """Whether the next click places a point."""
        return bool(self.level) or self.bodies.is_armed

    @property
    def armed_level(self) -> str:
        """The level that the next click is for; empty when none is."""
        return self.level or self.bodies.level

    @property
    def points(self) -> int:
        """How many ends of the armed level's midline are placed."""
        return len(placed_points(self._node)) if self.level and self._node.GetScene() is not None else 0

    @property
    def hint(self) -> str:
        """What helps with the next click: the way to mid-height, and what the ring at the edge means."""
        if not self.level:
            return ""
        height = _(" – at mid-height: scroll there, or click it in the sagittal view") if not self.points else ""
        snap = _(" – the ring shows where the point will go; hold Ctrl or Alt to place it at the mouse")
        return height + (snap if self.snap.is_on else "")

    def arm(self, level: str) -> None:
        """Let the next two axial clicks make the midline of a level, in place of the one that it has.

        Raises
        ------
        InputError
            When the reading is signed off, or the views show another volume, or no axial view.
        """
        self.cancel()
        session = self._session
        session.reading.require_open()
        require_shown(session)
        if not has_axial_view():
            raise InputError(_("The layout shows no axial view: press “Show the reading layout” first."))
        session.history.remember()
        was_skipped = level in session.reading.skipped_levels
        if was_skipped:
            ask_for_level(session.reading, level, True)
        session.select_level(level)
        self._node = ensure_markup(session.reading, level, "midline")
        was_placed = bool(self._node.GetNumberOfControlPoints())
        self._has_changed = was_placed or was_skipped
        if was_placed:
            replace_points(self._node, "midline", placed_points(self._node)[:0])
            session.measure()
            session.history.open_step()
        self.level, self._ends = level, []
        session.is_placing = True
        self._node.SetLocked(False)
        self._observe(
            self._node,
            {
                _Markups.PointPositionDefinedEvent: self._on_click,
                _Markups.PointModifiedEvent: self._on_mouse_moved,
                _Markups.PointRemovedEvent: self._hide_edge,  # the mouse left the view
            },
        )
        self._observe(slice_node(AXIAL), {vtk.vtkCommand.ModifiedEvent: self._hide_edge})
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsLineNode")
        selection.SetActivePlaceNodeID(self._node.GetID())
        interaction.SetPlaceModePersistence(False)
        interaction.SetCurrentInteractionMode(_Interaction.Place)
        let_free_click_place(self._node)
        self._observe(interaction, {_Interaction.InteractionModeChangedEvent: self._look_soon})
        if not placed_levels(session.reading) or not is_zoomed():
            stack = session.measurer.stack
            zoom_on(spine_center(stack), len(stack.voxels_hu) * stack.slice_spacing_mm)
        elif self._shows_placed_level():  # nobody has scrolled to the level that comes next
            self._aim_at(level)
        session.tell()

    def cancel(self) -> None:
        """Remove a half-placed point, and leave the level as it was."""
        self.bodies.stop()
        if not self.level:
            return
        was_touched = self._has_changed or self.points > 0
        self._disarm()
        if self._session.is_open and was_touched:
            self._session.history.give_up()
            self._session.measure()
        elif self._session.is_open:
            self._session.history.forget()
            self._session.tell()

    def measure_meanwhile(self) -> None:
        """Measure because somebody else changed the scene; the clicks that are still waited for stay one step."""
        self._session.measure()
        if self.level:
            self._session.history.open_step()

    def abandon_if_gone(self) -> None:
        """Forget what was armed when somebody removed its node."""
        self.bodies.abandon_if_gone()
        if self.level and self._node.GetScene() is None:
            self.abandon()

    def abandon(self) -> None:
        """Forget what was armed: its reading is gone."""
        self.bodies.abandon()
        if self.level:
            self._disarm()

    def _disarm(self) -> None:
        self.removeObservers()
        self.snap.hide()
        self.level, self._node, self._taken = "", None, None
        self._session.is_placing = False
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if interaction is not None and interaction.GetCurrentInteractionMode() == _Interaction.Place:
            interaction.SetCurrentInteractionMode(_Interaction.ViewTransform)

    def _on_mouse_moved(self, node, _event) -> None:
        """Show where a click would snap to; a point that is measured already is moved without it."""
        if self._session.may_click and node is self._node:
            self.snap.look(node)

    def _hide_edge(self, *_) -> None:
        self.snap.hide()

    def _on_click(self, node, _event) -> None:
        points_ras_mm = placed_points(node)
        if len(points_ras_mm):  # the last is the one that was clicked
            self._taken, how = self.snap.taken(points_ras_mm[-1])
            self._ends = [*self._ends[: len(points_ras_mm) - 1], how]
        self._look_soon()

    def _look_soon(self, *_) -> None:
        # Slicer's own handling of the click comes to its end first.
        qt.QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        if not self.level:
            return
        if not self._session.may_change or self._node.GetScene() is None:
            self.abandon()
            return
        with self._messages.show_input_errors():
            points_ras_mm = self._take()
            mode = slicer.app.applicationLogic().GetInteractionNode().GetCurrentInteractionMode()
            if len(points_ras_mm) == 2:
                with self._messages.show_work(_("Measuring {level} …").format(level=self.level)):
                    self._finish(points_ras_mm)
            elif mode != _Interaction.Place:
                self.cancel()
            elif len(points_ras_mm) == 1 and not is_in_axial_view(points_ras_mm[0]):
                # A click outside the axial view gives the height: the edges come next.
                scroll_to(AXIAL, points_ras_mm[0])
                self._node.RemoveAllControlPoints()
            else:
                self._session.tell("level")

    def _take(self):
        """Move the end that was clicked onto the edge that was shown for it; return the ends that are placed."""
        points_ras_mm, taken_ras_mm, self._taken = placed_points(self._node), self._taken, None
        if taken_ras_mm is not None and len(points_ras_mm):
            index = len(points_ras_mm) - 1
            if (taken_ras_mm != points_ras_mm[index]).any():
                self._node.SetNthControlPointPositionWorld(index, taken_ras_mm)
                points_ras_mm[index] = taken_ras_mm
        return points_ras_mm

    def _finish(self, points_ras_mm) -> None:
        session, level, node = self._session, self.level, self._node
        origin = MidlineOrigin(ends=tuple(self._ends) if len(self._ends) == len(points_ras_mm) else ())
        try:
            set_midline(session.reading, level, points_ras_mm)
            move_into_slice(session.reading, level, session.measurer.stack)
            set_midline(session.reading, level, placed_points(node), origin)
        finally:
            self._disarm()
        session.measure_levels([level])
        refusal = session.refusal_of(level)
        if refusal:  # the level stays where it is, and the next is not armed over it
            self._messages.tell(refusal)
            return
        following = self._next_level(level)
        if following:
            self.arm(following)
            self._aim_at(following)
        else:
            self._on_placed()

    def _shows_placed_level(self) -> bool:
        """Return whether the axial view shows the slice of a level that is placed."""
        reading = self._session.reading
        nodes = [markup_node(reading, level, "midline") for level in placed_levels(reading)]
        return any(is_in_axial_view(placed_points(node)[0]) for node in nodes)

    def _aim_at(self, level: str) -> None:
        """Show where the body of a level is to be expected."""
        reading, centers_ras_mm = self._session.reading, {}
        for name in placed_levels(reading):
            points_ras_mm = placed_points(markup_node(reading, name, "midline"))
            if len(points_ras_mm) == 2:
                centers_ras_mm[name] = points_ras_mm.mean(axis=0)
        expected_ras_mm = expected_center(centers_ras_mm, LEVELS, level)
        if expected_ras_mm is not None:
            jump_to(self._middle_near(level, expected_ras_mm))

    def _middle_near(self, level: str, expected_ras_mm: np.ndarray) -> np.ndarray:
        """Return the mid-height of the body where a level is expected, as far as the CT shows it."""
        session = self._session
        measured = [] if session.result is None else session.result.levels
        if not measured:
            return expected_ras_mm
        nearest = min(measured, key=lambda of: abs(LEVELS.index(of.level) - LEVELS.index(level)))
        protocol = session.reading.protocol
        return body_middle_near(session.measurer.stack, level, expected_ras_mm, nearest, protocol)

    def _next_level(self, level: str) -> str:
        """Return the next caudal level of the means that is asked for and has no midline yet; empty when all have."""
        reading = self._session.reading
        done = {*placed_levels(reading), *reading.exclusions, *reading.skipped_levels}
        levels = MEAN_LEVELS[MEAN_LEVELS.index(level) + 1 :] if level in MEAN_LEVELS else ()
        return next((name for name in levels if name not in done), "")
