"""What a new user stumbled over, each as a test of its own."""

import pytest


@pytest.fixture
def driver(application, tmp_path):
    """The panel with one CT; None outside the application."""
    if application is None:
        return None
    from panel.driver import Driver

    return Driver(tmp_path)


def test_the_button_of_the_reading_layout_tells_which_layout_is_shown(driver):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    node, button = slicer.app.layoutManager().layoutLogic().GetLayoutNode(), driver.ui.huLayoutButton
    button.checked = True
    ours = node.GetViewArrangement()
    node.SetViewArrangement(node.SlicerLayoutFourUpView)
    settle()
    assert not button.checked
    button.click()
    assert node.GetViewArrangement() == ours


def test_the_views_stay_as_they_are_for_segment_editor_and_come_back_at_the_level(driver):
    import slicer

    from LumbarHULib.panel.views import AXIAL, slice_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    driver.place(["L1", "L2"])
    driver.ui.huLayoutButton.checked = True
    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    ours, before = node.GetViewArrangement(), driver.panel.layout
    driver.panel.levels.go_to("L2")
    height_mm = slice_node(AXIAL).GetSliceOffset()
    driver.ui.huSegmentEditorButton.click()
    settle()
    assert node.GetViewArrangement() == ours
    slice_node(AXIAL).SetSliceOffset(height_mm + 40)
    slicer.util.selectModule("LumbarHU")
    settle()
    assert node.GetViewArrangement() == ours
    assert (driver.session.level, slice_node(AXIAL).GetSliceOffset()) == ("L2", pytest.approx(height_mm, abs=1e-6))
    assert before.is_shown
    slicer.util.selectModule("Data")
    assert node.GetViewArrangement() != ours


def test_a_volume_that_is_no_ct_is_named_with_the_reason(driver):
    import numpy as np
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    slicer.mrmlScene.Clear(0)
    settle()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a mask")
    slicer.util.updateVolumeFromArray(node, np.zeros((4, 5, 6), dtype=np.uint8))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")  # the scene changes, as it does while a file is read
    settle()
    assert driver.panel.parameters.ctVolume is None
    assert "“a mask” is not accepted as a CT." in driver.ui.huMessageLabel.text


def test_going_on_to_the_next_ct_asks_nothing_when_nothing_was_touched(driver, tmp_path):
    import slicer
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.images.ct_file import write_ct
    from LumbarHULib.self_test.synthetic_mouse import settle

    folder, ct = tmp_path / "cts", plain_bodies().ct
    folder.mkdir()
    for name in ("case 1", "case 2"):
        write_ct(folder / f"{name}.nrrd", ct.voxels_hu, ct.ras_from_ijk)
    ui, questions = driver.ui, driver.panel.questions
    ui.huReaderEdit.text, ui.huExportPath.currentPath = "Reader A", str(tmp_path / "export")
    ui.huListEdit.text = str(folder)
    ui.huListEdit.editingFinished()
    slicer.util.mainWindow().resize(400, 600)
    ui.huKeepSection.collapsed = False
    settle()
    bar = ui.huScrollArea.verticalScrollBar()
    bar.value = bar.maximum
    assert bar.value > 0
    ui.huNextButton.click()
    settle()
    assert bar.value == 0  # what the next CT needs is at the top
    asked_before = list(questions.asked)
    for case in ("case 1", "case 2"):
        assert (driver.session.reading.case, ui.huCaseEdit.text) == (case, case)
        driver.place(["L1", "L2"])
        ui.huNextButton.click()
        settle()
    assert questions.asked == asked_before
    assert sorted(path.parts[-4] for path in (tmp_path / "export").rglob("record.json")) == ["case 1", "case 2"]
    ui.huListEdit.text = ""
    ui.huListEdit.editingFinished()


def test_the_enter_key_alone_never_says_yes(application):
    import qt

    from LumbarHULib.panel.questions import question_box

    box = question_box("Replace it?")
    assert (box.text, box.standardButton(box.defaultButton())) == ("Replace it?", qt.QMessageBox.No)
