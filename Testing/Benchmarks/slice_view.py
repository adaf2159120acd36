"""Time the handler while an axial slice view of 700 × 700 pixels, drawn off-screen, shows the scene.

Run it in a separate process, because VTK ends the process where the machine cannot draw.
"""

import time

import slicer
import vtk
from scene_jobs import DRAGGED_ROLES, drag, measured_reading
from timing import Figures
from workload import DRAGGED_LEVEL, Workload

from LumbarHULib.mrml.measure_reading import ReadingMeasurer

_SIZE_PX = 700
_MANAGERS = ("vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLMarkupsDisplayableManager")
_WINDOW_HU, _LEVEL_HU = 500.0, 100.0


class SliceView:
    """The content of Slicer's slice view: a slice of the CT, the segments and the markups."""

    def __init__(self, scene, ct_node):
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLScene(scene)
        slice_node = self._logic.AddSliceNode("Red")
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetSize(_SIZE_PX, _SIZE_PX)
        renderer = vtk.vtkRenderer()
        self.window.AddRenderer(renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self.window)

        # The image comes first, because later actors are drawn over it.
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        image = vtk.vtkActor2D()
        image.SetMapper(mapper)
        image.GetProperty().SetDisplayLocationToBackground()
        renderer.AddViewProp(image)

        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._logics = _view_logics(scene)
        factory.SetMRMLApplicationLogic(self._logics[0])
        for name in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._managers = slicer.vtkMRMLDisplayableManagerGroup()
        self._managers.Initialize(factory, renderer)
        self._managers.SetMRMLDisplayableNode(slice_node)
        # As in the application, a change requests a redraw, which happens after the handler.
        self._managers.AddObserver("UpdateEvent", lambda *_: None)

        display = ct_node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevel(_WINDOW_HU, _LEVEL_HU)
        self._logic.GetSliceCompositeNode().SetBackgroundVolumeID(ct_node.GetID())
        slice_node.SetOrientationToAxial()
        slice_node.RotateToVolumePlane(ct_node)
        self._logic.ResizeSliceNode(_SIZE_PX, _SIZE_PX)
        self._logic.FitSliceToAll(_SIZE_PX, _SIZE_PX)
        mapper.SetInputConnection(self._logic.GetImageDataConnection())
        self._slice_node = slice_node

    def show(self, point_ras_mm, field_of_view_mm: float) -> None:
        """Center the view on a point of the CT."""
        self._slice_node.JumpSliceByCentering(*point_ras_mm)
        depth_mm = self._slice_node.GetFieldOfView()[2]
        self._slice_node.SetFieldOfView(field_of_view_mm, field_of_view_mm, depth_mm)

    def draw(self) -> None:
        """Redraw the view."""
        self._logic.UpdatePipeline()
        self.window.Render()

    def close(self) -> None:
        """Disconnect the view from the scene."""
        self._managers.SetMRMLDisplayableNode(None)
        self._logic.SetMRMLScene(None)


def _view_logics(scene) -> list:
    """Return the logics that tell views how to draw each kind of markup."""
    application = slicer.vtkMRMLApplicationLogic()
    application.SetMRMLScene(scene)
    markups = slicer.vtkSlicerMarkupsLogic()
    markups.SetMRMLApplicationLogic(application)
    markups.SetMRMLScene(scene)
    markups.RegisterMarkupsNode(slicer.vtkMRMLMarkupsLineNode(), slicer.vtkSlicerLineWidget())
    markups.RegisterMarkupsNode(slicer.vtkMRMLMarkupsClosedCurveNode(), slicer.vtkSlicerCurveWidget())
    application.SetModuleLogic("Markups", markups)
    return [application, markups]


def time_in_view(workload: Workload, repeats: int) -> dict[str, Figures]:
    """Return the times of dragging each line and of redrawing: ``boundary``, ``midline`` and ``redraw``."""
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_ERROR)
    with measured_reading(workload) as measurer:
        view = SliceView(measurer.reading.scene, measurer.reading.ct_node)
        try:
            return _timed(measurer, view, workload, repeats)
        finally:
            view.close()


def _timed(measurer: ReadingMeasurer, view: SliceView, workload: Workload, repeats: int) -> dict[str, Figures]:
    view.show(workload.landmarks[DRAGGED_LEVEL].midline_ras_mm.mean(axis=0), 120.0)
    view.draw()
    taken: dict[str, list[float]] = {"redraw": []}
    for role in DRAGGED_ROLES:
        job = drag(measurer, role)
        taken[role] = []
        for index in range(-3, repeats):
            begin = time.perf_counter()
            job(index)
            handled = time.perf_counter()
            view.draw()
            if index >= 0:
                taken[role].append((handled - begin) * 1e3)
                taken["redraw"].append((time.perf_counter() - handled) * 1e3)
    return {name: Figures(tuple(values)) for name, values in taken.items()}
