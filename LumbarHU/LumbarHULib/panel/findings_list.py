"""The panel's list of what is doubtful: one line each, with details and remedy on request, and a way to each level."""

import html
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from LumbarHULib.audit.report.numbers import single_measurement_error_hu
from LumbarHULib.audit.report.words import (
    NO_CLASS_WORDS,
    grouped_findings,
    next_slice_differences,
    sentences_of,
    severity_of,
)
from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.findings import MEANINGS_BY_SUBJECT, Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol_values import PatientValues
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.panel.finding_titles import finding_title

SIGNS = {"severe": "✖", "warning": "▲", "note": "•"}
FOLDED = "folded"
MOVE = "move "
_BLOCKING = "Blocks the class"
_GROUPS = {"severe": "Severe", "warning": "Check", "note": "Note"}
_OFF_MID_HEIGHT = "mid_slice_off_middle"
_ABOUT_COUNT = ("too_few_levels", "levels_missing")
_LEVEL = re.compile(rf"\b({'|'.join(LEVELS)})\b")

# Nobody can change the scan any more: unless it is severe, what concerns it is folded.
_OF_THE_SCAN = frozenset({*MEANINGS_BY_SUBJECT["Files"], *MEANINGS_BY_SUBJECT["Acquisition"]})


@dataclass(frozen=True)
class FindingLine:
    """One line of the list.

    Parameters
    ----------
    key : str
        What distinguishes it from the others, to unfold it.
    severity : str
    levels : tuple of str
    title : str
        At most six words, without the numbers of several levels.
    sentence, remedy : str
        The details.
    can_be_acted_on : bool
        Whether a reader can do something about it now.
    is_off_mid_height : bool
        Whether it reports midlines off mid-height.
    is_about_count : bool
        Whether it reports that levels are missing, which is no news before the first is placed.
    blocks_class : bool
        Whether it is why a mean has no class.
    gravest_levels : tuple of str
        The levels whose own finding has the severity of the line.
    is_off_protocol : bool
        Whether it reports an acquisition that the user may accept.
    """

    key: str
    severity: str
    levels: tuple[str, ...]
    title: str
    sentence: str
    remedy: str = ""
    can_be_acted_on: bool = True
    is_off_mid_height: bool = False
    is_about_count: bool = False
    blocks_class: bool = False
    gravest_levels: tuple[str, ...] = ()
    is_off_protocol: bool = False

    @property
    def group(self) -> str:
        """The heading under which it is listed."""
        return _BLOCKING if self.blocks_class else _GROUPS[self.severity]

    @property
    def words(self) -> str:
        """Its title, after the levels of which it is gravest."""
        return f"{', '.join(self.gravest_levels)}: {self.title}" if self.gravest_levels else self.title


def finding_lines(result: ReadingResult, values: PatientValues, cutoffs: CutoffTable) -> list[FindingLine]:
    """Return why levels give no number, and then the findings that no table shows, the gravest first."""
    lines = [
        FindingLine(
            f"refused {refusal.level}",
            "severe",
            (refusal.level,),
            finding_title("not_measured"),
            refusal.sentence,
            gravest_levels=(refusal.level,),
        )
        for refusal in result.refused
    ]
    for number, group in enumerate(grouped_findings(result, values, cutoffs)):
        levels = tuple(dict.fromkeys(finding.level for finding in group if finding.level))
        severity, first = severity_of(group), group[0]
        sentence = " ".join(sentences_of(group))
        is_blocking = any(_blocks_class(finding, result) for finding in group)
        lines.append(
            FindingLine(
                f"{first.code} {number}",
                severity,
                levels,
                _next_slice_title(group, single_measurement_error_hu(values)) or finding_title(first.code),
                sentence,
                first.remedy,
                severity == "severe" or is_blocking or first.code not in _OF_THE_SCAN,
                first.code == _OFF_MID_HEIGHT,
                first.code in _ABOUT_COUNT,
                is_blocking,
                tuple(dict.fromkeys(one.level for one in group if one.level and one.severity == severity)),
                first.code in OFF_PROTOCOL_CODES,
            )
        )
    return lines


def _blocks_class(finding: Finding, result: ReadingResult) -> bool:
    """Return whether a finding is why a mean, or all of them, have no class: not where classes are given anyway."""
    concerned = [summary for summary in result.summaries if finding.roi in ("", summary.roi)]
    is_classified = any(summary.class_name != "not_classified" for summary in concerned)
    return finding.code in NO_CLASS_WORDS and not finding.level and not is_classified


def _next_slice_title(group: Sequence[Finding], error_hu: float) -> str:
    """Return a title with the greatest difference of each level in the next slice; empty if none exceeds the error."""
    worst = {
        finding.level: max(differences.values(), key=abs)
        for finding in group
        if (differences := next_slice_differences(finding))
    }
    shown = {level: f"{hu:+.0f} HU".replace("-", "−") for level, hu in worst.items() if abs(hu) > error_hu}
    if not shown:
        return ""
    is_alone = len({finding.level for finding in group}) == 1
    return "mid-height is between two slices; the other differs by " + ", ".join(
        hu if is_alone else f"{hu} ({level})" for level, hu in shown.items()
    )


def severity_counts(lines: Sequence[FindingLine]) -> dict[str, int]:
    """Return how many lines of each severity there are, the gravest first."""
    return {severity: sum(line.severity == severity for line in lines) for severity in SIGNS}


def findings_html(lines: Sequence[FindingLine], opened: Collection[str], may_change: bool = True) -> str:
    """Return the list as HTML.

    Parameters
    ----------
    lines : sequence of FindingLine
    opened : collection of str
        Keys of the lines whose details are shown; `FOLDED` shows what cannot be acted on.
    may_change : bool
        Whether to offer to move midlines.
    """
    parts = []
    for title in (_BLOCKING, *_GROUPS.values()):
        of_group = [line for line in lines if line.group == title and line.can_be_acted_on]
        if of_group:
            parts.append(f'<p style="margin: 4px 2px 0 2px"><b>{html.escape(title)}</b></p>')
            parts += [_line_html(line, opened, may_change) for line in of_group]
    folded = [line for line in lines if not line.can_be_acted_on]
    if folded:
        sign = "▾" if FOLDED in opened else "▸"
        text = f"{len(folded)} about the scan itself"
        parts.append(f'<p style="margin: 4px 2px 0 2px"><a href="{FOLDED}">{sign} {html.escape(text)}</a></p>')
        parts += [_line_html(line, opened, may_change) for line in folded] if FOLDED in opened else []
    return "".join(parts)


def with_level_links(text: str) -> str:
    """Return a text as HTML in which every level that is named is a link to it."""
    return _LEVEL.sub(r'<a href="\1">\1</a>', html.escape(text))


def _line_html(line: FindingLine, opened: Collection[str], may_change: bool) -> str:
    is_open = line.key in opened
    levels = "".join(f"{with_level_links(level)} " for level in line.levels)
    title = f'<a href="details {html.escape(line.key)}">{"▾" if is_open else "▸"} {html.escape(line.title)}</a>'
    parts = f'<p style="margin: 1px 2px">{SIGNS[line.severity]} {levels}{title}</p>'
    if is_open:
        remedy = f" <i>{with_level_links(line.remedy)}</i>" if line.remedy else ""
        if line.is_off_mid_height and may_change:
            remedy += "".join(f'<br><a href="{MOVE}{level}">Move {level} to mid-height</a>' for level in line.levels)
        parts += f'<p style="margin: 0 2px 4px 18px">{with_level_links(line.sentence)}{remedy}</p>'
    return parts
