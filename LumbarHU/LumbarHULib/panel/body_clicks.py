"""Proposed midlines by one click into each body, or into the first and the last of a row of them."""

from collections.abc import Callable, Sequence

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.node_types import MarkupsNode, MaybeNone
from LumbarHULib.mrml.proposals import check_click, place_between_clicks, place_from_click
from LumbarHULib.panel.messages import Messages
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.shown_volume import foreign_sentence
from LumbarHULib.panel.views import zoom_on
from LumbarHULib.panel.watcher import Watcher
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.spine_center import spine_center

_Markups = slicer.vtkMRMLMarkupsNode
_Interaction = slicer.vtkMRMLInteractionNode
_CLICKS_NODE = "LumbarHU clicks"


class BodyClicks(Watcher):
    """Waits for a click into one body after the other.

    Parameters
    ----------
    session : Session
    messages : Messages
    on_proposed : callable
        Called when the last body was clicked, and every midline is proposed.
    """

    def __init__(self, session: Session, messages: Messages, on_proposed: Callable[[], object]) -> None:
        super().__init__(session, messages)
        self._on_proposed = on_proposed
        self._node: MarkupsNode | MaybeNone = None
        self._dots: MaybeNone = None
        self._waiting: list[str] = []
        self._between: tuple[str, ...] = ()
        self._clicks_ras_mm: dict[str, np.ndarray] = {}
        self._above: list[BodyGuess] = []

    @property
    def is_armed(self) -> bool:
        """Whether the next click shows a body."""
        return bool(self._waiting)

    @property
    def is_between(self) -> bool:
        """Whether the clicks show the first and the last body of a row."""
        return self.is_armed and bool(self._between)

    @property
    def awaited(self) -> str:
        """Into which body the next click is: any, or the first or the last of a row of several; empty when none is."""
        if not self.is_armed:
            return ""
        if len(self._between) < 2:
            return "any"
        return "last" if len(self._waiting) == 1 else "first"

    @property
    def level(self) -> str:
        """The level whose body is to be clicked next; empty when none is."""
        return self._waiting[0] if self._waiting else ""

    def arm(self, levels: Sequence[str], between: Sequence[str] = ()) -> None:
        """Let the next clicks show the bodies of some levels, from cranial to caudal.

        Parameters
        ----------
        levels : sequence of str
            A click for each. Without `between` its midline is proposed at once.
        between : sequence of str
            These are proposed when all is clicked, those that were not clicked by counting.

        Raises
        ------
        InputError
            When the reading is signed off, or the views show another volume.
        """
        self._session.reading.require_open()
        require_shown(self._session)
        self._waiting, self._between = list(levels), tuple(between)
        self._clicks_ras_mm, self._above = {}, []
        self._node = _clicks_node(self._session.reading.scene)
        self._observe(self._node, {_Markups.PointPositionDefinedEvent: self._look_soon})
        self._dots = _clicks_node(self._session.reading.scene) if between else None
        self._aim()
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetPlaceModePersistence(True)
        interaction.SetCurrentInteractionMode(_Interaction.Place)
        self._observe(interaction, {_Interaction.InteractionModeChangedEvent: self._look_soon})
        stack = self._session.measurer.stack
        # Levels are counted in the sagittal view: the whole row is to be seen.
        zoom_on(spine_center(stack), len(stack.voxels_hu) * stack.slice_spacing_mm, sides=bool(between))
        self._session.tell()

    def stop(self) -> None:
        """Wait no longer; what was proposed stays."""
        if self.is_armed:
            self.abandon()
            if self._session.is_open:
                self._session.tell()

    def abandon(self) -> None:
        """Forget what was armed."""
        if not self.is_armed:
            return
        self.removeObservers()
        nodes, self._node, self._dots, self._waiting = (self._node, self._dots), None, None, []
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if interaction is not None and interaction.GetCurrentInteractionMode() == _Interaction.Place:
            interaction.SetCurrentInteractionMode(_Interaction.ViewTransform)
        if interaction is not None:
            interaction.SetPlaceModePersistence(False)
        for node in nodes:
            if node is not None and node.GetScene() is not None:
                node.GetScene().RemoveNode(node)

    def abandon_if_gone(self) -> None:
        """Forget what was armed when somebody removed its node."""
        if self.is_armed and self._node.GetScene() is None:
            self.abandon()

    def _aim(self) -> None:
        """Let clicks place points of our list; a markup that is made takes them for itself."""
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(self._node.GetID())

    def _look_soon(self, *_) -> None:
        # Slicer's own handling of the click comes to its end first.
        qt.QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        if not self.is_armed:
            return
        if not self._session.may_change or self._node.GetScene() is None:
            self.abandon()
            return
        points_ras_mm = placed_points(self._node)
        if slicer.app.applicationLogic().GetInteractionNode().GetCurrentInteractionMode() != _Interaction.Place:
            self.stop()
        elif len(points_ras_mm):
            self._node.RemoveAllControlPoints()
            with self._messages.show_input_errors(), self._messages.show_work(self._work()):
                self._take(points_ras_mm[0])
            if self.is_armed:
                self._aim()

    def _work(self) -> str:
        """Return what the next click lets the panel compute."""
        if self.is_between and len(self._waiting) == 1:
            return _("Finding the vertebrae …")
        return _("Finding {level} …").format(level=self.level)

    def _take(self, click_ras_mm: np.ndarray) -> None:
        """Propose what this click allows; on a refusal everything stays, and the same body waits for another click."""
        session, level = self._session, self.level
        if self._between and len(self._waiting) > 1:
            # Refused now rather than after the clicks that follow.
            check_click(session.reading, session.measurer.stack, level, click_ras_mm)
        self._clicks_ras_mm[level] = click_ras_mm
        if self._between and len(self._waiting) > 1:
            del self._waiting[0]
            self._show_dot(level, click_ras_mm)
            session.tell()
            return
        session.history.remember()
        try:
            if self._between:
                place_between_clicks(session.reading, session.measurer.stack, self._clicks_ras_mm, self._between)
            else:
                reading, stack = session.reading, session.measurer.stack
                self._above.append(place_from_click(reading, stack, level, click_ras_mm, self._above))
        except ValueError:
            session.history.give_up()
            raise
        is_last = len(self._waiting) == 1
        if is_last:
            self.abandon()
        else:
            del self._waiting[0]
        session.select_level(level)
        session.measure_levels(self._between if is_last and self._between else [level])
        if is_last:
            self._on_proposed()

    def _show_dot(self, level: str, click_ras_mm: np.ndarray) -> None:
        """Show which body was clicked, until the last one is: nothing is proposed before."""
        if self._dots.GetScene() is not None:
            self._dots.AddControlPointWorld(click_ras_mm, level)
            self._dots.GetDisplayNode().SetPointLabelsVisibility(True)
            self._dots.SetLocked(True)


def require_shown(session: Session) -> None:
    """Raise InputError while the views show another volume than the CT that is read."""
    problem = foreign_sentence(session)
    if problem:
        raise InputError(problem)


def _clicks_node(scene):
    """Return a point list that nobody sees and no scene file keeps."""
    node = scene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.UnRegister(None)
    node.SetName(_CLICKS_NODE)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetSaveWithScene(False)
    node.GetDisplayNode().SetPointLabelsVisibility(False)
    return node
