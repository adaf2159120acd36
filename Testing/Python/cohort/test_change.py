"""A change, its interval, and whether it counts."""

import pytest

from LumbarHULib.cohort.change import Change, lsc_by_mean


@pytest.mark.parametrize(
    ("first_hu", "second_hu", "counts"),
    [(100.0, 84.0, True), (100.1, 116.1, True), (100.0, 84.1, False), (100.0, 116.0, True), (100.0, 100.0, False)],
)
def test_a_change_counts_if_it_equals_or_exceeds_the_lsc(first_hu, second_hu, counts):
    assert Change(change_hu=second_hu - first_hu, lsc_hu=16.0, days=365).is_significant is counts


def test_the_interval_is_the_change_plus_and_minus_the_lsc():
    assert Change(change_hu=-20.0, lsc_hu=16.0, days=365).interval_hu == (-36.0, -4.0)


def test_the_change_per_year_uses_years_of_365_25_days():
    assert Change(change_hu=-20.0, lsc_hu=16.0, days=1461).hu_per_year == pytest.approx(-5.0)


def test_the_published_lsc_is_the_larger_of_hu_and_percent():
    values = {mean: lsc_by_mean(mean, 16.0, 7.9, 2.77) for mean in (-20.0, 50.0, 73.0, 74.0, 200.0)}
    assert values[-20.0] == values[50.0] == values[73.0] == 16.0
    assert values[74.0] == pytest.approx(0.21883 * 74)
    assert values[200.0] == pytest.approx(43.766)
