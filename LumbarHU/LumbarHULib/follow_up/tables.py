"""Make the tables of a follow-up: every measurement, and every change."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from LumbarHULib.cohort.change import DAYS_PER_YEAR, Change
from LumbarHULib.cohort.tables import Cell, Table
from LumbarHULib.cohort_files.precision_file import PublishedPrecision, SitePrecision
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.follow_up.comparability import compare, why_lsc_is_for_others
from LumbarHULib.follow_up.dated_audit import DatedAudit, when_of
from LumbarHULib.follow_up.densities import calibration_of, change_in_mg_cc, mineral_of, why_no_density

MEAN = "mean"
YES, NO, NOT_COMPARABLE = "yes", "no", "not comparable"

MEASUREMENT_COLUMNS = (
    *("case", "ct", "date", "days", "reader", "reading", "level", "roi", "levels", "mean_hu", "excluded", "findings"),
    "audit",
)
CHANGE_COLUMNS = (
    *("case", "level", "roi", "levels", "from_first", "consecutive"),
    *("from_ct", "to_ct", "from_date", "to_date", "days"),
    *("from_hu", "to_hu", "change_hu", "change_low_hu", "change_high_hu", "lsc_hu", "lsc_source"),
    *("hu_per_year", "hu_per_year_low", "hu_per_year_high", "changed", "reason"),
)

# After these, if every reading has densities of the same mineral.
MEASUREMENT_DENSITY_COLUMNS = ("mean_mg_cc", "mg_cc_low", "mg_cc_high", "mineral")
CHANGE_DENSITY_COLUMNS = (
    *("mineral", "from_mg_cc", "to_mg_cc", "change_mg_cc", "change_low_mg_cc", "change_high_mg_cc", "lsc_mg_cc"),
    *("mg_cc_per_year", "changed_mg_cc", "reason_mg_cc"),
)


class LscSource(Protocol):
    """What gives the least significant change."""

    @property
    def name(self) -> str:
        """Return its name in the tables."""

    def lsc_hu(self, roi: str, levels: tuple[str, ...], mean_hu: float) -> float | None:
        """Return the LSC of a region's mean over levels at this mean of the two dates; None if there is none."""

    def why_not(self, audit: DatedAudit) -> str:
        """Return why it does not hold for a reading, as part of a sentence; empty if it does."""

    @property
    def site(self) -> SitePrecision | None:
        """Return the site's precision study; None for the published LSC."""


@dataclass(frozen=True, eq=False)
class SiteSource:
    """The LSC of the site's own precision study."""

    precision: SitePrecision

    @property
    def name(self) -> str:
        """Return its name in the tables."""
        return f"precision study ({self.precision.file_name})"

    @property
    def site(self) -> SitePrecision:
        """Return the study."""
        return self.precision

    def lsc_hu(self, roi: str, levels: tuple[str, ...], mean_hu: float) -> float | None:
        """Return the LSC for exactly these levels."""
        found = self.precision.lsc.get((roi, levels))
        return None if found is None else found.lsc_hu

    def why_not(self, audit: DatedAudit) -> str:
        """Return why the study is not for this reading."""
        return why_lsc_is_for_others(self.precision, audit)


@dataclass(frozen=True, eq=False)
class PublishedSource:
    """The published LSC, for every region and level."""

    precision: PublishedPrecision

    @property
    def name(self) -> str:
        """Return its name in the tables."""
        return self.precision.document["name"]

    @property
    def site(self) -> None:
        """Return nothing: it is no study of the site."""
        return

    def lsc_hu(self, roi: str, levels: tuple[str, ...], mean_hu: float) -> float | None:
        """Return the LSC at this mean."""
        return self.precision.lsc_hu(mean_hu)

    def why_not(self, audit: DatedAudit) -> str:
        """Return nothing: it is used for every reading, with a finding."""
        return ""


@dataclass(frozen=True)
class Pair:
    """Two dates to compare, by their index."""

    first: int
    second: int

    @property
    def from_first(self) -> bool:
        """Return whether the change is from the first date."""
        return self.first == 0

    @property
    def consecutive(self) -> bool:
        """Return whether the dates follow each other."""
        return self.second == self.first + 1


def pairs_of(number: int) -> list[Pair]:
    """Return the pairs of dates: from the first to each later one, then between the others that are consecutive."""
    return [Pair(0, later) for later in range(1, number)] + [Pair(at, at + 1) for at in range(1, number - 1)]


def rois_of(audits: Sequence[DatedAudit]) -> tuple[str, ...]:
    """Return the regions of all readings, in the order of their tables."""
    return tuple(dict.fromkeys(roi for audit in audits for _, roi in audit.findings))


def levels_of(audits: Sequence[DatedAudit]) -> tuple[str, ...]:
    """Return the levels that any reading measured, from cranial to caudal."""
    return sorted_levels({level for audit in audits for level in audit.levels})


def days_between(first: DatedAudit, second: DatedAudit) -> int | None:
    """Return the days from one CT to another; None where their dates are unknown."""
    return None if first.date is None or second.date is None else (second.date - first.date).days


def common_levels(audits: Sequence[DatedAudit], roi: str) -> tuple[str, ...]:
    """Return the levels of a region's mean that all readings have."""
    first, *others = [audit.levels_of_mean(roi) for audit in audits]
    return tuple(level for level in first if all(level in levels for levels in others))


def mean_over(audit: DatedAudit, roi: str, levels: Sequence[str]) -> float:
    """Return a region's mean over levels, with the digits of the audit folder's own."""
    return math.fsum(audit.hu[level, roi] for level in levels) / len(levels)


def measurements_table(audits: Sequence[DatedAudit], case: str) -> Table:
    """Return every measurement, and each region's mean over the levels that all dates have."""
    rows: list[list[Cell]] = []
    mineral = mineral_of(audits)

    def densities(audit: DatedAudit, mean_hu: float | None) -> list[Cell]:
        calibration = calibration_of(audit) if mineral else None
        if calibration is None:
            return []
        if mean_hu is None:
            return [None, None, None, mineral]
        found = calibration.density(mean_hu)
        return [found.mean_mg_cc, found.low_mg_cc, found.high_mg_cc, mineral]

    for audit in audits:
        when = [
            case,
            audit.position,
            _date_cell(audit),
            days_between(audits[0], audit),
            audit.reader,
            audit.record["reading"],
        ]
        for level in levels_of(audits):
            for roi in rois_of(audits):
                if (level, roi) in audit.findings:
                    number, codes = audit.hu.get((level, roi)), audit.findings[level, roi]
                    excluded = audit.excluded.get(level, "")
                    cells = [level, roi, level, number, excluded, codes, audit.name]
                    rows.append([*when, *cells, *densities(audit, number)])
        for roi in rois_of(audits):
            levels = common_levels(audits, roi)
            if levels:
                mean_hu = mean_over(audit, roi, levels)
                cells = [MEAN, roi, ";".join(levels), mean_hu, "", "", audit.name]
                rows.append([*when, *cells, *densities(audit, mean_hu)])
    columns = (*MEASUREMENT_COLUMNS, *(MEASUREMENT_DENSITY_COLUMNS if mineral else ()))
    return Table("measurements", "Every measurement", columns, rows)


def changes_table(audits: Sequence[DatedAudit], case: str, lsc: LscSource, accept_unknown: bool) -> Table:
    """Return every change: of each region's mean, then of each level.

    Parameters
    ----------
    audits : sequence of DatedAudit
        In order.
    case : str
    lsc : LscSource
    accept_unknown : bool
        Compare although facts that must agree are unknown, because the user states that they do.
    """
    rows: list[list[Cell]] = []
    mineral = mineral_of(audits)
    for pair in pairs_of(len(audits)):
        first, second = audits[pair.first], audits[pair.second]
        reasons = reasons_against(first, second, lsc, accept_unknown)
        against = [why for audit in (first, second) if mineral and (why := why_no_density(audit, accept_unknown))]
        places = [(MEAN, roi) for roi in rois_of(audits)]
        places += [(level, roi) for level in levels_of((first, second)) for roi in rois_of(audits)]
        for level, roi in places:
            if any(known == roi for audit in (first, second) for _, known in audit.findings):
                cells = _change_cells(pair, first, second, level, roi, lsc, reasons)
                record = dict(zip(CHANGE_COLUMNS[1:], cells, strict=True))
                more = [mineral, *_density_cells(first, second, record, lsc, against)] if mineral else []
                rows.append([case, *cells, *more])
    return Table("changes", "Every change", (*CHANGE_COLUMNS, *(CHANGE_DENSITY_COLUMNS if mineral else ())), rows)


def reasons_against(first: DatedAudit, second: DatedAudit, lsc: LscSource, accept_unknown: bool) -> list[str]:
    """Return why two readings are not comparable at any level, as parts of sentences; empty if they are."""
    found = compare(first, second)
    reasons = list(found.differs)
    if found.unknown and not accept_unknown:
        reasons.append(f"unknown whether these agree: {', '.join(found.unknown)}")
    reasons += dict.fromkeys(why for audit in (first, second) if (why := lsc.why_not(audit)))
    return reasons


def _change_cells(
    pair: Pair,
    first: DatedAudit,
    second: DatedAudit,
    level: str,
    roi: str,
    lsc: LscSource,
    reasons: Sequence[str],
) -> list[Cell]:
    levels, missing = _levels_compared(first, second, level, roi)
    days = days_between(first, second)
    head: list[Cell] = [
        level,
        roi,
        ";".join(levels),
        pair.from_first,
        pair.consecutive,
        first.position,
        second.position,
    ]
    head += [_date_cell(first), _date_cell(second), days]
    if missing:
        return [*head, *[None] * 6, "", *[None] * 3, NOT_COMPARABLE, "; ".join([*reasons, *missing])]
    from_hu, to_hu = (mean_over(audit, roi, levels) for audit in (first, second))
    lsc_hu = lsc.lsc_hu(roi, levels, (from_hu + to_hu) / 2)
    if lsc_hu is None:
        reasons = [*reasons, f"the precision study has no LSC of {roi} at {', '.join(levels)}"]
    if reasons or lsc_hu is None:
        numbers: list[Cell] = [from_hu, to_hu, to_hu - from_hu, None, None, None, "", None, None, None]
        return [*head, *numbers, NOT_COMPARABLE, "; ".join(reasons)]
    change = Change(change_hu=to_hu - from_hu, lsc_hu=lsc_hu, days=days or 0)
    per_year: list[float | None] = [None] * 3
    if days is not None:
        ends = (change.change_hu, *change.interval_hu)
        per_year = [Change(change_hu=end, lsc_hu=lsc_hu, days=days).hu_per_year for end in ends]
    numbers = [from_hu, to_hu, change.change_hu, *change.interval_hu, lsc_hu, lsc.name, *per_year]
    return [*head, *numbers, YES if change.is_significant else NO, ""]


def _density_cells(
    first: DatedAudit, second: DatedAudit, record: Mapping[str, Any], lsc: LscSource, against: Sequence[str]
) -> list[Cell]:
    """Return the cells of a change in mg/cm³, from those in HU: a change that is not judged there is not here."""
    hu = record["from_hu"], record["to_hu"]
    if None in hu:
        return [*[None] * 7, NOT_COMPARABLE, record["reason"]]
    place = record["roi"], tuple(record["levels"].split(";"))
    change = change_in_mg_cc(first, second, hu, None if against else record["lsc_hu"], lsc.site, place)
    per_year = None
    if change.is_significant is not None and record["days"]:
        per_year = change.change_mg_cc / record["days"] * DAYS_PER_YEAR
    reason = "; ".join(filter(None, (record["reason"], *against)))
    if change.is_significant is None:
        reason = reason or "a calibration has no interval"
    judged = {None: NOT_COMPARABLE, True: YES, False: NO}[change.is_significant]
    ends = (change.low_mg_cc, change.high_mg_cc, change.lsc_mg_cc)
    return [change.from_mg_cc, change.to_mg_cc, change.change_mg_cc, *ends, per_year, judged, reason]


def pair_text(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the dates that a change is between; places in the order given if the dates are unknown."""
    return when_of(record["from_date"], record["from_ct"]), when_of(record["to_date"], record["to_ct"])


def _date_cell(audit: DatedAudit) -> str | None:
    return None if audit.date is None else str(audit.date)


def _levels_compared(first: DatedAudit, second: DatedAudit, level: str, roi: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the levels that a change is over, and why it cannot be computed."""
    if level != MEAN:
        return (level,), [why for audit in (first, second) if (why := audit.why_missing(level, roi))]
    levels = common_levels((first, second), roi)
    least = max(int(audit.facts.protocol_values["minimum_levels"]) for audit in (first, second))
    if len(levels) >= least:
        return levels, []
    has = f"only {', '.join(levels)}" if levels else "none"
    needed = f"at least {least} levels" if least > 1 else "a level"
    return levels, [f"a mean needs {needed} that both dates have, and there is {has}"]


def changes_by_pair(changes: Table) -> dict[tuple[int, int], list[Mapping[str, Any]]]:
    """Return the changes to show for each pair of CTs: of the means, or of the levels where no mean is compared.

    Parameters
    ----------
    changes : Table
        The table of changes of a follow-up.

    Returns
    -------
    dict of tuple of int to list of dict
        By the positions of the two CTs. With a single level that both CTs have, it is this level's changes.
    """
    pairs: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for record in changes.records():
        pairs.setdefault((record["from_ct"], record["to_ct"]), []).append(record)
    shown = {}
    for pair, records in pairs.items():
        means = [one for one in records if one["level"] == MEAN]
        singles = [one for one in records if one["level"] != MEAN and one["change_hu"] is not None]
        shown[pair] = [one for one in means if one["change_hu"] is not None] or singles or means
    return shown
