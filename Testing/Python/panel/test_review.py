"""A level counts only once a reader has seen it with its outline, even if that reader placed it."""

import pytest


@pytest.fixture
def driver(driver):
    """The panel with a reading; None outside the application."""
    if driver is not None:
        driver.ui.huCaseEdit.text = "7"
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


def place_unseen(driver, level):
    """Place a level and go to it; it counts as not reviewed."""
    driver.panel.placing.arm(level)
    place(driver, level)
    driver.panel.placing.cancel()
    driver.panel.levels.go_to(level)
    assert driver.session.unreviewed == (level,)


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
        driver.accept_seen()
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

    place_unseen(driver, "L2")
    drag(AXIAL, driver.points("L2", "midline")[1], (1.0, 1.0, 0.0))
    assert driver.session.unreviewed == ()
    driver.panel.levels.undo()
    assert driver.session.unreviewed == ("L2",)


def test_keys_pressed_twice_accept_no_level_that_was_not_drawn(driver, monkeypatch):
    import time

    import slicer

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel import level_sight, next_step
    from LumbarHULib.panel.views import AXIAL, slice_node
    from LumbarHULib.self_test.synthetic_mouse import look, settle

    look_s = 1.5  # a slow machine takes longer than the usual time for two presses in a row
    for module in (level_sight, next_step):
        monkeypatch.setattr(module, "SHORTEST_LOOK_S", look_s)
    ui, panel, session = driver.ui, driver.panel, driver.session
    panel.next_step.take(by_space=True)
    for level in MEAN_LEVELS:
        place(driver, level)
    look(panel)
    slicer.app.pauseRender()
    panel.next_step.take(by_space=True)
    assert (session.unreviewed, ui.huNextStepButton.text) == (("L2", "L3", "L4"), "Accept L2")
    for _ in range(2):  # neither at once nor later, while the view has not drawn L2
        panel.next_step.take(by_space=True)
        panel.next_step.take()
        ui.huNextStepButton.click()
        settle()
        time.sleep(look_s)
    assert (session.unreviewed, ui.huMessageLabel.text) == (("L2", "L3", "L4"), "")
    slicer.app.resumeRender()
    slicer.app.layoutManager().sliceWidget(AXIAL).sliceView().forceRender()
    panel.next_step.take()  # drawn, but only just now
    assert session.unreviewed == ("L2", "L3", "L4")
    time.sleep(look_s)
    panel.next_step.take()
    assert session.unreviewed == ("L3", "L4")
    # The same where a key brings the level back into the view.
    look(panel)
    slice_node(AXIAL).SetSliceOffset(slice_node(AXIAL).GetSliceOffset() + 15.0)
    panel.next_step.refresh("all")
    assert ui.huNextStepButton.text == "Review L3"
    for _ in range(3):
        panel.next_step.take(by_space=True)
    assert (session.unreviewed, ui.huNextStepButton.text) == (("L3", "L4"), "Accept L3")
    driver.accept_seen()
    assert session.unreviewed == ("L4",)
    # The press that accepts the last level, pressed twice, signs nothing.
    look(panel)
    for _ in range(3):
        panel.next_step.take()
        ui.huNextStepButton.click()
    assert (ui.huNextStepButton.text, session.reading.is_signed_off) == ("Sign off", False)
    time.sleep(look_s)
    panel.next_step.take()
    assert session.reading.is_signed_off


def test_an_outline_that_is_dragged_is_seen_meanwhile_as_a_midline_is(driver):
    from LumbarHULib.panel.views import AXIAL
    from LumbarHULib.self_test.synthetic_mouse import drag

    place_unseen(driver, "L2")
    driver.ui.huEditOutlineButton.checked = True
    outline = driver.points("L2", "outline")
    drag(AXIAL, outline[outline[:, 0].argmax()], (1.5, 0.0, 0.0))
    assert "outline" in driver.panel.levels.state("L2")
    assert driver.session.unreviewed == ()
