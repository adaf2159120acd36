"""What is doubtful about a cohort: told once for each kind, with every row that it concerns in a table of its own."""

from collections.abc import Sequence

import numpy as np

from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.class_tables import useless_text
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.tables import Table
from LumbarHULib.core.levels import LEVELS

# A group with fewer cases is told: its quartiles and intervals say little.
SMALL_GROUP = 10
FINDING_COLUMNS = ("severity", "code", "row", "column", "case", "sentence", "remedy")
# So many names are written out in a sentence.
_NAMED = 6


def findings_tables(findings: Sequence[CohortFinding]) -> tuple[Table, Table]:
    """Return the findings, one of each kind, and each row of the cohort's table that one of them is about."""
    return (
        Table("findings", "What is doubtful", FINDING_COLUMNS, _cells(counted(findings))),
        Table("rows", "Rows of the table that a finding is about", FINDING_COLUMNS, _cells(_of_rows(findings))),
    )


def _cells(findings: Sequence[CohortFinding]) -> list[list]:
    return [[getattr(finding, column) for column in FINDING_COLUMNS] for finding in findings]


def _of_rows(findings: Sequence[CohortFinding]) -> list[CohortFinding]:
    return [finding for finding in findings if _is_of_row(finding)]


def _is_of_row(finding: CohortFinding) -> bool:
    return finding.row is not None and finding.row > 1


def counted(findings: Sequence[CohortFinding]) -> tuple[CohortFinding, ...]:
    """Return one finding of each kind: those about single rows are counted, and the first stands for all of them."""
    kinds: dict[str, list[CohortFinding]] = {}
    for finding in _of_rows(findings):
        kinds.setdefault(finding.code, []).append(finding)
    told, seen = [], set()
    for finding in findings:
        of_kind = kinds.get(finding.code, [])
        if not _is_of_row(finding) or len(of_kind) == 1:
            told.append(finding)
        elif finding.code not in seen:
            seen.add(finding.code)
            columns = list(dict.fromkeys(one.column for one in of_kind if one.column))
            where = f" in {', '.join(columns)}" if len(columns) > 1 else ""
            sentence = f"{len(of_kind)} findings of one kind{where} (rows.csv), such as: {finding.sentence}"
            worst = max(of_kind, key=lambda one: ("note", "warning", "severe").index(one.severity))
            column = columns[0] if len(columns) == 1 else ""
            told.append(CohortFinding(finding.code, sentence, finding.remedy, worst.severity, column=column))
    return tuple(told)


def cohort_findings(
    cohort: Cohort, rocs: Sequence[RegionRoc], level_rocs: Sequence[RegionRoc], are_forced: bool
) -> list[CohortFinding]:
    """Return what is doubtful about groups, means and ROC curves."""
    findings = _group_findings(cohort)
    if cohort.rois(cohort.mean_name) and cohort.mean_name not in LEVELS:
        findings += _mean_findings(cohort)
    findings += _useless_curves(rocs, "of the mean", _FORCED if are_forced else _NO_FILE)
    others = [roc for roc in level_rocs if roc.level != cohort.mean_name]
    return findings + _useless_curves(others, "by level", "Do not use their cutoffs.")


_NO_FILE = "Their cutoffs are not written into cutoffs.json. The option --force-cutoffs writes them."
_FORCED = "Their cutoffs were written by --force-cutoffs; do not use them for patients."


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
        sentence = f"{_cases(ungrouped)} no group by DXA, so what compares groups goes without."
        findings.append(CohortFinding("without_group", sentence))
    for reference in cohort.references:
        small = {group: size for group, size in reference.sizes.items() if size < SMALL_GROUP}
        if small:
            sizes = ", ".join(f"{group} {size}" for group, size in small.items())
            sentence = (
                f"Of {reference.name}, {'these classes have' if len(small) > 1 else 'this class has'} fewer than "
                f"{SMALL_GROUP} cases: {sizes}. Their quartiles and intervals say little, and a class without a case "
                "is left out."
            )
            findings.append(CohortFinding("small_group", sentence))
    return findings


def _mean_findings(cohort: Cohort) -> list[CohortFinding]:
    mean, rois, findings = cohort.mean_name, cohort.rois(cohort.mean_name), []
    missing = {roi: int(np.isnan(cohort.hu(mean, roi)).sum()) for roi in rois}
    told = _by_count(missing)
    if told:
        findings.append(CohortFinding("without_mean", f"Without a mean over {mean}: {told}."))
    partial = {roi: int((~np.isnan(cohort.hu(mean, roi)) & _any_level_missing(cohort, roi)).sum()) for roi in rois}
    told = _by_count(partial)
    if told:
        sentence = f"With a mean over fewer levels than {mean}: {told}."
        findings.append(CohortFinding("levels_missing", sentence, "See cases.csv for how many levels each is of."))
    return findings


def _by_count(counts: dict[str, int]) -> str:
    """Return how many cases there are in which regions."""
    of_count: dict[int, list[str]] = {}
    for roi, count in counts.items():
        if count:
            of_count.setdefault(count, []).append(roi)
    return "; ".join(
        f"{count} case{'s' if count != 1 else ''} in {', '.join(rois)}" for count, rois in sorted(of_count.items())
    )


def _any_level_missing(cohort: Cohort, roi: str) -> np.ndarray:
    return np.any([np.isnan(cohort.hu(level, roi)) for level in cohort.mean_levels], axis=0)


def _cases(count: int) -> str:
    return f"{count} case{'s have' if count != 1 else ' has'}"
