"""The public package: its names, its numbers, and one clear sentence for every mistake."""

import subprocess
import sys

import numpy as np
import pytest

import lumbarhu
from LumbarHULib.core.levels import LABEL_VALUES

# What a script may rely on; a name that goes away or is added needs a line in the changelog and a version.
PUBLIC = {
    *("LABEL_VALUES", "LEVELS", "ROIS", "__version__"),
    *("read_ct", "ct_from_array", "ct_from_node", "Ct", "ScanFacts"),
    *("read_midlines", "propose_from_segmentation", "propose_from_points", "Midlines"),
    *("measure", "protocol_ids", "Measurement", "LevelResult", "RoiResult", "RoiSummary", "Finding", "InputError"),
    *("read_calibration", "calibrate", "pool_calibrations", "Calibration"),
    *("verify", "Verification", "analyze_cohort", "CohortOutcome", "compare_methods", "ComparisonOutcome"),
    *("precision_study", "PrecisionStudy", "follow_up", "FollowUp"),
}


def test_the_public_names_are_exactly_these_and_all_exist():
    assert set(lumbarhu.__all__) == PUBLIC
    assert len(lumbarhu.__all__) == len(PUBLIC)
    assert [name for name in PUBLIC if not hasattr(lumbarhu, name)] == []
    assert set(dir(lumbarhu)) == PUBLIC


def test_every_public_name_is_on_the_page_and_has_a_docstring(repository):
    page = (repository / "Docs" / "python.md").read_text(encoding="utf-8").partition("## What is public")[2]
    assert [name for name in PUBLIC if f"`{name}`" not in page] == []
    functions = [getattr(lumbarhu, name) for name in PUBLIC if callable(getattr(lumbarhu, name))]
    assert [function for function in functions if not function.__doc__] == []


def test_a_private_name_is_not_an_attribute():
    with pytest.raises(AttributeError, match="no_such_name"):
        lumbarhu.no_such_name  # noqa: B018


def test_the_type_hints_of_the_package_name_the_homes_that_it_imports_from(repository):
    text = (repository / "LumbarHU" / "lumbarhu" / "__init__.py").read_text(encoding="utf-8")
    hinted = {}
    for line in text.splitlines():
        if line.startswith("    from LumbarHULib."):
            home, _, names = line.strip().removeprefix("from LumbarHULib.").partition(" import ")
            hinted |= dict.fromkeys(names.split(", "), home)
    assert hinted == lumbarhu._HOME
    assert (repository / "LumbarHU" / "lumbarhu" / "py.typed").is_file()


def test_python_m_lumbarhu_is_the_command_line(repository):
    done = subprocess.run(
        [sys.executable, "-m", "lumbarhu", "--version"],
        cwd=repository / "LumbarHU",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"LumbarHU {lumbarhu.__version__}\n")


def test_the_regions_of_each_level_measure_its_bone(measured):
    true_hu = {"L1": 150, "L2": 120}
    assert {level: round(of.rois["round"].mean_hu) for level, of in measured.levels.items()} == pytest.approx(
        true_hu, abs=2
    )
    assert measured.means["round"].mean_hu == pytest.approx(135, abs=2)
    assert measured.means["round"].class_name == "normal"
    assert measured.refusals == {}


def test_a_mask_contains_the_voxels_that_were_measured(measured, ct):
    for level, roi in (("L1", "round"), ("L2", "left")):
        values_hu = ct.voxels_hu[measured.mask(level, roi)]
        roi_result = measured.levels[level].rois[roi]
        assert roi_result.mean_hu == pytest.approx(values_hu.mean(dtype=float), rel=1e-12)
        assert roi_result.sd_hu == pytest.approx(values_hu.std(ddof=1, dtype=float), rel=1e-12)
        assert roi_result.values["voxels"] == values_hu.size


def test_a_label_map_contains_each_level_with_its_value(measured, ct):
    labels = measured.label_map("oval")
    assert (labels.shape, labels.dtype) == (ct.voxels_hu.shape, np.uint8)
    assert set(np.unique(labels)) == {0, 20, 21}


def test_rows_and_data_frame_say_the_same(measured):
    table, rows = measured.to_dataframe(), measured.rows()
    assert len(table) == len(rows) == 10
    assert list(table.columns) == list(rows[0])
    assert table["mean_hu"].tolist() == [row["mean_hu"] for row in rows]
    assert [row["class"] for row in measured.mean_rows()] == [mean.class_name for mean in measured.means.values()]


def test_without_pandas_a_data_frame_is_refused_in_one_sentence(measured, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(lumbarhu.InputError, match="needs the package pandas, which is not installed"):
        measured.to_dataframe()


def test_a_folder_that_the_api_wrote_verifies(measured, ct, tmp_path):
    folder = measured.write_audit(tmp_path / "audit", case="a", reader="AB", reading=2)
    found = lumbarhu.verify(folder, ct)
    assert (found.differences, found.by_version) == ((), ())
    with pytest.raises(lumbarhu.InputError, match="already"):
        measured.write_audit(folder)


def test_midlines_proposed_from_an_array_are_those_from_a_pair_with_its_own_matrix(ct, vertebrae):
    on_grid = lumbarhu.propose_from_segmentation(ct, vertebrae, levels=["L1"])
    cropped = vertebrae[30:], ct.ras_from_ijk @ [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 30], [0, 0, 0, 1]]
    by_pair = lumbarhu.propose_from_segmentation(ct, cropped, levels=["L1"])
    np.testing.assert_allclose(on_grid["L1"], by_pair["L1"], atol=1e-6)
    np.testing.assert_allclose(on_grid["L1"], [[3, 14, 105], [3, -18, 105]], atol=2.6)
    assert "labels_read_by_value" in [finding.code for finding in on_grid.findings]


def test_segments_may_be_named_by_their_values(ct, vertebrae):
    labels = np.where(vertebrae == LABEL_VALUES["L2"], 7, 0)
    midlines = lumbarhu.propose_from_segmentation(ct, labels, segments={"L2": 7})
    assert list(midlines) == ["L2"]
    assert dict(midlines.unplaced) == {}


def test_a_point_in_a_body_places_its_midline(ct):
    midlines = lumbarhu.propose_from_points(ct, {"L1": [5, 0, 100]})
    np.testing.assert_allclose(midlines["L1"], [[3, 14, 105], [3, -18, 105]], atol=2.6)
    assert midlines.landmarks[0].origin.kind == "proposal_accepted"


def test_a_level_that_cannot_be_measured_is_a_refusal_and_stops_no_other(ct, bodies, few_trials):
    midlines = {"L1": bodies.midlines_ras_mm["L1"], "L2": [[3, 0, 70], [3, -2, 70]]}
    measured = lumbarhu.measure(ct, midlines, protocol=few_trials)
    assert list(measured.levels) == ["L1"]
    assert "mm long" in measured.refusals["L2"]
    with pytest.raises(lumbarhu.InputError, match=r"^L2 was not measured\. "):
        measured.mask("L2", "round")


ENDS = [[3.0, 14.0, 105.0], [3.0, -18.0, 105.0]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"midlines": {}}, "No midline was given"),
        ({"midlines": ENDS}, "No midline was given"),
        ({"midlines": {"X1": ENDS}}, "Unknown level “X1”"),
        ({"midlines": {"L1": ENDS, "l1": ENDS}}, "given twice"),
        ({"midlines": {"L1": ENDS[:1]}}, "The midline of L1 has 1 point"),
        ({"midlines": {"L1": [[1, 2], [3, 4]]}}, "The midline of L1 has coordinates of shape"),
        ({"midlines": {"L1": "ventral"}}, "The midline of L1 is not a list of points"),
        ({"midlines": {"L1": ENDS}, "boundaries": {"L2": ENDS}}, "L2 has a boundary but no midline"),
        ({"midlines": {"L1": ENDS}, "exclusions": {"L1": " "}}, "L1 is excluded without a reason"),
        ({"midlines": {"L1": ENDS}, "protocol": "none.json"}, "none.json"),
    ],
)
def test_a_mistake_in_the_input_gives_one_sentence(ct, arguments, sentence):
    with pytest.raises(lumbarhu.InputError, match=sentence) as refusal:
        lumbarhu.measure(ct, **arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("segmentation", "sentence"),
    [
        (np.zeros((2, 2, 2), int), "has the shape"),
        ((np.zeros((2, 2)), np.eye(4)), "cannot be used: give a label map"),
        ((np.ones((2, 2, 2), int), np.eye(3)), "give a 4 × 4 matrix"),
        ("none.nii.gz", "There is no file"),
    ],
)
def test_an_invalid_segmentation_is_refused(ct, segmentation, sentence):
    with pytest.raises(lumbarhu.InputError, match=sentence):
        lumbarhu.propose_from_segmentation(ct, segmentation)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [({}, "No points were given"), ({"L1": [1, 2]}, "give three numbers"), ({"L1": [1, 2, np.nan]}, "three numbers")],
)
def test_invalid_points_are_refused(ct, points, sentence):
    with pytest.raises(lumbarhu.InputError, match=sentence):
        lumbarhu.propose_from_points(ct, points)


def test_an_unknown_region_is_refused(measured):
    with pytest.raises(lumbarhu.InputError, match="Unknown ROI “square”: use one of round"):
        measured.label_map("square")


def test_a_prevalence_outside_0_to_1_is_refused(tmp_path):
    with pytest.raises(lumbarhu.InputError, match="The prevalence of osteoporosis is 20"):
        lumbarhu.analyze_cohort(tmp_path / "c.csv", prevalences={"osteoporosis": 20})
