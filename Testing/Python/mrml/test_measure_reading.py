import numpy as np
import pytest
import slicer
import vtk
from mrml.scene_tools import move_point, voxel_counts

from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import exclude_level, include_level
from LumbarHULib.mrml.reading_markups import is_edited, markup_node, set_midline
from LumbarHULib.mrml.result_tables import results_table, summary_table
from LumbarHULib.mrml.roi_segmentations import segmentation_node


def numbers(result):
    return {(level.level, roi): level.rois[roi].values for level in result.levels for roi in ROIS}


def test_the_scene_gives_the_numbers_that_the_core_gives_without_it(reading, measurer, bodies):
    landmarks = [Landmarks(level, midline) for level, midline in bodies.midlines_ras_mm.items()]
    expected = measure_ct(bodies.ct, landmarks, reading.protocol, reading.cutoffs, ScanFacts())
    result = measurer.measure()
    assert numbers(result) == numbers(expected)
    assert [summary.mean_hu for summary in result.summaries] == [summary.mean_hu for summary in expected.summaries]
    assert [summary.class_name for summary in result.summaries] == [
        summary.class_name for summary in expected.summaries
    ]


def test_the_truth_of_the_bodies_is_found(measurer):
    result = measurer.measure()
    for level, true_hu in zip(result.levels, (150, 120, 100, 80), strict=True):
        assert level.rois["oval"].values["mean_hu"] == pytest.approx(true_hu, abs=1.0)


@pytest.mark.usefixtures("nothing_remembered")
def test_measuring_again_adds_no_node_and_changes_no_digit(scene, measurer):
    first = measurer.measure()
    count = scene.GetNumberOfNodes()
    for _ in range(3):
        again = measurer.measure()
        assert numbers(again) == numbers(first)
    assert scene.GetNumberOfNodes() == count


def test_a_level_that_cannot_be_measured_says_why_and_shows_no_region(reading, measurer):
    measurer.measure()
    set_midline(reading, "L2", [[3, 14, 500], [3, -18, 500]])
    refusal = measurer.update_level("L2")
    assert isinstance(refusal, LevelRefusal)
    assert "beyond the CT" in refusal.sentence
    assert all(voxel_counts(reading, roi)["L2"] == 0 for roi in ROIS)
    result = measurer.measure()
    assert [level.level for level in result.levels] == ["L1", "L3", "L4"]
    assert [refusal.level for refusal in result.refusals] == ["L2"]


def test_a_deleted_midline_leaves_a_level_without_regions(scene, reading, measurer):
    measurer.measure()
    scene.RemoveNode(markup_node(reading, "L3", "midline"))
    refusal = measurer.update_level("L3")
    assert refusal.sentence == "L3 has no midline: place its anterior and posterior ends."
    assert all(voxel_counts(reading, roi)["L3"] == 0 for roi in ROIS)
    assert [level.level for level in measurer.measure().levels] == ["L1", "L2", "L4"]


def test_a_deleted_ct_is_reported_in_one_sentence(scene, measurer, ct_node):
    measurer.measure()
    scene.RemoveNode(ct_node)
    refusal = measurer.update_level("L1")
    assert "The CT of Reader A – reading 1 is no longer in the scene" in refusal.sentence
    result = measurer.measure()
    assert not result.levels
    assert len(result.refusals) == 4


def test_deleted_tables_are_made_again(scene, reading, measurer):
    measurer.measure()
    count = scene.GetNumberOfNodes()
    scene.RemoveNode(results_table(reading))
    scene.RemoveNode(summary_table(reading))
    measurer.measure()
    assert results_table(reading).GetNumberOfRows() == 20
    assert summary_table(reading).GetNumberOfRows() == 5
    assert scene.GetNumberOfNodes() == count


def test_a_closed_scene_raises_nothing(scene, measurer):
    measurer.measure()
    scene.Clear(False)
    assert isinstance(measurer.update_level("L1"), LevelRefusal)
    assert not measurer.measure().levels


def test_an_excluded_level_is_measured_and_enters_no_mean(reading, measurer):
    exclude_level(reading, "L2", "fracture")
    result = measurer.measure()
    assert result.levels[1].excluded == "fracture"
    means = [level.rois["oval"].values["mean_hu"] for level in result.levels if level.level != "L2"]
    assert result.summaries[1].mean_hu == pytest.approx(np.mean(means))
    include_level(reading, "L2")
    assert measurer.measure().summaries[1].levels == ("L1", "L2", "L3", "L4")


def test_an_excluded_level_without_markups_is_reported_with_its_reason(start_reading):
    reading = start_reading(levels=["L1", "L2", "L3"])
    exclude_level(reading, "L4", "metal")
    (refusal,) = ReadingMeasurer(reading).measure().refusals
    assert (refusal.level, refusal.excluded) == ("L4", "metal")


def test_observers_of_every_markup_do_not_call_each_other_endlessly(reading, measurer):
    measurer.measure()
    calls = []

    def handler(level):
        calls.append((level, measurer.is_writing))
        measurer.update_level(level)

    tags = []
    for level in ("L1", "L2"):
        for role in ("midline", "boundary", "outline"):
            node = markup_node(reading, level, role)
            event = slicer.vtkMRMLMarkupsNode.PointModifiedEvent
            tags.append((node, node.AddObserver(event, lambda *_, level=level: handler(level))))
    node = markup_node(reading, "L2", "midline")
    move_point(node, 0, [0, -1, 0])
    for node, tag in tags:
        node.RemoveObserver(tag)
    # The midline once from outside; boundary and outline from inside, which returns at once.
    assert calls[0] == ("L2", False)
    assert all(inside for _, inside in calls[1:])
    assert {level for level, _ in calls} == {"L2"}
    assert not is_edited(reading, "L2", "boundary")


@pytest.mark.usefixtures("nothing_remembered")
def test_a_drag_ends_in_the_numbers_of_a_fresh_measurement(reading, measurer):
    measurer.measure()
    node = markup_node(reading, "L2", "midline")
    start = np.array(node.GetNthControlPointPosition(0))
    for step in range(12):
        node.SetNthControlPointPosition(0, *np.add(start, [0.1 * step, -0.08 * step, 0]))
        dragged = measurer.update_level("L2")
    fresh = ReadingMeasurer(reading).update_level("L2")
    assert {roi: dragged.rois[roi].values for roi in ROIS} == {roi: fresh.rois[roi].values for roi in ROIS}


@pytest.mark.usefixtures("nothing_remembered")
def test_a_drag_of_the_boundary_does_not_change_the_computed_outline(reading, measurer):
    before = measurer.update_level("L2")
    node = markup_node(reading, "L2", "boundary")
    for _ in range(5):
        move_point(node, 0, [0, 0.2, 0])
        after = measurer.update_level("L2")
        assert after.outline_ras_mm is before.outline_ras_mm
    assert after.boundary.fraction < before.boundary.fraction


def test_a_ct_whose_voxels_were_changed_gives_no_number_until_they_are_back(reading, measurer):
    before = numbers(measurer.measure())
    for shift_hu, levels in ((5, 0), (-5, 4)):
        slicer.util.arrayFromVolume(reading.ct_node)[:] += shift_hu
        slicer.util.arrayFromVolumeModified(reading.ct_node)
        result = measurer.measure()
        assert len(result.levels) == levels
        assert len(result.refusals) == 4 - levels
        assert all("voxels of the CT “CT” have changed" in refusal.sentence for refusal in result.refusals)
    assert numbers(result) == before
    assert numbers(ReadingMeasurer(reading).measure()) == before


def test_a_ct_that_moved_away_from_its_markups_gives_no_number(scene, reading, measurer):
    before = numbers(measurer.measure())
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 7.5)
    transform.SetMatrixTransformToParent(matrix)
    reading.ct_node.SetAndObserveTransformNodeID(transform.GetID())
    result = measurer.measure()
    assert result.levels == ()
    assert all("was moved by 7.5 mm" in refusal.sentence for refusal in result.refusals)
    for level in ("L1", "L2", "L3", "L4"):
        for role in ("midline", "boundary", "outline"):
            markup_node(reading, level, role).SetAndObserveTransformNodeID(transform.GetID())
    assert numbers(ReadingMeasurer(reading).measure()) == before


def test_a_level_that_is_placed_again_on_a_moved_ct_is_measured(reading, measurer, bodies):
    before = numbers(measurer.measure())
    reading.ct_node.SetOrigin(*np.add(reading.ct_node.GetOrigin(), [0, 0, 7.5]))
    assert measurer.measure().levels == ()
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"] + [0, 0, 7.5])
    after = numbers(measurer.measure())
    assert after == {place: before[place] for place in after}
    assert {level for level, _roi in after} == {"L2"}


def test_several_readings_of_one_ct_coexist(start_reading, bodies):
    first, second = start_reading("Reader A"), start_reading("Reader B", levels=["L1", "L2"])
    set_midline(second, "L1", bodies.midlines_ras_mm["L1"] + [1.0, 0, 0])
    measurers = [ReadingMeasurer(reading) for reading in (first, second)]
    results = [measurer.measure() for measurer in measurers]
    assert len(results[0].levels) == 4
    assert len(results[1].levels) == 2
    assert numbers(measurers[0].measure()) == numbers(results[0])
    nodes = [[segmentation_node(reading, roi) for roi in ROIS] for reading in (first, second)]
    assert not {id(node) for node in nodes[0]} & {id(node) for node in nodes[1]}
    assert [node.GetName() for node in nodes[1]] == [f"{roi} (CT, Reader B 1)" for roi in ROIS]
