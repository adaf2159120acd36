"""Every recipe on the Python page runs as printed."""

import csv
import functools
import itertools
import json
import re
import types
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import SimpleITK
import slicer
from core.rod_phantom import CENTERS_RAS_MM, INTERCEPT_HU, SLOPE, rod_ct
from headless.phantom_files import write_line
from images.dicom_builder import save, slice_dataset

import lumbarhu
from LumbarHULib.api import measuring
from LumbarHULib.cohort_files.synthetic_files import write_synthetic_cohort
from LumbarHULib.files.markup_json import write_markup_json
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.files.resources import resource_path
from LumbarHULib.files.seeds_file import write_seeds
from LumbarHULib.headless.scene import scene_and_application_logic
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.images.sitk_file import write_with_sitk
from LumbarHULib.mrml.ct_node import volume_node_from_ct

PAGE = Path(__file__).resolve().parents[3] / "Docs" / "python.md"
RECIPES = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S))
SERIES = "1.2.826.0.1.1"


def blocks(title: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", RECIPES[title], re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, few_trials):
    """Work in an empty folder, and try the midlines' places a few times only."""
    monkeypatch.chdir(tmp_path)
    document = load_protocol(few_trials)
    monkeypatch.setattr(measuring, "load_protocol", lambda path: document if path is None else load_protocol(path))
    return tmp_path


@pytest.fixture
def run(capsys):
    """Return a function that runs the blocks of a recipe and returns their variables and their output."""

    def run_recipe(title, number=None):
        left = {"slicer": slicer}
        found = blocks(title)
        assert found
        for block in found if number is None else [found[number]]:
            exec(compile(block, title, "exec"), left)
        return types.SimpleNamespace(out=capsys.readouterr().out, **left)

    return run_recipe


@pytest.fixture
def ct_files(folder, bodies, midlines):
    write_ct(folder / "ct.nrrd", bodies.ct.voxels_hu, bodies.ct.ras_from_ijk)
    for level, points in midlines.items():
        write_line(folder / "markups" / f"{level}-midline.mrk.json", points)


@pytest.fixture
def scene(bodies, monkeypatch):
    """Give a scene with a CT, as `slicer.mrmlScene` and the application's selection know it."""
    with scene_and_application_logic() as (scene, logic):
        node = volume_node_from_ct(scene, bodies.ct, "CT")
        logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
        monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
        monkeypatch.setattr(slicer, "app", types.SimpleNamespace(applicationLogic=lambda: logic), raising=False)
        yield scene


@pytest.fixture
def lines(scene, midlines):
    for level, points in midlines.items():
        node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", f"{level}-midline")
        slicer.util.updateMarkupsControlPointsFromArray(node, points, world=True)


def test_every_recipe_has_a_test():
    assert set(RECIPES) == {
        "Measure a CT",
        "Measure an array",
        "Propose midlines",
        "Measure by other protocols",
        "Write an audit folder and verify it",
        "Get the round ROI of L3 as a numpy array",
        "Tables and the HU trend per level",
        "Calibrate to mg/cm³",
        "Run a cohort",
        "Compare methods",
        "Compare a patient's CTs at two dates",
        "Measure the selected volume",
        "Place L1–L4 from a TotalSegmentator segmentation",
        "Loop over the patients of the DICOM database",
        "Connect to an event",
    }


def test_measure_a_ct(run, ct_files, measured):
    left = run("Measure a CT", 0)
    assert left.measured.means["round"].mean_hu == measured.means["round"].mean_hu
    assert left.out.splitlines()[0] == str(measured.levels["L1"].rois["round"].mean_hu)


def test_measure_a_ct_at_points(run, ct_files, measured):
    left = run("Measure a CT", 1)
    assert left.out == "('L2',)\n"
    assert left.measured.levels["L1"].excluded == "fracture"
    assert left.measured.levels["L2"].rois["oval"].mean_hu == measured.levels["L2"].rois["oval"].mean_hu


def test_calibrate(run, folder, ct_files, measured):
    phantom = rod_ct(noise_hu=10.0)
    write_ct(folder / "phantom.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    points = np.array(list(CENTERS_RAS_MM.values()))
    write_markup_json(folder / "rods.mrk.json", "Fiducial", "rods", points, list(CENTERS_RAS_MM))
    document = json.loads(resource_path("Phantoms", "b-mas-200.json").read_text(encoding="utf-8"))
    (folder / "our-phantom.json").write_text(json.dumps(document), encoding="utf-8")
    left = run("Calibrate to mg/cm³")
    mean_hu = measured.means["round"].mean_hu
    words = left.out.split()
    assert (float(words[0]), words[2:4]) == (mean_hu, ["mg/cm³", "HA"])
    assert float(words[1]) == pytest.approx((mean_hu - INTERCEPT_HU) / SLOPE, abs=0.5)
    assert float(words[4]) < float(words[1]) < float(words[5])
    assert float(words[6]) == pytest.approx(
        (measured.levels["L1"].rois["round"].mean_hu - INTERCEPT_HU) / SLOPE, abs=0.5
    )
    assert left.calibration.calibration.scan.tube_voltage_kv == 120


def test_measure_an_array(run, folder, bodies, measured):
    np.save(folder / "ct.npy", bodies.ct.voxels_hu)
    np.save(folder / "affine.npy", bodies.ct.ras_from_ijk)
    left = run("Measure an array")
    assert left.out == f"{measured.levels['L1'].rois['front'].mean_hu}\n"
    assert "acquisition_unknown" not in [finding.code for finding in left.measured.findings]


def test_propose_midlines(run, ct_files, folder, bodies, vertebrae):
    write_with_sitk(folder / "vertebrae.nrrd", vertebrae, bodies.ct.ras_from_ijk)
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(folder / "vertebrae.nrrd")), str(folder / "vertebrae.nii.gz"))
    left = run("Propose midlines")
    assert list(left.midlines) == ["L1", "L2", "L3"]
    assert list(left.measured.levels) == ["L1", "L2"]


def test_measure_by_other_protocols(run, ct_files, measured):
    rows = [line.split() for line in run("Measure by other protocols").out.splitlines()]
    assert list(dict.fromkeys(row[0] for row in rows)) == list(lumbarhu.protocol_ids())
    means_hu = {row[1]: float(row[2]) for row in rows}
    assert means_hu["round"] == round(measured.means["round"].mean_hu, 1)
    # Within a level, the phantom's trabecular bone is the same everywhere; some protocols recommend L1 alone.
    round_hu = {"L1": measured.levels["L1"].rois["round"].mean_hu, "L2": measured.means["round"].mean_hu}
    assert [roi for _, roi, hu, *_, last in rows if abs(float(hu) - round_hu[last]) > 2] == []
    assert len(means_hu) == 9


def test_write_an_audit_folder_and_verify_it(run, ct_files, folder):
    run("Write an audit folder and verify it")
    assert (folder / "audit" / "record.json").is_file()


def test_get_the_round_roi_of_l3(run, ct_files, folder, bodies, ct):
    write_line(folder / "markups" / "L3-midline.mrk.json", bodies.midlines_ras_mm["L3"])
    left = run("Get the round ROI of L3 as a numpy array")
    count, mean_hu, _ = map(float, left.out.split())
    assert mean_hu == pytest.approx(100, abs=2)
    assert (count, mean_hu) == (np.count_nonzero(left.labels), ct.voxels_hu[left.labels == 22].mean())
    assert set(np.unique(left.labels)) == {0, 22}


def test_tables_and_the_trend(run, ct_files, folder):
    matplotlib.use("Agg")
    left = run("Tables and the HU trend per level")
    assert (folder / "trend.png").stat().st_size > 10_000
    assert left.table["mean_hu"].tolist() == [row["mean_hu"] for row in left.rows]
    left.plt.close("all")


def test_run_a_cohort(run, folder, monkeypatch):
    cohort = write_synthetic_cohort(folder)
    names = ["case", "t_score", *(name for name in cohort.columns if name.endswith("_round"))]
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows(list(zip(*(cohort.columns[name].tolist() for name in names), strict=True))[:40])
    few = functools.partial(lumbarhu.analyze_cohort, resamples=100, figures=False)
    monkeypatch.setattr(lumbarhu, "analyze_cohort", few)
    left = run("Run a cohort")
    assert (folder / "cohort" / "summary.html").is_file()
    assert left.out.splitlines()[0].startswith("osteoporosis 0.")
    assert few("cohort.csv").tables["roc"].rows == left.cohort.tables["roc"].rows


def test_compare_methods(run, folder, monkeypatch):
    cohort = write_synthetic_cohort(folder)
    (folder / "synthetic-cohort.csv").rename(folder / "cohort.csv")
    (folder / "thin").mkdir()
    with (folder / "thin" / "results.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case", "reader", "reading", "level", "roi", "mean_hu"])
        for row, case in enumerate(cohort.columns["case"]):
            for level in ("L1", "L2", "L3", "L4"):
                writer.writerow([case, "x", 1, level, "round", cohort.columns[f"hu_{level}_round"][row] + 5])
    monkeypatch.setattr(lumbarhu, "compare_methods", functools.partial(lumbarhu.compare_methods, figures=False))
    left = run("Compare methods")
    assert (folder / "comparison" / "comparison.html").is_file()
    assert len(left.compared.tables["bland_altman"].rows) == 3
    (row,) = left.by_protocol.tables["bland_altman"].records()
    assert row["bias_hu"] == pytest.approx(-5)
    assert left.out.splitlines()[0].startswith("round@L1-L4 oval@L1-L4 ")


def test_compare_a_patients_cts_at_two_dates(run, folder, bodies, midlines, few_trials):
    scan = lumbarhu.ScanFacts(
        tube_voltage_kv=120.0, contrast=False, manufacturer="SIEMENS", scanner_model="Sensation 64", source="DICOM"
    )
    for name, lost_hu in (("audit-2022", 0), ("audit-2024", 30)):
        voxels_hu = np.where(bodies.ct.voxels_hu > 50, bodies.ct.voxels_hu - lost_hu, bodies.ct.voxels_hu)
        measured = lumbarhu.measure(lumbarhu.ct_from_array(voxels_hu, bodies.ct.ras_from_ijk, scan), midlines)
        measured.write_audit(folder / name, case="P1", reader="AB")
    rng = np.random.default_rng(1)
    own = load_protocol(few_trials).document
    with (folder / "readings.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case", "reader", "reading", "level", "roi", "mean_hu"])
        for case, number, level, roi in itertools.product(range(30), (1, 2), ("L1", "L2"), lumbarhu.ROIS):
            writer.writerow([f"P{case}", "AB", number, level, roi, 100 + case + rng.normal(0, 3)])
    (folder / "own.json").write_text(json.dumps(own), encoding="utf-8")
    study = functools.partial(lumbarhu.precision_study, protocol="own.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lumbarhu, "precision_study", study)
        left = run("Compare a patient's CTs at two dates")
    assert (folder / "follow-up" / "report.html").is_file()
    means = [row for row in left.found.rows() if row["level"] == "mean"]
    assert [row["changed"] for row in means] == ["yes"] * 5
    assert [row["change_hu"] for row in means] == pytest.approx([-30] * 5, abs=3)
    assert means[0]["lsc_source"] == "precision study (precision.json)"


def test_measure_the_selected_volume(run, lines, measured, scene):
    left = run("Measure the selected volume")
    assert left.out == f"{ {roi: mean.mean_hu for roi, mean in measured.means.items()} }\n"
    labels = slicer.util.arrayFromVolume(left.label_map_node)
    np.testing.assert_array_equal(labels, measured.label_map("round"))
    assert left.label_map_node.GetDisplayNode().GetColorNode().GetColorName(21) == "L2"
    other = left.measured.label_map_node("oval", left.volume_node)
    assert other.GetDisplayNode().GetColorNode() is left.label_map_node.GetDisplayNode().GetColorNode()
    with pytest.raises(lumbarhu.InputError, match="is not the CT that was measured"):
        left.measured.label_map_node("oval", scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))


def test_place_from_a_total_segmentator_segmentation(run, scene, bodies, vertebrae, measured):
    label_map = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    label_map.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(bodies.ct.ras_from_ijk))
    slicer.util.updateVolumeFromArray(label_map, vertebrae)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(label_map, node)
    segmentation = node.GetSegmentation()
    for identifier, level in zip(segmentation.GetSegmentIDs(), ("L1", "L2", "L3", "L4"), strict=True):
        segmentation.GetSegment(identifier).SetName(f"vertebrae_{level}")
    left = run("Place L1–L4 from a TotalSegmentator segmentation")
    assert list(left.measured.levels) == ["L1", "L2", "L3", "L4"]
    for level in measured.levels:
        means_hu = [of.levels[level].rois["round"].mean_hu for of in (left.measured, measured)]
        assert means_hu[0] == pytest.approx(means_hu[1], abs=2)
    line = slicer.util.getNode("L1-midline")
    np.testing.assert_allclose(slicer.util.arrayFromMarkupsControlPoints(line), left.midlines["L1"])
    with pytest.raises(lumbarhu.InputError, match="give a segmentation or a label map"):
        lumbarhu.propose_from_segmentation(left.ct, line)


class DicomDatabase:
    """Replaces ctkDICOMDatabase with the methods that the recipe calls, with one patient and one study."""

    def __init__(self, files_by_series):
        self._files = files_by_series

    def patients(self):
        return ("1",)

    def studiesForPatient(self, patient):  # noqa: N802
        return (f"study of {patient}",)

    def seriesForStudy(self, study):  # noqa: N802
        return tuple(self._files)

    def filesForSeries(self, series):  # noqa: N802
        return self._files[series]

    def fileValue(self, file, tag):  # noqa: N802
        return {"0008,0060": "CT"}[tag]


def test_loop_over_the_dicom_database(run, folder, bodies, monkeypatch, measured):
    (folder / "dicom").mkdir()
    for number in range(30, 56):  # L1 and some of L2
        stored = (bodies.ct.voxels_hu[number] + 1024).astype(np.uint16)
        position_lps_mm = bodies.ct.ras_from_ijk[:3, 3] * (-1, -1, 1) + (0, 0, 2.5 * number)
        dataset = slice_dataset(stored, position_lps_mm, number)
        dataset.PixelSpacing = [0.8, 0.8]
        save(dataset, folder / "dicom" / f"{number}.dcm")
    (folder / "seeds").mkdir()
    write_seeds(folder / "seeds" / f"{SERIES}.mrk.json", {"L1": np.array([3.0, -2.0, 105.0])})
    files = {SERIES: sorted(map(str, (folder / "dicom").iterdir())), "1.2.3": ["of no seeds"]}
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase(files), raising=False)
    left = run("Loop over the patients of the DICOM database")
    assert list(left.results) == [SERIES]
    mean_hu = left.results[SERIES].levels["L1"].rois["round"].mean_hu
    assert mean_hu == pytest.approx(measured.levels["L1"].rois["round"].mean_hu, abs=2)


def test_connect_to_an_event(run, lines, monkeypatch, measured):
    reported = []
    monkeypatch.setattr(slicer.util, "showStatusMessage", reported.append, raising=False)
    left = run("Connect to an event")
    left.line.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    assert reported == [f"L1 round: {measured.levels['L1'].rois['round'].mean_hu:.1f} HU"]
    left.line.RemoveAllControlPoints()
    left.line.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    assert "The midline of L1 has 0 points" in reported[1]
