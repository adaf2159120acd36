"""Which markups and regions are seen, which can be moved, and the levels' names next to the spine."""

from typing import Any

import slicer

from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.mrml.reading import Reading, reading_nodes
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, markup_node, placed_levels
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.panel.views import AXIAL, CORONAL, SAGITTAL, slice_node

_OTHER_LEVELS_OPACITY = 0.45
_HIDDEN_GLYPH_SCALE = 0.1
# The outline's points are handles only while it is being edited. Slicer makes lines as thick as a part of a handle.
_EDITED_GLYPH_SCALE, _QUIET_GLYPH_SCALE = 2.5, 0.8
_EDITED_THICKNESS, _QUIET_THICKNESS = 0.2, 0.6
_NAME_COLOR = (1.0, 1.0, 1.0)


def apply_locks(session) -> None:
    """Let only the current level's markups be moved, and its outline only while it is being edited."""
    if not session.is_open:
        return
    for level in LEVELS:
        for role in MARKUP_ROLES:
            node = markup_node(session.reading, level, role)
            if node is None:
                continue
            is_free = level == session.level and (role != "outline" or session.edits_outline) and session.may_click
            if node.GetLocked() == is_free:
                node.SetLocked(not is_free)
            display = node.GetDisplayNode()
            if display is not None:
                _set(display, "Opacity", 1.0 if level == session.level else _OTHER_LEVELS_OPACITY)
                if role == "outline":
                    _set(display, "GlyphScale", _EDITED_GLYPH_SCALE if is_free else _QUIET_GLYPH_SCALE)
                    _set(display, "LineThickness", _EDITED_THICKNESS if is_free else _QUIET_THICKNESS)


def show_only(scene, current: Reading | None, shown_rois) -> None:
    """Show one reading's markups and the wanted regions of it; hide those of all others."""
    for reading in map(Reading, reading_nodes(scene)):
        # Nothing hidden is left behind by a CT that was deleted.
        is_current = reading == current or reading.ct_node is None
        for level in LEVELS:
            for role in MARKUP_ROLES:
                _set_visible(markup_node(reading, level, role), is_current)
        for roi in ROIS:
            _set_visible(segmentation_node(reading, roi), is_current and (roi in shown_rois or reading.ct_node is None))


def _set(display, what: str, value: float) -> None:
    if getattr(display, f"Get{what}")() != value:
        getattr(display, f"Set{what}")(value)


def _set_visible(node, is_visible: bool) -> None:
    display = None if node is None else node.GetDisplayNode()
    if display is not None and bool(display.GetVisibility()) != is_visible:
        display.SetVisibility(is_visible)


class AxialRegions:
    """What follows a dragged point drawn in the axial view alone, and regions either filled or as contours.

    Three views would take thrice as long, and a view's contours as long as its fills. What the user wants to see where
    is remembered; what is not to be seen in the axial view stays as it is.
    """

    def __init__(self) -> None:
        self._views_before: list[tuple] = []
        self._contours_before: list = []

    def begin(self, reading: Reading, followers=()) -> None:
        """Draw the regions, and the markups that follow the dragged one, in the axial view alone."""
        axial = slice_node(AXIAL)
        if axial is None or self._views_before:
            return
        regions = [_display_of(segmentation_node(reading, roi)) for roi in ROIS]
        for display in [*regions, *map(_display_of, followers)]:
            if display is not None and display.IsDisplayableInView(axial.GetID()):
                self._views_before.append((display, display.GetViewNodeIDs()))
                display.SetViewNodeIDs([axial.GetID()])
        for display in regions:
            if display is not None and display.GetVisibility2DFill() and display.GetVisibility2DOutline():
                self._contours_before.append(display)
                display.SetVisibility2DOutline(False)

    def end(self) -> None:
        """Draw everything where and as it was drawn before."""
        for display, views in self._views_before:
            display.SetViewNodeIDs(views)
        for display in self._contours_before:
            display.SetVisibility2DOutline(True)
        self._views_before, self._contours_before = [], []


def _display_of(node):
    return None if node is None else node.GetDisplayNode()


class LevelNames:
    """The names of the placed levels, in the sagittal and the coronal view; they belong to the panel, not the scene."""

    def __init__(self) -> None:
        self._node: Any = None

    def refresh(self, session) -> None:
        """Write each name at the middle of its level's midline."""
        if not session.is_open:
            self.remove()
            return
        if self._node is None or self._node.GetScene() is None:
            self._node = _names_node()
        wanted = {}
        for level in placed_levels(session.reading):
            result = session.level_result(level)
            if result is not None:
                wanted[level] = result.midline_ras_mm.mean(axis=0)
        state_before = self._node.StartModify()
        self._node.RemoveAllControlPoints()
        for level, center_ras_mm in wanted.items():
            self._node.AddControlPointWorld(center_ras_mm, level)
        self._node.EndModify(state_before)

    def remove(self) -> None:
        """Take the names out of the scene."""
        if self._node is not None and self._node.GetScene() is not None:
            self._node.GetScene().RemoveNode(self._node)
        self._node = None


def _names_node():
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.UnRegister(None)
    node.SetName("LumbarHU level names")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    slicer.mrmlScene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    node.SetLocked(True)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetViewNodeIDs([slice_node(name).GetID() for name in (SAGITTAL, CORONAL) if slice_node(name) is not None])
    display.SetSliceProjection(True)
    display.SetSliceProjectionUseFiducialColor(True)
    display.SetSliceProjectionOpacity(1.0)
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(_HIDDEN_GLYPH_SCALE)
    display.SetTextScale(4.0)
    for set_color in (display.SetColor, display.SetSelectedColor, display.SetActiveColor):
        set_color(_NAME_COLOR)
    return node
