"""Say what makes the changes of a follow-up doubtful."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from LumbarHULib.audit.audit import UNNAMED
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.precision_file import (
    MIXED,
    READINGS,
    SCANS,
    UNKNOWN,
    SitePrecision,
    published_precision,
)
from LumbarHULib.cohort_files.precision_findings import acquisition_words
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.follow_up.comparability import acquisition_findings, compare
from LumbarHULib.follow_up.dated_audit import DatedAudit
from LumbarHULib.follow_up.densities import density_findings
from LumbarHULib.follow_up.tables import MEAN, NOT_COMPARABLE, YES, pair_text, pairs_of

# Depths of bodies that differ by more than this, in the median of the levels, are hardly those of one patient: a reader
# places both ends of a midline to about 1 mm, and bodies do not become deeper.
_DEPTHS_DIFFER_MM = 4.0

# The LSC is exceeded by one in so many changes of patients that did not change: it is the limit of 95 % of them.
_ONE_BY_CHANCE_IN = 20

# What a precision study repeats, if not scans.
_REPETITIONS = {
    READINGS: "repeats readings of one scan, not scans",
    MIXED: "repeats scans of some patients only, and readings of one scan of the others",
    UNKNOWN: "does not state that scans were repeated",
}


def findings_on(
    audits: Sequence[DatedAudit],
    changes: Table,
    precision: SitePrecision | None,
    accept_unknown: bool,
    stated_case: str,
) -> list[CohortFinding]:
    """Return the findings: on comparability, then on the LSC, then on the number of comparisons."""
    found = [*_order_findings(audits), *_pair_findings(audits, changes, accept_unknown)]
    if stated_case and {audit.case for audit in audits} != {stated_case}:
        found.append(
            CohortFinding(
                "case_stated",
                f"By their names the folders are not all of the case {stated_case}: the user stated that they are.",
                "Check that every folder is of this patient.",
                "note",
            )
        )
    if not stated_case and {audit.case for audit in audits} == {UNNAMED}:
        found.append(
            CohortFinding(
                "case_unnamed",
                "The audit folders do not name their case, so they may be of different patients.",
                "Check that every folder is of one patient, and state it with --case NAME.",
            )
        )
    found += acquisition_findings(audits)
    if precision is None:
        found += _published_findings(audits)
    else:
        found += [*_study_findings(audits, precision), *_uncertain_lsc_findings(changes, precision)]
    found += density_findings(audits, accept_unknown)
    found += [*_mean_findings(changes), *_level_findings(audits), *_patient_findings(audits)]
    return [*found, *_count_findings(changes)]


def _order_findings(audits: Sequence[DatedAudit]) -> list[CohortFinding]:
    """Return the finding that the CTs have no dates."""
    if audits[0].date is not None:
        return []
    return [
        CohortFinding(
            "dates_unknown",
            "The dates of the CTs are unknown: the audit folders are compared in the order given, and changes per year "
            "are missing.",
            "Check the order, or add the date of each CT, such as audit=2024-03-15.",
        )
    ]


def _pair_findings(audits: Sequence[DatedAudit], changes: Table, accept_unknown: bool) -> list[CohortFinding]:
    """Return a finding for each pair of dates that is not comparable, or only by the user's statement."""
    found = []
    for pair in pairs_of(len(audits)):
        first, second = audits[pair.first], audits[pair.second]
        dates = f"{first.when} and {second.when}"
        result = compare(first, second)
        if result.differs:
            found.append(
                CohortFinding(
                    "not_comparable",
                    f"{dates} are not comparable: {'; '.join(result.differs)}.",
                    "A difference between them is not a change of the patient.",
                    "severe",
                )
            )
        elif result.unknown and not accept_unknown:
            found.append(
                CohortFinding(
                    "agreement_unknown",
                    f"{dates} are not compared, because it is unknown whether these agree: "
                    f"{', '.join(result.unknown)}.",
                    "Check them at the source of the CTs; if they agree, state it with --accept-unknown, which is "
                    "recorded.",
                    "severe",
                )
            )
        elif result.unknown:
            found.append(
                CohortFinding(
                    "agreement_stated",
                    f"{dates} are compared although the files do not show that these agree: "
                    f"{', '.join(result.unknown)}. The user stated it.",
                )
            )
    return found


def _published_findings(audits: Sequence[DatedAudit]) -> list[CohortFinding]:
    published = published_precision()
    document = published.document
    found = [
        CohortFinding(
            "published_lsc",
            f"The LSC is not this site's own but {published.description}. Source: {document['lsc']['source']} "
            f"{document['lsc']['note']}",
            "Make your own precision study with lumbarhu precision.",
        )
    ]
    shipped = load_protocol().protocol.patient.lsc_hu
    own = {audit.facts.protocol_values["lsc_hu"] for audit in audits} - {shipped}
    if own:
        found.append(
            CohortFinding(
                "protocol_lsc_not_used",
                f"The protocol's own lsc_hu ({', '.join(f'{value:g}' for value in sorted(own))} HU) is for classes, "
                "not changes: it may lack the error of a repeated scan.",
                "Give a precision study with --precision.",
                "note",
            )
        )
    return found


def _study_findings(audits: Sequence[DatedAudit], precision: SitePrecision) -> list[CohortFinding]:
    found = []
    document, least = precision.document, published_precision().degrees_of_freedom_min
    if precision.degrees_of_freedom < least:
        found.append(
            CohortFinding(
                "few_degrees_of_freedom",
                f"The precision study has only {precision.degrees_of_freedom} degrees of freedom; the ISCD asks for "
                f"{least}. More than 5 % of unchanged patients may exceed its LSC.",
                "Measure more patients for the precision study.",
            )
        )
    if document["repeated"] != SCANS:
        found.append(
            CohortFinding(
                "not_repeated_scans",
                f"The precision study {_REPETITIONS[document['repeated']]}: its LSC lacks the error of scanner and "
                "positioning, and more than 5 % of unchanged patients may exceed it.",
                "Make a precision study with repeated scans.",
            )
        )
    unknown = [name for name, value in document["acquisition"].items() if value is None]
    if unknown:
        names = acquisition_words(unknown)
        found.append(
            CohortFinding(
                "precision_scanner_unknown",
                f"The precision study does not state its {names}: whether it is for this patient's scanner is not "
                "checked.",
                "Check it, or make the study with --audits.",
                "note",
            )
        )
    others = sorted({audit.reader for audit in audits} - set(document["readers"]))
    if others:
        found.append(
            CohortFinding(
                "reader_not_in_study",
                f"{', '.join(others)} did not take part in the precision study.",
                "Include every reader in the precision study.",
                "note",
            )
        )
    return found


def _uncertain_lsc_findings(changes: Table, precision: SitePrecision) -> list[CohortFinding]:
    """Return a note on changes that count by the estimated LSC, but would not at its upper 95 % limit."""
    counting = [record for record in changes.records() if record["changed"] == YES]
    below = [
        record
        for record in counting
        if abs(record["change_hu"]) < precision.lsc[record["roi"], tuple(record["levels"].split(";"))].high_hu
    ]
    if not below:
        return []
    return [
        CohortFinding(
            "lsc_uncertain",
            f"Of {len(counting)} changes that count, {len(below)} {'is' if len(below) == 1 else 'are'} below the upper "
            "95 % limit of the LSC, which is only an estimate from the patients of the precision study.",
            "Interpret such changes with caution, or measure more patients for the precision study.",
            "note",
        )
    ]


def _mean_findings(changes: Table) -> list[CohortFinding]:
    """Return a finding for each pair of dates whose means are over too few levels to be compared."""
    without: dict[tuple[str, str, str], list[str]] = {}
    for record in changes.records(level=MEAN, from_hu=None):
        key = *pair_text(record), record["reason"].rpartition("; ")[2]
        without.setdefault(key, []).append(record["roi"])
    return [
        CohortFinding(
            "mean_not_compared",
            f"Between {first} and {second} the {'mean' if len(rois) == 1 else 'means'} of {', '.join(rois)} "
            f"{'is' if len(rois) == 1 else 'are'} not compared: {reason}.",
            "See the changes at the levels that both dates have, or measure more levels.",
        )
        for (first, second, reason), rois in without.items()
    ]


def _level_findings(audits: Sequence[DatedAudit]) -> list[CohortFinding]:
    """Return a finding on doubtful measurements, and a note where levels enter the mean of some dates only."""
    found = []
    for audit in audits:
        places: dict[str, list[str]] = {}
        for place, codes in audit.severe_findings.items():
            places.setdefault(", ".join(codes), []).append(place)
        doubts = [f"{', '.join(alike)} ({codes})" for codes, alike in places.items()]
        if doubts:
            found.append(
                CohortFinding(
                    "measurement_doubtful",
                    f"On {audit.when}, the audit folder has severe findings on {'; '.join(doubts)}: changes of these, "
                    "and of means with them, may come from the measurement.",
                    "Look at its report, correct or exclude the level, and measure again.",
                )
            )
        missing = [
            f"{level} ({reason})"
            for level, reason in audit.excluded.items()
            if any(level in other.levels and level not in other.excluded for other in audits)
        ]
        if missing:
            found.append(
                CohortFinding(
                    "level_excluded_once",
                    f"{', '.join(missing)} of {audit.when}: an excluded level is in the mean of neither date.",
                    "If the reason holds at the other dates, exclude the level there as well.",
                    "note",
                )
            )
    return found


def _patient_findings(audits: Sequence[DatedAudit]) -> list[CohortFinding]:
    """Return a finding for each pair of neighboring dates whose bodies have other sizes, as of another patient."""
    found = []
    for first, second in pairwise(audits):
        depths = [
            {level["level"]: float(level["frame"]["depth_mm"]) for level in audit.record["levels"]}
            for audit in (first, second)
        ]
        common = sorted_levels(set(depths[0]) & set(depths[1]))
        if not common:
            continue
        median_mm = statistics.median(depths[1][level] - depths[0][level] for level in common)
        if abs(median_mm) > _DEPTHS_DIFFER_MM:
            level = min(common, key=lambda one: abs(depths[1][one] - depths[0][one] - median_mm))
            found.append(
                CohortFinding(
                    "bodies_differ",
                    f"The bodies are {abs(median_mm):.1f} mm {'deeper' if median_mm > 0 else 'less deep'} on "
                    f"{second.when} than on {first.when} (median of {', '.join(common)}; {level}: "
                    f"{depths[0][level]:.1f} and {depths[1][level]:.1f} mm), more than {_DEPTHS_DIFFER_MM:g} mm.",
                    "Check that both CTs are of this patient, and that the levels are the same.",
                    "severe",
                )
            )
    return found


def _count_findings(changes: Table) -> list[CohortFinding]:
    judged = [record for record in changes.records() if record["changed"] != NOT_COMPARABLE]
    if not judged:
        return []
    count = sum(record["changed"] == YES for record in judged)
    means = sum(record["level"] == MEAN for record in judged)
    by_chance = math.ceil(len(judged) / _ONE_BY_CHANCE_IN)
    return [
        CohortFinding(
            "number_of_comparisons",
            f"{count} of {len(judged)} changes ({means} of them changes of means) "
            f"{'reaches' if count == 1 else 'reach'} the LSC; by chance about {by_chance} would.",
            "Decide beforehand which region's mean counts.",
            "note",
        )
    ]
