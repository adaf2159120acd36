"""Compute a site's precision error from repeated measurements of patients, by the rule of the ISCD."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from LumbarHULib.cohort.agreement import rms_sd_of
from LumbarHULib.cohort.cases import Reading
from LumbarHULib.cohort.correlation import Correlation, spearman
from LumbarHULib.cohort.estimates import CONFIDENCE, Estimate, check_confidence
from LumbarHULib.cohort.rows import as_column, require
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, sorted_levels


@dataclass(frozen=True, kw_only=True)
class PatientPrecision:
    """The repeated measurements of one patient.

    Parameters
    ----------
    case : str
    n : int
        Number of measurements.
    mean_hu, sd_hu : float
        Mean and standard deviation (n − 1) of the measurements.
    """

    case: str
    n: int
    mean_hu: float
    sd_hu: float


@dataclass(frozen=True, kw_only=True)
class SdOnMean:
    """How the patients' standard deviations depend on their means; a constant precision error has no dependence.

    Parameters
    ----------
    slope : float
        Change of the standard deviation per HU of the mean, by least squares. For two measurements of each patient,
        the absolute difference changes by √2 times as much.
    rank_correlation : Correlation
        Spearman's correlation of standard deviation and mean; for two measurements, also that of |difference| and mean.
    """

    slope: float
    rank_correlation: Correlation


@dataclass(frozen=True, kw_only=True)
class PrecisionError:
    """The precision error of a region's HU at a level, or of its mean over levels.

    Parameters
    ----------
    roi : str
    levels : tuple of str
        One level, or the levels of the mean.
    patients : tuple of PatientPrecision
        The patients that have at least two measurements with all of these levels.
    degrees_of_freedom : int
        Number of measurements less number of patients.
    rms_sd : Estimate
        Root mean square of the standard deviations, weighted by their degrees of freedom, in HU.
    rms_cv_percent : float or None
        Root mean square of the patients' coefficients of variation; None if a mean is not positive. For information:
        the ISCD advises against it.
    sd_on_mean : SdOnMean or None
        None with fewer than four patients, or if all means or all standard deviations are equal.
    """

    roi: str
    levels: tuple[str, ...]
    patients: tuple[PatientPrecision, ...]
    degrees_of_freedom: int
    rms_sd: Estimate
    rms_cv_percent: float | None
    sd_on_mean: SdOnMean | None

    @property
    def mean_hu(self) -> float:
        """Return the mean of the patients' means."""
        return float(np.mean([patient.mean_hu for patient in self.patients]))

    @property
    def identical(self) -> int:
        """Return the number of patients whose measurements are identical to the last digit."""
        return sum(patient.sd_hu == 0 for patient in self.patients)


def precision_error(
    values_by_case: Mapping[str, Sequence[float]],
    roi: str = "",
    levels: tuple[str, ...] = (),
    confidence: float = CONFIDENCE,
) -> PrecisionError:
    """Return the precision error of repeated measurements.

    Parameters
    ----------
    values_by_case : mapping of str to sequence of float
        HU of each measurement of each patient, without gaps. Patients may have different numbers of measurements; one
        with a single measurement is left out.
    roi : str
    levels : tuple of str
        What the values are of.
    confidence : float
        Of the interval of the precision error.

    Raises
    ------
    InputError
        With fewer than two patients with two measurements, or if the measurements of every patient are identical.

    References
    ----------
    International Society for Clinical Densitometry, Precision Assessment FAQs and Precision Calculator, iscd.org:
    standard deviation of each patient, root mean square of the group. C.C. Glüer et al. Osteoporos Int
    1995;5:262–270: degrees of freedom, and the interval from the χ² distribution.
    """
    check_confidence(confidence)
    patients, squares, freedom = [], [], 0
    for case, values in values_by_case.items():
        column = as_column(values, case)
        if column.size < 2:
            continue
        # Identical values have an SD of exactly 0, but the rounding of their mean would change it.
        square = 0.0 if np.ptp(column) == 0 else float(np.sum((column - column.mean()) ** 2))
        sd_hu = math.sqrt(square / (column.size - 1))
        patients.append(PatientPrecision(case=case, n=column.size, mean_hu=float(column.mean()), sd_hu=sd_hu))
        squares.append(square)
        freedom += column.size - 1
    require(len(patients), 2, "patients with two measurements", "A precision error")
    if not any(squares):
        raise InputError(
            f"All repeated measurements are identical in the {len(patients)} patients: they are copies, or proposals "
            "that were accepted unchanged. Measure independently."
        )
    rms_sd = rms_sd_of(math.fsum(squares), freedom, len(patients), confidence, len(values_by_case) - len(patients))
    return PrecisionError(
        roi=roi,
        levels=levels,
        patients=tuple(patients),
        degrees_of_freedom=freedom,
        rms_sd=rms_sd,
        rms_cv_percent=_rms_cv_percent(patients, freedom),
        sd_on_mean=_sd_on_mean(patients, confidence),
    )


def precision_errors(
    readings: Sequence[Reading], mean_levels: Sequence[str]
) -> tuple[list[PrecisionError], dict[tuple[str, tuple[str, ...]], str]]:
    """Return the precision error of every region, for each level and for each mean over two or more levels.

    The mean over each combination of levels has its own precision error, so that a change of a mean over three levels
    is not compared with the error of a mean over four. All measurements of a case are repetitions: differences between
    readers count as error.

    Parameters
    ----------
    readings : sequence of Reading
    mean_levels : sequence of str
        Levels that the protocol's mean is over.

    Returns
    -------
    list of PrecisionError
        By region in the order of the readings; single levels first, then means.
    dict of (str, tuple of str) to str
        Why a precision error is missing, by region and levels.
    """
    by_case: dict[str, list[Reading]] = {}
    for reading in readings:
        by_case.setdefault(reading.case, []).append(reading)
    rois = dict.fromkeys(roi for reading in readings for _, roi in reading.hu)
    found, missing = [], {}
    for roi in rois:
        present = {level for reading in readings for level, of_roi in reading.hu if of_roi == roi}
        for levels in level_sets(present, mean_levels):
            values = {case: _values(own, roi, levels) for case, own in by_case.items()}
            try:
                found.append(precision_error(values, roi, levels))
            except InputError as problem:
                missing[roi, levels] = str(problem)
    return found, missing


def level_sets(present: set[str], mean_levels: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each present level, then each combination of two or more of those that enter a mean."""
    in_mean = sorted_levels(level for level in mean_levels if level in present)
    singles = [(level,) for level in LEVELS if level in present]
    return singles + [chosen for size in range(2, len(in_mean) + 1) for chosen in combinations(in_mean, size)]


def _values(readings: Sequence[Reading], roi: str, levels: tuple[str, ...]) -> list[float]:
    """Return the mean over the levels in each reading that has all of them."""
    return [
        math.fsum(reading.hu[level, roi] for level in levels) / len(levels)
        for reading in readings
        if all((level, roi) in reading.hu for level in levels)
    ]


def _rms_cv_percent(patients: Sequence[PatientPrecision], freedom: int) -> float | None:
    if any(patient.mean_hu <= 0 for patient in patients):
        return None
    squares = math.fsum((patient.n - 1) * (patient.sd_hu / patient.mean_hu) ** 2 for patient in patients)
    return 100 * math.sqrt(squares / freedom)


def _sd_on_mean(patients: Sequence[PatientPrecision], confidence: float) -> SdOnMean | None:
    means = np.array([patient.mean_hu for patient in patients])
    sds = np.array([patient.sd_hu for patient in patients])
    try:
        correlation = spearman(means, sds, confidence, ("mean", "SD"))
    except InputError:  # too few patients, or nothing varies
        return None
    centered = means - means.mean()
    return SdOnMean(slope=float(centered @ sds) / float(centered @ centered), rank_correlation=correlation)
