"""Whatever comes in, a result is whole or there is one sentence: never a NaN, never a warning (warnings are errors)."""

import dataclasses
import math

import numpy as np
import pytest
from cohort.two_classes import made_up

from LumbarHULib.cohort.agreement import bland_altman, intraclass_correlations, repeatability
from LumbarHULib.cohort.bootstrap import bootstrap_cutoff
from LumbarHULib.cohort.correlation import partial_spearman, spearman
from LumbarHULib.cohort.cutoff import accuracy_at, youden_cutoff
from LumbarHULib.cohort.groups import GROUPS, compare_groups, describe
from LumbarHULib.cohort.kappa import cohen_kappa, confusion_matrix
from LumbarHULib.cohort.predictive import predictive_values
from LumbarHULib.cohort.repeated import compare_repeated
from LumbarHULib.cohort.roc import area_under_curve, compare_areas
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError

OSTEOPOROSIS, LOW_BMD = TARGETS["osteoporosis"], TARGETS["low_bmd"]
NAN = math.nan


def classes_of(groups):
    return list(reversed(list(groups)))


FUNCTIONS = {
    "icc": lambda a, b, c, g: intraclass_correlations([a, b]),
    "icc of three": lambda a, b, c, g: intraclass_correlations([a, b, c]),
    "bland_altman": lambda a, b, c, g: bland_altman(a, b),
    "repeatability": lambda a, b, c, g: repeatability([a, b, c]),
    "kappa": lambda a, b, c, g: cohen_kappa(confusion_matrix(g, classes_of(g), GROUPS)),
    "weighted kappa": lambda a, b, c, g: cohen_kappa(confusion_matrix(g, classes_of(g), GROUPS), "quadratic"),
    "describe": lambda a, b, c, g: describe(a),
    "compare_groups": lambda a, b, c, g: compare_groups(a, g),
    "compare_repeated": lambda a, b, c, g: compare_repeated({"a": a, "b": b, "c": c}),
    "spearman": lambda a, b, c, g: spearman(a, b),
    "partial_spearman": lambda a, b, c, g: partial_spearman(a, b, {"c": c}),
    "area": lambda a, b, c, g: area_under_curve(a, g, OSTEOPOROSIS),
    "area of low_bmd": lambda a, b, c, g: area_under_curve(a, g, LOW_BMD),
    "compare_areas": lambda a, b, c, g: compare_areas({"a": a, "b": b, "c": c}, g, LOW_BMD),
    "youden": lambda a, b, c, g: youden_cutoff(a, g, OSTEOPOROSIS),
    "accuracy": lambda a, b, c, g: accuracy_at(a, g, OSTEOPOROSIS, 100.0),
    "predictive": lambda a, b, c, g: predictive_values(accuracy_at(a, g, OSTEOPOROSIS, 100.0), 0.2),
    "bootstrap": lambda a, b, c, g: bootstrap_cutoff(a, g, LOW_BMD, resamples=100),
}


def three_columns(seed=0, sizes=(12, 15, 9), step=0.0):
    hu, groups = made_up(seed, sizes, columns=3, step=step)
    return (*(list(column) for column in hu.T), list(groups))


def with_gaps():
    a, b, c, groups = three_columns()
    a[0], b[1], c[2], groups[3], groups[4] = NAN, None, NAN, None, ""
    return a, b, c, groups


NINE = np.arange(9.0)
GROUPS_OF_NINE = list(GROUPS) * 3
GROUPS_OF_SIX = [group for group in GROUPS for _ in range(2)]

# Three columns and the groups.
DATA = {
    "plain": three_columns(),
    "gaps": with_gaps(),
    "ties": three_columns(step=80),
    "two values": three_columns(step=400),
    "constant": ([100.0] * 9, [100.0] * 9, [100.0] * 9, GROUPS_OF_NINE),
    "one constant": (NINE, [0.1] * 9, [0.7] * 9, GROUPS_OF_NINE),
    "the same thrice": (0.1 * NINE, 0.1 * NINE, 0.1 * NINE, GROUPS_OF_NINE),
    "apart": ([150.0, 151, 100, 101, 50, 51] * 2, range(12), range(12, 0, -1), GROUPS_OF_SIX * 2),
    "reversed": ([50.0, 51, 100, 101, 150, 151], range(6), range(6, 0, -1), GROUPS_OF_SIX),
    "n = 0": ([], [], [], []),
    "n = 1": ([1.0], [2.0], [3.0], ["normal"]),
    "n = 2": ([1.0, 2.0], [2.0, 4.0], [3.0, 9.0], ["normal", "osteoporosis"]),
    "n = 3": ([1.0, 2.0, 4.0], [2.0, 4.0, 3.0], [3.0, 1.0, 2.0], list(GROUPS)),
    "n = 4": ([4.0, 3.0, 2.0, 1.0], [8.0, 6.0, 4.0, 2.0], [1.0, 3.0, 2.0, 4.0], [*GROUPS, "osteoporosis"]),
    "one empty group": three_columns(sizes=(12, 0, 9)),
    "one case in a group": three_columns(sizes=(12, 8, 1)),
    "one group": three_columns(sizes=(0, 0, 9)),
    "all missing": ([NAN] * 9, [NAN] * 9, [None] * 9, [""] * 9),
    "hardly different": (1e8 + 1e-7 * NINE, [1e8] * 8 + [1e8 + 1e-7], 1e8 - 1e-7 * NINE, GROUPS_OF_NINE),
    "tiny": (1e-300 * NINE, 1e-200 * NINE**2, -1e-300 * NINE, GROUPS_OF_NINE),
    "small": (1e-28 * NINE, 1e-29 * NINE**2, -1e-28 * NINE, GROUPS_OF_NINE),
    "large": (1e8 * NINE, 1e7 * NINE**2, -1e8 * NINE, GROUPS_OF_NINE),
    "huge": ([1e300] * 9, [1e12] * 9, [1.0] * 9, GROUPS_OF_NINE),
    "infinite": ([math.inf, *range(8)], [-math.inf, *range(8)], NINE, GROUPS_OF_NINE),
    "text": (["a", *range(8)], ["b", *range(8)], NINE, ["normal", "osteopenic", *["normal"] * 7]),
    "uneven": ([1, 2, 3, 4, 5], [1, 2, 3], [1, 2, 3, 4], ["normal"] * 7),
    "below zero": (-5.0 * NINE, -4.0 * NINE, -3.0 * NINE, GROUPS_OF_NINE),
}


EMPTY = ("n = 0", "all missing")
UNUSABLE = ("huge", "infinite", "text", "uneven")

# What each function must refuse, because its definition gives no number there: too few cases, one value alone, no class
# or no difference to find, columns that follow from each other. All else must give numbers.
REFUSED = {
    "icc": (*EMPTY, *UNUSABLE, "constant", "n = 1", "n = 2", "tiny"),
    "icc of three": (*EMPTY, *UNUSABLE, "constant", "n = 1", "n = 2", "tiny"),
    "bland_altman": (*EMPTY, *UNUSABLE, "n = 1", "n = 2"),
    "repeatability": (*EMPTY, *UNUSABLE, "n = 1"),
    "kappa": (*EMPTY, "n = 1", "one group", "text", "uneven"),
    "weighted kappa": (*EMPTY, "n = 1", "one group", "text", "uneven"),
    "describe": (*EMPTY, "huge", "infinite", "text"),
    "compare_groups": (*EMPTY, *UNUSABLE, "constant", "n = 1", "n = 2", "one group", "tiny"),
    "compare_repeated": (*EMPTY, *UNUSABLE, "constant", "the same thrice", "n = 1", "tiny"),
    "spearman": (*EMPTY, *UNUSABLE, "constant", "one constant", "n = 1", "n = 2", "n = 3", "tiny"),
    "partial_spearman": (
        *EMPTY,
        *UNUSABLE,
        "constant",
        "one constant",
        "the same thrice",
        "apart",
        "reversed",
        "n = 1",
        "n = 2",
        "n = 3",
        "n = 4",
        "hardly different",
        "tiny",
        "small",
        "large",
        "below zero",
    ),
    "area": (*EMPTY, *UNUSABLE, "constant", "n = 1", "n = 2", "n = 3", "one case in a group", "one group", "tiny"),
    "area of low_bmd": (*EMPTY, *UNUSABLE, "constant", "n = 1", "n = 2", "n = 3", "n = 4", "one group", "tiny"),
    "compare_areas": (
        *EMPTY,
        *UNUSABLE,
        "constant",
        "one constant",
        "reversed",
        "n = 1",
        "n = 2",
        "n = 3",
        "n = 4",
        "one group",
        "tiny",
    ),
    "youden": (
        *EMPTY,
        *UNUSABLE,
        "constant",
        "one constant",
        "the same thrice",
        "reversed",
        "n = 1",
        "n = 2",
        "n = 3",
        "one group",
        "hardly different",
        "tiny",
        "small",
        "large",
    ),
    "accuracy": (*EMPTY, *UNUSABLE, "constant", "n = 1", "one group", "tiny"),
    "predictive": (
        *EMPTY,
        *UNUSABLE,
        "constant",
        "one constant",
        "the same thrice",
        "n = 1",
        "n = 2",
        "n = 3",
        "n = 4",
        "one group",
        "hardly different",
        "tiny",
        "small",
        "below zero",
    ),
    "bootstrap": (
        *EMPTY,
        *UNUSABLE,
        "constant",
        "one constant",
        "the same thrice",
        "reversed",
        "n = 1",
        "n = 2",
        "n = 3",
        "n = 4",
        "one group",
        "hardly different",
        "tiny",
        "small",
        "large",
    ),
}


def numbers_in(value):
    """Return every number in a result."""
    if dataclasses.is_dataclass(value):
        return [number for item in dataclasses.fields(value) for number in numbers_in(getattr(value, item.name))]
    if isinstance(value, (tuple, list)):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (int, float, np.number)) else []


def is_refused(function, data) -> bool:
    """Return whether the data are refused, by one sentence; else every number of the result is finite."""
    try:
        result = function(*data)
    except InputError as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert "nan" not in sentence.lower()
        assert 20 < len(sentence) < 250
        return True
    assert numbers_in(result)
    assert all(math.isfinite(number) for number in numbers_in(result))
    return False


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_awkward_data_give_a_whole_result_or_one_sentence(function, data):
    assert is_refused(FUNCTIONS[function], DATA[data]) == (data in REFUSED[function])


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_random_small_data_give_a_whole_result_or_one_sentence(function):
    rng = np.random.default_rng(6)
    for _ in range(60):
        n = int(rng.integers(0, 9))
        columns = rng.integers(0, 4, (3, n)).astype(float)
        columns[rng.uniform(size=(3, n)) < 0.05] = NAN
        groups = rng.choice([*GROUPS, ""], n, p=[0.3, 0.3, 0.3, 0.1])
        is_refused(function, (*columns, list(groups)))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_hundred_thousand_rows_are_computed(function):
    hu, groups = made_up(0, (33_000, 40_000, 27_000), columns=3, step=1)
    assert all(math.isfinite(number) for number in numbers_in(function(*hu.T, list(groups))))
