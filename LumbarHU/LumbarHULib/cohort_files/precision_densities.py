"""The densities of a precision study's readings, from the calibrations that their audit folders state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.cohort.cases import CohortFinding, Reading, ReadingFacts
from LumbarHULib.cohort.precision import PrecisionError, precision_errors
from LumbarHULib.cohort_files.columns import AddFinding
from LumbarHULib.cohort_files.precision_file import OF_EACH_SCAN, SHARED, published_precision
from LumbarHULib.core.calibration import Calibration
from LumbarHULib.core.checks.calibration import NOT_OF_THE_CT
from LumbarHULib.files.calibration_file import calibration_from
from LumbarHULib.files.located_json import parse_located_json

Key = tuple[str, str, int]

DENSITY_COLUMNS = ("rms_sd_mg_cc", "lsc_mg_cc", "lsc_mg_cc_low", "lsc_mg_cc_high")


@dataclass(frozen=True, eq=False)
class StudyDensities:
    """The precision of densities.

    Parameters
    ----------
    mineral : str
        ``HA`` or ``K2HPO4``.
    calibrations : str
        Whether each scan of a patient has its own calibration (`OF_EACH_SCAN`), or some share one (`SHARED`).
    errors : mapping of (str, tuple of str) to PrecisionError
        By region and levels; the numbers of each are in mg/cm³.
    """

    mineral: str
    calibrations: str
    errors: Mapping[tuple[str, tuple[str, ...]], PrecisionError]

    def cells(self, roi: str, levels: tuple[str, ...]) -> list[Any]:
        """Return the cells of `DENSITY_COLUMNS`; empty without a precision error."""
        error = self.errors.get((roi, levels))
        if error is None:
            return [None] * len(DENSITY_COLUMNS)
        lsc = published_precision().lsc_of(error.rms_sd)
        return [error.rms_sd.estimate, lsc.estimate, lsc.low, lsc.high]


def study_densities(
    readings: Sequence[Reading], facts: Mapping[Key, ReadingFacts], mean_levels: Sequence[str], add_finding: AddFinding
) -> StudyDensities | None:
    """Return the precision of the readings' densities; None, with a finding, if not every reading has valid ones.

    Raises
    ------
    InputError
        If the calibration in a record is damaged.
    """
    own = [facts.get((reading.case, reading.reader, reading.reading)) for reading in readings]
    documents = [None if one is None else one.calibration for one in own]
    if not any(documents):
        return None
    minerals = sorted({"" if document is None else str(document.get("unit")) for document in documents})
    doubtful = sum(one is not None and bool(set(one.finding_codes) & set(NOT_OF_THE_CT)) for one in own)
    why = ""
    if "" in minerals:
        why = f"{documents.count(None)} of {len(readings)} readings have no calibration"
    elif len(minerals) > 1:
        why = f"the readings have densities of {' and '.join(minerals)}"
    elif doubtful:
        why = f"{doubtful} of {len(readings)} readings have a calibration of another scanner, kernel or date"
    if why:
        add_finding(
            CohortFinding(
                "no_density_precision",
                f"There is no precision error in mg/cm³: {why}.",
                "Measure every scan with a calibration of its scanner and date.",
                "note",
            )
        )
        return None
    texts = [json.dumps(document, sort_keys=True) for document in documents]
    known = {text: calibration_from(parse_located_json(text, RECORD)).calibration for text in dict.fromkeys(texts)}
    in_mg_cc = [_with_densities(one, known[text]) for one, text in zip(readings, texts, strict=True)]
    errors, _ = precision_errors(in_mg_cc, mean_levels)
    by_case: dict[str, list[str]] = {}
    for reading, text in zip(readings, texts, strict=True):
        by_case.setdefault(reading.case, []).append(text)
    is_own = all(len(set(of_case)) == len(of_case) for of_case in by_case.values())
    calibrations = OF_EACH_SCAN if is_own else SHARED
    return StudyDensities(minerals[0], calibrations, {(error.roi, error.levels): error for error in errors})


def _with_densities(reading: Reading, calibration: Calibration) -> Reading:
    """Return a reading with densities in place of HU: the calibration is a line."""
    return replace(reading, hu={place: calibration.density(hu).mean_mg_cc for place, hu in reading.hu.items()})
