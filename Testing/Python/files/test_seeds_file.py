"""Seeds as Slicer saves them, and all that may be wrong with them."""

import json

import numpy as np
import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.seeds_file import read_seeds


def write_seeds(path, named_points, **fields):
    points = [
        {"label": name, "position": list(position), "positionStatus": "defined"} for name, position in named_points
    ]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": points} | fields
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    return path


def test_points_are_read_in_ras_from_cranial_to_caudal_whatever_the_case(tmp_path):
    seeds = read_seeds(write_seeds(tmp_path / "s.mrk.json", [("l4", (1, 2, 3)), (" L1 ", (4, -5, 6))]))
    assert list(seeds) == ["L1", "L4"]
    assert np.array_equal(seeds["L1"], [-4, 5, 6])
    assert np.array_equal(seeds["L4"], [-1, -2, 3])


def test_ras_stays_ras_and_unplaced_points_are_ignored(tmp_path):
    path = write_seeds(tmp_path / "s.mrk.json", [("L2", (1, 2, 3)), ("F-2", (0, 0, 0))], coordinateSystem="RAS")
    document = json.loads(path.read_text())
    document["markups"][0]["controlPoints"][1]["positionStatus"] = "preview"
    path.write_text(json.dumps(document))
    seeds = read_seeds(path)
    assert list(seeds) == ["L2"]
    assert np.array_equal(seeds["L2"], [1, 2, 3])


@pytest.mark.parametrize(
    ("points", "fields", "sentence"),
    [
        ([("F-1", (0, 0, 0))], {}, "The name of the point “F-1” in “s.mrk.json” is not a level"),
        ([("", (0, 0, 0))], {}, "The name of the point “” in “s.mrk.json” is not a level"),
        ([("L6", (0, 0, 0))], {}, "The name of the point “L6” in “s.mrk.json” is not a level"),
        (
            [("L2", (0, 0, 0)), ("l2", (0, 0, 9))],
            {},
            "“s.mrk.json” has two points named L2: remove or rename one of them.",
        ),
        ([], {}, "The point list in “s.mrk.json” is empty"),
        ([("L2", (0, 0, float("nan")))], {}, "has a coordinate that is not a number (NaN)"),
        ([("L2", (0, 0, float("inf")))], {}, "has a coordinate of more than 1e+09 mm"),
        ([("L2", (0, 0))], {}, "The point list in “s.mrk.json” has a point without three coordinates"),
        ([("L2", (0, 0, 0))], {"type": "Line"}, "“s.mrk.json” contains no point list"),
        ([("L2", (0, 0, 0))], {"coordinateUnits": "cm"}, "is in units of cm"),
        ([("L2", (0, 0, 0))], {"coordinateSystem": "IJK"}, "is in the coordinate system IJK"),
    ],
)
def test_errors_are_reported_in_one_sentence(points, fields, sentence, tmp_path):
    path = write_seeds(tmp_path / "s.mrk.json", points, **fields)
    with pytest.raises(InputError) as caught:
        read_seeds(path)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


def test_two_point_lists_and_a_missing_file_are_refused(tmp_path):
    path = write_seeds(tmp_path / "s.mrk.json", [("L2", (0, 0, 0))])
    document = json.loads(path.read_text())
    document["markups"] *= 2
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="contains 2 point lists"):
        read_seeds(path)
    with pytest.raises(InputError, match="There is no file"):
        read_seeds(tmp_path / "none.mrk.json")


def test_a_number_of_thousands_of_digits_is_refused_in_one_sentence(tmp_path):
    path = write_seeds(tmp_path / "s.mrk.json", [("L2", (0, 0, 12345))])
    path.write_text(path.read_text().replace("12345", "9" * 5000))
    with pytest.raises(InputError, match="contains a number with thousands of digits"):
        read_seeds(path)
