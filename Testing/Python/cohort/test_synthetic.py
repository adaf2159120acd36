import numpy as np
import pytest
from scipy.stats import spearmanr

from LumbarHULib.cohort.agreement import bland_altman, intraclass_correlations
from LumbarHULib.cohort.groups import GROUPS, groups_of_t_scores
from LumbarHULib.cohort.ranks import quartiles
from LumbarHULib.cohort.roc import area_under_curve
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.synthetic import SyntheticSpec, synthetic_cohort
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS


@pytest.fixture(scope="module")
def cohort(tables, criteria):
    return synthetic_cohort(tables, criteria)


def mean_hu(cohort, roi):
    return np.mean([cohort.columns[f"hu_{level}_{roi}"] for level in MEAN_LEVELS], axis=0)


def test_groups_and_sexes_are_the_studys(cohort, tables):
    groups, sexes = cohort.columns["group"], cohort.columns["sex"]
    for group in GROUPS:
        assert (groups == group).sum() == tables.group_sizes[group]
        for sex, counts in tables.sexes.items():
            assert ((groups == group) & (sexes == sex)).sum() == counts[group]


def test_medians_and_quartiles_of_hu_are_the_studys(cohort, tables):
    for roi in ROIS:
        for level in (*MEAN_LEVELS, MEAN):
            hu = mean_hu(cohort, roi) if level == MEAN else cohort.columns[f"hu_{level}_{roi}"]
            for group in GROUPS:
                printed = tables.levels[level][roi][group]
                q1, median, q3 = quartiles(hu[cohort.columns["group"] == group])
                assert printed.q1 < median < printed.q3
                assert (q1, median, q3) == pytest.approx((printed.q1, printed.median, printed.q3), abs=12)


def test_age_bmi_and_bmd_are_the_studys(cohort, tables):
    for name, by_group in tables.characteristics.items():
        for group, printed in by_group.items():
            q1, median, q3 = quartiles(cohort.columns[name][cohort.columns["group"] == group])
            near = 0.021 if name.startswith("bmd") else 0.6
            assert (q1, median, q3) == pytest.approx((printed.q1, printed.median, printed.q3), abs=near)


def test_hu_of_every_region_correlate_with_bmd_as_the_study_says(cohort, tables):
    for roi in ROIS:
        assert spearmanr(mean_hu(cohort, roi), cohort.columns["bmd"]).statistic > tables.correlation_above


def test_hu_of_every_level_correlate_with_its_bmd_as_the_study_says(cohort, tables):
    for level in MEAN_LEVELS:
        for roi in ROIS:
            found = spearmanr(cohort.columns[f"hu_{level}_{roi}"], cohort.columns[f"bmd_{level}"])
            assert found.statistic > tables.correlation_above
            assert found.pvalue < 0.01


def test_areas_are_the_studys_except_for_the_impossible_one(cohort, tables):
    for printed in tables.areas:
        found = area_under_curve(mean_hu(cohort, printed.roi), cohort.columns["group"], TARGETS["osteoporosis"])
        assert abs(found.estimate - printed.area) < (0.02 if printed.roi != "left" else 0.1)


def test_t_scores_give_the_groups(cohort, criteria):
    assert groups_of_t_scores(cohort.columns["t_score"], criteria) == tuple(cohort.columns["group"])


def test_two_readers_differ_a_little_and_their_mean_is_the_value(cohort):
    first, second = (reading["hu_L1_round"] for reading in cohort.readings)
    assert np.array_equal((first + second) / 2, cohort.columns["hu_L1_round"])
    assert intraclass_correlations([first, second]).icc_2_1.estimate > 0.98
    assert 3 < bland_altman(first, second).sd < 7


def test_everything_about_it_is_marked_as_synthetic(cohort):
    assert all(name.startswith("synthetic-") for name in cohort.columns["case"])
    assert set(cohort.columns["dxa_device"]) == {"synthetic"}
    assert "Synthetic" in cohort.note
    assert "made-up" in cohort.note


def test_the_columns_are_those_of_a_cohort_table(cohort):
    hu = [f"hu_{level}_{roi}" for level in MEAN_LEVELS for roi in ROIS]
    rest = ["sex", "age", "bmi", "bmd", *(f"bmd_{level}" for level in MEAN_LEVELS), "bmd_neck", "t_score", "group"]
    more = ["t_score_site", "dxa_device", "days_ct_dxa", "menopause", "qct_mg_cc", "outcome", "outcome_days"]
    assert list(cohort.columns) == ["case", *hu, *rest, *more]
    assert {len(column) for column in cohort.columns.values()} == {100}


def test_the_seed_decides_every_digit(cohort, tables, criteria):
    again, other = synthetic_cohort(tables, criteria), synthetic_cohort(tables, criteria, seed=1)
    assert all(np.array_equal(again.columns[name], column) for name, column in cohort.columns.items())
    assert not np.array_equal(other.columns["hu_L1_round"], cohort.columns["hu_L1_round"])


def test_an_impossible_cohort_is_refused():
    with pytest.raises(InputError, match="cannot be used"):
        SyntheticSpec(hu_with_bmd=1.2)
    with pytest.raises(InputError, match="negative"):
        SyntheticSpec(level_share=-0.1)
