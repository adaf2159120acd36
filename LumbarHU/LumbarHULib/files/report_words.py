"""What a reading says, in words and cells, for people who read the report."""

import re
from collections.abc import Iterator, Sequence

from LumbarHULib.core.findings import SEVERITIES, Finding
from LumbarHULib.core.patient import missing_levels_told
from LumbarHULib.core.results import CLASSES, RoiSummary
from LumbarHULib.files.audit import Audit

# What the table of classes shows in columns.
IN_TABLE = frozenset({"inside_cutoff_interval", "within_measurement_error"})

# Told in one sentence for all regions.
_LEVELS_MISSING = "levels_missing"

NONE = "–"


def number_text(value: float | None, digits: int = 1, sign: str = "") -> str:
    """Return a number with a true minus sign, or a dash where there is none; `sign` “+” writes a plus as well."""
    # Adding 0 makes a zero of a negative one.
    return NONE if value is None else f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def yes_no(answer: bool | None) -> str:
    """Return an answer in a word."""
    return {None: "unknown", True: "yes", False: "no"}[answer]


def regions_by_class(summaries: Sequence[RoiSummary]) -> Iterator[str]:
    """Yield a sentence for each class that a region has; no sixth, overall class is made of the five."""
    for name, words in CLASSES.items():
        rois = [summary.roi for summary in summaries if summary.class_name == name]
        if rois:
            yield f"{words[0].upper()}{words[1:]}: {', '.join(rois)}."


def grouped_findings(audit: Audit) -> list[tuple[Finding, ...]]:
    """Return the findings that no table shows, the gravest first; those of one kind and one remedy stand together."""
    result = audit.result
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in result.all_findings:
        if finding.code == _LEVELS_MISSING:
            told = missing_levels_told(result, audit.protocol.protocol, audit.cutoffs.cutoffs)
            groups[_LEVELS_MISSING, ""] = [Finding(_LEVELS_MISSING, told, severity=finding.severity)]
        elif finding.code not in IN_TABLE:
            groups.setdefault((finding.code, finding.remedy), []).append(finding)
    gravest_first = sorted(groups.values(), key=lambda group: -max(SEVERITIES.index(of.severity) for of in group))
    return [tuple(group) for group in gravest_first]


def sentences_of(group: Sequence[Finding]) -> list[str]:
    """Return the sentences of findings of one kind; those that differ in their level alone are told once."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in group:
        pattern = re.sub(rf"\b{finding.level}\b", "", finding.sentence) if finding.level else finding.sentence
        alike.setdefault((pattern, finding.roi), []).append(finding)
    told = []
    for findings in alike.values():
        others = ", ".join(dict.fromkeys(finding.level for finding in findings[1:]))
        told.append(f"{findings[0].sentence} (Likewise {others}.)" if others else findings[0].sentence)
    return told
