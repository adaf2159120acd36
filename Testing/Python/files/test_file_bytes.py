"""Files that cannot be read."""

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.csv_table import read_csv_table
from LumbarHULib.files.file_bytes import read_file
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.markup_json import load_markups_json


def test_the_content_is_read_unchanged(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\n")
    assert read_file(tmp_path / "a") == b"\xef\xbb\xbfa\r\n"


@pytest.mark.parametrize("read", [read_file, read_csv_table, read_located_json, load_markups_json])
def test_a_folder_in_place_of_a_file_is_called_a_folder(tmp_path, read):
    with pytest.raises(InputError) as raised:
        read(tmp_path)
    assert str(raised.value) == f"“{tmp_path}” is a folder: choose a file."


@pytest.mark.parametrize("read", [read_file, read_csv_table, read_located_json, load_markups_json])
def test_a_missing_file_is_refused_with_its_path(tmp_path, read):
    with pytest.raises(InputError, match=r"There is no file “.*none”: check the path"):
        read(tmp_path / "none")
