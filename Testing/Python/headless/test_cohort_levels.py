"""What lumbarhu cohort reports of each level and of other references, computed again by other programs."""

import math
from itertools import combinations

import numpy as np
import pytest
from headless.cohort_files import CLOSE, brute_covariance, column, holm, mean_hu, number, rows_where, table
from lifelines.utils import concordance_index
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score, roc_curve
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff
from statsmodels.stats.proportion import proportion_confint

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs

PLACES = ("L1–L4", *MEAN_LEVELS)
TARGETS = ("osteoporosis", "low_bmd", "qct_osteoporosis", "qct_low_bmd", "fracture")
Z95 = stats.norm.ppf(0.975)


@pytest.fixture(scope="module")
def result(example_cohort):
    return example_cohort / "result"


@pytest.fixture(scope="module")
def cases(example_cohort) -> list[dict]:
    return table(example_cohort / "synthetic-cohort.csv")


def hu_of(cases, place, roi):
    return mean_hu(cases, roi) if place == "L1–L4" else column(cases, f"hu_{place}_{roi}")


def positive(cases, target):
    """Return which cases are positive for a target."""
    groups = np.array([row["group"] for row in cases])
    density = column(cases, "qct_mg_cc")
    return {
        "osteoporosis": groups == "osteoporosis",
        "low_bmd": groups != "normal",
        "qct_osteoporosis": density < 80,
        "qct_low_bmd": density <= 120,
        "fracture": column(cases, "outcome") == 1,
    }[target]


def is_found(hu, cutoff, target):
    return hu < cutoff if target.endswith("low_bmd") else hu <= cutoff


def row_of(result, name, place, **wanted):
    """Return a row of a table of the mean, or of that by level."""
    if place == "L1–L4":
        (row,) = rows_where(result / f"{name}.csv", **wanted)
    else:
        (row,) = rows_where(result / f"{name}_levels.csv", level=place, **wanted)
    return row


def test_the_tables_by_level_have_the_columns_of_the_mean_with_the_level_after_the_region(result):
    for name in ("roc", "cutoff_accuracy", "predictive"):
        mean_header, level_header = (
            (result / f"{name}{of}.csv").read_text(encoding="utf-8").partition("\n")[0] for of in ("", "_levels")
        )
        assert level_header == mean_header.replace("roi,", "roi,level,", 1)
    for name in ("class_agreement", "study_cutoffs"):
        mean_header, level_header = (
            (result / f"{name}{of}.csv").read_text(encoding="utf-8").partition("\n")[0] for of in ("", "_levels")
        )
        assert level_header == f"{mean_header.replace('roi,', 'roi,level,', 1)},note"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("place", PLACES)
def test_areas_cutoffs_and_their_accuracy_match_scikit_learn(result, cases, place, target):
    is_positive = positive(cases, target)
    columns = [hu_of(cases, place, roi) for roi in ROIS]
    covariance = brute_covariance(columns, is_positive)
    for index, roi in enumerate(ROIS):
        row, hu = row_of(result, "roc", place, target=target, roi=roi), columns[index]
        area, error = roc_auc_score(is_positive, -hu), math.sqrt(covariance[index, index])
        logit, reach = math.log(area / (1 - area)), Z95 * error / (area * (1 - area))
        ends = [1 / (1 + math.exp(-(logit + sign * reach))) for sign in (-1, 1)]
        assert [number(row, name) for name in ("auc", "ci_low", "ci_high")] == CLOSE([area, *ends], rel=1e-9)
        false_rate, true_rate, _ = roc_curve(is_positive, -hu)
        found = is_found(hu, number(row, "cutoff_hu"), target)
        assert number(row, "youden") == CLOSE((true_rate - false_rate).max(), rel=1e-9)
        reported = [number(row, name) for name in ("sensitivity", "specificity", "n_positive", "n_negative")]
        shares = [found[is_positive].mean(), (~found[~is_positive]).mean()]
        assert reported == CLOSE([*shares, is_positive.sum(), (~is_positive).sum()], rel=1e-12)
        at = row_of(result, "cutoff_accuracy", place, target=target, roi=roi)
        interval = proportion_confint(found[is_positive].sum(), is_positive.sum(), method="wilson")
        assert [number(at, f"sensitivity_{end}") for end in ("low", "high")] == CLOSE(list(interval), rel=1e-9)
        optimism = number(at, "optimism_of_specificity")
        corrected = min(1.0, max(0.0, shares[1] - optimism))
        assert number(at, "corrected_specificity") == CLOSE(corrected, abs=1e-12)


@pytest.mark.parametrize("target", ["osteoporosis", "fracture"])
def test_levels_are_compared_by_delongs_paired_test_with_holm_over_the_table(result, cases, target):
    is_positive = positive(cases, target)
    every = table(result / "roc_differences_levels.csv")
    assert column(every, "p_corrected") == CLOSE(holm(column(every, "p")), rel=1e-9)
    for roi in ROIS:
        rows = rows_where(result / "roc_differences_levels.csv", target=target, roi=roi)
        places = [*MEAN_LEVELS, "L1–L4"]
        columns = [hu_of(cases, place, roi) for place in places]
        covariance = brute_covariance(columns, is_positive)
        areas = [roc_auc_score(is_positive, -hu) for hu in columns]
        for (i, j), row in zip(combinations(range(5), 2), rows, strict=True):
            assert (row["first"], row["second"], row["n"]) == (places[i], places[j], "100")
            error = math.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
            z = (areas[i] - areas[j]) / error
            reported = [number(row, name) for name in ("difference", "z", "p")]
            assert reported == CLOSE([areas[i] - areas[j], z, 2 * stats.norm.sf(abs(z))], rel=1e-7, abs=1e-12)


def test_level_correlations_with_density_match_scipy_and_the_study(result, cases):
    rows = [row for row in table(result / "correlation_levels.csv") if row["density"].startswith("bmd")]
    assert [(row["level"], row["roi"], row["density"]) for row in rows] == [
        (level, roi, f"bmd_{level}") for level in MEAN_LEVELS for roi in ROIS
    ]
    for row in rows:
        expected = stats.spearmanr(hu_of(cases, row["level"], row["roi"]), column(cases, row["density"]))
        assert (number(row, "rho"), number(row, "p")) == CLOSE((expected.statistic, expected.pvalue), rel=1e-9)
        assert expected.statistic > 0.75  # “all r > 0.75” (Fig. 4)
    every = table(result / "correlation_levels.csv")
    assert column(every, "p_corrected") == CLOSE(holm(column(every, "p")), rel=1e-9)
    assert {row["correction"] for row in every} == {"Holm"}


def test_quantitative_ct_correlates_as_scipy_says_at_every_level_and_with_the_mean(result, cases):
    rows = rows_where(result / "correlation_levels.csv", density="qct_mg_cc")
    assert len(rows) == 25
    for row in rows:
        expected = stats.spearmanr(hu_of(cases, row["level"], row["roi"]), column(cases, "qct_mg_cc"))
        assert number(row, "rho") == CLOSE(expected.statistic, rel=1e-9)


def test_partial_correlations_are_those_of_regressed_ranks(result, cases):
    sex = np.array([row["sex"] == "female" for row in cases], float)
    held = np.column_stack([np.ones(100), stats.rankdata(column(cases, "age")), stats.rankdata(sex)])

    def rest(values):
        ranks = stats.rankdata(values)
        return ranks - held @ np.linalg.lstsq(held, ranks, rcond=None)[0]

    rows = table(result / "correlation_levels_adjusted.csv")
    assert len(rows) == 45
    for row in rows:
        first, second = rest(hu_of(cases, row["level"], row["roi"])), rest(column(cases, row["density"]))
        rho = stats.pearsonr(first, second).statistic
        p = 2 * stats.t.sf(abs(rho) * math.sqrt(96 / (1 - rho**2)), 96)
        assert (row["adjusted_for"], row["n"]) == ("age;sex", "100")
        assert (number(row, "rho"), number(row, "p")) == CLOSE((rho, p), rel=1e-9)
    assert column(rows, "p_corrected") == CLOSE(holm(column(rows, "p")), rel=1e-9)


def test_the_studys_cutoffs_applied_to_a_level_are_counted_and_labeled(result, cases):
    shipped = load_cutoffs().cutoffs.rois
    rows = table(result / "study_cutoffs_levels.csv")
    assert len(rows) == 4 * 5 * 5
    for row in rows:
        pair = shipped[row["roi"]]
        cutoff = pair.normal if row["target"].endswith("low_bmd") else pair.osteoporosis
        is_positive = positive(cases, row["target"])
        found = is_found(hu_of(cases, row["level"], row["roi"]), cutoff.cutoff_hu, row["target"])
        assert int(row["true_positive"]) == (found & is_positive).sum()
        assert int(row["true_negative"]) == (~found & ~is_positive).sum()
        assert row["note"] == f"cutoff for the mean over L1–L4, applied to {row['level']}"
        has_source = row["target"] in ("osteoporosis", "low_bmd") and cutoff.sensitivity is not None
        assert bool(row["source_sensitivity"]) == has_source


def test_classes_on_a_level_agree_with_dxa_as_scikit_learn_counts(result, cases):
    groups = [row["group"] for row in cases]
    shipped = load_cutoffs().cutoffs.rois
    rows = table(result / "class_agreement_levels.csv")
    by_study = [(row["roi"], row["level"]) for row in rows if row["cutoffs"] == "Shanghai 2022"]
    assert by_study == [(roi, level) for level in MEAN_LEVELS for roi in ROIS]
    low, high = (
        {
            (row["roi"], row["level"]): number(row, "cutoff_hu")
            for row in rows_where(result / "roc_levels.csv", target=target)
        }
        for target in ("osteoporosis", "low_bmd")
    )
    by_own = {(row["roi"], row["level"]) for row in rows if row["cutoffs"] == "this cohort"}
    assert by_own == {place for place in by_study if low[place] < high[place]}
    for row in rows:
        is_own = row["cutoffs"] == "this cohort"
        low, high = shipped[row["roi"]].osteoporosis.cutoff_hu, shipped[row["roi"]].normal.cutoff_hu
        if is_own:
            low, high = (
                number(row_of(result, "roc", row["level"], target=target, roi=row["roi"]), "cutoff_hu")
                for target in ("osteoporosis", "low_bmd")
            )
        hu = hu_of(cases, row["level"], row["roi"])
        classes = np.where(hu <= low, "osteoporosis", np.where(hu >= high, "normal", "osteopenia"))
        assert number(row, "kappa") == CLOSE(cohen_kappa_score(groups, classes, labels=list(GROUPS)), rel=1e-9)
        assert (row["note"] == "") == is_own


def test_predictive_values_on_a_level_follow_from_bayes(result):
    rows = table(result / "predictive_levels.csv")
    assert {(row["target"], row["prevalence"]) for row in rows} == {("osteoporosis", "0.2"), ("low_bmd", "0.6")}
    for row in rows:
        at = row_of(result, "roc", row["level"], target=row["target"], roi=row["roi"])
        found, spared, share = number(at, "sensitivity"), number(at, "specificity"), number(row, "prevalence")
        ppv = found * share / (found * share + (1 - spared) * (1 - share))
        assert number(row, "ppv") == CLOSE(ppv, rel=1e-12)


@pytest.mark.parametrize("place", PLACES)
def test_survival_results_match_lifelines_and_statsmodels(result, cases, place):
    days, events = column(cases, "outcome_days"), column(cases, "outcome")
    sex = np.array([row["sex"] == "female" for row in cases], float)
    for roi in ROIS:
        hu = hu_of(cases, place, roi)
        (row,) = rows_where(result / "survival_concordance.csv", level=place, roi=roi)
        assert (row["outcome"], row["n"], int(row["events"])) == ("fracture", "100", events.sum())
        assert number(row, "c") == CLOSE(concordance_index(days, hu, events), abs=1e-9)
        ratios = rows_where(result / "survival_hazard_ratios.csv", level=place, roi=roi)
        assert [row["adjusted_for"] for row in ratios] == ["", "age;sex"]
        for row, held in zip(ratios, ({}, {"age": column(cases, "age"), "sex": sex}), strict=True):
            columns = np.column_stack([-(hu - hu.mean()) / hu.std(ddof=1), *held.values()])
            model = PHReg(days, columns, status=events, ties="efron")
            fitted = model.fit(method="newton", tol=1e-14, maxiter=200)
            ends = np.exp(fitted.params[0] + Z95 * fitted.bse[0] * np.array([-1, 0, 1]))
            assert [number(row, name) for name in ("ci_low", "hazard_ratio", "ci_high")] == CLOSE(list(ends), rel=1e-9)
            assert number(row, "p") == CLOSE(fitted.pvalues[0], rel=1e-9)
        for row in rows_where(result / "survival_log_rank.csv", level=place, roi=roi):
            is_low = hu <= number(row, "cutoff_hu")
            statistic, p = survdiff(days, events, is_low)
            assert (number(row, "chi_squared"), number(row, "p")) == CLOSE((statistic, p), rel=1e-9)
            assert (int(row["n_low"]), int(row["events_low"])) == (is_low.sum(), events[is_low].sum())
            if row["cutoff_source"] == "median":
                assert number(row, "cutoff_hu") == CLOSE(np.median(hu), rel=1e-12)
    for name in ("survival_hazard_ratios", "survival_log_rank"):
        rows = table(result / f"{name}.csv")
        assert column(rows, "p_corrected") == CLOSE(holm(column(rows, "p")), rel=1e-9)


def test_shares_without_the_outcome_match_a_count_by_hand(result, cases):
    days, events = column(cases, "outcome_days"), column(cases, "outcome")
    hu = hu_of(cases, "L2", "oval")
    rows = rows_where(result / "survival_curves.csv", level="L2", roi="oval")
    assert {row["side"] for row in rows} == {"at or below", "above"}
    for row in rows:
        is_side = (hu <= number(row, "cutoff_hu")) == (row["side"] == "at or below")
        until, share = number(row, "days"), 1.0
        for day in np.unique(days[is_side & (events == 1)]):
            if day <= until:
                share *= 1 - (is_side & (events == 1) & (days == day)).sum() / (is_side & (days >= day)).sum()
        assert number(row, "survival") == CLOSE(share, rel=1e-12)
        assert int(row["at_risk"]) == (is_side & (days >= until)).sum()
        assert number(row, "ci_low") <= share <= number(row, "ci_high")


def test_the_summary_names_the_levels_the_references_and_the_direction(result):
    page = (result / "summary.html").read_text(encoding="utf-8")
    for part in (
        "over the vertebrae L1–L4 and of the single vertebrae L1, L2, L3 and L4",
        "grouped by dual-energy X-ray absorptiometry",
        "Quantitative CT was a second reference",
        "The outcome was fracture",
        "It was assumed beforehand that low HU indicate the target",
        "for the mean over L1–L4; the study has no cutoffs for single levels",
        "were corrected by Holm",
    ):
        assert part in page
    for title in (
        "ROC curves and cutoffs, by level",
        "Fracture over time",
        "From the table to the analysis",
    ):
        assert f"<h2>{title}</h2>" in page
