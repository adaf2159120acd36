"""The edge that a click would snap to, drawn before it is taken."""

from typing import Any

import numpy as np
import slicer
import vtk

from LumbarHULib.files.drawing_colors import MARKUP_COLORS
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.views import AXIAL, is_in_axial_view, view_under_mouse, window_position
from LumbarHULib.placement.edge_near import edge_near

_SETTING = "LumbarHU/SnapToEdge"
_ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])
_MANAGER = "vtkMRMLMarkupsDisplayableManager"
_RING_PX, _RING_CORNERS, _LINE_PX = 9.0, 32, 2.0
_SAME_POINT_MM = 1e-6


class EdgeSnap:
    """Finds the edge of the body near the mouse while a midline is placed, and shows it as a ring.

    A click takes what is shown: the ring, or the point under the mouse where there is none. The end moves along the
    midline only: for the front end, along the patient's anteroposterior axis.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ring = _Ring()
        self._click_ras_mm: np.ndarray | None = None
        self._edge_ras_mm: np.ndarray | None = None

    @property
    def is_on(self) -> bool:
        """Whether clicks snap at all, by the user's own setting."""
        return slicer.app.userSettings().value(_SETTING) not in (False, "false")

    @is_on.setter
    def is_on(self, is_on: bool) -> None:
        slicer.app.userSettings().setValue(_SETTING, is_on)
        self.hide()

    @property
    def shown_ras_mm(self) -> np.ndarray | None:
        """The edge that is shown now, RAS mm; None where none is."""
        return self._edge_ras_mm

    def look(self, node) -> None:
        """Show the edge near the point of a midline's node that follows the mouse, or none."""
        point_ras_mm, placed_ras_mm = _following_point(node), _placed_point(node)
        if point_ras_mm is None:
            return  # it was clicked just now: what is shown is taken next
        if not self.is_on or _is_modifier_held() or not _is_over_axial_view(point_ras_mm):
            self.hide()
            return
        outward_ras = _ANTERIOR_RAS if placed_ras_mm is None else point_ras_mm - placed_ras_mm
        stack, values = self._session.measurer.stack, self._session.reading.protocol.outline
        edge_ras_mm = edge_near(stack, point_ras_mm, outward_ras, values)
        self._click_ras_mm, self._edge_ras_mm = point_ras_mm, edge_ras_mm
        self._ring.draw(edge_ras_mm)

    def taken(self, click_ras_mm: np.ndarray) -> tuple[np.ndarray, str]:
        """Return what a click takes, the edge that was shown for it or its own point, and which: see `END_ORIGINS`."""
        edge_ras_mm, shown_for_ras_mm = self._edge_ras_mm, self._click_ras_mm
        self.hide()
        if not self.is_on or _is_modifier_held():
            return click_ras_mm, "free"
        if edge_ras_mm is None or np.abs(click_ras_mm - shown_for_ras_mm).max() > _SAME_POINT_MM:
            return click_ras_mm, "clicked"
        return edge_ras_mm, "snapped"

    def hide(self) -> None:
        """Show no edge."""
        self._click_ras_mm = self._edge_ras_mm = None
        self._ring.draw(None)


def let_free_click_place(node) -> None:
    """Let a click with Ctrl or Alt place a midline's point in the axial view: by default Slicer takes none with either.

    It is given the state of placing at once, as Slicer itself gives it at the first mouse move without a modifier only.
    Many window managers take Alt and click for themselves; Shift moves Slicer's crosshair.
    """
    manager = slicer.app.layoutManager().sliceWidget(AXIAL).sliceView().displayableManagerByClassName(_MANAGER)
    widget = manager.GetWidget(node.GetDisplayNode())
    if widget is None:
        return
    for event, widget_event in (
        (vtk.vtkCommand.LeftButtonPressEvent, widget.WidgetEventReserved),
        (vtk.vtkCommand.LeftButtonReleaseEvent, widget.WidgetEventControlPointPlace),
    ):
        for modifier in (vtk.vtkEvent.ControlModifier, vtk.vtkEvent.AltModifier):
            widget.SetEventTranslation(widget.WidgetStateDefine, event, modifier, widget_event)
    widget.SetWidgetState(widget.WidgetStateDefine)


class _Ring:
    """A ring in the axial view. It is no node: nothing of it is in the scene, in its undo or in a file."""

    def __init__(self) -> None:
        self._actor: Any = None

    def draw(self, point_ras_mm: np.ndarray | None) -> None:
        """Draw the ring around a point, or not at all."""
        if point_ras_mm is None and (self._actor is None or not self._actor.GetVisibility()):
            return
        if self._actor is None:
            self._actor = _ring_actor()
        widget = slicer.app.layoutManager().sliceWidget(AXIAL)
        if widget is None:
            return
        view = widget.sliceView()
        renderer = view.displayableManagerByClassName(_MANAGER).GetRenderer()
        if point_ras_mm is None:
            self._actor.VisibilityOff()
            renderer.RemoveViewProp(self._actor)
        else:
            self._actor.SetPosition(*window_position(AXIAL, point_ras_mm))
            self._actor.VisibilityOn()
            renderer.AddViewProp(self._actor)
        view.scheduleRender()


def _ring_actor():
    angles = np.linspace(0.0, 2.0 * np.pi, _RING_CORNERS, endpoint=False)
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    cells.InsertNextCell(_RING_CORNERS + 1)
    for angle in angles:
        points.InsertNextPoint(_RING_PX * np.cos(angle), _RING_PX * np.sin(angle), 0.0)
    for index in range(_RING_CORNERS + 1):
        cells.InsertCellPoint(index % _RING_CORNERS)
    ring = vtk.vtkPolyData()
    ring.SetPoints(points)
    ring.SetLines(cells)
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputData(ring)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*MARKUP_COLORS["midline"])
    actor.GetProperty().SetLineWidth(_LINE_PX)
    return actor


def _following_point(node) -> np.ndarray | None:
    """Return the point that follows the mouse, RAS mm; None while the mouse is in no view."""
    return _point_of_status(node, slicer.vtkMRMLMarkupsNode.PositionPreview)


def _placed_point(node) -> np.ndarray | None:
    """Return the end that is placed already, RAS mm."""
    return _point_of_status(node, slicer.vtkMRMLMarkupsNode.PositionDefined)


def _point_of_status(node, status: int) -> np.ndarray | None:
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) == status:
            return np.array(node.GetNthControlPointPositionWorld(index))
    return None


def _is_over_axial_view(point_ras_mm: np.ndarray) -> bool:
    return view_under_mouse() == AXIAL and is_in_axial_view(point_ras_mm)


def _is_modifier_held() -> bool:
    widget = slicer.app.layoutManager().sliceWidget(AXIAL)
    interactor = None if widget is None else widget.sliceView().interactor()
    return interactor is not None and bool(interactor.GetAltKey() or interactor.GetControlKey())
