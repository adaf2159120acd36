"""Read segmented vertebrae from the scene, in the same form as from a segmentation file."""

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.images.segment_levels import level_named
from LumbarHULib.images.segmentation_file import Segment, segments_in
from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of, world_from_node
from LumbarHULib.mrml.node_types import OrientedImageData, Scene, nodes_of_class
from LumbarHULib.mrml.other_protocols import other_label_maps
from LumbarHULib.mrml.reading import Reading, reading_nodes
from LumbarHULib.mrml.roi_label_maps import label_map_node
from LumbarHULib.mrml.roi_segmentations import segmentation_node

# The node classes that `segments_of_node` accepts.
SEGMENTATION_CLASSES = ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode")

_REPRESENTATION = "Binary labelmap"


def segmentations_in(scene: Scene) -> tuple[Any, ...]:
    """Return the segmentations and label-map volumes of a scene that are not LumbarHU's own regions."""
    own: set[Any] = set()
    for reading in map(Reading, reading_nodes(scene)):
        own.update(other_label_maps(reading))
        for roi in ROIS:
            own |= {segmentation_node(reading, roi), label_map_node(reading, roi)}
    found = []
    for name in SEGMENTATION_CLASSES:
        found += nodes_of_class(scene, name)
    return tuple(node for node in found if node not in own and not node.GetHideFromEditors())


def segments_of_node(node: Any) -> tuple[Segment, ...]:
    """Return the non-empty segments of a segmentation or label-map volume, with its parent transforms applied.

    Raises
    ------
    InputError
        When a segment has no binary label map, or the node is under a transform that is not rigid.
    """
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _label_map_segments(node)
    return _segmentation_segments(node)


def _label_map_segments(node: Any) -> tuple[Segment, ...]:
    labels = voxels_of(node)
    segments = segments_in(node.GetName(), labels, world_from_node(node) @ node_from_ijk(node), {})
    colors = None if node.GetDisplayNode() is None else node.GetDisplayNode().GetColorNode()
    if colors is None:
        return segments
    names = {segment.value: colors.GetColorName(segment.value) or "" for segment in segments}
    # A general color table uses the same values for other structures, so its names count only if they name vertebrae.
    if not any(map(level_named, names.values())):
        return segments
    described = {value: (name, "") for value, name in names.items()}
    return segments_in(node.GetName(), labels, world_from_node(node) @ node_from_ijk(node), described)


def _segmentation_segments(node: Any) -> tuple[Segment, ...]:
    segmentation, world = node.GetSegmentation(), world_from_node(node)
    images: dict[int, OrientedImageData] = {}
    described: dict[int, dict[int, tuple[str, str]]] = {}
    for name in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(name)
        image = segment.GetRepresentation(_REPRESENTATION)
        if image is None:
            raise InputError(
                f"The segment “{segment.GetName()}” of “{node.GetName()}” has no binary label map: create that "
                "representation in the Segmentations module."
            )
        images[id(image)] = image
        terminology = vtk.reference("")
        segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology)
        described.setdefault(id(image), {})[segment.GetLabelValue()] = (segment.GetName(), str(terminology))
    return tuple(
        segment
        for key, image in images.items()
        if image.GetPointData().GetScalars() is not None
        for segment in segments_in(node.GetName(), _voxels(image), world @ _node_from_first(image), described[key])
        if segment.value in described[key]
    )


def _voxels(image: OrientedImageData) -> np.ndarray:
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def _node_from_first(image: OrientedImageData) -> np.ndarray:
    """Return the matrix to mm from indices counted from the image's first voxel, wherever its extent begins."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    node_from_index = slicer.util.arrayFromVTKMatrix(matrix)
    node_from_index[:3, 3] += node_from_index[:3, :3] @ image.GetExtent()[::2]
    return node_from_index
