"""Segments in the scene are read as those of a file: names, values, voxels, and where they lie."""

import numpy as np
import pytest
import slicer
import vtk

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.vertebra_segments import segments_of_node

# Nothing is symmetric: a swapped axis or a lost offset shows.
BOX = (slice(4, 7), slice(10, 15), slice(20, 27))
SHIFT_MM = (5.0, -7.0, 11.0)


@pytest.fixture
def label_map(scene, ct_node):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "vertebrae")
    node.CopyOrientation(ct_node)
    labels = np.zeros(ct_node.GetImageData().GetDimensions()[::-1], np.int16)
    labels[BOX] = 28
    labels[30:33, 10:15, 20:27] = 29
    slicer.util.updateVolumeFromArray(node, labels)
    return node


@pytest.fixture
def segmentation(scene, ct_node):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    node.CreateDefaultDisplayNodes()
    image = slicer.vtkOrientedImageData()  # as Slicer keeps it: cropped, counted on from the CT's first voxel
    image.SetExtent([edge for axis in reversed(BOX) for edge in (axis.start - 2, axis.stop + 1)])
    matrix = vtk.vtkMatrix4x4()
    ct_node.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.GetPointData().GetScalars().Fill(0)
    for k, j, i in np.argwhere(np.ones([axis.stop - axis.start for axis in BOX])):
        image.SetScalarComponentFromDouble(BOX[2].start + i, BOX[1].start + j, BOX[0].start + k, 0, 1)
    segment = slicer.vtkSegment()
    segment.SetName("vertebrae_L1")
    segment.SetLabelValue(1)
    segment.AddRepresentation("Binary labelmap", image)
    node.GetSegmentation().AddSegment(segment, "one")
    node.GetSegmentation().AddEmptySegment("two", "nothing yet")
    return node


def first_voxel_ras_mm(ct_node):
    """Return the position of the box's first voxel, by Slicer's own matrix."""
    matrix = vtk.vtkMatrix4x4()
    ct_node.GetIJKToRASMatrix(matrix)
    return matrix.MultiplyPoint((BOX[2].start, BOX[1].start, BOX[0].start, 1.0))[:3]


def moved(scene, node):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    for axis, shift_mm in enumerate(SHIFT_MM):
        matrix.SetElement(axis, 3, shift_mm)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())


def test_a_label_maps_segments_lie_where_its_voxels_do(label_map, ct_node):
    first, second = segments_of_node(label_map)
    assert (first.value, second.value, first.name) == (28, 29, "")
    assert first.inside.shape == (3, 5, 7)
    assert first.inside.all()
    assert np.allclose(first.ras_from_ijk[:3, 3], first_voxel_ras_mm(ct_node))


def test_a_color_table_names_the_segments_only_where_it_names_vertebrae(scene, label_map):
    label_map.CreateDefaultDisplayNodes()
    colors = scene.AddNewNodeByClass("vtkMRMLColorTableNode", "colors")
    colors.SetTypeToUser()
    colors.SetNumberOfColors(30)
    colors.SetColor(28, "liver", 1, 0, 0, 1)
    colors.SetColor(29, "spleen", 1, 1, 0, 1)
    label_map.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    assert [segment.name for segment in segments_of_node(label_map)] == ["", ""]
    colors.SetColor(28, "vertebrae_L4", 1, 0, 0, 1)
    assert [segment.name for segment in segments_of_node(label_map)] == ["vertebrae_L4", "spleen"]


def test_a_segmentations_segments_lie_where_its_voxels_do_and_empty_ones_are_kept_as_empty(segmentation, ct_node):
    segment, *others = segments_of_node(segmentation)
    assert not any(other.inside.any() for other in others)
    assert segment.name == "vertebrae_L1"
    assert segment.inside.shape == (3, 5, 7)
    assert np.allclose(segment.ras_from_ijk[:3, 3], first_voxel_ras_mm(ct_node))


def test_a_transform_moves_the_segments(scene, segmentation, label_map, ct_node):
    for node in (segmentation, label_map):
        moved(scene, node)
        place_ras_mm = segments_of_node(node)[0].ras_from_ijk[:3, 3]
        assert np.allclose(place_ras_mm, np.add(first_voxel_ras_mm(ct_node), SHIFT_MM))


def test_a_segment_without_voxels_to_read_is_refused(segmentation):
    segmentation.GetSegmentation().GetSegment("one").RemoveAllRepresentations()
    with pytest.raises(InputError, match=r"vertebrae_L1.*no binary label map"):
        segments_of_node(segmentation)
