"""Compute the cutoff with the highest Youden index, and the accuracy of any cutoff."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.cohort.estimates import CONFIDENCE
from LumbarHULib.cohort.proportions import ProportionEstimate, proportion
from LumbarHULib.cohort.rows import Labels
from LumbarHULib.cohort.targets import Target, split
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The accuracy of a cutoff in a cohort.

    Parameters
    ----------
    target, positive, rule : str
        The target by name and in words, and whether HU equal to the cutoff are positive.
    cutoff_hu : float
    true_positive, false_negative, true_negative, false_positive : int
    sensitivity : ProportionEstimate
        Proportion of positive cases found.
    specificity : ProportionEstimate
        Proportion of negative cases not found.
    left_out : int
    """

    target: str
    positive: str
    rule: str
    cutoff_hu: float
    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int
    sensitivity: ProportionEstimate
    specificity: ProportionEstimate
    left_out: int = 0

    @property
    def youden(self) -> float:
        """Return sensitivity + specificity − 1."""
        return self.sensitivity.estimate + self.specificity.estimate - 1


def accuracy_at(
    hu: ArrayLike, groups: Labels, target: Target, cutoff_hu: float, confidence: float = CONFIDENCE
) -> Accuracy:
    """Return the accuracy of a given cutoff.

    Parameters
    ----------
    hu : array_like, shape (n,)
    groups : sequence of str, shape (n,)
        One of `groups.GROUPS`, or missing.
    target : Target
    cutoff_hu : float
    confidence : float
        Confidence of Wilson's intervals.

    Raises
    ------
    InputError
        If a class is empty, all HU are the same, or the cutoff is not finite.
    """
    if not np.isfinite(cutoff_hu):
        raise InputError(f"A cutoff of {cutoff_hu} HU is not a finite number: give one in HU.")
    classes = split({"HU": hu}, groups, target, least=1)
    found = target.is_found(classes.hu[:, 0], cutoff_hu)
    true_positive = int((found & classes.is_positive).sum())
    false_positive = int((found & ~classes.is_positive).sum())
    true_negative = classes.n_negative - false_positive
    return Accuracy(
        target=target.name,
        positive=target.positive,
        rule=target.rule,
        cutoff_hu=float(cutoff_hu),
        true_positive=true_positive,
        false_negative=classes.n_positive - true_positive,
        true_negative=true_negative,
        false_positive=false_positive,
        sensitivity=proportion(true_positive, classes.n_positive, confidence),
        specificity=proportion(true_negative, classes.n_negative, confidence),
        left_out=classes.left_out,
    )


def youden_cutoff(hu: ArrayLike, groups: Labels, target: Target, confidence: float = CONFIDENCE) -> Accuracy:
    """Return the cutoff with the greatest sensitivity + specificity.

    Cutoffs are midpoints between neighboring observed values. Of equally good cutoffs, the highest is chosen, because
    it finds the most cases.

    Parameters
    ----------
    hu : array_like, shape (n,)
    groups : sequence of str, shape (n,)
    target : Target
    confidence : float
        Confidence of Wilson's intervals of sensitivity and specificity, which treat the cutoff as fixed.

    Raises
    ------
    InputError
        If a class is empty, all HU are the same, or no cutoff is better than chance.

    References
    ----------
    W.J. Youden. Index for rating diagnostic tests. Cancer 1950;3:32–35.
    """
    classes = split({"HU": hu}, groups, target, least=1)
    values, inverse = np.unique(classes.hu[:, 0], return_inverse=True)
    positive = np.bincount(inverse[classes.is_positive], minlength=values.size)
    total = np.bincount(inverse, minlength=values.size)
    best = best_cutoffs(values, positive[None], (total - positive)[None], target.rule)
    if not best.is_valid[0] or best.gain[0] <= 0:
        raise InputError(
            f"No cutoff finds {target.positive} better than chance: check whether HU are lower in the other cases."
        )
    return accuracy_at(hu, groups, target, float(best.cutoff_hu[0]), confidence)


@dataclass(frozen=True, eq=False)
class BestCutoffs:
    """The best cutoff of each of many samples.

    Parameters
    ----------
    cutoff_hu : numpy.ndarray, shape (samples,)
    gain : numpy.ndarray of int, shape (samples,)
        The Youden index times n positive × n negative, exact.
    is_valid : numpy.ndarray of bool, shape (samples,)
        False for a sample with a single distinct value, which has no cutoff; the other arrays are then meaningless.
    true_positive, false_positive : numpy.ndarray of int, shape (samples,)
    """

    cutoff_hu: np.ndarray
    gain: np.ndarray
    is_valid: np.ndarray
    true_positive: np.ndarray
    false_positive: np.ndarray


def best_cutoffs(values: np.ndarray, positive: np.ndarray, negative: np.ndarray, rule: str) -> BestCutoffs:
    """Return the Youden cutoff of each sample, as `youden_cutoff` defines it.

    Parameters
    ----------
    values : numpy.ndarray, shape (distinct,) or (samples, distinct)
        Ascending values, of all samples or of each sample.
    positive, negative : numpy.ndarray of int, shape (samples, distinct)
        Number of positive and negative cases of a sample with each value; the totals are the same for every sample.
    rule : {"<=", "<"}
        Also decides the case in which rounding makes a midpoint equal to one of two neighboring values.
    """
    found, wrong = np.cumsum(positive, axis=1, dtype=np.int64), np.cumsum(negative, axis=1, dtype=np.int64)
    n_positive, n_negative = int(found[0, -1]), int(wrong[0, -1])
    gain = found * n_negative - wrong * n_positive
    rows = np.arange(len(gain))
    # Take the last maximum: the next value occurs in the sample, otherwise the gain would not change there.
    last = gain.shape[1] - 1 - np.argmax(gain[:, ::-1], axis=1)
    cases = found + wrong
    stuck = gain[rows, last] <= 0
    if stuck.any():  # no cutoff is better than none: search only between the sample's own values
        inside = (cases[stuck] > 0) & (cases[stuck] < n_positive + n_negative)
        kept = np.where(inside, gain[stuck], np.iinfo(np.int64).min)
        last[stuck] = np.clip(gain.shape[1] - 1 - np.argmax(kept[:, ::-1], axis=1), 0, gain.shape[1] - 2)
    here = cases[rows, last]
    # The nearest lower value in the sample is the first with the same cumulative count.
    below = np.argmax(cases == here[:, None], axis=1)
    above = np.minimum(last + 1, gain.shape[1] - 1)
    low, high = (values[below], values[above]) if values.ndim == 1 else (values[rows, below], values[rows, above])
    middle = low + (high - low) / 2
    middle = np.where(middle >= high, low, middle) if rule == "<=" else np.where(middle <= low, high, middle)
    is_valid = (here > 0) & (here < n_positive + n_negative)
    return BestCutoffs(middle, gain[rows, last], is_valid, found[rows, last], wrong[rows, last])
