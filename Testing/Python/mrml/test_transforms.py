"""Transforms above a CT or its markups: rigid ones are measured, all others are refused by name."""

import re

import numpy as np
import pytest
import slicer

from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.mrml.ct_node import ct_from_node, keep_padding
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading_markups import markup_node


def matrix(turn_deg=0.0, move=(0, 0, 0), scale=(1, 1, 1), shear=0.0) -> np.ndarray:
    """Return a rotation about S after scaling and shear, and a translation."""
    angle = np.radians(turn_deg)
    turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    whole = np.eye(4)
    whole[:3, :3] = turned @ np.diag(scale) @ np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1]])
    whole[:3, 3] = move
    return whole


MOVED = matrix(7.0, (5, -3, 12.5))
REFUSED = {
    "twice as large": (matrix(scale=(2, 2, 2)), "changes lengths by [+]100 %"),
    "1 % taller": (matrix(scale=(1, 1, 1.01)), "changes lengths by [+]1 %"),
    "0.1 % narrower": (matrix(scale=(0.999, 1, 1)), "changes lengths by -0.1 %"),
    "turned and larger": (matrix(30, scale=(1.1, 1.1, 1.1)), "changes lengths by [+]10 %"),
    "sheared": (matrix(shear=0.1), "scaling or shear"),
    "left and right exchanged": (matrix(scale=(-1, 1, 1)), "mirrors it and swaps left and right"),
    "mirrored and turned": (matrix(90, scale=(1, -1, 1)), "mirrors it"),
    "flat": (matrix(scale=(1, 1, 0)), "changes lengths by -100 %"),
}


def put_under(node, *matrices):
    """Put a node under transforms, the last of which is the outermost."""
    scene = node.GetScene()
    for number, one in enumerate(matrices):
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", f"transform {number}")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(one))
        node.SetAndObserveTransformNodeID(transform.GetID())
        node = transform


def put_all_under(reading, *matrices):
    nodes = [reading.ct_node, *(markup_node(reading, level, "midline") for level in ("L2", "L3"))]
    for node in nodes:
        put_under(node, *matrices)


def sentences(result):
    return [level.sentence for level in result.refusals]


@pytest.mark.parametrize(("above", "said"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("nested", [False, True], ids=["alone", "under a rigid one"])
def test_a_ct_that_is_not_only_moved_and_turned_is_refused(start_reading, above, said, nested):
    reading = start_reading(levels=("L2", "L3"))
    put_under(reading.ct_node, *([above, MOVED] if nested else [above]))
    result = ReadingMeasurer(reading).measure()
    assert len(sentences(result)) == 2
    for sentence in sentences(result):
        assert "“CT” is under the transform “transform 0”" in sentence
        assert "harden it" in sentence
    assert re.search(said, sentences(result)[0])


@pytest.mark.parametrize("above", [above for above, _ in REFUSED.values()], ids=REFUSED)
@pytest.mark.parametrize("role", ["midline", "outline"])
def test_a_markup_that_is_not_only_moved_and_turned_is_refused(start_reading, above, role):
    reading = start_reading(levels=("L2", "L3"))
    measurer = ReadingMeasurer(reading)
    measurer.measure()
    put_under(markup_node(reading, "L3", role), above)
    refused = measurer.update_level("L3")
    assert isinstance(refused, LevelRefusal)
    assert f"“L3-{role}” is under the transform" in refused.sentence
    assert not isinstance(measurer.update_level("L2"), LevelRefusal)


@pytest.mark.parametrize("above", [[MOVED], [matrix(3), matrix(0, (1, 2, 3))]], ids=["one", "nested"])
def test_a_ct_moved_and_turned_with_its_markups_measures_the_same(start_reading, above, bodies, tmp_path):
    reading = start_reading(levels=("L2", "L3"), case="7")
    straight = ReadingMeasurer(reading).measure()
    put_all_under(reading, *above)
    result = ReadingMeasurer(reading).measure()
    for level, before in zip(result.levels, straight.levels, strict=True):
        for roi, measured in level.rois.items():
            assert measured.values["mean_hu"] == pytest.approx(before.rois[roi].values["mean_hu"], abs=0.5)
            assert measured.values["area_mm2"] == pytest.approx(before.rois[roi].values["area_mm2"], rel=0.05)
    folder = export_reading(tmp_path, reading, result)
    assert verify_audit_folder(folder, ct_from_node(reading.ct_node)) == []
    # The CT's own file knows nothing of the scene.
    assert verify_audit_folder(folder, bodies.ct) == []
    elsewhere = bodies.ct.ras_from_ijk.copy()
    elsewhere[0, 3] += 1.0
    assert "geometry differs" in verify_audit_folder(folder, CtVolume(bodies.ct.voxels_hu, elsewhere))[0]


def test_the_padding_declared_in_the_headers_is_kept_in_the_scene(ct_node, start_reading):
    reading = start_reading(levels=("L3",))
    before = ReadingMeasurer(reading).measure().levels[0].rois["round"]
    keep_padding(ct_node, np.array([[before.values["min_hu"], before.values["median_hu"]]]))
    after = ReadingMeasurer(reading).measure()
    assert "not scanned" in sentences(after)[0]
    keep_padding(ct_node, np.array([[before.values["min_hu"], before.values["min_hu"]]]))
    few = ReadingMeasurer(reading).measure().levels[0].rois["round"]
    assert few.mask.not_scanned > 0
    assert few.values["voxels"] + few.mask.not_scanned == before.values["voxels"]
