"""The audit folder keeps its contract: names, columns, digits, schema, identical bytes, no patient data."""

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import SimpleITK
from audit.readings import (
    CUTOFFS,
    PROTOCOL,
    SHEARED_STEPS_RAS_MM,
    example_audit,
    example_landmarks,
    random_ct,
    stored_otherwise,
)

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.pipeline import measure_ct, measure_level, summarize
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.markup_file import read_markups
from LumbarHULib.files.resources import resource_path
from LumbarHULib.images.sitk_file import write_with_sitk

RESULTS_HEADER = (
    "case,reader,reading,level,roi,mean_hu,sd_hu,median_hu,q1_hu,q3_hu,min_hu,max_hu,voxels,slices,area_mm2,"
    "placement_sd_hu,label_value,origin,outline_edited,boundary_moved,edited,excluded,findings"
)
SUMMARY_HEADER = (
    "case,reader,reading,roi,levels,mean_hu,class,osteoporosis_cutoff_hu,normal_cutoff_hu,cutoff_low_hu,cutoff_high_hu,"
    "nearest_cutoff_hu,distance_hu,distance_lsc,placement_sd_hu,share_osteoporosis,share_osteopenia,share_normal,findings"
)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def audit():
    return example_audit()


@pytest.fixture(scope="module")
def folder(audit, tmp_path_factory):
    destination = tmp_path_factory.mktemp("audit") / "out"
    write_audit_folder(destination, audit)
    return destination


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "record.json").read_text(encoding="utf-8"))


def test_the_folder_contains_exactly_the_documented_files(folder):
    markups = [
        f"markups/{level}-{role}.mrk.json"
        for level in ("L1", "L2", "L3")
        for role in ("boundary", "midline", "outline")
    ]
    label_maps = [f"labelmaps/{roi}.nrrd" for roi in ROIS]
    tables = ["results.csv", "summary.csv"]
    assert sorted(contents(folder)) == sorted([*markups, *label_maps, *tables, "record.json", "report.html"])


def test_results_have_one_row_for_each_level_and_roi_with_every_digit(folder, audit):
    text = (folder / "results.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == RESULTS_HEADER, "a new column belongs in RESULTS_HEADER, and in Docs by make pages"
    rows = table(folder / "results.csv")
    assert [(row["level"], row["roi"]) for row in rows] == [
        (level, roi) for level in ("L1", "L2", "L3", "L5") for roi in ROIS
    ]
    for row in rows[:15]:
        level = next(level for level in audit.result.levels if level.level == row["level"])
        values = level.rois[row["roi"]].values
        assert {name: float(row[name]) for name in values} == values
        assert (row["case"], row["reader"], row["reading"]) == ("case 7", "AB", "2")
        assert row["label_value"] == str(LABEL_VALUES[row["level"]])
        assert row["edited"] == "false"
        assert float(row["placement_sd_hu"]) == level.trials.sd_hu[row["roi"]]
    assert [row["excluded"] for row in rows[::5]] == ["", "fracture, old", "", "out of the scan"]
    assert [row["origin"] for row in rows[::5]] == ["manual", "proposal_corrected (1.23 mm, 5.68 deg)", "manual", ""]
    assert all(row[name] == "" for row in rows[15:] for name in audit.result.levels[0].rois["round"].values)


def test_the_summary_has_one_row_for_each_roi(folder, audit):
    text = (folder / "summary.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == SUMMARY_HEADER
    rows = table(folder / "summary.csv")
    assert [row["roi"] for row in rows] == list(ROIS)
    results = table(folder / "results.csv")
    for row, summary in zip(rows, audit.result.summaries, strict=True):
        means = [float(of["mean_hu"]) for of in results if of["roi"] == row["roi"] and of["level"] in ("L1", "L3")]
        assert row["levels"] == "L1;L3"
        assert float(row["mean_hu"]) == summary.mean_hu == pytest.approx(sum(means) / 2, abs=1e-12)
        assert row["class"] == summary.class_name
        assert float(row["distance_hu"]) == summary.distance_hu
        assert float(row["placement_sd_hu"]) == summary.placement.sd_hu
        assert (row["cutoff_low_hu"] == "") == (summary.cutoff_low_hu is None)
        assert set(row["findings"].split(";")) >= {"acquisition_unknown", "levels_missing"}


@pytest.mark.parametrize("steps", ["upright", "sheared"])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_simpleitk_measures_the_same_from_the_saved_files(tmp_path, steps, kind):
    ct = random_ct(**({"steps_ras_mm": SHEARED_STEPS_RAS_MM} if steps == "sheared" else {}), kind=kind)
    stored = stored_otherwise(ct)
    write_audit_folder(tmp_path / "out", example_audit(ct, stored))
    write_with_sitk(tmp_path / "ct.nrrd", stored.voxels_hu, stored.ras_from_ijk)
    image = SimpleITK.ReadImage(str(tmp_path / "ct.nrrd"))
    for roi in ROIS:
        label_map = SimpleITK.ReadImage(str(tmp_path / "out" / "labelmaps" / f"{roi}.nrrd"))
        statistics = SimpleITK.LabelStatisticsImageFilter()
        statistics.Execute(image, label_map)
        rows = {int(row["label_value"]): row for row in table(tmp_path / "out" / "results.csv") if row["roi"] == roi}
        assert set(statistics.GetLabels()) - {0} == {20, 21, 22}
        for value in (20, 21, 22):
            assert statistics.GetCount(value) == int(rows[value]["voxels"])
            mean = statistics.GetMean(value)
            assert mean == (
                float(rows[value]["mean_hu"])
                if kind == np.int16
                else pytest.approx(float(rows[value]["mean_hu"]), abs=1e-9)
            )
            assert statistics.GetSigma(value) == pytest.approx(float(rows[value]["sd_hu"]), abs=1e-9)
            assert statistics.GetMinimum(value) == float(rows[value]["min_hu"])
            assert statistics.GetMaximum(value) == float(rows[value]["max_hu"])


def test_the_record_conforms_to_its_schema(record):
    schemas = {
        name: json.loads(resource_path("Schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("record", "protocol", "cutoffs")
    }
    jsonschema.Draft202012Validator(schemas["record"]).validate(record)
    jsonschema.Draft202012Validator(schemas["protocol"]).validate(record["protocol"])
    jsonschema.Draft202012Validator(schemas["cutoffs"]).validate(record["cutoffs"])


def test_the_record_identifies_the_ct(record, audit):
    assert record["ct"]["voxels_sha256"] == hashlib.sha256(audit.ct.voxels_hu.astype("<i2").tobytes()).hexdigest()
    assert record["ct"]["voxels_type"] == "int16"
    assert record["ct"]["shape_kji"] == [24, 60, 64]
    assert record["ct"]["ras_from_ijk"] == audit.ct.ras_from_ijk.tolist()
    assert "series_uid" not in record["ct"]


def test_the_hash_of_the_voxels_is_of_their_order_as_stored(tmp_path):
    stored = stored_otherwise(random_ct())
    write_audit_folder(tmp_path / "out", example_audit(random_ct(), stored, scan_facts=ScanFacts(series_uid="1.2.3")))
    ct_record = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))["ct"]
    assert (
        ct_record["voxels_sha256"]
        == hashlib.sha256(np.ascontiguousarray(stored.voxels_hu, "<i2").tobytes()).hexdigest()
    )
    assert ct_record["series_uid"] == "1.2.3"


def test_the_record_has_the_hash_of_every_other_file(folder, record):
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents(folder).items()}
    del hashes["record.json"]
    assert record["files"] == hashes


def test_the_record_states_what_was_used(record, audit):
    names = ("cortical_margin_mm", "slab_mm", "front_width_fraction", "lateral_extent")
    assert [record["protocol_values"][name] for name in names] == [PROTOCOL.protocol.values[name] for name in names]
    assert record["protocol"] == PROTOCOL.document
    assert record["cutoffs"] == CUTOFFS.document
    assert {"LumbarHU", "Python", "numpy", "scipy", "SimpleITK"} <= record["software"].keys()
    assert [level["level"] for level in record["levels"]] == ["L1", "L2", "L3"]
    assert record["not_measured"] == [
        {
            "level": "L5",
            "sentence": "L5 has no midline: place its anterior and posterior ends.",
            "excluded": "out of the scan",
        }
    ]


def test_the_record_states_where_each_level_was_measured(record, audit):
    for level, result in zip(record["levels"], audit.result.levels, strict=True):
        assert level["frame"]["origin_ras_mm"] == result.frame.origin_ras_mm.tolist()
        assert level["frame"]["depth_mm"] == result.frame.depth_mm
        assert level["boundary"]["fraction"] == pytest.approx(2 / 3, abs=1e-6)
        assert level["boundary"]["moved"] is False
        assert level["outline"]["source"] == "reader"
        assert level["slices"] == {
            "count": 1,
            "covered_mm": 2.5,
            "stored_first": level["mid_slice"]["stored_index"],
            "stored_last": level["mid_slice"]["stored_index"],
        }
        assert level["mid_slice"]["stored_axis"] == "k"
    assert [level["mid_slice"]["stored_index"] for level in record["levels"]] == [20, 12, 4]


def test_the_mid_slice_is_given_in_the_files_own_indices(tmp_path):
    stored = stored_otherwise(random_ct(), (2, 1, 0), (2,))
    write_audit_folder(tmp_path / "out", example_audit(random_ct(), stored))
    levels = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))["levels"]
    assert [level["mid_slice"]["stored_axis"] for level in levels] == ["i", "i", "i"]
    assert [level["mid_slice"]["stored_index"] for level in levels] == [23 - 20, 23 - 12, 23 - 4]


def test_the_same_reading_gives_the_same_bytes(folder, tmp_path):
    write_audit_folder(tmp_path / "again", example_audit())
    assert contents(tmp_path / "again") == contents(folder)


def test_the_record_has_a_time_only_on_request(record, tmp_path):
    assert "when" not in record
    write_audit_folder(tmp_path / "out", example_audit(when="2026-02-03T04:05:06", extra={"signed_off_by": "CD"}))
    asked = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    assert (asked["when"], asked["extra"]) == ("2026-02-03T04:05:06", {"signed_off_by": "CD"})


@pytest.mark.parametrize("steps", ["upright", "sheared"])
def test_the_markups_measured_again_give_the_same_numbers_and_label_maps(tmp_path, steps):
    ct = random_ct(SHEARED_STEPS_RAS_MM) if steps == "sheared" else random_ct()
    audit = example_audit(ct)
    write_audit_folder(tmp_path / "out", audit)
    landmarks = read_markups([tmp_path / "out" / "markups"]).landmarks
    exclusions = {
        level.level: level.excluded for level in (*audit.result.levels, *audit.result.refusals) if level.excluded
    }
    result = measure_ct(ct, landmarks, PROTOCOL.protocol, CUTOFFS.cutoffs, audit.scan_facts, exclusions)
    again = Audit(audit.case, audit.reader, audit.reading, result, ct, audit.scan_facts, PROTOCOL, CUTOFFS)
    write_audit_folder(tmp_path / "again", again)
    assert contents(tmp_path / "again") == contents(tmp_path / "out")


def test_a_region_edited_by_hand_is_marked(tmp_path):
    ct = random_ct()
    stack = axial_stack(ct, PROTOCOL.protocol.frame)
    landmarks = example_landmarks(ct)[0]
    mask = measure_level(stack, landmarks, PROTOCOL.protocol).rois["oval"].mask
    level = measure_level(stack, landmarks, PROTOCOL.protocol, edited_masks={"oval": mask})
    result = summarize([level], ScanFacts(), PROTOCOL.protocol, CUTOFFS.cutoffs)
    write_audit_folder(tmp_path / "out", Audit("a", "b", 1, result, ct, ScanFacts(), PROTOCOL, CUTOFFS))
    assert [row["edited"] for row in table(tmp_path / "out" / "results.csv")] == [
        "false",
        "true",
        "false",
        "false",
        "false",
    ]


def test_a_boundary_and_an_outline_by_the_reader_are_marked_at_their_level(tmp_path):
    ct = random_ct()
    stack = axial_stack(ct, PROTOCOL.protocol.frame)
    one, other = example_landmarks(ct)[:2]
    found = measure_level(stack, one, PROTOCOL.protocol)
    moved = found.boundary.points_ras_mm + 2 * found.frame.v_ras
    levels = [
        measure_level(
            stack, replace(one, outline_ras_mm=found.outline_ras_mm, boundary_ras_mm=moved), PROTOCOL.protocol
        ),
        measure_level(stack, replace(other, outline_ras_mm=None, boundary_ras_mm=None), PROTOCOL.protocol),
    ]
    result = summarize(levels, ScanFacts(), PROTOCOL.protocol, CUTOFFS.cutoffs)
    write_audit_folder(tmp_path / "out", Audit("a", "b", 1, result, ct, ScanFacts(), PROTOCOL, CUTOFFS))
    rows = table(tmp_path / "out" / "results.csv")
    by_hand = [(row["outline_edited"], row["boundary_moved"], row["edited"]) for row in rows]
    assert by_hand == [("true", "true", "false")] * 5 + [("false", "false", "false")] * 5


def test_a_reading_without_numbers_is_written_too(tmp_path):
    refusals = [LevelRefusal(level, f"{level} has no midline.", "metal") for level in ("L1", "L2")]
    result = summarize(refusals, ScanFacts(), PROTOCOL.protocol, CUTOFFS.cutoffs)
    write_audit_folder(tmp_path / "out", Audit("a", "b", 1, result, random_ct(), ScanFacts(), PROTOCOL, CUTOFFS))
    assert [row["mean_hu"] for row in table(tmp_path / "out" / "summary.csv")] == [""] * 5
    assert {row["class"] for row in table(tmp_path / "out" / "summary.csv")} == {"not_classified"}
    assert len(table(tmp_path / "out" / "results.csv")) == 10


def test_a_name_that_looks_like_a_formula_does_not_begin_its_cell(tmp_path):
    write_audit_folder(tmp_path / "out", example_audit(case="=1+1", reader="@AB"))
    row = table(tmp_path / "out" / "results.csv")[0]
    assert (row["case"], row["reader"]) == ("'=1+1", "'@AB")


@pytest.mark.parametrize("fields", [{"case": ""}, {"reader": "A\nB"}, {"case": "\udcff"}, {"reading": 0}])
def test_a_name_that_cannot_be_printed_and_a_reading_before_the_first_are_refused(fields):
    with pytest.raises(InputError):
        example_audit(**fields)


def test_a_full_disk_leaves_nothing_behind(audit, tmp_path):
    """Held to files of 4 kB, as a full disk would be: no mock, the system itself refuses."""
    resource = pytest.importorskip("resource", reason="Windows knows no limit on the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            write_audit_folder(tmp_path / "deep" / "out", audit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_further_file_is_hashed_like_the_others(audit, tmp_path):
    write_audit_folder(tmp_path / "out", audit, also_write=lambda folder: (folder / "scene.mrb").write_bytes(b"scene"))
    files = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))["files"]
    assert files["scene.mrb"] == hashlib.sha256(b"scene").hexdigest()


def test_progress_runs_from_0_to_1(audit, tmp_path):
    shares = []
    write_audit_folder(tmp_path / "out", audit, progress=lambda share, text: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_findings_are_codes_in_the_tables_and_complete_in_the_record(tmp_path):
    facts = ScanFacts(tube_voltage_kv=100.0, contrast=False, source="DICOM")
    audit = example_audit(scan_facts=facts, accept_off_protocol=True)
    write_audit_folder(tmp_path / "out", audit)
    codes = table(tmp_path / "out" / "summary.csv")[0]["findings"].split(";")
    assert codes[0] == "tube_voltage_off_protocol"
    assert "off_protocol_accepted" in codes
    record = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    assert record["accept_off_protocol"] is True
    assert [Finding(**finding) for finding in record["findings"]] == list(audit.result.findings)
