"""What a new user stumbled over, each as a test of its own."""

import pytest


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


def propose_all(driver):
    """Propose the midlines of all levels, none of which is accepted."""
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.core.landmarks import MidlineOrigin
    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.mrml.reading_markups import set_midline

    for level in MEAN_LEVELS:
        midline_ras_mm = plain_bodies().midlines_ras_mm[level]
        set_midline(driver.session.reading, level, midline_ras_mm, MidlineOrigin("proposal_accepted"))
    driver.session.measure()
    driver.panel.levels.go_to("L1")


def test_after_a_level_is_excluded_in_a_review_the_next_one_is_reviewed(driver):
    ui, panel = driver.ui, driver.panel
    driver.start_reading()
    propose_all(driver)
    number = panel.head.chip("L1").text.partition("\n")[2]
    assert ui.huNextStepButton.text == "Accept L1"
    panel.levels.menu.reasons["lesion"].trigger()
    assert ui.huNextStepButton.text == "Review L2"
    assert panel.head.chip("L1").text == f"L1 –\n({number})"
    assert "is not in the means" in panel.head.chip("L1").toolTip
    for level in ("L2", "L3", "L4"):
        panel.levels.go_to(level)
        assert ui.huNextStepButton.text == f"Accept {level}"
        driver.accept_seen()
    assert ui.huNextStepButton.text == "Sign off"
    panel.levels.go_to("L1")
    panel.levels.menu.include.trigger()
    assert (ui.huNextStepButton.text, panel.head.chip("L1").text) == ("Accept L1", f"L1 ?\n{number}")
    assert ui.huSignedLabel.text == "Not blinded: a proposed midline was visible."


def test_space_says_that_enter_is_needed_where_it_does_not_do_the_next_step(driver, tmp_path):
    ui, panel = driver.ui, driver.panel
    driver.start_reading()
    assert "Space or Enter" in ui.huNextStepButton.toolTip
    driver.place()
    ui.huExportPath.currentPath = str(tmp_path / "export")
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    for text, sentence in (("Sign off", "Press Enter to sign off."), ("Export", "Press Enter to export.")):
        assert (ui.huNextStepButton.text, panel.view_line.text) == (text, "")
        assert "The next step. Enter does the same." in ui.huNextStepButton.toolTip
        panel.next_step.take(by_space=True)
        assert (ui.huNextStepButton.text, panel.view_line.text) == (text, sentence)
        driver.end()
        assert panel.view_line.text == ""
    assert ui.huNextStepButton.text == "Open report"
    assert len(list((tmp_path / "export").rglob("record.json"))) == 1


def test_load_a_ct_opens_the_dialog_for_files_where_slicer_has_no_dicom(driver):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    slicer.mrmlScene.Clear(0)
    settle()
    button, manager = driver.ui.huNextStepButton, slicer.app.coreIOManager()
    assert (button.text, button.enabled) == ("Load a CT", True)
    assert "DICOM module;" not in button.toolTip
    assert not hasattr(slicer.modules, "dicom")
    button.click()
    assert manager.opened_dialogs() == 1


def test_the_sign_of_a_class_is_explained_first_and_an_unknown_fact_is_said_once(driver):
    from LumbarHULib.core.levels import ROIS
    from LumbarHULib.panel.summary_words import badge

    driver.start_reading()
    driver.place()
    driver.session.measure()
    assert driver.ui.huFactsLabel.text.startswith("kVp unknown · ")
    assert "contrast medium unknown" in driver.ui.huFactsLabel.text
    assert "?" not in driver.ui.huFactsLabel.text
    table, summaries = driver.ui.huSummaryTable, driver.session.result.summaries
    for row, _roi in enumerate(ROIS):
        sign, hint = badge(summaries[row]), table.item(row, 2).toolTip()
        assert table.item(row, 2).text() == sign
        assert hint.startswith(f"<p>{sign} means that the mean is" if sign else "<p>")
        assert hint.endswith(table.item(row, 1).toolTip())


def test_the_enter_key_alone_never_says_yes(application):
    import qt

    from LumbarHULib.panel.questions import question_box

    box = question_box("Replace it?")
    assert (box.text, box.standardButton(box.defaultButton())) == ("Replace it?", qt.QMessageBox.No)
