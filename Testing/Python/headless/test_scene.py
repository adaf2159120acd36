import gc

import numpy as np
import pytest
import slicer

from LumbarHULib.headless.scene import headless_scene


def test_a_scene_has_everything_that_nodes_need(capfd):
    with headless_scene() as scene:
        line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
        line.AddControlPoint(0, 0, 0)
        line.AddControlPoint(0, 30, 0)
        # Units come from the units logic, color tables from the color logic.
        assert line.GetPropertiesLabelText().strip() == "30.00mm"
        volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        slicer.util.updateVolumeFromArray(volume, np.zeros((3, 4, 5), np.int16))
        volume.CreateDefaultDisplayNodes()
        assert volume.GetDisplayNode().GetColorNode() is not None
    assert "|" not in capfd.readouterr().err


def test_a_bundle_goes_from_one_scene_to_another(tmp_path, capfd):
    path = str(tmp_path / "scene.mrb")
    with headless_scene() as first, headless_scene() as second:
        volume = first.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
        slicer.util.updateVolumeFromArray(volume, voxels)
        assert first.WriteToMRB(path)
        assert second.ReadFromMRB(path, True)
        assert np.array_equal(slicer.util.arrayFromVolume(second.GetFirstNodeByName("CT")), voxels)
    assert "|" not in capfd.readouterr().err


def test_every_scene_is_empty_of_the_one_before():
    counts = []
    for _ in range(3):
        with headless_scene() as scene:
            counts.append(scene.GetNumberOfNodes())
            scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    assert len(set(counts)) == 1


def test_an_item_of_the_hierarchy_is_removed_with_its_node():
    with headless_scene() as scene:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        node = scene.AddNewNodeByClass("vtkMRMLTextNode")
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
        count = hierarchy.GetNumberOfItems()
        scene.RemoveNode(node)
        assert hierarchy.GetNumberOfItems() == count - 1


def fail_in_a_scene(nodes):
    with headless_scene() as scene:
        nodes.append(scene.AddNewNodeByClass("vtkMRMLTextNode"))
        raise ZeroDivisionError


def test_temporary_files_and_nodes_are_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nodes = []
    with pytest.raises(ZeroDivisionError):
        fail_in_a_scene(nodes)
    (node,) = nodes
    assert node.GetScene() is None
    gc.collect()
    assert list(tmp_path.iterdir()) == []
