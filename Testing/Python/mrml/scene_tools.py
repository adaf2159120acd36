"""What several tests of the scene need: edits as Slicer's Segment Editor makes them, and a look into files."""

import numpy as np
import SimpleITK
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.mrml.roi_segmentations import segmentation_node


def move_point(node, index, shift_mm):
    """Move one control point of a markup, as a mouse does."""
    node.SetNthControlPointPosition(index, *np.add(node.GetNthControlPointPosition(index), shift_mm))


def label_values(reading) -> dict:
    """Return region → level → label value, as the scene has them."""
    found = {}
    for roi in ROIS:
        segmentation = segmentation_node(reading, roi).GetSegmentation()
        found[roi] = {name: segmentation.GetSegment(name).GetLabelValue() for name in segmentation.GetSegmentIDs()}
    return found


def true_values(levels) -> dict:
    return {roi: {level: LABEL_VALUES[level] for level in levels} for roi in ROIS}


def voxel_counts(reading, roi) -> dict:
    """Return level → voxels that bear its own label value, in the image that the segment points to."""
    segmentation = segmentation_node(reading, roi).GetSegmentation()
    counts = {}
    for name in segmentation.GetSegmentIDs():
        image = segmentation.GetSegment(name).GetRepresentation("Binary labelmap")
        counts[name] = int((vtk_to_numpy(image.GetPointData().GetScalars()) == LABEL_VALUES[name]).sum())
    return counts


def edit_by_hand(reading, roi, level, points_ras_mm, erase=False, overwrite_others=True):
    """Paint or erase the voxels at some points as Segment Editor's effects do, through its own logic."""
    node, scene = segmentation_node(reading, roi), reading.scene
    editor_node = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    overwriting = slicer.vtkMRMLSegmentEditorNode
    editor_node.SetOverwriteMode(overwriting.OverwriteAllSegments if overwrite_others else overwriting.OverwriteNone)
    logic = slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLScene(scene)
    logic.SetSegmentEditorNode(editor_node)
    logic.SetSegmentationNode(node)
    logic.SetSourceVolumeNode(reading.ct_node)
    editor_node.SetSelectedSegmentID(level)
    brush = slicer.vtkOrientedImageData()
    matrix = vtk.vtkMatrix4x4()
    reading.ct_node.GetIJKToRASMatrix(matrix)
    brush.SetImageToWorldMatrix(matrix)
    indices = voxels_at(reading.ct_node, points_ras_mm)
    low, high = indices.min(axis=0), indices.max(axis=0)
    brush.SetExtent([int(number) for pair in zip(low, high, strict=True) for number in pair])
    brush.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    array = vtk_to_numpy(brush.GetPointData().GetScalars()).reshape(brush.GetDimensions()[::-1])
    array[:] = 0
    array[tuple((indices - low)[:, ::-1].T)] = 1
    mode = logic.ModificationModeRemove if erase else logic.ModificationModeAdd
    logic.ModifySegmentByLabelmap(node, level, brush, mode, False, False)
    scene.RemoveNode(editor_node)


def voxels_at(volume_node, points_ras_mm) -> np.ndarray:
    """Return the voxels (i, j, k) that points lie in."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetRASToIJKMatrix(matrix)
    matrix = slicer.util.arrayFromVTKMatrix(matrix)
    return np.rint(np.asarray(points_ras_mm) @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)


def saved_values(node, path) -> dict:
    """Save a segmentation and return value → number of voxels, read by SimpleITK."""
    node.GetStorageNode().SetFileName(str(path))
    assert node.GetStorageNode().WriteData(node)
    values, counts = np.unique(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), return_counts=True)
    return {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}


def load_scene(scene, path):
    """Read a .mrb bundle into the scene, replacing its content."""
    assert scene.ReadFromMRB(str(path), True)
