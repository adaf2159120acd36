"""lumbarhu calibrate, and densities by measure, batch and verify, as a user runs them."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from core.rod_phantom import CENTERS_RAS_MM, DENSITIES_MG_CC, INTERCEPT_HU, RAS_FROM_IJK, SLOPE, labels_of, rod_ct
from headless.batch_files import case_row, write_cases
from headless.command_runner import lumbarhu
from headless.dicom_export_files import IDENTITY
from headless.phantom_files import files_of, rows_of, write_line
from headless.test_dicom_phantom import write_series
from images.dicom_builder import save, slice_dataset

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.files.calibration_file import load_calibration
from LumbarHULib.files.markup_json import write_markup_json
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.images.sitk_file import write_with_sitk

COLUMNS = ("mean_mg_cc", "mg_cc_low", "mg_cc_high")


def write_phantom_file(path: Path, **changes) -> Path:
    """Write the file of the phantom that `rod_ct` renders."""
    rods = [
        {"name": name, "label_value": value, "density": {"value": density, "unit": "mg/cm3", "source": "certificate"}}
        for value, (name, density) in enumerate(DENSITIES_MG_CC.items(), start=1)
    ]
    document = {"schema": "lumbarhu-phantom-1", "name": "rods", "version": "1", "unit": "HA", "rods": rods}
    document |= {"serial_number": "S-1", "certificate": "C-1"} | changes
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def write_points(path: Path, centers=None) -> Path:
    centers = centers or CENTERS_RAS_MM
    write_markup_json(path, "Fiducial", "rods", np.array(list(centers.values()), dtype=float), list(centers))
    return path


@pytest.fixture(scope="session")
def scanned(tmp_path_factory) -> Path:
    """Return a folder with the CT of a phantom, points in its rods and its phantom file: to be read, not changed."""
    folder = tmp_path_factory.mktemp("scanned")
    ct = rod_ct(noise_hu=10.0)
    write_ct(folder / "phantom.nrrd", ct.voxels_hu, ct.ras_from_ijk)
    write_points(folder / "rods.mrk.json")
    write_phantom_file(folder / "phantom.json")
    return folder


@pytest.fixture
def calibrated(scanned, tmp_path):
    """Return a function that runs lumbarhu calibrate with the scanned files, or others."""

    def run(*options, ct="phantom.nrrd", rods="rods.mrk.json", phantom="phantom.json", out="calibration.json"):
        paths = [scanned / ct, "--rods", scanned / rods, "--phantom", scanned / phantom, "--out", tmp_path / out]
        return lumbarhu("calibrate", *paths, *options)

    return run


@pytest.fixture(scope="session")
def calibration_file(scanned, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("calibration") / "calibration.json"
    inputs = [scanned / "phantom.nrrd", "--rods", scanned / "rods.mrk.json", "--phantom", scanned / "phantom.json"]
    run = lumbarhu("calibrate", *inputs, "--out", path, "--tube-voltage", "120", "--date", "2026-03-31")
    assert (run.exit_code, run.err) == (0, "")
    return path


def fit_of(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["fit"]


def test_points_lines_and_a_label_map_find_the_line_of_the_phantom(calibrated, scanned, tmp_path):
    for name, (r, a, s) in CENTERS_RAS_MM.items():
        write_line(tmp_path / f"{name}.mrk.json", np.array([(r, a, s - 6), (r, a, s + 6)]))
    entries = [json.loads((tmp_path / f"{name}.mrk.json").read_text())["markups"][0] for name in CENTERS_RAS_MM]
    (tmp_path / "lines.mrk.json").write_text(json.dumps({"markups": entries}))
    ct = rod_ct()
    write_with_sitk(tmp_path / "labels.nrrd", labels_of(ct), ct.ras_from_ijk)
    others = ((tmp_path / "lines.mrk.json", "lines"), (tmp_path / "labels.nrrd", "label map"))
    for rods, source in (("rods.mrk.json", "points"), *others):
        run = calibrated("--overwrite", rods=rods)
        assert (run.exit_code, run.err) == (0, "")
        document = json.loads((tmp_path / "calibration.json").read_text(encoding="utf-8"))
        assert document["fit"]["slope_hu_per_mg_cc"] == pytest.approx(SLOPE, abs=0.01)
        assert document["fit"]["intercept_hu"] == pytest.approx(INTERCEPT_HU, abs=1.5)
        assert document["regions"]["from"] == source
        assert document["unit"] == "HA"


def test_the_terminal_shows_residuals_leverage_line_and_what_is_unknown(calibrated):
    run = calibrated("--tube-voltage", "120", "--scanner-model", "Force", "--kernel", "Br40")
    assert "Residual HU" in run.out
    assert "Leverage" in run.out
    assert "serial number S-1, certificate C-1; densities in mg/cm³ HA." in run.out
    assert "The scan: 120 kV, Force, Br40; for CTs within 31 days." in run.out
    assert "Unknown of the scan: contrast medium, date." in run.out


def test_the_same_files_give_the_same_bytes(calibrated, tmp_path):
    calibrated()
    first = (tmp_path / "calibration.json").read_bytes()
    calibrated("--overwrite")
    assert (tmp_path / "calibration.json").read_bytes() == first


def test_a_shipped_phantom_is_found_by_its_name(scanned, tmp_path):
    inputs = [scanned / "phantom.nrrd", "--rods", scanned / "rods.mrk.json", "--phantom", "b-mas-200"]
    run = lumbarhu("calibrate", *inputs, "--out", tmp_path / "c.json")
    assert run.exit_code == 0
    assert "lacks a serial number or a certificate" in run.out


def moved(name, **offset):
    centers = {rod: list(at) for rod, at in CENTERS_RAS_MM.items()}
    for axis, by_mm in offset.items():
        centers[name]["ras".index(axis)] += by_mm
    return centers


def test_each_mistake_is_one_sentence_and_nothing_is_written(calibrated, scanned, tmp_path):
    names = list(CENTERS_RAS_MM)
    exchanged = dict(zip([names[0], names[3], names[2], names[1], names[4]], CENTERS_RAS_MM.values(), strict=True))
    few = {name: CENTERS_RAS_MM[name] for name in names[:2]}
    labels = labels_of(rod_ct())
    write_with_sitk(tmp_path / "half.nrrd", labels[::2], RAS_FROM_IJK * [1, 1, 2, 1])
    shifted = RAS_FROM_IJK.copy()
    shifted[0, 3] += 3
    write_with_sitk(tmp_path / "shifted.nrrd", labels, shifted)
    write_with_sitk(tmp_path / "hu.nrrd", rod_ct().voxels_hu, RAS_FROM_IJK)
    saturated = rod_ct({**{name: INTERCEPT_HU for name in names}, "C": 3071.0})
    write_ct(tmp_path / "saturated.nrrd", saturated.voxels_hu, RAS_FROM_IJK)
    air = rod_ct({**{name: INTERCEPT_HU for name in names}, "B": -995.0})
    write_ct(tmp_path / "air.nrrd", air.voxels_hu, RAS_FROM_IJK)
    water = json.loads((scanned / "phantom.json").read_text(encoding="utf-8"))["rods"]
    water[2]["water"] = {"value": 1000, "unit": "mg/cm3", "source": "certificate"}
    cases = (
        ({"rods": write_points(tmp_path / "1.mrk.json", exchanged)}, (), "in the wrong order"),
        ({"rods": write_points(tmp_path / "2.mrk.json", moved("E", s=300.0))}, (), "rod E is outside the scan"),
        ({"ct": tmp_path / "saturated.nrrd"}, (), "rod C is saturated"),
        ({"ct": tmp_path / "air.nrrd"}, (), "rod B contains air"),
        ({"rods": write_points(tmp_path / "3.mrk.json", few)}, (), "C, D, E of “rods” are not measured"),
        ({"rods": write_points(tmp_path / "4.mrk.json", moved("B", r=-22.0))}, (), "overlap"),
        ({"rods": tmp_path / "half.nrrd"}, (), "on another grid"),
        ({"rods": tmp_path / "shifted.nrrd"}, (), "on another grid than the CT: a corner is 3 mm off"),
        ({"rods": tmp_path / "hu.nrrd"}, (), "negative values"),
        ({"rods": tmp_path / "none.mrk.json"}, (), "There is no file"),
        ({"rods": scanned}, (), "is a folder"),
        ({"rods": scanned / "phantom.json"}, (), "has no list of markups"),
        ({"phantom": write_phantom_file(tmp_path / "5.json", unit="g")}, (), r"5.json, line \d+: “unit” is \"g\""),
        (
            {"phantom": write_phantom_file(tmp_path / "6.json", rods=water)},
            (),
            r"6.json, line \d+: The unit is HA, but",
        ),
        (
            {"phantom": write_phantom_file(tmp_path / "7.json", unit="K2HPO4")},
            (),
            r"7.json, line \d+: The unit is K2HPO4",
        ),
        ({"phantom": "no-such-phantom"}, (), "There is no phantom file"),
        ({}, ("--exclude", "A"), "--exclude A gives no reason"),
        ({}, ("--exclude", "Q=x"), "“Q”, which should be excluded, is not a rod"),
        ({}, ("--radius", "0"), "--radius 0 cannot be used"),
        ({}, ("--date", "31.3.2026"), r"The date of the CT \(--date\) is “31.3.2026”, which is not a date"),
        ({}, ("--contrast", "maybe"), "--contrast maybe cannot be used"),
        ({}, ("--experimental-phantomless",), "does not state the error that phantomless calibration showed"),
    )
    before = files_of(tmp_path)
    for files, options, sentence in cases:
        run = calibrated(*options, **files)
        assert (run.exit_code, run.out) == (2, ""), sentence
        assert run.err.startswith("lumbarhu: ")
        assert run.err.count("\n") == 1
        assert re.search(sentence, run.err), run.err
    assert files_of(tmp_path) == before


def test_a_date_as_in_dicom_is_written_with_dashes(calibrated, tmp_path):
    assert calibrated("--date", "20260331").exit_code == 0
    assert load_calibration(tmp_path / "calibration.json").calibration.scan.date == "2026-03-31"


def test_another_file_is_never_replaced(calibrated, tmp_path):
    (tmp_path / "calibration.json").write_text("my notes")
    assert "already exists" in calibrated().err
    assert "was not made by lumbarhu calibrate" in calibrated("--overwrite").err
    assert (tmp_path / "calibration.json").read_text() == "my notes"


def test_a_changed_calibration_file_is_refused_with_its_line(spine, calibration_file, tmp_path):
    text = calibration_file.read_text(encoding="utf-8")
    slope = fit_of(calibration_file)["slope_hu_per_mg_cc"]
    (tmp_path / "changed.json").write_text(text.replace(str(slope), str(slope * 1.05)), encoding="utf-8")
    common = [spine.ct, "--markups", spine.markups, "--out", tmp_path / "out", "--calibration"]
    run = lumbarhu("measure", *common, tmp_path / "changed.json")
    assert (run.exit_code, run.out) == (2, "")
    assert "changed.json, line" in run.err
    assert "The slope_hu_per_mg_cc is" in run.err
    run = lumbarhu("measure", *common, tmp_path / "none.json")
    assert run.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_measured_densities_are_those_of_the_phantom_and_verify_agrees(spine, audit, calibration_file, tmp_path):
    common = [spine.ct, "--markups", spine.markups, "--reader", "AB", "--case", "phantom"]
    run = lumbarhu("measure", *common, "--out", tmp_path / "out", "--calibration", calibration_file)
    assert (run.exit_code, run.err) == (0, "")
    assert "Mean mg/cm³ HA" in run.out
    fit = fit_of(calibration_file)
    for name in ("results.csv", "summary.csv"):
        plain, rows = rows_of(audit / name), rows_of(tmp_path / "out" / name)
        assert [{key: value for key, value in row.items() if key not in (*COLUMNS, "findings")} for row in rows] == [
            {key: value for key, value in row.items() if key != "findings"} for row in plain
        ]
        for row in rows:
            density = (float(row["mean_hu"]) - fit["intercept_hu"]) / fit["slope_hu_per_mg_cc"]
            assert float(row["mean_mg_cc"]) == pytest.approx(density, rel=1e-9)
    assert lumbarhu("verify", tmp_path / "out", "--ct", spine.ct).exit_code == 0
    for name in ("labelmaps/round.nrrd", "markups/L1-midline.mrk.json"):
        assert (tmp_path / "out" / name).read_bytes() == (audit / name).read_bytes()


def test_without_a_calibration_tables_record_and_report_do_not_mention_one(audit):
    for name, content in files_of(audit).items():
        if name.endswith((".csv", ".json", ".html")):
            assert b"mg_cc" not in content, name
            assert b"calibration" not in content.lower(), name


def test_a_batch_has_the_same_densities_and_is_measured_again_for_another_calibration(
    spine, calibration_file, tmp_path
):
    table = write_cases(tmp_path / "cases.csv", [case_row("a", spine, levels="L3")])
    out = tmp_path / "out"
    run = lumbarhu("batch", table, "--out", out, "--workers", "1", "--calibration", calibration_file)
    assert run.exit_code == 0
    (one, *_) = rows_of(out / "results.csv")
    assert one == rows_of(out / "a" / "results.csv")[0]
    assert float(one["mg_cc_low"]) < float(one["mean_mg_cc"]) < float(one["mg_cc_high"])
    run = lumbarhu("batch", table, "--out", out, "--workers", "1", "--calibration", calibration_file)
    assert "finished before 1" in run.out
    run = lumbarhu("batch", table, "--out", out, "--workers", "1")
    assert "Measured again because of a change in the calibration: 1." in run.out
    assert "mean_mg_cc" not in rows_of(out / "results.csv")[0]


def dicom_series(folder: Path, ct: CtVolume, **tags) -> Path:
    folder.mkdir()
    for k, stored in enumerate(ct.voxels_hu):
        dataset = slice_dataset((stored + 1024).astype(np.uint16), np.zeros(3), k + 1)
        position_ras = ct.ras_from_ijk[:3, 3] + k * ct.ras_from_ijk[:3, 2]
        dataset.ImagePositionPatient = [-position_ras[0], -position_ras[1], position_ras[2]]
        dataset.PixelSpacing = [abs(ct.ras_from_ijk[1, 1]), abs(ct.ras_from_ijk[0, 0])]
        dataset.ManufacturerModelName = "Model"
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        save(dataset, folder / f"{k:03d}.dcm")
    return folder


def test_the_headers_bind_a_calibration_and_another_tube_voltage_is_refused(one_level, scanned, tmp_path):
    series = dicom_series(tmp_path / "phantom", rod_ct(noise_hu=10.0), AcquisitionDate="20260301", KVP="100")
    inputs = ["--rods", scanned / "rods.mrk.json", "--phantom", scanned / "phantom.json"]
    run = lumbarhu("calibrate", series, *inputs, "--out", tmp_path / "c.json")
    assert (run.exit_code, run.err) == (0, "")
    scan = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["scan"]
    assert {name: scan[name] for name in ("tube_voltage_kv", "kernel", "scanner_model", "date")} == {
        "tube_voltage_kv": 100.0,
        "kernel": "B30",
        "scanner_model": "Model",
        "date": "2026-03-01",
    }
    run = lumbarhu("calibrate", series, *inputs, "--out", tmp_path / "d.json", "--tube-voltage", "120")
    assert "The tube voltage is stated as 120.0, but the CT's headers state 100.0" in run.err
    image = SimpleITK.ReadImage(str(one_level.ct))
    voxels = SimpleITK.GetArrayFromImage(image)
    patient = CtVolume(voxels, one_level.phantom.ras_from_ijk)
    at_120 = dicom_series(tmp_path / "at-120", patient, AcquisitionDate="20260601")
    out = ["--markups", one_level.markups, "--out", tmp_path / "out", "--calibration", tmp_path / "c.json"]
    run = lumbarhu("measure", at_120, *out)
    assert (run.exit_code, run.out) == (2, "")
    assert "acquired at 120 kV, but the calibration is from a scan at 100 kV" in run.err
    assert not (tmp_path / "out").exists()
    at_100 = dicom_series(tmp_path / "at-100", patient, AcquisitionDate="20260601", KVP="100", ConvolutionKernel="B40")
    run = lumbarhu("measure", at_100, *out)
    assert run.exit_code == 0
    assert "more than 31 days before or after the phantom's scan" in run.out
    assert "The CT's kernel is B40, but that of the calibration is B30." in run.out
    assert lumbarhu("verify", tmp_path / "out", "--ct", at_100).exit_code == 0
    assert "20260601" not in (tmp_path / "out" / "record.json").read_text(encoding="utf-8")


def test_phantomless_calibration_needs_the_option_and_states_its_error(scanned, spine, tmp_path):
    tissues = {"A": -840.0, "C": -80.0, "E": 30.0}
    ct = rod_ct({"A": -1000.0, "B": 5.0, "C": -95.0, "D": 5.0, "E": 55.0}, noise_hu=8.0)
    write_ct(tmp_path / "tissues.nrrd", ct.voxels_hu, ct.ras_from_ijk)
    write_points(tmp_path / "tissues.mrk.json", {name: CENTERS_RAS_MM[name] for name in tissues})
    rods = [
        {"name": name, "density": {"value": value, "unit": "mg/cm3", "source": "our phantom scans"}}
        for name, value in tissues.items()
    ]
    stated = {"rms_mg_cc": 8.5, "scans": 24, "source": "our phantom scans"}
    write_phantom_file(tmp_path / "tissues.json", rods=rods, stated_error=stated)
    inputs = [
        tmp_path / "tissues.nrrd",
        "--rods",
        tmp_path / "tissues.mrk.json",
        "--phantom",
        tmp_path / "tissues.json",
    ]
    run = lumbarhu("calibrate", *inputs, "--out", tmp_path / "c.json")
    assert (run.exit_code, run.out) == (2, "")
    assert "experimental" in run.err
    run = lumbarhu("calibrate", *inputs, "--out", tmp_path / "c.json", "--experimental-phantomless")
    assert (run.exit_code, run.err) == (0, "")
    assert "error was 8.5 mg/cm³" in run.out
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    common = ["--markups", spine.markups / "L3-midline.mrk.json", "--out", tmp_path / "out"]
    run = lumbarhu("measure", spine.ct, *common, "--calibration", tmp_path / "c.json")
    assert run.exit_code == 0
    assert "The calibration is experimental: it has no phantom." in run.out
    row = rows_of(tmp_path / "out" / "summary.csv")[0]
    assert "calibration_phantomless" in row["findings"].split(";")
    assert float(row["mg_cc_high"]) - float(row["mean_mg_cc"]) == pytest.approx(2.0639 * 8.5, rel=1e-3)
    assert lumbarhu("verify", tmp_path / "out", "--ct", spine.ct).exit_code == 0


def test_a_phantom_in_the_measured_ct_itself_leaves_nothing_unknown(spine, audit, calibration_file, tmp_path):
    document = json.loads(calibration_file.read_text(encoding="utf-8"))
    voxels_sha256 = json.loads((audit / "record.json").read_text(encoding="utf-8"))["ct"]["voxels_sha256"]
    document["scan"] |= {"voxels_sha256": voxels_sha256, "tube_voltage_kv": None, "date": None}
    (tmp_path / "in-scan.json").write_text(json.dumps(document), encoding="utf-8")
    common = [spine.ct, "--markups", spine.markups / "L3-midline.mrk.json", "--out"]
    run = lumbarhu("measure", *common, tmp_path / "in-scan", "--calibration", tmp_path / "in-scan.json")
    assert (run.exit_code, run.err) == (0, "")
    assert "unknown whether CT and calibration" not in run.out
    assert lumbarhu("verify", tmp_path / "in-scan", "--ct", spine.ct).exit_code == 0
    run = lumbarhu("measure", *common, tmp_path / "apart", "--calibration", calibration_file)
    assert "unknown whether CT and calibration" in run.out


def test_a_case_at_another_tube_voltage_fails_alone_in_a_batch(one_level, scanned, tmp_path):
    voxels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(one_level.ct)))
    patient = CtVolume(voxels, one_level.phantom.ras_from_ijk)
    for name, kv in (("at-120", "120"), ("at-100", "100")):
        dicom_series(tmp_path / name, patient, KVP=kv)
    inputs = [scanned / "phantom.nrrd", "--rods", scanned / "rods.mrk.json", "--phantom", scanned / "phantom.json"]
    lumbarhu("calibrate", *inputs, "--out", tmp_path / "c.json", "--tube-voltage", "120")
    rows = [[name, name, one_level.markups] for name in ("at-120", "at-100")]
    table = write_cases(tmp_path / "cases.csv", rows, columns=("case", "ct", "markups"))
    out = tmp_path / "out"
    run = lumbarhu("batch", table, "--out", out, "--workers", "1", "--calibration", tmp_path / "c.json")
    assert run.exit_code == 1
    assert {row["case"] for row in rows_of(out / "results.csv")} == {"at-120"}
    (failure,) = rows_of(out / "failures.csv")
    assert failure["case"] == "at-100"
    assert "acquired at 100 kV, but the calibration is from a scan at 120 kV" in failure["sentence"]


def test_a_calibrated_folder_is_exported_to_dicom(one_level, calibration_file, tmp_path):
    series = write_series(tmp_path / "series", one_level.phantom, **IDENTITY)
    folder = tmp_path / "out"
    run = lumbarhu(
        "measure", series, "--markups", one_level.markups, "--out", folder, "--calibration", calibration_file
    )
    assert run.exit_code == 0
    run = lumbarhu("export-dicom", folder, "--ct", series, "--out", tmp_path / "dicom")
    assert (run.exit_code, run.err) == (0, "")
    assert sorted(path.name for path in (tmp_path / "dicom").iterdir()) == ["report.dcm", "segmentation.dcm"]
