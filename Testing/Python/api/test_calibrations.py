"""Calibrations in Python: made from points, read, and given to measure."""

import json

import numpy as np
import pytest
from core.rod_phantom import CENTERS_RAS_MM, rod_ct

import lumbarhu

FACTS = lumbarhu.ScanFacts(tube_voltage_kv=120.0, acquired_on="2026-03-01")


@pytest.fixture(scope="module")
def phantom_ct():
    ct = rod_ct(noise_hu=10.0)
    return lumbarhu.ct_from_array(ct.voxels_hu, ct.ras_from_ijk, FACTS)


@pytest.fixture(scope="module")
def calibration(phantom_ct):
    return lumbarhu.calibrate(phantom_ct, CENTERS_RAS_MM, "b-mas-200")


@pytest.fixture(scope="module")
def calibrated(ct, midlines, few_trials, calibration):
    return lumbarhu.measure(ct, midlines, protocol=few_trials, calibration=calibration)


def test_a_calibration_is_written_and_read_with_the_same_densities(calibration, tmp_path):
    again = lumbarhu.read_calibration(calibration.write(tmp_path / "new" / "calibration.json"))
    assert again.density(120.0) == calibration.density(120.0)
    assert (again.unit, again.document) == ("mg/cm³ HA", calibration.document)
    with pytest.raises(lumbarhu.InputError, match="already exists"):
        calibration.write(tmp_path / "new" / "calibration.json")


def test_results_have_the_density_of_their_mean(calibrated, measured, calibration):
    for level, of_level in calibrated.levels.items():
        for roi, of_roi in of_level.rois.items():
            assert of_roi.mean_hu == measured.levels[level].rois[roi].mean_hu
            assert of_roi.density == calibration.density(of_roi.mean_hu)
            assert of_roi.mean_mg_cc == of_roi.density.mean_mg_cc
    mean = calibrated.means["round"]
    over_levels = np.mean([of.rois["round"].mean_mg_cc for of in calibrated.levels.values()])
    assert mean.mean_mg_cc == pytest.approx(over_levels, rel=1e-12)
    assert mean.class_name == measured.means["round"].class_name


def test_without_a_calibration_there_is_no_density(measured):
    assert measured.means["round"].mean_mg_cc is None
    assert measured.levels["L1"].rois["oval"].mean_mg_cc is None
    assert "mean_mg_cc" not in measured.rows()[0]
    assert [finding.code for finding in measured.findings if finding.code.startswith("calibration")] == []


def test_rows_and_data_frame_have_the_three_columns(calibrated):
    row = next(row for row in calibrated.rows() if (row["level"], row["roi"]) == ("L2", "left"))
    density = calibrated.levels["L2"].rois["left"].density
    columns = ("mean_mg_cc", "mg_cc_low", "mg_cc_high")
    assert [row[name] for name in columns] == [density.mean_mg_cc, density.low_mg_cc, density.high_mg_cc]
    assert set(columns) <= set(calibrated.mean_rows()[0]) & set(calibrated.to_dataframe().columns)


def test_a_stated_date_of_the_ct_is_compared_with_that_of_the_phantom(calibrated, ct, tmp_path):
    for ct_date, in_time in (("2026-03-20", True), ("2026-05-20", False), (None, None)):
        folder = calibrated.write_audit(tmp_path / str(ct_date), ct_date=ct_date)
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        codes = [finding["code"] for finding in record["findings"]]
        assert record["calibration_in_time"] is in_time
        assert ("calibration_other_date" in codes) == (in_time is False)
        assert lumbarhu.verify(folder, ct).differences == ()


def test_another_tube_voltage_is_refused(bodies, midlines, calibration, tmp_path):
    at_80 = lumbarhu.ct_from_array(
        bodies.ct.voxels_hu, bodies.ct.ras_from_ijk, lumbarhu.ScanFacts(tube_voltage_kv=80.0)
    )
    path = calibration.write(tmp_path / "calibration.json")
    for given in (calibration, path, str(path)):
        with pytest.raises(lumbarhu.InputError, match="at 80 kV, but the calibration is from a scan at 120 kV"):
            lumbarhu.measure(at_80, midlines, calibration=given)


@pytest.mark.parametrize(
    ("rods", "options", "sentence"),
    [
        ({**CENTERS_RAS_MM, "A": (1.0, 2.0)}, {}, "The point of the rod A is not three numbers"),
        ({**CENTERS_RAS_MM, "A": "here"}, {}, "The point of the rod A is not three numbers"),
        (CENTERS_RAS_MM, {"radius_mm": 0.0}, "The radius is 0 mm: give 0.5 to 500 mm"),
        (CENTERS_RAS_MM, {"valid_days": 0}, "valid for 0 days"),
        (CENTERS_RAS_MM, {"excluded": {"A": " "}}, "rod A is excluded without a printable reason"),
        (CENTERS_RAS_MM, {"scan_facts": lumbarhu.ScanFacts(tube_voltage_kv=100.0)}, "stated as 100.0, but the CT's h"),
        ("rods.txt", {}, "There is no file"),
    ],
)
def test_a_mistake_is_one_sentence(phantom_ct, rods, options, sentence):
    with pytest.raises(lumbarhu.InputError, match=sentence):
        lumbarhu.calibrate(phantom_ct, rods, "b-mas-200", **options)
