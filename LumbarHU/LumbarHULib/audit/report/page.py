"""The report of one reading: one page that needs nothing but itself, to look at, to print and to send on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from LumbarHULib.audit.audit import SEEN, SEEN_PROPOSAL, SEEN_READING, Audit, software_versions
from LumbarHULib.audit.report.densities import density_parts
from LumbarHULib.audit.report.level_picture import (
    HIGH_HU,
    LOW_HU,
    PICTURE_STYLE,
    color_rules_of_others,
    level_pictures,
)
from LumbarHULib.audit.report.numbers import NUMBERS_STYLE, agreement, ambiguous_table, class_table, level_table, scale
from LumbarHULib.audit.report.origin import acquisition_table, cutoffs_parts, protocol_parts, software_parts
from LumbarHULib.audit.report.spine_pictures import SPINE_STYLE, slice_runs, spine_pictures
from LumbarHULib.audit.report.words import grouped_findings, next_slice_differences, sentences_of, severity_of
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.patient import slice_spacing_mm
from LumbarHULib.core.results import LevelRefusal, LevelResult
from LumbarHULib.files import html_text as html
from LumbarHULib.files.drawing_colors import CONTOUR_ROIS, FILLED_ROIS, MARKUP_COLORS
from LumbarHULib.files.html_text import Html

RESEARCH_USE = (
    "For research only. Not a medical device, not a diagnosis; no decision about a patient may rest on it. A mean "
    "above a cutoff excludes nothing."
)
# Of a name in a heading; record.json has all of it.
_MOST_LETTERS = 200
_SEEN_WORDS = {
    SEEN_READING: "the scene contained another reading of this CT",
    SEEN_PROPOSAL: "at least one midline was proposed",
}
_SEVERITY_WORDS = {"severe": "Severe", "warning": "Warning", "note": "Note"}

# A class in words, with a mark that is distinguished by color and shape.
CLASS_STYLE = """
.class { display: inline-block; min-width: 8.5rem; white-space: nowrap; }
.class::before { display: inline-block; width: 1.5em; margin-right: .5em; border: 1px solid var(--text);
  font-size: .68em; line-height: 1.4em; text-align: center; vertical-align: .1em; color: #000;
  print-color-adjust: exact; }
.class.osteoporosis::before { background: #e8762b; content: "▼"; content: "▼" / ""; }
.class.osteopenia::before { background: #f0e442; content: "◆"; content: "◆" / ""; }
.class.normal::before { background: #56b4e9; content: "▲"; content: "▲" / ""; }
.class.not_classified::before { background: #bbb; content: "?"; content: "?" / ""; }
"""

_STYLE = (
    CLASS_STYLE
    + PICTURE_STYLE
    + SPINE_STYLE
    + NUMBERS_STYLE
    + """
body { max-width: 74rem; }
.wide th, .wide td { padding-right: .55rem; }
th.text { white-space: nowrap; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
.pictures figure { margin: 0; max-width: 36rem; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
.legend svg { width: 2rem; height: 1rem; background: #222; vertical-align: -.15rem; margin-right: .35rem; }
.switches label { margin-right: 1.2rem; }
body:has(#regions:not(:checked)) .picture .regions, body:has(#lines:not(:checked)) .picture .lines {
  visibility: hidden; }
.findings { list-style: none; padding: 0; }
.findings li { margin: .35rem 0; padding-left: .7rem; border-left: 4px solid var(--line); }
.findings li.severe { border-color: #d55e00; }
.findings li.warning { border-color: #e69f00; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2rem; }
.columns > * { min-width: 0; }
.notes { font-size: .85rem; color: var(--soft); padding-left: 1.4rem; }
td small { color: var(--soft); }
code { font: .8rem ui-monospace, Menlo, Consolas, monospace; }
@page { size: A4; margin: 11mm; }
@media print {
  * { print-color-adjust: exact; }
  body { font-size: 8pt; line-height: 1.3; }
  h1 { font-size: 13pt; } h2 { font-size: 9.5pt; margin: 2.2mm 0 .8mm; } p, ul, ol { margin: .8mm 0; }
  p, li { max-width: none; }
  table { font-size: 7pt; margin: .5mm 0; } th, td { padding: .25mm 2.2mm .25mm 0; }
  .note, figcaption { font-size: 7pt; }
  .banner { margin: 1.5mm 0; padding: .8mm 2mm; border-width: 1px; }
  figure { margin: 1mm 0; } .track { height: 5.4mm; } .interval { height: 1.2mm; }
  .ticks { height: 3mm; font-size: 6pt; }
  .pictures { grid-template-columns: repeat(4, 1fr); gap: 2mm; }
  .picture path, .picture polygon { stroke-width: .9; }
  .switches { display: none; } .legend { font-size: 7pt; } .legend svg { width: 5mm; height: 2.4mm; }
  .findings li { margin: .6mm 0; padding-left: 1.5mm; border-left-width: 2px; }
  .columns { grid-template-columns: 1fr 1fr; gap: 0 5mm; break-inside: avoid; }
  code { font-size: 6.6pt; }
  .notes { font-size: 6.4pt; line-height: 1.2; columns: 2; column-gap: 5mm; } .notes li { margin: 0 0 .5mm; }
  .hashes table { font-size: 6pt; } .hashes code { font-size: 5.6pt; } .hashes td, .hashes th { padding-top: 0;
    padding-bottom: 0; line-height: 1.25; }
  th.text, td.text { min-width: 14mm; } .class { min-width: 40mm; }
}
"""
)


def report_page(audit: Audit, label_maps: Path, file_sha256: Mapping[str, str]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    audit : Audit
        The reading.
    label_maps : pathlib.Path
        The folder with its exported label maps, from which the regions are drawn.
    file_sha256 : mapping of str to str
        SHA-256 of the files that it reports, by their path in the audit folder.
    """
    result, protocol = audit.result, audit.protocol.protocol
    parts = [
        f"<header>{html.heading(Html(f'Case {html.foreign(audit.case, _MOST_LETTERS)}'), 1)}",
        html.paragraph(_what_it_is(audit), "note"),
        f"{html.paragraph(RESEARCH_USE, 'banner')}</header>",
        html.heading("Means and classes"),
        scale(result, protocol.patient),
        class_table(result, protocol),
        html.paragraph(agreement(result)) if agreement(result) else "",
        *_refusals(result.refused),
        html.heading("Findings"),
        _findings(_not_in_tables(grouped_findings(result, protocol.patient, audit.cutoffs.cutoffs))),
        html.heading("HU by level"),
        html.paragraph("Mean (SD) of the voxels, in HU.", "note"),
        level_table(result, protocol.patient),
        ambiguous_table(result),
        *density_parts(audit),
        *_pictures(audit, label_maps),
        '<div class="columns"><section>',
        html.heading("Acquisition"),
        acquisition_table(audit),
        "</section><section>",
        html.heading("Protocol"),
        *protocol_parts(audit),
        "</section></div>",
        html.heading("Cutoffs"),
        *cutoffs_parts(audit),
        html.heading("Software and files"),
        *software_parts(software_versions(), audit, file_sha256),
    ]
    return html.page(
        f"{audit.case[:_MOST_LETTERS]} – LumbarHU report", parts, style=_STYLE + color_rules_of_others(result.rois)
    )


def _what_it_is(audit: Audit) -> Html:
    sentences = [f"LumbarHU report. Reader {html.foreign(audit.reader, _MOST_LETTERS)}, reading {audit.reading}."]
    if audit.when:
        sentences.append(f"{html.foreign(audit.when)}.")
    for event in audit.extra.get("history", ())[-1:]:
        sentences.append(f"{html.foreign(event['what'].capitalize())} by {html.foreign(event['who'])}.")
    if audit.extra.get("blinded") is False:
        sentences.append(_not_blinded(audit.extra.get(SEEN)))
    if audit.accept_off_protocol:
        sentences.append("The user accepted an acquisition off protocol.")
    return Html(" ".join(sentences))


def _not_blinded(seen: object) -> str:
    """Return why a reading was not blinded; records of earlier versions do not state it."""
    reasons = [words for key, words in _SEEN_WORDS.items() if isinstance(seen, list) and key in seen]
    return (
        f"Not blinded: {' and '.join(reasons or ['another reading of this CT, or a proposed midline, was visible'])}."
    )


def _pictures(audit: Audit, label_maps: Path) -> list[str]:
    if not audit.result.levels:
        return []
    pictures = level_pictures(
        audit.result.levels,
        audit.stack,
        label_maps,
        audit.protocol.protocol.outline,
        audit.scan_facts.orientation_known,
    )
    figures = [
        f"<figure>{pictures[level.level]}<figcaption>{_caption(level)}</figcaption></figure>"
        for level in audit.result.levels
    ]
    spine = [
        f"<figure>{drawing}<figcaption>{html.escaped(name)}</figcaption></figure>"
        for name, drawing in spine_pictures(
            audit.result.levels, audit.stack, audit.scan_facts.orientation_known
        ).items()
    ]
    of_spine = (
        "From the side and from the front, each row one slice at the midlines. Line: the mid-slice; band: the slices "
        "measured. Check that each line is at mid-height of the body that it is named after."
    )
    window = (
        f"Window {HIGH_HU - LOW_HU:g} HU, level {(HIGH_HU + LOW_HU) / 2:g} HU. Seen from below: R is the patient's "
        "right. The regions are drawn along the voxels of the exported label maps. Where the outline is black and "
        "broken, the CT shows no clear edge of the body, and the outline may be off."
    )
    switches = "".join(
        f'<label><input type="checkbox" id="{name}" checked> {text}</label>'
        for name, text in (("regions", "Show regions"), ("lines", "Show markups"))
    )
    return [
        html.heading("Where it was measured"),
        html.paragraph(of_spine, "note"),
        f'<div class="spine">{"".join(spine)}</div>',
        html.paragraph(window, "note"),
        f'<p class="switches">{switches}</p>',
        _legend(audit.result.rois),
        f'<div class="pictures">{"".join(figures)}</div>',
    ]


def _legend(rois: Sequence[str]) -> str:
    entries = []
    for name in (*rois, *MARKUP_COLORS):
        mark = (
            '<rect class="{}" x="2" y="3" width="28" height="10"/>'
            if name in FILLED_ROIS or (name in rois and name not in CONTOUR_ROIS)
            else ('<path class="{}" d="M2 8H30"/>')
        )
        entries.append(f'<li><svg viewBox="0 0 32 16" aria-hidden="true">{mark.format(name)}</svg>{name}</li>')
    return f'<ul class="legend" aria-label="Legend">{"".join(entries)}</ul>'


def _caption(level: LevelResult) -> Html:
    runs = slice_runs(level)
    slices = sum(last - first + 1 for first, last in runs)
    covered_mm = level.covered_mm if runs == (level.slices,) else slices * slice_spacing_mm(level)
    groups = f" in {len(runs)} groups" if len(runs) > 1 else ""
    facts = [
        f"mid-slice {level.frame.mid_slice + 1} from below",
        f"measured over {slices} slice{'s' if slices != 1 else ''}{groups}, {covered_mm:.4g} mm",
        f"body {level.frame.depth_mm:.1f} mm deep",
        f"midline {html.escaped(str(level.origin).replace('_', ' '))}",
        f"outline {'by the reader' if level.outline_edited else 'found'}",
    ]
    excluded = f" Excluded: {html.foreign(level.excluded)}." if level.excluded else ""
    return Html(f"<strong>{level.level}</strong>: {'; '.join(facts)}.{excluded}")


def _refusals(refused: Sequence[LevelRefusal]) -> list[str]:
    if not refused:
        return []
    items = [
        f'<li class="severe"><strong>{refusal.level}.</strong> {html.foreign(refusal.sentence)}</li>'
        for refusal in refused
    ]
    return [html.heading("Not measured"), '<ul class="findings">\n' + "\n".join(items) + "\n</ul>"]


def _not_in_tables(groups: Sequence[tuple[Finding, ...]]) -> list[tuple[Finding, ...]]:
    """Return the groups without the findings that a table of their own shows."""
    kept = [tuple(one for one in group if next_slice_differences(one) is None) for group in groups]
    return [group for group in kept if group]


def _findings(groups: Sequence[tuple[Finding, ...]]) -> str:
    if not groups:
        return html.paragraph("No findings in addition to those in the tables.")
    items = []
    for group in groups:
        severity = severity_of(group)
        sentences = " ".join(html.foreign(sentence) for sentence in sentences_of(group))
        remedy = f" <em>{html.foreign(group[0].remedy)}</em>" if group[0].remedy else ""
        items.append(f'<li class="{severity}"><strong>{_SEVERITY_WORDS[severity]}.</strong> {sentences}{remedy}</li>')
    return '<ul class="findings">\n' + "\n".join(items) + "\n</ul>"
