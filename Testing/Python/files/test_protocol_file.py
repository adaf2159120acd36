"""The protocol as data: its values, and the refusal of invalid protocols."""

import importlib.util
import json
import re

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import DECLARED, STUDY_VALUES
from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL, load_protocol
from LumbarHULib.files.resources import resource_path

TEXT = DEFAULT_PROTOCOL.read_text(encoding="utf-8")


def line_of(text: str, pattern: str, after: str) -> int:
    """Return the number of the first line that matches `pattern`, starting at the line that contains `after`."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if after in line)
    return next(number for number in range(start, len(lines)) if re.search(pattern, lines[number])) + 1


def refusal_of(tmp_path, text: str) -> str:
    path = tmp_path / "own.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_protocol(path)
    return str(refusal.value)


def test_the_default_protocol_contains_the_values_of_the_measurement_protocol():
    protocol = load_protocol().protocol
    assert protocol.boundary.fraction == 2 / 3
    assert protocol.roi.front_width_fraction == 1 / 3
    assert (protocol.frame.axial_tie_deg, protocol.frame.midline_angle_limit_deg) == (0.5, 45)
    assert (protocol.boundary.fraction_min, protocol.boundary.fraction_max) == (0.2, 0.95)
    assert (protocol.boundary.fraction_tolerance, protocol.boundary.angle_tolerance_deg) == (0.02, 10)
    assert (protocol.boundary.angle_limit_deg, protocol.boundary.handle_distance_mm) == (45, 5)
    assert (protocol.roi.lateral_extent, protocol.roi.slab_mm, protocol.roi.edge_tolerance_mm) == ("full", 2.5, 1e-6)
    assert (protocol.roi.round_radius_fraction, protocol.roi.off_center_fraction) == (0.95, 0.1)
    assert (protocol.patient.mean_levels, protocol.patient.minimum_levels) == (("L1", "L2", "L3", "L4"), 2)
    assert (protocol.patient.lsc_hu, protocol.patient.single_measurement_lsc_fraction) == (16, 0.71)


def test_every_value_has_unit_source_and_a_note():
    values = load_protocol().document["values"]
    assert [name for name, entry in values.items() if not entry["source"] or not entry["note"]] == []
    assert {name: entry["unit"] for name, entry in values.items()} == {
        name: declared.unit for name, declared in DECLARED.items()
    }


def test_the_schema_has_the_ranges_of_the_core():
    schema = json.loads(resource_path("Schemas", "protocol.schema.json").read_text(encoding="utf-8"))
    values = schema["properties"]["values"]
    assert list(values["properties"]) == list(DECLARED), "run python Docs/write_protocol_schema.py"
    assert values["required"] == [
        *("boundary_fraction", "cortical_margin_mm", "front_width_fraction", "lateral_extent", "slab_mm"),
        *("mean_levels", "minimum_levels", "lsc_hu"),
    ]
    for name, declared in DECLARED.items():
        entry = values["properties"][name]
        allowed, unit = (entry["properties"][key] for key in ("value", "unit"))
        assert (entry["description"], unit) == (declared.meaning, {"const": declared.unit})
        if declared.options:
            assert allowed == {"enum": list(declared.options)}
        elif not declared.level_names:
            kind = "integer" if declared.integer else "number"
            assert allowed == {"type": kind, "minimum": declared.low, "maximum": declared.high}


def test_the_schema_is_the_one_that_its_script_writes(repository):
    path = repository / "Docs" / "write_protocol_schema.py"
    spec = importlib.util.spec_from_file_location("write_protocol_schema", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    is_same = script.SCHEMA.read_text(encoding="utf-8") == script.text()
    assert is_same, "run python Docs/write_protocol_schema.py"


@pytest.fixture
def study_only():
    """Return a protocol file's content with the study's choices alone, the margin its own."""
    document = json.loads(TEXT)
    document["values"] = {name: document["values"][name] for name in STUDY_VALUES}
    document["values"]["cortical_margin_mm"] |= {"value": 3.25, "source": "us"}
    return document


def test_a_file_may_omit_tuning_values(study_only, tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(study_only), encoding="utf-8")
    own, shipped = load_protocol(path), load_protocol()
    assert own.protocol.values == shipped.protocol.values | {"cortical_margin_mm": 3.25}
    # The record of a measurement holds all values, with who chose them.
    entries = dict(shipped.document["values"])
    assert own.document["values"] == entries | {"cortical_margin_mm": study_only["values"]["cortical_margin_mm"]}
    assert own.document["name"] == study_only["name"]


@pytest.mark.parametrize("name", STUDY_VALUES)
def test_a_file_must_contain_each_choice_of_the_study(name, study_only, tmp_path):
    del study_only["values"][name]
    path = tmp_path / "own.json"
    path.write_text(json.dumps(study_only), encoding="utf-8")
    with pytest.raises(InputError, match=name):
        load_protocol(path)


def test_a_tuning_value_that_contradicts_the_shipped_ones_is_refused(study_only, tmp_path):
    study_only["values"]["midline_length_min_mm"] = {"value": 90, "unit": "mm", "source": "us"}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(study_only), encoding="utf-8")
    with pytest.raises(InputError, match="midline_length_min_mm = 90 and midline_length_max_mm = 60 contradict"):
        load_protocol(path)


def test_values_have_the_types_that_the_core_declares(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(TEXT.replace('"value": 24,', '"value": 24.0,'), encoding="utf-8")
    protocol = load_protocol(path).protocol
    for name, value in protocol.values.items():
        declared = DECLARED[name]
        wanted = str if declared.options else tuple if declared.level_names else int if declared.integer else float
        assert type(value) is wanted
    assert protocol == load_protocol().protocol


@pytest.mark.parametrize(
    ("old", "new", "pattern", "after", "words"),
    [
        ('"value": 16,', '"value": "16",', "value", '"lsc_hu"', '“values.lsc_hu.value” is "16", not a number.'),
        ('"value": 16,', '"value": 1600,', "value", '"lsc_hu"', "is 1600: use 0.1 to 200."),
        ('"value": 24,', '"value": 24.5,', "value", '"outline_control_points"', "not a whole number"),
        ('"value": "full"', '"value": "whole"', "value", '"lateral_extent"', 'write "full" or "anterior"'),
        ('"slab_mm"', '"slab"', '"slab"', '"slab"', "“values.slab” is not a known name: write “slab_mm”."),
        ('"L3", "L4"', '"L4", "L4"', "value", '"mean_levels"', 'lists "L4" twice'),
        ('"L3", "L4"', '"L3", "L5"', "value", '"mean_levels"', 'is "L5": write'),
        ('"L3", "L4"', '"L4", "L3"', '"mean_levels"', '"mean_levels"', "from cranial to caudal"),
        ('"value": 60,', '"value": 12,', '"midline_length_min_mm"', '"midline_length_min_mm"', "contradict each other"),
        ('"unit": "HU"', '"unit": "V"', "unit", '"outline_cortex_hu"', 'is "V": write "HU"'),
        ('"lumbarhu-protocol-1"', '"lumbarhu-cutoffs-1"', "schema", '"schema"', 'write "lumbarhu-protocol-1"'),
        ('"version": "1.0.0",', "", '"{|^', "{", "The document lacks “version”"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(tmp_path, old, new, pattern, after, words):
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    line = 1 if after == "{" else line_of(text, pattern, after)
    sentence = refusal_of(tmp_path, text)
    assert sentence.startswith(f"own.json, line {line}: ")
    assert words in sentence


def test_a_missing_value_is_refused_with_the_line_of_its_parent(tmp_path):
    document = json.loads(TEXT)
    del document["values"]["slab_mm"]
    text = json.dumps(document, indent=1)
    assert (
        refusal_of(tmp_path, text)
        == f"own.json, line {line_of(text, 'values', 'values')}: “values” lacks “slab_mm”: add it."
    )


def test_cutoffs_given_as_protocol_are_refused(tmp_path):
    text = resource_path("Cutoffs", "shanghai-2022.json").read_text(encoding="utf-8")
    assert "lumbarhu-protocol-1" in refusal_of(tmp_path, text)
