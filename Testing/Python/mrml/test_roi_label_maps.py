import numpy as np
import SimpleITK
import slicer

from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.mrml.reading_lifecycle import remove_reading
from LumbarHULib.mrml.reading_markups import set_midline
from LumbarHULib.mrml.roi_label_maps import write_label_maps


def test_the_voxels_under_each_value_have_the_mean_that_was_measured(reading, measurer, bodies):
    result = measurer.measure()
    nodes = write_label_maps(reading, result, measurer.stack)
    for roi, node in zip(ROIS, nodes, strict=True):
        labels = slicer.util.arrayFromVolume(node)
        assert labels.shape == bodies.ct.voxels_hu.shape
        assert set(np.unique(labels)) == {0, *(LABEL_VALUES[level.level] for level in result.levels)}
        for level in result.levels:
            mean_hu = bodies.ct.voxels_hu[labels == LABEL_VALUES[level.level]].mean()
            assert abs(mean_hu - level.rois[roi].values["mean_hu"]) < 1e-9


def test_a_label_map_saved_by_slicer_lies_on_the_cts_grid(reading, measurer, ct_node, tmp_path):
    nodes = write_label_maps(reading, measurer.measure(), measurer.stack)
    images = []
    for node, name in ((nodes[0], "labels.nrrd"), (ct_node, "ct.nrrd")):
        node.AddDefaultStorageNode(str(tmp_path / name))
        assert node.GetStorageNode().WriteData(node)
        images.append(SimpleITK.ReadImage(str(tmp_path / name)))
    labels, ct = images
    assert labels.GetSize() == ct.GetSize()
    assert np.allclose(labels.GetOrigin(), ct.GetOrigin())
    assert np.allclose(labels.GetDirection(), ct.GetDirection())


def test_a_second_request_updates_the_same_nodes(reading, measurer, bodies):
    before = write_label_maps(reading, measurer.measure(), measurer.stack)
    voxels_before = slicer.util.arrayFromVolume(before[0]).copy()
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"] + (1.6, 0, 0))
    again = write_label_maps(reading, measurer.measure(), measurer.stack)
    assert again == before
    changed = slicer.util.arrayFromVolume(again[0]) != voxels_before
    assert changed.any()
    assert set(np.unique(voxels_before[changed])) <= {0, LABEL_VALUES["L2"]}


def test_the_values_have_the_levels_names_and_are_removed_with_the_reading(reading, measurer, scene):
    nodes = write_label_maps(reading, measurer.measure(), measurer.stack)
    colors = nodes[0].GetDisplayNode().GetColorNode()
    assert {level: colors.GetColorName(value) for level, value in LABEL_VALUES.items()} == {
        level: level for level in LABEL_VALUES
    }
    remove_reading(reading)
    assert scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == 0
    assert colors.GetScene() is None
