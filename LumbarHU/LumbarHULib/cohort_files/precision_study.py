"""Make a site's precision study from a table of readings: its table, its findings, and precision.json."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LumbarHULib import __version__
from LumbarHULib.cohort.cases import CohortFinding, Reading, ReadingFacts
from LumbarHULib.cohort.estimates import CONFIDENCE
from LumbarHULib.cohort.findings import counted
from LumbarHULib.cohort.precision import PrecisionError, SdOnMean, precision_errors
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.audit_facts import facts_below
from LumbarHULib.cohort_files.columns import AddFinding
from LumbarHULib.cohort_files.precision_densities import DENSITY_COLUMNS, StudyDensities, study_densities
from LumbarHULib.cohort_files.precision_file import (
    MIXED,
    PRECISION_SCHEMA,
    READINGS,
    SCANS,
    UNKNOWN,
    published_precision,
)
from LumbarHULib.cohort_files.precision_findings import findings_on
from LumbarHULib.cohort_files.readings import readings_of_file
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.own_file import OwnFile, check_own_file, write_own_file
from LumbarHULib.files.protocol_file import load_protocol

PRECISION_COLUMNS = (
    *("roi", "levels", "patients", "degrees_of_freedom", "mean_hu", "rms_sd_hu", "rms_sd_low", "rms_sd_high"),
    *("lsc_hu", "lsc_low", "lsc_high", "rms_cv_percent", "sd_slope", "sd_rank_correlation", "sd_rank_p"),
)
_OWN_FILE = OwnFile(PRECISION_SCHEMA, "lumbarhu precision", "precision.json")
# A patient that json wrote on separate lines. JSON strings contain no line breaks, so no string matches.
_PATIENT_ON_LINES = re.compile(r'\{\n\s+("case": [^\n]*\n\s+"n": [^{}]*?)\n\s+\}')
# Facts on the scanner that a precision error holds for, as the record names them.
ACQUISITION = ("manufacturer", "scanner_model", "tube_voltage_kv")


@dataclass(frozen=True, eq=False)
class PrecisionStudy:
    """A site's precision study.

    Parameters
    ----------
    errors : tuple of PrecisionError
        For each region at each level and for each of its means.
    table : Table
        The same as rows.
    findings : tuple of CohortFinding
    document : dict
        Content of the file.
    """

    errors: tuple[PrecisionError, ...]
    table: Table
    findings: tuple[CohortFinding, ...]
    document: dict[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each region and level, and for each mean; a missing number is None."""
        return [dict(record) for record in self.table.records()]

    def to_dataframe(self) -> Any:
        """Return the rows as a data frame of pandas; raises InputError where it is not installed."""
        return self.table.to_dataframe()


def make_precision_study(
    table: Path,
    *,
    audits: Path | None = None,
    protocol: Path | str | None = None,
    repeated: str = UNKNOWN,
    acquisition: Mapping[str, str | float | None] | None = None,
) -> PrecisionStudy:
    """Return the precision study of a table of readings.

    Parameters
    ----------
    table : pathlib.Path
        Single readings, with the columns of ``results.csv``; all readings of a case are its repeated measurements.
    audits : pathlib.Path, optional
        Folder with the audit folders of the readings, whose records state protocol, scanner and CT.
    protocol : pathlib.Path or str, optional
        File or id of the readings' protocol, if there are no audits; the study's without it.
    repeated : str
        Whether the patients were scanned repeatedly (``SCANS``), or one scan was read repeatedly (``READINGS``).
    acquisition : mapping of str to value, optional
        Values of `ACQUISITION` that the user states.

    Raises
    ------
    InputError
        If the table cannot be read, no patient was measured twice, or the measurements differ in protocol or scanner.
    """
    findings: list[CohortFinding] = []
    readings = [reading for reading in readings_of_file(table, findings.append, any_region=True) if reading.hu]
    if not readings:
        raise InputError(f"“{table.name}” contains no usable reading: use the columns of results.csv.")
    facts = None if audits is None else _facts_of(readings, audits, findings.append)
    bound = _stated_binding(protocol, repeated, findings) if facts is None else _binding_of(readings, facts, repeated)
    _state_acquisition(bound["acquisition"], acquisition or {})
    _require_regions_of(bound["protocol"], readings, table.name)
    errors, missing = precision_errors(readings, bound["protocol"]["values"]["mean_levels"])
    if not errors:
        raise InputError(f"“{table.name}” gives no precision error. {next(iter(missing.values()))}")
    densities = study_densities(readings, facts or {}, bound["protocol"]["values"]["mean_levels"], findings.append)
    findings += findings_on(errors, missing, readings, bound, bound["protocol"]["values"]["mean_levels"])
    shown = counted(findings)
    document = {
        "schema": PRECISION_SCHEMA,
        "software": f"LumbarHU {__version__}",
        "table": {"name": table.name, "sha256": hashlib.sha256(table.read_bytes()).hexdigest()},
        **bound,
        "readers": sorted({reading.reader for reading in readings}),
        "lsc_factor": published_precision().lsc_factor,
        "lsc_factor_source": published_precision().document["lsc_factor"]["source"],
        "confidence": CONFIDENCE,
        **({} if densities is None else {"density": _density(densities)}),
        "precision": [_entry(error, densities) for error in errors],
        "findings": [finding.plain() for finding in shown],
    }
    rows = [_row(error, densities) for error in errors]
    table_of_errors = Table("precision", "Precision", _columns(densities), rows)
    return PrecisionStudy(tuple(errors), table_of_errors, tuple(shown), document)


def check_precision_destination(path: Path, overwrite: bool) -> None:
    """Raise InputError if `write_precision` would refuse `path`, before the work starts."""
    check_own_file(path, overwrite, _OWN_FILE)


def write_precision(path: Path, study: PrecisionStudy, overwrite: bool = False) -> None:
    """Write the study's file, completely or not at all.

    Raises
    ------
    InputError
        If the file exists and may not be replaced, or cannot be written.
    """
    text = json.dumps(study.document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    text = _PATIENT_ON_LINES.sub(lambda match: f"{{{' '.join(match[1].split())}}}", text)
    write_own_file(path, text, overwrite, _OWN_FILE)


def _key(reading: Reading) -> tuple[str, str, int]:
    return reading.case, reading.reader, reading.reading


def _facts_of(
    readings: Sequence[Reading], audits: Path, add_finding: AddFinding
) -> dict[tuple[str, str, int], ReadingFacts]:
    facts = facts_below(audits)
    known = {_key(reading): facts[_key(reading)] for reading in readings if _key(reading) in facts}
    if not known:
        raise InputError(
            f"None of the table's readings has an audit folder in “{audits}”: case, reader and number of the reading "
            "must be the same in both."
        )
    unknown = len(readings) - len(known)
    if unknown:
        add_finding(
            CohortFinding(
                "reading_without_audit",
                f"{unknown} of {len(readings)} readings have no audit folder in “{audits.name}”: their protocol and "
                "scanner are not checked.",
                "Add their audit folders, or remove their rows.",
            )
        )
    return known


def _binding_of(
    readings: Sequence[Reading], facts: Mapping[tuple[str, str, int], ReadingFacts], repeated: str
) -> dict[str, Any]:
    """Return what the study is bound to, from the records of its readings."""
    protocols = {
        json.dumps(
            [one.protocol_name, one.protocol_version, one.protocol_values, one.protocol_regions], sort_keys=True
        ): one
        for one in facts.values()
    }
    if len(protocols) > 1:
        names = sorted({f"{one.protocol_name} {one.protocol_version}" for one in protocols.values()})
        what = f"“{names[0]}” and “{names[1]}”" if len(names) > 1 else f"“{names[0]}” with different values or regions"
        raise InputError(
            f"The readings were made with different protocols ({what}): a precision study needs one protocol."
        )
    (protocol,) = protocols.values()
    acquisition = {name: _only(name, (one.headers.get(name) for one in facts.values())) for name in ACQUISITION}
    found = _repeated_by_hash(readings, facts)
    if repeated != UNKNOWN and repeated != found:
        raise InputError(
            f"The study is stated to repeat {repeated}, but by the records of the audit folders it repeats "
            f"{'both scans and readings' if found == MIXED else found}: omit the statement, or check the table."
        )
    return {
        "repeated": found,
        "protocol": {
            "name": protocol.protocol_name,
            "version": protocol.protocol_version,
            "values": protocol.protocol_values,
            **_regions_of(protocol.protocol_regions),
        },
        "acquisition": acquisition,
    }


def _only(name: str, values: Iterable[Any]) -> Any:
    """Return the one value that the records state; None if none does, or if some do not."""
    found = list(values)
    stated = sorted({value for value in found if value is not None}, key=str)
    if len(stated) > 1:
        what = name.removesuffix("_kv").replace("_", " ")
        raise InputError(
            f"The readings differ in {what} (“{stated[0]}” and “{stated[1]}”): a precision error holds for one scanner "
            "and tube voltage. Make a study for each."
        )
    return stated[0] if stated and None not in found else None


def _repeated_by_hash(readings: Sequence[Reading], facts: Mapping[tuple[str, str, int], ReadingFacts]) -> str:
    """Return whether the CTs of each case's readings are different scans or the same scan."""
    by_case: dict[str, list[str]] = {}
    for reading in readings:
        if _key(reading) not in facts:
            return UNKNOWN
        by_case.setdefault(reading.case, []).append(facts[_key(reading)].ct_identity)
    kinds = set()
    for identities in by_case.values():
        if len(identities) > 1:
            distinct = len(set(identities))
            kinds.add(SCANS if distinct == len(identities) else READINGS if distinct == 1 else MIXED)
    return kinds.pop() if len(kinds) == 1 else MIXED if kinds else UNKNOWN


def _stated_binding(protocol: Path | str | None, repeated: str, findings: list[CohortFinding]) -> dict[str, Any]:
    document = load_protocol(protocol)
    if protocol is None:
        findings.append(
            CohortFinding(
                "protocol_assumed",
                f"The table does not state a protocol: “{document.name} {document.version}” is assumed.",
                "State it with --protocol, or give the audit folders with --audits.",
                "note",
            )
        )
    values = json.loads(json.dumps(document.protocol.values))
    return {
        "repeated": repeated,
        "protocol": {
            "name": document.name,
            "version": document.version,
            "values": values,
            **_regions_of(document.document.get("regions")),
        },
        "acquisition": dict.fromkeys(ACQUISITION),
    }


def _regions_of(regions: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if regions is None else {"regions": regions}


def _require_regions_of(protocol: Mapping[str, Any], readings: Sequence[Reading], table: str) -> None:
    """Raise InputError if a reading is of a region that the protocol lacks: it is a reading of another protocol."""
    known = tuple(protocol.get("regions", ROIS))
    others = sorted({roi for reading in readings for _, roi in reading.hu if roi not in known})
    if others:
        raise InputError(
            f"“{table}” has the region {others[0]}, but “{protocol['name']} {protocol['version']}” measures "
            f"{', '.join(known)}: state the protocol of the readings with --protocol, or remove the region's rows."
        )


def _state_acquisition(acquisition: dict[str, Any], stated: Mapping[str, str | float | None]) -> None:
    """Add what the user states on the scanner; raise InputError if the records contradict it."""
    for name, value in stated.items():
        if value is None:
            continue
        if acquisition[name] is not None and acquisition[name] != value:
            raise InputError(
                f"The {name.removesuffix('_kv').replace('_', ' ')} is stated as “{value}”, but the audit folders state "
                f"“{acquisition[name]}”: omit the option, or check the folders."
            )
        acquisition[name] = value


def _density(densities: StudyDensities) -> dict[str, str]:
    return {"mineral": densities.mineral, "calibrations": densities.calibrations}


def _columns(densities: StudyDensities | None) -> tuple[str, ...]:
    return (*PRECISION_COLUMNS, *(() if densities is None else DENSITY_COLUMNS))


def _entry(error: PrecisionError, densities: StudyDensities | None) -> dict[str, Any]:
    row = dict(zip(_columns(densities), _row(error, densities), strict=True))
    patients = [vars(patient) for patient in error.patients]
    return {**row, "levels": list(error.levels), "patients": patients}


def _row(error: PrecisionError, densities: StudyDensities | None) -> list[Any]:
    dependence = error.sd_on_mean
    return [
        error.roi,
        ";".join(error.levels),
        len(error.patients),
        error.degrees_of_freedom,
        error.mean_hu,
        *(getattr(error.rms_sd, name) for name in ("estimate", "low", "high")),
        *(getattr(published_precision().lsc_of(error.rms_sd), name) for name in ("estimate", "low", "high")),
        error.rms_cv_percent,
        *([None] * 3 if dependence is None else _dependence_cells(dependence)),
        *([] if densities is None else densities.cells(error.roi, error.levels)),
    ]


def _dependence_cells(dependence: SdOnMean) -> list[float]:
    return [dependence.slope, dependence.rank_correlation.estimate, dependence.rank_correlation.p_value]
