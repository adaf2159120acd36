"""The slice views: the layout for reading, and the way to a level."""

from contextlib import contextmanager

import numpy as np
import slicer
import vtk

from LumbarHULib.mrml.ct_node import set_bone_window

AXIAL, SAGITTAL, CORONAL = "Red", "Yellow", "Green"

# In the range that Slicer leaves to modules; the number of the study's year keeps away from others.
_LAYOUT_ID = 52022
_VIEW = (
    '<item><view class="vtkMRMLSliceNode" singletontag="{name}"><property name="orientation" action="default">'
    '{orientation}</property><property name="viewlabel" action="default">{name[0]}</property>'
    '<property name="viewcolor" action="default">{color}</property></view></item>'
)
_LAYOUT = (
    '<layout type="horizontal" split="true"><item splitSize="620">'
    + _VIEW.format(name=AXIAL, orientation="Axial", color="#F34A33")[len("<item>") :]
    + '<item splitSize="380"><layout type="vertical" split="true">'
    + _VIEW.format(name=SAGITTAL, orientation="Sagittal", color="#EDD54C")
    + _VIEW.format(name=CORONAL, orientation="Coronal", color="#6EB04B")
    + "</layout></item></layout>"
)

_FIELD_OF_VIEW_MM = {AXIAL: 90.0, SAGITTAL: 170.0, CORONAL: 170.0}
# Before a level is placed: more of the spine; from the side all of it, because the levels are counted there.
_SPINE_AXIAL_MM, _SPINE_SIDE_MM = 120.0, (230.0, 380.0)
_ZOOMED_MM, _OFF_SPINE_MM = 150.0, 20.0
_IN_PLANE_MM = 1e-3


class OwnLayout:
    """An arrangement of views of our own, with the one before it remembered.

    Parameters
    ----------
    number : int
        By which Slicer knows it.
    description : str
        Its XML.
    """

    def __init__(self, number: int, description: str) -> None:
        self._number, self._description = number, description
        self._before: int | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the views are arranged so now."""
        node = layout_node()
        return node is not None and node.GetViewArrangement() == self._number

    def show(self) -> None:
        """Arrange the views so."""
        node = layout_node()
        if not node.IsLayoutDescription(self._number):
            node.AddLayoutDescription(self._number, self._description)
        if not self.is_shown:
            self._before = node.GetViewArrangement()
            node.SetViewArrangement(self._number)

    def give_back(self) -> None:
        """Arrange the views as they were before, unless the user has chosen another arrangement since."""
        if self._before is not None and self.is_shown:
            layout_node().SetViewArrangement(self._before)
        self._before = None

    def give_back_to_other_modules(self) -> None:
        """Do so unless the user goes to Segment Editor to edit a region, and comes back."""
        if not _opens_segment_editor():
            self.give_back()


class ReadingLayout(OwnLayout):
    """Axial next to sagittal over coronal, in which a line shows the axial slice."""

    def __init__(self) -> None:
        super().__init__(_LAYOUT_ID, _LAYOUT)
        self._had_line: bool | None = None

    def show(self) -> None:
        """Arrange the views so, and draw the line of the axial slice in the others, again after another scene."""
        super().show()
        display = _axial_display()
        if display is not None:
            is_drawn = bool(display.GetIntersectingSlicesVisibility())
            self._had_line = is_drawn if self._had_line is None else self._had_line
            display.SetIntersectingSlicesVisibility(True)

    def give_back(self) -> None:
        """Arrange the views as they were before, and draw the line only if it was there."""
        display = _axial_display()
        if display is not None and self._had_line is not None:
            display.SetIntersectingSlicesVisibility(self._had_line)
        self._had_line = None
        super().give_back()


def _axial_display():
    """Return what says how the axial slice is drawn in other views; None where the application has no such view."""
    manager = slicer.app.layoutManager()
    widget = None if manager is None else manager.sliceWidget(AXIAL)
    return None if widget is None else widget.sliceLogic().GetSliceDisplayNode()


def layout_node():
    """Return what says how the views are arranged; None while the application closes."""
    manager = slicer.app.layoutManager()
    return None if manager is None else manager.layoutLogic().GetLayoutNode()


def slice_node(name: str):
    """Return the node of a slice view; None where the application has no such view."""
    widget = slicer.app.layoutManager().sliceWidget(name)
    return None if widget is None else widget.mrmlSliceNode()


def show_ct(ct_node) -> None:
    """Show a CT in all slice views, along its own planes, in a bone window."""
    set_bone_window(ct_node)
    slicer.util.setSliceViewerLayers(background=ct_node, fit=True, rotateToVolumePlane=True)


def shown_volumes() -> list:
    """Return the volumes that the layout's slice views show, the back- and the foreground; None where a view is empty.

    A foreground that is wholly transparent is not shown; label maps and segmentations lie over a volume and hide none.
    """
    layouts, found = slicer.app.layoutManager(), []
    for name in layouts.sliceViewNames():
        widget = layouts.sliceWidget(name)
        if widget.mrmlSliceNode().IsMappedInLayout():
            composite = widget.mrmlSliceCompositeNode()
            ids = [composite.GetBackgroundVolumeID()]
            if composite.GetForegroundVolumeID() and composite.GetForegroundOpacity() > 0:
                ids.append(composite.GetForegroundVolumeID())
            found += [slicer.mrmlScene.GetNodeByID(key) if key else None for key in ids]
    return found


def leave_automatic_window(ct_node) -> None:
    """Show a CT in a bone window where nobody chose another: Slicer's reader sets its own after it reports the CT."""
    display = None if ct_node is None else ct_node.GetDisplayNode()
    if display is not None and display.GetAutoWindowLevel():
        set_bone_window(ct_node)


def jump_to(point_ras_mm) -> None:
    """Center every slice view on a point, and zoom in on the body around it."""
    for name, size_mm in _FIELD_OF_VIEW_MM.items():
        _center(name, point_ras_mm, size_mm)


def zoom_on(spine_ras_mm, height_mm: float, sides: bool = False) -> None:
    """Zoom in on the spine where the views do not show it: axially on its slice, from the side on the height of the CT.

    Parameters
    ----------
    spine_ras_mm : numpy.ndarray, shape (3,)
        A point of the spine at half the height of the CT.
    height_mm : float
        Height of the CT; of one that is too high to count levels in, the sides show the part around the axial slice.
    sides : bool
        Whether to center the sagittal and coronal views even if they already show the spine.
    """
    at_slice_ras_mm, axial = spine_ras_mm, slice_node(AXIAL)
    if axial is not None:
        plane = slicer.util.arrayFromVTKMatrix(axial.GetSliceToRAS())
        at_slice_ras_mm = spine_ras_mm + ((plane[:3, 3] - spine_ras_mm) @ plane[:3, 2]) * plane[:3, 2]
    least_mm, most_mm = _SPINE_SIDE_MM
    if not is_zoomed():  # otherwise somebody has looked for a level already
        _center(AXIAL, at_slice_ras_mm, _SPINE_AXIAL_MM)
    elif _is_on_spine(spine_ras_mm) and not sides:
        return
    for name in (SAGITTAL, CORONAL):
        side_ras_mm = spine_ras_mm if height_mm <= most_mm else at_slice_ras_mm
        _center(name, side_ras_mm, min(max(height_mm, least_mm), most_mm))


def _is_on_spine(spine_ras_mm) -> bool:
    """Return whether the sagittal view shows a slice through the spine."""
    node = slice_node(SAGITTAL)
    if node is None:
        return True
    plane = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
    return abs((np.asarray(spine_ras_mm) - plane[:3, 3]) @ plane[:3, 2]) <= _OFF_SPINE_MM


def is_zoomed() -> bool:
    """Return whether the axial view is zoomed in already, as it is after a search for a level."""
    node = slice_node(AXIAL)
    return node is not None and min(node.GetFieldOfView()[:2]) <= _ZOOMED_MM


def _center(name: str, point_ras_mm, size_mm: float) -> None:
    node = slice_node(name)
    if node is not None:
        width_mm, height_mm, depth_mm = node.GetFieldOfView()
        scale = size_mm / max(min(width_mm, height_mm), 1e-3)
        node.SetFieldOfView(width_mm * scale, height_mm * scale, depth_mm)
        node.JumpSliceByCentering(*point_ras_mm)


def scroll_to(name: str, point_ras_mm) -> None:
    """Show a view's slice through a point, without moving the view sideways."""
    node = slice_node(name)
    if node is not None:
        node.JumpSliceByOffsetting(*point_ras_mm)


def show_midline(midline_ras_mm: np.ndarray) -> None:
    """Show the slices in which a midline can be taken hold of, from anterior to posterior point, shape (2, 3).

    A handle is drawn in its own slice alone. A midline that is turned runs through several sagittal ones: the front
    end's is shown.
    """
    scroll_to(AXIAL, midline_ras_mm.mean(axis=0))
    scroll_to(SAGITTAL, midline_ras_mm[0])


def is_in_axial_view(point_ras_mm) -> bool:
    """Return whether a point is in the plane that the axial view shows: only there a click means an edge."""
    node = slice_node(AXIAL)
    if node is None:
        return True
    plane = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
    return abs((np.asarray(point_ras_mm) - plane[:3, 3]) @ plane[:3, 2]) < _IN_PLANE_MM


def has_axial_view() -> bool:
    """Return whether the layout shows the axial view, in which midlines are placed."""
    node = slice_node(AXIAL)
    return node is not None and bool(node.IsMappedInLayout())


def is_in_sight(midline_ras_mm: np.ndarray) -> bool:
    """Return whether the axial view shows a midline, shape (2, 3): its slice, and both its ends."""
    node = slice_node(AXIAL)
    if not has_axial_view() or len(midline_ras_mm) != 2:
        return False
    plane = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
    width_mm, height_mm, depth_mm = node.GetFieldOfView()
    across_mm = np.abs((np.asarray(midline_ras_mm) - plane[:3, 3]) @ plane[:3, :3])
    return bool((across_mm <= np.array([width_mm, height_mm, max(depth_mm, _IN_PLANE_MM)]) / 2).all())


def show_as_outline(node) -> None:
    """Let a segmentation or label map hide nothing of the CT: its outline alone is drawn in the slice views."""
    if node.IsA("vtkMRMLSegmentationNode"):
        if node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility2DFill(False)
            node.GetDisplayNode().SetVisibility2DOutline(True)
        return
    for name in slicer.app.layoutManager().sliceViewNames():
        slice_node(name).SetUseLabelOutline(True)


@contextmanager
def rendering_paused():
    """Let the views wait until everything is written: they would draw each change at once otherwise."""
    slicer.app.pauseRender()
    try:
        yield
    finally:
        slicer.app.resumeRender()


def drawn_views() -> dict:
    """Return the layout's slice views and 3D views by their names."""
    layouts = slicer.app.layoutManager()
    views = {name: layouts.sliceWidget(name).sliceView() for name in layouts.sliceViewNames()}
    return views | {f"3D {n}": layouts.threeDWidget(n).threeDView() for n in range(layouts.threeDViewCount)}


def view_under_mouse() -> str:
    """Return the name of the slice view that the mouse is in; empty when it is in none."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    node = None if crosshair is None else crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0])
    return "" if node is None else node.GetLayoutName()


def window_position(name: str, point_ras_mm) -> tuple[int, int]:
    """Return where a slice view draws a point, in its pixels from the lower left."""
    xy_from_ras = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(slice_node(name).GetXYToRAS(), xy_from_ras)
    x, y, *_ = xy_from_ras.MultiplyPoint((*point_ras_mm, 1.0))
    return round(x), round(y)


def _opens_segment_editor() -> bool:
    window = slicer.util.mainWindow()
    return window is not None and window.moduleSelector().selectedModule == "SegmentEditor"
