"""lumbarhu pool-calibrations, and measurements by a pooled calibration, as a user runs them."""

import json

import pytest
from follow_up.test_densities import calibration
from headless.command_runner import lumbarhu
from headless.phantom_files import rows_of

from LumbarHULib.files.calibration_file import load_calibration


@pytest.fixture
def files(tmp_path):
    """Return three calibration files of one phantom."""
    return [
        calibration(seed, intercept_hu=5.0 + 6.0 * seed).write(tmp_path / f"scan-{seed}.json") for seed in range(1, 4)
    ]


def test_a_pooled_calibration_is_printed_measured_by_and_verified(files, spine, tmp_path):
    run = lumbarhu("pool-calibrations", *files, "--out", tmp_path / "pooled.json")
    assert (run.exit_code, run.err) == (0, "")
    assert "Mean of 3 scans; the line varies between them by" in run.out
    assert "The scans: 120 kV, SIEMENS Sensation 64" in run.out
    pooled = load_calibration(tmp_path / "pooled.json")
    assert len(pooled.calibration.pooled) == 3
    common = [spine.ct, "--markups", spine.markups / "L3-midline.mrk.json", "--out"]
    run = lumbarhu("measure", *common, tmp_path / "out", "--calibration", tmp_path / "pooled.json")
    assert run.exit_code == 0
    assert "mean of 3 scans, with the variation between them" in run.out
    (row, *_) = rows_of(tmp_path / "out" / "results.csv")
    density = pooled.density(float(row["mean_hu"]))
    assert [float(row[name]) for name in ("mean_mg_cc", "mg_cc_low", "mg_cc_high")] == pytest.approx(
        [density.mean_mg_cc, density.low_mg_cc, density.high_mg_cc]
    )
    # Wider than by one scan.
    alone = load_calibration(files[0]).density(float(row["mean_hu"]))
    assert density.high_mg_cc - density.low_mg_cc > alone.high_mg_cc - alone.low_mg_cc
    assert lumbarhu("verify", tmp_path / "out", "--ct", spine.ct).exit_code == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda pooled: pooled["scans"][0]["means_hu"].__setitem__(1, 125.0), "but its scans give"),
        (
            lambda pooled: pooled["between_scans"].update(intercept_variance=0.5),
            "intercept_variance between scans is 0.5",
        ),
        (lambda pooled: pooled["scans"][1]["means_hu"].pop(), "means for 6 rods"),
        (lambda pooled: pooled["scans"].pop(), "pooled.scans"),
    ],
)
def test_a_changed_file_is_refused_with_its_line(files, tmp_path, change, sentence):
    lumbarhu("pool-calibrations", *files, "--out", tmp_path / "pooled.json")
    document = json.loads((tmp_path / "pooled.json").read_text(encoding="utf-8"))
    change(document["pooled"])
    (tmp_path / "pooled.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    run = lumbarhu(
        "measure", "ct", "--markups", "m", "--calibration", tmp_path / "pooled.json", "--out", tmp_path / "o"
    )
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.startswith("lumbarhu: pooled.json, line ")
    assert sentence in run.err


def test_mistakes_are_one_sentence_and_nothing_is_written(files, tmp_path):
    other = calibration(9, mineral="K2HPO4").write(tmp_path / "other.json")
    for paths, out, sentence in (
        (files[:2], "p.json", "2 calibrations are given: pool at least 3 scans"),
        ([*files, files[0]], "p.json", "Calibrations 1 and 4 are of the same scan"),
        ([*files, other], "p.json", "Calibrations 1 and 4 differ in phantom"),
        ([*files, tmp_path / "none.json"], "p.json", "none.json"),
        (files, "scan-1.json", "already exists"),
    ):
        run = lumbarhu("pool-calibrations", *paths, "--out", tmp_path / out)
        assert (run.exit_code, run.out) == (2, "")
        assert run.err.count("\n") == 1
        assert sentence in run.err
    assert not (tmp_path / "p.json").exists()
    run = lumbarhu("pool-calibrations", *files, "--out", files[0], "--overwrite")
    assert "is an input, so it is not overwritten" in run.err
