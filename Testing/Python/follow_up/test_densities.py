"""Changes in mg/cm³: only between readings with valid calibrations of one mineral, and with their errors."""

import xml.etree.ElementTree

import numpy as np
import pytest
from core.test_calibration import DAYS, LIMITS, samples, true_hu
from follow_up.conftest import DATES
from headless.cohort_files import table
from headless.command_runner import lumbarhu as command

import lumbarhu
from LumbarHULib.core.calibration import CalibrationScan, fit_calibration
from LumbarHULib.files.calibration_file import RodRegions, calibration_document
from LumbarHULib.files.phantom_file import load_phantom
from LumbarHULib.follow_up.folder import OWN_FOLLOW_UP_FOLDER
from LumbarHULib.follow_up.tables import CHANGE_COLUMNS, CHANGE_DENSITY_COLUMNS, MEASUREMENT_DENSITY_COLUMNS

PHANTOMS = {"HA": ("qrm-bdc-6", "HA"), "K2HPO4": ("mindways-model-3-ct", "K2HPO4")}


def calibration(seed=1, noise_sd_hu=2.0, mineral="HA", phantom=None, **line):
    """Return the document of a calibration by rods with this noise."""
    source = load_phantom(phantom or PHANTOMS[mineral][0])
    of = source.phantom
    noise_hu = np.random.default_rng(seed).normal(0, noise_sd_hu, len(of.rods))
    scan = CalibrationScan(120.0, "SIEMENS", "Sensation 64", "B40f", False, "2022-02-20", f"{seed:064x}")
    fitted = fit_calibration(of, samples(of, true_hu(of, **line) + noise_hu), LIMITS, DAYS, scan)
    return calibration_document(fitted, source, RodRegions("points", 4.0, 10.0), {"LumbarHU": "0"})


@pytest.fixture
def calibrated(audit):
    """Return a function that makes an audit folder with a calibration and findings on it."""

    def made(name, hu, document, *codes, **more):
        findings = [
            {"code": code, "sentence": "s", "remedy": "", "severity": "warning", "level": "", "roi": ""}
            for code in codes
        ]
        extra = {} if document is None else {"calibration": document.document, "calibration_in_time": True}
        return audit(name, hu, findings=findings, **extra, **more)

    return made


def dated(*folders):
    return dict(zip(folders, DATES.values(), strict=False))


def mean(found, at=0):
    return [row for row in found.rows() if (row["level"], row["roi"]) == ("mean", "round")][at]


def codes(found):
    return [finding.code for finding in found.findings if finding.code.startswith("density")]


def test_by_one_calibration_the_change_is_that_in_hu_divided_by_the_slope(calibrated):
    document = calibration()
    found = lumbarhu.follow_up(dated(calibrated("a", 130.0, document), calibrated("b", 90.0, document)))
    row, line = mean(found), document.calibration.line
    assert row["mineral"] == found.mineral == "HA"
    assert row["from_mg_cc"] == pytest.approx((130.0 - line.intercept_hu) / line.slope)
    assert row["change_mg_cc"] == pytest.approx(row["change_hu"] / line.slope)
    assert row["lsc_mg_cc"] == pytest.approx(row["lsc_hu"] / line.slope)
    assert row["changed_mg_cc"] == row["changed"] == "yes"
    assert row["mg_cc_per_year"] == pytest.approx(row["hu_per_year"] / line.slope)
    # The error of the slope makes the interval wider than the LSC alone.
    assert row["change_high_mg_cc"] - row["change_low_mg_cc"] > 2 * row["lsc_mg_cc"]
    assert codes(found) == []
    (level,) = [one for one in found.rows() if (one["level"], one["roi"]) == ("L1", "oval")]
    assert level["to_mg_cc"] == pytest.approx((90.0 - line.intercept_hu) / line.slope)


def test_a_drift_that_the_calibrations_show_is_no_change_in_mg_cc(calibrated):
    before, after = calibration(1), calibration(2, slope=1.3, intercept_hu=35.0)
    found = lumbarhu.follow_up(dated(calibrated("a", 100.0, before), calibrated("b", 130.0, after)))
    row = mean(found)
    assert (row["changed"], row["changed_mg_cc"]) == ("yes", "no")
    assert abs(row["change_mg_cc"]) < 5
    assert row["lsc_mg_cc"] > row["lsc_hu"] / 1.3
    assert row["change_low_mg_cc"] < 0 < row["change_high_mg_cc"]


def test_if_only_some_are_calibrated_changes_are_in_hu_and_a_sentence_says_so(calibrated, audit, tmp_path):
    folders = dated(calibrated("a", 130.0, calibration()), audit("b", 90.0), audit("c", 80.0))
    found = lumbarhu.follow_up(folders, tmp_path / "out")
    assert tuple(found.changes.columns) == CHANGE_COLUMNS
    (finding,) = [one for one in found.findings if one.code == "density_missing"]
    assert finding.sentence == (
        "Only the CT of 2022-03-01 is calibrated, that of 2024-02-29 and 2026-03-01 is not: changes are in HU only."
    )
    assert not (tmp_path / "out" / "trend-mg-cc.svg").exists()


def test_densities_of_two_minerals_are_not_compared(calibrated):
    folders = dated(calibrated("a", 130.0, calibration()), calibrated("b", 90.0, calibration(mineral="K2HPO4")))
    found = lumbarhu.follow_up(folders)
    assert codes(found) == ["density_minerals_differ"]
    assert found.mineral == ""
    assert "mineral" not in found.changes.columns


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("calibration_other_scanner", "of another scanner"),
        ("calibration_other_kernel", "of another kernel"),
        ("calibration_other_date", "too old or too new"),
        ("calibration_contrast", "distorted by contrast medium"),
    ],
)
def test_a_calibration_that_is_not_for_its_ct_gives_no_verdict(calibrated, code, words):
    document = calibration()
    folders = [calibrated("a", 130.0, document), calibrated("b", 90.0, document, code), calibrated("c", 80.0, document)]
    found = lumbarhu.follow_up(dated(*folders))
    rows = [row for row in found.rows() if (row["level"], row["roi"]) == ("mean", "round")]
    assert [row["changed_mg_cc"] for row in rows] == ["not comparable", "yes", "not comparable"]
    assert rows[0]["reason_mg_cc"] == f"the calibration on 2024-02-29 is {words}"
    assert rows[0]["change_mg_cc"] is not None
    assert (rows[0]["lsc_mg_cc"], rows[0]["change_low_mg_cc"]) == (None, None)
    assert rows[0]["changed"] == "yes"
    assert codes(found) == ["density_not_valid"]


def test_an_unchecked_calibration_counts_only_if_the_user_states_that_it_agrees(calibrated):
    document = calibration()
    folders = [calibrated(name, hu, document, "calibration_unchecked") for name, hu in (("a", 130.0), ("b", 80.0))]
    found = lumbarhu.follow_up(dated(*folders))
    assert mean(found)["changed_mg_cc"] == "not comparable"
    assert codes(found) == ["density_not_valid"] * 2
    assert mean(lumbarhu.follow_up(dated(*folders), accept_unknown=True))["changed_mg_cc"] == "yes"


def test_what_is_not_comparable_in_hu_is_not_in_mg_cc(calibrated):
    document = calibration()
    folders = [
        calibrated("a", 130.0, document),
        calibrated("b", 90.0, document, headers={"scanner_model": "Other"}),
    ]
    row = mean(lumbarhu.follow_up(dated(*folders)))
    assert row["changed_mg_cc"] == "not comparable"
    assert row["reason_mg_cc"] == row["reason"] != ""
    assert row["lsc_mg_cc"] is None


def test_another_phantom_is_named(calibrated):
    one, other = calibration(), calibration(2, phantom="b-mas-200")
    found = lumbarhu.follow_up(dated(calibrated("a", 130.0, one), calibrated("b", 90.0, other)))
    assert codes(found) == ["density_phantoms_differ"]


def test_the_folder_has_the_columns_the_figure_and_the_method(calibrated, tmp_path):
    document = calibration()
    folders = [calibrated(name, hu, document) for name, hu in (("a", 130.0), ("b", 110.0), ("c", 85.0))]
    out = tmp_path / "out"
    found = lumbarhu.follow_up(dated(*folders), out)
    assert {path.name for path in out.iterdir()} == set(OWN_FOLLOW_UP_FOLDER.names)
    (first, *_) = table(out / "changes.csv")
    assert tuple(first) == (*CHANGE_COLUMNS, *CHANGE_DENSITY_COLUMNS)
    (row, *_) = table(out / "measurements.csv")
    assert tuple(row)[-4:] == MEASUREMENT_DENSITY_COLUMNS
    assert float(row["mg_cc_low"]) < float(row["mean_mg_cc"]) < float(row["mg_cc_high"])
    xml.etree.ElementTree.parse(out / "trend-mg-cc.svg")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/svg+xml') == 2
    assert "all dates have the same calibration: its intercept cancels" in page
    text = f"{mean(found)['change_mg_cc']:.1f}".replace("-", "−")
    assert text in page
    assert "Changes at each level in mg/cm³ HA" in page


def test_the_terminal_shows_the_changes_in_mg_cc(calibrated, tmp_path):
    document = calibration()
    folders = [calibrated(name, hu, document) for name, hu in (("a", 130.0), ("b", 90.0))]
    dates = [f"{folder}={date}" for folder, date in dated(*folders).items()]
    run = command("follow-up", *dates, "--out", tmp_path / "out", "--no-figure")
    assert (run.exit_code, run.err) == (0, "")
    block = run.out.partition("In mg/cm³ HA:\n")[2].partition("\n\n")[0]
    assert len(block.splitlines()) == 6
    assert block.splitlines()[1].split()[-1] == "yes"
    assert not (tmp_path / "out" / "trend-mg-cc.svg").exists()


def test_with_a_single_common_level_the_terminal_shows_its_change_and_why_there_is_no_mean(audit, tmp_path):
    whole = audit("a", {("L1", "round"): 150.0, ("L3", "round"): 120.0})
    part = audit("b", {(level, roi): "" for level in ("L1",) for roi in ("round", "oval", "right", "front", "left")})
    run = command("follow-up", f"{whole}=2022-03-01", f"{part}=2024-03-01", "--out", tmp_path / "out", "--no-figure")
    lines = [line.split() for line in run.out.splitlines() if line.startswith("2022-03-01  2024-03-01")]
    assert [line[2:4] for line in lines] == [[roi, "L3"] for roi in ("round", "oval", "right", "front", "left")]
    assert {line[-1] for line in lines} == {"no"}
    assert (
        "Between 2022-03-01 and 2024-03-01 the means of round, oval, right, front, left are not compared: a mean needs "
        "at least 2 levels that both dates have, and there is only L3."
    ) in run.out
