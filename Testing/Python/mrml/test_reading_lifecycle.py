import pytest
from mrml.scene_tools import edit_by_hand, move_point, voxel_counts

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import accept_off_protocol, exclude_level, include_level, readings
from LumbarHULib.mrml.reading_lifecycle import remove_reading, reopen, sign_off, sign_off_findings
from LumbarHULib.mrml.reading_markups import (
    ensure_markup,
    markup_node,
    remove_markups,
    return_to_automatic,
    set_markup,
    set_midline,
)
from LumbarHULib.mrml.roi_segmentations import remove_segments, return_roi_to_automatic, segmentation_node

WHEN = "2026-03-01T12:00:00+01:00"


@pytest.fixture
def signed(reading, measurer):
    measurer.measure()
    sign_off(reading, "Reader A", WHEN)
    return reading


@pytest.mark.parametrize(
    "change",
    [
        lambda reading: set_midline(reading, "L1", [[0, 10, 0], [0, -10, 0]]),
        lambda reading: set_markup(reading, "L1", "boundary", [[20, 0, 0], [-20, 0, 0]]),
        lambda reading: ensure_markup(reading, "T12", "midline"),
        lambda reading: remove_markups(reading, "L1"),
        lambda reading: return_to_automatic(reading, "L1", "outline"),
        lambda reading: return_roi_to_automatic(reading, "L1", "oval"),
        lambda reading: exclude_level(reading, "L1", "metal"),
        lambda reading: include_level(reading, "L1"),
        lambda reading: accept_off_protocol(reading, True),
        lambda reading: sign_off(reading, "Reader A", WHEN),
        lambda reading: remove_reading(reading),
        lambda reading: remove_segments(reading, "L1"),
    ],
)
def test_a_signed_off_reading_refuses_every_change(signed, change):
    with pytest.raises(InputError, match=rf"was signed off by Reader A on {WHEN[:10]}.*: reopen it before"):
        change(signed)


def test_signed_off_markups_are_locked_and_unlocked_again(signed):
    nodes = [markup_node(signed, level, role) for level in ("L1", "L4") for role in ("midline", "boundary", "outline")]
    assert all(node.GetLocked() for node in nodes)
    reopen(signed, "Reader B", "2026-03-02", "wrong level")
    assert not any(node.GetLocked() for node in nodes)
    assert not signed.is_signed_off


def test_sign_off_and_reopening_stay_on_record(signed):
    reopen(signed, " Reader B ", "2026-03-02", " wrong level ")
    sign_off(signed, "Reader A", "2026-03-03")
    assert signed.history == [
        {"what": "signed off", "who": "Reader A", "when": WHEN, "reason": ""},
        {"what": "reopened", "who": "Reader B", "when": "2026-03-02", "reason": "wrong level"},
        {"what": "signed off", "who": "Reader A", "when": "2026-03-03", "reason": ""},
    ]


def test_reopening_needs_a_name_a_reason_and_a_signed_off_reading(signed):
    with pytest.raises(InputError, match="without a reason"):
        reopen(signed, "Reader B", WHEN, "")
    with pytest.raises(InputError, match="without a name"):
        reopen(signed, "", WHEN, "wrong level")
    assert signed.is_signed_off
    reopen(signed, "Reader B", WHEN, "wrong level")
    with pytest.raises(InputError, match="is not signed off"):
        reopen(signed, "Reader B", WHEN, "wrong level")


def test_a_signed_off_reading_is_measured_without_a_change_in_the_scene(signed, measurer, scene):
    counts = {roi: voxel_counts(signed, roi) for roi in ROIS}
    states = [scene.GetNthNode(n).GetMTime() for n in range(scene.GetNumberOfNodes())]
    result = measurer.measure()
    assert len(result.levels) == 4
    assert [scene.GetNthNode(n).GetMTime() for n in range(scene.GetNumberOfNodes())] == states
    assert {roi: voxel_counts(signed, roi) for roi in ROIS} == counts
    assert "changed_after_sign_off" not in {finding.code for finding in result.findings}


@pytest.mark.parametrize("what", ["midline", "segment", "none"])
def test_changes_after_a_sign_off_are_reported(signed, bodies, what):
    if what == "midline":
        node = markup_node(signed, "L2", "midline")
        move_point(node, 0, [0, -0.5, 0])
    if what == "segment":
        edit_by_hand(signed, "oval", "L2", bodies.midlines_ras_mm["L2"].mean(axis=0)[None], erase=True)
    result = ReadingMeasurer(signed).measure()
    found = [one.sentence.partition(": ")[2] for one in result.findings if one.code == "changed_after_sign_off"]
    changes = {"midline": ["the midline of L2 was changed."], "segment": ["L2 of the oval ROI was changed."]}
    assert found == changes.get(what, [])


def test_what_is_missing_after_a_sign_off_is_named_and_comes_back_when_it_is_reopened(signed):
    node = segmentation_node(signed, "right")
    for level in ("L1", "L2", "L3", "L4"):
        node.GetSegmentation().RemoveSegment(level)
    (sentence,) = [one.sentence for one in sign_off_findings(signed)]
    assert sentence.endswith(
        ": L1 of the right ROI is missing, L2 of the right ROI is missing, L3 of the right ROI is missing, and 1 more."
    )
    reopen(signed, "Reader A", WHEN, "a region was deleted")
    ReadingMeasurer(signed).measure()
    assert {*voxel_counts(signed, "right")} == {"L1", "L2", "L3", "L4"}


def test_a_reading_that_an_earlier_version_signed_only_reports_that_it_was_changed(signed):
    signed.node.UnsetParameter("signed parts")
    assert sign_off_findings(signed) == ()
    move_point(markup_node(signed, "L2", "midline"), 0, [0, -0.5, 0])
    (finding,) = sign_off_findings(signed)
    assert finding.sentence.endswith("was changed after it was signed off.")


def test_a_removed_reading_leaves_the_scene_as_it_was(scene, ct_node, start_reading):
    other = start_reading("Reader B")
    ReadingMeasurer(other).measure()
    before = {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}
    reading = start_reading()
    ReadingMeasurer(reading).measure()
    remove_reading(reading)
    after = {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}
    assert after == before
    assert readings(scene) == (other,)
