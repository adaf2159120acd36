import pytest
import slicer
import vtk

from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading_markups import markup_node
from LumbarHULib.mrml.subject_hierarchy import reading_folder


def hierarchy_of(scene):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def tree(hierarchy, item):
    """Return the names below an item as nested dicts."""
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, False)
    children = [ids.GetId(index) for index in range(ids.GetNumberOfIds())]
    return {hierarchy.GetItemName(child): tree(hierarchy, child) for child in children}


@pytest.mark.parametrize("with_patient", [False, True])
def test_a_reading_is_in_one_folder_under_its_ct(scene, ct_node, reading, with_patient):
    hierarchy = hierarchy_of(scene)
    if with_patient:
        study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "P"), "S")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct_node), study)
    ReadingMeasurer(reading).measure()
    below = tree(hierarchy, hierarchy.GetItemByDataNode(ct_node))
    assert list(below) == ["LumbarHU – Reader A – reading 1"]
    parts = below["LumbarHU – Reader A – reading 1"]
    assert list(parts) == ["Markups", "ROIs", "Tables"]
    assert set(parts["Markups"]) == {
        f"{level}-{role}" for level in ("L1", "L2", "L3", "L4") for role in ("midline", "boundary", "outline")
    }
    rois = ("right", "front", "left", "round", "oval")
    assert list(parts["ROIs"]) == [f"{roi} (CT, Reader A 1)" for roi in rois]
    assert list(parts["Tables"]) == ["HU by level (CT, Reader A 1)", "HU summary (CT, Reader A 1)"]


def test_measuring_again_makes_no_second_folder(scene, ct_node, measurer):
    measurer.measure()
    hierarchy = hierarchy_of(scene)
    before = tree(hierarchy, hierarchy.GetSceneItemID())
    measurer.measure()
    assert tree(hierarchy, hierarchy.GetSceneItemID()) == before


def test_a_renamed_or_moved_folder_still_belongs_to_the_reading(scene, reading, measurer):
    measurer.measure()
    hierarchy, folder = hierarchy_of(scene), reading_folder(reading)
    hierarchy.SetItemName(folder, "mine")
    hierarchy.SetItemParent(folder, hierarchy.GetSceneItemID())
    scene.RemoveNode(markup_node(reading, "L1", "boundary"))
    measurer.measure()
    assert reading_folder(reading) == folder
    item = hierarchy.GetItemByDataNode(markup_node(reading, "L1", "boundary"))
    assert hierarchy.GetItemName(hierarchy.GetItemParent(hierarchy.GetItemParent(item))) == "mine"


def test_when_the_ct_is_deleted_the_reading_stays(scene, ct_node, reading, measurer):
    measurer.measure()
    scene.RemoveNode(ct_node)
    hierarchy = hierarchy_of(scene)
    assert "LumbarHU – Reader A – reading 1" in tree(hierarchy, hierarchy.GetSceneItemID())


def test_two_readings_have_two_folders(scene, ct_node, start_reading):
    for reader in ("Reader A", "Reader B"):
        ReadingMeasurer(start_reading(reader)).measure()
    hierarchy = hierarchy_of(scene)
    below = tree(hierarchy, hierarchy.GetItemByDataNode(ct_node))
    assert list(below) == ["LumbarHU – Reader A – reading 1", "LumbarHU – Reader B – reading 1"]
