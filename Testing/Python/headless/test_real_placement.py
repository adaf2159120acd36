"""Midlines proposed on real CTs, compared with the labels of experts and other programs."""

import json

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import points_of, rows_of
from headless.real_files import AxialLabels, agreement

LEVELS = ("L1", "L2", "L3", "L4")


def experts_corpus(folder) -> tuple[AxialLabels, np.ndarray]:
    parts = AxialLabels(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz")
    vertebrae = AxialLabels(folder / "sub-ct_seg-vert_label-22_msk.nii.gz")
    return parts, np.isin(parts.labels, (49, 50)) & (vertebrae.labels == 22)


def corpus_file(folder, path):
    """Write the expert's corpus of L3 alone, as stored."""
    parts = SimpleITK.ReadImage(str(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz"))
    vertebrae = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "sub-ct_seg-vert_label-22_msk.nii.gz")))
    corpus = np.isin(SimpleITK.GetArrayFromImage(parts), (49, 50)) & (vertebrae == 22)
    image = SimpleITK.GetImageFromArray(corpus.astype(np.uint8))
    image.CopyInformation(parts)
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("kind", ["whole vertebra", "corpus"])
def test_the_experts_labels_give_the_experts_corpus_and_an_ambiguous_mid_slice(kind, real_data, tmp_path):
    folder = real_data("l3-crop-nifti")
    out = tmp_path / "out"
    whole = (folder / "sub-ct_seg-vert_label-22_msk.nii.gz", "--levels", "L3")
    source = whole if kind == "whole vertebra" else (corpus_file(folder, tmp_path / "L3.nii.gz"),)
    run = lumbarhu("measure", folder / "sub-ct_label-22_ct.nii.gz", "--segmentation", *source, "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    labels, corpus = experts_corpus(folder)
    dice, offset_mm = agreement(labels, corpus, points_of(out / "markups" / "L3-outline.mrk.json"))
    assert dice >= 0.96
    assert abs(offset_mm) <= 0.5
    # Halfway between the slices in which the expert's corpus is whole.
    k = labels.to_ijk(points_of(out / "markups" / "L3-midline.mrk.json"))[:, 2].mean()
    area = corpus.sum(axis=(1, 2))
    assert abs(k - np.flatnonzero(area > area.max() / 2).mean()) <= 1
    (level,) = json.loads((out / "record.json").read_text())["levels"]
    reported = [finding for finding in level["findings"] if finding["code"] == "mid_slice_ambiguous"]
    assert [finding["severity"] for finding in reported] == ["warning"]
    assert "the means differ by round" in reported[0]["sentence"]
    assert all("mid_slice_ambiguous" in row["findings"] for row in rows_of(out / "results.csv"))


def test_a_vertebra_that_the_crop_cuts_off_is_refused(real_data, tmp_path):
    folder = real_data("l3-crop-nifti")
    seg = folder / "sub-ct_seg-vert_label-22_msk.nii.gz"
    run = lumbarhu(
        "measure",
        folder / "sub-ct_label-22_ct.nii.gz",
        "--segmentation",
        seg,
        "--levels",
        "L2",
        "--out",
        tmp_path / "o",
    )
    assert run.exit_code == 2
    assert "The vertebral body of L2 reaches the first or last slice of the CT, so part of it is missing" in run.err


def test_the_labels_of_two_programs_give_the_same_numbers(real_data, tmp_path):
    folder = real_data("t12-s1-3mm-nifti")
    tables = []
    for name in ("totalseg", "totalseg_vertebrae_pp_refined"):
        out = tmp_path / name
        seg = folder / f"{name}.nii.gz"
        run = lumbarhu("measure", folder / "example_ct.nii.gz", "--segmentation", seg, "--out", out)
        assert (run.exit_code, run.err) == (0, "")
        heights = [points_of(out / "markups" / f"{level}-midline.mrk.json")[:, 2].mean() for level in LEVELS]
        # From cranial to caudal, a vertebra and a disc apart.
        assert np.all((-np.diff(heights) > 25) & (-np.diff(heights) < 45))
        tables.append(rows_of(out / "results.csv"))
    assert [row["level"] for row in tables[0][::5]] == list(LEVELS)
    for one, other in zip(*tables, strict=True):
        assert abs(float(one["mean_hu"]) - float(other["mean_hu"])) <= 5


def test_a_body_between_thin_discs_is_placed_halfway_between_its_own_endplates(real_data, tmp_path):
    folder = real_data("t12-arterial-nifti")
    out = tmp_path / "out"
    run = lumbarhu("measure", folder / "ct_cropped.nii.gz", "--segmentation", folder, "--levels", "T12", "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    labels = AxialLabels(folder / "vertebrae_T12.nii.gz")
    i, j, k = labels.to_ijk(points_of(out / "markups" / "T12-midline.mrk.json").mean(axis=0))
    column = np.flatnonzero(labels.labels[:, round(j), round(i)])
    assert abs(k - column.mean()) * labels.spacing_mm[2] <= 2.5
