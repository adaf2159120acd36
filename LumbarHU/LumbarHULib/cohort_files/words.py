"""Findings of a cohort in words that its page and the terminal share."""

from collections.abc import Sequence

from LumbarHULib.cohort.cases import CohortFinding


def by_kind(findings: Sequence[CohortFinding]) -> dict[str, list[CohortFinding]]:
    """Return the findings of each code, in the order in which the codes first come."""
    kinds: dict[str, list[CohortFinding]] = {}
    for finding in findings:
        kinds.setdefault(finding.code, []).append(finding)
    return kinds


def in_columns(findings: Sequence[CohortFinding]) -> str:
    """Return “ in age, bmi”, or the like, where findings are of several columns; else nothing."""
    columns = dict.fromkeys(finding.column for finding in findings if finding.column)
    return f" in {', '.join(columns)}" if len(columns) > 1 else ""


def more_like_it(count: int, where: str = "") -> str:
    """Return what stands for so many findings that are not shown."""
    return f"… and {count} more like it{where} (findings.csv)."
