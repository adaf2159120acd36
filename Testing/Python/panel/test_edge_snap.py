"""While a midline is placed, a click takes the edge that is shown; with Ctrl or Alt, or without one, its own point."""

import numpy as np
import pytest

OFF_MM = 1.5
NEAR_EDGE_MM = 0.4


@pytest.fixture
def driver(application, tmp_path):
    """A reading with L1 waiting for its front edge; None outside the application."""
    if application is None:
        return None
    from mrml.plain_bodies import plain_bodies
    from panel.driver import Driver

    from LumbarHULib.panel.views import jump_to

    driver = Driver(tmp_path)
    driver.start_reading()
    driver.panel.placing.arm("L1")
    jump_to(plain_bodies().midlines_ras_mm["L1"].mean(axis=0))
    return driver


def edges():
    from mrml.plain_bodies import plain_bodies

    return plain_bodies().midlines_ras_mm["L1"]


def off(edge_ras_mm, forward_mm):
    """Return a point so far in front of an edge's."""
    return edge_ras_mm + np.array([0.0, forward_mm, 0.0])


def interactor(view="Red"):
    import slicer

    return slicer.app.layoutManager().sliceWidget(view).sliceView().interactor()


def move(point_ras_mm, key="", view="Red"):
    """Move the mouse over a point."""
    from LumbarHULib.panel.views import window_position

    mouse = interactor(view)
    mouse.SetAltKey(key == "Alt")
    mouse.SetControlKey(key == "Control")
    mouse.SetEventPosition(*window_position(view, point_ras_mm))
    mouse.MouseMoveEvent()


def press():
    """Click where the mouse is."""
    from LumbarHULib.self_test.synthetic_mouse import settle

    interactor().LeftButtonPressEvent()
    interactor().LeftButtonReleaseEvent()
    settle()


def ends_of(driver):
    from LumbarHULib.mrml.reading_markups import midline_origin

    return midline_origin(driver.session.reading, "L1").ends


def shown(driver):
    return driver.panel.placing.snap.shown_ras_mm


def colored_pixels():
    """Count the pixels of the axial view in the color of a midline."""
    import slicer
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    view.forceRender()
    grabber = vtkWindowToImageFilter()
    grabber.SetInput(view.renderWindow())
    grabber.ReadFrontBufferOff()
    grabber.Update()
    pixels = vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).astype(int)
    return int((np.abs(pixels[:, :3] - (255, 51, 230)).max(axis=1) < 40).sum())


def test_a_click_near_the_edges_takes_the_edges_that_are_shown(driver):
    front, back = edges()
    move(off(front, OFF_MM))
    ring = shown(driver)
    assert abs(ring[1] - front[1]) < NEAR_EDGE_MM
    assert abs(ring[0] - front[0]) < NEAR_EDGE_MM
    press()
    assert np.array_equal(driver.points("L1", "midline")[0], ring)
    move(off(back, OFF_MM))
    second = shown(driver)
    assert abs(second[1] - back[1]) < NEAR_EDGE_MM
    press()
    assert np.array_equal(driver.points("L1", "midline"), [ring, second])
    assert ends_of(driver) == ("snapped", "snapped")
    assert driver.shown() == driver.measured_afresh()
    driver.panel.levels.undo()
    assert "L1" not in driver.shown()


@pytest.mark.parametrize("key", ["Alt", "Control"])
def test_a_click_with_a_modifier_takes_its_own_point(driver, key):
    front, back = edges()
    for edge, off_mm in ((front, -OFF_MM), (back, OFF_MM)):
        move(off(edge, off_mm), key=key)
        assert shown(driver) is None
        press()
    assert ends_of(driver) == ("free", "free")
    ends = driver.points("L1", "midline")
    assert abs(ends[0, 1] - (front[1] - OFF_MM)) < 0.2  # to the pixel of the view
    assert abs(ends[1, 1] - (back[1] + OFF_MM)) < 0.2


@pytest.mark.parametrize("key", ["Alt", "Control"])
def test_a_modifier_that_is_pressed_after_the_edge_was_shown_takes_the_click_as_well(driver, key):
    front, _back = edges()
    move(off(front, OFF_MM))
    assert shown(driver) is not None
    getattr(interactor(), f"Set{key}Key")(True)
    press()
    assert abs(driver.points("L1", "midline")[0, 1] - (front[1] + OFF_MM)) < 0.2


def test_no_edge_is_shown_away_from_one_and_the_click_stays_where_it_is(driver):
    front, back = edges()
    inside = (front + back) / 2
    move(off(front, OFF_MM))
    assert shown(driver) is not None
    move(inside)
    assert shown(driver) is None
    move(off(front, 6.0))  # beyond the reach
    assert shown(driver) is None
    move(inside)
    press()
    assert np.abs(driver.points("L1", "midline")[0] - inside)[:2].max() < 0.2


def test_what_is_shown_goes_with_the_mouse_the_level_and_the_setting(driver):
    front, _back = edges()
    snap, menu = driver.panel.placing.snap, driver.panel.levels.menu
    before = colored_pixels()
    move(off(front, OFF_MM))
    assert colored_pixels() > before + 20
    driver.panel.placing.cancel()
    assert snap.shown_ras_mm is None
    assert colored_pixels() <= before
    driver.panel.placing.arm("L1")
    move(off(front, OFF_MM))
    interactor().LeaveEvent()
    assert snap.shown_ras_mm is None
    menu.snaps.trigger()
    try:
        assert not snap.is_on
        move(off(front, OFF_MM))
        assert snap.shown_ras_mm is None
        press()
        assert abs(driver.points("L1", "midline")[0, 1] - (front[1] + OFF_MM)) < 0.2
    finally:
        menu.snaps.trigger()
    assert snap.is_on


def test_a_click_from_the_side_gives_the_height_and_snaps_nowhere(driver):
    import slicer

    from LumbarHULib.panel.views import AXIAL, SAGITTAL, slice_node
    from LumbarHULib.self_test.synthetic_mouse import click

    front, back = edges()
    move(off(front, OFF_MM))
    height = front[2] + 5.0
    click(SAGITTAL, np.array([*((front + back) / 2)[:2], height]))
    assert shown(driver) is None
    assert abs(slice_node(AXIAL).GetSliceOffset() - height) < 0.5
    assert len(driver.points("L1", "midline")) == 0
    names = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")}
    assert names <= {"LumbarHU level names"}


def test_another_slice_shows_no_edge_of_the_last_one(driver):
    from LumbarHULib.panel.views import AXIAL, slice_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    front, _back = edges()
    move(off(front, OFF_MM))
    assert shown(driver) is not None
    slice_node(AXIAL).SetSliceOffset(front[2] + 17.5)  # into the disc
    settle()
    assert shown(driver) is None
    press()
    assert abs(driver.points("L1", "midline")[0, 1] - (front[1] + OFF_MM)) < 0.2
