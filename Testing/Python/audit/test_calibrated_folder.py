"""Audit folders with densities: what they contain, and that each manipulation of them is found."""

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audit.forger import in_record, in_table, record_of, seal, without_finding
from audit.readings import example_audit, random_ct
from scipy import stats

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.replay import CtHeaders
from LumbarHULib.audit.verify import verification_of
from LumbarHULib.audit.verify_densities import densities_again
from LumbarHULib.core.calibration import CalibrationScan, RodSample, fit_calibration
from LumbarHULib.core.checks.calibration import is_in_time
from LumbarHULib.core.densities import with_densities
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import CalibrationDocument, RodRegions, calibration_document
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.phantom_file import load_phantom

FACTS = ScanFacts(
    tube_voltage_kv=120.0,
    slice_thickness_mm=2.5,
    contrast=False,
    kernel="B30",
    scanner_model="Model",
    series_uid="1.2.3",
    acquired_on="2026-06-01",
    source="DICOM",
)
SCAN = CalibrationScan(120.0, "Maker", "Model", "B30", False, "2026-03-01")
SLOPE, INTERCEPT_HU = 1.25, 4.0


def document_of(name: str = "b-mas-200", scan: CalibrationScan = SCAN) -> CalibrationDocument:
    phantom = load_phantom(Path(name))
    settings = calibration_settings()
    deviations_hu = (2.0, -3.0, 1.0, 2.5, -1.5, 0.5)
    samples = {}
    for rod, deviation_hu in zip(phantom.phantom.rods, deviations_hu, strict=False):
        slope, offset_hu = SLOPE, INTERCEPT_HU
        if phantom.phantom.correction is not None:
            slope -= phantom.phantom.correction.slope
            offset_hu += (rod.water_mg_cc or 0.0) - phantom.phantom.correction.intercept_hu
        samples[rod.name] = RodSample(offset_hu + slope * rod.density_mg_cc + deviation_hu, 9.0, 300)
    calibration = fit_calibration(phantom.phantom, samples, settings.fit, settings.valid_days, scan)
    return calibration_document(calibration, phantom, RodRegions("points", 4.0, 10.0), {"LumbarHU": "test"})


def calibrated_audit(document: CalibrationDocument, facts: ScanFacts = FACTS):
    audit = example_audit(scan_facts=facts)
    in_time = is_in_time(document.calibration, facts)
    result = with_densities(audit.result, document.calibration, in_time, is_same_scan=False)
    return replace(audit, result=result, calibration=document.applied(in_time))


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    destination = tmp_path_factory.mktemp("calibrated") / "out"
    write_audit_folder(destination, calibrated_audit(document_of()))
    return destination


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(original, tmp_path / "out"))


def differences_of(folder: Path, facts: ScanFacts = FACTS) -> tuple[str, ...]:
    return verification_of(folder, random_ct(), headers=CtHeaders(facts)).differences


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_with_a_mean_has_its_density_by_the_formula(original):
    rods = record_of(original)["calibration"]["rods"]
    densities = [entry["density"]["value"] for entry in record_of(original)["calibration"]["phantom"]["rods"]]
    slope, intercept_hu = np.polyfit(densities, [rod["mean_hu"] for rod in rods], 1)
    rows = [*rows_of(original / "results.csv"), *rows_of(original / "summary.csv")]
    for row in rows:
        if not row["mean_hu"]:
            assert (row["mean_mg_cc"], row["mg_cc_low"], row["mg_cc_high"]) == ("", "", "")
            continue
        density = (float(row["mean_hu"]) - intercept_hu) / slope
        assert float(row["mean_mg_cc"]) == pytest.approx(density, rel=1e-9)
        assert float(row["mg_cc_low"]) < density < float(row["mg_cc_high"])
    assert any(row["mean_mg_cc"] for row in rows)


def test_the_record_contains_the_calibration_whole_and_no_date_of_the_ct(original):
    record = record_of(original)
    assert record["calibration"] == document_of().document
    assert record["calibration_in_time"] is False
    assert "2026-06-01" not in (original / "record.json").read_text(encoding="utf-8")
    codes = [finding["code"] for finding in record["findings"]]
    assert [code for code in codes if code.startswith("calibration")] == [
        "calibration_without_certificate",
        "calibration_other_date",
    ]


def test_the_report_shows_densities_with_their_mineral_next_to_hu(original):
    text = (original / "report.html").read_text(encoding="utf-8")
    row = next(row for row in rows_of(original / "summary.csv") if row["roi"] == "round")
    assert "Density in mg/cm³ HA" in text
    assert f"<strong>{float(row['mean_mg_cc']):.1f}</strong>" in text
    assert f"{float(row['mg_cc_low']):.1f} to {float(row['mg_cc_high']):.1f}" in text
    assert f"{float(row['mean_hu']):.1f} HU" in text
    assert "B-MAS 200" in text


def test_an_unchanged_folder_has_no_differences(original):
    assert differences_of(original) == ()


def test_a_folder_verified_without_the_cts_headers_has_no_differences(original):
    assert verification_of(original, random_ct()).differences == ()


@pytest.mark.parametrize("name", ["mindways-model-3-ct", "siemens-osteo", "image-analysis-qct-3d-plus"])
def test_each_kind_of_phantom_is_verified(name, tmp_path):
    write_audit_folder(tmp_path / "out", calibrated_audit(document_of(name)))
    assert differences_of(tmp_path / "out") == ()


def both_slopes(folder: Path) -> None:
    """Change the slope in the record, and the densities in both tables as it gives them."""
    record = record_of(folder)
    record["calibration"]["fit"]["slope_hu_per_mg_cc"] *= 1.1
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("results.csv", "summary.csv"):
        for row in rows_of(folder / name):
            if row["mean_hu"]:
                where = {key: row[key] for key in ("level", "roi") if key in row}
                for column, value in densities_again(float(row["mean_hu"]), record["calibration"]).items():
                    in_table(name, column, repr(value), **where)(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            in_table("results.csv", "mean_mg_cc", "99.0", level="L1", roi="oval"),
            "results.csv, L1 oval, mean_mg_cc: exp",
        ),
        (in_table("results.csv", "mg_cc_low", "9.0", level="L3", roi="left"), "results.csv, L3 left, mg_cc_low: expec"),
        (in_table("summary.csv", "mean_mg_cc", "99.0", roi="round"), "summary.csv, round, mean_mg_cc: expected"),
        (in_table("summary.csv", "mg_cc_high", "", roi="front"), "summary.csv, front, mg_cc_high: expected"),
        (
            in_record("calibration", "fit", "slope_hu_per_mg_cc", to=1.5),
            "record.json, calibration.fit: The slope_hu_per_mg_cc is 1.5, but the rods give",
        ),
        (
            in_record("calibration", "fit", "residual_sd_hu", to=0.1),
            "record.json, calibration.fit: The residual_sd_hu is 0.1",
        ),
        (
            in_record("calibration", "rods", 0, "mean_hu", to=30.0),
            "record.json, calibration.fit: The slope_hu_per_mg_cc is",
        ),
        (
            in_record("calibration", "rods", 1, "leverage", to=0.5),
            "record.json, calibration.rods: The leverage of B is 0.5",
        ),
        (
            in_record("calibration", "phantom", "rods", 4, "density", "value", to=210),
            "record.json, calibration.fit: The slope_hu_per_mg_cc is",
        ),
        (both_slopes, "record.json, calibration.fit: The slope_hu_per_mg_cc is"),
        (in_record("calibration_in_time", to=True), "record.json, calibration_in_time: expected False, found True"),
        (in_record("calibration", "scan", "date", to="2026-05-20"), "record.json, calibration_in_time: expected True"),
        (in_record("calibration", "scan", "kernel", to="B80"), "calibration_other_kernel"),
        (in_record("calibration", "valid_days", to=500), "the warning finding calibration_other_date"),
        (in_record("calibration", "scan", "tube_voltage_kv", to=100.0), "but the calibration is from a scan at 100 kV"),
        (without_finding("calibration_other_date"), "calibration_other_date"),
    ],
)
def test_a_sealed_manipulation_is_found(folder, change, sentence):
    change(folder)
    seal(folder)
    assert any(sentence in difference for difference in differences_of(folder))


def test_a_record_without_its_calibration_is_found(folder):
    record = record_of(folder)
    del record["calibration"], record["calibration_in_time"]
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    seal(folder)
    assert any("results.csv: expected the columns" in difference for difference in differences_of(folder))


def test_a_calibration_that_contradicts_its_phantom_is_refused_with_the_line(folder):
    in_record("calibration", "unit", to="K2HPO4")(folder)
    with pytest.raises(InputError, match=r"record.json, line \d+: “unit” contradicts the phantom “B-MAS 200”"):
        differences_of(folder)


@pytest.mark.parametrize("mean_hu", [-40.0, 80.0, 137.5, 400.0])
@pytest.mark.parametrize("name", ["b-mas-200", "mindways-model-3-ct", "image-analysis-qct-3d-plus", "qrm-bdc-6"])
def test_the_independent_densities_are_those_of_the_measurement(name, mean_hu):
    document = document_of(name)
    found = document.density(mean_hu)
    expected = densities_again(mean_hu, document.document)
    assert found.mean_mg_cc == pytest.approx(expected["mean_mg_cc"], rel=1e-12)
    assert found.low_mg_cc == pytest.approx(expected["mg_cc_low"], rel=1e-9, abs=1e-9)
    assert found.high_mg_cc == pytest.approx(expected["mg_cc_high"], rel=1e-9, abs=1e-9)


def test_the_independent_interval_is_that_of_the_formula_on_the_page():
    document = document_of()
    fit = document.document["fit"]
    for end in ("mg_cc_low", "mg_cc_high"):
        x = densities_again(120.0, document.document)[end]
        deviation_hu = 120.0 - fit["intercept_hu"] - fit["slope_hu_per_mg_cc"] * x
        variance = fit["residual_sd_hu"] ** 2 + fit["intercept_variance"] + 2 * x * fit["covariance"]
        t = stats.t.ppf(0.975, fit["degrees_of_freedom"])
        assert abs(deviation_hu) == pytest.approx(t * math.sqrt(variance + x**2 * fit["slope_variance"]), rel=1e-9)
