"""Copy the regions of a reading into label-map volumes on the CT's grid, for use in other modules."""

from types import MappingProxyType
from typing import Any

import numpy as np
import slicer

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.label_maps import stored_labels
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.mrml.ct_node import node_from_ijk
from LumbarHULib.mrml.node_types import Node, Scene, VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.subject_hierarchy import put_in_folder

# One color for each value; neighboring levels have distinct colors.
_LEVEL_COLORS = MappingProxyType(
    {
        "T12": (0.60, 0.60, 0.60),
        "L1": (0.90, 0.62, 0.00),
        "L2": (0.34, 0.71, 0.91),
        "L3": (0.00, 0.62, 0.45),
        "L4": (0.80, 0.47, 0.65),
        "L5": (0.94, 0.89, 0.26),
    }
)
_COLORS_ROLE = "level-colors"
_COLORS_OF_CT = "LumbarHU.level-colors"
_COLORS_NAME = "LumbarHU levels"


def label_map_node(reading: Reading, roi: str) -> Any:
    """Return the label map of a region; None where there is none."""
    return reading.node.GetNodeReference(f"{roi}-labels")


def level_colors_node(reading: Reading) -> Any:
    """Return the color node of the label maps; None where there are no label maps."""
    return reading.node.GetNodeReference(_COLORS_ROLE)


def write_label_maps(reading: Reading, result: ReadingResult, stack: AxialStack) -> tuple[VolumeNode, ...]:
    """Copy each region as measured into a label-map volume with the levels' label values.

    The label maps do not follow the markups; calling this function again updates them.

    Parameters
    ----------
    reading : Reading
    result : ReadingResult
        The measurement.
    stack : AxialStack
        The axial stack of which its masks are crops.

    Returns
    -------
    tuple of vtkMRMLLabelMapVolumeNode
        In the order of `ROIS`.
    """
    colors = level_colors_node(reading) or _make_colors(reading)
    return tuple(_write(reading, roi, result, stack, colors) for roi in ROIS)


def _write(reading: Reading, roi: str, result: ReadingResult, stack: AxialStack, colors: Node) -> VolumeNode:
    ct_node = reading.ct_node
    labels = stored_labels(stack, result.levels, roi)
    node = label_map_node(reading, roi)
    if node is None:
        name = f"{roi} label map{reading.owner_suffix}"
        node = reading.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
        reading.node.SetNodeReferenceID(f"{roi}-labels", node.GetID())
        put_in_folder(reading, "Label maps", node)
    state_before = node.StartModify()
    fill_label_map(node, ct_node, labels)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    node.EndModify(state_before)
    return node


def fill_label_map(node: VolumeNode, volume_node: VolumeNode, labels: np.ndarray) -> None:
    """Replace the voxels of a label map by label values, shape (K, J, I), on the grid of a volume."""
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(node_from_ijk(volume_node)))
    slicer.util.updateVolumeFromArray(node, labels)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())


def label_map_node_of(volume_node: VolumeNode, labels: np.ndarray, name: str) -> VolumeNode:
    """Add label values of levels to the scene as a label-map volume on a volume's grid, and return its node.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
        The CT.
    labels : numpy.ndarray of uint8, shape (K, J, I)
    name : str
        The new node's.
    """
    scene = volume_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    fill_label_map(node, volume_node, labels)
    node.CreateDefaultDisplayNodes()
    colors = volume_node.GetNodeReference(_COLORS_OF_CT)
    if colors is None:
        colors = _color_table(scene, _COLORS_NAME)
        volume_node.SetNodeReferenceID(_COLORS_OF_CT, colors.GetID())
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    return node


def _make_colors(reading: Reading) -> Node:
    node = _color_table(reading.scene, f"{_COLORS_NAME}{reading.owner_suffix}")
    reading.node.SetNodeReferenceID(_COLORS_ROLE, node.GetID())
    return node


def _color_table(scene: Scene, name: str) -> Node:
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetNumberOfColors(max(LABEL_VALUES.values()) + 1)
    node.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
    for level, value in LABEL_VALUES.items():
        node.SetColor(value, level, *_LEVEL_COLORS[level], 1.0)
    return node
