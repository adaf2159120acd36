"""However the module is left, the user finds everything as it was before."""

import pytest


@pytest.fixture
def placing(application, tmp_path):
    """A reading in our layout, with one of two points of L2 placed, and the arrangement that the user had before."""
    if application is None:
        return None
    import slicer
    from mrml.plain_bodies import plain_bodies
    from panel.driver import Driver

    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click

    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    node.SetViewArrangement(node.SlicerLayoutFourUpView)
    driver = Driver(tmp_path)
    driver.start_reading()
    driver.place(["L1"])
    driver.ui.huLayoutButton.checked = True
    assert node.GetViewArrangement() != node.SlicerLayoutFourUpView
    midline_ras_mm = plain_bodies().midlines_ras_mm["L2"]
    jump_to(midline_ras_mm.mean(axis=0))
    driver.panel.placing.arm("L2")
    click(AXIAL, midline_ras_mm[0])
    assert len(driver.points("L2", "midline")) == 1
    return driver


def assert_as_before():
    import slicer

    from LumbarHULib.mrml.markup_points import placed_points
    from LumbarHULib.mrml.reading import readings
    from LumbarHULib.mrml.reading_markups import markup_node, placed_levels

    (reading,) = readings(slicer.mrmlScene)
    assert placed_levels(reading) == ("L1",)
    assert len(placed_points(markup_node(reading, "L2", "midline"))) == 0
    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    assert node.GetViewArrangement() == node.SlicerLayoutFourUpView
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_leaving_while_placing_takes_the_half_placed_point_and_the_layout_back(placing):
    import slicer

    slicer.util.selectModule("Data")
    assert_as_before()
    assert placing.session.is_open


def test_a_reload_while_placing_leaves_nothing_of_the_old_panel(placing):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    old, numbers = placing.panel, placing.shown()
    nodes_before = slicer.mrmlScene.GetNumberOfNodes()
    slicer.util.reloadScriptedModule("LumbarHU")
    settle()
    assert placing.panel is not old
    assert_as_before()
    assert not old.session.is_open
    assert placing.shown() == numbers
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes_before
    shortcuts = slicer.util.mainWindow().findChildren("QShortcut")
    assert [shortcut.key.toString() for shortcut in shortcuts if shortcut.enabled].count("Esc") == 1
    placing.place(["L2"])
    assert list(placing.shown()) == ["L1", "L2"]


def test_the_reading_layout_draws_the_line_of_the_axial_slice_and_takes_it_away_again(placing):
    import slicer

    from LumbarHULib.panel.views import AXIAL
    from LumbarHULib.self_test.synthetic_mouse import settle

    def has_line():
        display = slicer.app.layoutManager().sliceWidget(AXIAL).sliceLogic().GetSliceDisplayNode()
        return bool(display.GetIntersectingSlicesVisibility())

    assert has_line()
    placing.new_scene()
    placing.start_reading()
    assert has_line()
    slicer.util.selectModule("Data")
    settle()
    assert not has_line()
