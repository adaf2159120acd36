"""Say what makes a precision study doubtful."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from LumbarHULib.cohort.cases import CohortFinding, Reading, name_of_mean
from LumbarHULib.cohort.estimates import holm
from LumbarHULib.cohort.precision import PrecisionError
from LumbarHULib.cohort_files.precision_file import MIXED, READINGS, UNKNOWN, published_precision
from LumbarHULib.core.levels import sorted_levels

_SIGNIFICANT = 0.05


def findings_on(
    errors: Sequence[PrecisionError],
    missing: Mapping[tuple[str, tuple[str, ...]], str],
    readings: Sequence[Reading],
    bound: Mapping[str, Any],
    mean_levels: Sequence[str],
) -> list[CohortFinding]:
    """Return the findings on a precision study.

    Parameters
    ----------
    errors : sequence of PrecisionError
    missing : mapping of (str, tuple of str) to str
        Why a precision error is missing, by region and levels.
    readings : sequence of Reading
    bound : mapping
        The protocol, the scanner and the repetitions that the study is of, as in its file.
    mean_levels : sequence of str
    """
    found = [*_sample_findings(errors, readings), *_scan_findings(bound)]
    if missing:
        (roi, levels), reason = next(iter(missing.items()))
        found.append(
            CohortFinding(
                "no_precision_error",
                f"{len(missing)} precision errors are missing, such as that of {roi}, {name_of_mean(levels)}: {reason}",
                "Measure these levels in more patients.",
                "note",
            )
        )
    return found + _dependence_findings(errors, mean_levels)


def _sample_findings(errors: Sequence[PrecisionError], readings: Sequence[Reading]) -> Iterator[CohortFinding]:
    """Yield the findings on the number of patients and of measurements."""
    least = published_precision().degrees_of_freedom_min
    fewest = min(errors, key=lambda error: error.degrees_of_freedom)
    if fewest.degrees_of_freedom < least:
        yield CohortFinding(
            "few_degrees_of_freedom",
            f"The study has only {fewest.degrees_of_freedom} degrees of freedom ({_place(fewest)}); the ISCD asks "
            f"for {least}: 30 patients measured twice, or 15 three times.",
            "Measure more patients: the true LSC may be well above the estimate (see its interval).",
        )
    singles = len({reading.case for reading in readings}) - max(len(error.patients) for error in errors)
    if singles:
        yield CohortFinding(
            "measured_once",
            f"{singles} {'case was' if singles == 1 else 'cases were'} measured only once and cannot be used.",
            "Measure each patient at least twice.",
        )
    copies = max(error.identical for error in errors)
    if copies:
        yield CohortFinding(
            "identical_measurements",
            f"{copies} {'patient has' if copies == 1 else 'patients have'} measurements that are identical to the "
            "last digit, as copies or unchanged proposals are.",
            "Check that the measurements are independent: copies make the error too small.",
        )


def _scan_findings(bound: Mapping[str, Any]) -> Iterator[CohortFinding]:
    """Yield the findings on the scanner, and on whether patients were scanned repeatedly."""
    if bound["repeated"] in (READINGS, MIXED, UNKNOWN):
        what = {
            READINGS: "Every measurement of a patient is a reading of the same scan",
            MIXED: "Some measurements of a patient are readings of the same scan",
            UNKNOWN: "It is unknown whether the patients were scanned repeatedly or one scan was read repeatedly",
        }[bound["repeated"]]
        yield CohortFinding(
            "not_repeated_scans",
            f"{what}: without repeated scans the LSC lacks the error of scanner and positioning.",
            "Scan each patient repeatedly, with repositioning"
            + (", and state it with --repeated scans or --audits." if bound["repeated"] == UNKNOWN else "."),
        )
    unknown = [name for name, value in bound["acquisition"].items() if value is None]
    if unknown:
        names = acquisition_words(unknown)
        yield CohortFinding(
            "scanner_unknown",
            f"The {names} of the study {'is' if len(unknown) == 1 else 'are'} unknown: follow-up cannot check that "
            "a precision error is for the scanner of the patient.",
            "Give --audits with records of DICOM series, or --manufacturer, --scanner and --tube-voltage.",
            "note",
        )


def acquisition_words(names: Sequence[str]) -> str:
    """Return names of the record, such as ``tube_voltage_kv``, as words joined by “and”."""
    *first, last = [name.removesuffix("_kv").replace("_", " ") for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def _dependence_findings(errors: Sequence[PrecisionError], mean_levels: Sequence[str]) -> list[CohortFinding]:
    """Return the findings on standard deviations that depend on the mean, for levels and the mean over all levels."""
    whole = sorted_levels(mean_levels)
    tested = [error for error in errors if error.sd_on_mean and (len(error.levels) == 1 or error.levels == whole)]
    p_values = holm([error.sd_on_mean.rank_correlation.p_value for error in tested if error.sd_on_mean])
    found = []
    for error, p in zip(tested, p_values, strict=True):
        if p < _SIGNIFICANT and error.sd_on_mean:
            rho, slope = error.sd_on_mean.rank_correlation.estimate, error.sd_on_mean.slope
            which = "too small for high means and too large for low ones"
            if rho < 0:
                which = "too small for low means and too large for high ones"
            found.append(
                CohortFinding(
                    "sd_depends_on_mean",
                    f"The standard deviation of {_place(error)} depends on the mean ({100 * slope:+.1f} HU per 100 HU, "
                    f"Spearman's ρ {rho:.2f}, p = {p:.2g} after Holm): one LSC in HU is {which}.",
                    "Make the study on patients whose HU are like those to be followed.",
                )
            )
    return found


def _place(error: PrecisionError) -> str:
    return f"{error.roi}, {name_of_mean(error.levels)}"
