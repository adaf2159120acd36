from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS
from statsmodels.stats.multitest import multipletests

from LumbarHULib.cohort.estimates import holm
from LumbarHULib.cohort.groups import GROUPS, TScoreCriteria, compare_groups, describe, groups_of_t_scores
from LumbarHULib.cohort.rank_tests import dunn, friedman, kruskal_wallis
from LumbarHULib.cohort.ranks import average_ranks
from LumbarHULib.cohort.repeated import compare_repeated
from LumbarHULib.core.errors import InputError


def cohort(seed, sizes=(33, 40, 27), skewed=True, ties=True):
    """Return HU and groups; HU in tens where ties are wanted."""
    rng = np.random.default_rng(seed)
    parts = [(rng.gamma(2, 25, n) if skewed else rng.normal(0, 40, n)) + 60 * place for place, n in enumerate(sizes)]
    hu = np.concatenate(parts)
    return (np.round(hu, -1) if ties else hu), np.repeat(GROUPS, sizes)


def samples_of(hu, groups):
    return {group: hu[groups == group] for group in GROUPS}


def test_t_scores_fall_into_the_groups_of_the_who():
    criteria = TScoreCriteria(normal_at_least=-1.0, osteoporosis_at_most=-2.5)
    scores = [0.3, -1.0, -1.1, -2.4, -2.5, -4.0, None]
    expected = ("normal", "normal", "osteopenia", "osteopenia", "osteoporosis", "osteoporosis", "")
    assert groups_of_t_scores(scores, criteria) == expected
    with pytest.raises(InputError, match="leave no range for osteopenia"):
        TScoreCriteria(-2.5, -1.0)


def test_ranks_match_scipy():
    values = np.random.default_rng(0).integers(0, 20, 200)
    assert np.array_equal(average_ranks(values)[0], stats.rankdata(values))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_kruskal_wallis_matches_scipy(seed, ties):
    samples = samples_of(*cohort(seed, ties=ties))
    found, expected = kruskal_wallis(samples), stats.kruskal(*samples.values())
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_dunns_test_is_the_formula_with_its_ties():
    samples = samples_of(*cohort(7))
    pooled = np.concatenate(list(samples.values()))
    n = len(pooled)
    mean_rank = {
        name: np.mean([(pooled < value).sum() + ((pooled == value).sum() + 1) / 2 for value in sample])
        for name, sample in samples.items()
    }
    ties = sum(int((pooled == value).sum()) ** 3 - int((pooled == value).sum()) for value in set(pooled.tolist()))
    assert ties > 0
    p_values = []
    for found, (first, second) in zip(dunn(samples), combinations(GROUPS, 2), strict=True):
        error = (n * (n + 1) / 12 - ties / (12 * (n - 1))) * (1 / len(samples[first]) + 1 / len(samples[second]))
        z = (mean_rank[first] - mean_rank[second]) / error**0.5
        p_values.append(2 * stats.norm.sf(abs(z)))
        assert (found.first, found.second) == (first, second)
        assert (found.statistic, found.p_value) == pytest.approx((z, p_values[-1]), rel=1e-9)
    corrected = [found.corrected_p_value for found in dunn(samples)]
    assert corrected == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-9)


def test_holms_correction_matches_statsmodels():
    for seed in range(20):
        p_values = np.random.default_rng(seed).uniform(0, 0.2, 7).tolist()
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-12)


def test_normal_groups_are_compared_by_anova_and_t_tests_with_pooled_variance():
    hu, groups = cohort(0, skewed=False, ties=False)
    result = compare_groups(hu, groups)
    assert result.test.test == "ANOVA"
    expected = stats.f_oneway(*samples_of(hu, groups).values())
    assert (result.test.statistic, result.test.p_value) == pytest.approx(
        (expected.statistic, expected.pvalue), rel=1e-9
    )
    fit = OLS(hu, np.stack([groups == group for group in GROUPS], axis=1).astype(float)).fit()
    for found, contrast in zip(result.pairwise, ([1, -1, 0], [1, 0, -1], [0, 1, -1]), strict=True):
        test = fit.t_test(contrast)
        assert found.statistic == pytest.approx(test.tvalue.item(), rel=1e-9)
        assert found.p_value == pytest.approx(test.pvalue.item(), rel=1e-9)


def test_skewed_groups_are_compared_by_kruskal_wallis_and_dunn():
    hu, groups = cohort(1)
    result = compare_groups(hu, groups)
    assert result.test.test == "Kruskal–Wallis"
    assert result.pairwise_method == "Dunn, ties corrected, Holm"
    assert [group.n for group in result.groups] == [33, 40, 27]


def test_shapiro_wilk_decides_the_description_of_a_column():
    rng = np.random.default_rng(4)
    normal, skewed = rng.normal(100, 20, 60), rng.gamma(1, 20, 60)
    assert describe(normal).shapiro_p == stats.shapiro(normal).pvalue
    assert describe(normal).is_normal
    assert not describe(skewed).is_normal


def test_quartiles_are_computed_as_by_spss_in_the_study():
    # The 7th, 14th and 21st of 27 values, and halves and quarters between two of 33 and 40.
    assert (describe(range(1, 28)).q1, describe(range(1, 28)).median, describe(range(1, 28)).q3) == (7, 14, 21)
    assert (describe(range(1, 34)).q1, describe(range(1, 34)).q3) == (8.5, 25.5)
    assert (describe(range(1, 41)).q1, describe(range(1, 41)).q3) == (10.25, 30.75)


def test_an_empty_group_is_left_out_by_name():
    hu, groups = cohort(1, sizes=(10, 12, 0))
    assert compare_groups(hu, groups).empty_groups == ("osteoporosis",)
    with pytest.raises(InputError, match="at least 2 groups with values, but there is 1"):
        compare_groups(hu[:10], groups[:10])


def test_cases_without_value_or_group_are_left_out_and_counted():
    hu, groups = cohort(1)
    result = compare_groups([*hu, None, 80], [*groups, "normal", ""])
    assert result.test.left_out == 2
    assert result.test.statistic == compare_groups(hu, groups).test.statistic


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_friedmans_test_matches_scipy(seed, ties):
    rng = np.random.default_rng(seed)
    table = rng.normal(100, 40, (50, 1)) + rng.normal([0, 3, 6, 0, 1], 8, (50, 5))
    table = np.round(table, -1) if ties else table
    found, _ = friedman(table, ("a", "b", "c", "d", "e"))
    expected = stats.friedmanchisquare(*table.T)
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_friedmans_pairs_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    table = rng.normal([0, 1, 2], 1, (30, 3))
    _, pairs = friedman(table, ("a", "b", "c"))
    mean_ranks = np.apply_along_axis(stats.rankdata, 1, table).mean(axis=0)
    z = (mean_ranks[0] - mean_ranks[2]) / np.sqrt(3 * 4 / (6 * 30))
    assert (pairs[1].first, pairs[1].second) == ("a", "c")
    assert pairs[1].statistic == pytest.approx(z, rel=1e-9)


def test_the_paired_test_sees_a_difference_that_the_studys_test_does_not():
    rng = np.random.default_rng(8)
    patient = rng.normal(110, 50, 100)
    regions = {
        name: patient + shift + rng.normal(0, 8, 100) for name, shift in zip("abcde", (0, -3, 3, 0, 6), strict=True)
    }
    result = compare_repeated(regions)
    assert result.friedman.p_value < 1e-6
    assert result.kruskal_wallis_unpaired.p_value > 0.3
    expected = stats.kruskal(*regions.values())
    assert result.kruskal_wallis_unpaired.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert "unpaired" in result.kruskal_wallis_unpaired.test


def test_measurements_that_never_differ_are_refused():
    with pytest.raises(InputError, match="cannot rank them"):
        compare_repeated({name: [1, 2, 3] for name in "abc"})
    with pytest.raises(InputError, match="at least 3 columns"):
        compare_repeated({"a": [1, 2], "b": [2, 3]})
