"""What a reader takes back is as it was, down to the digits."""

import numpy as np
import pytest
from mrml.scene_tools import edit_by_hand, voxel_counts

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import exclude_level
from LumbarHULib.mrml.reading_history import ReadingHistory
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import is_edited, markup_node, placed_levels, remove_markups
from LumbarHULib.mrml.roi_segmentations import remove_segments


def means(measurer):
    return means_of(measurer.measure())


def means_of(result):
    return {level.level: {roi: r.values["mean_hu"] for roi, r in level.rois.items()} for level in result.levels}


def move(reading, level, role, offset_mm):
    node = markup_node(reading, level, role)
    position = node.GetNthControlPointPosition(0)
    node.SetNthControlPointPosition(0, *(c + o for c, o in zip(position, offset_mm, strict=True)))


def test_undo_and_redo_give_back_the_digits(reading, measurer):
    history, before = ReadingHistory(measurer), means(measurer)
    history.remember()
    move(reading, "L2", "midline", (1.5, 0.5, 0))
    after = means(measurer)
    assert after["L2"] != before["L2"]
    history.undo()
    assert means(measurer) == before
    history.redo()
    assert means(measurer) == after
    assert (history.can_undo, history.can_redo) == (True, False)


def test_it_reports_the_levels_that_it_moved(reading, measurer):
    history = ReadingHistory(measurer)
    history.measure()
    edit_by_hand(reading, "round", "L2", along_midline(reading, "L2", 3)[1:2], erase=True)
    history.measure()
    for level in ("L3", "L4"):
        history.remember()
        move(reading, level, "midline", (1.5, 0.5, 0))
        measurer.update_level(level)
    history.remember()
    exclude_level(reading, "L1", "fracture")
    for step, moved in [(history.undo, ["", "L4", "L3", "L2", ""]), (history.redo, ["L2", "L3", "L4", "", ""])]:
        for level in moved:
            assert step() == ((level,) if level else ())
            history.measure()


def test_an_edited_boundary_is_automatic_again_after_undo(reading, measurer):
    history, before = ReadingHistory(measurer), means(measurer)
    history.remember()
    move(reading, "L3", "boundary", (0, 1.5, 0))
    measurer.update_level("L3")
    assert is_edited(reading, "L3", "boundary")
    history.undo()
    assert not is_edited(reading, "L3", "boundary")
    assert means(measurer) == before


def test_markups_that_were_removed_come_back(reading, measurer):
    history, before = ReadingHistory(measurer), means(measurer)
    history.remember()
    remove_markups(reading, "L1")
    assert "L1" not in placed_levels(reading)
    history.undo()
    assert means(measurer) == before


def test_an_exclusion_is_undone(reading, measurer):
    history = ReadingHistory(measurer)
    history.remember()
    exclude_level(reading, "L1", "fracture")
    history.undo()
    assert reading.exclusions == {}


def test_a_cancelled_step_leaves_no_trace(reading, measurer):
    history, before = ReadingHistory(measurer), means(measurer)
    history.remember()
    remove_markups(reading, "L1")
    history.give_up()
    assert means(measurer) == before
    assert (history.can_undo, history.can_redo) == (False, False)


def test_a_signed_off_reading_is_not_undone(reading, measurer):
    history = ReadingHistory(measurer)
    history.remember()
    sign_off(reading, "A", "now")
    with pytest.raises(InputError, match="signed off"):
        history.undo()


def along_midline(reading, level, count):
    """Return points on a midline, shape (count, 3)."""
    node = markup_node(reading, level, "midline")
    return np.linspace(*(node.GetNthControlPointPosition(index) for index in (0, 1)), count)


def erase_in(reading, level, roi="round"):
    """Take some voxels out of a region, as Segment Editor's eraser does."""
    edit_by_hand(reading, roi, level, along_midline(reading, level, 40), erase=True)


def edited(measurer) -> set:
    return set(measurer.edits)


def test_an_edit_in_segment_editor_is_undone_and_redone_to_the_voxel(reading, measurer):
    history = ReadingHistory(measurer)
    before = means_of(history.measure())
    erase_in(reading, "L2")
    after, held = means_of(history.measure()), voxel_counts(reading, "round")
    assert after != before
    assert edited(measurer) == {("L2", "round")}
    history.undo()
    assert means_of(history.measure()) == before
    assert edited(measurer) == set()
    assert not history.can_undo
    history.redo()
    assert means_of(history.measure()) == after
    assert (edited(measurer), voxel_counts(reading, "round")) == ({("L2", "round")}, held)
    assert (history.can_undo, history.can_redo) == (True, False)


def test_each_segment_edit_is_a_step_in_addition_to_those_of_markups(reading, measurer):
    history = ReadingHistory(measurer)
    reported = [means_of(history.measure())]
    erase_in(reading, "L2")
    reported.append(means_of(history.measure()))
    history.remember()
    move(reading, "L3", "midline", (1.5, 0.5, 0))
    reported.append(means_of(history.measure()))
    erase_in(reading, "L3", "oval")
    reported.append(means_of(history.measure()))
    for step in (*(3 * (history.undo,)), *(3 * (history.redo,)), *(3 * (history.undo,))):
        step()
        reported.append(means_of(history.measure()))
    assert reported[4:] == [
        reported[2],
        reported[1],
        reported[0],
        reported[1],
        reported[2],
        reported[3],
        reported[2],
        reported[1],
        reported[0],
    ]
    assert not history.can_undo


def test_a_level_that_comes_back_brings_its_edited_regions(reading, measurer):
    history = ReadingHistory(measurer)
    history.measure()
    erase_in(reading, "L1")
    before = means_of(history.measure())
    history.remember()
    remove_markups(reading, "L1")
    remove_segments(reading, "L1")
    history.measure()
    assert edited(measurer) == set()
    history.undo()
    assert means_of(history.measure()) == before
    assert edited(measurer) == {("L1", "round")}


def test_edits_before_a_history_begins_are_not_steps_of_it(reading, measurer):
    measurer.measure()
    erase_in(reading, "L2")
    history = ReadingHistory(ReadingMeasurer(reading))
    history.measure()
    assert edited(history.measurer) == {("L2", "round")}
    assert not history.can_undo


def test_an_edit_undone_in_segment_editor_after_a_redo_is_not_an_edit(reading, measurer):
    history = ReadingHistory(measurer)
    before = means_of(history.measure())
    points = along_midline(reading, "L2", 3)[1:2]
    edit_by_hand(reading, "round", "L2", points, erase=True)
    history.measure()
    history.undo()
    history.measure()
    history.redo()
    edit_by_hand(reading, "round", "L2", points)
    assert means_of(history.measure()) == before
    assert edited(measurer) == set()


def test_a_deletion_made_elsewhere_is_a_separate_step(reading, measurer):
    history = ReadingHistory(measurer)
    history.measure()
    history.remember()
    exclude_level(reading, "L1", "fracture")
    before = means_of(history.measure())
    reading.scene.RemoveNode(markup_node(reading, "L3", "midline"))
    assert "L3" not in means_of(history.measure())
    assert history.undo() == ("L3",)
    assert means_of(history.measure()) == before
    assert reading.exclusions == {"L1": "fracture"}
    history.undo()
    assert reading.exclusions == {}
    assert not history.can_undo


def test_a_move_made_elsewhere_before_a_step_is_a_step_before_it(reading, measurer):
    history = ReadingHistory(measurer)
    before = means_of(history.measure())
    move(reading, "L2", "midline", (1.0, 0, 0))
    history.remember()
    exclude_level(reading, "L1", "fracture")
    history.measure()
    history.undo()
    assert reading.exclusions == {}
    assert means_of(history.measure()) != before
    assert history.undo() == ("L2",)
    assert means_of(history.measure()) == before
