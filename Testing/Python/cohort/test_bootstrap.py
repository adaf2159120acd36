import tracemalloc

import numpy as np
import pytest
from cohort.two_classes import made_up

from LumbarHULib.cohort.bootstrap import bootstrap_cutoff
from LumbarHULib.cohort.cutoff import accuracy_at, youden_cutoff
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError

OSTEOPOROSIS = TARGETS["osteoporosis"]


@pytest.mark.parametrize("step", [0, 10])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_bootstrap_equals_drawing_the_cases_one_by_one(target, step):
    hu, groups = made_up(1, step=step)
    hu = hu[:, 0]
    is_positive = np.isin(groups, target.positive_groups)
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(7).spawn(2)]
    cutoffs, optimism = [], []
    for _ in range(150):
        drawn = [
            rows[rng.integers(0, rows.size, rows.size, dtype=np.int32)]
            for rows, rng in zip((np.flatnonzero(is_positive), np.flatnonzero(~is_positive)), streams, strict=True)
        ]
        rows = np.concatenate(drawn)
        there = youden_cutoff(hu[rows], groups[rows], target)
        here = accuracy_at(hu, groups, target, there.cutoff_hu)
        cutoffs.append(there.cutoff_hu)
        optimism.append(
            (
                there.sensitivity.estimate - here.sensitivity.estimate,
                there.specificity.estimate - here.specificity.estimate,
            )
        )
    found = bootstrap_cutoff(hu, groups, target, resamples=150, seed=7)
    assert (found.cutoff_hu.low, found.cutoff_hu.high) == pytest.approx(tuple(np.quantile(cutoffs, (0.025, 0.975))))
    expected = np.mean(optimism, axis=0)
    assert (found.optimism_of_sensitivity, found.optimism_of_specificity) == pytest.approx(expected, abs=1e-12)
    assert found.corrected_sensitivity == pytest.approx(found.apparent.sensitivity.estimate - expected[0])


def test_the_same_seed_gives_the_same_digits_whatever_the_chunk():
    hu, groups = made_up(2)
    whole = bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=300, seed=3)
    for chunk in (1, 777, 5000):
        assert bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=300, seed=3, chunk=chunk) == whole
    assert bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=300, seed=4) != whole


def test_the_correction_brings_accuracy_nearer_to_that_in_new_patients():
    new_hu, new_groups = made_up(99, (16500, 20000, 13500))
    apparent, corrected, truth = [], [], []
    for seed in range(60):
        hu, groups = made_up(seed)
        found = bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=200)
        apparent.append(found.apparent.youden)
        corrected.append(found.corrected_youden)
        truth.append(accuracy_at(new_hu[:, 0], new_groups, OSTEOPOROSIS, found.apparent.cutoff_hu).youden)
    flattery = np.mean(apparent) - np.mean(truth)
    assert flattery > 0.04
    assert abs(np.mean(corrected) - np.mean(truth)) < 0.6 * flattery


def test_a_large_cohort_needs_little_memory():
    hu, groups = made_up(0, (33_000, 40_000, 27_000))
    tracemalloc.start()
    found = bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.resamples == 100
    assert peak < 250e6


def test_resamples_of_a_single_value_are_counted_or_refused():
    few = bootstrap_cutoff([1, 2, 2, 2], ["osteoporosis"] * 2 + ["normal"] * 2, OSTEOPOROSIS, resamples=400)
    assert few.without_cutoff == pytest.approx(100, abs=40)
    assert few.resamples + few.without_cutoff == 400


def test_bad_settings_are_refused():
    hu, groups = made_up(0)
    with pytest.raises(InputError, match="give 100 to 1000000"):
        bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, resamples=10)
    with pytest.raises(InputError, match="seed of -1"):
        bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, seed=-1)
    with pytest.raises(InputError, match="confidence of 95"):
        bootstrap_cutoff(hu[:, 0], groups, OSTEOPOROSIS, confidence=95)
