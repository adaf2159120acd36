"""References for HU other than DXA, and permitted names of an outcome."""

import numpy as np
import pytest

from LumbarHULib.cohort.cases import Cohort, name_of_mean
from LumbarHULib.cohort.references import QctCriteria, check_outcome_name, groups_of_qct
from LumbarHULib.cohort_files.study_files import load_qct_criteria
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS


def test_the_limits_of_quantitative_ct_belong_to_the_class_between_them():
    # Chinese expert consensus 2020, Table 2: below 80, 80 to 120, above 120 mg/cm³.
    reported = groups_of_qct([79.9, 80, 120, 120.1, np.nan], load_qct_criteria())
    assert reported == ("osteoporosis", "osteopenia", "osteopenia", "normal", "")


def test_limits_that_leave_no_class_are_refused():
    with pytest.raises(InputError, match="leave no class between them"):
        QctCriteria(120, 80)


@pytest.mark.parametrize("name", ["", " ", "osteoporosis", "Low_BMD", "normal", "qct", "a;b", "x" * 41, "a\nb"])
def test_a_reserved_outcome_name_is_refused(name):
    with pytest.raises(InputError, match="outcome"):
        check_outcome_name(name)


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        (MEAN_LEVELS, "L1–L4"),
        (("L1",), "L1"),
        (("L1", "L2"), "L1–L2"),
        (("L1", "L3"), "L1+L3"),
        (("T12", "L1"), "T12–L1"),
    ],
)
def test_a_mean_is_named_after_its_levels(levels, name):
    assert name_of_mean(levels) == name


@pytest.mark.parametrize("levels", [(), ("L2", "L1"), ("L1", "L1"), ("L9",)])
def test_levels_without_a_mean_are_refused(levels):
    with pytest.raises(InputError, match="is not possible"):
        Cohort("c", ("a",), {}, ("",), mean_levels=levels)


def hu(*values):
    return np.array(values, float)


def test_a_chosen_mean_is_over_its_levels_and_needs_two_or_all_of_them():
    level_hu = {("L1", "round"): hu(100, 110, np.nan, 90), ("L2", "round"): hu(80, np.nan, np.nan, 70)}
    level_hu["L3", "round"] = hu(60, 50, 40, np.nan)
    groups = ("",) * 4
    pair = Cohort("c", tuple("abcd"), level_hu, groups, mean_levels=("L1", "L2"))
    assert np.array_equal(pair.hu("L1–L2", "round"), [90, np.nan, np.nan, 80], equal_nan=True)
    assert np.array_equal(pair.hu("L1–L4", "round"), [80, 80, np.nan, 80], equal_nan=True)
    assert pair.level_places == ("L1", "L2", "L3", "L1–L4")
    one = Cohort("c", tuple("abcd"), level_hu, groups, mean_levels=("L1",))
    assert np.array_equal(one.hu(one.mean_name, "round"), level_hu["L1", "round"], equal_nan=True)
    assert one.levels_and_mean == MEAN_LEVELS
