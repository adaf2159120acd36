"""Rods as nodes give the calibration that the same rods give as files and arrays."""

import numpy as np
import pytest
import SimpleITK
import slicer
import vtk
from core.rod_phantom import CENTERS_RAS_MM, labels_of, rod_ct

from LumbarHULib.api.calibrations import calibrate
from LumbarHULib.api.cts import ct_from_node
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.phantom_file import load_phantom
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.rod_nodes import calibration_input, rod_lines_in, rod_nodes_in, rods_of_lines, rods_of_node

PHANTOM = load_phantom("b-mas-200").phantom


@pytest.fixture
def phantom_node(scene):
    return volume_node_from_ct(scene, rod_ct(noise_hu=10.0), "phantom")


@pytest.fixture
def expected(phantom_node):
    return calibrate(ct_from_node(phantom_node), CENTERS_RAS_MM, "b-mas-200").document


def points_in(scene, names="ABCDE"):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "rods")
    for name in names:
        node.AddControlPointWorld(vtk.vtkVector3d(*CENTERS_RAS_MM[name]), name.lower())
    return node


def label_map_in(scene, phantom_node, labels):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "rod labels")
    node.CopyOrientation(phantom_node)
    slicer.util.updateVolumeFromArray(node, labels)
    return node


def segmentation_in(scene, phantom_node, names="ABCDE", shift_mm=0.0):
    """Return a segmentation whose segments are cropped, as Slicer keeps them."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "rod segments")
    labels = labels_of(ct_from_node(phantom_node).ct)
    for value, name in enumerate(names, start=1):
        k, j, i = (np.unique(indices) for indices in np.nonzero(labels == value))
        image = slicer.vtkOrientedImageData()
        image.SetExtent([int(edge) for axis in (i, j, k) for edge in (axis[0] - 1, axis[-1] + 1)])
        matrix = vtk.vtkMatrix4x4()
        phantom_node.GetIJKToRASMatrix(matrix)
        matrix.SetElement(0, 3, matrix.GetElement(0, 3) + shift_mm)
        image.SetImageToWorldMatrix(matrix)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        image.GetPointData().GetScalars().Fill(0)
        for at_k, at_j, at_i in np.argwhere(labels == value):
            image.SetScalarComponentFromDouble(int(at_i), int(at_j), int(at_k), 0, 1)
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetLabelValue(1)
        segment.AddRepresentation("Binary labelmap", image)
        node.GetSegmentation().AddSegment(segment, f"segment {name}")
    return node


def test_points_give_the_calibration_of_the_same_points(scene, phantom_node, expected):
    rods = rods_of_node(points_in(scene), PHANTOM, phantom_node)
    assert calibrate(ct_from_node(phantom_node), rods, "b-mas-200").document == expected


def test_points_under_a_transform_are_where_the_scene_shows_them(scene, phantom_node, expected):
    node = points_in(scene)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "move")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 30.0)
    transform.SetMatrixTransformToParent(matrix)
    for one in (node, phantom_node):
        one.SetAndObserveTransformNodeID(transform.GetID())
    rods = rods_of_node(node, PHANTOM, phantom_node)
    assert rods["a"][0] == pytest.approx(CENTERS_RAS_MM["A"][0] + 30.0)
    fitted = calibrate(ct_from_node(phantom_node), rods, "b-mas-200").document["fit"]
    assert fitted["slope_hu_per_mg_cc"] == pytest.approx(expected["fit"]["slope_hu_per_mg_cc"], rel=1e-9)


def test_lines_of_the_cylinders_length_give_the_same_numbers(scene, phantom_node, expected, tmp_path):
    for name, center_ras_mm in CENTERS_RAS_MM.items():
        node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
        for along_mm in (-5.0, 5.0):
            node.AddControlPointWorld(vtk.vtkVector3d(*np.add(center_ras_mm, (0, 0, along_mm))))
    scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "L3-midline")
    lines = rod_lines_in(scene, PHANTOM)
    assert [node.GetName() for node in lines] == list("ABCDE")
    ct = ct_from_node(phantom_node)
    path = calibration_input(rods_of_lines(lines), ct.ct, tmp_path)
    found = calibrate(ct, path, "b-mas-200").document
    assert (found["rods"], found["fit"]) == (expected["rods"], expected["fit"])
    assert found["regions"] == {"from": "lines", "radius_mm": 4.0, "length_mm": None}


def test_a_label_map_and_a_segmentation_give_what_their_file_gives(scene, phantom_node, tmp_path):
    ct = ct_from_node(phantom_node)
    labels = labels_of(ct.ct)
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing((0.8, 0.8, 2.5))
    image.SetOrigin((-60.0, -30.0, 0.0))
    SimpleITK.WriteImage(image, str(tmp_path / "by hand.nrrd"))
    expected = calibrate(ct, tmp_path / "by hand.nrrd", "b-mas-200").document
    assert expected["regions"] == {"from": "label map"}
    assert expected["rods"][0]["mean_hu"] == pytest.approx(ct.voxels_hu[labels == 1].mean(), rel=1e-12)
    for node in (label_map_in(scene, phantom_node, labels), segmentation_in(scene, phantom_node)):
        rods = rods_of_node(node, PHANTOM, phantom_node)
        assert np.array_equal(rods, labels)
        path = calibration_input(rods, ct.ct, tmp_path)
        assert calibrate(ct, path, "b-mas-200").document == expected


def test_only_nodes_that_can_mark_rods_are_offered(scene, phantom_node, reading):
    from LumbarHULib.mrml.measure_reading import ReadingMeasurer

    ReadingMeasurer(reading).measure()
    points = points_in(scene)
    hidden = points_in(scene)
    hidden.SetHideFromEditors(True)
    labels = label_map_in(scene, phantom_node, labels_of(ct_from_node(phantom_node).ct))
    assert rod_nodes_in(scene) == (points, labels)


def test_each_mistake_is_one_sentence(scene, phantom_node, ct_node, tmp_path):
    labels = labels_of(ct_from_node(phantom_node).ct)
    twice = points_in(scene, "AAB")
    nameless = points_in(scene)
    nameless.SetNthControlPointLabel(2, " ")
    for node, ct, sentence in (
        (twice, phantom_node, "The rod a is marked twice"),
        (nameless, phantom_node, "A point in “rods” has no name"),
        (points_in(scene, ""), phantom_node, "contains no placed point"),
        (label_map_in(scene, phantom_node, labels), ct_node, "The label map “rod labels” is on another grid"),
        (segmentation_in(scene, phantom_node, "ABCDX"), phantom_node, "The segment “X” of “rod segments” is not a rod"),
        (segmentation_in(scene, phantom_node, shift_mm=0.3), phantom_node, "“A” of “rod segments” is not on the CT's"),
    ):
        with pytest.raises(InputError, match=sentence):
            rods_of_node(node, PHANTOM, ct)
    short = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "A")
    short.AddControlPointWorld(vtk.vtkVector3d(*CENTERS_RAS_MM["A"]))
    ct = ct_from_node(phantom_node)
    path = calibration_input(rods_of_lines([short]), ct.ct, tmp_path)
    with pytest.raises(InputError, match=r"The line A in .* has 1 points: give its two ends"):
        calibrate(ct, path, "b-mas-200")
