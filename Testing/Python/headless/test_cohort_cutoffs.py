"""The cutoffs, classes and agreement of a cohort, computed again from the cohort's table by other programs."""

import math
from itertools import combinations

import numpy as np
import pytest
from headless.cohort_files import CLOSE, brute_covariance, column, holm, mean_hu, number, rows_where, table
from scipy import stats
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs

LEVELS = (*MEAN_LEVELS, "L1–L4")
POSITIVE = {"osteoporosis": {"osteoporosis"}, "low_bmd": {"osteoporosis", "osteopenia"}}


@pytest.fixture(scope="module")
def result(example_cohort):
    return example_cohort / "result"


@pytest.fixture(scope="module")
def cases(example_cohort) -> list[dict]:
    return table(example_cohort / "synthetic-cohort.csv")


@pytest.fixture(scope="module")
def groups(cases) -> np.ndarray:
    return np.array([row["group"] for row in cases])


@pytest.mark.parametrize("target", POSITIVE)
def test_areas_and_their_differences_match_scikit_learn_with_delongs_covariance(result, cases, groups, target):
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
        (reported,) = rows_where(result / "cutoff_accuracy.csv", target=target, roi=row["roi"])
        for share, count, total in (
            ("sensitivity", found[positive].sum(), positive.sum()),
            ("specificity", (~found[~positive]).sum(), (~positive).sum()),
        ):
            interval = proportion_confint(count, total, method="wilson")
            assert [number(reported, f"{share}_{end}") for end in ("low", "high")] == CLOSE(list(interval), rel=1e-9)


def test_intervals_and_optimism_match_a_second_bootstrap(result, cases, groups):
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
    (reported,) = rows_where(result / "cutoff_accuracy.csv", target="osteoporosis", roi="round")
    expected = np.quantile(cutoffs, (0.025, 0.975))
    assert (number(row, "cutoff_low"), number(row, "cutoff_high")) == CLOSE(tuple(expected), abs=6)
    assert number(reported, "optimism_of_sensitivity") == CLOSE(np.mean(optimism), abs=0.012)
    corrected = number(row, "sensitivity") - number(reported, "optimism_of_sensitivity")
    assert number(reported, "corrected_sensitivity") == CLOSE(corrected, rel=1e-12)


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
        reported = [int(row[f"dxa_{group}_class_{found}"]) for group in GROUPS for found in GROUPS]
        assert reported == counts.ravel().tolist()
        for name, weights in (("kappa", None), ("linear_kappa", "linear")):
            expected = cohen_kappa_score(groups, classes, labels=list(GROUPS), weights=weights)
            assert number(row, name) == CLOSE(expected, rel=1e-9)
            assert number(row, f"{name}_low") < expected < number(row, f"{name}_high")


def test_the_studys_cutoffs_are_counted_on_the_cohort(result, cases, groups):
    shipped = load_cutoffs().cutoffs.rois
    for row in (row for row in table(result / "study_cutoffs.csv") if row["target"] in POSITIVE):
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
        row_mean_square = k * ((both.mean(axis=1) - grand) ** 2).sum() / (n - 1)
        column_mean_square = n * ((both.mean(axis=0) - grand) ** 2).sum() / (k - 1)
        rest = ((both - both.mean(axis=1, keepdims=True) - both.mean(axis=0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
        (row,) = rows_where(result / "agreement.csv", level=level, roi=roi, split="all")
        icc_2 = (row_mean_square - rest) / (row_mean_square + (k - 1) * rest + k * (column_mean_square - rest) / n)
        icc_3 = (row_mean_square - rest) / (row_mean_square + (k - 1) * rest)
        assert (number(row, "icc_2_1"), number(row, "icc_3_1")) == CLOSE((icc_2, icc_3), rel=1e-9)
        differences = both[:, 0] - both[:, 1]
        low, high = stats.t.interval(0.95, n - 1, differences.mean(), stats.sem(differences))
        reported = [number(row, name) for name in ("bias_hu", "bias_low", "bias_high")]
        assert reported == CLOSE([differences.mean(), low, high], rel=1e-9, abs=1e-9)
        limit = differences.mean() + stats.norm.ppf(0.975) * differences.std(ddof=1)
        assert number(row, "upper_limit_hu") == CLOSE(limit, rel=1e-9)
        rms_sd = math.sqrt((both.std(axis=1, ddof=1) ** 2).mean())
        reported = [number(row, name) for name in ("rms_sd_hu", "lsc_hu", "cv_percent", "rms_sd_low")]
        low = rms_sd * math.sqrt(n / stats.chi2.ppf(0.975, n))
        assert reported == CLOSE([rms_sd, 2.77 * rms_sd, 100 * rms_sd / grand, low], rel=1e-9)
