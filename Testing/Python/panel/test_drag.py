"""What a reader drags is measured as it is in the end, to the digit of the command line."""

import time

import numpy as np
import pytest

STEP_PX = 0.4
LONGEST_REST_SECONDS = 20.0


def drag(view_name, start_px, offsets_px, while_held=None):
    """Drag what is at a pixel along a path, move by move; call `while_held` before the button is released."""
    import slicer

    interactor = slicer.app.layoutManager().sliceWidget(view_name).sliceView().interactor()
    for x, y in ((start_px[0] + 1, start_px[1]), start_px):
        interactor.SetEventPosition(x, y)
        interactor.MouseMoveEvent()
    interactor.LeftButtonPressEvent()
    for right, up in offsets_px:
        interactor.SetEventPosition(round(start_px[0] + right), round(start_px[1] + up))
        interactor.MouseMoveEvent()
    if while_held is not None:
        while_held()
    interactor.LeftButtonReleaseEvent()
    slicer.app.processEvents()


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("moves", [50, pytest.param(200, marks=pytest.mark.proof)])
def test_the_numbers_after_many_mouse_moves_are_those_of_a_fresh_measurement(driver, moves):
    import slicer

    from LumbarHULib.mrml.reading_markups import markup_node
    from LumbarHULib.panel.views import AXIAL, window_position

    driver.start_reading()
    driver.place(["L2", "L3"])
    driver.panel.levels.go_to("L3")
    before, moved = driver.points("L3", "midline"), []
    node = markup_node(driver.session.reading, "L3", "midline")
    node.AddObserver(slicer.vtkMRMLMarkupsNode.PointModifiedEvent, lambda *_: moved.append(1))
    angles = np.linspace(0, 6 * np.pi, moves)
    path = np.column_stack([12 * np.sin(angles), np.linspace(0, -STEP_PX * 20, moves) + 6 * np.sin(2 * angles)])
    drag(AXIAL, window_position(AXIAL, before[1]), path)
    assert len(moved) >= moves / 2
    assert not np.allclose(driver.points("L3", "midline")[1], before[1])
    np.testing.assert_allclose(driver.points("L3", "midline")[0], before[0])
    assert driver.shown() == driver.measured_afresh()
    driver.ui.huUndoButton.click()
    np.testing.assert_allclose(driver.points("L3", "midline"), before)


def test_the_last_of_many_moves_is_measured_while_the_mouse_rests(driver):
    import slicer

    from LumbarHULib.panel.views import AXIAL, window_position

    driver.start_reading()
    driver.place(["L2"])
    driver.panel.levels.go_to("L2")
    before, measured, shown = driver.points("L2", "midline"), [], []
    measure_level = driver.session.measure_level

    def rest():
        until = time.monotonic() + LONGEST_REST_SECONDS
        while not np.allclose(
            driver.session.result.levels[0].midline_ras_mm, driver.points("L2", "midline"), atol=1e-5
        ):
            assert time.monotonic() < until
            slicer.app.processEvents()
        shown.append(driver.shown())

    def counted(level):
        measured.append(level)
        measure_level(level)

    driver.session.measure_level = counted
    drag(AXIAL, window_position(AXIAL, before[1]), [(step, 0) for step in range(1, 13)], rest)
    del driver.session.measure_level
    assert 2 <= len(measured) < 12
    assert shown == [driver.measured_afresh()]


def test_regions_are_seen_after_a_drag_where_their_user_wants_them(driver):
    import slicer

    from LumbarHULib.core.levels import ROIS
    from LumbarHULib.mrml.reading_markups import markup_node
    from LumbarHULib.mrml.roi_segmentations import segmentation_node
    from LumbarHULib.panel.views import AXIAL, SAGITTAL, slice_node, window_position

    driver.start_reading()
    driver.place(["L2"])
    driver.panel.levels.go_to("L2")
    axial, sagittal = (slice_node(name).GetID() for name in (AXIAL, SAGITTAL))
    displays = {roi: segmentation_node(driver.session.reading, roi).GetDisplayNode() for roi in ROIS}
    displays["round"].SetViewNodeIDs([axial, sagittal])
    displays["oval"].SetViewNodeIDs([sagittal])
    wanted = {roi: display.GetViewNodeIDs() for roi, display in displays.items()}
    meanwhile = []
    node = markup_node(driver.session.reading, "L2", "midline")
    node.AddObserver(
        slicer.vtkMRMLMarkupsNode.PointModifiedEvent,
        lambda *_: meanwhile.append({roi: display.GetViewNodeIDs() for roi, display in displays.items()}),
    )
    drag(AXIAL, window_position(AXIAL, driver.points("L2", "midline")[1]), [(3, 0), (6, 0), (9, 0)])
    assert meanwhile[-1] == {roi: (sagittal,) if roi == "oval" else (axial,) for roi in ROIS}
    assert {roi: display.GetViewNodeIDs() for roi, display in displays.items()} == wanted


def test_the_panel_and_the_command_line_give_the_same_digits(driver, tmp_path):
    import slicer
    from headless.command_runner import lumbarhu_process
    from headless.phantom_files import rows_of

    from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, is_edited, markup_node
    from LumbarHULib.panel.views import AXIAL, window_position

    driver.start_reading()
    driver.place()
    driver.panel.levels.go_to("L2")
    drag(AXIAL, window_position(AXIAL, driver.points("L2", "boundary")[0]), [(0, -3), (0, -6), (0, -9)])
    reading, markups = driver.session.reading, tmp_path / "markups"
    markups.mkdir()
    for level in driver.shown():
        for role in MARKUP_ROLES:
            if role == "midline" or is_edited(reading, level, role):
                storage = slicer.vtkMRMLMarkupsJsonStorageNode()
                storage.SetFileName(str(markups / f"{level}-{role}.mrk.json"))
                assert storage.WriteData(markup_node(reading, level, role))
    assert len(list(markups.iterdir())) == 5
    volume = slicer.vtkMRMLVolumeArchetypeStorageNode()
    volume.SetFileName(str(tmp_path / "ct.nrrd"))
    assert volume.WriteData(driver.ct_node)
    out = tmp_path / "audit"
    done = lumbarhu_process("measure", tmp_path / "ct.nrrd", "--markups", markups, "--out", out)
    assert done.exit_code == 0, done.err
    printed = {(row["level"], row["roi"]): row["mean_hu"] for row in rows_of(out / "results.csv")}
    shown = {(level, roi): repr(float(mean)) for level, rois in driver.shown().items() for roi, mean in rois.items()}
    assert printed == shown
