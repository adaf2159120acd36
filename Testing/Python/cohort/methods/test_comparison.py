"""All pairs of methods compared: each table against statsmodels, scikit-learn, scipy or a formula."""

import numpy as np
import pytest
from headless.cohort_files import brute_covariance, holm
from scipy.stats import norm, ttest_rel
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score
from statsmodels.api import OLS, add_constant
from statsmodels.stats.inter_rater import cohens_kappa

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.methods.comparison import ComparisonOptions, compare
from LumbarHULib.cohort.methods.deming import deming
from LumbarHULib.cohort.methods.figures import figures_of_comparison
from LumbarHULib.cohort.methods.measured import MeasuredMethod, MeasuredMethods
from LumbarHULib.cohort.methods.method import parse_method
from LumbarHULib.cohort.methods.passing_bablok import passing_bablok
from LumbarHULib.core.classification import classify
from LumbarHULib.core.cutoffs import Cutoff, RoiCutoffs
from LumbarHULib.core.errors import InputError

CUTOFFS = RoiCutoffs(Cutoff(90.0), Cutoff(140.0))
N = 60


def drawn(seed=1):
    """Return the HU at L1 of three methods, and the group of each case, with gaps and ties."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(115, 35, N)
    hu = {"round": truth + rng.normal(0, 6, N), "oval": 1.1 * truth - 6 + rng.normal(0, 6, N)}
    hu["left"] = np.round(truth + rng.normal(4, 12, N))
    hu["oval"][3] = hu["left"][[5, 7]] = np.nan
    groups = np.array(GROUPS)[np.digitize(-truth - rng.normal(0, 20, N), [-135, -95])]
    return hu, tuple(groups)


def measured_methods(hu, groups=(), cutoffs=CUTOFFS, levels="L1", **more):
    methods = tuple(
        MeasuredMethod(parse_method(f"{region}@{levels}"), {levels: values}, "table.csv", cutoffs, "ours")
        for region, values in hu.items()
    )
    n = len(next(iter(hu.values())))
    groups = groups or ("",) * n
    return MeasuredMethods(Cohort("c", tuple(f"c{i}" for i in range(n)), {}, groups, **more), methods)


@pytest.fixture(scope="module")
def hu():
    return drawn()[0]


@pytest.fixture(scope="module")
def comparison():
    return compare(measured_methods(*drawn()), ComparisonOptions())


PAIRS = (("round", "oval"), ("round", "left"), ("oval", "left"))


def rows_of(comparison, name, **wanted):
    return {(row["first"][:-3], row["second"][:-3]): row for row in comparison.tables[name].records(**wanted)}


def both(hu, pair):
    x, y = hu[pair[0]], hu[pair[1]]
    known = ~np.isnan(x) & ~np.isnan(y)
    return x[known], y[known]


def test_every_pair_is_compared_on_the_cases_that_have_both(comparison):
    rows = rows_of(comparison, "bland_altman")
    assert tuple(rows) == PAIRS
    assert [(row["n"], row["left_out"]) for row in rows.values()] == [(59, 1), (58, 2), (57, 3)]
    cases = [row["case"] for row in comparison.tables["pairs"].records(first="oval@L1", second="left@L1")]
    assert cases == [f"c{i}" for i in range(N) if i not in (3, 5, 7)]


@pytest.mark.parametrize("pair", PAIRS)
def test_bias_limits_and_slope_are_those_of_statsmodels_and_the_formula(comparison, hu, pair):
    x, y = both(hu, pair)
    row = rows_of(comparison, "bland_altman")[pair]
    test = ttest_rel(x, y)
    assert (row["bias_hu"], row["p"]) == pytest.approx((np.mean(x - y), test.pvalue), rel=1e-9)
    assert (row["bias_low"], row["bias_high"]) == pytest.approx(tuple(test.confidence_interval()), rel=1e-9)
    sd = np.std(x - y, ddof=1)
    limits = np.mean(x - y) - norm.ppf(0.975) * sd, np.mean(x - y) + norm.ppf(0.975) * sd
    assert (row["lower_limit_hu"], row["upper_limit_hu"]) == pytest.approx(limits, rel=1e-9)
    line = OLS(x - y, add_constant((x + y) / 2)).fit()
    found = row["bias_slope"], row["bias_slope_low"], row["bias_slope_high"], row["bias_slope_p"]
    assert found == pytest.approx((line.params[1], *line.conf_int()[1], line.pvalues[1]), rel=1e-7)


def test_corrected_p_values_are_those_of_statsmodels_over_all_pairs(comparison):
    rows = list(comparison.tables["bland_altman"].records())
    for name in ("p", "bias_slope_p"):
        assert [row[f"{name}_corrected"] for row in rows] == pytest.approx(holm([row[name] for row in rows]), rel=1e-9)
    rows = list(comparison.tables["regression"].records(regression="Passing–Bablok"))
    found = [row["linearity_p_corrected"] for row in rows]
    assert found == pytest.approx(holm([row["linearity_p"] for row in rows]), rel=1e-9)
    rows = list(comparison.tables["roc_differences"].records())
    assert len(rows) == 6
    assert [row["p_corrected"] for row in rows] == pytest.approx(holm([row["p"] for row in rows]), rel=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_both_lines_are_those_of_the_second_method_against_the_first(comparison, hu, pair):
    for name, fit in (("Deming", deming), ("Passing–Bablok", passing_bablok)):
        row, line = rows_of(comparison, "regression", regression=name)[pair], fit(*both(hu, pair))
        assert (row["slope"], row["slope_low"]) == (line.slope.estimate, line.slope.low)
        assert (row["intercept_hu"], row["intercept_high"]) == (line.intercept.estimate, line.intercept.high)


@pytest.mark.parametrize("pair", PAIRS)
def test_agreement_of_classes_is_that_of_statsmodels_and_scikit_learn(comparison, hu, pair):
    row = rows_of(comparison, "class_agreement")[pair]
    classes = [[classify(value, CUTOFFS) for value in values] for values in both(hu, pair)]
    counts = confusion_matrix(*classes, labels=GROUPS)
    assert [[row[f"first_{a}_second_{b}"] for b in GROUPS] for a in GROUPS] == counts.tolist()
    for name, weights in (("kappa", None), ("linear_kappa", "linear")):
        assert row[name] == pytest.approx(cohen_kappa_score(*classes, labels=GROUPS, weights=weights), rel=1e-12)
        expected = cohens_kappa(counts, wt=weights, return_results=True)
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(
            (expected.kappa_low, min(1, expected.kappa_upp)), rel=1e-6
        )


@pytest.mark.parametrize(("target", "positive"), [("osteoporosis", GROUPS[2:]), ("low_bmd", GROUPS[1:])])
def test_areas_and_their_paired_differences_are_those_of_scikit_learn_and_delongs_pairs(
    comparison, hu, target, positive
):
    is_positive = np.isin(drawn()[1], positive)
    for region, values in hu.items():
        (row,) = comparison.tables["roc"].records(method=f"{region}@L1", target=target)
        known = ~np.isnan(values)
        assert row["auc"] == pytest.approx(roc_auc_score(is_positive[known], -values[known]), rel=1e-12)
    for pair, row in rows_of(comparison, "roc_differences", target=target).items():
        known = ~np.isnan(hu[pair[0]]) & ~np.isnan(hu[pair[1]])
        columns = [hu[region][known] for region in pair]
        covariance = brute_covariance(columns, is_positive[known])
        areas = [roc_auc_score(is_positive[known], -column) for column in columns]
        z = (areas[0] - areas[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        assert (row["difference"], row["z"]) == pytest.approx((areas[0] - areas[1], z), rel=1e-9)
        assert row["p"] == pytest.approx(2 * norm.sf(abs(z)), rel=1e-9)


def test_means_over_the_same_levels_use_the_levels_that_both_methods_have():
    cases = ("a", "b", "c", "d")
    round_hu = {"L1": np.array([100.0, 10, 20, 30]), "L2": np.array([200.0, 12, 22, 32])}
    oval_hu = {"L1": np.array([110.0, 11, 21, 31]), "L2": np.array([np.nan, 13, 23, 33])}
    methods = [
        MeasuredMethod(parse_method(f"{region}@L1-L2"), level_hu, "t")
        for region, level_hu in (("round", round_hu), ("oval", oval_hu))
    ]
    single = MeasuredMethod(parse_method("round@L1"), {"L1": round_hu["L1"]}, "t")
    cohort = Cohort("c", cases, {}, ("",) * 4, minimum_levels=1)
    measured = MeasuredMethods(cohort, (*methods, single))
    first, second = measured.pair(*methods)
    assert (first[0], second[0]) == (100, 110)  # L1 alone: oval has no L2 there
    assert first.tolist()[1:] == [11, 21, 31]
    assert measured.hu(methods[0])[0] == 150
    first, second = measured.pair(methods[0], single)
    assert (first[0], second[0]) == (150, 100)  # other levels are the comparison itself


def test_a_mean_needs_the_protocols_number_of_levels():
    level_hu = {"L1": np.array([100.0, 90]), "L2": np.array([np.nan, 80])}
    one = MeasuredMethod(parse_method("round@L1-L2"), level_hu, "t")
    measured = MeasuredMethods(Cohort("c", ("a", "b"), {}, ("", ""), minimum_levels=2), (one,))
    assert np.isnan(measured.hu(one)[0])
    assert measured.hu(one)[1] == 85


def test_the_ratio_of_errors_is_estimated_from_repeated_readings():
    rng = np.random.default_rng(6)
    truth = rng.normal(120, 40, 4000)
    methods = []
    for region, sd in (("round", 4.0), ("oval", 10.0)):
        readings = tuple(truth + rng.normal(0, sd, 4000) for _ in range(2))
        hu = {"L1": np.mean(readings, axis=0)}
        methods.append(MeasuredMethod(parse_method(f"{region}@L1"), hu, "t", repeated=readings))
    measured = MeasuredMethods(Cohort("c", tuple(map(str, range(4000))), {}, ("",) * 4000), tuple(methods))
    comparison = compare(measured, ComparisonOptions(None))
    (row,) = comparison.tables["regression"].records(regression="Deming")
    assert row["error_ratio"] == pytest.approx((10 / 4) ** 2, rel=0.1)
    assert row["error_ratio_source"] == "estimated from repeated readings"
    assert row["slope"] == pytest.approx(1, abs=0.01)
    assert "errors_assumed_equal" not in [finding.code for finding in comparison.findings]


def test_without_repeated_readings_the_ratio_is_a_gap_and_the_other_line_remains(hu):
    comparison = compare(measured_methods(hu), ComparisonOptions(None))
    assert {row["regression"] for row in comparison.tables["regression"].records()} == {"Passing–Bablok"}
    gaps = {row["analysis"]: row for row in comparison.tables["gaps"].records()}
    assert "has no repeated readings" in gaps["Deming regression"]["reason"]
    assert gaps["ROC curves"]["reason"] == "No case has a reference."


def test_a_given_ratio_needs_two_methods(hu):
    with pytest.raises(InputError, match="An error ratio of 2 is that of one pair, but 3 methods are compared"):
        compare(measured_methods(hu), ComparisonOptions(2.0))
    two = {region: hu[region] for region in ("round", "oval")}
    (row,) = compare(measured_methods(two), ComparisonOptions(2.0)).tables["regression"].records(regression="Deming")
    assert (row["error_ratio"], row["error_ratio_source"]) == (2, "given")
    assert row["slope"] == deming(*both(hu, ("round", "oval")), 2.0).slope.estimate


def test_only_methods_with_cutoffs_have_classes(hu):
    comparison = compare(measured_methods(hu, cutoffs=None), ComparisonOptions())
    assert comparison.tables["class_agreement"].rows == []
    (gap,) = [row for row in comparison.tables["gaps"].records() if row["analysis"] == "Agreement of classes"]
    assert gap["left_out"].count(" and ") == 3
    assert "has no cutoffs" in gap["reason"]


def test_a_constant_method_is_a_gap_of_its_lines_and_areas():
    values = {"round": np.linspace(50, 200, 20), "oval": np.full(20, 80.0)}
    groups = ("normal",) * 10 + ("osteoporosis",) * 10
    comparison = compare(measured_methods(values, groups), ComparisonOptions())
    reasons = {row["analysis"]: row["reason"] for row in comparison.tables["gaps"].records()}
    assert "The second method is 80 HU in every case" in reasons["Deming regression"]
    assert "The second method is 80 HU in every case" in reasons["Passing–Bablok regression"]
    assert "is 80 in every case" in reasons["ROC curves"]
    assert "kappa is not informative" in reasons["Agreement of classes"]
    assert len(comparison.tables["bland_altman"].rows) == 1


def test_identical_methods_have_no_difference_at_all():
    x = np.linspace(50, 200, 20)
    comparison = compare(measured_methods({"round": x, "oval": x.copy()}), ComparisonOptions())
    (row,) = comparison.tables["bland_altman"].records()
    assert (row["bias_hu"], row["sd_of_differences_hu"], row["p"], row["bias_slope"]) == (0, 0, 1, 0)
    (row,) = comparison.tables["class_agreement"].records()
    assert (row["agreeing"], row["kappa"]) == (20, 1)


def test_one_case_gives_gaps_instead_of_numbers():
    comparison = compare(measured_methods({"round": np.array([90.0]), "oval": np.array([95.0])}), ComparisonOptions())
    assert [len(comparison.tables[name].rows) for name in ("methods", "bland_altman", "regression")] == [2, 0, 0]
    reasons = {row["analysis"]: row["reason"] for row in comparison.tables["gaps"].records()}
    assert reasons["Bland–Altman"] == "A Bland–Altman analysis needs at least 3 complete cases, but there is 1."
    assert list(figures_of_comparison(comparison)) == []


@pytest.mark.parametrize(
    ("oval", "says"),
    [
        ([np.nan, np.nan, np.nan], "No case has HU of oval@L1 in “table.csv”"),
        ([np.nan, np.nan, 90.0], "No case has HU of two of the methods round@L1, oval@L1"),
    ],
)
def test_methods_without_a_common_case_are_refused(oval, says):
    with pytest.raises(InputError, match=says):
        compare(measured_methods({"round": np.array([80.0, 90, np.nan]), "oval": np.array(oval)}), ComparisonOptions())


def test_findings_name_proportional_bias_curved_relations_and_few_cases():
    x = np.linspace(40, 240, 80)
    wave = np.where(np.arange(80) % 2, 2.0, -2.0)
    values = {"round": x, "oval": 1.3 * x + wave, "left": x + 0.004 * (x - 140) ** 2 + wave}
    codes = {
        finding.code: finding.sentence for finding in compare(measured_methods(values), ComparisonOptions()).findings
    }
    assert set(codes) == {"proportional_bias", "not_linear", "errors_assumed_equal"}
    assert "round@L1 minus oval@L1 (-0.26 HU per HU)" in codes["proportional_bias"]
    assert "round@L1 and left@L1" in codes["not_linear"]
    assert "round@L1 and oval@L1" not in codes["not_linear"]
    few = compare(measured_methods({region: hu[:9] for region, hu in values.items()}), ComparisonOptions())
    assert "few_cases" in [finding.code for finding in few.findings]


def test_figures_draw_the_values_of_the_tables(comparison, hu):
    figures = {figure.name: figure for figure in figures_of_comparison(comparison)}
    assert list(figures) == ["bland_altman", "regression", "roc", "areas"]
    panel = figures["bland_altman"].panels[0]
    x, y = both(hu, ("round", "oval"))
    assert panel.title == "round\nminus oval"
    np.testing.assert_allclose(panel.series[0].y, x - y)
    assert panel.levels[0].y == pytest.approx(np.mean(x - y))
    panel = figures["regression"].panels[0]
    series = {one.role: one for one in panel.series}
    slope = np.diff(series["Deming"].y) / np.diff(series["Deming"].x)
    assert slope[0] == pytest.approx(deming(x, y).slope.estimate)
    assert panel.x_limits == panel.y_limits
    assert [interval.label for interval in figures["areas"].panels[0].intervals] == ["round", "oval", "left"]
    assert len({figure.name for figure in figures.values()}) == len(figures)
