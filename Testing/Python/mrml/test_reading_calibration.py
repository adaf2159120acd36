"""A reading's calibration: applied to every result, kept in the scene, in tables and in the audit folder."""

import csv
import json
from dataclasses import replace

import pytest
from mrml.scene_tools import load_scene

import lumbarhu
from LumbarHULib.api.cts import ct_from_node
from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.calibration import CalibrationScan, RodSample, fit_calibration
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import RodRegions, calibration_document
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.phantom_file import load_phantom
from LumbarHULib.images.ct_identity import voxels_sha256
from LumbarHULib.mrml.ct_date import state_date, stated_date_of
from LumbarHULib.mrml.ct_node import voxels_of
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.other_protocols import measure_by, other_protocols_table, write_other_protocols
from LumbarHULib.mrml.reading import Reading, readings
from LumbarHULib.mrml.reading_calibration import calibration_of, set_calibration
from LumbarHULib.mrml.reading_check import problem_of
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.result_tables import results_table, summary_table
from LumbarHULib.mrml.scene_file import save_scene

SCAN = CalibrationScan(120.0, "Maker", "Model", "B30", False, "2026-03-01")
FACTS = ScanFacts(tube_voltage_kv=120.0, manufacturer="Maker", scanner_model="Model", kernel="B30", contrast=False)
SLOPE, INTERCEPT_HU = 1.25, 4.0


def calibration_at(scan=SCAN):
    """Return a calibration whose rods deviate from a known line."""
    phantom, settings = load_phantom("b-mas-200"), calibration_settings()
    samples = {
        rod.name: RodSample(INTERCEPT_HU + SLOPE * rod.density_mg_cc + off_hu, 9.0, 300)
        for rod, off_hu in zip(phantom.phantom.rods, (2.0, -3.0, 1.0, 2.5, -1.5), strict=True)
    }
    fitted = fit_calibration(phantom.phantom, samples, settings.fit, settings.valid_days, scan)
    return calibration_document(fitted, phantom, RodRegions("points", 4.0, 10.0), {"LumbarHU": "test"})


def codes_of(result):
    return {finding.code for finding in result.findings if finding.code.startswith("calibration")}


@pytest.fixture
def calibrated_reading(start_reading):
    reading = start_reading(case="c1", scan_facts=FACTS)
    set_calibration(reading, calibration_at(), replace(FACTS, acquired_on="2026-03-15"))
    return reading


def test_every_result_has_the_densities_of_the_python_interface(calibrated_reading, ct_node, bodies):
    measurer = ReadingMeasurer(calibrated_reading)
    result = measurer.measure()
    facts = replace(FACTS, acquired_on="2026-03-15")
    alone = lumbarhu.measure(ct_from_node(ct_node, facts), bodies.midlines_ras_mm, calibration=calibration_at())
    for level in result.levels:
        for roi, measured in level.rois.items():
            assert measured.density == calibration_at().density(measured.mean_hu)
            assert measured.density == alone.levels[level.level].rois[roi].density
    assert [one.density for one in result.summaries] == [alone.means[one.roi].density for one in result.summaries]
    assert codes_of(result) == codes_of(alone.result) == {"calibration_without_certificate"}
    measurer.update_level("L2")
    assert measurer.summary().summaries[0].density == result.summaries[0].density


def test_without_a_calibration_nothing_has_a_density_or_a_column(reading):
    result = ReadingMeasurer(reading).measure()
    assert {roi.density for level in result.levels for roi in level.rois.values()} == {None}
    names = [summary_table(reading).GetColumnName(n) for n in range(summary_table(reading).GetNumberOfColumns())]
    assert not any("mg" in name for name in names)


def test_another_tube_voltage_is_refused_with_the_sentence_of_the_command_line(start_reading):
    reading = start_reading(scan_facts=replace(FACTS, tube_voltage_kv=100.0))
    with pytest.raises(InputError, match=r"CT was acquired at 100 kV, but the calibration is from a scan at 120 kV"):
        set_calibration(reading, calibration_at())
    assert calibration_of(reading) is None


def test_another_scanner_kernel_or_date_is_a_finding(start_reading):
    reading = start_reading(scan_facts=replace(FACTS, scanner_model="Other", kernel="B70"))
    set_calibration(reading, calibration_at(), replace(reading.scan_facts, acquired_on="2026-09-01"))
    codes = codes_of(ReadingMeasurer(reading).measure())
    assert {"calibration_other_scanner", "calibration_other_kernel", "calibration_other_date"} <= codes


def test_a_date_that_the_user_states_counts_where_the_headers_have_none(calibrated_reading, ct_node):
    set_calibration(calibrated_reading, calibration_at())
    assert "calibration_unchecked" in codes_of(ReadingMeasurer(calibrated_reading).measure())
    state_date(ct_node, "2026-08-01")
    assert "calibration_other_date" in codes_of(ReadingMeasurer(calibrated_reading).measure())
    state_date(ct_node, "20260302")
    assert stated_date_of(ct_node) == "2026-03-02"
    assert codes_of(ReadingMeasurer(calibrated_reading).measure()) == {"calibration_without_certificate"}
    with pytest.raises(InputError, match="which is not a date"):
        state_date(ct_node, "yesterday")


def test_a_phantom_in_the_ct_itself_can_differ_in_nothing(start_reading, ct_node):
    reading = start_reading()
    scan = CalibrationScan(None, None, None, None, None, None, voxels_sha256(voxels_of(ct_node)))
    set_calibration(reading, calibration_at(scan))
    assert codes_of(ReadingMeasurer(reading).measure()) == {"calibration_without_certificate"}


def test_the_scene_keeps_the_calibration_and_no_date_of_the_patients_ct(scene, calibrated_reading, tmp_path):
    before = ReadingMeasurer(calibrated_reading).measure()
    save_scene(scene, tmp_path / "scene.mrb")
    load_scene(scene, tmp_path / "scene.mrb")
    (reading,) = readings(scene)
    assert problem_of(reading) == ""
    assert calibration_of(reading).document == calibration_at().document
    assert calibration_of(reading).in_time is True
    after = ReadingMeasurer(reading).measure()
    assert [one.density for one in after.summaries] == [one.density for one in before.summaries]
    assert "2026-03-15" not in json.dumps([reading.node.GetParameter(n) for n in reading.node.GetParameterNames()])


def test_a_damaged_calibration_is_named(calibrated_reading):
    document = calibrated_reading.value("calibration")
    document["fit"]["slope_hu_per_mg_cc"] += 0.1
    calibrated_reading.keep("calibration", document)
    assert "parameter “calibration” in the scene is damaged" in problem_of(calibrated_reading)


def test_the_audit_folder_has_the_calibration_and_the_three_columns_and_verifies(calibrated_reading, tmp_path):
    result = ReadingMeasurer(calibrated_reading).measure()
    folder = export_reading(tmp_path, calibrated_reading, result)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert record["calibration"] == calibration_at().document
    assert record["calibration_in_time"] is True
    assert verify_audit_folder(folder, ct_from_node(calibrated_reading.ct_node).ct) == []
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row, summary in zip(rows, result.summaries, strict=True):
        density = summary.density
        found = [float(row[name]) for name in ("mean_mg_cc", "mg_cc_low", "mg_cc_high")]
        assert found == [density.mean_mg_cc, density.low_mg_cc, density.high_mg_cc]


def test_a_stated_date_is_in_the_record_and_the_folder_verifies(start_reading, ct_node, tmp_path):
    reading = start_reading(case="c1", scan_facts=FACTS)
    state_date(ct_node, "2026-08-01")
    set_calibration(reading, calibration_at())
    folder = export_reading(tmp_path, reading, ReadingMeasurer(reading).measure())
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert (record["extra"]["ct_date"], record["calibration_in_time"]) == ("2026-08-01", False)
    assert verify_audit_folder(folder, ct_from_node(ct_node).ct) == []


def test_the_tables_in_the_scene_show_the_densities(calibrated_reading):
    result = ReadingMeasurer(calibrated_reading).measure()
    for table, column, density in (
        (results_table(calibrated_reading), "mg/cm³ HA", result.levels[0].rois["round"].density),
        (summary_table(calibrated_reading), "mean (mg/cm³ HA)", result.summaries[0].density),
    ):
        names = [table.GetColumnName(number) for number in range(table.GetNumberOfColumns())]
        expected = f"{density.mean_mg_cc:.1f} ({density.low_mg_cc:.1f} to {density.high_mg_cc:.1f})"
        assert table.GetCellText(0, names.index(column)) == expected


def test_other_protocols_have_densities_by_the_same_calibration(calibrated_reading):
    circle = load_circle()
    results = measure_by(calibrated_reading, [circle])
    write_other_protocols(calibrated_reading, [circle], results)
    summary = results[circle.id].summaries[0]
    assert summary.density == calibration_at().density(summary.mean_hu)
    table = other_protocols_table(calibrated_reading)
    assert table.GetColumnName(2) == "mean (mg/cm³ HA)"


def load_circle():
    from LumbarHULib.files.protocol_file import load_protocol

    return load_protocol("circle-200mm2-2025")


def test_a_signed_reading_keeps_its_calibration_and_a_change_is_found(calibrated_reading):
    sign_off(calibrated_reading, "Reader A", "2026-12-01 10:00:00")
    with pytest.raises(InputError, match="was signed off by Reader A"):
        set_calibration(calibrated_reading, None)
    measurer = ReadingMeasurer(calibrated_reading)
    assert not [one for one in measurer.measure().findings if one.code == "changed_after_sign_off"]
    calibrated_reading.node.UnsetParameter("calibration")
    assert [one for one in measurer.measure().findings if one.code == "changed_after_sign_off"]


def test_removing_it_returns_to_hu_alone(calibrated_reading):
    ReadingMeasurer(calibrated_reading).measure()
    set_calibration(calibrated_reading, None)
    assert calibration_of(Reading(calibrated_reading.node)) is None
    assert {one.density for one in ReadingMeasurer(calibrated_reading).measure().summaries} == {None}
