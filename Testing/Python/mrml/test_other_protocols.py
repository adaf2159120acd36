"""A reading measured by other protocols: the same numbers as from files, with nodes of its own in the scene."""

import numpy as np
import pytest
import slicer

from LumbarHULib.api.cts import ct_from_node
from LumbarHULib.api.measuring import measure
from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.other_protocols import (
    export_by,
    folder_by,
    measure_by,
    other_label_maps,
    other_protocols_table,
    write_other_protocols,
)
from LumbarHULib.mrml.reading import exclude_level, set_protocol
from LumbarHULib.mrml.reading_lifecycle import remove_reading
from LumbarHULib.mrml.rod_nodes import rod_nodes_in
from LumbarHULib.mrml.vertebra_segments import segmentations_in

CIRCLE = load_protocol("circle-200mm2-2025")


def test_the_numbers_are_those_of_the_python_interface(reading, ct_node, bodies):
    ReadingMeasurer(reading).measure()
    result = measure_by(reading, [CIRCLE])["circle-200mm2-2025"]
    alone = measure(ct_from_node(ct_node), bodies.midlines_ras_mm, protocol="circle-200mm2-2025")
    assert [level.rois["circle_200mm2"].values for level in result.levels] == [
        level.rois["circle_200mm2"].values for level in alone.levels.values()
    ]
    assert result.summaries[0].mean_hu == alone.means["circle_200mm2"].mean_hu


def test_each_region_has_a_label_map_and_a_row(reading, ct_node):
    ReadingMeasurer(reading).measure()
    result = measure_by(reading, [CIRCLE])
    write_other_protocols(reading, [CIRCLE], result)
    (node,) = other_label_maps(reading)
    labels, hu = slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(ct_node)
    for level in result["circle-200mm2-2025"].levels:
        measured = level.rois["circle_200mm2"]
        assert hu[labels == measured.label_value].mean() == pytest.approx(measured.mean_hu, abs=1e-9)
    table = other_protocols_table(reading)
    cells = {table.GetTable().GetColumnName(number): number for number in range(table.GetNumberOfColumns())}
    assert table.GetCellText(0, cells["ROI"]) == "circle_200mm2"
    mean_hu = result["circle-200mm2-2025"].summaries[0].mean_hu
    assert table.GetCellText(0, cells["mean (HU)"]) == f"{mean_hu:.1f}"


def test_their_label_maps_are_not_offered_as_segmented_vertebrae_or_rods(reading, scene):
    ReadingMeasurer(reading).measure()
    write_other_protocols(reading, [CIRCLE], measure_by(reading, [CIRCLE]))
    vertebrae = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    assert segmentations_in(scene) == rod_nodes_in(scene) == (vertebrae,)


def test_measuring_again_reuses_the_nodes_and_removes_those_of_protocols_no_longer_chosen(reading):
    ReadingMeasurer(reading).measure()
    write_other_protocols(reading, [CIRCLE], measure_by(reading, [CIRCLE]))
    (node,), table = other_label_maps(reading), other_protocols_table(reading)
    write_other_protocols(reading, [CIRCLE], measure_by(reading, [CIRCLE]))
    assert (other_label_maps(reading), other_protocols_table(reading)) == ((node,), table)
    write_other_protocols(reading, [], {})
    assert other_label_maps(reading) == ()
    assert node.GetScene() is None


def test_removing_the_reading_removes_their_nodes(reading, scene):
    ReadingMeasurer(reading).measure()
    write_other_protocols(reading, [CIRCLE], measure_by(reading, [CIRCLE]))
    remove_reading(reading)
    nodes = scene.GetNodesByClass("vtkMRMLLabelMapVolumeNode")
    assert nodes.GetNumberOfItems() == 0


def test_an_export_by_a_protocol_lies_next_to_the_readings_own_and_verifies(start_reading, tmp_path):
    reading = start_reading(case="c1")
    own = export_reading(tmp_path, reading, ReadingMeasurer(reading).measure())
    result = measure_by(reading, [CIRCLE])["circle-200mm2-2025"]
    folder = export_by(tmp_path, reading, CIRCLE, result)
    assert folder == folder_by(tmp_path, reading, CIRCLE) == own.with_name(f"{own.name}-circle-200mm2-2025")
    assert verify_audit_folder(folder, ct_from_node(reading.ct_node).ct) == []
    with pytest.raises(InputError, match="exists"):
        export_by(tmp_path, reading, CIRCLE, result)


def test_an_excluded_level_stays_excluded(reading):
    exclude_level(reading, "L1", "fracture")
    result = measure_by(reading, [CIRCLE])["circle-200mm2-2025"]
    assert {level.level: level.excluded for level in result.levels}["L1"] == "fracture"
    assert result.summaries[0].mean_hu is None


def test_a_changed_ct_gives_no_numbers(reading, ct_node):
    ReadingMeasurer(reading).measure()
    slicer.util.updateVolumeFromArray(ct_node, slicer.util.arrayFromVolume(ct_node) + np.int16(20))
    with pytest.raises(InputError, match=r"voxels of the CT .* have changed"):
        measure_by(reading, [CIRCLE])


def test_a_reading_without_midlines_cannot_be_measured(start_reading):
    with pytest.raises(InputError, match="has no midline: place one first"):
        measure_by(start_reading(levels=()), [CIRCLE])


def test_a_reading_cannot_take_a_protocol_with_other_regions_as_its_own(reading):
    before = reading.protocol_text
    with pytest.raises(InputError, match="regions other than the study's"):
        set_protocol(reading, CIRCLE.document)
    assert reading.protocol_text == before
