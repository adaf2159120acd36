"""Calibration and phantom files: what they hold, and each mistake in one with its line."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from core.rod_phantom import CENTERS_RAS_MM, phantom_of
from headless.phantom_files import write_line

from LumbarHULib.core.calibration import CalibrationScan, RodSample, fit_calibration
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_file import RodRegions, calibration_document, load_calibration
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.markup_json import write_markup_json
from LumbarHULib.files.phantom_file import load_phantom, shipped_phantoms
from LumbarHULib.files.resources import resource_path
from LumbarHULib.files.rods_file import read_rod_places

SOURCES = ("Bonelab/Ogo, commit a7e74fc", "QCT PRO User Guide", "LumbarHU's choice")


def made(name="mindways-model-3-ct", scan=None):
    document = load_phantom(Path(name))
    phantom = document.phantom
    random = np.random.default_rng(4)
    samples = {
        rod.name: RodSample((rod.water_mg_cc or 1000) - 999 + 1.5 * rod.density_mg_cc + random.normal(0, 2), 9.0, 300)
        for rod in phantom.rods
    }
    calibration = fit_calibration(phantom, samples, calibration_settings().fit, 31, scan)
    return calibration_document(calibration, document, RodRegions("points", 4.0, 10.0), {"LumbarHU": "test"})


def test_a_calibration_file_gives_the_same_calibration_again(tmp_path):
    scan = CalibrationScan(120.0, "Maker", "Model", "Br40", False, "2026-03-31", "0" * 64)
    for name in shipped_phantoms():
        document = made(name, scan)
        again = load_calibration(document.write(tmp_path / f"{name}.json"))
        assert again.document == document.document
        assert again.calibration == document.calibration


def test_a_calibration_file_obeys_its_schema_by_the_jsonschema_package():
    schema = json.loads(resource_path("Schemas", "calibration.schema.json").read_text(encoding="utf-8"))
    for name in shipped_phantoms():
        jsonschema.Draft202012Validator(schema).validate(made(name).document)


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"unit": "K2HPO4"', '"unit": "HA"', "“unit” contradicts the phantom “Mindways Model 3 CT”"),
        ('"method": "liquid_equivalent"', '"method": "line"', "“method” contradicts the phantom"),
        ('"valid_days": 31', '"valid_days": 0', "“valid_days” is 0: use 1 to 10000"),
        ('"date": null', '"date": "31.3.26"', "“scan.date” is"),
        ('"degrees_of_freedom": 3', '"degrees_of_freedom": 0', "states an uncertainty without residuals"),
        ('"name": "A",\n      "mean_hu"', '"name": "Z",\n      "mean_hu"', "“Z” is not a rod of “Mindways Model 3 CT”"),
        ('"slope": -0.2174', '"slope": -0.3', "The slope_hu_per_mg_cc is"),
        ('"notice"', '"note"', "“note” is not a known name: write “notice”"),
        ('"value": 58.88', '"value": 60.88', "but the rods give"),
    ],
)
def test_a_mistake_in_a_calibration_file_is_reported_with_its_line(old, new, sentence, tmp_path):
    path = changed(made().write(tmp_path / "calibration.json"), old, new)
    with pytest.raises(InputError, match=rf"calibration\.json, line \d+: .*{sentence}"):
        load_calibration(path)


def test_every_shipped_number_has_its_source_and_no_serial_number_is_claimed():
    for name in shipped_phantoms():
        document = load_phantom(Path(name)).document
        assert document["serial_number"] == document["certificate"] == ""
        for rod in document["rods"]:
            for quantity in (rod["density"], rod.get("water", rod["density"])):
                assert quantity["source"].startswith(SOURCES)
    settings = json.loads(resource_path("Calibration", "settings.json").read_text(encoding="utf-8"))
    assert [name for name, entry in settings.items() if not entry["source"].startswith(SOURCES)] == []
    assert [name for name, entry in settings.items() if not (entry["unit"] and entry["note"])] == []


def test_the_shipped_densities_are_those_of_their_source():
    expected = {
        "b-mas-200": [0, 50, 100, 150, 200],
        "image-analysis-qct-3d-plus": [8.0, 97.3, 189.8],
        "mindways-model-3-ct": [-51.83, -53.40, 58.88, 157.05, 375.83],
        "mindways-model-3-qa": [58.88, -53.40, 157.05, 157.13],
        "qrm-bdc-3": [100, 400, 800],
        "qrm-bdc-6": [0, 100, 200, 400, 600, 800],
        "siemens-osteo": [0, 200],
    }
    assert set(shipped_phantoms()) == set(expected)
    for name, densities in expected.items():
        assert [rod.density_mg_cc for rod in load_phantom(Path(name)).phantom.rods] == densities
    water = [rod.water_mg_cc for rod in load_phantom(Path("mindways-model-3-ct")).phantom.rods]
    assert water == [1012.25, 1056.95, 1103.57, 1119.52, 923.20]


def phantom_file(path: Path, **changes) -> Path:
    rods = [
        {"name": rod.name, "density": {"value": rod.density_mg_cc, "unit": "mg/cm3", "source": "certificate"}}
        for rod in phantom_of("ABC").rods
    ]
    document = {"schema": "lumbarhu-phantom-1", "name": "ours", "version": "1", "unit": "HA", "rods": rods}
    path.write_text(json.dumps(document | changes, indent=1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"unit": "mg/ml"}, r"“unit” is \"mg/ml\": write \"HA\" or \"K2HPO4\""),
        ({"unit": "K2HPO4"}, "The unit is K2HPO4, but the rod A has no density of water"),
        ({"rods": []}, "“rods” has 0 entries"),
        ({"rod": []}, "“rod” is not a known name: write “rods”"),
        ({"stated_error": {"rms_mg_cc": 0, "scans": 3, "source": "x"}}, "“stated_error.rms_mg_cc” is 0"),
        ({"stated_error": {"rms_mg_cc": 5, "scans": 3}}, "“stated_error” lacks “source”"),
    ],
)
def test_a_mistake_in_a_phantom_file_is_reported_with_its_line(changes, sentence, tmp_path):
    with pytest.raises(InputError, match=rf"phantom\.json, line \d+: {sentence}"):
        load_phantom(phantom_file(tmp_path / "phantom.json", **changes))


def test_densities_in_another_unit_are_refused_at_their_line(tmp_path):
    path = changed(phantom_file(tmp_path / "phantom.json"), '"unit": "mg/cm3"', '"unit": "g/cm3"')
    with pytest.raises(InputError, match=r"phantom\.json, line 11: “rods\[0\].density.unit” is \"g/cm3\": write"):
        load_phantom(path)


def test_two_rods_of_one_name_are_refused_at_the_line_of_the_first(tmp_path):
    path = changed(phantom_file(tmp_path / "phantom.json"), '"name": "B"', '"name": "a"')
    with pytest.raises(InputError, match=r"phantom\.json, line \d+: 2 rods have the name A: give each its own"):
        load_phantom(path)


def test_points_and_lines_give_the_places_of_the_rods(tmp_path):
    points = np.array(list(CENTERS_RAS_MM.values()))
    write_markup_json(tmp_path / "rods.mrk.json", "Fiducial", "rods", points, list(CENTERS_RAS_MM))
    places, source = read_rod_places(tmp_path / "rods.mrk.json", 10.0)
    assert source == "points"
    assert [place.name for place in places] == list(CENTERS_RAS_MM)
    assert np.array([place.center_ras_mm for place in places]) == pytest.approx(points)
    write_line(tmp_path / "A.mrk.json", np.array([(1.0, 2.0, 0.0), (4.0, 6.0, 12.0)]))
    (place,), source = read_rod_places(tmp_path / "A.mrk.json", 10.0)
    assert (source, place.name, place.length_mm) == ("lines", "A", pytest.approx(13.0))
    assert place.center_ras_mm == pytest.approx([2.5, 4.0, 6.0])
    assert place.axis_ras == pytest.approx([3 / 13, 4 / 13, 12 / 13])


def test_marks_that_name_no_rod_are_refused(tmp_path):
    path = tmp_path / "rods.mrk.json"
    write_markup_json(path, "Fiducial", "rods", np.zeros((1, 3)), [""])
    with pytest.raises(InputError, match=r"A point in “rods\.mrk\.json” has no name: name each after its rod"):
        read_rod_places(path, 10.0)
    write_markup_json(path, "ClosedCurve", "rods", np.zeros((3, 3)), ["A", "B", "C"])
    with pytest.raises(InputError, match="contains neither points nor lines"):
        read_rod_places(path, 10.0)
    write_line(path, np.array([(0.0, 0.0, 0.0), (0.0, 0.0, 0.2)]), "A")
    with pytest.raises(InputError, match=r"line A in “rods.mrk.json” is 0\.2 mm long"):
        read_rod_places(path, 10.0)
    write_markup_json(path, "Fiducial", "rods", np.zeros((0, 3)), [])
    with pytest.raises(InputError, match="contains no placed point"):
        read_rod_places(path, 10.0)
