import numpy as np
import pytest
import slicer
import vtk

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.ct_node import CtCache, ct_from_node, measurable_cts, volume_node_from_ct


def test_the_ct_of_a_node_is_the_ct_it_was_created_from(ct_node, bodies):
    ct = ct_from_node(ct_node)
    assert np.array_equal(ct.voxels_hu, bodies.ct.voxels_hu)
    assert ct.voxels_hu.dtype == np.int16
    assert np.array_equal(ct.ras_from_ijk, bodies.ct.ras_from_ijk)


def test_the_voxels_are_those_of_the_node_not_a_copy(ct_node):
    assert np.shares_memory(ct_from_node(ct_node).voxels_hu, slicer.util.arrayFromVolume(ct_node))


def test_the_node_keeps_a_sheared_matrix(scene, bodies):
    sheared = bodies.ct.ras_from_ijk.copy()
    sheared[1, 2] = 0.6
    ct = ct_from_node(volume_node_from_ct(scene, CtVolume(bodies.ct.voxels_hu, sheared), "tilted gantry"))
    assert ct.ras_from_ijk == pytest.approx(sheared, abs=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "float16", "uint64"])
def test_values_of_a_type_that_a_scene_lacks_stay_the_same_values(scene, dtype):
    voxels = np.arange(60).reshape(3, 4, 5).astype(dtype)
    ct = CtVolume.__new__(CtVolume)
    object.__setattr__(ct, "voxels_hu", voxels)
    object.__setattr__(ct, "ras_from_ijk", np.eye(4))
    node = volume_node_from_ct(scene, ct, "CT")
    assert np.array_equal(slicer.util.arrayFromVolume(node), voxels)


def test_a_transform_that_moves_the_ct_moves_what_is_measured(scene, ct_node, bodies):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "registered")
    moved = np.array([[1, 0, 0, 5.0], [0, 1, 0, -3.0], [0, 0, 1, 12.5], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moved))
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    assert ct_from_node(ct_node).ras_from_ijk == pytest.approx(moved @ bodies.ct.ras_from_ijk, abs=1e-12)


def test_a_transform_that_bends_the_ct_is_refused(scene, ct_node):
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    bend = vtk.vtkThinPlateSplineTransform()
    for landmarks, shift in ((vtk.vtkPoints(), 0), (vtk.vtkPoints(), 4)):
        for corner in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50), (30, 30, 30 + shift)):
            landmarks.InsertNextPoint(corner)
        (bend.SetTargetLandmarks if shift else bend.SetSourceLandmarks)(landmarks)
    bend.SetBasisToR()
    transform.SetAndObserveTransformToParent(bend)
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="“CT” is under the transform “bent”, which is not linear"):
        ct_from_node(ct_node)


def test_a_volume_without_voxels_is_refused(scene):
    with pytest.raises(InputError, match="has no voxels"):
        ct_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))


def test_a_color_image_is_refused(scene):
    node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photograph")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="3 values for each voxel"):
        ct_from_node(node)


def test_the_ct_is_checked_again_only_after_a_change(ct_node):
    protocol, cache = load_protocol().protocol, CtCache()
    stack = cache.stack(ct_node, protocol)
    assert cache.stack(ct_node, protocol) is stack

    slicer.util.arrayFromVolume(ct_node)[0, 0, 0] = -801
    slicer.util.arrayFromVolumeModified(ct_node)
    changed = cache.stack(ct_node, protocol)
    assert changed is not stack

    ct_node.SetOrigin(1, 2, 3)
    assert cache.stack(ct_node, protocol) is not changed


def test_a_ct_that_became_invalid_is_not_served_from_the_cache(ct_node):
    protocol, cache = load_protocol().protocol, CtCache()
    cache.stack(ct_node, protocol)
    slicer.util.arrayFromVolume(ct_node)[:] = 7
    slicer.util.arrayFromVolumeModified(ct_node)
    for _ in range(2):
        with pytest.raises(InputError, match="Every voxel of the CT is 7"):
            cache.stack(ct_node, protocol)


def test_only_volumes_that_can_be_a_ct_in_hu_are_offered(scene, ct_node, bodies):
    volume_node_from_ct(scene, bodies.ct, "another CT")
    for name, node_class in (("positive", "vtkMRMLScalarVolumeNode"), ("labels", "vtkMRMLLabelMapVolumeNode")):
        node = scene.AddNewNodeByClass(node_class, name)
        slicer.util.updateVolumeFromArray(node, np.abs(bodies.ct.voxels_hu))
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "without voxels")
    assert [node.GetName() for node in measurable_cts(scene)] == ["CT", "another CT"]
