"""Report findings on a cohort once per kind, and list every affected row in a separate table."""

from collections.abc import Sequence

import numpy as np

from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.class_tables import useless_text
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.tables import Cell, Table
from LumbarHULib.core.levels import LEVELS

# A smaller group gives a finding: its quartiles and intervals are unreliable.
SMALL_GROUP = 10
FINDING_COLUMNS = ("severity", "code", "row", "column", "case", "sentence", "remedy")
# Largest number of names in a sentence.
_NAMED = 6


def findings_tables(findings: Sequence[CohortFinding]) -> tuple[Table, Table]:
    """Return the findings, one per kind, and the findings on single rows of the cohort's table."""
    return (
        Table("findings", "Findings", FINDING_COLUMNS, _cells(counted(findings))),
        Table("rows", "Rows of the table with a finding", FINDING_COLUMNS, _cells(_row_findings(findings))),
    )


def _cells(findings: Sequence[CohortFinding]) -> list[list[Cell]]:
    return [[getattr(finding, column) for column in FINDING_COLUMNS] for finding in findings]


def _row_findings(findings: Sequence[CohortFinding]) -> list[CohortFinding]:
    return [finding for finding in findings if _is_of_row(finding)]


def _is_of_row(finding: CohortFinding) -> bool:
    return finding.row is not None and finding.row > 1


def counted(findings: Sequence[CohortFinding]) -> tuple[CohortFinding, ...]:
    """Return one finding per kind: findings on single rows are counted and represented by the first."""
    kinds: dict[str, list[CohortFinding]] = {}
    for finding in _row_findings(findings):
        kinds.setdefault(finding.code, []).append(finding)
    merged, seen = [], set()
    for finding in findings:
        same_kind = kinds.get(finding.code, [])
        if not _is_of_row(finding) or len(same_kind) == 1:
            merged.append(finding)
        elif finding.code not in seen:
            seen.add(finding.code)
            columns = list(dict.fromkeys(one.column for one in same_kind if one.column))
            where = f" in {', '.join(columns)}" if len(columns) > 1 else ""
            worst = max(same_kind, key=lambda one: ("note", "warning", "severe").index(one.severity))
            if worst.severity == "severe":
                where += _of_cases(same_kind)
            sentence = f"{len(same_kind)} findings of the same kind{where} (rows.csv), such as: {finding.sentence}"
            column = columns[0] if len(columns) == 1 else ""
            merged.append(CohortFinding(finding.code, sentence, finding.remedy, worst.severity, column=column))
    return tuple(merged)


def _of_cases(findings: Sequence[CohortFinding]) -> str:
    """Return text with the names of the cases that findings concern; empty if none is named."""
    cases = list(dict.fromkeys(finding.case for finding in findings if finding.case))
    more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
    return f" for the case{'s' if len(cases) > 1 else ''} {', '.join(cases[:_NAMED])}{more}" if cases else ""


def cohort_findings(
    cohort: Cohort, rocs: Sequence[RegionRoc], level_rocs: Sequence[RegionRoc], are_forced: bool
) -> list[CohortFinding]:
    """Return findings on groups, means and ROC curves."""
    findings = _group_findings(cohort)
    if cohort.rois(cohort.mean_name) and cohort.mean_name not in LEVELS:
        findings += _mean_findings(cohort)
    findings += _useless_curves(rocs, "of the mean", _FORCED if are_forced else _NO_FILE)
    others = [roc for roc in level_rocs if roc.level != cohort.mean_name]
    return findings + _useless_curves(others, "by level", "Do not use their cutoffs.")


_NO_FILE = "cutoffs.json omits their cutoffs; the option --force-cutoffs includes them."
_FORCED = "cutoffs.json includes their cutoffs because of --force-cutoffs; do not use them for patients."


def _useless_curves(rocs: Sequence[RegionRoc], where: str, remedy: str) -> list[CohortFinding]:
    useless = [roc for roc in rocs if not roc.is_useful]
    if not useless:
        return []
    named = [f"{roc.roi} of {roc.level} for {roc.target}" for roc in useless]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    sentence = (
        f"{len(useless)} of {len(rocs)} ROC curves {where} do not show that low HU find their target: "
        f"{', '.join(named[:_NAMED])}{more}. {useless_text(useless[0])}"
    )
    return [CohortFinding("useless_roc_curve", sentence, remedy, "severe")]


def _group_findings(cohort: Cohort) -> list[CohortFinding]:
    findings = []
    ungrouped = sum(not group for group in cohort.groups)
    if 0 < ungrouped < len(cohort):
        sentence = f"{_cases(ungrouped)} no group by DXA and cannot be used to compare groups."
        findings.append(CohortFinding("without_group", sentence))
    for reference in cohort.references:
        small = {group: size for group, size in reference.sizes.items() if size < SMALL_GROUP}
        if small:
            sizes = ", ".join(f"{group} {size}" for group, size in small.items())
            sentence = (
                f"{'These classes' if len(small) > 1 else 'This class'} of {reference.name} "
                f"{'have' if len(small) > 1 else 'has'} fewer than {SMALL_GROUP} cases: {sizes}. Quartiles and "
                "intervals are unreliable, and a class without cases is omitted."
            )
            findings.append(CohortFinding("small_group", sentence))
    return findings


def _mean_findings(cohort: Cohort) -> list[CohortFinding]:
    mean, rois, findings = cohort.mean_name, cohort.rois(cohort.mean_name), []
    missing = {roi: int(np.isnan(cohort.hu(mean, roi)).sum()) for roi in rois}
    counts = _by_count(missing)
    if counts:
        findings.append(CohortFinding("without_mean", f"Without a mean over {mean}: {counts}."))
    partial = {roi: int((~np.isnan(cohort.hu(mean, roi)) & _any_level_missing(cohort, roi)).sum()) for roi in rois}
    counts = _by_count(partial)
    if counts:
        sentence = f"With a mean over fewer levels than {mean}: {counts}."
        findings.append(CohortFinding("levels_missing", sentence, "See cases.csv for the levels of each case."))
    return findings


def _by_count(counts: dict[str, int]) -> str:
    """Return text with the number of cases by region."""
    rois_by_count: dict[int, list[str]] = {}
    for roi, count in counts.items():
        if count:
            rois_by_count.setdefault(count, []).append(roi)
    return "; ".join(
        f"{count} case{'s' if count != 1 else ''} in {', '.join(rois)}" for count, rois in sorted(rois_by_count.items())
    )


def _any_level_missing(cohort: Cohort, roi: str) -> np.ndarray:
    return np.any([np.isnan(cohort.hu(level, roi)) for level in cohort.mean_levels], axis=0)


def _cases(count: int) -> str:
    return f"{count} case{'s have' if count != 1 else ' has'}"
