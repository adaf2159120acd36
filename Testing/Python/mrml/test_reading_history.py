"""What a reader takes back is as it was, down to the digits."""

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.reading import exclude_level
from LumbarHULib.mrml.reading_history import ReadingHistory
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import is_edited, markup_node, placed_levels, remove_markups


def means(measurer):
    return {
        level.level: {roi: r.values["mean_hu"] for roi, r in level.rois.items()} for level in measurer.measure().levels
    }


def move(reading, level, role, offset_mm):
    node = markup_node(reading, level, role)
    position = node.GetNthControlPointPosition(0)
    node.SetNthControlPointPosition(0, *(c + o for c, o in zip(position, offset_mm, strict=True)))


def test_undo_and_redo_give_back_the_digits(reading, measurer):
    history, before = ReadingHistory(reading), means(measurer)
    history.remember()
    move(reading, "L2", "midline", (1.5, 0.5, 0))
    after = means(measurer)
    assert after["L2"] != before["L2"]
    history.undo()
    assert means(measurer) == before
    history.redo()
    assert means(measurer) == after
    assert (history.can_undo, history.can_redo) == (True, False)


def test_an_edited_boundary_is_automatic_again_after_undo(reading, measurer):
    history, before = ReadingHistory(reading), means(measurer)
    history.remember()
    move(reading, "L3", "boundary", (0, 1.5, 0))
    measurer.update_level("L3")
    assert is_edited(reading, "L3", "boundary")
    history.undo()
    assert not is_edited(reading, "L3", "boundary")
    assert means(measurer) == before


def test_markups_that_were_removed_come_back(reading, measurer):
    history, before = ReadingHistory(reading), means(measurer)
    history.remember()
    remove_markups(reading, "L1")
    assert "L1" not in placed_levels(reading)
    history.undo()
    assert means(measurer) == before


def test_an_exclusion_is_taken_back(reading):
    history = ReadingHistory(reading)
    history.remember()
    exclude_level(reading, "L1", "fracture")
    history.undo()
    assert reading.exclusions == {}


def test_a_gesture_that_was_broken_off_leaves_no_trace(reading, measurer):
    history, before = ReadingHistory(reading), means(measurer)
    history.remember()
    remove_markups(reading, "L1")
    history.give_up()
    assert means(measurer) == before
    assert (history.can_undo, history.can_redo) == (False, False)


def test_a_signed_reading_is_not_undone(reading):
    history = ReadingHistory(reading)
    history.remember()
    sign_off(reading, "A", "now")
    with pytest.raises(InputError, match="signed off"):
        history.undo()
