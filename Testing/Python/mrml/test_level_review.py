import json

import pytest
from mrml.scene_tools import move_point

from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.level_review import (
    accept_level,
    confirm_count,
    note_seen,
    require_reviewed,
    unreviewed_levels,
)
from LumbarHULib.mrml.reading import ask_for_level, exclude_level
from LumbarHULib.mrml.reading_history import ReadingHistory
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import markup_node, midline_origin, set_midline


def test_every_level_waits_for_a_review_whoever_placed_it(reading, bodies):
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin("proposal_accepted"))
    assert unreviewed_levels(reading) == MEAN_LEVELS
    accept_level(reading, "L2")
    accept_level(reading, "L3")
    assert unreviewed_levels(reading) == ("L1", "L4")
    exclude_level(reading, "L1", "fracture")
    ask_for_level(reading, "L4", False)
    assert unreviewed_levels(reading) == ()


@pytest.mark.parametrize("kind", ["manual", "proposal_accepted"])
def test_a_level_that_was_moved_since_it_was_seen_must_be_seen_again(reading, bodies, kind):
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin(kind))
    accept_level(reading, "L2")
    assert "L2" not in unreviewed_levels(reading)
    move_point(markup_node(reading, "L2", "midline"), 1, (0, 0.5, 0))
    assert "L2" in unreviewed_levels(reading)
    note_seen(reading, "L2")
    assert "L2" not in unreviewed_levels(reading)


def test_to_confirm_the_count_of_a_level_is_not_to_have_seen_it(reading):
    confirm_count(reading, "L2")
    assert "L2" in unreviewed_levels(reading)


def test_an_undone_move_returns_to_what_was_seen(reading, measurer):
    history = ReadingHistory(measurer)
    history.measure()
    accept_level(reading, "L2")
    history.remember()
    move_point(markup_node(reading, "L2", "midline"), 1, (0, 0.5, 0))
    note_seen(reading, "L2")
    history.measure()
    history.undo()
    assert "L2" not in unreviewed_levels(reading)
    history.redo()
    assert "L2" not in unreviewed_levels(reading)


def test_a_level_without_a_number_asks_for_no_review(reading, measurer):
    move_point(markup_node(reading, "L2", "midline"), 0, (0, 0, -4000))
    result = measurer.measure()
    assert [refusal.level for refusal in result.refusals] == ["L2"]
    for level in ("L1", "L3"):
        accept_level(reading, level)
    assert unreviewed_levels(reading, result) == ("L4",)
    with pytest.raises(InputError, match=r"not reviewed \(L4\): go to each"):
        require_reviewed(reading, result)
    accept_level(reading, "L4")
    require_reviewed(reading, result)


def test_a_reading_that_was_signed_off_stays_as_it_is(reading, measurer):
    sign_off(reading, "Reader A", "2026-01-01 00:00:00")
    require_reviewed(reading, measurer.measure())
    with pytest.raises(InputError, match="signed off"):
        accept_level(reading, "L1")


def test_the_origins_of_the_ends_are_kept_and_state_what_was_moved(reading, bodies):
    placed = MidlineOrigin(ends=("snapped", "free"))
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], placed)
    accept_level(reading, "L2")
    assert midline_origin(reading, "L2") == placed
    move_point(markup_node(reading, "L2", "midline"), 0, (0, 0.5, 0))
    assert midline_origin(reading, "L2") == MidlineOrigin(ends=("moved", "free"))


def test_the_record_states_how_each_end_was_placed_and_is_verified_without_it_too(reading, measurer, bodies, tmp_path):
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin(ends=("snapped", "clicked")))
    reading.node.SetParameter("case", "case")
    folder = export_reading(tmp_path, reading, measurer.measure())
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    stated = {level["level"]: level["midline"].get("ends") for level in record["levels"]}
    assert stated == {"L1": None, "L2": ["snapped", "clicked"], "L3": None, "L4": None}
    ct = ct_from_node(reading.ct_node)
    assert verify_audit_folder(folder, ct) == []
    record["levels"][1]["midline"]["ends"] = ["snapped", "free"]
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    assert any("ends" in difference for difference in verify_audit_folder(folder, ct))
