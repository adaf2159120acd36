"""Every kind of number in a cohort's tables, worked out again from the cohort's table by other programs."""

import math
from itertools import combinations

import numpy as np
import pytest
from headless.cohort_files import column, mean_hu, rows_where, table
from scipy import stats
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score, roc_curve
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.study_files import load_study_tables

LEVELS = (*MEAN_LEVELS, "L1–L4")
POSITIVE = {"osteoporosis": {"osteoporosis"}, "low_bmd": {"osteoporosis", "osteopenia"}}
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


def number(row: dict, name: str) -> float:
    return float(row[name])


def holm(p_values) -> np.ndarray:
    return multipletests(p_values, method="holm")[1]


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
def test_groups_are_described_and_compared_as_scipy_does(result, cases, groups, level):
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
            told = {
                (set(pair) - {name}).pop()
                for pair, p in zip(combinations(GROUPS, 2), corrected, strict=True)
                if name in pair and p < 0.05
            }
            assert set(filter(None, row["differs_from"].split(";"))) == told


def test_medians_lie_within_the_studys_printed_quartiles(result):
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
    assert {row["told_as"] for row in rows} == {"mean ± SD" if normal else "median (Q1, Q3)"}
    assert (number(rows[0], "statistic"), number(rows[0], "p")) == CLOSE(tuple(expected), rel=1e-9)
    assert column(rows[1:], "mean") == CLOSE([sample.mean() for sample in samples], rel=1e-12)


def test_sexes_are_counted_and_compared_as_scipy_does(result, cases, groups):
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
def test_regions_and_levels_are_compared_as_scipy_does(result, cases, name, key, of, across):
    for one in of:
        pick = (lambda other, one=one: (one, other)) if key == "level" else (lambda other, one=one: (other, one))
        columns = [values_of(cases, *pick(other)) for other in across]
        rows = rows_where(result / f"{name}.csv", **{key: one})
        paired, unpaired = stats.friedmanchisquare(*columns), stats.kruskal(*columns)
        assert (number(rows[0], "statistic"), number(rows[0], "p")) == CLOSE(tuple(paired), rel=1e-9)
        assert (number(rows[1], "statistic"), number(rows[1], "p")) == CLOSE(tuple(unpaired), rel=1e-9)
        assert (rows[0]["test"], rows[0]["paired"], rows[1]["paired"]) == ("Friedman", "true", "false")
        assert "as the study did it" in rows[1]["test"]
        z = friedman_pairs(columns)
        assert column(rows[2:], "statistic") == CLOSE(np.array(z), rel=1e-9)
        assert column(rows[2:], "p_corrected") == CLOSE(holm(2 * stats.norm.sf(np.abs(z))), rel=1e-9)


def correlation_interval(rho: float, n: int) -> tuple[float, float]:
    reach = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach)


def test_correlations_are_scipys_with_the_interval_of_bonett_and_wright(result, cases):
    rows = [("L1–L4", row) for row in table(result / "correlation.csv")]
    rows += [(row["level"], row) for row in table(result / "correlation_levels.csv")]
    assert len(rows) == 25
    for level, row in rows:
        expected = stats.spearmanr(values_of(cases, level, row["roi"]), values_of(cases, level, "bmd"))
        told = [number(row, name) for name in ("n", "rho", "p", "ci_low", "ci_high")]
        interval = correlation_interval(expected.statistic, 100)
        assert told == CLOSE([100, expected.statistic, expected.pvalue, *interval], rel=1e-9)


def test_adjusted_correlations_are_those_of_what_is_left_of_the_ranks(result, cases):
    sex = np.array([row["sex"] == "female" for row in cases], dtype=float)
    held = np.column_stack([np.ones(100), *(stats.rankdata(x) for x in (column(cases, "age"), sex))])

    def rest(values):
        ranks = stats.rankdata(values)
        return ranks - held @ np.linalg.lstsq(held, ranks, rcond=None)[0]

    for row in table(result / "correlation_adjusted.csv"):
        rho = np.corrcoef(rest(mean_hu(cases, row["roi"])), rest(column(cases, "bmd")))[0, 1]
        p = 2 * stats.t.sf(abs(rho) * math.sqrt(96 / (1 - rho**2)), 96)
        told = [number(row, name) for name in ("rho", "p", "ci_low", "ci_high")]
        assert told == CLOSE([rho, p, *correlation_interval(rho, 98)], rel=1e-8)
        assert row["adjusted_for"] == "age;sex"


def brute_covariance(columns: list[np.ndarray], positive: np.ndarray) -> np.ndarray:
    """Return DeLong's covariance from every pair of a positive and a negative case."""
    kernels = [
        (hu[positive][:, None] < hu[~positive][None, :]) + 0.5 * (hu[positive][:, None] == hu[~positive][None, :])
        for hu in columns
    ]
    by_positive = np.cov([kernel.mean(axis=1) for kernel in kernels])
    by_negative = np.cov([kernel.mean(axis=0) for kernel in kernels])
    return by_positive / positive.sum() + by_negative / (~positive).sum()


@pytest.mark.parametrize("target", POSITIVE)
def test_areas_and_their_differences_are_scikit_learns_with_delongs_covariance(result, cases, groups, target):
    positive = np.isin(groups, list(POSITIVE[target]))
    columns = [mean_hu(cases, roi) for roi in ROIS]
    covariance = brute_covariance(columns, positive)
    areas = [roc_auc_score(positive, -hu) for hu in columns]
    z95 = stats.norm.ppf(0.975)
    for index, row in enumerate(rows_where(result / "roc.csv", target=target)):
        area, error = areas[index], math.sqrt(covariance[index, index])
        logit, reach = math.log(area / (1 - area)), z95 * error / (area * (1 - area))
        ends = [1 / (1 + math.exp(-(logit + sign * reach))) for sign in (-1, 1)]
        assert row["roi"] == ROIS[index]
        assert [number(row, name) for name in ("auc", "ci_low", "ci_high")] == CLOSE([area, *ends], rel=1e-9)
        assert (int(row["n_positive"]), int(row["n_negative"])) == (positive.sum(), (~positive).sum())
    rows = rows_where(result / "roc_differences.csv", target=target)
    z = []
    for (i, j), row in zip(combinations(range(5), 2), rows, strict=True):
        error = math.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        z.append((areas[i] - areas[j]) / error)
        assert number(row, "difference") == CLOSE(areas[i] - areas[j], abs=1e-12)
        assert number(row, "ci_high") - number(row, "ci_low") == CLOSE(2 * z95 * error, rel=1e-9)
    assert column(rows, "z") == CLOSE(np.array(z), rel=1e-7)
    assert column(rows, "p_corrected") == CLOSE(holm(2 * stats.norm.sf(np.abs(z))), rel=1e-7)


@pytest.mark.parametrize("target", POSITIVE)
def test_cutoffs_have_the_greatest_youden_index_that_scikit_learn_finds(result, cases, groups, target):
    positive = np.isin(groups, list(POSITIVE[target]))
    for row in rows_where(result / "roc.csv", target=target):
        hu, cutoff = mean_hu(cases, row["roi"]), number(row, "cutoff_hu")
        false_rate, true_rate, _ = roc_curve(positive, -hu)
        found = hu <= cutoff if target == "osteoporosis" else hu < cutoff
        assert number(row, "youden") == CLOSE((true_rate - false_rate).max(), rel=1e-12)
        assert number(row, "sensitivity") == CLOSE(found[positive].mean(), rel=1e-12)
        assert number(row, "specificity") == CLOSE((~found[~positive]).mean(), rel=1e-12)
        assert (int(row["true_positive"]), int(row["true_negative"])) == (
            (found & positive).sum(),
            (~found & ~positive).sum(),
        )
        assert number(row, "cutoff_low") <= cutoff <= number(row, "cutoff_high")
        (told,) = rows_where(result / "cutoff_accuracy.csv", target=target, roi=row["roi"])
        for share, count, total in (
            ("sensitivity", found[positive].sum(), positive.sum()),
            ("specificity", (~found[~positive]).sum(), (~positive).sum()),
        ):
            interval = proportion_confint(count, total, method="wilson")
            assert [number(told, f"{share}_{end}") for end in ("low", "high")] == CLOSE(list(interval), rel=1e-9)


def test_intervals_and_optimism_are_those_of_another_bootstrap(result, cases, groups):
    positive = groups == "osteoporosis"
    hu = mean_hu(cases, "round")
    rng = np.random.default_rng(99)
    cutoffs, optimism = [], []
    for _ in range(1500):
        drawn = np.concatenate([rng.choice(np.flatnonzero(side), side.sum()) for side in (positive, ~positive)])
        false_rate, true_rate, thresholds = roc_curve(positive[drawn], -hu[drawn], drop_intermediate=False)
        best = np.flatnonzero(true_rate - false_rate >= (true_rate - false_rate).max() - 1e-12)[-1]
        here = -thresholds[best]
        above = np.unique(hu[drawn])[np.unique(hu[drawn]) > here]
        cutoffs.append((here + above[0]) / 2 if above.size else here)
        optimism.append(true_rate[best] - (hu[positive] <= cutoffs[-1]).mean())
    (row,) = rows_where(result / "roc.csv", target="osteoporosis", roi="round")
    (told,) = rows_where(result / "cutoff_accuracy.csv", target="osteoporosis", roi="round")
    expected = np.quantile(cutoffs, (0.025, 0.975))
    assert (number(row, "cutoff_low"), number(row, "cutoff_high")) == CLOSE(tuple(expected), abs=6)
    assert number(told, "optimism_of_sensitivity") == CLOSE(np.mean(optimism), abs=0.012)
    corrected = number(row, "sensitivity") - number(told, "optimism_of_sensitivity")
    assert number(told, "corrected_sensitivity") == CLOSE(corrected, rel=1e-12)


def test_predictive_values_follow_from_bayes_at_the_stated_prevalence(result):
    rows = table(result / "predictive.csv")
    assert {row["target"]: number(row, "prevalence") for row in rows} == {"osteoporosis": 0.2, "low_bmd": 0.6}
    for row in rows:
        (roc,) = rows_where(result / "roc.csv", target=row["target"], roi=row["roi"])
        found, spared, share = (float(x) for x in (roc["sensitivity"], roc["specificity"], row["prevalence"]))
        ppv = found * share / (found * share + (1 - spared) * (1 - share))
        npv = spared * (1 - share) / (spared * (1 - share) + (1 - found) * share)
        assert (number(row, "ppv"), number(row, "npv")) == CLOSE((ppv, npv), rel=1e-12)
        # Mercaldo's standard error of the logit of PPV, from the counts.
        tp, tn, n, m = (int(roc[x]) for x in ("true_positive", "true_negative", "n_positive", "n_negative"))
        reach = stats.norm.ppf(0.975) * math.sqrt((1 - tp / n) / tp + (tn / m) / (m - tn))
        ends = [1 / (1 + math.exp(-(math.log(ppv / (1 - ppv)) + sign * reach))) for sign in (-1, 1)]
        assert [number(row, "ppv_low"), number(row, "ppv_high")] == CLOSE(ends, rel=1e-9)


def test_classes_agree_with_dxa_as_scikit_learn_counts(result, cases, groups):
    rows = table(result / "class_agreement.csv")
    assert [row["cutoffs"] for row in rows] == ["Shanghai 2022"] * 5 + ["this cohort"] * 5
    shipped = load_cutoffs().cutoffs.rois
    for row in rows:
        roi, hu = row["roi"], mean_hu(cases, row["roi"])
        low, high = shipped[roi].osteoporosis.cutoff_hu, shipped[roi].normal.cutoff_hu
        if row["cutoffs"] == "this cohort":
            low, high = (
                number(rows_where(result / "roc.csv", target=target, roi=roi)[0], "cutoff_hu") for target in POSITIVE
            )
        classes = np.where(hu <= low, "osteoporosis", np.where(hu >= high, "normal", "osteopenia"))
        counts = confusion_matrix(groups, classes, labels=list(GROUPS))
        told = [int(row[f"dxa_{group}_class_{found}"]) for group in GROUPS for found in GROUPS]
        assert told == counts.ravel().tolist()
        for name, weights in (("kappa", None), ("linear_kappa", "linear")):
            expected = cohen_kappa_score(groups, classes, labels=list(GROUPS), weights=weights)
            assert number(row, name) == CLOSE(expected, rel=1e-9)
            assert number(row, f"{name}_low") < expected < number(row, f"{name}_high")


def test_the_studys_cutoffs_are_counted_on_the_cohort(result, cases, groups):
    shipped = load_cutoffs().cutoffs.rois
    for row in table(result / "study_cutoffs.csv"):
        hu, positive = mean_hu(cases, row["roi"]), np.isin(groups, list(POSITIVE[row["target"]]))
        pair = shipped[row["roi"]]
        published = pair.osteoporosis if row["target"] == "osteoporosis" else pair.normal
        found = hu <= published.cutoff_hu if row["target"] == "osteoporosis" else hu < published.cutoff_hu
        counts = [(found & positive).sum(), (~found & positive).sum(), (~found & ~positive).sum()]
        assert [int(row[name]) for name in ("true_positive", "false_negative", "true_negative")] == counts
        if published.sensitivity:
            theirs = published.sensitivity.count / published.sensitivity.total
            assert number(row, "source_sensitivity") == CLOSE(theirs, rel=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_two_readers_agree_as_the_analysis_of_variance_says(example_cohort, result, level):
    readings = table(example_cohort / "synthetic-readings.csv")
    for roi in ROIS:
        levels = MEAN_LEVELS if level == "L1–L4" else (level,)
        hu = {}
        for row in readings:
            if row["roi"] == roi and row["level"] in levels:
                hu.setdefault((row["case"], row["reader"]), []).append(float(row["mean_hu"]))
        names = list(dict.fromkeys(case for case, _ in hu))
        both = np.array([[np.mean(hu[case, f"synthetic-{reader}"]) for reader in "AB"] for case in names])
        n, k = both.shape
        grand = both.mean()
        of_rows = k * ((both.mean(axis=1) - grand) ** 2).sum() / (n - 1)
        of_columns = n * ((both.mean(axis=0) - grand) ** 2).sum() / (k - 1)
        rest = ((both - both.mean(axis=1, keepdims=True) - both.mean(axis=0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
        (row,) = rows_where(result / "agreement.csv", level=level, roi=roi, split="all")
        icc_2 = (of_rows - rest) / (of_rows + (k - 1) * rest + k * (of_columns - rest) / n)
        icc_3 = (of_rows - rest) / (of_rows + (k - 1) * rest)
        assert (number(row, "icc_2_1"), number(row, "icc_3_1")) == CLOSE((icc_2, icc_3), rel=1e-9)
        differences = both[:, 0] - both[:, 1]
        low, high = stats.t.interval(0.95, n - 1, differences.mean(), stats.sem(differences))
        told = [number(row, name) for name in ("bias_hu", "bias_low", "bias_high")]
        assert told == CLOSE([differences.mean(), low, high], rel=1e-9, abs=1e-9)
        limit = differences.mean() + stats.norm.ppf(0.975) * differences.std(ddof=1)
        assert number(row, "upper_limit_hu") == CLOSE(limit, rel=1e-9)
        rms_sd = math.sqrt((both.std(axis=1, ddof=1) ** 2).mean())
        told = [number(row, name) for name in ("rms_sd_hu", "lsc_hu", "cv_percent", "rms_sd_low")]
        low = rms_sd * math.sqrt(n / stats.chi2.ppf(0.975, n))
        assert told == CLOSE([rms_sd, 2.77 * rms_sd, 100 * rms_sd / grand, low], rel=1e-9)
