"""What a reading says, in words and cells, for people who read the report."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.findings import SEVERITIES, Finding
from LumbarHULib.core.patient import describe_missing_levels
from LumbarHULib.core.protocol_values import PatientValues, UncertaintyValues
from LumbarHULib.core.results import CLASSES, ReadingResult, RoiSummary

# What the table of classes shows in columns.
IN_TABLE = frozenset({"inside_cutoff_interval", "within_measurement_error"})

# Reported in one sentence for all regions.
_LEVELS_MISSING = "levels_missing"

# As many findings of one kind are shown with their sentences; of the others, only level and region.
_MOST_SENTENCES = 3

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
    for name in CLASSES:
        of_class = [summary for summary in summaries if summary.class_name == name]
        if of_class:
            words = of_class[0].class_words
            yield f"{words[0].upper()}{words[1:]}: {', '.join(summary.roi for summary in of_class)}."


def agreement_sentence(summaries: Sequence[RoiSummary]) -> str:
    """Return whether the classes of the regions agree, and how many have each class where they do not."""
    counts = Counter(summary.class_words for summary in summaries).most_common()
    if len(counts) == 1:
        return f"All {len(summaries)} regions agree."
    split = ", ".join(f"{count} {words}" for words, count in counts)
    return f"The {len(summaries)} regions do not agree: {split}."


def trials_text(trials: int, values: UncertaintyValues) -> str:
    """Return how the midlines were moved to show how certain the numbers are, in letters that every terminal has."""
    slices = f"{values.reader_error_slices} slice{'' if values.reader_error_slices == 1 else 's'}"
    return (
        f"moved {trials} times by the error of readers (SD {values.reader_error_mm:g} mm and "
        f"{values.reader_error_deg:g} degrees, up to {slices})"
    )


def osteopenia_recovered(summaries: Sequence[RoiSummary]) -> str:
    """Return in a sentence what share of osteopenia the cutoffs of the classified regions find; empty where unknown."""
    recovered = [
        f"{summary.roi} {summary.cutoffs.osteopenia_recovered_percent:.0f} %"
        for summary in summaries
        if summary.class_name != "not_classified"
        and summary.cutoffs is not None
        and summary.cutoffs.osteopenia_recovered_percent is not None
    ]
    return f"Share of osteopenia that these cutoffs recognize: {', '.join(recovered)}." if recovered else ""


# Why a mean has no class, by the finding that says so.
NO_CLASS_WORDS = {
    "implausible_mean": "implausible mean",
    "tube_voltage_off_protocol": "tube voltage off protocol",
    "contrast_medium": "contrast medium",
    "contrast_seen": "contrast medium visible",
    "too_few_levels": "too few levels",
}


def why_not_classified(summary: RoiSummary, result: ReadingResult) -> str:
    """Return in a few words why a region's mean has no class; empty where it has one or the reason is not known."""
    if summary.class_name != "not_classified":
        return ""
    if summary.mean_hu is None:
        return "no level measured"
    if summary.cutoffs is None:
        return "no cutoffs for this protocol"
    codes = [finding.code for finding in (*summary.findings, *result.findings)]
    return "; ".join(words for code, words in NO_CLASS_WORDS.items() if code in codes)


def findings_of_level(result: ReadingResult, level: str) -> list[Finding]:
    """Return the findings on one level, the gravest first; of one kind in one region, only the gravest."""
    of_kind: dict[tuple[str, str], Finding] = {}
    for finding in sorted(result.all_findings, key=lambda one: -SEVERITIES.index(one.severity)):
        if finding.level == level:
            of_kind.setdefault((finding.code, finding.roi), finding)
    return list(of_kind.values())


# What the next slice would measure, as the finding's sentence states it.
AMBIGUOUS = "mid_slice_ambiguous"
_DIFFERENCE = re.compile(r"([a-z][a-z0-9_]*) ([-+−]?\d+(?:\.\d+)?)")


def next_slice_differences(finding: Finding) -> dict[str, float] | None:
    """Return by region how far the mean in the next slice differs, in HU, as the finding states; else None."""
    if finding.code != AMBIGUOUS:
        return None
    _, _, stated = finding.sentence.partition("differ by ")
    differences = {roi: float(text.replace("−", "-")) for roi, text in _DIFFERENCE.findall(stated)}
    return differences or None


def grouped_findings(
    result: ReadingResult, values: PatientValues, cutoffs: CutoffTable, notes_of_levels: bool = True
) -> list[tuple[Finding, ...]]:
    """Return the findings that no table shows, the gravest first; those of one kind and one remedy stand together.

    Without `notes_of_levels`, notes are left out but for those on the whole reading.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in result.all_findings:
        if finding.severity == "note" and not notes_of_levels and finding not in result.findings:
            continue
        if finding.code == _LEVELS_MISSING:
            sentence = describe_missing_levels(result, values, cutoffs)
            groups[_LEVELS_MISSING, ""] = [Finding(_LEVELS_MISSING, sentence, severity=finding.severity)]
        elif finding.code not in IN_TABLE:
            groups.setdefault((finding.code, finding.remedy), []).append(finding)
    gravest_first = sorted(groups.values(), key=lambda group: -SEVERITIES.index(severity_of(group)))
    return [tuple(group) for group in gravest_first]


def severity_of(group: Sequence[Finding]) -> str:
    """Return the gravest severity of findings that stand together."""
    return max((finding.severity for finding in group), key=SEVERITIES.index)


def sentences_of(group: Sequence[Finding]) -> list[str]:
    """Return the sentences of findings of one kind.

    Sentences that differ only in level and region are shown once, with the levels and regions of the others.
    """
    alike: dict[str, list[Finding]] = {}
    for finding in group:
        names = [name for name in (finding.level, finding.roi) if name]
        pattern = re.sub(rf"\b({'|'.join(names)})\b", "", finding.sentence) if names else finding.sentence
        alike.setdefault(pattern, []).append(finding)
    sentences = []
    for first, *others in list(alike.values())[:_MOST_SENTENCES]:
        sentences.append(f"{first.sentence} (Likewise {_places(others)}.)" if others else first.sentence)
    rest = [finding for findings in list(alike.values())[_MOST_SENTENCES:] for finding in findings]
    if rest:
        sentences.append(f"Also at {_places(rest)}, with other values.")
    return sentences


def _places(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(" ".join(filter(None, (finding.level, finding.roi))) for finding in findings))
