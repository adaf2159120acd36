"""Statistics of a cohort's groups, levels and regions, computed again from the cohort's table by other programs."""

import math
from itertools import combinations

import numpy as np
import pytest
from headless.cohort_files import column, holm, mean_hu, number, rows_where, table
from scipy import stats

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs

LEVELS = (*MEAN_LEVELS, "L1–L4")
CLOSE = pytest.approx


@pytest.fixture(scope="module")
def result(example_cohort):
    return example_cohort / "result"


@pytest.fixture(scope="module")
def cases(example_cohort) -> list[dict]:
    return table(example_cohort / "synthetic-cohort.csv")


@pytest.fixture(scope="module")
def groups(cases) -> np.ndarray:
    return np.array([row["group"] for row in cases])


def values_of(cases, level: str, quantity: str) -> np.ndarray:
    if quantity == "bmd":
        return column(cases, "bmd" if level == "L1–L4" else f"bmd_{level}")
    return mean_hu(cases, quantity) if level == "L1–L4" else column(cases, f"hu_{level}_{quantity}")


def dunn_z(samples: list[np.ndarray]) -> list[float]:
    """Return Dunn's z of each pair by the formula with its correction for ties."""
    pooled = np.concatenate(samples)
    n = pooled.size
    ranks = np.split(stats.rankdata(pooled), np.cumsum([sample.size for sample in samples])[:-1])
    ties = sum(t**3 - t for t in np.unique(pooled, return_counts=True)[1])
    variance = n * (n + 1) / 12 - ties / (12 * (n - 1))
    return [(a.mean() - b.mean()) / math.sqrt(variance * (1 / a.size + 1 / b.size)) for a, b in combinations(ranks, 2)]


def test_the_cases_have_the_means_over_their_levels_and_the_classes_of_the_studys_cutoffs(result, cases):
    cutoffs = load_cutoffs().cutoffs.rois
    for roi in ROIS:
        means = mean_hu(cases, roi)
        low, high = cutoffs[roi].osteoporosis.cutoff_hu, cutoffs[roi].normal.cutoff_hu
        classes = np.where(means <= low, "osteoporosis", np.where(means >= high, "normal", "osteopenia"))
        rows = table(result / "cases.csv")
        assert column(rows, f"mean_hu_{roi}") == CLOSE(means, rel=1e-12)
        assert [row[f"class_{roi}"] for row in rows] == classes.tolist()


@pytest.mark.parametrize("level", LEVELS)
def test_group_descriptions_and_comparisons_match_scipy(result, cases, groups, level):
    for quantity in ("bmd", *ROIS):
        values = values_of(cases, level, quantity)
        samples = [values[groups == group] for group in GROUPS]
        expected = stats.kruskal(*samples)
        z = dunn_z(samples)
        corrected = holm(2 * stats.norm.sf(np.abs(z)))
        pairs = rows_where(result / "groups_pairwise.csv", level=level, quantity=quantity)
        assert column(pairs, "z") == CLOSE(np.array(z), rel=1e-9)
        assert column(pairs, "p_corrected") == CLOSE(corrected, rel=1e-9)
        for name, sample in (("all", values), *zip(GROUPS, samples, strict=True)):
            (row,) = rows_where(result / "groups.csv", level=level, quantity=quantity, group=name)
            described = [number(row, part) for part in ("n", "mean", "sd", "minimum", "maximum", "shapiro_p")]
            own = [sample.size, sample.mean(), sample.std(ddof=1), sample.min(), sample.max()]
            assert described == CLOSE([*own, stats.shapiro(sample).pvalue], rel=1e-9)
            quartiles = [number(row, part) for part in ("q1", "median", "q3")]
            assert quartiles == CLOSE(np.quantile(sample, (0.25, 0.5, 0.75), method="weibull"), rel=1e-12)
            assert (number(row, "statistic"), number(row, "p")) == CLOSE(tuple(expected), rel=1e-9)
            reported = {
                (set(pair) - {name}).pop()
                for pair, p in zip(combinations(GROUPS, 2), corrected, strict=True)
                if name in pair and p < 0.05
            }
            assert set(filter(None, row["differs_from"].split(";"))) == reported


def test_medians_are_within_the_studys_printed_quartiles(result):
    printed = load_study_tables().levels
    for row in table(result / "groups.csv"):
        if row["group"] != "all":
            cell = printed[row["level"]][row["quantity"]][row["group"]]
            assert cell.q1 < number(row, "median") < cell.q3


@pytest.mark.parametrize("variable", ["age", "bmi", "bmd", "bmd_neck", "t_score", "days_ct_dxa"])
def test_characteristics_are_compared_by_the_test_that_shapiro_allows(result, cases, groups, variable):
    samples = [column(cases, variable)[groups == group] for group in GROUPS]
    normal = all(stats.shapiro(sample).pvalue > 0.05 for sample in samples)
    expected = stats.f_oneway(*samples) if normal else stats.kruskal(*samples)
    rows = rows_where(result / "characteristics.csv", variable=variable)
    assert {row["test"] for row in rows} == {"ANOVA" if normal else "Kruskal–Wallis"}
    assert {row["reported_as"] for row in rows} == {"mean ± SD" if normal else "median (Q1, Q3)"}
    assert (number(rows[0], "statistic"), number(rows[0], "p")) == CLOSE(tuple(expected), rel=1e-9)
    assert column(rows[1:], "mean") == CLOSE([sample.mean() for sample in samples], rel=1e-12)


def test_sexes_are_counted_and_compared_as_in_scipy(result, cases, groups):
    sexes = np.array([row["sex"] for row in cases])
    counts = [[int(((sexes == sex) & (groups == group)).sum()) for group in GROUPS] for sex in ("male", "female")]
    expected = stats.chi2_contingency(counts, correction=False)
    for sex, own in zip(("male", "female"), counts, strict=True):
        rows = rows_where(result / "characteristics.csv", variable="sex", category=sex)
        assert [int(row["count"]) for row in rows] == [sum(own), *own]
        assert (number(rows[0], "statistic"), number(rows[0], "p")) == CLOSE(tuple(expected[:2]), rel=1e-9)


def friedman_pairs(columns: list[np.ndarray]) -> list[float]:
    """Return z of each pair by the mean ranks, for rows with ties."""
    ranks = stats.rankdata(np.column_stack(columns), axis=1)
    n, k = ranks.shape
    ties = sum(t**3 - t for row in ranks for t in np.unique(row, return_counts=True)[1])
    error = math.sqrt(k * (k + 1) / (6 * n) * (1 - ties / (n * (k**3 - k))))
    return [(a - b) / error for a, b in combinations(ranks.mean(axis=0), 2)]


@pytest.mark.parametrize(
    ("name", "key", "of", "across"),
    [("between_rois", "level", ("L1–L4", *MEAN_LEVELS), ROIS), ("between_levels", "roi", ROIS, MEAN_LEVELS)],
)
def test_regions_and_levels_are_compared_as_in_scipy(result, cases, name, key, of, across):
    for one in of:
        pick = (lambda other, one=one: (one, other)) if key == "level" else (lambda other, one=one: (other, one))
        columns = [values_of(cases, *pick(other)) for other in across]
        rows = rows_where(result / f"{name}.csv", **{key: one})
        paired, unpaired = stats.friedmanchisquare(*columns), stats.kruskal(*columns)
        assert (number(rows[0], "statistic"), number(rows[0], "p")) == CLOSE(tuple(paired), rel=1e-9)
        assert (number(rows[1], "statistic"), number(rows[1], "p")) == CLOSE(tuple(unpaired), rel=1e-9)
        assert (rows[0]["test"], rows[0]["paired"], rows[1]["paired"]) == ("Friedman", "true", "false")
        assert "as in the study" in rows[1]["test"]
        z = friedman_pairs(columns)
        assert column(rows[2:], "statistic") == CLOSE(np.array(z), rel=1e-9)
        assert column(rows[2:], "p_corrected") == CLOSE(holm(2 * stats.norm.sf(np.abs(z))), rel=1e-9)


def correlation_interval(rho: float, n: int) -> tuple[float, float]:
    reach = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach)


def test_correlations_match_scipy_with_the_interval_of_bonett_and_wright(result, cases):
    rows = [("L1–L4", row) for row in table(result / "correlation.csv")]
    rows += [(row["level"], row) for row in table(result / "correlation_levels.csv") if row["density"] != "qct_mg_cc"]
    assert len(rows) == 25
    for level, row in rows:
        expected = stats.spearmanr(values_of(cases, level, row["roi"]), values_of(cases, level, "bmd"))
        reported = [number(row, name) for name in ("n", "rho", "p", "ci_low", "ci_high")]
        interval = correlation_interval(expected.statistic, 100)
        assert reported == CLOSE([100, expected.statistic, expected.pvalue, *interval], rel=1e-9)


def test_adjusted_correlations_are_those_of_the_rank_residuals(result, cases):
    sex = np.array([row["sex"] == "female" for row in cases], dtype=float)
    held = np.column_stack([np.ones(100), *(stats.rankdata(x) for x in (column(cases, "age"), sex))])

    def rest(values):
        ranks = stats.rankdata(values)
        return ranks - held @ np.linalg.lstsq(held, ranks, rcond=None)[0]

    for row in table(result / "correlation_adjusted.csv"):
        rho = np.corrcoef(rest(mean_hu(cases, row["roi"])), rest(column(cases, "bmd")))[0, 1]
        p = 2 * stats.t.sf(abs(rho) * math.sqrt(96 / (1 - rho**2)), 96)
        reported = [number(row, name) for name in ("rho", "p", "ci_low", "ci_high")]
        assert reported == CLOSE([rho, p, *correlation_interval(rho, 98)], rel=1e-8)
        assert row["adjusted_for"] == "age;sex"
