import math

import numpy as np
import pytest

from LumbarHULib.cohort.cutoff import accuracy_at
from LumbarHULib.cohort.predictive import predictive_values
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.errors import InputError


def counted(true_positive, false_negative, true_negative, false_positive):
    """Return the accuracy of a test with these counts."""
    hu = [50] * true_positive + [150] * (false_negative + true_negative) + [50] * false_positive
    groups = ["osteoporosis"] * (true_positive + false_negative) + ["normal"] * (true_negative + false_positive)
    return accuracy_at(hu, groups, TARGETS["osteoporosis"], 100)


def test_predictive_values_are_the_shares_in_a_population_of_that_prevalence():
    # The study's round cutoff, 22/27 and 58/73, at 10 %: of 270 000 people 27 000 have it.
    found = predictive_values(counted(22, 5, 58, 15), 0.1)
    sick, well = 27_000, 243_000
    right, wrong = sick * 22 / 27, well * 15 / 73
    assert found.positive_value.estimate == pytest.approx(right / (right + wrong), rel=1e-12)
    assert found.negative_value.estimate == pytest.approx(well * 58 / 73 / (well * 58 / 73 + sick * 5 / 27), rel=1e-12)


def test_at_the_cohorts_own_prevalence_they_are_the_cohorts_own_shares():
    found = predictive_values(counted(22, 5, 58, 15), 0.27)
    assert found.positive_value.estimate == pytest.approx(22 / 37)
    assert found.negative_value.estimate == pytest.approx(58 / 63)


def test_the_interval_is_the_delta_method_on_the_logit_scale():
    found = predictive_values(counted(22, 5, 58, 15), 0.1).positive_value

    def logit(sensitivity, specificity):
        value = sensitivity * 0.1 / (sensitivity * 0.1 + (1 - specificity) * 0.9)
        return math.log(value / (1 - value))

    p, q, h = 22 / 27, 58 / 73, 1e-6
    by_p = (logit(p + h, q) - logit(p - h, q)) / (2 * h)
    by_q = (logit(p, q + h) - logit(p, q - h)) / (2 * h)
    reach = 1.959963984540054 * math.sqrt(by_p**2 * p * (1 - p) / 27 + by_q**2 * q * (1 - q) / 73)
    ends = [1 / (1 + math.exp(-(logit(p, q) + side * reach))) for side in (-1, 1)]
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-6)


def test_both_values_and_their_intervals_match_the_output_of_r():
    # R's CIfinder 2.0.0, README: ppv_npv_ci(31, 34, 32, 44, prevalence = 0.07, method = "zhou"), logit transformed.
    found = predictive_values(counted(31, 3, 32, 12), 0.07)
    for value, printed in (
        (found.positive_value, (0.2010444, 0.1331384, 0.2919216)),
        (found.negative_value, (0.9909508, 0.9734141, 0.9969560)),
    ):
        assert (value.estimate, value.low, value.high) == pytest.approx(printed, abs=5.1e-8)


def test_without_false_positives_the_adjusted_interval_matches_r():
    # There: ppv_npv_ci(31, 34, 44, 44, prevalence = 0.07, method = "zhou", continuity.correction = TRUE); the shares
    # themselves are not adjusted here, so the interval of the positive value reaches up to 1.
    found = predictive_values(counted(31, 3, 44, 0), 0.07)
    assert (found.positive_value.low, found.positive_value.high) == pytest.approx((0.2886800, 1.0), abs=5.1e-8)
    ends = found.negative_value.low, found.negative_value.high
    assert ends == pytest.approx((0.9772354, 0.9955563), abs=5.1e-8)


def test_the_interval_holds_the_truth_in_95_percent_of_studies():
    rng = np.random.default_rng(0)
    inside = 0
    truth = 0.8 * 0.2 / (0.8 * 0.2 + 0.2 * 0.8)
    for _ in range(500):
        found, spared = rng.binomial(27, 0.8), rng.binomial(73, 0.8)
        value = predictive_values(counted(found, 27 - found, spared, 73 - spared), 0.2).positive_value
        inside += value.low <= truth <= value.high
    assert 0.92 < inside / 500 < 0.98


def test_a_test_without_misses_is_still_uncertain():
    found = predictive_values(counted(27, 0, 58, 15), 0.1).negative_value
    assert found.estimate == found.high == 1
    assert 0.9 < found.low < 1
    assert found.method == "adjusted logit, Mercaldo 2007"


def test_a_test_without_predictive_values_is_refused():
    with pytest.raises(InputError, match="give a proportion between 0 and 1"):
        predictive_values(counted(22, 5, 58, 15), 10)
    with pytest.raises(InputError, match="positive in no case"):
        predictive_values(accuracy_at([50, 150], ["osteoporosis", "normal"], TARGETS["osteoporosis"], 10), 0.1)
