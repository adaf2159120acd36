"""Compute predictive values at a stated prevalence."""

import math
from dataclasses import dataclass

from LumbarHULib.cohort.cutoff import Accuracy
from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, normal_quantile
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PredictiveValues:
    """Positive and negative predictive value at the stated prevalence of the condition.

    Parameters
    ----------
    positive_value, negative_value : Estimate
        PPV and NPV.
    prevalence : float
    positive : str
        The condition in words.
    """

    positive_value: Estimate
    negative_value: Estimate
    prevalence: float
    positive: str


def predictive_values(accuracy: Accuracy, prevalence: float, confidence: float = CONFIDENCE) -> PredictiveValues:
    """Return PPV and NPV of a test by Bayes' theorem at a prevalence that the user states.

    Parameters
    ----------
    accuracy : Accuracy
        Accuracy of the test; its counts give sensitivity and specificity.
    prevalence : float
        Prevalence of the condition among the patients to be tested, between 0 and 1, without error.
    confidence : float

    Raises
    ------
    InputError
        If the prevalence is not between 0 and 1, or the test is positive, or negative, in no case.

    Notes
    -----
    Intervals are on the logit scale. If one of the four counts is 0, z²/2 is added to each count.

    References
    ----------
    N.D. Mercaldo, K.F. Lau, X.H. Zhou. Confidence intervals for predictive values with an emphasis to case-control
    studies. Stat Med 2007;26:2170–2183.
    """
    if not 0 < prevalence < 1:
        raise InputError(f"A prevalence of {prevalence:g} cannot be used: give a proportion between 0 and 1.")
    counts = (accuracy.true_positive, accuracy.false_negative, accuracy.true_negative, accuracy.false_positive)
    for kind, cases in (("positive", counts[0] + counts[3]), ("negative", counts[1] + counts[2])):
        if cases == 0:
            raise InputError(f"The test is {kind} in no case, so its {kind} predictive value is not defined.")
    z = normal_quantile(confidence)
    found, missed, spared, wrong = counts if all(counts) else tuple(count + z * z / 2 for count in counts)
    positives, negatives = found + missed, spared + wrong
    odds = prevalence / (1 - prevalence)
    sensitivity, specificity = accuracy.sensitivity.estimate, accuracy.specificity.estimate

    def estimate(value: float, logit: float, variance: float) -> Estimate:
        reach = z * math.sqrt(variance)
        return Estimate(
            n=accuracy.sensitivity.n + accuracy.specificity.n,
            estimate=value,
            low=min(value, 1 / (1 + math.exp(reach - logit))),
            high=max(value, 1 / (1 + math.exp(-reach - logit))),
            confidence=confidence,
            method="logit, Mercaldo 2007" if all(counts) else "adjusted logit, Mercaldo 2007",
            left_out=accuracy.left_out,
        )

    true_positive = sensitivity * prevalence
    true_negative = specificity * (1 - prevalence)
    return PredictiveValues(
        positive_value=estimate(
            true_positive / (true_positive + (1 - specificity) * (1 - prevalence)),
            math.log(odds * (found / positives) / (wrong / negatives)),
            missed / (found * positives) + spared / (wrong * negatives),
        ),
        negative_value=estimate(
            true_negative / (true_negative + (1 - sensitivity) * prevalence),
            math.log((spared / negatives) / (missed / positives) / odds),
            found / (missed * positives) + wrong / (spared * negatives),
        ),
        prevalence=prevalence,
        positive=accuracy.positive,
    )
