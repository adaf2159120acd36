"""Clicks into vertebral bodies: one that shows no body is refused at once, and the same level waits for another."""

import pytest


@pytest.fixture
def driver(application, tmp_path):
    """A reading of bodies with endplates, nothing placed; None outside the application."""
    if application is None:
        return None
    import numpy as np
    from mrml.plain_bodies import CENTERS_S_MM, SLICE_MM, plain_bodies
    from panel.driver import Driver

    from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver = Driver(tmp_path)
    voxels = voxels_of(driver.ct_node)
    heights = node_from_ijk(driver.ct_node)[2, 3] + SLICE_MM * np.arange(len(voxels))
    for center in CENTERS_S_MM.values():
        ends = (np.abs(heights - center) <= 13) & (np.abs(heights - center) > 11)
        voxels[ends] = np.where(plain_bodies().ct.voxels_hu[ends] > 65, 450, voxels[ends])
    driver.ct_node.GetImageData().Modified()
    driver.start_reading()
    settle()
    return driver


def click_at(point_ras_mm):
    from LumbarHULib.panel.views import SAGITTAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click

    jump_to(point_ras_mm)
    click(SAGITTAL, point_ras_mm)


def clicked_points() -> list:
    """Return label and position of each point that the views show for a click."""
    import numpy as np
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return [
        (node.GetNthControlPointLabel(index), np.array(node.GetNthControlPointPositionWorld(index)))
        for node in nodes
        if node.GetName().startswith("LumbarHU clicks")
        for index in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(index) == node.PositionDefined
    ]


def test_a_first_click_without_a_body_is_refused_before_the_last_is_asked_for(driver):
    import numpy as np
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import placed_levels

    ui, bodies = driver.ui, driver.panel.placing.bodies
    middles = {level: ends.mean(axis=0) for level, ends in plain_bodies().midlines_ras_mm.items()}
    disc_ras_mm = (middles["L1"] + middles["L2"]) / 2
    ui.huClickTwoButton.click()
    assert bodies.level == "L1"
    assert ui.huNextStepButton.text == "L1: click into the first body, then the last (sagittal view)"
    click_at(disc_ras_mm)
    assert "The point of L1 is not in a visible vertebral body" in ui.huMessageLabel.text
    assert bodies.level == "L1"
    assert placed_levels(driver.session.reading) == ()
    assert clicked_points() == []
    click_at(middles["L1"])
    assert (ui.huMessageLabel.text, bodies.level) == ("", "L4")
    assert ui.huNextStepButton.text == "L4: click into the last body (sagittal view)"
    ((label, point_ras_mm),) = clicked_points()
    assert label == "L1"
    assert np.abs(point_ras_mm - middles["L1"]).max() < 1.0
    click_at(middles["L4"])
    assert ui.huMessageLabel.text == ""
    assert not bodies.is_armed
    assert clicked_points() == []
    assert placed_levels(driver.session.reading) == ("L1", "L2", "L3", "L4")


def test_clicks_into_bodies_begin_with_the_first_level_that_is_not_placed(driver):
    import numpy as np
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import placed_levels

    ui, bodies, questions = driver.ui, driver.panel.placing.bodies, driver.panel.questions
    middles = {level: ends.mean(axis=0) for level, ends in plain_bodies().midlines_ras_mm.items()}
    ui.huClickEachButton.click()
    for level in ("L1", "L2"):
        click_at(middles[level])
    driver.panel.placing.cancel()
    before = {level: driver.points(level, "midline") for level in ("L1", "L2")}
    for button in (ui.huClickTwoButton, ui.huClickEachButton):
        button.click()
        assert bodies.level == "L3"
    for level in ("L3", "L4"):
        click_at(middles[level])
    assert placed_levels(driver.session.reading) == ("L1", "L2", "L3", "L4")
    assert all(np.array_equal(driver.points(level, "midline"), points) for level, points in before.items())
    questions.answer, questions.asked = False, []
    ui.huClickEachButton.click()
    assert not bodies.is_armed
    (question,) = questions.asked
    assert question.startswith("Already placed: L1, L2, L3, L4. Place again by clicks")
    questions.answer = True
    ui.huClickTwoButton.click()
    assert bodies.level == "L1"


def test_a_segmentation_replaces_no_accepted_level_without_asking(driver):
    import numpy as np
    import slicer
    from mrml.plain_bodies import plain_bodies
    from panel.test_total_segmentator import TotalSegmentatorLogic

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.ui.huClickEachButton.click()
    click_at(plain_bodies().midlines_ras_mm["L1"].mean(axis=0))
    driver.panel.placing.cancel()
    driver.panel.levels.go_to("L1")
    driver.panel.levels.accept("L1")
    before = driver.points("L1", "midline")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    node.CreateDefaultDisplayNodes()
    TotalSegmentatorLogic(MEAN_LEVELS).process(driver.ct_node, node, subset=[f"vertebrae_{one}" for one in MEAN_LEVELS])
    settle()
    questions = driver.panel.questions
    questions.answer, questions.asked = False, []
    driver.panel.proposals.propose_offered()
    assert questions.asked == ["Placed, corrected or accepted by a reader: L1. Replace with proposals?"]
    assert np.array_equal(driver.points("L1", "midline"), before)


def test_a_proposal_without_a_number_is_replaced_without_asking(driver):
    import numpy as np
    import slicer
    from mrml.plain_bodies import plain_bodies
    from panel.test_total_segmentator import TotalSegmentatorLogic

    from LumbarHULib.mrml.reading_markups import midline_origin, set_midline
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.ui.huClickEachButton.click()
    click_at(plain_bodies().midlines_ras_mm["L1"].mean(axis=0))
    driver.panel.placing.cancel()
    session, questions = driver.session, driver.panel.questions
    in_disc_ras_mm = plain_bodies().midlines_ras_mm["L1"] + np.array([0.0, 0.0, -17.5])
    set_midline(session.reading, "L1", in_disc_ras_mm, midline_origin(session.reading, "L1"))
    session.measure()
    assert session.refusal_of("L1")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    node.CreateDefaultDisplayNodes()
    TotalSegmentatorLogic(("L1",)).process(driver.ct_node, node, subset=["vertebrae_L1"])
    settle()
    questions.answer, questions.asked = False, []
    driver.panel.proposals.propose_offered()
    assert questions.asked == []
    assert (session.refusal_of("L1"), session.unreviewed) == ("", ("L1",))


def test_a_single_level_that_is_left_is_neither_first_nor_last(driver):
    from mrml.plain_bodies import plain_bodies

    driver.ui.huClickEachButton.click()
    for level in ("L1", "L2", "L3"):
        click_at(plain_bodies().midlines_ras_mm[level].mean(axis=0))
    driver.panel.placing.cancel()
    driver.ui.huClickTwoButton.click()
    assert driver.ui.huNextStepButton.text == "L4: click into the body (sagittal view)"


def test_the_whole_row_is_in_sight_when_its_first_and_its_last_body_are_clicked(driver):
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.panel.views import AXIAL, SAGITTAL, slice_node

    slice_node(AXIAL).SetFieldOfView(100.0, 100.0, 1.0)  # somebody looked at one body closely
    side = slice_node(SAGITTAL)
    side.SetFieldOfView(40.0, 40.0, 1.0)
    side.JumpSliceByCentering(*plain_bodies().midlines_ras_mm["L4"].mean(axis=0))
    driver.ui.huClickTwoButton.click()
    assert min(side.GetFieldOfView()[:2]) > 105 + 26
