"""Determine the groups of a cohort's cases by DXA, and report unreliable DXA values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.correlation import spearman
from LumbarHULib.cohort.groups import groups_of_t_scores
from LumbarHULib.cohort_files.columns import AddFinding
from LumbarHULib.cohort_files.study_files import load_dxa_limits, load_t_score_criteria
from LumbarHULib.core.errors import InputError

Rows = Sequence[tuple[int, tuple[str, ...]]]


def dxa_groups(
    rows: Rows, labels: Mapping[str, Sequence[str]], numbers: Mapping[str, np.ndarray], add_finding: AddFinding
) -> tuple[tuple[str, ...], int]:
    """Return each case's group, as given or by T-score ("" where unknown), and the number of groups by T-score."""
    given = labels.get("group", ("",) * len(rows))
    if "t_score" not in numbers:
        return tuple(given), 0
    t_scores = numbers["t_score"]
    by_score = groups_of_t_scores(t_scores, load_t_score_criteria())
    for (row, _), group, other, t_score in zip(rows, given, by_score, t_scores, strict=True):
        if group and other and group != other:
            sentence = (
                f"Row {row}, column group: {group} is given, but a T-score of {t_score:g} is {other}; the given group "
                "is used."
            )
            remedy = "Check both; the T-score may be from another site."
            add_finding(CohortFinding("group_contradicts_t_score", sentence, remedy, row=row, column="group"))
    groups = tuple(group or other for group, other in zip(given, by_score, strict=True))
    return groups, sum(map(bool, groups)) - sum(map(bool, given))


def menopause_of_women(
    rows: Rows, cases: Sequence[str], labels: Mapping[str, Sequence[str]], add_finding: AddFinding
) -> tuple[str, ...]:
    """Return the menopausal status of each case, "" if unknown or if the case is a man, which gives a finding."""
    sexes, known = (labels.get(name, ("",) * len(rows)) for name in ("sex", "menopause"))
    for (row, _), case, sex, word in zip(rows, cases, sexes, known, strict=True):
        if sex == "male" and word:
            sentence = f"Row {row}, column menopause: {case} is a man, so “{word}” is omitted."
            remedy = "Correct sex or menopause."
            add_finding(CohortFinding("menopause_of_a_man", sentence, remedy, row=row, column="menopause", case=case))
    return tuple("" if sex == "male" else word for sex, word in zip(sexes, known, strict=True))


def dxa_findings(
    rows: Rows, cases: Sequence[str], labels: Mapping[str, Sequence[str]], numbers: Mapping[str, np.ndarray]
) -> list[CohortFinding]:
    """Return findings on cases to which T-scores do not apply, on CT and DXA too far apart, and on mixed DXA."""
    findings = _turned_t_scores(numbers)
    limits = load_dxa_limits()
    unknown = np.full(len(rows), np.nan)
    ages, days = numbers.get("age", unknown), numbers.get("days_ct_dxa", unknown)
    sexes, menopause = (labels.get(name, ("",) * len(rows)) for name in ("sex", "menopause"))
    for index, ((row, _), case) in enumerate(zip(rows, cases, strict=True)):
        where: dict[str, Any] = {"row": row, "case": case}
        if sexes[index] == "male" and ages[index] < limits.t_score_from_age:
            who, column = f"a man of {ages[index]:g}, below {limits.t_score_from_age:g} years", "age"
        elif sexes[index] != "male" and menopause[index] == "pre":
            who, column = "a premenopausal woman", "menopause"
        else:
            who, column = "", ""
        if who:
            sentence = f"Row {row}, column {column}: {case} is {who}; T-scores do not apply."
            remedy = "Consider Z-scores, or omit the case."
            findings.append(CohortFinding("t_score_does_not_apply", sentence, remedy, column=column, **where))
        if abs(days[index]) > limits.days_ct_dxa_at_most:
            sentence = (
                f"Row {row}, column days_ct_dxa: CT and DXA of {case} are {abs(days[index]):g} days apart, more than "
                f"the study's limit of {limits.days_ct_dxa_at_most:g}."
            )
            findings.append(
                CohortFinding("ct_far_from_dxa", sentence, "Consider omitting the case.", column="days_ct_dxa", **where)
            )
    for column, words in (("dxa_device", "devices"), ("t_score_site", "sites")):
        counts = Counter(label for label in labels.get(column, ()) if label)
        if len(counts) > 1:
            kinds = ", ".join(f"{name} ({count})" for name, count in counts.most_common(5))
            sentence = f"Column {column}: DXA is from {len(counts)} {words}, whose values are not comparable: {kinds}."
            findings.append(CohortFinding("dxa_differs", sentence, "Analyze them separately.", column=column))
    return findings


def _turned_t_scores(numbers: Mapping[str, np.ndarray]) -> list[CohortFinding]:
    """Return a finding if T-scores fall with rising density, as they do if their minus signs are lost."""
    remedy = "Check their signs: T-scores of low density are negative."
    for density in (name for name in numbers if name.startswith("bmd") and "t_score" in numbers):
        try:
            found = spearman(numbers["t_score"], numbers[density])
        except InputError:  # too few cases have both
            continue
        if found.high < 0:
            correlation = f"Spearman's ρ = {found.estimate:.2f}, n = {found.n}"
            sentence = f"Column t_score: T-scores fall with rising {density} ({correlation})."
            return [CohortFinding("t_score_against_bmd", sentence, remedy, "severe", column="t_score")]
    return []
