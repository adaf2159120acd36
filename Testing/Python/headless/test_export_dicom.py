"""An audit folder as DICOM objects: no checker finds an error, and other programs read the same voxels and numbers."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.dicom_export_files import IDENTITY, READER, refusal
from headless.phantom_files import FIELD_OF_VIEW_MM, files_of, rows_of, write_line, write_midlines
from headless.test_dicom_phantom import write_series
from pydicom.sr.codedict import Code, codes

from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import upright_spine

LEVELS = ("L1", "L2", "L3", "L4")


@pytest.fixture(scope="module")
def series(spine, tmp_path_factory):
    return write_series(tmp_path_factory.mktemp("dicom") / "series", spine.phantom, **IDENTITY)


@pytest.fixture(scope="module")
def audit(series, spine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom-audit") / "audit"
    run = lumbarhu("measure", series, "--markups", spine.markups, "--out", folder, "--reader", READER)
    assert (run.exit_code, run.err) == (0, "")
    return folder


@pytest.fixture(scope="module")
def exported(series, audit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom-out") / "dicom"
    run = lumbarhu("export-dicom", audit, "--ct", series, "--out", folder)
    assert (run.exit_code, run.err) == (0, "")
    return folder


@pytest.mark.parametrize("name", ["segmentation.dcm", "report.dcm"])
def test_the_checker_of_dicom_objects_finds_no_error(exported, name, outside_program):
    run = subprocess.run(
        [outside_program("dciodvfy"), "-new", exported / name], capture_output=True, text=True, check=False
    )
    found = (run.stdout + run.stderr).splitlines()
    assert [line for line in found if line.startswith("Error")] == []
    assert {"Segmentation", "ComprehensiveSR"} & set(found)  # what it took the object for


def test_the_checker_of_entities_finds_no_error_among_objects_and_slices(exported, series, outside_program):
    files = [*exported.iterdir(), *series.iterdir()]
    run = subprocess.run([outside_program("dcentvfy"), *files], capture_output=True, text=True, check=False)
    assert [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")] == []


def test_another_program_reads_the_voxels_of_the_label_maps_back(exported, audit, series):
    segmentation = highdicom.seg.segread(exported / "segmentation.dcm")
    uids = [pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in series.iterdir()]
    uids.sort(key=lambda uid: int(uid.rpartition(".")[2]))  # the fixture numbers them from caudal to cranial
    for roi in ROIS:
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(audit / "labelmaps" / f"{roi}.nrrd")))
        for level in LEVELS:
            (number,) = segmentation.get_segment_numbers(segment_label=f"{level} {roi}")
            voxels = segmentation.get_pixels_by_source_instance(
                uids, segment_numbers=[number], combine_segments=False, assert_missing_frames_are_empty=True
            )[..., 0]
            assert np.array_equal(voxels.astype(bool), labels == LABEL_VALUES[level])


def dcmqi(program: str, *arguments) -> None:
    """Run a program of dcmqi, which pip installs next to Python; it is available only for Linux on x86-64."""
    path = Path(sys.executable).parent / program
    if not path.exists():
        pytest.skip("dcmqi comes for Linux on x86-64 alone")
    run = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_dcmqi_reads_the_voxels_of_the_label_maps_back(exported, audit, tmp_path):
    dcmqi(
        *("segimage2itkimage", "--inputDICOM", exported / "segmentation.dcm", "--outputDirectory", tmp_path),
        *("-t", "nrrd"),
    )
    labels = {roi: SimpleITK.ReadImage(str(audit / "labelmaps" / f"{roi}.nrrd")) for roi in ROIS}
    dataset = pydicom.dcmread(exported / "segmentation.dcm", stop_before_pixels=True)
    for segment in dataset.SegmentSequence:
        level, roi = segment.SegmentLabel.split()
        read = SimpleITK.ReadImage(str(tmp_path / f"{segment.SegmentNumber}.nrrd"))
        on_ct = SimpleITK.Resample(read, labels[roi], SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
        wanted = SimpleITK.GetArrayFromImage(labels[roi]) == LABEL_VALUES[level]
        assert np.array_equal(SimpleITK.GetArrayFromImage(on_ct) != 0, wanted)


def test_dcmqi_reads_the_voxels_back_slice_by_slice_with_a_tilted_gantry(tmp_path):
    # Its images have no shear: it shifts the slices against each other, and must know how far apart they lie.
    grid = axial_grid((0.0, -8.0, 16.0), (FIELD_OF_VIEW_MM[0], 90.0, 60.0), 0.9, 2.5).sheared(12.0)
    phantom = render_on_grid(upright_spine(("L2", "L3"), trunk=False), grid)
    directions_lps = (phantom.ras_from_ijk[:3, :2] * [[-1], [-1], [1]] / 0.9).T.round(9).ravel().tolist()
    tilted = {"ImageOrientationPatient": directions_lps, "PixelSpacing": [0.9, 0.9], "GantryDetectorTilt": "12"}
    series = write_series(tmp_path / "series", phantom, **IDENTITY, **tilted)
    markups = write_midlines(tmp_path / "markups", phantom)
    assert lumbarhu("measure", series, "--markups", markups, "--out", tmp_path / "audit").exit_code == 0
    exported, read = tmp_path / "dicom", tmp_path / "read"
    assert lumbarhu("export-dicom", tmp_path / "audit", "--ct", series, "--out", exported).exit_code == 0
    read.mkdir()
    dcmqi("segimage2itkimage", "--inputDICOM", exported / "segmentation.dcm", "--outputDirectory", read, "-t", "nrrd")
    labels = {
        roi: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "audit" / "labelmaps" / f"{roi}.nrrd")))
        for roi in ROIS
    }
    first = min(np.flatnonzero(volume.any(axis=(1, 2)))[0] for volume in labels.values())
    segments = pydicom.dcmread(exported / "segmentation.dcm", stop_before_pixels=True).SegmentSequence
    assert len(segments) == 10
    for segment in segments:
        level, roi = segment.SegmentLabel.split()
        found = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(read / f"{segment.SegmentNumber}.nrrd")))
        wanted = labels[roi][first : first + len(found)] == LABEL_VALUES[level]
        assert wanted.sum() == (labels[roi] == LABEL_VALUES[level]).sum()
        assert np.array_equal(found != 0, wanted)


def test_the_segmentation_states_the_slice_spacing_of_the_ct(exported, series, one_level_of, tmp_path):
    folder = one_level_of(series, "AB")
    assert lumbarhu("export-dicom", folder, "--ct", series, "--out", tmp_path / "dicom").exit_code == 0
    for path in (exported, tmp_path / "dicom"):
        shared = pydicom.dcmread(path / "segmentation.dcm").SharedFunctionalGroupsSequence[0]
        assert shared.PixelMeasuresSequence[0].SpacingBetweenSlices == 5.0


def test_dcmqi_reads_the_numbers_of_the_tables_back(exported, audit, tmp_path):
    dcmqi("tid1500reader", "--inputDICOM", exported / "report.dcm", "--outputMetadata", tmp_path / "report.json")
    groups = json.loads((tmp_path / "report.json").read_text())["Measurements"]
    read = {group["TrackingIdentifier"]: group for group in groups}
    for row in rows_of(audit / "results.csv"):
        values = [float(item["value"]) for item in read[f"{row['level']} {row['roi']}"]["measurementItems"]]
        assert values == pytest.approx([float(row[name]) for name in ("mean_hu", "sd_hu", "area_mm2")], rel=1e-13)


def dicom_code(sequence) -> Code:
    (item,) = sequence
    return Code(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)


def test_every_segment_has_codes_for_vertebra_and_side(exported):
    dataset = pydicom.dcmread(exported / "segmentation.dcm")
    sides = {}
    for segment in dataset.SegmentSequence:
        level, roi = segment.SegmentLabel.split()
        assert dicom_code(segment.SegmentedPropertyCategoryCodeSequence) == codes.CID7150.AnatomicalStructure
        assert dicom_code(segment.SegmentedPropertyTypeCodeSequence) == getattr(codes.CID7602, f"{level}Vertebra")
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == f"{level} vertebra"
        region = segment.AnatomicRegionSequence[0]
        modifiers = region.get("AnatomicRegionModifierSequence") or []
        sides.setdefault(roi, set()).update(modifier.CodeMeaning for modifier in modifiers)
        assert not modifiers or dicom_code(modifiers) in codes.CID2
    assert sides == {"round": set(), "oval": set(), "right": {"Right"}, "front": {"Anterior"}, "left": {"Left"}}


def test_another_program_reads_the_numbers_of_the_tables_back(exported, audit):
    content = highdicom.sr.srread(exported / "report.dcm").content
    read = {}
    for group in content.get_volumetric_roi_measurement_groups():
        level, roi = group.tracking_identifier.split()
        values = {}
        for measurement in group.get_measurements():
            name = "area" if measurement.derivation is None else measurement.derivation.meaning
            values[name] = (float(measurement.value), measurement.unit.value)
        read[level, roi] = values
    rows = {(row["level"], row["roi"]): row for row in rows_of(audit / "results.csv")}
    assert read.keys() == rows.keys()
    for place, row in rows.items():
        assert read[place]["Mean"] == (pytest.approx(float(row["mean_hu"]), rel=1e-13), "[hnsf'U]")
        assert read[place]["Standard Deviation"] == (pytest.approx(float(row["sd_hu"]), rel=1e-13), "[hnsf'U]")
        assert read[place]["area"] == (pytest.approx(float(row["area_mm2"]), rel=1e-13), "mm2")


def test_the_report_gives_each_class_with_the_source_of_its_cutoffs_and_no_diagnosis(exported, audit):
    content = highdicom.sr.srread(exported / "report.dcm").content
    rows = {row["roi"]: row for row in rows_of(audit / "summary.csv")}
    citation = json.loads((audit / "record.json").read_text(encoding="utf-8"))["cutoffs"]["citation"]
    groups = content.get_image_measurement_groups()
    assert len(groups) == len(rows)
    for group in groups:
        row = rows[group.tracking_identifier.rpartition(" ")[2]]
        (measurement,) = group.get_measurements()
        assert float(measurement.value) == pytest.approx(float(row["mean_hu"]), rel=1e-13)
        (evaluation,) = group.get_qualitative_evaluations()
        assert evaluation.value.value == row["class"].upper()
        assert evaluation.value.scheme_designator == "99LUMBARHU"
        texts = [item.value for item in group[0].ContentSequence if item.ValueType == "TEXT"]
        assert citation in texts
        assert any("Not a medical device" in text for text in texts)


def test_both_objects_name_the_patient_the_study_and_the_slices_of_the_ct(exported, series):
    slices = [pydicom.dcmread(path, stop_before_pixels=True) for path in series.iterdir()]
    for name in ("segmentation.dcm", "report.dcm"):
        dataset = pydicom.dcmread(exported / name)
        assert str(dataset.PatientName) == IDENTITY["PatientName"]
        assert dataset.StudyInstanceUID == IDENTITY["StudyInstanceUID"]
        reported = str(dataset)
        assert sum(one.SOPInstanceUID in reported for one in slices) >= len(LEVELS)


def test_the_reader_is_named_in_any_script(exported):
    dataset = pydicom.dcmread(exported / "segmentation.dcm")
    assert str(dataset.ContentCreatorName) == "芳 B^"
    (observer,) = highdicom.sr.srread(exported / "report.dcm").content.get_observer_contexts()
    assert str(observer.observer_identifying_attributes.name) == "芳 B^"


def test_the_segmentation_measured_again_gives_the_same_tables_and_label_maps(exported, audit, series, tmp_path):
    run = lumbarhu(
        *("measure", series, "--markups", audit / "markups", "--label-maps", exported / "segmentation.dcm"),
        *("--out", tmp_path / "again", "--reader", READER),
    )
    assert (run.exit_code, run.err) == (0, "")
    first, second = files_of(audit), files_of(tmp_path / "again")
    # The outlines came as markups, which record and report state.
    assert b"outline by the reader" not in first["report.html"]
    second["report.html"] = second["report.html"].replace(b"outline by the reader", b"outline found")
    assert {name for name in first if first[name] != second[name]} <= {"record.json"}


def test_a_corrected_label_map_is_measured_unchanged_and_marked_as_edited(audit, series, tmp_path):
    shutil.copytree(audit / "labelmaps", tmp_path / "corrected")
    image = SimpleITK.ReadImage(str(tmp_path / "corrected" / "round.nrrd"))
    labels = SimpleITK.GetArrayFromImage(image)
    first = np.argwhere(labels == LABEL_VALUES["L2"])[0]
    labels[tuple(first)] = 0
    changed = SimpleITK.GetImageFromArray(labels)
    changed.CopyInformation(image)
    SimpleITK.WriteImage(changed, str(tmp_path / "corrected" / "round.nrrd"))
    run = lumbarhu(
        *("measure", series, "--markups", audit / "markups", "--label-maps", tmp_path / "corrected"),
        *("--out", tmp_path / "out"),
    )
    assert (run.exit_code, run.err) == (0, "")
    before, after = (
        {(row["level"], row["roi"]): row for row in rows_of(folder / "results.csv")}
        for folder in (audit, tmp_path / "out")
    )
    assert [place for place, row in after.items() if row["edited"] == "true"] == [("L2", "round")]
    assert int(after["L2", "round"]["voxels"]) == int(before["L2", "round"]["voxels"]) - 1
    assert all(after[place]["mean_hu"] == row["mean_hu"] for place, row in before.items() if place != ("L2", "round"))
    lines = run.out.splitlines()
    (starred,) = (line for line in lines if "*" in line and not line.startswith("*"))
    assert starred.split()[:2] == ["L2", f"{float(after['L2', 'round']['mean_hu']):.1f}*"]
    assert "* edited by hand: such a region, and each mean that includes it, has no placement trials." in lines
    # The digits of a column are aligned.
    (other,) = (line for line in lines if line.startswith("L3 ") and "." in line)
    assert other.index(".") == starred.index(".")
    assert "(SD): oval " in run.out


def test_a_level_without_voxels_in_the_label_maps_is_refused(audit, series, tmp_path):
    image = SimpleITK.ReadImage(str(audit / "labelmaps" / "oval.nrrd"))
    SimpleITK.WriteImage(image * (image != LABEL_VALUES["L3"]), str(tmp_path / "oval.nrrd"))
    reported = refusal(
        *("measure", series, "--markups", audit / "markups", "--label-maps", tmp_path / "oval.nrrd"),
        *("--out", tmp_path / "out"),
    )
    assert "“oval.nrrd” has no voxels of the oval ROI of L3" in reported


def test_a_label_map_of_another_grid_or_with_other_values_is_refused(audit, series, tmp_path):
    image = SimpleITK.ReadImage(str(audit / "labelmaps" / "oval.nrrd"))
    moved = SimpleITK.Image(image)
    moved.SetOrigin([place + 1 for place in image.GetOrigin()])
    for changed, reported in ((moved, "is not on the CT's grid"), (image / 2, "contains the label value 10:")):
        SimpleITK.WriteImage(changed, str(tmp_path / "oval.nrrd"))
        assert reported in refusal(
            *("measure", series, "--markups", audit / "markups", "--label-maps", tmp_path / "oval.nrrd"),
            *("--out", tmp_path / "out"),
        )


def test_a_segmentation_of_another_ct_is_refused(exported, spine, audit, series, tmp_path):
    dataset = pydicom.dcmread(exported / "segmentation.dcm")
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient[2] += 1.3
    dataset.save_as(tmp_path / "moved.dcm")
    reported = refusal(
        *("measure", series, "--markups", audit / "markups", "--label-maps", tmp_path / "moved.dcm"),
        *("--out", tmp_path / "out"),
    )
    assert "has a frame outside the slices of the CT" in reported


@pytest.mark.parametrize(
    ("content", "reported"),
    [(b"", "contains no label map of a region"), (b"\0" * 128 + b"DICM", "Segmentation object")],
)
def test_a_file_that_is_not_a_label_map_is_refused(content, reported, audit, series, tmp_path):
    (tmp_path / "segmentation.dcm").write_bytes(content)
    assert reported in refusal(
        *("measure", series, "--markups", audit / "markups", "--label-maps", tmp_path / "segmentation.dcm"),
        *("--out", tmp_path / "out"),
    )


def test_a_folder_that_does_not_verify_is_not_exported(audit, series, tmp_path):
    shutil.copytree(audit, tmp_path / "audit")
    path = tmp_path / "audit" / "results.csv"
    path.write_text(path.read_text().replace("L1,round", "L1,round", 1) + "\n")
    reported = refusal("export-dicom", tmp_path / "audit", "--ct", series, "--out", tmp_path / "dicom")
    assert "(results.csv: expected SHA-256 " in reported
    assert not (tmp_path / "dicom").exists()


def test_a_ct_that_is_not_a_dicom_series_is_refused(audit, spine, tmp_path):
    reported = refusal("export-dicom", audit, "--ct", spine.ct, "--out", tmp_path / "dicom")
    assert "“ct.nrrd” is not a DICOM series" in reported


def test_a_series_whose_identity_was_removed_is_refused(spine, tmp_path):
    series = write_series(tmp_path / "series", spine.phantom)
    measured = lumbarhu("measure", series, "--markups", spine.markups, "--out", tmp_path / "audit")
    assert measured.exit_code == 0
    reported = refusal("export-dicom", tmp_path / "audit", "--ct", series, "--out", tmp_path / "dicom")
    assert "states no StudyInstanceUID" in reported


def test_without_highdicom_one_sentence_says_how_to_install_it(audit, series, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "highdicom" else found(name))
    reported = refusal("export-dicom", audit, "--ct", series, "--out", tmp_path / "dicom")
    assert "pip install highdicom" in reported


def test_an_old_export_is_replaced_only_when_asked(exported, audit, series):
    before = files_of(exported)
    assert "--overwrite" in refusal("export-dicom", audit, "--ct", series, "--out", exported)
    assert files_of(exported) == before


def test_a_folder_without_a_measured_region_is_refused(series, spine, tmp_path):
    next_to_the_body = np.add(spine.phantom.truth["L3"].midline_ras_mm, (32.0, 0.0, 0.0))
    markup = write_line(tmp_path / "L3-midline.mrk.json", next_to_the_body)
    run = lumbarhu("measure", series, "--markups", markup, "--exclude", "L3=metal", "--out", tmp_path / "audit")
    assert (run.exit_code, run.err) == (0, "")
    reported = refusal("export-dicom", tmp_path / "audit", "--ct", series, "--out", tmp_path / "dicom")
    assert "contains no measured region" in reported
    assert not (tmp_path / "dicom").exists()
