from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from cohort.two_classes import made_up
from statsmodels.stats.proportion import proportion_confint

from LumbarHULib.cohort.cutoff import accuracy_at, best_cutoffs, youden_cutoff
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError

OSTEOPOROSIS, LOW_BMD = TARGETS["osteoporosis"], TARGETS["low_bmd"]


def dumb_cutoff(hu, is_positive, target):
    """Return the best midpoint by trying each, and of equally good ones the highest, in exact fractions."""
    values = sorted(set(hu.tolist()))
    tries = []
    for low, high in pairwise(values):
        cutoff = low + (high - low) / 2
        found = [(one <= cutoff) if target.rule == "<=" else (one < cutoff) for one in hu.tolist()]
        sensitivity = Fraction(sum(f and p for f, p in zip(found, is_positive, strict=True)), int(sum(is_positive)))
        specificity = Fraction(
            sum(not f and not p for f, p in zip(found, is_positive, strict=True)), int(sum(~is_positive))
        )
        tries.append((sensitivity + specificity, cutoff, sensitivity, specificity))
    return max(tries)[1:]


@pytest.mark.parametrize("step", [0, 5, 30])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("seed", range(4))
def test_the_youden_cutoff_is_the_best_of_all_midpoints(seed, target, step):
    hu, groups = made_up(seed, step=step)
    found = youden_cutoff(hu[:, 0], groups, target)
    cutoff, sensitivity, specificity = dumb_cutoff(hu[:, 0], np.isin(groups, target.positive_groups), target)
    assert found.cutoff_hu == cutoff
    assert Fraction(found.true_positive, found.sensitivity.n) == sensitivity
    assert Fraction(found.true_negative, found.specificity.n) == specificity
    assert found.youden == pytest.approx(float(sensitivity + specificity - 1))


def test_of_equally_good_cutoffs_the_highest_is_taken():
    # Between 10 and 20 it finds 1 of 2 and no other; between 30 and 40 both, and 1 of 2 others.
    found = youden_cutoff([10, 20, 30, 40], ["osteoporosis", "normal", "osteoporosis", "normal"], OSTEOPOROSIS)
    assert found.cutoff_hu == 35
    assert (found.true_positive, found.true_negative) == (2, 1)


def test_the_study_s_test_and_counts_are_named():
    hu, groups = made_up(0)
    found = accuracy_at(hu[:, 0], groups, OSTEOPOROSIS, 87.75)
    assert (found.positive, found.rule) == ("osteoporosis", "<=")
    assert found.true_positive + found.false_negative == 27
    assert found.true_negative + found.false_positive == 73
    assert (found.sensitivity.low, found.sensitivity.high) == pytest.approx(
        proportion_confint(found.true_positive, 27, method="wilson")
    )


def test_a_value_at_the_cutoff_is_osteoporosis_and_not_low():
    groups = ["osteoporosis", "osteoporosis", "normal", "normal"]
    assert accuracy_at([80, 87.75, 87.75, 99], groups, OSTEOPOROSIS, 87.75).true_positive == 2
    assert accuracy_at([80, 118.13, 118.13, 130], groups, LOW_BMD, 118.13).true_positive == 1


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_two_neighboring_numbers_without_a_midpoint_are_still_separated(target):
    low = 100.0
    high = np.nextafter(low, 200)
    found = youden_cutoff([low, low, high, high], ["osteoporosis"] * 2 + ["normal"] * 2, target)
    assert (found.true_positive, found.true_negative) == (2, 2)


def test_a_sample_without_some_values_takes_midpoints_between_those_it_has():
    values = np.array([10.0, 20, 30, 40, 50])
    positive = np.array([[2, 0, 0, 0, 0], [0, 0, 2, 0, 0], [1, 0, 0, 0, 1]])
    negative = np.array([[0, 0, 0, 1, 1], [0, 0, 2, 0, 0], [0, 0, 2, 0, 0]])
    best = best_cutoffs(values, positive, negative, "<=")
    assert best.is_valid.tolist() == [True, False, True]
    assert best.cutoff_hu[[0, 2]].tolist() == [25, 20]


def test_hu_that_are_higher_in_the_diseased_give_no_cutoff():
    with pytest.raises(InputError, match="No cutoff finds osteoporosis better than chance"):
        youden_cutoff([1, 2, 3, 4], ["normal"] * 2 + ["osteoporosis"] * 2, OSTEOPOROSIS)
    with pytest.raises(InputError, match="is not a finite number"):
        accuracy_at([1, 2, 3, 4], ["normal"] * 2 + ["osteoporosis"] * 2, OSTEOPOROSIS, float("nan"))
