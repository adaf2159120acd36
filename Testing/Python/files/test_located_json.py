"""JSON that knows its lines: read as Python's json module reads it, refused where it is wrong."""

import json

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path

RESOURCES = sorted(resource_path("Schemas").parent.glob("*/*.json"))


@pytest.fixture
def read(tmp_path):
    def read_text(text: str | bytes):
        path = tmp_path / "own.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_located_json(path)

    return read_text


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.name)
def test_every_resource_is_read_as_pythons_json_module_reads_it(path):
    assert read_located_json(path).plain() == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    ['{"a": [1, -2.5, 1e-6, true, false, null, "ä\\u00df\\n"], "b": {}, "c": []}', " [ ] ", "0", '"x"', "-0.0", "1E5"],
)
def test_every_kind_of_value_is_read_as_pythons_json_module_reads_it(read, text):
    found = read(text).plain()
    assert found == json.loads(text)
    assert type(found) is type(json.loads(text))


def test_a_value_knows_its_line(read):
    document = read('{\n "a": 1,\n\n "b": [\n  2,\n  {"c": "x\\ny"}\n ],\n "d": 4}\n')
    assert [document[name].line for name in "abd"] == [2, 4, 8]
    assert document["b"][1].line == document["b"][1]["c"].line == 6


def test_a_byte_order_mark_is_accepted(read):
    assert read(b'\xef\xbb\xbf{"a": 1}').plain() == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a": 1\n "b": 2}', 1, "a comma or } is missing"),
        ('{\n"a": [1\n2]}', 2, "a comma or ] is missing"),
        ('{\n"a": 1,\n}', 2, "a comma before the closing }"),
        ("[1,\n\n2,\n]", 3, "a comma before the closing ]"),
        ('{\n "a": {\n "b": 1', 2, "never closed"),
        ('{\n "a": 1,\n "b": 2,\n "a": 3}', 4, "“a” occurs twice, first in line 2"),
        ('{\n "a" 1}', 2, "a colon is missing after “a”"),
        ("{\n a: 1}", 2, "expected a name in double quotes but found a"),
        ('{\n "a": NaN}', 2, "but found NaN"),
        ('{\n "a": -Infinity}', 2, "but found -Infinity"),
        ('{\n "a": 01}', 2, "but found 01"),
        ('{\n "a": 1.}', 2, "but found 1."),
        ('{\n "a": 1e999}', 2, "too large"),
        ('{\n "a": ' + "9" * 5000 + "}", 2, "too large"),
        ('{\n "a": yes}', 2, "but found yes"),
        ('{\n "a": "x}\n', 2, "Invalid control character"),
        ('{\n "a": "\\q"}', 2, "Invalid \\escape"),
        ('{\n "a": "x', 2, "Unterminated string"),
        ('{\n "a": "\\ud800"}', 2, "half a character"),
        ('{"a": 1}\n\n{}', 3, "after the end"),
        ('{\n "a":\n', 3, "the file ends where a value is expected"),
        ("[" * 5000, 1, "nested too deeply"),
        ('{\n "a": "\xff"}'.encode("latin-1"), 2, "not text in UTF-8"),
    ],
)
def test_invalid_json_is_refused_with_its_line(read, text, line, words):
    with pytest.raises(InputError) as refusal:
        read(text)
    assert str(refusal.value).startswith(f"own.json, line {line}: ")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_empty_or_absent_or_a_folder_is_refused(read, tmp_path):
    with pytest.raises(InputError, match=r"“own\.json” is empty"):
        read(" \n ")
    with pytest.raises(InputError, match=r"There is no file .*absent\.json"):
        read_located_json(tmp_path / "absent.json")
    with pytest.raises(InputError, match="is a folder: choose a file"):
        read_located_json(tmp_path)


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.name)
def test_a_file_cut_off_anywhere_is_refused(read, path):
    text = path.read_text(encoding="utf-8").rstrip()
    for end in range(0, len(text), max(1, len(text) // 60)):
        with pytest.raises(InputError):
            read(text[:end])
