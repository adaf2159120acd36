"""The figures of a cohort as values."""

import numpy as np
import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort.cases import Cohort, Reading
from LumbarHULib.cohort.figure_values import LOOKS, limits_of
from LumbarHULib.cohort.figures import figures_of
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.cutoffs_file import load_cutoffs

OPTIONS = AnalysisOptions(prevalences={"osteoporosis": 0.2, "low_bmd": 0.6}, resamples=100)


def figures(hu, groups=None, bmd=None, readings=()):
    """Return the figures of a cohort by name; `hu` of round, equal at every level."""
    hu = np.asarray(hu, float)
    numbers = {} if bmd is None else {"bmd": np.asarray(bmd, float)}
    level_hu = {(level, "round"): hu for level in MEAN_LEVELS}
    cases = tuple(f"c{number}" for number in range(len(hu)))
    cohort = Cohort("c", cases, level_hu, tuple(groups or ("",) * len(hu)), numbers, readings=readings)
    return {figure.name: figure for figure in figures_of(analyze(cohort, OPTIONS, load_cutoffs().cutoffs))}


GROUPS = ["osteoporosis"] * 5 + ["osteopenia"] * 5 + ["normal"] * 6
HU = [40, 55, 60, 72, 80, 75, 90, 100, 110, 130, 95, 140, 150, 160, 175, 400]


def test_a_whisker_ends_at_the_last_case_within_and_an_outlier_is_drawn_alone():
    (panel,) = figures(HU, GROUPS)["groups"].panels
    box = panel.boxes[0]
    # Six values: quartiles at the ranks 1.75 and 5.25, so 128.75 and 231.25; values beyond −25 to 385 are drawn alone,
    # and the highest value within, 175, is below the top of the box, where the whisker then ends.
    assert (box.role, box.q1, box.median, box.q3) == ("normal", 128.75, 155.0, 231.25)
    assert (box.low, box.high, box.outliers) == (95.0, 231.25, (400.0,))


def test_every_case_is_drawn_once_where_it_is():
    bmd = [0.6, 0.65, 0.7, np.nan, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.0, 1.1, 1.2, 1.3, 1.35, 1.4]
    (panel,) = figures(HU, [*GROUPS[:-1], ""], bmd)["correlation"].panels
    drawn = sorted((x, y) for series in panel.series for x, y in zip(series.x, series.y, strict=True))
    assert drawn == sorted((x, y) for x, y in zip(bmd, HU, strict=True) if not np.isnan(x))
    assert [series.role for series in panel.series] == ["normal", "osteopenia", "osteoporosis", "no group"]
    assert panel.text.endswith("n = 15")


def test_a_cohort_without_groups_has_no_boxes_and_no_curves():
    by_level = {f"correlation_{level}" for level in MEAN_LEVELS}
    assert set(figures(HU, bmd=np.linspace(0.5, 1.4, 16))) == {"correlation", *by_level}
    assert figures(HU) == {}


def test_a_group_without_cases_has_no_box():
    (panel,) = figures(HU[:10], GROUPS[:10])["groups"].panels
    assert [box.role for box in panel.boxes] == ["osteopenia", "osteoporosis"]


def test_the_limits_hold_everything_that_is_drawn():
    for figure in figures(HU, GROUPS, np.linspace(0.5, 1.4, 16)).values():
        for panel in figure.panels:
            points = [(series.x, series.y) for series in panel.series]
            points += [([box.x] * 3, [box.low, box.high, *box.outliers][:3]) for box in panel.boxes]
            for x, y in points:
                assert panel.x_limits[0] <= np.min(x) <= np.max(x) <= panel.x_limits[1]
                assert panel.y_limits[0] <= np.min(y) <= np.max(y) <= panel.y_limits[1]


def test_two_readings_are_drawn_as_differences_against_means():
    first, second = np.array([100.0, 120, 80, 90]), np.array([104.0, 118, 81, 86])
    readings = [
        Reading(f"c{case}", reader, 1, {(level, "round"): hu for level in MEAN_LEVELS})
        for reader, values in (("A", first), ("B", second))
        for case, hu in enumerate(values)
    ]
    figure = figures([100, 120, 80, 90], readings=readings)["bland_altman_1"]
    (panel,) = figure.panels
    (series,) = panel.series
    assert np.array_equal(series.y, first - second)
    assert np.array_equal(series.x, (first + second) / 2)
    bias, low, high = panel.levels
    assert bias.y == pytest.approx((first - second).mean())
    assert low.y == pytest.approx(bias.y - 1.959963984540054 * (first - second).std(ddof=1))
    assert high.low < high.y < high.high
    assert (figure.title, figure.legend_title) == ("A minus B", "A\nminus B")


def test_limits_of_a_single_value_have_room():
    low, high = limits_of([np.array([3.0])])
    assert low < 3 < high


def test_groups_are_distinguished_without_color():
    markers = [LOOKS[group].marker for group in ("normal", "osteopenia", "osteoporosis", "no group")]
    assert len(set(markers)) == 4
    assert LOOKS["finds osteoporosis"].line != LOOKS["finds low_bmd"].line
