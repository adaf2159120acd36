"""Harrell's C compared with lifelines, with a count of every pair, and with the output of R."""

import math

import numpy as np
import pytest
from lifelines.datasets import load_lung
from lifelines.utils import concordance_index

from LumbarHULib.cohort.concordance import harrell_c
from LumbarHULib.core.errors import InputError


def drawn(n, seed):
    """Return HU, days and outcomes with ties in all of them."""
    rng = np.random.default_rng(seed)
    days = rng.integers(1, max(3, n // 3), n).astype(float)
    events = (rng.random(n) < 0.5).astype(float)
    events[np.argmin(days)] = 1  # so that a pair counts
    return rng.integers(0, 15, n).astype(float), days, events


def by_pairs(hu, days, events):
    """Return C and its standard error by the infinitesimal jackknife, from every pair."""
    won, counted = np.zeros(len(hu)), np.zeros(len(hu))
    for i in np.flatnonzero(events):
        for j in range(len(hu)):
            if days[j] > days[i] or (days[j] == days[i] and not events[j]):
                share = (hu[j] > hu[i]) + 0.5 * (hu[j] == hu[i])
                for one in (i, j):
                    won[one] += share
                    counted[one] += 1
    c = won.sum() / counted.sum()
    return c, math.sqrt(((won - c * counted) ** 2).sum()) / (counted.sum() / 2), counted.sum() / 2


@pytest.mark.parametrize("n", [5, 20, 60, 150])
@pytest.mark.parametrize("seed", range(5))
def test_it_matches_lifelines_and_a_count_of_every_pair(n, seed):
    hu, days, events = drawn(n, seed)
    found = harrell_c(hu, days, events)
    c, error, pairs = by_pairs(hu, days, events)
    assert found.estimate == pytest.approx(concordance_index(days, hu, events), abs=1e-12)
    assert (found.estimate, found.standard_error, found.pairs) == pytest.approx((c, error, pairs), abs=1e-12)


def test_it_matches_the_output_of_r_for_the_lung_data():
    # R: coxph(Surv(time, status) ~ age, lung) prints “Concordance= 0.55  (se = 0.025 )”; a higher age is the risk.
    lung = load_lung()
    found = harrell_c(-lung["age"], lung["time"], lung["status"] - lung["status"].min())
    assert (round(found.estimate, 2), round(found.standard_error, 3)) == (0.55, 0.025)
    assert (found.n, found.events) == (228, 165)


def test_a_case_without_a_value_is_omitted():
    hu, days, events = drawn(20, 1)
    hu[3], days[4], events[5] = np.nan, np.nan, np.nan
    assert harrell_c(hu, days, events).left_out == 3


@pytest.mark.parametrize(
    ("hu", "days", "events", "says"),
    [
        ([100.0] * 4, [1.0, 2, 3, 4], [1.0, 0, 1, 0], "HU are 100 in every case"),
        ([1.0, 2, 3], [1.0, 2, 3], [0.0, 0, 0], "needs at least 1 case with the outcome"),
        ([1.0, 2, 3], [5.0, 5, 5], [1.0, 1, 1], "there is no such pair: add follow-up"),
        ([1.0], [5.0], [1.0], "needs at least 2 complete cases"),
    ],
)
def test_values_without_an_order_are_refused(hu, days, events, says):
    with pytest.raises(InputError, match=says):
        harrell_c(hu, days, events)


def test_low_hu_with_early_events_gives_one_and_with_late_events_zero():
    hu = np.arange(10.0)
    assert harrell_c(hu, hu + 1, np.ones(10)).estimate == 1
    assert harrell_c(hu, 20 - hu, np.ones(10)).estimate == 0
