"""Never a number from a CT that is not the reading's, nothing hidden left behind, no folder overwritten."""

import pytest
from panel.orphans import nodes_of, orphans

SHIFT_HU = 30


@pytest.fixture
def driver(driver):
    """A reading of “CT” with L1 and L2 placed; None outside the application."""
    if driver is not None:
        driver.start_reading()
        driver.place(["L1", "L2"])
    return driver


@pytest.fixture
def other_ct(driver):
    """Another phase of the same patient: the same geometry, other voxels."""
    if driver is None:
        return None
    import slicer
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.self_test.synthetic_mouse import settle

    ct = plain_bodies().ct
    node = volume_node_from_ct(slicer.mrmlScene, CtVolume(ct.voxels_hu + SHIFT_HU, ct.ras_from_ijk), "other phase")
    settle()
    return node


def show(where, node):
    """Show a volume as a user may: everywhere, over the CT, or in one view alone."""
    import slicer

    if where == "background":
        slicer.util.setSliceViewerLayers(background=node)
    elif where == "foreground":
        slicer.util.setSliceViewerLayers(foreground=node, foregroundOpacity=0.5)
    else:
        composite = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID(None if node is None else node.GetID())


@pytest.mark.parametrize(
    "where", ["background", "one view", "nothing", pytest.param("foreground", marks=pytest.mark.proof)]
)
def test_no_click_is_taken_while_another_volume_is_shown(driver, other_ct, where):
    import numpy as np
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import placed_levels
    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click, drag, settle

    ui, before = driver.ui, driver.shown()
    bodies = plain_bodies().midlines_ras_mm
    driver.panel.placing.arm("L3")
    jump_to(bodies["L3"].mean(axis=0))
    click(AXIAL, bodies["L3"][0])
    assert len(driver.points("L3", "midline")) == 1
    show(where, None if where == "nothing" else other_ct)
    settle()
    assert ui.huShownFrame.visible
    assert ("no volume" if where == "nothing" else "“other phase”") in ui.huShownLabel.text
    assert "“CT” is read" in ui.huShownLabel.text
    assert ui.huNextStepButton.text == ui.huShowCtButton.text == "Show “CT”"
    assert not driver.panel.placing.is_armed
    assert len(driver.points("L3", "midline")) == 0
    for arm in (ui.huClickEachButton.click, lambda: driver.panel.levels.on_key("L3")):
        arm()
        assert not driver.panel.placing.is_armed
        assert "clicks are ignored" in ui.huMessageLabel.text
        click(AXIAL, bodies["L3"].mean(axis=0))
    assert placed_levels(driver.session.reading) == ("L1", "L2")
    driver.panel.levels.go_to("L2")
    driver.session.tell()
    end = driver.points("L2", "midline")[1]
    drag(AXIAL, end, (3.0, 0.0, 0.0))
    assert np.array_equal(driver.points("L2", "midline")[1], end)
    assert driver.shown() == before
    ui.huShowCtButton.click()
    settle()
    assert not ui.huShownFrame.visible
    drag(AXIAL, end, (3.0, 0.0, 0.0))
    assert not np.array_equal(driver.points("L2", "midline")[1], end)
    assert driver.shown() == driver.measured_afresh() != before
    driver.place(["L3"])
    assert list(driver.shown()) == ["L1", "L2", "L3"]


@pytest.mark.parametrize("where", ["foreground", pytest.param("background", marks=pytest.mark.proof)])
def test_the_ct_that_is_shown_is_read_by_one_click_and_its_reading_is_continued_by_the_next(driver, other_ct, where):
    from panel.test_at_a_glance import faults_of_text

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, first = driver.ui, driver.session.reading
    show(where, other_ct)
    settle()
    assert ui.huReadShownButton.text == "Read “other phase”"
    assert faults_of_text(driver.widget.parent) == []
    ui.huReadShownButton.click()
    settle()
    second = driver.session.reading
    assert (second.ct_node, second.reader, second.number) == (other_ct, "Reader A", 1)
    assert second.is_blinded
    assert not ui.huShownFrame.visible
    assert ui.huCtSelector.currentNode() is other_ct
    driver.place(["L1"])
    show("background", driver.ct_node)
    settle()
    ui.huReadShownButton.click()
    settle()
    assert (driver.session.reading, list(driver.shown())) == (first, ["L1", "L2"])
    assert driver.shown() == driver.measured_afresh()


def test_a_shown_volume_that_is_no_ct_is_not_offered_for_reading(driver):
    import numpy as np
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a mask")
    slicer.util.updateVolumeFromArray(node, np.zeros((4, 5, 6), dtype=np.uint8))
    show("background", node)
    settle()
    assert driver.ui.huShownFrame.visible
    assert not driver.ui.huReadShownButton.visible


def clone(node):
    """Clone a node as the Data module does."""
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    logic = slicer.vtkSlicerSubjectHierarchyModuleLogic
    copied = logic.CloneSubjectHierarchyItem(hierarchy, hierarchy.GetItemByDataNode(node))
    settle()
    return hierarchy.GetItemDataNode(copied)


def test_a_duplicate_of_the_ct_is_another_volume_even_under_the_same_name(driver, tmp_path):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, before = driver.ui, driver.shown()
    ui.huExportPath.currentPath = str(tmp_path / "export")
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    ui.huExportButton.click()
    (record,) = (tmp_path / "export").rglob("record.json")
    written = record.read_bytes()
    copy = clone(driver.ct_node)
    copy.SetName(driver.ct_node.GetName())
    slicer.util.arrayFromVolume(copy)[:] += SHIFT_HU  # as a filter does
    slicer.util.arrayFromVolumeModified(copy)
    show("background", copy)
    settle()
    assert ui.huShownLabel.text.endswith("is named “CT” as well: clicks are ignored until you choose.")
    driver.panel.levels.on_key("L3")
    assert not driver.panel.placing.is_armed
    assert (driver.shown(), driver.session.reading.ct_node) == (before, driver.ct_node)
    ui.huCtSelector.setCurrentNode(copy)
    settle()
    assert not driver.session.is_open
    driver.start_reading()
    driver.place(["L1", "L2"])
    assert driver.session.reading.ct_node is copy
    assert driver.shown() == driver.measured_afresh()
    assert driver.shown()["L1"]["round"] - before["L1"]["round"] == pytest.approx(SHIFT_HU, abs=1.0)
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    ui.huExportButton.click()
    assert "read on another CT, so it is not replaced" in ui.huMessageLabel.text
    assert record.read_bytes() == written


def test_undo_and_redo_stay_within_their_reading(driver):
    first = driver.session.reading
    driver.panel.levels.go_to("L1")
    driver.panel.levels.menu.reasons["fracture"].trigger()
    driver.start_reading("Reader B")
    driver.place(["L3"])
    for _ in range(5):
        driver.ui.huUndoButton.click()
    assert driver.shown() == {}
    assert first.exclusions == {"L1": "fracture"}
    combo = driver.ui.huReadingCombo
    combo.setCurrentIndex(combo.findData(first.node.GetID()))
    combo.activated(combo.currentIndex)
    assert driver.session.reading == first
    for _ in range(5):
        driver.ui.huRedoButton.click()
    assert first.exclusions == {"L1": "fracture"}
    assert list(driver.shown()) == ["L1", "L2"]


def test_a_renamed_ct_keeps_its_reading_its_case_and_its_numbers(driver):
    from LumbarHULib.self_test.synthetic_mouse import settle

    before = driver.shown()
    driver.ui.huCaseEdit.text = "case 1"
    driver.ui.huCaseEdit.editingFinished()
    driver.ct_node.SetName("renamed")
    settle()
    driver.session.measure()
    assert driver.shown() == before
    assert (driver.session.reading.case, driver.ui.huShownFrame.visible) == ("case 1", False)
    assert "renamed" in driver.ui.huHeadLabel.text


def test_a_case_belongs_to_its_ct_and_an_export_never_replaces_another(driver, other_ct, tmp_path):
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui = driver.ui
    ui.huExportPath.currentPath = str(tmp_path / "export")
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    ui.huExportButton.click()
    assert ui.huMessageLabel.text == ""
    (record,) = (tmp_path / "export").rglob("record.json")
    written = {path: path.read_bytes() for path in record.parent.rglob("*") if path.is_file()}
    ui.huCtSelector.setCurrentNode(other_ct)
    settle()
    assert ui.huCaseEdit.text == ""
    driver.start_reading()
    driver.place(["L1", "L2"])
    assert driver.session.reading.ct_node is other_ct
    assert driver.session.reading.case == ""
    ui.huExportButton.click()
    assert "The reading has no case" in ui.huMessageLabel.text
    ui.huCaseEdit.text = "case 1"  # two patients of one name
    ui.huCaseEdit.editingFinished()
    assert "the case “case 1” read on another CT: give this case another name" in ui.huMessageLabel.text
    driver.panel.questions.asked = []
    ui.huExportButton.click()
    assert driver.panel.questions.asked == []  # what is refused is not asked about
    assert "read on another CT, so it is not replaced" in ui.huMessageLabel.text
    assert {path: path.read_bytes() for path in record.parent.rglob("*") if path.is_file()} == written
    ui.huCaseEdit.text = "case 2"
    ui.huCaseEdit.editingFinished()
    assert ui.huMessageLabel.text == ""
    ui.huExportButton.click()
    assert ui.huMessageLabel.text == ""
    ui.huCtSelector.setCurrentNode(driver.ct_node)
    settle()
    assert ui.huCaseEdit.text == "case 1"
    other_ct.SetName("renamed")
    ui.huCtSelector.setCurrentNode(other_ct)
    settle()
    assert ui.huCaseEdit.text == "case 2"


def test_a_new_reading_of_the_same_name_asks_before_it_replaces_the_export_of_the_old_one(driver, tmp_path):
    ui, questions = driver.ui, driver.panel.questions
    ui.huExportPath.currentPath = str(tmp_path / "export")
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    ui.huExportButton.click()
    ui.huRemoveReadingButton.click()
    driver.start_reading()
    driver.place(["L1", "L2"])
    assert driver.session.reading.case == "case 1"
    questions.answer = False
    ui.huExportButton.click()
    assert "Replace it?" in questions.asked[-1]


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_deleted_ct_is_explained_and_leaves_nothing_hidden(driver, other_ct, is_signed):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui = driver.ui
    if is_signed:
        ui.huCaseEdit.text = "case 1"
        ui.huCaseEdit.editingFinished()
        ui.huSignButton.click()
    slicer.mrmlScene.RemoveNode(driver.ct_node)
    settle()
    assert ui.huLostFrame.visible
    assert "The CT was deleted" in ui.huLostLabel.text
    assert "Reader A – reading 1" in ui.huLostLabel.text
    assert not driver.session.is_open
    assert not ui.huShownFrame.visible  # nothing is read any more, whatever the views show
    assert "is read" not in driver.panel.view_line.text
    hidden = [
        node.GetName()
        for kind in ("vtkMRMLMarkupsNode", "vtkMRMLSegmentationNode")
        for node in nodes_of(slicer.mrmlScene, kind)
        if not node.GetDisplayNode().GetVisibility()
    ]
    assert hidden == []
    ui.huRemoveLostButton.click()
    settle()
    assert not ui.huLostFrame.visible
    assert nodes_of(slicer.mrmlScene, "vtkMRMLMarkupsNode") == []
    assert orphans(slicer.mrmlScene) == []
    assert any("was signed off" in question for question in driver.panel.questions.asked) == is_signed


def test_a_scene_merged_into_another_leaves_each_reading_with_its_own_ct(driver, other_ct, tmp_path):
    import slicer
    from panel.driver import means_of

    from LumbarHULib.mrml.measure_reading import ReadingMeasurer
    from LumbarHULib.mrml.reading import readings
    from LumbarHULib.self_test.synthetic_mouse import settle

    first, path = driver.shown(), str(tmp_path / "first.mrb")
    assert slicer.util.saveScene(path)
    driver.ui.huCtSelector.setCurrentNode(other_ct)
    settle()
    driver.start_reading("Reader B")
    driver.place(["L3"])
    second = driver.shown()
    slicer.util.loadScene(path)
    settle()
    found = {}
    for reading in readings(slicer.mrmlScene):
        found.setdefault(reading.reader, []).append(means_of(ReadingMeasurer(reading).measure()))
    assert found == {"Reader A": [first, first], "Reader B": [second]}
    if driver.session.is_open:
        assert driver.shown() == driver.measured_afresh()
        assert driver.session.reading.ct_node is driver.ui.huCtSelector.currentNode()
    assert orphans(slicer.mrmlScene) == []


def test_a_ct_that_moved_away_gives_no_number_and_says_why(driver):
    import slicer
    import vtk

    from LumbarHULib.self_test.synthetic_mouse import settle

    before = driver.shown()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "registration")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 12.0)
    transform.SetMatrixTransformToParent(matrix)
    driver.panel.placing.arm("L3")
    driver.ct_node.SetAndObserveTransformNodeID(transform.GetID())
    settle()
    assert not driver.panel.placing.is_armed
    assert driver.shown() == {}
    assert "was moved by 12.0 mm" in driver.session.refusal_of("L1")
    driver.ct_node.SetAndObserveTransformNodeID(None)
    settle()
    assert driver.shown() == before
    driver.ct_node.SetAndObserveTransformNodeID(transform.GetID())
    settle()
    assert driver.shown() == {}
    matrix.SetElement(2, 3, 0.0)  # the registration is reset
    transform.SetMatrixTransformToParent(matrix)
    settle()
    assert driver.shown() == before


def test_a_ct_whose_voxels_are_changed_gives_no_number_and_says_why(driver):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    before, voxels_hu = driver.shown(), slicer.util.arrayFromVolume(driver.ct_node)
    voxels_hu += SHIFT_HU
    slicer.util.arrayFromVolumeModified(driver.ct_node)
    settle()
    assert driver.shown() == {}
    assert "The voxels of the CT “CT” have changed" in driver.session.refusal_of("L1")
    voxels_hu -= SHIFT_HU
    slicer.util.arrayFromVolumeModified(driver.ct_node)
    settle()
    assert driver.shown() == before


def test_undo_takes_a_deletion_in_the_data_module_back_alone(driver):
    import slicer

    from LumbarHULib.mrml.reading_markups import markup_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.panel.levels.go_to("L1")
    driver.panel.levels.menu.reasons["fracture"].trigger()
    slicer.mrmlScene.RemoveNode(markup_node(driver.session.reading, "L2", "midline"))
    settle()
    assert "L2" not in driver.shown()
    driver.panel.levels.undo()
    assert list(driver.shown()) == ["L1", "L2"]
    assert driver.session.reading.exclusions == {"L1": "fracture"}
    driver.panel.levels.undo()
    assert driver.session.reading.exclusions == {}
