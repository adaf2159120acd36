"""Process a follow-up from its audit folders to its output folder, for the command line and the Python API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from LumbarHULib.audit.ct_date import parse_date
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.precision_file import SitePrecision, published_precision, read_precision
from LumbarHULib.core.errors import InputError
from LumbarHULib.follow_up.dated_audit import DatedAudit, read_dated_audit
from LumbarHULib.follow_up.densities import mineral_of
from LumbarHULib.follow_up.findings import findings_on
from LumbarHULib.follow_up.tables import (
    LscSource,
    PublishedSource,
    SiteSource,
    changes_table,
    measurements_table,
    reasons_against,
)


@dataclass(frozen=True)
class FollowUpJob:
    """The inputs and options of a follow-up.

    Parameters
    ----------
    folders : sequence of Path
        The audit folders of one patient.
    dates : mapping of Path to str
        Date of the CT by folder, for folders whose record does not contain it. Without any date, the folders are in
        the order given.
    precision : Path or None
        File of the site's precision study; the published LSC without it.
    case : str
        Name of the patient in the files, by which the user states that all folders are of this patient; empty if the
        folders' own name applies.
    accept_unknown : bool
        Compare although facts that must agree are unknown: the user states that they agree.
    """

    folders: Sequence[Path]
    dates: Mapping[Path, str] = field(default_factory=dict)
    precision: Path | None = None
    case: str = ""
    accept_unknown: bool = False


@dataclass(frozen=True, eq=False)
class FollowUp:
    """The changes between readings of one patient.

    Parameters
    ----------
    case : str
    audits : tuple of DatedAudit
        By date, or in the order given where no date is known.
    changes : Table
        Every change: of each region's mean and at each level, from the first date and between consecutive dates.
    measurements : Table
        Every measurement, and each region's mean over the levels that all dates have.
    findings : tuple of CohortFinding
    precision : SitePrecision or None
        The site's precision study, if it was used.
    accept_unknown : bool
        Whether the user stated that unknown facts agree.
    """

    case: str
    audits: tuple[DatedAudit, ...]
    changes: Table
    measurements: Table
    findings: tuple[CohortFinding, ...]
    precision: SitePrecision | None = None
    accept_unknown: bool = False

    @property
    def mineral(self) -> str:
        """Return the mineral of the densities, if changes are also in mg/cm³; otherwise empty."""
        return mineral_of(self.audits)

    @property
    def lsc(self) -> LscSource:
        """Return what gave the LSC."""
        return lsc_source(self.precision)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each change with the columns of changes.csv; a missing number is None."""
        return [dict(record) for record in self.changes.records()]

    def to_dataframe(self) -> Any:
        """Return the changes as a data frame of pandas; raises InputError where it is not installed."""
        return self.changes.to_dataframe()

    def why_not_comparable(self, first: int, second: int) -> list[str]:
        """Return why two dates, by index, are not comparable at any level; empty if they are."""
        return reasons_against(self.audits[first], self.audits[second], self.lsc, self.accept_unknown)


def lsc_source(precision: SitePrecision | None) -> LscSource:
    """Return the LSC of a precision study, or without one the published LSC."""
    return PublishedSource(published_precision()) if precision is None else SiteSource(precision)


def make_follow_up(job: FollowUpJob) -> FollowUp:
    """Return the changes between the readings.

    Raises
    ------
    InputError
        If there are fewer than two folders, one cannot be used, only some have a date, two are of the same CT or date,
        they are of different patients, or the precision study is for another protocol than all of them.
    """
    _check_folders(job.folders)
    stated = {folder: parse_date(text, f"“{folder}”") for folder, text in job.dates.items()}
    audits = _in_order(
        [read_dated_audit(folder, stated.get(folder), number) for number, folder in enumerate(job.folders, start=1)]
    )
    _check_distinct(audits)
    case = _case_of(audits, job.case)
    precision = None if job.precision is None else read_precision(job.precision)
    if precision is not None:
        _check_precision(precision, audits)
    lsc = lsc_source(precision)
    changes = changes_table(audits, case, lsc, job.accept_unknown)
    return FollowUp(
        case=case,
        audits=tuple(audits),
        changes=changes,
        measurements=measurements_table(audits, case),
        findings=tuple(findings_on(audits, changes, precision, job.accept_unknown, job.case)),
        precision=precision,
        accept_unknown=job.accept_unknown,
    )


def _check_folders(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        raise InputError(f"{len(folders)} audit folder is given: give at least two, of one patient at different dates.")
    for first, second in combinations(folders, 2):
        if first.resolve() == second.resolve():
            raise InputError(f"“{first}” is given twice: give each audit folder once.")


def _in_order(audits: Sequence[DatedAudit]) -> list[DatedAudit]:
    """Return the readings by date, or in the order given where none has a date."""
    dated = [(audit.date, audit) for audit in audits if audit.date is not None]
    if not dated:
        return list(audits)
    without = [audit.name for audit in audits if audit.date is None]
    if without:
        raise InputError(
            f"The date of the CT of “{without[0]}” is missing, but other CTs have one: write {without[0]}=2024-03-15, "
            "with the date of the CT."
        )
    return [audit for _, audit in sorted(dated, key=lambda pair: pair[0])]


def _check_distinct(audits: Sequence[DatedAudit]) -> None:
    for first, second in combinations(audits, 2):
        uids = [audit.record["ct"].get("series_uid") for audit in (first, second)]
        if first.ct_identity == second.ct_identity or (uids[0] and uids[0] == uids[1]):
            raise InputError(
                f"“{first.name}” and “{second.name}” are readings of the same CT: a change needs two CTs. Readings of "
                "one CT are compared by lumbarhu cohort."
            )
    for first, second in pairwise(audits):
        if first.date is not None and first.date == second.date:
            raise InputError(
                f"“{first.name}” and “{second.name}” have the same date, {first.date}: give each CT its own date, or "
                "leave out one of the two."
            )


def _case_of(audits: Sequence[DatedAudit], stated: str) -> str:
    if stated:
        return stated
    names = list(dict.fromkeys(audit.case for audit in audits))
    if len(names) > 1:
        raise InputError(
            f"The audit folders are of different cases (“{names[0]}” and “{names[1]}”): give folders of one patient, "
            "or state with --case NAME that all are of this patient."
        )
    return names[0]


def _check_precision(precision: SitePrecision, audits: Sequence[DatedAudit]) -> None:
    titles = dict.fromkeys(audit.protocol_title for audit in audits)
    if precision.protocol_title not in titles:
        raise InputError(
            f"“{precision.file_name}” is for the protocol “{precision.protocol_title}”, but the readings were made by "
            f"“{next(iter(titles))}”: use a precision study of that protocol, or omit --precision."
        )
