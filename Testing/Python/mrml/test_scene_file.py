import os
import zipfile

import numpy as np
import pytest
import SimpleITK
from mrml.scene_tools import edit_by_hand, label_values, load_scene, move_point, true_values, voxel_counts

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import accept_off_protocol, exclude_level, readings
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import ensure_markup, is_edited, markup_node, set_midline
from LumbarHULib.mrml.result_tables import results_table, summary_table
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.mrml.scene_file import save_scene
from LumbarHULib.mrml.subject_hierarchy import reading_folder


def numbers(result):
    return {(level.level, roi): level.rois[roi].values for level in result.levels for roi in ROIS}


@pytest.fixture
def reopened(tmp_path):
    """Return a function that saves a scene and opens it in another; give it the first reading there."""
    with headless_scene() as other:

        def reopen(scene):
            save_scene(scene, tmp_path / "scene.mrb")
            load_scene(other, tmp_path / "scene.mrb")
            return readings(other)

        yield reopen


def test_a_reopened_reading_is_the_same_reading(scene, start_reading, reopened):
    reading = start_reading(
        'Dr. “Ü” <&> "x"', case="case 7", number=3, scan_facts=ScanFacts(tube_voltage_kv=100.0, contrast=True)
    )
    set_midline(reading, "L2", [[3, 14, 70], [3, -18, 70]], MidlineOrigin("proposal_accepted"))
    exclude_level(reading, "L4", "Fraktur, „alt“ & <neu>")
    accept_off_protocol(reading, True)
    ReadingMeasurer(reading).measure()
    sign_off(reading, "B", "2026-03-01T12:00:00")
    (again,) = reopened(scene)
    for name in ("uid", "reader", "number", "case", "protocol", "cutoffs", "scan_facts", "exclusions", "history"):
        assert getattr(again, name) == getattr(reading, name), name
    assert again.protocol_text == reading.protocol_text
    assert again.cutoffs_text == reading.cutoffs_text
    assert again.accepts_off_protocol
    assert again.is_signed_off
    assert markup_node(again, "L1", "midline").GetLocked()
    result = ReadingMeasurer(again).measure()
    assert result.levels[1].origin.kind == "proposal_accepted"
    assert "changed_after_sign_off" not in {finding.code for finding in result.findings}


def test_measuring_again_gives_the_same_digits_and_marks_nothing_as_edited(scene, reading, measurer, reopened):
    before = measurer.measure()
    (again,) = reopened(scene)
    result = ReadingMeasurer(again).measure()
    assert numbers(result) == numbers(before)
    assert [summary.mean_hu for summary in result.summaries] == [summary.mean_hu for summary in before.summaries]
    for level in result.levels:
        assert not level.outline_edited
        assert not level.boundary.moved
        assert not any(roi.edited for roi in level.rois.values())
    assert label_values(again) == true_values(["L1", "L2", "L3", "L4"])
    assert again.scene.GetNumberOfNodes() == scene.GetNumberOfNodes()


def test_an_edited_region_is_still_edited_and_measured_unchanged(scene, reading, measurer, bodies, reopened):
    measurer.measure()
    for level, role in (("L2", "boundary"), ("L3", "outline")):
        node = markup_node(reading, level, role)
        move_point(node, 0, [0.1, 0.3, 0])
    edit_by_hand(
        reading, "round", "L1", np.add(bodies.midlines_ras_mm["L1"].mean(axis=0), [[0, 4, 0], [1, 4, 0]]), erase=True
    )
    before = measurer.measure()
    (again,) = reopened(scene)
    result = ReadingMeasurer(again).measure()
    assert numbers(result) == numbers(before)
    assert is_edited(again, "L2", "boundary")
    assert is_edited(again, "L3", "outline")
    assert not is_edited(again, "L3", "boundary")
    assert [level.rois["round"].edited for level in result.levels] == [True, False, False, False]


def test_label_values_in_the_bundle_are_those_of_the_levels(scene, start_reading, tmp_path):
    reading = start_reading(levels=["L4", "L2"])
    ReadingMeasurer(reading).measure()
    save_scene(scene, tmp_path / "scene.mrb")
    assert label_values(reading) == true_values(["L2", "L4"])
    with zipfile.ZipFile(tmp_path / "scene.mrb") as bundle:
        names = [name for name in bundle.namelist() if name.endswith(".seg.nrrd")]
        assert len(names) == 5
        for name in names:
            image = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(bundle.extract(name, tmp_path)))
            assert set(np.unique(image)) == {0, 21, 23}


def test_the_first_scene_can_be_continued_after_saving(scene, reading, measurer, tmp_path):
    before = measurer.measure()
    save_scene(scene, tmp_path / "scene.mrb")
    node = markup_node(reading, "L2", "midline")
    start = node.GetNthControlPointPosition(0)
    node.SetNthControlPointPosition(0, start[0], start[1] - 1, start[2])
    moved = measurer.update_level("L2")
    assert voxel_counts(reading, "oval")["L2"] == moved.rois["oval"].values["voxels"]
    node.SetNthControlPointPosition(0, *start)
    assert numbers(measurer.measure()) == numbers(before)


def test_nothing_moves_when_a_scene_is_saved_reopened_and_saved_again(scene, reading, measurer, tmp_path):
    expected = numbers(measurer.measure())
    path = tmp_path / "0.mrb"
    save_scene(scene, path)
    for turn in range(1, 4):
        with headless_scene() as other:
            load_scene(other, path)
            (again,) = readings(other)
            assert numbers(ReadingMeasurer(again).measure()) == expected
            path = tmp_path / f"{turn}.mrb"
            save_scene(other, path)


def test_two_readings_come_back_with_their_own_nodes(scene, start_reading, bodies, reopened):
    first, second = start_reading("A"), start_reading("B", levels=["L1", "L2"])
    set_midline(second, "L1", bodies.midlines_ras_mm["L1"] + [1.0, 0, 0])
    expected = [numbers(ReadingMeasurer(reading).measure()) for reading in (first, second)]
    again = reopened(scene)
    assert [reading.reader for reading in again] == ["A", "B"]
    assert [numbers(ReadingMeasurer(reading).measure()) for reading in again] == expected
    assert len({reading_folder(reading) for reading in again}) == 2


def test_display_folders_and_tables_come_back(scene, reading, measurer, reopened):
    measurer.measure()
    (again,) = reopened(scene)
    assert results_table(again).GetNumberOfRows() == 20
    assert summary_table(again).GetUseColumnTitleAsColumnHeader()
    assert not segmentation_node(again, "oval").GetDisplayNode().GetVisibility2DFill()
    segment = segmentation_node(again, "oval").GetSegmentation().GetSegment("L3")
    assert "SCT^36470004^L3 vertebra" in segment.GetTerminology()
    assert not markup_node(again, "L1", "midline").GetDisplayNode().GetPropertiesLabelVisibility()
    assert markup_node(again, "L1", "midline").GetFixedNumberOfControlPoints()


def test_a_half_placed_midline_is_saved_too(scene, start_reading, reopened):
    reading = start_reading(levels=["L1", "L2"])
    ensure_markup(reading, "L3", "midline").AddControlPoint(3, 14, 35)
    ensure_markup(reading, "L4", "midline")
    (again,) = reopened(scene)
    result = ReadingMeasurer(again).measure()
    assert [refusal.sentence for refusal in result.refusals] == ["The midline of L3 has 1 point: place 2."]


def test_a_scene_that_cannot_be_written_is_an_error_and_leaves_nothing(scene, measurer, tmp_path, vtk_messages):
    with pytest.raises(InputError, match=r"use a file name that ends in \.mrb"):
        save_scene(scene, tmp_path / "scene.txt")
    with pytest.raises(InputError, match="does not exist: create it"):
        save_scene(scene, tmp_path / "none" / "scene.mrb")
    (tmp_path / "folder.mrb").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save_scene(scene, tmp_path / "folder.mrb")
    (tmp_path / "scene.mrb").symlink_to(tmp_path / "none" / "scene.mrb")
    with pytest.raises(InputError, match=r"The scene cannot be saved as “scene\.mrb”"):
        save_scene(scene, tmp_path / "scene.mrb")
    assert not os.path.lexists(tmp_path / "scene.mrb")
    vtk_messages()
