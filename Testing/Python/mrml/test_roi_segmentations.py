import numpy as np
import pytest
import SimpleITK
import slicer
import vtk
from mrml.scene_tools import edit_by_hand, label_values, move_point, saved_values, true_values, voxel_counts, voxels_at

from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading_markups import markup_node, set_midline
from LumbarHULib.mrml.roi_segmentations import (
    ROI_COLORS,
    return_roi_to_automatic,
    rois_edited_by_hand,
    segmentation_node,
)

# A spot of 4 × 4 voxels in the middle of L2's round region, by its distance from the body's center.
SPOT_MM = np.array([[right, anterior, 0] for right in (-1.6, -0.8, 0, 0.8) for anterior in (2.4, 3.2, 4.0, 4.8)])


def spot(bodies, level):
    return bodies.midlines_ras_mm[level].mean(axis=0) + SPOT_MM


def measured_counts(result, roi):
    return {level.level: level.rois[roi].values["voxels"] for level in result.levels}


def test_label_values_are_those_of_the_levels_and_every_voxel_is_written(reading, measurer):
    result = measurer.measure()
    assert label_values(reading) == true_values(["L1", "L2", "L3", "L4"])
    for roi in ROIS:
        assert voxel_counts(reading, roi) == measured_counts(result, roi)


@pytest.mark.parametrize("levels", [("L1", "L2", "L3", "L4"), ("L4", "L1"), ("L3", "L4", "L2"), ("L4",)])
def test_saving_renumbers_nothing_in_the_file_and_nothing_in_memory(start_reading, tmp_path, levels):
    reading = start_reading(levels=())
    measurer = ReadingMeasurer(reading)
    # In the order in which a reader may place them.
    for level in levels:
        place(reading, level)
        measurer.update_level(level)
    result = measurer.summary()
    true = true_values(sorted(levels))
    for roi in ROIS:
        counts = measured_counts(result, roi)
        saved = saved_values(segmentation_node(reading, roi), tmp_path / f"{roi}.seg.nrrd")
        assert saved == {true[roi][level]: count for level, count in counts.items()}
    assert label_values(reading) == true
    # Levels run from cranial to caudal, in any order of placement.
    assert list(label_values(reading)["oval"]) == sorted(levels)


def place(reading, level):
    centers = {"L1": 105.0, "L2": 70.0, "L3": 35.0, "L4": 0.0}
    set_midline(reading, level, [[3, 14, centers[level]], [3, -18, centers[level]]])


def test_after_saving_a_level_is_updated_and_saved_as_before(reading, measurer, tmp_path):
    measurer.measure()
    saved_values(segmentation_node(reading, "oval"), tmp_path / "first.seg.nrrd")
    node = markup_node(reading, "L2", "midline")
    move_point(node, 0, [0, -2, 0])
    result = measurer.update_level("L2")
    count = result.rois["oval"].values["voxels"]
    assert voxel_counts(reading, "oval")["L2"] == count
    assert saved_values(segmentation_node(reading, "oval"), tmp_path / "second.seg.nrrd")[21] == count


def test_a_saved_file_read_by_simpleitk_lies_on_the_ct_and_measures_the_same(reading, measurer, bodies, tmp_path):
    result = measurer.measure()
    ct = SimpleITK.GetImageFromArray(bodies.ct.voxels_hu)
    ct.SetOrigin((bodies.ct.ras_from_ijk[:3, 3] * (-1, -1, 1)).tolist())
    ct.SetSpacing((0.8, 0.8, 2.5))
    for roi in ROIS:
        path = tmp_path / f"{roi}.seg.nrrd"
        saved_values(segmentation_node(reading, roi), path)
        labels = SimpleITK.Resample(
            SimpleITK.ReadImage(str(path)), ct, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor, 0
        )
        statistics = SimpleITK.LabelIntensityStatisticsImageFilter()
        statistics.Execute(labels, ct)
        for level in result.levels:
            value = level.rois[roi].label_value
            assert statistics.GetNumberOfPixels(value) == level.rois[roi].values["voxels"]
            assert statistics.GetMean(value) == pytest.approx(level.rois[roi].values["mean_hu"], rel=1e-14)


def test_each_segment_says_which_vertebra_it_is(reading, measurer):
    measurer.measure()
    codes = {"L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002"}
    for roi in ROIS:
        segmentation = segmentation_node(reading, roi).GetSegmentation()
        for level, code in codes.items():
            entry = slicer.vtkSlicerTerminologyEntry()
            segment = segmentation.GetSegment(level)
            text = segment.GetTerminology()
            assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(text, entry)
            assert entry.GetCategoryObject().GetCodeMeaning() == "Anatomical Structure"
            assert entry.GetTypeObject().GetCodingSchemeDesignator() == "SCT"
            assert entry.GetTypeObject().GetCodeValue() == code
            assert entry.GetTypeObject().GetCodeMeaning() == f"{level} vertebra"
            assert segment.GetColor() == pytest.approx(ROI_COLORS[roi])


def test_three_regions_are_filled_and_two_are_contours(reading, measurer):
    measurer.measure()
    filled = {roi: bool(segmentation_node(reading, roi).GetDisplayNode().GetVisibility2DFill()) for roi in ROIS}
    assert filled == {"round": False, "oval": False, "right": True, "front": True, "left": True}
    assert all(segmentation_node(reading, roi).GetDisplayNode().GetVisibility2DOutline() for roi in ROIS)


def test_a_region_edited_by_hand_is_measured_unchanged_and_not_overwritten(reading, measurer, bodies):
    before = measurer.measure().levels[1].rois["round"]
    edit_by_hand(reading, "round", "L2", spot(bodies, "L2"), erase=True)
    result = measurer.update_level("L2")
    voxels = slicer.util.arrayFromVolume(reading.ct_node)
    erased = voxels[tuple(voxels_at(reading.ct_node, spot(bodies, "L2"))[:, ::-1].T)].astype(int)
    assert result.rois["round"].edited
    assert not result.rois["oval"].edited
    count = before.values["voxels"] - erased.size
    assert result.rois["round"].values["voxels"] == count
    mean_hu = (before.values["mean_hu"] * before.values["voxels"] - erased.sum()) / count
    assert result.rois["round"].values["mean_hu"] == pytest.approx(mean_hu, rel=1e-12)

    node = markup_node(reading, "L2", "midline")
    move_point(node, 0, [0, -2, 0])
    moved = measurer.update_level("L2")
    assert moved.rois["round"].values == result.rois["round"].values
    assert moved.rois["oval"].values != result.rois["oval"].values


def test_label_values_and_the_other_levels_outlive_an_edit(reading, measurer, bodies, tmp_path):
    result = measurer.measure()
    edit_by_hand(reading, "front", "L2", spot(bodies, "L2"), erase=True)
    measurer.update_level("L2")
    assert label_values(reading) == true_values(["L1", "L2", "L3", "L4"])
    counts = measured_counts(result, "front") | {"L2": result.levels[1].rois["front"].values["voxels"] - len(SPOT_MM)}
    saved = saved_values(segmentation_node(reading, "front"), tmp_path / "front.seg.nrrd")
    assert saved == dict(zip((20, 21, 22, 23), counts.values(), strict=True))
    again = measurer.measure()
    assert [level.rois["front"].edited for level in again.levels] == [False, True, False, False]


def test_an_edited_region_returns_to_automatic(reading, measurer, bodies):
    before = measurer.measure().levels[1].rois["round"]
    edit_by_hand(reading, "round", "L2", spot(bodies, "L2"), erase=True)
    measurer.update_level("L2")
    return_roi_to_automatic(reading, "L2", "round")
    again = measurer.update_level("L2").rois["round"]
    assert not again.edited
    assert again.values == before.values
    assert list(label_values(reading)["round"]) == ["L1", "L2", "L3", "L4"]


def test_an_undone_edit_is_not_an_edit(reading, measurer, bodies):
    before = measurer.measure().levels[1].rois["round"]
    edit_by_hand(reading, "round", "L2", spot(bodies, "L2"), erase=True)
    assert measurer.update_level("L2").rois["round"].edited
    edit_by_hand(reading, "round", "L2", spot(bodies, "L2"))
    after = measurer.update_level("L2").rois["round"]
    assert not after.edited
    assert after.values == before.values


@pytest.mark.parametrize("what", ["segment", "voxels", "node"])
def test_deleted_segments_are_created_again(reading, measurer, scene, what):
    before = measurer.measure()
    nodes = scene.GetNumberOfNodes()
    node = segmentation_node(reading, "left")
    if what == "segment":
        node.GetSegmentation().RemoveSegment("L3")
    elif what == "voxels":
        node.GetSegmentation().ClearSegment("L3")
    else:
        scene.RemoveNode(node)
    after = measurer.measure()
    assert [level.rois["left"].values for level in after.levels] == [
        level.rois["left"].values for level in before.levels
    ]
    assert not any(level.rois["left"].edited for level in after.levels)
    assert label_values(reading) == true_values(["L1", "L2", "L3", "L4"])
    assert voxel_counts(reading, "left") == measured_counts(before, "left")
    assert scene.GetNumberOfNodes() == nodes


def test_a_segment_added_by_the_user_changes_no_label_value(reading, measurer, bodies, tmp_path):
    result = measurer.measure()
    node = segmentation_node(reading, "oval")
    node.GetSegmentation().AddEmptySegment("aorta", "aorta")
    edit_by_hand(reading, "oval", "aorta", bodies.midlines_ras_mm["L2"].mean(axis=0) + SPOT_MM + [0, 24, 0])
    result = measurer.measure()
    assert not any(level.rois["oval"].edited for level in result.levels)
    expected = dict(zip((20, 21, 22, 23), measured_counts(result, "oval").values(), strict=True))
    for name in ("first.seg.nrrd", "second.seg.nrrd"):
        saved = saved_values(node, tmp_path / name)
        assert {value: count for value, count in saved.items() if value < 24} == expected
        assert sorted(set(saved.values()) - set(expected.values())) in ([16], [])
        measurer.measure()
    assert {level: label_values(reading)["oval"][level] for level in ("L1", "L2", "L3", "L4")} == true_values(
        ["L1", "L2", "L3", "L4"]
    )["oval"]


def test_a_region_painted_over_another_takes_its_voxels_and_both_are_edited(reading, measurer, bodies):
    before = measurer.measure()
    edit_by_hand(reading, "round", "L1", spot(bodies, "L2"))
    after = measurer.measure()
    assert [level.rois["round"].edited for level in after.levels] == [True, True, False, False]
    changes = [
        now.rois["round"].values["voxels"] - then.rois["round"].values["voxels"]
        for now, then in zip(after.levels, before.levels, strict=True)
    ]
    assert changes == [16, -16, 0, 0]


def test_regions_edited_to_overlap_are_refused_until_corrected(reading, measurer, bodies):
    measurer.measure()
    edit_by_hand(reading, "round", "L1", spot(bodies, "L2"), overwrite_others=False)
    refusal = measurer.update_level("L1")
    assert isinstance(refusal, LevelRefusal)
    assert "overlaps that of L" in refusal.sentence
    assert "in 16 voxels" in refusal.sentence
    return_roi_to_automatic(reading, "L1", "round")
    result = measurer.measure()
    assert not result.refusals
    assert label_values(reading) == true_values(["L1", "L2", "L3", "L4"])


def test_two_levels_in_one_body_are_refused(reading, measurer, bodies):
    measurer.measure()
    set_midline(reading, "L2", bodies.midlines_ras_mm["L3"])
    segmentation_node(reading, "right").SetName("renamed by the user")
    refusal = measurer.update_level("L2")
    assert isinstance(refusal, LevelRefusal)
    assert refusal.sentence.startswith("The “right” region of L2 overlaps that of L3 in ")
    assert voxel_counts(reading, "round")["L2"] == 0
    set_midline(reading, "L2", bodies.midlines_ras_mm["L2"])
    assert not measurer.measure().refusals


def test_a_region_edited_on_a_finer_grid_is_refused_until_it_is_automatic_again(reading, measurer):
    before = measurer.measure()
    segment = segmentation_node(reading, "front").GetSegmentation().GetSegment("L2")
    image = segment.GetRepresentation("Binary labelmap")
    finer = slicer.vtkOrientedImageData()
    finer.DeepCopy(image)
    finer.SetSpacing(0.4, 0.4, 1.25)
    segment.AddRepresentation("Binary labelmap", finer)
    finer_voxels = finer.GetPointData().GetScalars()
    first = next(n for n in range(finer_voxels.GetNumberOfTuples()) if finer_voxels.GetTuple1(n) == 21)
    finer_voxels.SetTuple1(first, 0)
    finer.Modified()
    refusal = measurer.update_level("L2")
    assert isinstance(refusal, LevelRefusal)
    assert "edited by hand on a grid other than the CT's" in refusal.sentence
    return_roi_to_automatic(reading, "L2", "front")
    assert measurer.update_level("L2").rois["front"].values == before.levels[1].rois["front"].values


def test_a_ct_that_was_moved_takes_the_automatic_regions_along(reading, measurer, ct_node, bodies):
    measurer.measure()
    ct_node.SetOrigin(*np.add(ct_node.GetOrigin(), [0.8, 0, 0]))
    for level in ("L1", "L2", "L3", "L4"):
        set_midline(reading, level, bodies.midlines_ras_mm[level])  # placed again, where the CT is now
    result = measurer.measure()
    assert not result.refusals
    assert not any(roi.edited for level in result.levels for roi in level.rois.values())
    assert label_values(reading) == true_values(["L1", "L2", "L3", "L4"])
    matrix = vtk.vtkMatrix4x4()
    for roi in ROIS:
        assert voxel_counts(reading, roi) == measured_counts(result, roi)
        image = segmentation_node(reading, roi).GetSegmentation().GetSegment("L1").GetRepresentation("Binary labelmap")
        image.GetImageToWorldMatrix(matrix)
        assert slicer.util.arrayFromVTKMatrix(matrix)[:3, 3] == pytest.approx(ct_node.GetOrigin(), abs=1e-12)


def test_segments_are_under_the_transform_of_their_ct(scene, reading, measurer, ct_node):
    measurer.measure()
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    for transform_id in (transform.GetID(), None):
        ct_node.SetAndObserveTransformNodeID(transform_id)
        measurer.measure()
        assert {segmentation_node(reading, roi).GetTransformNodeID() for roi in ROIS} == {transform_id}


def test_a_surface_made_from_old_voxels_does_not_stay(reading, measurer):
    measurer.measure()
    node = segmentation_node(reading, "oval")
    assert node.CreateClosedSurfaceRepresentation()
    line = markup_node(reading, "L2", "midline")
    move_point(line, 0, [0, -2, 0])
    measurer.update_level("L2")
    assert not node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_edited_regions_are_reported_even_while_the_level_gives_no_number(reading, measurer, bodies):
    measurer.measure()
    assert rois_edited_by_hand(reading, "L2") == ()
    edit_by_hand(reading, "round", "L2", spot(bodies, "L2"), erase=True)
    assert rois_edited_by_hand(reading, "L2") == ("round",)
    assert rois_edited_by_hand(reading, "L3") == ()
    return_roi_to_automatic(reading, "L2", "round")
    measurer.measure()
    assert rois_edited_by_hand(reading, "L2") == ()
