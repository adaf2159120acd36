"""The precision of densities: from the calibrations in the audit folders, and whether it includes their error."""

import json

import jsonschema
import pytest
from audit.forger import in_record
from follow_up.test_densities import calibration
from headless.command_runner import lumbarhu as command

import lumbarhu
from LumbarHULib.cohort_files.precision_file import read_precision
from LumbarHULib.files.resources import resource_path


@pytest.fixture
def study(own_scanned_twice, tmp_path):
    """Return a function that calibrates the four readings and makes their study."""

    def made(documents, out=None):
        for path, document in zip(sorted(own_scanned_twice.iterdir()), documents, strict=True):
            if document is not None:
                in_record("calibration", to=document.document)(path)
        return lumbarhu.precision_study(tmp_path / "results.csv", out, audits=own_scanned_twice)

    return made


def codes(found):
    return [finding.code for finding in found.findings]


def test_by_one_calibration_the_precision_is_that_in_hu_divided_by_the_slope(study, tmp_path):
    document = calibration()
    found = study([document] * 4, tmp_path / "precision.json")
    assert found.document["density"] == {"mineral": "HA", "calibrations": "shared"}
    for row in found.rows():
        assert row["rms_sd_mg_cc"] == pytest.approx(row["rms_sd_hu"] / document.calibration.line.slope)
        assert row["lsc_mg_cc"] == pytest.approx(2.77 * row["rms_sd_mg_cc"])
        assert row["lsc_mg_cc_low"] < row["lsc_mg_cc"] < row["lsc_mg_cc_high"]
    read = read_precision(tmp_path / "precision.json")
    assert not read.includes_calibrations
    (row, *_) = [row for row in found.rows() if (row["roi"], row["levels"]) == ("round", "L1;L3")]
    assert read.lsc_mg_cc("round", ("L1", "L3"), mineral="HA") == row["lsc_mg_cc"]
    assert read.lsc_mg_cc("round", ("L1", "L3"), mineral="K2HPO4") is None
    schema = json.loads(resource_path("Schemas", "precision.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads((tmp_path / "precision.json").read_text()))


def test_a_calibration_of_each_scan_is_part_of_the_error(study, tmp_path):
    """The second scan of each patient is calibrated as if the scanner had drifted, which it had not."""
    documents = [calibration(seed, noise_sd_hu=0.1, intercept_hu=5.0 + 20.0 * (seed % 2)) for seed in range(4)]
    found = study(documents, tmp_path / "precision.json")
    assert found.document["density"]["calibrations"] == "of each scan"
    assert read_precision(tmp_path / "precision.json").includes_calibrations
    shared = study([calibration()] * 4).rows()
    assert found.rows()[0]["rms_sd_mg_cc"] > shared[0]["rms_sd_mg_cc"] + 5


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ((True, None, True, None), "2 of 4 readings have no calibration"),
        ((True, True, True, "K2HPO4"), "the readings have densities of HA and K2HPO4"),
    ],
)
def test_if_not_every_scan_is_calibrated_alike_the_study_is_in_hu_and_says_why(study, documents, why):
    made = {True: calibration(), None: None, "K2HPO4": calibration(mineral="K2HPO4")}
    found = study([made[key] for key in documents])
    assert "lsc_mg_cc" not in found.table.columns
    assert "density" not in found.document
    (finding,) = [one for one in found.findings if one.code == "no_density_precision"]
    assert finding.sentence == f"There is no precision error in mg/cm³: {why}."


def test_without_calibrations_nothing_mentions_them(study):
    found = study([None] * 4)
    assert "mg_cc" not in json.dumps(found.document)
    assert codes(found) == ["few_degrees_of_freedom"]


def test_follow_up_uses_the_lsc_in_mg_cc_and_the_terminal_shows_it(study, tmp_path):
    document = calibration()
    study([document] * 4)
    folders = sorted((tmp_path / "audits").iterdir())
    arguments = ("precision", tmp_path / "results.csv", "--audits", tmp_path / "audits", "--out", tmp_path / "p.json")
    run = command(*arguments)
    assert "In mg/cm³ HA; scans of a patient share a calibration, so its error is not included." in run.out
    stored = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    for entry in stored["precision"]:
        entry["lsc_mg_cc"] *= 2
    (tmp_path / "p.json").write_text(json.dumps(stored), encoding="utf-8")
    dates = dict(zip(folders[:2], ("2022-03-01", "2024-03-01"), strict=True))
    found = lumbarhu.follow_up(dates, precision=tmp_path / "p.json")
    for row in found.rows():
        if row["lsc_hu"] is not None:
            assert row["lsc_mg_cc"] == pytest.approx(2 * row["lsc_hu"] / document.calibration.line.slope)
