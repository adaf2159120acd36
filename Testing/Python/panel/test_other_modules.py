"""What other modules do to the scene meanwhile: every number that is shown is one of the markups that are there."""

import pytest

SHIFT_HU = 30
SHIFT_MM = 7.5


@pytest.fixture
def panel(application, tmp_path):
    """The panel with one CT; None outside the application."""
    if application is None:
        return None
    from panel.driver import Driver

    return Driver(tmp_path)


@pytest.fixture
def driver(panel):
    """A reading of “CT” with L1 and L2 placed; None outside the application."""
    if panel is not None:
        panel.start_reading()
        panel.place(["L1", "L2"])
    return panel


@pytest.mark.parametrize(
    "waits_for",
    [
        "the first and last body",
        "a midline",
        pytest.param("a body", marks=pytest.mark.proof),
        pytest.param("its second end", marks=pytest.mark.proof),
    ],
)
def test_a_midline_that_is_deleted_while_a_click_is_waited_for_takes_its_numbers_along(driver, waits_for):
    import slicer
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import markup_node
    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click, settle

    ui, placing = driver.ui, driver.panel.placing
    if waits_for == "a body":
        ui.huClickEachButton.click()
    elif waits_for == "the first and last body":
        ui.huClickTwoButton.click()
    else:
        placing.arm("L4")
    if waits_for == "its second end":
        end_ras_mm = plain_bodies().midlines_ras_mm["L4"][0]
        jump_to(end_ras_mm)
        click(AXIAL, end_ras_mm)
        assert placing.points == 1
    assert placing.is_armed
    assert list(driver.shown()) == ["L1", "L2"]
    slicer.mrmlScene.RemoveNode(markup_node(driver.session.reading, "L2", "midline"))
    settle()
    assert placing.is_armed
    assert list(driver.shown()) == ["L1"]
    assert driver.panel.head.chip("L2").text.split()[-1] == "–"
    placing.cancel()
    settle()
    assert driver.shown() == driver.measured_afresh()
    driver.place(["L3"])
    assert driver.shown() == driver.measured_afresh()
    assert "L3" in driver.shown()


def test_readings_of_two_patients_with_equal_names_stay_apart_in_one_scene(driver, tmp_path):
    import slicer
    from mrml.plain_bodies import plain_bodies
    from panel.orphans import orphans

    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.mrml.reading import readings
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, path = driver.ui, str(tmp_path / "first.mrb")
    ui.huExportPath.currentPath = str(tmp_path / "export")

    def name_case():
        ui.huCaseEdit.text = "case 1"
        ui.huCaseEdit.editingFinished()

    name_case()
    shown = {driver.session.reading.uid: driver.shown()}
    ui.huExportButton.click()
    (record,) = (tmp_path / "export").rglob("record.json")
    written = {file: file.read_bytes() for file in record.parent.rglob("*") if file.is_file()}
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    ct = plain_bodies().ct
    other = volume_node_from_ct(slicer.mrmlScene, CtVolume(ct.voxels_hu + SHIFT_HU, ct.ras_from_ijk), "CT")
    settle()
    driver.start_reading()
    driver.place(["L1", "L2"])
    name_case()
    second = driver.session.reading.uid
    shown[second] = driver.shown()
    slicer.util.loadScene(path)
    settle()
    assert {reading.uid for reading in readings(slicer.mrmlScene)} == {*shown}
    assert len({reading.title for reading in readings(slicer.mrmlScene)}) == 1
    for reading in readings(slicer.mrmlScene):
        ui.huCtSelector.setCurrentNode(reading.ct_node)
        settle()
        assert driver.session.reading == reading
        assert (reading.ct_node is other) == (reading.uid == second)
        assert driver.shown() == driver.measured_afresh() == shown[reading.uid]
        assert not ui.huShownFrame.visible
        driver.panel.levels.undo()
        driver.panel.levels.redo()
        assert driver.shown() == shown[reading.uid]
        if reading.uid == second:
            ui.huExportButton.click()
            assert "read on another CT, so it is not replaced" in ui.huMessageLabel.text
    assert {file: file.read_bytes() for file in record.parent.rglob("*") if file.is_file()} == written
    assert orphans(slicer.mrmlScene) == []


def test_a_ct_that_is_read_under_a_transform_gives_no_number_once_that_is_moved(panel):
    import numpy as np
    import slicer
    import vtk
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import set_midline
    from LumbarHULib.self_test.synthetic_mouse import settle

    def move(transform, by_mm):
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(2, 3, by_mm)
        transform.SetMatrixTransformToParent(matrix)
        settle()

    def read(shift_mm):
        panel.start_reading()
        for level in ("L1", "L2"):
            midline_ras_mm = plain_bodies().midlines_ras_mm[level] + (0.0, 0.0, shift_mm)
            set_midline(panel.session.reading, level, midline_ras_mm)
        panel.session.measure()
        return panel.shown()

    plain = read(0.0)
    assert list(plain) == ["L1", "L2"]
    panel.new_scene()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "registration")
    move(transform, SHIFT_MM)
    panel.ct_node.SetAndObserveTransformNodeID(transform.GetID())
    settle()
    before = read(SHIFT_MM)
    for level, means_hu in plain.items():
        assert before[level] == pytest.approx(means_hu)
    move(transform, SHIFT_MM + 12)
    assert panel.shown() == {}
    assert "was moved by 12.0 mm" in panel.session.refusal_of("L1")
    panel.ct_node.SetAndObserveTransformNodeID(None)
    settle()
    assert panel.shown() == {}
    assert f"was moved by {SHIFT_MM:.1f} mm" in panel.session.refusal_of("L1")
    panel.ct_node.SetAndObserveTransformNodeID(transform.GetID())
    move(transform, SHIFT_MM)
    assert panel.shown() == before
    panel.ct_node.HardenTransform()
    settle()
    assert panel.ct_node.GetParentTransformNode() is None
    for level, means_hu in before.items():
        assert panel.shown()[level] == pytest.approx(means_hu)
    assert np.allclose(panel.points("L1", "midline"), plain_bodies().midlines_ras_mm["L1"] + (0.0, 0.0, SHIFT_MM))


def test_another_module_sees_no_banner_about_its_own_volume_and_the_panel_shows_it_again(driver):
    import slicer
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.self_test.synthetic_mouse import settle

    other = volume_node_from_ct(slicer.mrmlScene, plain_bodies().ct, "another patient")
    line = driver.panel.view_line
    slicer.util.selectModule("Data")
    slicer.util.setSliceViewerLayers(background=other)
    settle()
    assert driver.session.foreign_volume
    assert line.text == ""
    slicer.util.selectModule("LumbarHU")
    settle()
    assert "another patient" in line.text
    slicer.util.selectModule("Data")
    assert line.text == ""


def test_the_regions_of_two_readings_have_names_that_tell_them_apart(driver):
    import slicer

    from LumbarHULib.core.levels import ROIS
    from LumbarHULib.mrml.roi_segmentations import segmentation_node

    first = driver.session.reading
    driver.start_reading("Reader B")
    driver.place(["L1"])
    nodes = [segmentation_node(reading, roi) for reading in (first, driver.session.reading) for roi in ROIS]
    names = [node.GetName() for node in nodes]
    assert len({*names}) == 2 * len(ROIS)
    assert names[0] == f"{ROIS[0]} (CT, Reader A 1)"
    assert slicer.mrmlScene.GetFirstNodeByName(f"{ROIS[0]} (CT, Reader B 1)") is nodes[len(ROIS)]
