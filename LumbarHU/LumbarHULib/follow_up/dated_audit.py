"""Read an audit folder as one time point of a patient, and check that it is unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from LumbarHULib.audit.ct_date import CT_DATE, parse_date
from LumbarHULib.audit.folder import RECORD, RESULTS, file_sha256
from LumbarHULib.audit.verify import file_differences, read_record
from LumbarHULib.cohort.cases import CohortFinding, ReadingFacts
from LumbarHULib.cohort_files.audit_facts import facts_of_record
from LumbarHULib.cohort_files.results_rows import results_rows
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.core.scan_facts import printable
from LumbarHULib.files.csv_table import read_csv_table

# A file that only the folder of a follow-up contains.
CHANGES = "changes.csv"
# Contrast medium that the image shows although the headers do not state it.
_CONTRAST_SEEN = "contrast_seen"


@dataclass(frozen=True, eq=False)
class DatedAudit:
    """One reading with the date of its CT.

    Parameters
    ----------
    name : str
        Name of the audit folder.
    date : datetime.date or None
        Date of the CT; None where no folder of the follow-up has one.
    position : int
        Its place in the order in which the folders were given, from 1.
    record : dict
        The checked record, as plain values; do not change it.
    record_sha256 : str
        SHA-256 of the record, and thus of every file whose hash it contains.
    hu : mapping of (str, str) to float
        Mean HU by level and region, including excluded levels.
    excluded : mapping of str to str
        Reason by excluded level.
    findings : mapping of (str, str) to str
        Codes of the findings by level and region, joined by semicolons.
    facts : ReadingFacts
        What the record states about how the reading was made.
    """

    name: str
    date: date | None
    position: int
    record: Mapping[str, Any]
    record_sha256: str
    hu: Mapping[tuple[str, str], float]
    excluded: Mapping[str, str]
    findings: Mapping[tuple[str, str], str]
    facts: ReadingFacts

    @property
    def when(self) -> str:
        """Return the date of the CT, or else its place in the order given, such as ``CT 1``."""
        return when_of(self.date, self.position)

    @property
    def case(self) -> str:
        """Return the name of the case."""
        return self.record["case"]

    @property
    def reader(self) -> str:
        """Return the reader's name."""
        return self.record["reader"]

    @property
    def ct_identity(self) -> str:
        """Return the hash of the CT's voxels."""
        return self.facts.ct_identity

    @property
    def headers(self) -> Mapping[str, Any]:
        """Return the acquisition as the CT's headers state it; None for an unknown value."""
        return self.facts.headers

    @property
    def contrast(self) -> bool | None:
        """Return whether contrast medium was given, by the headers or as seen in the image; None if unknown."""
        if any(finding["code"] == _CONTRAST_SEEN for finding in self.record["findings"]):
            return True
        return self.headers["contrast"]

    @property
    def protocol_title(self) -> str:
        """Return name and version of the protocol."""
        return printable(f"{self.facts.protocol_name} {self.facts.protocol_version}")

    @property
    def levels(self) -> tuple[str, ...]:
        """Return the measured levels, including excluded ones, from cranial to caudal."""
        return sorted_levels({level for level, _ in self.hu})

    @property
    def severe_findings(self) -> dict[str, list[str]]:
        """Return the codes of severe findings by level that is not excluded, or by level and region."""
        found: dict[str, list[str]] = {}
        for level in self.record["levels"]:
            if level["level"] in self.excluded:
                continue
            of_rois = {f"{level['level']} {roi}": measured["findings"] for roi, measured in level["rois"].items()}
            for place, findings in ({level["level"]: level["findings"]} | of_rois).items():
                codes = [finding["code"] for finding in findings if finding["severity"] == "severe"]
                if codes:
                    found[place] = list(dict.fromkeys(codes))
        return found

    def levels_of_mean(self, roi: str) -> tuple[str, ...]:
        """Return the levels that the protocol's mean of a region is over."""
        wanted = self.facts.protocol_values["mean_levels"]
        return tuple(level for level in self.levels if level in wanted and self.why_missing(level, roi) == "")

    def why_missing(self, level: str, roi: str) -> str:
        """Return why a level has no usable number, as part of a sentence; empty if it has one."""
        if level in self.excluded:
            return f"{level} is excluded on {self.when} ({self.excluded[level]})"
        if (level, roi) not in self.hu:
            return (
                f"{level} {'could not be' if level in self.facts.not_measured else 'was not'} measured on {self.when}"
            )
        return ""


def when_of(date: date | str | None, position: int) -> str:
    """Return the date of a CT as text, or else its place in the order given, such as ``CT 1``."""
    return f"CT {position}" if date is None else str(date)


def read_dated_audit(folder: Path, stated: date | None = None, position: int = 1) -> DatedAudit:
    """Return an audit folder as a time point.

    Parameters
    ----------
    folder : pathlib.Path
    stated : datetime.date, optional
        Date of the CT, if the record does not contain it.
    position : int
        Place of the folder in the order given, from 1.

    Raises
    ------
    InputError
        If it is not an audit folder, was changed after it was written, has another date than stated, or contains no
        number.
    """
    if (folder / CHANGES).is_file():
        raise InputError(f"“{folder}” is the folder of a follow-up: give the audit folders that it is made from.")
    record, _ = read_record(folder)
    when = _date_of(folder, record, stated)
    differences, _ = file_differences(folder, record["files"])
    if differences:
        raise InputError(
            f"“{folder}” was changed after it was written and cannot be used ({differences[0].removesuffix('.')}): "
            "restore it, or measure the CT again."
        )

    def refuse(finding: CohortFinding) -> None:
        # The hashes agree, so the program itself wrote a row that it cannot read.
        problem = finding.sentence.removesuffix(".").removesuffix("; the row is omitted")
        raise InputError(f"“{folder}” cannot be used ({problem}): measure the CT again.")

    hu: dict[tuple[str, str], float] = {}
    excluded, codes = {}, {}
    for row in results_rows(read_csv_table(folder / RESULTS), refuse, any_region=True):
        codes[row.level, row.roi] = row.findings
        if row.excluded:
            excluded[row.level] = row.excluded
        if row.mean_hu is not None:
            hu[row.level, row.roi] = row.mean_hu
    if not hu:
        raise InputError(f"“{folder}” contains no measured level: measure the CT again.")
    return DatedAudit(
        name=folder.resolve().name,
        date=when,
        position=position,
        record=record,
        record_sha256=file_sha256(folder / RECORD),
        hu=hu,
        excluded=excluded,
        findings=codes,
        facts=facts_of_record(record),
    )


def _date_of(folder: Path, record: Mapping[str, Any], stated: date | None) -> date | None:
    text = record["extra"].get(CT_DATE)
    recorded = parse_date(str(text), f"“{folder / RECORD}”") if text else None
    if stated is not None and recorded is not None and stated != recorded:
        raise InputError(f"The record of “{folder}” states the date {recorded}, not {stated}: omit the date.")
    return stated or recorded
