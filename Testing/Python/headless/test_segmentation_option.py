"""lumbarhu measure --segmentation: from label maps to midlines, measured and reported as proposals."""

import json

import numpy as np
import pytest
import SimpleITK
from headless.batch_files import batch_here, write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles, files_of, points_of, rows_of, write_midlines
from placement.phantom_masks import vertebra_mask

from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.images.sitk_file import write_with_sitk
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

LEVELS = ("L1", "L2", "L3", "L4")


def label_map(phantom, values) -> np.ndarray:
    labels = np.zeros(phantom.grid.shape_kji, np.uint8)
    for level, value in values.items():
        labels[vertebra_mask(phantom.spec.vertebra(level), phantom.grid)] = value
    return labels


@pytest.fixture(scope="module")
def spine(tmp_path_factory) -> PhantomFiles:
    """Return L1–L4, whole in the scan, as files: to be read, not changed."""
    folder = tmp_path_factory.mktemp("spine")
    spec = lumbar_spine(LEVELS, table=False, rotation_deg={"L1": 4, "L2": 2, "L3": -1, "L4": -3})
    grid = axial_grid((0.0, -9.0, 17.0), (96.0, 96.0, 165.0), 0.8, 5.0)
    phantom = render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=6)
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    return PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "markups", phantom))


@pytest.fixture(scope="module")
def audit(spine, tmp_path_factory):
    """Return the audit folder of the true midlines: to be read, not changed."""
    out = tmp_path_factory.mktemp("audit") / "out"
    assert lumbarhu("measure", spine.ct, "--markups", spine.markups, "--out", out).exit_code == 0
    return out


@pytest.fixture(scope="module")
def segmentation(spine, tmp_path_factory):
    """Return the four vertebrae as a label map with VerSe's values."""
    path = tmp_path_factory.mktemp("segmentation") / "verse.nrrd"
    labels = label_map(spine.phantom, {level: LABEL_VALUES[level] for level in LEVELS})
    write_with_sitk(path, labels, spine.phantom.ras_from_ijk)
    return path


@pytest.fixture(scope="module")
def proposed(spine, segmentation, tmp_path_factory):
    """Return the audit folder of proposed midlines: to be read, not changed."""
    out = tmp_path_factory.mktemp("proposed") / "out"
    run = lumbarhu("measure", spine.ct, "--segmentation", segmentation, "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    return out


def test_midlines_from_a_segmentation_measure_what_true_midlines_do(proposed, audit):
    rows, true_rows = rows_of(proposed / "results.csv"), rows_of(audit / "results.csv")
    assert [(row["level"], row["roi"]) for row in rows] == [(row["level"], row["roi"]) for row in true_rows]
    for row, true_row in zip(rows, true_rows, strict=True):
        # With 10 HU of noise and a mid-slice of 5 mm.
        assert abs(float(row["mean_hu"]) - float(true_row["mean_hu"])) < 3
    assert {row["origin"] for row in rows} == {"proposal_accepted"}
    record = json.loads((proposed / "record.json").read_text())
    assert {level["midline"]["origin"]["kind"] for level in record["levels"]} == {"proposal_accepted"}
    assert "labels_read_by_value" in [finding["code"] for finding in record["findings"]]


def test_its_markups_give_the_same_bytes_and_the_findings_on_the_proposals(proposed, spine, tmp_path):
    again = tmp_path / "again"
    run = lumbarhu("measure", spine.ct, "--markups", proposed / "markups", "--out", again)
    assert (run.exit_code, run.err) == (0, "")
    assert files_of(again) == files_of(proposed)


def test_proposed_midlines_are_in_the_audit_folder_and_measure_the_same_again(spine, proposed, tmp_path):
    out = tmp_path / "again"
    run = lumbarhu("measure", spine.ct, "--markups", proposed / "markups", "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    kept = ("level", "roi", "mean_hu", "sd_hu", "voxels", "area_mm2")
    again, before = rows_of(out / "results.csv"), rows_of(proposed / "results.csv")
    assert [[row[name] for name in kept] for row in again] == [[row[name] for name in kept] for row in before]
    assert lumbarhu("verify", proposed, "--ct", spine.ct).exit_code == 0


def test_a_segmentation_on_a_grid_of_its_own_gives_the_same_midlines(spine, proposed, segmentation, tmp_path):
    image = SimpleITK.ReadImage(str(segmentation))
    turned = SimpleITK.DICOMOrient(image, "PIR")
    path = tmp_path / "turned.nii.gz"
    SimpleITK.WriteImage(turned[10:, :, 5:], str(path))
    run = lumbarhu("measure", spine.ct, "--segmentation", path, "--out", tmp_path / "out")
    assert (run.exit_code, run.err) == (0, "")
    for level in LEVELS:
        one, other = (
            points_of(folder / "markups" / f"{level}-midline.mrk.json") for folder in (proposed, tmp_path / "out")
        )
        assert np.abs(one - other).max() < 0.5


def test_the_user_names_the_segments_and_the_levels(spine, tmp_path):
    path, out = tmp_path / "own.mha", tmp_path / "out"
    write_with_sitk(path, label_map(spine.phantom, {"L2": 1, "L3": 2}), spine.phantom.ras_from_ijk)
    run = lumbarhu("measure", spine.ct, "--segmentation", path, "--segment", "l2=1", "--segment", "L3=2", "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    assert [row["level"] for row in rows_of(out / "results.csv")[::5]] == ["L2", "L3"]


def test_a_flaw_of_the_mask_is_in_the_record_and_the_table(spine, tmp_path):
    labels = label_map(spine.phantom, {"L2": 21, "L3": 22})
    labels[5:20, :30, :12] = 22
    path, out = tmp_path / "pieces.nrrd", tmp_path / "out"
    write_with_sitk(path, labels, spine.phantom.ras_from_ijk)
    run = lumbarhu("measure", spine.ct, "--segmentation", path, "--out", out, "--levels", "L2,L3", "--scene")
    assert (run.exit_code, run.err) == (0, "")
    assert "The segment of L3 is in pieces" in run.out
    codes = {row["level"]: row["findings"].split(";") for row in rows_of(out / "results.csv")}
    assert "mask_in_pieces" in codes["L3"]
    assert "mask_in_pieces" not in codes["L2"]
    record = json.loads((out / "record.json").read_text())
    reported = [
        finding for level in record["levels"] for finding in level["findings"] if finding["code"] == "mask_in_pieces"
    ]
    assert [finding["level"] for finding in reported] == ["L3"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--segmentation", "SEG", "--markups", "MARKUPS"], "give only one of the two"),
        ([], "The position of the vertebrae is missing"),
        (["--markups", "MARKUPS", "--segment", "L1=1"], "give --segmentation as well"),
        (["--segmentation", "SEG", "--segment", "L1"], "names no segment"),
        (["--segmentation", "SEG", "--segment", "L1=20", "--segment", "L1=21"], "names L1 twice"),
        (["--segmentation", "SEG", "--segment", "X1=20"], "Unknown level"),
        (["--segmentation", "SEG", "--levels", "L1,L5"], "L5 has no segment in the segmentation"),
        (["--segmentation", "SEG", "--levels", "L1", "--exclude", "L2=fracture"], "not among the levels"),
        (["--segmentation", "CT"], "it is not a segmentation"),
    ],
)
def test_contradictory_input_is_reported_in_one_sentence(arguments, sentence, spine, segmentation, tmp_path):
    places = {"SEG": segmentation, "MARKUPS": spine.markups, "CT": spine.ct}
    run = lumbarhu("measure", spine.ct, *(places.get(one, one) for one in arguments), "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (2, "")
    assert sentence in run.err
    assert run.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_excluded_incomplete_level_is_listed_with_its_reason(spine, segmentation, tmp_path):
    image = SimpleITK.ReadImage(str(spine.ct))
    low = SimpleITK.GetArrayFromImage(image).shape[0] - 4
    ct, out = tmp_path / "cut.nrrd", tmp_path / "out"
    SimpleITK.WriteImage(image[:, :, :low], str(ct))
    refused = lumbarhu("measure", ct, "--segmentation", segmentation, "--out", tmp_path / "refused")
    assert refused.exit_code == 3
    assert "Not measured:\n- The vertebral body of L1 reaches the first or last slice of the CT" in refused.out
    run = lumbarhu("measure", ct, "--segmentation", segmentation, "--out", out, "--exclude", "L1=out of the scan")
    assert (run.exit_code, run.err) == (0, "")
    rows = [row for row in rows_of(out / "results.csv") if row["level"] == "L1"]
    assert {(row["mean_hu"], row["excluded"]) for row in rows} == {("", "out of the scan")}


def test_with_markups_nothing_changes(spine, audit, tmp_path):
    markups = write_midlines(tmp_path / "markups", spine.phantom, ["L2"])
    run = lumbarhu("measure", spine.ct, "--markups", markups, "--out", tmp_path / "out")
    assert run.exit_code == 0
    expected = [row["mean_hu"] for row in rows_of(audit / "results.csv") if row["level"] == "L2"]
    assert [row["mean_hu"] for row in rows_of(tmp_path / "out" / "results.csv")] == expected
    assert {row["origin"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"manual"}


def test_a_batch_measures_from_a_segmentation_as_the_command_does_and_again_when_it_changes(
    spine, segmentation, proposed, tmp_path
):
    (tmp_path / "verse.nrrd").write_bytes(segmentation.read_bytes())
    columns = ("case", "ct", "segmentation")
    table = write_cases(tmp_path / "cases.csv", [["unnamed", str(spine.ct), "verse.nrrd"]], columns)
    assert batch_here(table, tmp_path / "out").counts == {"measured": 1}
    for name in ("results.csv", "summary.csv"):
        assert (tmp_path / "out" / "unnamed" / name).read_bytes() == (proposed / name).read_bytes()
    assert batch_here(table, tmp_path / "out").counts == {"finished": 1}
    labels = SimpleITK.ReadImage(tmp_path / "verse.nrrd")
    labels[0, 0, 0] = LABEL_VALUES["L5"]
    SimpleITK.WriteImage(labels, tmp_path / "verse.nrrd")
    assert batch_here(table, tmp_path / "out").repeated == {"the segmentation": 1}
