"""The points of a markup node, and how it is drawn."""

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LumbarHULib.files.drawing_colors import MARKUP_COLORS
from LumbarHULib.mrml.node_types import MarkupsNode

_GLYPH_SCALE = 3.0


def placed_points(node: MarkupsNode) -> np.ndarray:
    """Return the placed control points in RAS mm, shape (n, 3), without a point that still follows the mouse."""
    points = vtk.vtkPoints()
    points.SetDataTypeToDouble()  # the default, single precision, is 4e-6 mm off at 70 mm
    node.GetControlPointPositionsWorld(points)
    positions_mm = vtk_to_numpy(points.GetData()).astype(float).reshape(-1, 3)
    if node.GetNumberOfDefinedControlPoints() == len(positions_mm):
        return positions_mm
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    is_placed = [node.GetNthControlPointPositionStatus(index) == defined for index in range(len(positions_mm))]
    return positions_mm[is_placed]


def replace_points(node: MarkupsNode, role: str, points_ras_mm: np.ndarray) -> None:
    """Replace all points of a markup; its stored origin stays."""
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(points_ras_mm, dtype=float), deep=True))
    state_before = node.StartModify()
    if node.GetNumberOfControlPoints() != len(points_ras_mm):
        node.SetFixedNumberOfControlPoints(False)  # each change of this makes every view draw the markup anew
    node.SetControlPointPositionsWorld(points)
    node.EndModify(state_before)
    fix_point_count(node, role)


def description_of(node: MarkupsNode) -> str:
    """Return the stored origin of a markup; empty where there is none."""
    return node.GetNthControlPointDescription(0) if node.GetNumberOfControlPoints() else ""


def describe(node: MarkupsNode, text: str) -> None:
    """Store the origin of a markup in its first point's description, so that a file saved by hand contains it."""
    if node.GetNumberOfControlPoints() and node.GetNthControlPointDescription(0) != text:
        node.SetNthControlPointDescription(0, text)


def own_points(node: MarkupsNode) -> np.ndarray:
    """Return all control points before any parent transform, shape (n, 3)."""
    count = node.GetNumberOfControlPoints()
    return np.array([node.GetNthControlPointPosition(index) for index in range(count)]).reshape(-1, 3)


def fix_point_count(node: MarkupsNode, role: str) -> None:
    """Protect a line with both ends from the Delete key."""
    if role != "outline" and len(placed_points(node)) == 2:
        node.SetFixedNumberOfControlPoints(True)


def set_markup_display(node: MarkupsNode, role: str) -> None:
    """Set color and size, and hide the names and lengths that Slicer shows over the bone by default."""
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    state_before = display.StartModify()
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetSelectedColor(MARKUP_COLORS[role])
    display.SetColor(MARKUP_COLORS[role])
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(_GLYPH_SCALE)
    display.EndModify(state_before)
