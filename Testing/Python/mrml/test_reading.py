import json

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.reading import (
    Reading,
    accept_off_protocol,
    ask_for_level,
    create_reading,
    exclude_level,
    include_level,
    readings,
    readings_of,
    set_cutoffs,
    set_protocol,
)

DOCUMENTS = load_protocol().document, load_cutoffs().document


def test_a_reading_keeps_reader_case_protocol_and_cutoffs_in_full(ct_node):
    reading = create_reading(ct_node, " Dr.  “Élan” <x> & Co ", *DOCUMENTS, case='case "7"')
    assert (reading.reader, reading.number, reading.case) == ("Dr. “Élan” <x> & Co", 1, 'case "7"')
    assert reading.ct_node is ct_node
    assert json.loads(reading.protocol_text) == DOCUMENTS[0]
    assert json.loads(reading.cutoffs_text) == DOCUMENTS[1]
    assert reading.protocol == load_protocol().protocol
    assert reading.cutoffs == load_cutoffs().cutoffs


def test_the_facts_of_the_headers_are_kept(ct_node):
    facts = ScanFacts(tube_voltage_kv=120.0, contrast=False, kernel="B\\30f", source="DICOM")
    finding = Finding("slices_missing", "2 slices are missing.", "Load them.", "severe")
    reading = create_reading(ct_node, "A", *DOCUMENTS, scan_facts=facts, scan_findings=[finding])
    assert reading.scan_facts == facts
    assert reading.scan_findings == (finding,)


def test_the_same_reader_may_read_a_ct_twice(ct_node):
    numbers = [create_reading(ct_node, reader, *DOCUMENTS).number for reader in ("A", "B", "A")]
    assert numbers == [1, 1, 2]
    assert [(reading.reader, reading.number) for reading in readings(ct_node.GetScene())] == [
        ("A", 1),
        ("B", 1),
        ("A", 2),
    ]
    assert len({reading.uid for reading in readings_of(ct_node)}) == 3


def test_a_reading_number_in_use_is_refused_and_nothing_is_added_to_the_scene(ct_node):
    create_reading(ct_node, "A", *DOCUMENTS, number=3)
    count = ct_node.GetScene().GetNumberOfNodes()
    with pytest.raises(InputError, match=r"Reading 3 by A cannot be started, because it already exists: use 4\."):
        create_reading(ct_node, "A", *DOCUMENTS, number=3)
    with pytest.raises(InputError, match="numbered from 1"):
        create_reading(ct_node, "A", *DOCUMENTS, number=0)
    with pytest.raises(InputError, match="no reader"):
        create_reading(ct_node, "  ", *DOCUMENTS)
    broken = DOCUMENTS[0] | {"values": {}}
    with pytest.raises(InputError, match=r"protocol\.json"):
        create_reading(ct_node, "A", broken, DOCUMENTS[1])
    assert ct_node.GetScene().GetNumberOfNodes() == count


def test_two_views_of_one_node_are_the_same_reading(ct_node):
    reading = create_reading(ct_node, "A", *DOCUMENTS)
    assert Reading(reading.node) == reading
    assert readings_of(ct_node) == (reading,)


def test_the_node_does_not_show_among_the_users_nodes(ct_node):
    assert create_reading(ct_node, "A", *DOCUMENTS).node.GetHideFromEditors()


def test_nodes_of_other_modules_and_of_the_panel_are_not_readings(scene, ct_node):
    for module in ("SegmentStatistics", "LumbarHU"):
        node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        node.SetModuleName(module)
    assert readings(scene) == ()


def test_a_reading_of_a_newer_version_is_refused(ct_node):
    create_reading(ct_node, "A", *DOCUMENTS).keep("schema", 2)
    with pytest.raises(InputError, match="A – reading 1 was saved by a newer version"):
        readings(ct_node.GetScene())


def test_a_level_is_excluded_with_a_reason_and_included_again(reading):
    exclude_level(reading, "l2", " old   fracture ")
    exclude_level(reading, "L4", "metal")
    assert reading.exclusions == {"L2": "old fracture", "L4": "metal"}
    include_level(reading, "L4")
    assert reading.exclusions == {"L2": "old fracture"}
    with pytest.raises(InputError, match="L3 cannot be excluded without a reason"):
        exclude_level(reading, "L3", " ")
    with pytest.raises(InputError, match="Unknown level"):
        exclude_level(reading, "L7", "metal")


def test_another_protocol_and_other_cutoffs_can_be_set(reading):
    document = json.loads(reading.protocol_text)
    document["values"]["slab_mm"]["value"] = 0.0
    set_protocol(reading, document)
    assert reading.protocol.roi.slab_mm == 0.0
    document = json.loads(reading.cutoffs_text)
    document["name"] = "our own"
    set_cutoffs(reading, document)
    assert reading.cutoffs.name == "our own"
    accept_off_protocol(reading, True)
    assert reading.accepts_off_protocol


def test_a_note_that_lumbarhu_stores_for_itself_raises_no_event(reading):
    events = []
    tag = reading.node.AddObserver("ModifiedEvent", lambda *_: events.append(1))
    reading.keep_quietly("note", 1)
    assert (events, reading.value("note")) == ([], 1)
    reading.keep("note", 2)
    assert len(events) == 1
    reading.node.RemoveObserver(tag)


def test_a_level_not_requested_counts_as_not_measured_and_returns_with_its_markups(reading, measurer):
    whole = measurer.measure()
    ask_for_level(reading, "l4", False)
    exclude_level(reading, "L4", "metal")
    result = measurer.measure()
    assert (reading.skipped_levels, [level.level for level in result.levels]) == (("L4",), ["L1", "L2", "L3"])
    missing = next(finding for finding in result.all_findings if finding.code == "levels_missing")
    assert "without L4 (not measured)" in missing.sentence
    include_level(reading, "L4")
    ask_for_level(reading, "L4", True)
    assert measurer.measure().summaries == whole.summaries
