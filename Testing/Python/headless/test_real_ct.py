"""Real CTs through the command line, compared with the labels of experts and other programs."""

import json

import numpy as np
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import points_of, rows_of, write_line
from headless.real_files import AxialLabels, agreement, midline_on

from LumbarHULib.core.levels import LABEL_VALUES


def test_the_outline_matches_the_experts_corpus_on_a_ct_stored_sagittally(real_data, tmp_path):
    folder = real_data("l3-crop-nifti")
    parts_file = folder / "sub-ct_seg-subreg_label-22_msk.nii.gz"
    parts = AxialLabels(parts_file)
    vertebrae = AxialLabels(folder / "sub-ct_seg-vert_label-22_msk.nii.gz")
    corpus = np.isin(parts.labels, (49, 50)) & (vertebrae.labels == 22)
    midline = write_line(tmp_path / "L3-midline.mrk.json", midline_on(parts, corpus))
    ct, out = folder / "sub-ct_label-22_ct.nii.gz", tmp_path / "out"
    run = lumbarhu("measure", ct, "--markups", midline, "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    dice, offset_mm = agreement(parts, corpus, points_of(out / "markups" / "L3-outline.mrk.json"))
    assert dice >= 0.96
    assert abs(offset_mm) <= 0.5
    # The regions lie on the expert's corpus, in the stored grid as well as in space.
    stored_corpus = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(parts_file)))
    for row in rows_of(out / "results.csv"):
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / "labelmaps" / f"{row['roi']}.nrrd")))
        assert np.mean(np.isin(stored_corpus[labels == 22], (49, 50))) > 0.99
        assert np.unique(labels).tolist() == [0, 22]
        assert {"coarse_pixels"} == set(row["findings"].split(";"))
        # Trabecular bone in the expert's corpus: 54 HU.
        assert 30 < float(row["mean_hu"]) < 90
    assert lumbarhu("verify", out, "--ct", ct).exit_code == 0


def test_four_levels_are_measured_on_a_coarse_ct_with_a_finding(real_data, tmp_path):
    folder = real_data("t12-s1-3mm-nifti")
    vertebrae = AxialLabels(folder / "totalseg_vertebrae_pp_refined.nii.gz")
    bodies = AxialLabels(folder / "totalseg_vertebrae_body.nii.gz")
    levels = ("L1", "L2", "L3", "L4")
    bodies_by_level = {level: (bodies.labels == 1) & (vertebrae.labels == LABEL_VALUES[level]) for level in levels}
    (tmp_path / "markups").mkdir()
    for level, body in bodies_by_level.items():
        write_line(tmp_path / "markups" / f"{level}-midline.mrk.json", midline_on(bodies, body))
    ct, out = folder / "example_ct.nii.gz", tmp_path / "out"
    run = lumbarhu("measure", ct, "--markups", tmp_path / "markups", "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    assert "pixels of 3.00 mm are larger than" in run.out
    rows = rows_of(out / "results.csv")
    assert len(rows) == 20
    assert all("coarse_pixels" in row["findings"] for row in rows)
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / "labelmaps" / "oval.nrrd")))
    stored = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "totalseg_vertebrae_pp_refined.nii.gz")))
    assert np.unique(labels).tolist() == [0, 20, 21, 22, 23]
    # Both number the levels as VerSe does.
    assert np.mean(labels[labels > 0] == stored[labels > 0]) > 0.98
    assert lumbarhu("verify", out, "--ct", ct).exit_code == 0


def test_a_series_with_contrast_medium_is_measured_and_not_classified(real_data, tmp_path):
    series = real_data("t11-t12-contrast-dicom") / "dicom"
    # Read from the screen: the front edge next to the osteophyte, the wall of the canal.
    midline = write_line(tmp_path / "T12-midline.mrk.json", [(7.3, 132.8, -784.5), (7.3, 100.6, -784.5)])
    run = lumbarhu("measure", series, "--markups", midline, "--out", tmp_path / "out")
    assert (run.exit_code, run.err) == (0, "")
    assert "with contrast medium" in run.out
    rows = rows_of(tmp_path / "out" / "results.csv")
    assert {(row["level"], row["label_value"]) for row in rows} == {("T12", "19")}
    for summary in rows_of(tmp_path / "out" / "summary.csv"):
        # T12 never enters a mean that the cutoffs for L1–L4 judge.
        assert (summary["class"], summary["mean_hu"], summary["levels"]) == ("not_classified", "", "")
        assert {"contrast_medium", "too_few_levels"} <= set(summary["findings"].split(";"))
    again = lumbarhu("measure", series, "--markups", midline, "--out", tmp_path / "accepted", "--accept-off-protocol")
    assert again.exit_code == 0
    (summary, *_) = rows_of(tmp_path / "accepted" / "summary.csv")
    assert summary["class"] == "not_classified"
    record = json.loads((tmp_path / "accepted" / "record.json").read_text())
    assert record["accept_off_protocol"] is True
    assert (record["ct"]["headers"]["contrast"], record["ct"]["headers"]["tube_voltage_kv"]) == (True, 120.0)
    assert lumbarhu("verify", tmp_path / "out", "--ct", series).exit_code == 0
