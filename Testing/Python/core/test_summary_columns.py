"""Each column of a table of means and classes gives its value with all digits, and its text with a few."""

from dataclasses import replace

import pytest
from core.builders import cutoff_table

from LumbarHULib.core.results import RoiPlacement, RoiSummary
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS

SUMMARY = RoiSummary(
    "round",
    ("L1", "L2"),
    98.76543,
    "osteopenia",
    cutoff_table().rois["round"],
    nearest_cutoff_hu=87.75,
    distance_hu=-0.0499,
    distance_lsc=0.688464375,
    cutoff_low_hu=60.04,
    cutoff_high_hu=126.0,
    inside_interval=True,
    within_error=False,
    placement=RoiPlacement(100, 1.25, {"osteoporosis": 0.0, "osteopenia": 0.994, "normal": 0.006}),
)
EMPTY = RoiSummary("round", (), None, "not_classified", SUMMARY.cutoffs)


@pytest.mark.parametrize(
    ("key", "value", "text", "without_mean"),
    [
        ("mean_hu", 98.76543, "98.8", "–"),
        ("nearest_cutoff_hu", 87.75, "87.75", "–"),
        ("distance_hu", -0.0499, "+0.0", "–"),
        ("distance_lsc", 0.688464375, "+0.7", "–"),
        ("cutoff_low_hu", 60.04, "60.0", "–"),
        ("cutoff_high_hu", 126.0, "126.0", "–"),
        ("inside_interval", True, "yes", "–"),
        ("within_error", False, "no", "–"),
        ("placement_sd_hu", 1.25, "1.2", "–"),
        ("share_osteopenia", 0.994, "1.0", "–"),
        ("class_stays_percent", 99.4, "99", "–"),
    ],
)
def test_a_column_gives_its_value_and_its_text(key, value, text, without_mean):
    column = SUMMARY_COLUMNS[key]
    assert column.value(SUMMARY) == pytest.approx(value, abs=1e-12)
    assert column.text(SUMMARY) == text
    assert column.text(EMPTY) == without_mean
    assert column.text(EMPTY, none="") == ""


def test_an_interval_that_is_not_known_is_not_the_same_as_no_mean():
    unknown = replace(SUMMARY, inside_interval=None)
    assert SUMMARY_COLUMNS["inside_interval"].text(unknown) == "unknown"
    assert SUMMARY_COLUMNS["inside_interval"].text(unknown, unknown="?") == "?"


def test_the_cutoffs_are_shown_without_a_mean():
    cutoffs = [SUMMARY_COLUMNS[key].text(EMPTY) for key in ("osteoporosis_cutoff_hu", "normal_cutoff_hu")]
    assert cutoffs == ["87.75", "118.13"]
