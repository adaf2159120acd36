"""A reading is exported completely: verify computes what the reader saw."""

import json

import pytest

from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.mrml.ct_node import ct_from_node, volume_node_from_ct
from LumbarHULib.mrml.export_reading import audit_folder_of, export_reading
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.protocol_edit import is_protocol_modified, set_protocol_value
from LumbarHULib.mrml.reading import set_case
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import markup_node, set_midline


def test_the_folder_of_a_reading_is_verified_without_a_difference(start_reading, ct_node, tmp_path):
    reading = start_reading(case="7", levels=("L2", "L3"))
    result = ReadingMeasurer(reading).measure()
    sign_off(reading, "A", "2026-01-02 03:04")
    folder = export_reading(tmp_path, reading, result)
    assert folder == tmp_path / "7" / "Reader A" / "1"
    assert verify_audit_folder(folder, ct_from_node(ct_node)) == []
    extra = json.loads((folder / "record.json").read_text(encoding="utf-8"))["extra"]
    assert extra["blinded"] is True
    assert [entry["what"] for entry in extra["history"]] == ["signed off"]


def test_a_second_reading_of_the_same_scene_says_that_it_was_not_blinded(start_reading):
    assert start_reading("A").is_blinded
    assert not start_reading("B").is_blinded


def test_the_record_and_the_report_state_what_a_reader_saw_who_was_not_blinded(start_reading, scene, bodies, tmp_path):
    other_ct = volume_node_from_ct(scene, bodies.ct, "another patient")
    first, elsewhere = start_reading("A", levels=["L2"], case="7"), start_reading("A", levels=[], node=other_ct)
    assert (first.seen_by_reader, elsewhere.seen_by_reader) == ((), ())
    second, third = start_reading("B", levels=["L2"], case="7"), start_reading("C", levels=[], case="7")
    for reading in (first, third):
        set_midline(reading, "L2", bodies.midlines_ras_mm["L2"], MidlineOrigin("proposal_accepted"))
    sentences = {
        first: "Not blinded: at least one midline was proposed.",
        second: "Not blinded: the scene contained another reading of this CT.",
        third: "Not blinded: the scene contained another reading of this CT and at least one midline was proposed.",
    }
    seen = {first: ["proposed midline"], second: ["another reading"], third: ["another reading", "proposed midline"]}
    for reading, sentence in sentences.items():
        folder = export_reading(tmp_path, reading, ReadingMeasurer(reading).measure())
        extra = json.loads((folder / "record.json").read_text(encoding="utf-8"))["extra"]
        assert (extra["blinded"], extra["not_blinded_by"]) == (False, seen[reading])
        assert sentence in (folder / "report.html").read_text(encoding="utf-8")


def test_a_name_that_is_not_a_valid_folder_name_is_converted(start_reading, tmp_path):
    reading = start_reading("A/B: C", case='a<b>"c"\\..')
    assert audit_folder_of(tmp_path, reading) == tmp_path / "a_b__c__" / "A_B_ C" / "1"


def test_a_reading_without_case_is_not_exported(reading, measurer, tmp_path):
    with pytest.raises(InputError, match="give the case a name"):
        export_reading(tmp_path, reading, measurer.measure())
    assert list(tmp_path.iterdir()) == []
    set_case(reading, " 12 ")
    assert export_reading(tmp_path, reading, measurer.measure()).parts[-3:] == ("12", "Reader A", "1")


def test_a_level_that_could_not_be_measured_is_not_skipped(start_reading, tmp_path):
    reading = start_reading(case="7")
    node = markup_node(reading, "L2", "midline")
    node.SetNthControlPointPosition(0, 500, 0, 0)
    result = ReadingMeasurer(reading).measure()
    record = json.loads((export_reading(tmp_path, reading, result) / "record.json").read_text())
    (refused,) = record["not_measured"]
    assert (refused["level"], refused["excluded"]) == ("L2", "")
    assert refused["sentence"] == result.refused[0].sentence
    assert "L2" in refused["sentence"]


def test_a_reading_without_its_ct_or_without_levels_is_refused(start_reading, scene, ct_node, tmp_path):
    empty = start_reading(case="7", levels=())
    with pytest.raises(InputError, match="no measured level"):
        export_reading(tmp_path, empty, ReadingMeasurer(empty).measure())
    reading = start_reading("B", case="7")
    result = ReadingMeasurer(reading).measure()
    scene.RemoveNode(ct_node)
    with pytest.raises(InputError, match="no longer in the scene"):
        export_reading(tmp_path, reading, result)


def test_a_changed_protocol_value_is_measured_with_and_marked(reading, measurer):
    before = measurer.measure().levels[0].rois["oval"].values["voxels"]
    assert not is_protocol_modified(reading)
    set_protocol_value(reading, "cortical_margin_mm", reading.protocol.outline.cortical_margin_mm)
    assert not is_protocol_modified(reading)
    set_protocol_value(reading, "cortical_margin_mm", 4.0)
    assert is_protocol_modified(reading)
    assert measurer.measure().levels[0].rois["oval"].values["voxels"] < before
    with pytest.raises(InputError, match="cortical_margin_mm"):
        set_protocol_value(reading, "cortical_margin_mm", 400.0)


_DAMAGED = {"damaged": "{", "nested too deeply": 100_000 * "["}


@pytest.mark.parametrize("other", ["another CT", "another reader of that name", "another case of that name", *_DAMAGED])
def test_a_folder_with_other_content_is_never_replaced(start_reading, tmp_path, other):
    reading = start_reading("A?B", case="7?", levels=("L2",))
    folder = export_reading(tmp_path, reading, ReadingMeasurer(reading).measure())
    record = folder / "record.json"
    if other == "another CT":
        text = json.loads(record.read_text(encoding="utf-8"))
        text["ct"]["voxels_sha256"] = 64 * "0"
        record.write_text(json.dumps(text), encoding="utf-8")
    elif other in _DAMAGED:
        record.write_text(_DAMAGED[other], encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    named = {"another reader of that name": ("A:B", "7?"), "another case of that name": ("A?B", "7:")}
    second = start_reading(*named.get(other, ("A?B", "7?"))[:1], levels=("L2",), case=named.get(other, ("", "7?"))[1])
    second.node.SetParameter("number", "1")
    assert audit_folder_of(tmp_path, second) == folder
    with pytest.raises(InputError, match="it is not replaced"):
        export_reading(tmp_path, second, ReadingMeasurer(second).measure(), overwrite=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_of_the_same_ct_case_and_reader_is_replaced_on_request(start_reading, tmp_path):
    reading = start_reading(case="7", levels=("L2",))
    result = ReadingMeasurer(reading).measure()
    folder = export_reading(tmp_path, reading, result)
    with pytest.raises(InputError, match="already exists"):
        export_reading(tmp_path, reading, result)
    assert export_reading(tmp_path, reading, result, overwrite=True) == folder
