"""What a newcomer meets first: which clicks are waited for, what is being computed, and where the case is typed."""

import pytest


@pytest.fixture
def driver(driver):
    """The panel with a reading without a case; None outside the application."""
    if driver is not None:
        driver.start_reading()
    return driver


@pytest.fixture
def works(driver):
    """What the view said while something was computed, with the shape of the cursor."""
    if driver is None:
        return None
    import qt

    shown, session = [], driver.session
    measured = session.measurer.update_level

    def update_level(level):
        has_wait_cursor = qt.QApplication.overrideCursor() is not None
        shown.append((driver.panel.view_line.text, has_wait_cursor))
        return measured(level)

    session.measurer.update_level = update_level
    return shown


def test_the_view_says_what_is_measured_after_the_second_click(driver, works):
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click

    line, midline_ras_mm = driver.panel.view_line, plain_bodies().midlines_ras_mm["L2"]
    driver.panel.placing.arm("L2")
    jump_to(midline_ras_mm.mean(axis=0))
    click(AXIAL, midline_ras_mm[0])
    assert line.text.startswith("L2: click the back edge")
    assert works == []
    click(AXIAL, midline_ras_mm[1])
    assert works
    assert {*works} == {("Measuring L2 …", True)}
    assert line.text.startswith("L3: click the front edge")


def test_no_waiting_event_interrupts_what_is_computed(driver):
    import qt
    import slicer

    happened, timers = [], []
    for _ in range(2):
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.connect("timeout()", lambda: happened.append(True))
        timer.start(0)
        timers.append(timer)
    with driver.panel.messages.show_work("Measuring L2 …"):
        assert happened == []
    slicer.app.processEvents()
    assert happened


def test_the_view_says_that_vertebrae_are_looked_for_and_a_refusal_replaces_it(driver, monkeypatch):
    import slicer
    from panel.test_total_segmentator import TotalSegmentatorLogic

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel import proposals_section
    from LumbarHULib.self_test.synthetic_mouse import settle

    panel, said = driver.panel, []
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    node.CreateDefaultDisplayNodes()
    TotalSegmentatorLogic(MEAN_LEVELS).process(driver.ct_node, node, subset=[f"vertebrae_{one}" for one in MEAN_LEVELS])
    settle()

    def refuse_all(_reading, _stack, segments, _findings):
        said.append(panel.view_line.text)
        return tuple(f"The segment of {level} is outside the CT: check it." for level in segments)

    monkeypatch.setattr(proposals_section, "place_from_segments", refuse_all)
    panel.proposals.propose_offered()
    assert said == ["Finding the vertebrae …"]
    once = "The segment of L1 is outside the CT: check it. The same applies to L2, L3, L4."
    assert driver.ui.huMessageLabel.text == panel.view_line.text == once


def test_reasons_that_differ_by_more_than_the_level_are_all_given(driver):
    from LumbarHULib.panel.proposals_section import _merged

    order = "The segment of L2 is not below that of L1."
    assert _merged(["L1 is thin (3 mm).", "L2 is thin (4 mm).", order, "L3 is thin (3 mm)."]) == [
        "L1 is thin (3 mm). The same applies to L3.",
        "L2 is thin (4 mm).",
        order,
    ]


def test_each_button_of_clicks_into_bodies_switches_to_its_own_and_ends_it_when_pressed_again(driver):
    ui, placing = driver.ui, driver.panel.placing
    bodies = placing.bodies
    for button, is_between in ((ui.huClickEachButton, False), (ui.huClickTwoButton, True)) * 2:
        button.click()
        assert (bodies.is_armed, bodies.is_between, bodies.level) == (True, is_between, "L1")
    ui.huClickTwoButton.click()
    assert not placing.is_armed
    placing.arm("L3")
    ui.huClickTwoButton.click()
    assert (placing.level, bodies.is_between) == ("", True)


def test_the_section_of_the_case_stays_open_while_there_is_none_and_takes_what_is_typed(driver):
    import qt
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, session = driver.ui, driver.session
    ui.huNewReadingButton.click()
    settle()
    assert (session.reading.case, ui.huSetupSection.collapsed) == ("", False)
    assert qt.QApplication.focusWidget() == ui.huCaseEdit
    QTest.keyClicks(ui.huCaseEdit.qt_object(), "2 3")
    settle()
    assert (ui.huCaseEdit.text, session.level, driver.panel.placing.is_armed) == ("2 3", "L1", False)
    QTest.keyClick(ui.huCaseEdit.qt_object(), Qt.Key.Key_Return)
    settle()
    assert (session.reading.case, driver.panel.placing.is_armed) == ("2 3", False)
    ui.huNewReadingButton.click()
    settle()
    assert (session.reading.case, ui.huSetupSection.collapsed) == ("2 3", False)
    assert qt.QApplication.focusWidget() != ui.huCaseEdit
