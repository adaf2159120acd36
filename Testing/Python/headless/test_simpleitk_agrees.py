"""SimpleITK, reading the saved label maps and the CT, gets the numbers of results.csv."""

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import rows_of

from LumbarHULib.images.ct_file import write_ct

ROIS = ("round", "oval", "right", "front", "left")


def statistics_of(ct_path, folder, roi):
    ct = SimpleITK.Cast(SimpleITK.ReadImage(str(ct_path)), SimpleITK.sitkFloat64)
    labels = SimpleITK.ReadImage(str(folder / "labelmaps" / f"{roi}.nrrd"))
    statistics = SimpleITK.LabelStatisticsImageFilter()
    statistics.Execute(ct, labels)
    return statistics


def test_on_whole_numbers_the_mean_is_the_same_to_the_last_digit(spine, audit):
    for row in rows_of(audit / "results.csv"):
        statistics, label = statistics_of(spine.ct, audit, row["roi"]), int(row["label_value"])
        assert float(row["mean_hu"]) == statistics.GetMean(label)
        assert float(row["sd_hu"]) == pytest.approx(statistics.GetSigma(label), rel=0, abs=1e-9)
        assert int(row["voxels"]) == statistics.GetCount(label)
        assert (float(row["min_hu"]), float(row["max_hu"])) == (
            statistics.GetMinimum(label),
            statistics.GetMaximum(label),
        )


def test_every_digit_of_the_table_is_numpys_on_the_same_voxels(spine, audit):
    ct = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(spine.ct)))
    for row in rows_of(audit / "results.csv"):
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(audit / "labelmaps" / f"{row['roi']}.nrrd")))
        values = ct[labels == int(row["label_value"])].astype(float)
        quartiles = [float(row[name]) for name in ("q1_hu", "median_hu", "q3_hu")]
        assert quartiles == np.percentile(values, [25, 50, 75]).tolist()
        slices = int((labels == int(row["label_value"])).any(axis=(1, 2)).sum())
        assert int(row["slices"]) == slices == 1
        assert float(row["area_mm2"]) == pytest.approx(values.size * 0.8 * 0.8 / slices, abs=1e-6)


def test_on_floating_point_numbers_the_mean_agrees_to_1e_9(one_level, tmp_path):
    phantom = one_level.phantom
    voxels_hu = phantom.voxels_hu + np.random.default_rng(3).normal(0, 7, phantom.voxels_hu.shape)
    write_ct(tmp_path / "ct.nrrd", voxels_hu, phantom.ras_from_ijk)
    run = lumbarhu("measure", tmp_path / "ct.nrrd", "--markups", one_level.markups, "--out", tmp_path / "out")
    assert run.exit_code == 0, run.err
    for row in rows_of(tmp_path / "out" / "results.csv"):
        statistics = statistics_of(tmp_path / "ct.nrrd", tmp_path / "out", row["roi"])
        assert float(row["mean_hu"]) == pytest.approx(statistics.GetMean(22), rel=0, abs=1e-9)
        assert float(row["sd_hu"]) == pytest.approx(statistics.GetSigma(22), rel=0, abs=1e-9)
        assert int(row["voxels"]) == statistics.GetCount(22)


def test_label_maps_are_bytes_in_the_cts_own_geometry_with_the_verse_values_alone(spine, audit):
    ct = SimpleITK.ReadImage(str(spine.ct))
    for roi in ROIS:
        labels = SimpleITK.ReadImage(str(audit / "labelmaps" / f"{roi}.nrrd"))
        assert labels.GetPixelID() == SimpleITK.sitkUInt8
        assert (labels.GetSize(), labels.GetOrigin()) == (ct.GetSize(), ct.GetOrigin())
        assert labels.GetSpacing() == pytest.approx(ct.GetSpacing(), rel=0, abs=1e-12)
        assert labels.GetDirection() == pytest.approx(ct.GetDirection(), rel=0, abs=1e-12)
        assert np.unique(SimpleITK.GetArrayViewFromImage(labels)).tolist() == [0, 20, 21, 22, 23]


def test_left_front_and_right_share_no_voxel_and_the_anterior_two_lie_within_the_body(audit):
    maps = {
        roi: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(audit / "labelmaps" / f"{roi}.nrrd"))) for roi in ROIS
    }
    assert max(sum((maps[roi] > 0).astype(int) for roi in ("left", "front", "right")).ravel()) == 1
    body = maps["left"] + maps["front"] + maps["right"]
    for roi in ("round", "oval"):
        assert np.all(body[maps[roi] > 0] == maps[roi][maps[roi] > 0])


def test_the_summary_is_the_plain_mean_of_the_rows(audit):
    rows = rows_of(audit / "results.csv")
    for summary in rows_of(audit / "summary.csv"):
        means = [float(row["mean_hu"]) for row in rows if row["roi"] == summary["roi"]]
        assert len(means) == 4
        assert float(summary["mean_hu"]) == pytest.approx(sum(means) / 4, rel=0, abs=1e-12)
        low, high = float(summary["osteoporosis_cutoff_hu"]), float(summary["normal_cutoff_hu"])
        mean = float(summary["mean_hu"])
        assert summary["class"] == ("osteoporosis" if mean <= low else "normal" if mean >= high else "osteopenia")
