"""The panel's list of what is doubtful: what the report tells, with a way to each level."""

import html
import re
from collections.abc import Sequence

from LumbarHULib.audit.report.words import grouped_findings, sentences_of, severity_of
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import ReadingResult

SIGNS = {"severe": "✖", "warning": "▲", "note": "•"}
_LEVEL = re.compile(rf"\b({'|'.join(LEVELS)})\b")


def findings_html(result: ReadingResult, protocol: Protocol, cutoffs: CutoffTable) -> str:
    """Return why levels give no number, and then the findings that no table shows, the gravest first.

    Every level that is named is a link to it.
    """
    refused = [refusal for refusal in result.refusals if not refusal.excluded]
    told = [_paragraph("severe", (refusal.level,), refusal.sentence) for refusal in refused]
    for group in grouped_findings(result, protocol, cutoffs):
        levels = dict.fromkeys(finding.level for finding in group if finding.level)
        told.append(_paragraph(severity_of(group), tuple(levels), " ".join(sentences_of(group)), group[0].remedy))
    return "".join(told)


def _paragraph(severity: str, levels: Sequence[str], sentence: str, remedy: str = "") -> str:
    named = _LEVEL.findall(sentence)
    unnamed = ", ".join(level for level in levels if level not in named)
    hint = f" <i>{_with_links(remedy)}</i>" if remedy else ""
    place = f"{unnamed}: " if unnamed else ""
    return f'<p style="margin: 2px">{SIGNS[severity]} {_with_links(place + sentence)}{hint}</p>'


def _with_links(text: str) -> str:
    return _LEVEL.sub(r'<a href="\1">\1</a>', html.escape(text))
