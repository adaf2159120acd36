"""The plots of a follow-up show what its tables state."""

import numpy as np
import pytest
from follow_up.conftest import DATES

import lumbarhu
from LumbarHULib.follow_up.trend import trend_values

DAYS = (0.0, 730.0, 1461.0)


def panel_of(figure, roi):
    return next(panel for panel in figure.panels if panel.title == roi)


def series_of(panel, label):
    return [(one.role, one.x.tolist(), one.y.tolist()) for one in panel.series if one.label == label]


@pytest.fixture
def found(audit):
    folders = (audit("a", 120.0), audit("b", 100.0), audit("c", 80.0, headers={"tube_voltage_kv": 100.0}))
    return lumbarhu.follow_up(dict(zip(folders, DATES.values(), strict=True)))


def test_lines_run_over_the_days_between_the_cts(found):
    panel = panel_of(trend_values(found), "round")
    assert series_of(panel, "mean over levels") == [("bias", list(DAYS), [120.0, 100.0, 80.0])]
    assert series_of(panel, "L3") == [("chance", list(DAYS), [120.0, 100.0, 80.0])]
    assert series_of(panel, "L2") == []  # excluded
    assert panel.levels[0].y == 120.0


def test_only_comparable_dates_have_an_interval_and_a_filled_mark(found):
    panel = panel_of(trend_values(found), "oval")
    assert series_of(panel, "comparable") == [("area", [0.0, 730.0], [120.0, 100.0])]
    assert series_of(panel, "not comparable") == [("difference", [1461.0], [80.0])]
    lsc_hu = 2.77 * 0.079 * 110.0
    ((_, x, y),) = series_of(panel, "95 % interval")
    assert (x, y) == ([730.0, 730.0], pytest.approx([100.0 - lsc_hu, 100.0 + lsc_hu]))
    assert panel.text == "not comparable"


def test_the_title_states_the_last_change(audit):
    folders = dict(zip((audit("a", 120.0), audit("b", 90.0)), DATES.values(), strict=False))
    figure = trend_values(lumbarhu.follow_up(folders))
    lsc_hu = 2.77 * 0.079 * 105.0
    expected = f"-30.0 HU ({-30 - lsc_hu:+.1f} to {-30 + lsc_hu:+.1f}), counts"
    assert {panel.text for panel in figure.panels} == {expected}
    every = np.concatenate([one.y for panel in figure.panels for one in panel.series])
    low, high = figure.panels[0].y_limits
    assert low < every.min()
    assert high > every.max()


def test_without_dates_the_cts_are_counted(audit):
    figure = trend_values(lumbarhu.follow_up([audit("a"), audit("b")]))
    panel = panel_of(figure, "left")
    assert panel.x_label == "CT, in the order given"
    assert series_of(panel, "mean over levels")[0][1] == [1.0, 2.0]
