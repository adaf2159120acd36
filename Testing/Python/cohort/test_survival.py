"""Hazard ratios, Kaplan–Meier curves and log-rank tests compared with statsmodels, a hand count and the output of R."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from lifelines.datasets import load_lung
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from LumbarHULib.cohort import survival
from LumbarHULib.cohort.survival import hazard_ratio, split_survival
from LumbarHULib.core.errors import InputError


@pytest.fixture(scope="module")
def lung():
    data = load_lung()
    return data.assign(status=data["status"] - data["status"].min())


@pytest.mark.parametrize("held", [(), ("sex",), ("sex", "ph.ecog")])
def test_hazard_ratios_match_statsmodels(lung, held):
    data = lung.dropna(subset=["age", "sex", "ph.ecog"])
    found = hazard_ratio(data["age"], data["time"], data["status"], {name: data[name] for name in held})
    score = -(data["age"] - data["age"].mean()) / data["age"].std()
    columns = np.column_stack([score, *(data[name] for name in held)])
    fitted = sm.PHReg(data["time"], columns, status=data["status"], ties="efron").fit(
        method="newton", tol=1e-14, maxiter=200
    )
    z95 = stats.norm.ppf(0.975)
    ends = [math.exp(fitted.params[0] + sign * z95 * fitted.bse[0]) for sign in (-1, 1)]
    reported = [found.estimate, found.low, found.high]
    assert reported == pytest.approx([math.exp(fitted.params[0]), *ends], rel=1e-9)
    assert found.p_value == pytest.approx(fitted.pvalues[0], rel=1e-9)
    assert (found.n, found.events) == (227, 164)
    assert found.adjusted_for == held


def test_the_log_rank_test_matches_the_output_of_r_for_the_lung_data(lung):
    # R: survdiff(Surv(time, status) ~ sex, lung) prints (O-E)^2/V 10.3267, p = 0.00131116, n 138 and 90, 112 and 53.
    found = split_survival(lung["sex"], lung["time"], lung["status"], 1.0)
    assert round(found.log_rank.statistic, 4) == 10.3267
    assert round(found.log_rank.p_value, 8) == 0.00131116
    assert (found.low.n, found.low.events, found.high.n, found.high.events) == (138, 112, 90, 53)


def test_curves_and_the_log_rank_test_match_statsmodels(lung):
    found = split_survival(lung["age"], lung["time"], lung["status"], 62.0)
    is_low = (lung["age"] <= 62).to_numpy()
    statistic, p = survdiff(lung["time"], lung["status"], is_low)
    assert (found.log_rank.statistic, found.log_rank.p_value) == pytest.approx((statistic, p), rel=1e-9)
    for curve, rows in ((found.low, is_low), (found.high, ~is_low)):
        expected = SurvfuncRight(lung["time"][rows], lung["status"][rows])
        at = np.searchsorted(curve.days, expected.surv_times)
        assert curve.days[at] == pytest.approx(expected.surv_times)
        assert curve.survival[at] == pytest.approx(expected.surv_prob, rel=1e-12)
        assert curve.at_risk[at] == pytest.approx(expected.n_risk)
        # The log-log interval, from Greenwood's variance.
        inner = expected.surv_prob[(expected.surv_prob > 0) & (expected.surv_prob < 1)]
        error = expected.surv_prob_se[(expected.surv_prob > 0) & (expected.surv_prob < 1)] / (inner * np.log(inner))
        bounds = [inner ** np.exp(sign * stats.norm.ppf(0.975) * np.abs(error)) for sign in (1, -1)]
        chosen = at[(expected.surv_prob > 0) & (expected.surv_prob < 1)]
        assert curve.low[chosen] == pytest.approx(bounds[0], rel=1e-9)
        assert curve.high[chosen] == pytest.approx(bounds[1], rel=1e-9)


def test_a_curve_counted_by_hand():
    # Days 1 (outcome), 2 (censored), 3 (outcome), 3 (censored): 3/4, then 3/4 · 1/2.
    found = split_survival([1.0, 1, 1, 1, 9], [1.0, 2, 3, 3, 5], [1.0, 0, 1, 0, 1], 5.0).low
    assert found.survival[[found.index_at(day) for day in (0, 1, 2.5, 3)]] == pytest.approx([1, 0.75, 0.75, 0.375])


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (
            lambda: split_survival([1.0, 2, 3], [1.0, 2, 3], [1.0, 0, 1], 0.0),
            "No case with follow-up has HU at or below 0",
        ),
        (lambda: split_survival([1.0, 2, 3], [1.0, 2, 3], [0.0, 0, 0], 1.0), "at least 1 case with the outcome"),
        (lambda: hazard_ratio([1.0, 2, 3], [1.0, 2, 3], [1.0, 0, 0], {}), "at least 2 cases with the outcome"),
        (lambda: hazard_ratio([7.0] * 5, [1.0, 2, 3, 4, 5], [1.0] * 5, {}), "“HU” is 7 in every case"),
        (
            lambda: hazard_ratio(np.arange(20.0), np.arange(20.0) + 1, np.ones(20), {}),
            "Cox's model does not converge",
        ),
    ],
)
def test_input_without_a_solution_is_refused_in_one_sentence(work, says):
    with pytest.raises(InputError, match=says):
        work()


def test_a_missing_lifelines_package_is_named(monkeypatch):
    monkeypatch.setattr(survival, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="package lifelines, which computes it, is missing"):
        split_survival([1.0, 2, 3], [1.0, 2, 3], [1.0, 0, 1], 1.0)
