"""Slice views: the application's own slice logic, displayable managers and interactor style, drawn off-screen."""

import time

import slicer
import vtk
from PySide6.QtCore import Property, QObject, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

# The view managers of qMRMLSliceView.cxx, then those that the modules Segmentations and Markups register.
_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)
_SIZES_PX = {"Red": (420, 420)}
_OTHER_SIZE_PX = (300, 300)
_UPDATES_PER_SECOND = 60.0


class qMRMLSliceView(QWidget):
    """What draws one slice, and takes the mouse's events."""

    def __init__(self, slice_logic, factory, size_px, is_paused, parent=None):
        super().__init__(parent)
        self._logic, self._is_paused = slice_logic, is_paused
        self._rate, self._asked_at, self._is_due = _UPDATES_PER_SECOND, None, False
        self._is_interrupted = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._request)
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)  # as the application, unless its user wants otherwise
        self._window.SetSize(*size_px)
        self._renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._interactor.SetSize(*size_px)
        self._interactor.EnableRenderOff()
        self._add_image()
        self._managers = factory.InstantiateDisplayableManagers(self._renderer)
        self._managers.SetMRMLDisplayableNode(slice_logic.GetSliceNode())
        self._managers.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: self.scheduleRender())
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetSliceLogic(slice_logic)
        self._style.SetDisplayableManagers(self._managers)
        self._style.SetInteractor(self._interactor)
        self._observation = slice_logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show_image())
        slice_logic.ResizeSliceNode(*size_px)
        self._window.Render()

    def _add_image(self):
        # Before the managers: what is added later is drawn over it.
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image = vtk.vtkActor2D()
        self._image.SetMapper(self._mapper)
        self._image.GetProperty().SetDisplayLocationToBackground()
        self._renderer.AddViewProp(self._image)
        self._show_image()

    def _show_image(self):
        connection = self._logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._image.SetVisibility(connection is not None)
        self.scheduleRender()

    def _set_rate(self, rate):
        self._rate = rate

    maximumUpdateRate = Property(float, lambda self: self._rate, _set_rate)

    def interactor(self):
        """Return the interactor of mouse events."""
        return self._interactor

    def interactorStyle(self):
        """Return the interactor's style."""
        return self._interactor.GetInteractorStyle()

    def interactorObserver(self):
        """Return the interactor style that translates events for the markups."""
        return self._style

    def displayableManagerByClassName(self, name):
        """Return the view's displayable manager of a class."""
        return self._managers.GetDisplayableManagerByClassName(name)

    def renderWindow(self):
        """Return the window."""
        return self._window

    def mrmlSliceNode(self):
        """Return the node of the view."""
        return self._logic.GetSliceNode()

    def scheduleRender(self):
        """Draw soon; at once when that was asked for longer ago than the update rate allows."""
        wait_s = 1.0 / self._rate if self._rate > 0 else 0.0
        if self._asked_at is None or self._is_interrupted:
            self._asked_at = time.monotonic()
            self._timer.start(int(wait_s * 1000))
        elif time.monotonic() - self._asked_at > wait_s:
            self._request()

    def interrupt(self):
        """Draw only when the scene, which begins to change as a whole, has come to rest."""
        self._is_interrupted = True

    def _scene_is_whole(self):
        scene = self._logic.GetMRMLScene()
        return scene is not None and not scene.IsBatchProcessing()

    def _request(self):
        if self._is_paused():
            self._is_due = True
        else:
            self.forceRender()

    def resume(self):
        """Perform the rendering requested while rendering was paused."""
        if self._is_due:
            self._is_due = False
            self.scheduleRender()

    def forceRender(self):
        """Draw now, where the layout shows the view."""
        self._timer.stop()
        self._asked_at, self._is_due, self._is_interrupted = None, False, False
        if self.mrmlSliceNode().IsMappedInLayout() and self._scene_is_whole():
            self._window.Render()

    def close_down(self):
        """Let go of the scene."""
        self._timer.stop()
        self._logic.RemoveObserver(self._observation)
        self._style.SetInteractor(None)
        self._managers.SetMRMLDisplayableNode(None)


class qMRMLSliceWidget(QWidget):
    """A slice view with its logic."""

    def __init__(self, slice_node, slice_logic, factory, is_paused):
        super().__init__()
        size_px = _SIZES_PX.get(slice_node.GetLayoutName(), _OTHER_SIZE_PX)
        self._logic = slice_logic
        self._view = qMRMLSliceView(slice_logic, factory, size_px, is_paused)
        QVBoxLayout(self).addWidget(self._view)

    def sliceView(self):
        """Return the slice view."""
        return self._view

    def sliceLogic(self):
        """Return the logic of the view."""
        return self._logic

    def mrmlSliceNode(self):
        """Return the node of the view."""
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        """Return the node that names the volumes shown."""
        return self._logic.GetSliceCompositeNode()


class qSlicerLayoutManager(QObject):
    """The views, and which of them are shown."""

    def __init__(self, scene, application_logic):
        super().__init__()
        self._scene, self._application_logic, self._paused = scene, application_logic, 0
        self._logics = vtk.vtkCollection()
        application_logic.SetSliceLogics(self._logics)
        self._factory = _factory(application_logic)
        for event, is_paused in (("PauseRenderEvent", True), ("ResumeRenderEvent", False)):
            number = getattr(slicer.vtkMRMLApplicationLogic, event)
            application_logic.AddObserver(number, lambda *_, is_paused=is_paused: self.set_paused(is_paused))
        self._layout = slicer.vtkMRMLLayoutLogic()
        self._layout.SetMRMLApplicationLogic(application_logic)
        self._layout.SetMRMLScene(scene)
        self._widgets = {}
        self._layout.GetLayoutNode().SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
        node = self._layout.GetLayoutNode()
        self._layout_observation = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow_layout())
        ended = slicer.vtkMRMLScene.EndBatchProcessEvent
        self._observation = scene.AddObserver(ended, lambda *_: self._follow_layout())
        started = slicer.vtkMRMLScene.StartBatchProcessEvent
        self._start_observation = scene.AddObserver(started, lambda *_: self._interrupt_views())
        self._follow_layout()

    def sliceWidget(self, name):
        """Return a slice view by its name, or None."""
        return self._widgets.get(name)

    def sliceViewNames(self):
        """Return the names of the slice views."""
        return list(self._widgets)

    def mrmlSliceLogics(self):
        """Return the logics of the slice views."""
        return self._logics

    def layoutLogic(self):
        """Return the logic of the layout."""
        return self._layout

    def setLayout(self, number):
        """Arrange the views otherwise."""
        self._layout.GetLayoutNode().SetViewArrangement(number)

    threeDViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: 0)
    tableViewCount = Property(int, lambda self: 0)
    layout = Property(int, lambda self: self._layout.GetLayoutNode().GetViewArrangement(), setLayout)

    def set_paused(self, is_paused):
        """Let the views wait; several may ask for it."""
        self._paused = max(self._paused + (1 if is_paused else -1), 0)
        if not self._paused:
            for widget in self._widgets.values():
                widget.sliceView().resume()

    def close_down(self):
        """Let go of the scene."""
        self._scene.RemoveObserver(self._observation)
        self._scene.RemoveObserver(self._start_observation)
        self._layout.GetLayoutNode().RemoveObserver(self._layout_observation)
        for widget in self._widgets.values():
            widget.sliceView().close_down()
            widget.sliceLogic().SetMRMLScene(None)
        self._application_logic.SetSliceLogics(None)
        self._layout.SetMRMLScene(None)

    def _interrupt_views(self):
        for widget in self._widgets.values():
            widget.sliceView().interrupt()

    def _follow_layout(self):
        nodes = self._layout.GetViewNodes()
        shown = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        for node in shown:
            if node.IsA("vtkMRMLSliceNode") and node.GetLayoutName() not in self._widgets:
                self._add(node)
        for widget in self._widgets.values():
            node = widget.mrmlSliceNode()
            if bool(node.IsMappedInLayout()) != (node in shown):
                node.SetMappedInLayout(node in shown)

    def _add(self, slice_node):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self._application_logic)
        logic.SetMRMLScene(self._scene)
        logic.SetSliceNode(slice_node)
        self._logics.AddItem(logic)
        slice_node.SetMappedInLayout(1)
        widget = qMRMLSliceWidget(slice_node, logic, self._factory, lambda: self._paused > 0)
        self._widgets[slice_node.GetLayoutName()] = widget


def _factory(application_logic):
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(application_logic)
    for name in _MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    return factory
