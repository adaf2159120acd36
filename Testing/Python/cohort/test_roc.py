import math
from itertools import combinations

import numpy as np
import pytest
from cohort.two_classes import made_up
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_curve
from statsmodels.stats.multitest import multipletests

from LumbarHULib.cohort.roc import area_under_curve, compare_areas, delong, newcombe_interval, roc_curve
from LumbarHULib.cohort.targets import TARGETS, Target, split
from LumbarHULib.core.errors import InputError

OSTEOPOROSIS, LOW_BMD = TARGETS["osteoporosis"], TARGETS["low_bmd"]
Z = 1.959963984540054


def brute_force(hu, is_positive):
    """Return areas and DeLong's covariance by comparing every positive case with every negative one."""
    positive, negative = hu[is_positive], hu[~is_positive]
    wins = (positive[:, None] < negative[None]) + 0.5 * (positive[:, None] == negative[None])
    areas = wins.mean(axis=(0, 1))
    by_positive, by_negative = wins.mean(axis=1) - areas, wins.mean(axis=0) - areas
    m, n = len(positive), len(negative)
    covariance = by_positive.T @ by_positive / (m - 1) / m + by_negative.T @ by_negative / (n - 1) / n
    return areas, covariance


@pytest.mark.parametrize("step", [0, 10, 60])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("sizes", [(33, 40, 27), (3, 0, 2), (150, 7, 90)])
def test_areas_and_their_covariance_match_brute_force(sizes, target, step):
    hu, groups = made_up(1, sizes, columns=3, step=step)
    classes = split({name: column for name, column in zip("abc", hu.T, strict=True)}, groups, target)
    areas, covariance = delong(classes)
    expected_areas, expected_covariance = brute_force(hu, classes.is_positive)
    assert areas == pytest.approx(expected_areas, abs=1e-12)
    assert covariance == pytest.approx(expected_covariance, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_matches_scikit_learn(seed):
    hu, groups = made_up(seed, step=5)
    for target in TARGETS.values():
        found = area_under_curve(hu[:, 0], groups, target)
        truth = np.isin(groups, target.positive_groups)
        assert found.estimate == pytest.approx(roc_auc_score(truth, -hu[:, 0]), abs=1e-12)
        assert (found.n_positive, found.n_negative) == (truth.sum(), (~truth).sum())


def test_the_interval_is_delongs_on_the_logit_scale():
    hu, groups = made_up(2)
    found = area_under_curve(hu[:, 0], groups, OSTEOPOROSIS)
    area, variance = (value.item() for value in brute_force(hu, groups == "osteoporosis"))
    reach = Z * math.sqrt(variance) / (area * (1 - area))
    logit = math.log(area / (1 - area))
    assert (found.low, found.high) == pytest.approx(
        (1 / (1 + math.exp(reach - logit)), 1 / (1 + math.exp(-reach - logit))), abs=1e-12
    )


def test_classes_without_overlap_have_an_area_of_one_that_is_not_certain():
    found = area_under_curve([1, 2, 3, 11, 12, 13, 14], ["osteoporosis"] * 3 + ["normal"] * 4, OSTEOPOROSIS)
    assert found.estimate == found.high == 1
    assert 0.4 < found.low < 0.8
    reversed_hu = area_under_curve([11, 12, 13, 1, 2, 3, 4], ["osteoporosis"] * 3 + ["normal"] * 4, OSTEOPOROSIS)
    assert (reversed_hu.estimate, reversed_hu.low) == (0, 0)
    assert reversed_hu.high == pytest.approx(1 - found.low, abs=1e-9)


def test_newcombes_interval_solves_his_equation():
    for area, m, n in ((0.9, 27, 73), (0.5, 10, 10), (1.0, 27, 73), (0.0, 5, 9)):
        for end in newcombe_interval(area, m, n, Z):
            if 0 < end < 1:
                half = (m + n) / 2 - 1
                shape = 1 + half * (1 - end) / (2 - end) + half * end / (1 + end)
                assert abs(area - end) == pytest.approx(Z * math.sqrt(end * (1 - end) * shape / (m * n)), rel=1e-6)


def test_the_paired_test_matches_delongs_by_brute_force():
    hu, groups = made_up(3, columns=4, step=2)
    areas, covariance = brute_force(hu, groups == "osteoporosis")
    found = compare_areas({name: hu[:, place] for place, name in enumerate("abcd")}, groups, OSTEOPOROSIS)
    p_values = []
    for pair, (i, j) in zip(found, combinations(range(4), 2), strict=True):
        error = math.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        z = (areas[i] - areas[j]) / error
        p_values.append(math.erfc(abs(z) / math.sqrt(2)))
        assert (pair.first, pair.second) == ("abcd"[i], "abcd"[j])
        assert (pair.z, pair.p_value) == pytest.approx((z, p_values[-1]), rel=1e-7)
        assert (pair.low, pair.high) == pytest.approx((pair.estimate - Z * error, pair.estimate + Z * error), abs=1e-9)
    corrected = [pair.corrected_p_value for pair in found]
    assert corrected == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-7)


def test_a_region_compared_with_itself_does_not_differ():
    hu, groups = made_up(4)
    (pair,) = compare_areas({"a": hu[:, 0], "b": hu[:, 0]}, groups, LOW_BMD)
    assert (pair.estimate, pair.z, pair.p_value) == (0, 0, 1)


def test_the_curve_matches_scikit_learn():
    hu, groups = made_up(5, step=5)
    found = roc_curve(hu[:, 0], groups, OSTEOPOROSIS)
    false_rate, true_rate, _ = sklearn_curve(groups == "osteoporosis", -hu[:, 0], drop_intermediate=False)
    assert found.false_positive_rate == pytest.approx(false_rate)
    assert found.true_positive_rate == pytest.approx(true_rate)


def test_cases_without_value_or_group_are_left_out_and_counted():
    hu, groups = made_up(6)
    found = area_under_curve([*hu[:, 0], None, 50.0], [*groups, "normal", None], OSTEOPOROSIS)
    assert (found.n, found.left_out) == (100, 2)
    assert found.estimate == area_under_curve(hu[:, 0], groups, OSTEOPOROSIS).estimate


def test_too_few_cases_and_constant_values_are_refused():
    with pytest.raises(InputError, match="1 case with osteoporosis has all values, but at least 2 are needed"):
        area_under_curve([1, 2, 3], ["osteoporosis", "normal", "normal"], OSTEOPOROSIS)
    with pytest.raises(InputError, match="0 cases without osteopenia or osteoporosis have all values"):
        area_under_curve([1, 2, 3], ["osteoporosis"] * 3, LOW_BMD)
    with pytest.raises(InputError, match="is 5 in every case, so it cannot separate them"):
        area_under_curve([5] * 4, ["osteoporosis", "normal"] * 2, OSTEOPOROSIS)
    with pytest.raises(InputError, match="at least two columns"):
        compare_areas({"a": [1, 2]}, ["osteoporosis", "normal"], OSTEOPOROSIS)
    with pytest.raises(InputError, match="use <= or <"):
        Target("x", ("normal",), ">", "x")
