import numpy as np
import pytest
from mrml.scene_tools import move_point

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MANUAL, Landmarks, MidlineOrigin
from LumbarHULib.files.markup_file import read_markups
from LumbarHULib.mrml.level_review import confirm_count
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading_markups import (
    adopt_markup,
    ensure_markup,
    is_edited,
    markup_node,
    midline_origin,
    move_into_slice,
    placed_levels,
    placement_findings,
    read_landmarks,
    return_to_automatic,
    set_landmarks,
    set_markup,
    set_midline,
)


def points(reading, level, role):
    node = markup_node(reading, level, role)
    return np.array([node.GetNthControlPointPositionWorld(n) for n in range(node.GetNumberOfControlPoints())])


def test_midlines_are_placed_as_given(reading, bodies):
    assert placed_levels(reading) == ("L1", "L2", "L3", "L4")
    for level, midline in bodies.midlines_ras_mm.items():
        assert read_landmarks(reading, level).midline_ras_mm == pytest.approx(midline, abs=1e-9)


def test_boundary_and_outline_are_computed_from_the_midline_and_are_not_edits(reading, measurer):
    result = measurer.update_level("L2")
    assert points(reading, "L2", "boundary") == pytest.approx(result.boundary.points_ras_mm, abs=1e-9)
    assert points(reading, "L2", "outline") == pytest.approx(result.outline_ras_mm, abs=1e-9)
    assert not is_edited(reading, "L2", "boundary")
    assert not is_edited(reading, "L2", "outline")


def test_unedited_markups_follow_the_midline(reading, measurer):
    measurer.update_level("L2")
    before = points(reading, "L2", "boundary")
    move_point(markup_node(reading, "L2", "midline"), 1, (0, 1.5, 0))
    result = measurer.update_level("L2")
    # Two thirds of a depth that is 1.5 mm shorter, from the same front.
    assert points(reading, "L2", "boundary")[:, 1] - before[:, 1] == pytest.approx([1.0, 1.0], abs=1e-9)
    assert not result.boundary.moved
    assert not result.outline_edited


def test_markups_moved_by_a_reader_stay_while_the_midline_moves(reading, measurer):
    measurer.update_level("L2")
    move_point(markup_node(reading, "L2", "boundary"), 0, (0, 1.0, 0))
    move_point(markup_node(reading, "L2", "outline"), 5, (0.3, 0.2, 0))
    boundary, outline = points(reading, "L2", "boundary"), points(reading, "L2", "outline")
    move_point(markup_node(reading, "L2", "midline"), 0, (0.5, 0.4, 0))
    result = measurer.update_level("L2")
    assert np.array_equal(points(reading, "L2", "boundary"), boundary)
    assert np.array_equal(points(reading, "L2", "outline"), outline)
    assert result.boundary.moved
    assert result.outline_edited


def test_returned_to_automatic_it_follows_the_midline_again(reading, measurer):
    automatic = measurer.update_level("L2")
    for role in ("boundary", "outline"):
        move_point(markup_node(reading, "L2", role), 0, (0.4, 0.6, 0))
        assert is_edited(reading, "L2", role)
        return_to_automatic(reading, "L2", role)
        assert not is_edited(reading, "L2", role)
    again = measurer.update_level("L2")
    assert points(reading, "L2", "boundary") == pytest.approx(automatic.boundary.points_ras_mm, abs=1e-9)
    assert points(reading, "L2", "outline") == pytest.approx(automatic.outline_ras_mm, abs=1e-9)
    assert again.rois["oval"].values == automatic.rois["oval"].values


def test_a_deleted_point_of_the_outline_is_an_edit(reading, measurer):
    measurer.update_level("L2")
    markup_node(reading, "L2", "outline").RemoveNthControlPoint(3)
    assert is_edited(reading, "L2", "outline")


def test_a_deleted_boundary_is_made_again(reading, measurer, scene):
    automatic = measurer.update_level("L2")
    scene.RemoveNode(markup_node(reading, "L2", "boundary"))
    again = measurer.update_level("L2")
    assert again.boundary.points_ras_mm == pytest.approx(automatic.boundary.points_ras_mm)
    assert points(reading, "L2", "boundary") == pytest.approx(automatic.boundary.points_ras_mm, abs=1e-9)


def test_a_boundary_set_by_a_program_counts_as_the_readers(reading, bodies):
    midline = bodies.midlines_ras_mm["L3"]
    boundary = np.add(midline.mean(axis=0), [[25, -4, 0], [-25, -4, 0]])
    set_markup(reading, "L3", "boundary", boundary)
    assert read_landmarks(reading, "L3").boundary_ras_mm == pytest.approx(boundary)


def test_landmarks_from_files_replace_what_was_there(reading, measurer, bodies):
    midline = bodies.midlines_ras_mm["L3"]
    boundary = np.add(midline.mean(axis=0), [[25, -4, 0], [-25, -4, 0]])
    set_landmarks(reading, Landmarks("L3", midline, boundary))
    measurer.update_level("L3")
    set_landmarks(reading, Landmarks("L3", midline))
    result = measurer.update_level("L3")
    assert not result.boundary.moved
    assert result.boundary.fraction == pytest.approx(2 / 3)


def test_a_midline_being_placed_is_reported_with_its_points(scene, start_reading):
    reading = start_reading(levels=())
    with pytest.raises(InputError, match="L1 has no midline"):
        read_landmarks(reading, "L1")
    node = ensure_markup(reading, "L1", "midline")
    assert not node.GetFixedNumberOfControlPoints()
    assert placed_levels(reading) == ()
    node.AddControlPoint(3, 14, 105)
    # The second was announced but is not placed.
    node.AddControlPoint(3, 0, 105)
    node.UnsetNthControlPointPosition(1)
    with pytest.raises(InputError, match="The midline of L1 has 1 point: place 2"):
        read_landmarks(reading, "L1")


def test_no_key_deletes_a_point_of_a_placed_midline(start_reading):
    node = markup_node(start_reading(levels=["L1"]), "L1", "midline")
    assert node.GetFixedNumberOfControlPoints()


def test_a_line_that_was_placed_elsewhere_is_adopted(scene, start_reading, bodies):
    reading = start_reading()
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "L")
    for end in bodies.midlines_ras_mm["L2"] + [0.5, 0, 0]:
        line.AddControlPoint(*end)
    previous = markup_node(reading, "L2", "midline")
    adopt_markup(reading, "L2", "midline", line)
    assert markup_node(reading, "L2", "midline") is line
    assert line.GetName() == "L2-midline"
    assert previous.GetScene() is None
    curve = scene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "C")
    with pytest.raises(InputError, match="as a closed curve"):
        adopt_markup(reading, "L2", "outline", curve)


def test_markups_show_without_labels_and_in_their_own_colors(reading, measurer):
    measurer.update_level("L1")
    colors = set()
    for role in ("midline", "boundary", "outline"):
        display = markup_node(reading, "L1", role).GetDisplayNode()
        assert not display.GetPropertiesLabelVisibility()
        assert not display.GetPointLabelsVisibility()
        assert display.GetGlyphScale() == 3
        colors.add(display.GetSelectedColor())
    assert len(colors) == 3


def test_the_origin_of_an_accepted_proposal_states_its_correction(reading, bodies):
    midline = bodies.midlines_ras_mm["L2"]
    set_midline(reading, "L2", midline, MidlineOrigin("proposal_accepted"))
    assert midline_origin(reading, "L2") == MidlineOrigin("proposal_accepted")
    # Turned by 3° about its center, which moves by 3, 4 mm.
    center, angle = midline.mean(axis=0), np.radians(3)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    node = markup_node(reading, "L2", "midline")
    for index, end in enumerate((midline - center) @ turn.T + center + [3, 4, 0]):
        node.SetNthControlPointPosition(index, *end)
    origin = read_landmarks(reading, "L2").origin
    assert origin.kind == "proposal_corrected"
    assert (origin.corrected_mm, origin.corrected_deg) == pytest.approx((5, 3), abs=1e-5)
    assert midline_origin(reading, "L3") == MidlineOrigin("manual")


def test_markups_under_a_transform_are_read_at_their_visible_position(scene, reading, bodies):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    transform.GetTransformToParent().Translate(1, 2, 3)
    node = markup_node(reading, "L2", "midline")
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert read_landmarks(reading, "L2").midline_ras_mm == pytest.approx(bodies.midlines_ras_mm["L2"] + [1, 2, 3])


def test_a_transform_over_ct_and_markups_edits_nothing(scene, reading, measurer, ct_node):
    before = measurer.update_level("L2")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    transform.GetTransformToParent().Translate(4, -2, 7)
    for node in [ct_node] + [markup_node(reading, "L2", role) for role in ("midline", "boundary", "outline")]:
        node.SetAndObserveTransformNodeID(transform.GetID())
    after = measurer.update_level("L2")
    assert not after.boundary.moved
    assert not after.outline_edited
    assert not any(roi.edited for roi in after.rois.values())
    assert after.outline_ras_mm - before.outline_ras_mm == pytest.approx(np.tile([4, -2, 7], (24, 1)), abs=1e-5)
    for roi, roi_result in after.rois.items():
        assert roi_result.values["mean_hu"] == pytest.approx(before.rois[roi].values["mean_hu"], abs=0.5)


def test_the_second_readings_markups_have_their_own_names_and_are_still_read_from_files(start_reading, tmp_path):
    start_reading()
    second = start_reading("Reader B")
    node = markup_node(second, "L1", "midline")
    assert node.GetName() == "L1-midline (2)"
    path = tmp_path / f"{node.GetName()}.mrk.json"
    node.AddDefaultStorageNode(str(path))
    assert node.GetStorageNode().WriteData(node)
    (landmarks,) = read_markups([path]).landmarks
    assert landmarks.midline_ras_mm == pytest.approx(read_landmarks(second, "L1").midline_ras_mm, abs=1e-9)


def saved(reading, folder, level="L2"):
    """Save a level's markups by hand, as Slicer's Save dialog does, and read them."""
    for role in ("midline", "boundary", "outline"):
        node = markup_node(reading, level, role)
        node.AddDefaultStorageNode(str(folder / f"{level}-{role}.mrk.json"))
        assert node.GetStorageNode().WriteData(node)
    return read_markups([folder]).landmarks[0]


def test_markups_saved_by_hand_record_proposals_and_automatic_markups(reading, measurer, bodies, tmp_path):
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin("proposal_accepted"))
    measurer.update_level("L2")
    landmarks = saved(reading, tmp_path)
    assert landmarks.origin == MidlineOrigin("proposal_accepted")
    assert landmarks.boundary_ras_mm is None
    assert landmarks.outline_ras_mm is None


@pytest.mark.parametrize("role", ["boundary", "outline"])
def test_markups_saved_by_hand_record_the_readers_moves(reading, measurer, role, tmp_path):
    measurer.update_level("L2")
    move_point(markup_node(reading, "L2", role), 0, (0.1, 0.2, 0))
    measurer.update_level("L2")
    landmarks = saved(reading, tmp_path)
    assert {"boundary": landmarks.boundary_ras_mm, "outline": landmarks.outline_ras_mm}[role] is not None
    assert landmarks.origin == MANUAL


def test_adopted_markups_keep_the_facts_of_their_files(reading, measurer, bodies, scene, tmp_path):
    doubt = Finding("level_filled_in", "L3 was counted.", "Look.", "warning", "L3")
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin("proposal_accepted"), [doubt])
    measurer.update_level("L2")
    saved(reading, tmp_path)
    for role, node_class in (("midline", "LineNode"), ("outline", "ClosedCurveNode")):
        node = scene.AddNewNodeByClass(f"vtkMRMLMarkups{node_class}")
        node.AddDefaultStorageNode(str(tmp_path / f"L2-{role}.mrk.json"))
        assert node.GetStorageNode().ReadData(node)
        adopt_markup(reading, "L3", role, node)
    assert midline_origin(reading, "L3") == MidlineOrigin("proposal_accepted")
    assert not is_edited(reading, "L3", "outline")
    assert placement_findings(reading, "L3") == (doubt,)
    confirm_count(reading, "L3")
    assert placement_findings(reading, "L3") == ()
    assert midline_origin(reading, "L3") == MidlineOrigin("proposal_accepted")
    assert "findings" not in markup_node(reading, "L3", "midline").GetNthControlPointDescription(0)
    move_point(markup_node(reading, "L3", "outline"), 2, (0.1, 0, 0))
    assert is_edited(reading, "L3", "outline")


@pytest.mark.parametrize(("end", "dragged_mm", "slice_mm"), [(0, 71.1, 70.0), (1, 73.6, 72.5), (0, 900.0, 120.0)])
@pytest.mark.parametrize("from_side", [False, True])
def test_both_ends_of_a_midline_go_into_the_slice_of_the_dragged_one(
    reading, measurer, end, dragged_mm, slice_mm, from_side
):
    node, before = markup_node(reading, "L2", "midline"), placed_points(markup_node(reading, "L2", "midline"))
    dragged = before[end] + (0.5, 1.0, 0.0)
    node.SetNthControlPointPosition(end, dragged[0], dragged[1], dragged_mm)
    move_into_slice(reading, "L2", measurer.stack, before, from_side)
    expected = before.copy()
    expected[:, 2] = slice_mm
    if not from_side:
        expected[end, :2] = dragged[:2]
    assert placed_points(node) == pytest.approx(expected, abs=1e-9)


def test_a_half_placed_midline_is_moved_into_no_slice(reading, measurer):
    node = ensure_markup(reading, "L5", "midline")
    node.AddControlPoint(0, 0, 1.1)
    move_into_slice(reading, "L5", measurer.stack)
    assert node.GetNthControlPointPosition(0)[2] == 1.1
