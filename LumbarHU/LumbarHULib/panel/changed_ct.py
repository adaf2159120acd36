"""Measure again when the CT is moved or changed, by the reader or by another module."""

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.ct_node import ct_state
from LumbarHULib.mrml.node_types import VolumeNode
from LumbarHULib.panel.services import Places
from LumbarHULib.panel.session import Session

_EVENTS = (
    vtk.vtkCommand.ModifiedEvent,
    slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
    slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
)


class ChangedCt(VTKObservationMixin):
    """Watches the CT that is read, and measures again, once, when its voxels or its position changed.

    Parameters
    ----------
    session : Session
    placing : Places
        A click that was waited for meant the CT as it was.
    """

    def __init__(self, session: Session, placing: Places) -> None:
        VTKObservationMixin.__init__(self)
        self._session, self._placing = session, placing
        self._node: VolumeNode | None = None
        self._state: tuple[object, ...] = ()
        self._is_due = False

    def refresh(self, what: str) -> None:
        """Watch the CT of the reading that is open now."""
        if what != "all":
            return
        node = self._session.reading.ct_node if self._session.is_open else None
        if node is not self._node:
            self.removeObservers()
            self._node, self._state = node, _state_of(node)
            for event in _EVENTS if node is not None else ():
                self.addObserver(node, event, self._look_soon)

    def _look_soon(self, *_) -> None:
        # A registration or a filter changes a CT many times in a row.
        if not self._is_due:
            self._is_due = True
            qt.QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        self._is_due = False
        session, node = self._session, self._node
        if node is None or not session.is_open or session.reading.ct_node is not node:
            return
        state = _state_of(node)
        if state != self._state and not slicer.mrmlScene.IsBatchProcessing():
            self._state = state
            self._placing.cancel()
            session.measure()


def _state_of(node) -> tuple:
    try:
        return () if node is None else ct_state(node)
    except InputError as problem:  # a transform that is not rigid
        return (node.GetID(), str(problem))
