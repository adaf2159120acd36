"""A level counts only once somebody has seen it with its outline, whoever placed it."""

import pytest


@pytest.fixture
def driver(application, tmp_path):
    """The panel with a reading; None outside the application."""
    if application is None:
        return None
    from panel.driver import Driver

    driver = Driver(tmp_path)
    driver.start_reading()
    return driver


def place(driver, level):
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click, settle

    midline_ras_mm = plain_bodies().midlines_ras_mm[level]
    jump_to(midline_ras_mm.mean(axis=0))
    for point_ras_mm in midline_ras_mm:
        click(AXIAL, point_ras_mm)
    settle()


def test_levels_placed_by_hand_are_shown_one_by_one_before_the_reading_is_signed_off(driver):
    from mrml.scene_tools import move_point

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.mrml.reading_markups import markup_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, panel, session = driver.ui, driver.panel, driver.session
    panel.next_step.take(by_space=True)
    for level in MEAN_LEVELS:
        place(driver, level)
    assert session.unreviewed == MEAN_LEVELS
    assert (session.level, panel.levels.is_in_sight()) == ("L1", True)
    assert panel.levels.state("L2") == "placed, not reviewed"
    ui.huSignButton.click()
    assert "not reviewed (L1, L2, L3, L4)" in ui.huMessageLabel.text
    for level in MEAN_LEVELS:
        assert ui.huNextStepButton.text == f"Accept {level}"
        panel.next_step.take(by_space=True)
    assert (session.unreviewed, ui.huNextStepButton.text) == ((), "Sign off")
    # Somebody else moves a midline, and nobody has seen it since.
    move_point(markup_node(session.reading, "L3", "midline"), 0, (0.0, 0.5, 0.0))
    session.measure()
    settle()
    assert (session.unreviewed, ui.huNextStepButton.text) == (("L3",), "Review L3")
    panel.levels.undo()
    assert (session.unreviewed, ui.huNextStepButton.text) == ((), "Sign off")


def test_a_level_that_is_dragged_is_seen_meanwhile(driver):
    from LumbarHULib.panel.views import AXIAL
    from LumbarHULib.self_test.synthetic_mouse import drag

    driver.panel.placing.arm("L2")
    place(driver, "L2")
    driver.panel.placing.cancel()
    driver.panel.levels.go_to("L2")
    assert driver.session.unreviewed == ("L2",)
    drag(AXIAL, driver.points("L2", "midline")[1], (1.0, 1.0, 0.0))
    assert driver.session.unreviewed == ()
    driver.panel.levels.undo()
    assert driver.session.unreviewed == ("L2",)


def test_the_next_level_is_shown_at_the_mid_height_of_its_body(driver):
    from mrml.plain_bodies import CENTERS_S_MM, SLICE_MM, plain_bodies

    from LumbarHULib.panel.views import AXIAL, SAGITTAL, jump_to, slice_node
    from LumbarHULib.self_test.synthetic_mouse import click

    driver.panel.placing.arm("L1")
    midline_ras_mm = plain_bodies().midlines_ras_mm["L1"] + (0.0, 0.0, 5.0)  # off mid-height, as by a hurried reader
    jump_to(midline_ras_mm.mean(axis=0))
    for point_ras_mm in midline_ras_mm:
        click(AXIAL, point_ras_mm)
    assert driver.panel.placing.level == "L2"
    assert abs(slice_node(AXIAL).GetSliceOffset() - CENTERS_S_MM["L2"]) <= SLICE_MM
    assert slice_node(SAGITTAL).GetFieldOfView()[1] < 200


def test_a_level_that_is_too_high_is_moved_to_mid_height_with_one_click_and_back_by_undo(driver):
    import numpy as np
    from mrml.plain_bodies import CENTERS_S_MM, SLICE_MM, plain_bodies

    from LumbarHULib.panel.views import AXIAL, jump_to, slice_node
    from LumbarHULib.self_test.synthetic_mouse import click, settle

    ui, session = driver.ui, driver.session
    driver.panel.placing.arm("L3")
    midline_ras_mm = plain_bodies().midlines_ras_mm["L3"] + (0.0, 0.0, 6.0)
    jump_to(midline_ras_mm.mean(axis=0))
    for point_ras_mm in midline_ras_mm:
        click(AXIAL, point_ras_mm)
    driver.panel.placing.cancel()
    before = driver.points("L3", "midline")
    (line,) = [line for line in driver.panel.findings.lines if line.is_off_mid_height]
    ui.huFindingsLabel.linkActivated(f"details {line.key}")
    assert "Move L3 to mid-height" in ui.huFindingsLabel.text
    ui.huFindingsLabel.linkActivated("move L3")
    settle()
    after = driver.points("L3", "midline")
    assert abs(after[0, 2] - CENTERS_S_MM["L3"]) <= SLICE_MM / 2 + 1e-6
    assert np.allclose(after - after[0], before - before[0], atol=1e-6)
    assert abs(slice_node(AXIAL).GetSliceOffset() - after[0, 2]) < 1e-3
    assert [line for line in driver.panel.findings.lines if line.is_off_mid_height] == []
    assert session.unreviewed == ("L3",)
    assert driver.shown() == driver.measured_afresh()
    driver.panel.levels.undo()
    assert np.allclose(driver.points("L3", "midline"), before, atol=1e-9)
