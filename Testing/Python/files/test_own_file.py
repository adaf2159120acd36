"""A JSON file of our own is written whole or not at all, and replaces only its like."""

import json
import sys

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.own_file import OwnFile, check_own_file, write_own_file

OURS = OwnFile("lumbarhu-test-1", "lumbarhu test", "test.json")
TEXT = json.dumps({"schema": "lumbarhu-test-1", "number": 1})


def test_missing_folders_are_created_and_nothing_else_remains(tmp_path):
    path = tmp_path / "new" / "deep" / "test.json"
    write_own_file(path, TEXT, False, OURS)
    assert path.read_bytes() == TEXT.encode()
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "test.json"
    write_own_file(path, TEXT, False, OURS)
    with pytest.raises(InputError, match="already exists: choose another name, or overwrite it"):
        write_own_file(path, TEXT + " ", False, OURS)
    write_own_file(path, TEXT + " ", True, OURS)
    assert path.read_text(encoding="utf-8") == TEXT + " "


@pytest.mark.parametrize(
    "text",
    ["my notes", "[]", "{}", '{"schema": "lumbarhu-record-1", "calibration": {"schema": "lumbarhu-test-1"}}'],
    ids=["no JSON", "a list", "an empty object", "a record that contains such a file"],
)
def test_a_file_of_another_kind_is_never_replaced(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="was not made by lumbarhu test and is not overwritten"):
        write_own_file(path, TEXT, True, OURS)
    assert path.read_text(encoding="utf-8") == text


def test_a_folder_and_a_path_through_a_file_are_refused_before_the_work(tmp_path):
    with pytest.raises(InputError, match=r"is a folder: give the name of a file, such as .*test\.json"):
        check_own_file(tmp_path, True, OURS)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file” is a file: choose another folder"):
        check_own_file(tmp_path / "file" / "test.json", True, OURS)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_remains_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "test.json").write_text(TEXT, encoding="utf-8")
    (tmp_path / "link").symlink_to("test.json")
    write_own_file(tmp_path / "link", TEXT + " ", True, OURS)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "test.json").read_text(encoding="utf-8") == TEXT + " "


def test_a_name_that_is_too_long_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"cannot be written: its name is too long"):
        write_own_file(tmp_path / ("a" * 300), TEXT, False, OURS)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_an_audit_folder_is_refused_before_the_work_starts(tmp_path):
    (tmp_path / "audit" / "labelmaps").mkdir(parents=True)
    (tmp_path / "audit" / "record.json").write_text('{\n  "schema": "lumbarhu-record-1"\n}', encoding="utf-8")
    for path in (tmp_path / "audit" / "new.json", tmp_path / "audit" / "labelmaps" / "deep" / "new.json"):
        with pytest.raises(InputError, match=r"is inside “audit”, a folder of LumbarHU whose record.json lists its"):
            check_own_file(path, False, OURS)
    check_own_file(tmp_path / "audit-2.json", False, OURS)
