"""Our own check against a schema comes to the verdict of the jsonschema package."""

import copy
import json

import jsonschema
import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path

DOCUMENTS = {
    "protocol.schema.json": resource_path("Protocols", "lumbarhu-2022-study.json"),
    "cutoffs.schema.json": resource_path("Cutoffs", "shanghai-2022.json"),
}
INSTEAD = (None, True, -1, 0, 1, 24.0, 0.5, 1e9, "", "mm", "L1", [], ["L1", "L1"], ["x"], {}, {"value": 1})


def schema(name: str) -> dict:
    return json.loads(resource_path("Schemas", name).read_text(encoding="utf-8"))


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(document: dict, path: tuple, change) -> dict:
    """Return a copy of `document` in which `change(container, key)` was done at `path`."""
    root = {"document": copy.deepcopy(document)}
    container = root
    for key in ("document", *path)[:-1]:
        container = container[key]
    change(container, ("document", *path)[-1])
    return root.get("document")


def replaced_by(value):
    def change(container, key):
        container[key] = value

    return change


def remove(container, key):
    del container[key]


def add(container, key):
    if isinstance(container[key], dict):
        container[key]["surplus"] = 1


@pytest.mark.parametrize("name", sorted(path.name for path in resource_path("Schemas").glob("*.json")))
def test_each_schema_is_one_of_the_draft(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_change_gets_the_verdict_of_the_jsonschema_package(name, tmp_path):
    """One change after another, at every seventh place of our own document: replaced, removed, or something added."""
    original = json.loads(DOCUMENTS[name].read_text(encoding="utf-8"))
    reference = jsonschema.Draft202012Validator(schema(name))
    path = tmp_path / "own.json"
    differing, verdicts = [], []
    for number, place in enumerate(list(places(original))[::7]):
        changes = [replaced_by(INSTEAD[number % len(INSTEAD)]), replaced_by(INSTEAD[(7 * number + 3) % len(INSTEAD)])]
        for change in (*changes, remove, add) if place else changes:
            document = changed(original, place, change)
            path.write_text(json.dumps(document), encoding="utf-8")
            try:
                check_against_schema(read_located_json(path), name)
                verdict = True
            except InputError:
                verdict = False
            verdicts.append(verdict)
            if verdict != reference.is_valid(document):
                differing.append((place, change))
    assert differing == []
    assert verdicts.count(True) > 20
    assert verdicts.count(False) > 50


def test_a_file_of_a_newer_version_asks_for_an_update_and_not_for_a_correction(tmp_path):
    document = json.loads(DOCUMENTS["cutoffs.schema.json"].read_text(encoding="utf-8"))
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document | {"schema": "lumbarhu-cutoffs-2", "later": 1}, indent=2), encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        check_against_schema(read_located_json(path), "cutoffs.schema.json")
    assert str(refusal.value) == (
        'own.json, line 3: “schema” is "lumbarhu-cutoffs-2", which a newer version of LumbarHU wrote: update LumbarHU.'
    )
    for other in ("lumbarhu-protocol-2", "lumbarhu-cutoffs-0", 2):
        path.write_text(json.dumps(document | {"schema": other}), encoding="utf-8")
        with pytest.raises(InputError, match='write "lumbarhu-cutoffs-1"'):
            check_against_schema(read_located_json(path), "cutoffs.schema.json")
