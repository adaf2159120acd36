"""The report's numbers: means and classes, where they are between the cutoffs, and HU level by level."""

from collections.abc import Sequence

from LumbarHULib.audit.report.words import (
    NONE,
    agreement_sentence,
    findings_of_level,
    next_slice_differences,
    number_text,
    osteopenia_recovered,
    regions_by_class,
    trials_text,
    why_not_classified,
)
from LumbarHULib.core.cutoffs import Cutoff
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PatientValues, UncertaintyValues
from LumbarHULib.core.regions.given_mask import is_of_vertebra
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult, RoiSummary
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS
from LumbarHULib.files import html_text as html
from LumbarHULib.files.html_text import Html

_CLASS_COLUMNS = (
    *("nearest_cutoff_hu", "distance_hu", "distance_lsc", "inside_interval", "within_error"),
    *("placement_sd_hu", "class_stays_percent"),
)

# HU between two marks of the scale, and the free space outside the outermost values.
_TICK_HU, _FREE_HU = 50, 10

NUMBERS_STYLE = """
.scale-row { display: grid; grid-template-columns: 4rem 1fr; align-items: center; }
.track { position: relative; height: 1.7rem; border: solid var(--faint); border-width: 0 1px; }
.track > * { position: absolute; }
.interval { height: .4rem; background: var(--line); opacity: .45; }
.interval.lower, .cut.lower { top: .15rem; }
.interval.upper, .cut.upper { bottom: .15rem; }
.cut { width: 2px; height: .65rem; background: var(--text); }
.cut.lower { top: .03rem; }
.cut.upper { bottom: .03rem; }
.reach { top: 50%; height: 2px; margin-top: -1px; background: var(--link); }
.mean { top: 50%; width: .7rem; height: .7rem; margin: -.35rem; border-radius: 50%; background: var(--link);
  border: 1px solid var(--back); }
.mark { display: inline-block; padding: 0 .4rem; border-left: 4px solid var(--line); font-size: .85em;
  white-space: nowrap; }
.mark.severe { border-color: #d55e00; } .mark.warning { border-color: #e69f00; }
.ticks { height: 1.2rem; border: 0; font-size: .75rem; color: var(--soft); }
.ticks span { transform: translateX(-50%); }
"""


def class_table(result: ReadingResult, protocol: Protocol) -> str:
    """Return the table of means, classes and distances, in HTML."""
    limit_hu = single_measurement_error_hu(protocol.patient)
    whose = result.whose_cutoffs
    if whose is None:
        return _mean_table(result, protocol)
    header = [
        "ROI",
        "Mean HU",
        Html(f"Class by<br>{html.escaped(whose)} cutoffs"),
        *(
            Html(text)
            for text in (
                "Osteoporosis<br>cutoff",
                "Upper<br>cutoff",
                "Nearest<br>cutoff",
                "Distance<br>from it, HU",
                "Distance<br>in LSC",
                "In its<br>interval",
                f"Within error<br>({number_text(limit_hu)} HU)",
                "Placement<br>SD HU",
                "Class stays<br>in trials",
            )
        ),
    ]
    rows = [_class_row(summary, why_not_classified(summary, result)) for summary in result.summaries]
    note = (
        "Cutoffs in HU, below each its 95 % interval; LSC, the least significant change between two measurements: "
        f"{number_text(protocol.patient.lsc_hu)} HU. {_placement_sentence(result, protocol.uncertainty)}"
    )
    return html.table(header, rows, text={2}, name="Means and classes of the five ROIs") + html.paragraph(note, "note")


def _mean_table(result: ReadingResult, protocol: Protocol) -> str:
    """Return the table of means for a protocol without cutoffs, in HTML."""
    header = ["ROI", "Mean HU", "Class", Html("Placement<br>SD HU")]
    rows = [
        [
            summary.roi,
            _text("mean_hu", summary),
            why_not_classified(summary, result),
            _text("placement_sd_hu", summary),
        ]
        for summary in result.summaries
    ]
    note = _placement_sentence(result, protocol.uncertainty, "how the mean varies")
    has_vertebrae = bool(result.levels) and all(level.vertebra is not None for level in result.levels)
    if has_vertebrae and all(map(is_of_vertebra, protocol.regions)):
        note = "The regions are made from the segmented vertebrae and do not follow the midlines."
    return html.table(header, rows, text={2}, name="Means of the regions") + html.paragraph(note, "note")


def _placement_sentence(
    result: ReadingResult,
    values: UncertaintyValues,
    what: str = "how the mean varies, and in how many trials the class stays,",
) -> str:
    """Return what the two last columns are."""
    trials = [summary.placement.trials for summary in result.summaries if summary.placement is not None]
    if not trials:
        return "How the means vary with the positions of the midlines was not computed."
    return f"Placement: {what} when the midlines are {trials_text(max(trials), values)}."


def single_measurement_error_hu(values: PatientValues) -> float:
    """Return the distance from a fixed cutoff within which one measurement does not decide the side, in HU."""
    return values.single_measurement_lsc_fraction * values.lsc_hu


def agreement(result: ReadingResult) -> str:
    """Return how the regions agree, and what share of osteopenia such cutoffs find; empty where no class is given."""
    if not result.class_counts:
        return ""
    sentences = [agreement_sentence(result.summaries), *regions_by_class(result.summaries)]
    return " ".join(filter(None, (*sentences, osteopenia_recovered(result.summaries))))


def scale(result: ReadingResult, values: PatientValues) -> str:
    """Return the means drawn next to their cutoffs on one scale, in HTML; empty without a mean or a cutoff."""
    measured = [(summary, summary.mean_hu) for summary in result.summaries if summary.mean_hu is not None]
    if not measured or result.whose_cutoffs is None:
        return ""
    error_hu = single_measurement_error_hu(values)
    marks_hu = [mark for summary, mean_hu in measured for mark in _marks_hu(summary, mean_hu, error_hu)]
    low_hu, high_hu = min(marks_hu) - _FREE_HU, max(marks_hu) + _FREE_HU

    def place(hu: float) -> str:
        return f"{100 * (hu - low_hu) / (high_hu - low_hu):.2f}%"

    def bar(kind: str, from_hu: float, to_hu: float) -> str:
        width = 100 * (to_hu - from_hu) / (high_hu - low_hu)
        return f'<span class="{kind}" style="left:{place(from_hu)};width:{width:.2f}%"></span>'

    rows = []
    for summary, mean_hu in measured:
        parts = []
        for kind, cutoff in zip(("lower", "upper"), _cutoffs_of(summary), strict=False):
            if cutoff.low_hu is not None and cutoff.high_hu is not None:
                parts.append(bar(f"interval {kind}", cutoff.low_hu, cutoff.high_hu))
            parts.append(f'<span class="cut {kind}" style="left:{place(cutoff.cutoff_hu)}"></span>')
        parts.append(bar("reach", mean_hu - error_hu, mean_hu + error_hu))
        parts.append(f'<span class="mean" style="left:{place(mean_hu)}"></span>')
        rows.append(f'<div class="scale-row"><span>{summary.roi}</span><div class="track">{"".join(parts)}</div></div>')
    first = int(-(-low_hu // _TICK_HU)) * _TICK_HU
    ticks = "".join(
        f'<span style="left:{place(hu)}">{number_text(hu, 0)}</span>' for hu in range(first, int(high_hu) + 1, _TICK_HU)
    )
    rows.append(f'<div class="scale-row"><span>HU</span><div class="track ticks">{ticks}</div></div>')
    caption = (
        f"Dot: the mean; line: ± {number_text(error_hu)} HU, the error of one measurement. Upper mark: osteoporosis "
        "cutoff; lower mark: upper cutoff; bars: their 95 % intervals."
    )
    # The table says the same in numbers, so a screen reader need not meet it twice.
    figure = f'<div aria-hidden="true">{"".join(rows)}</div><figcaption>{html.escaped(caption)}</figcaption>'
    return f"<figure>{figure}</figure>"


def level_table(result: ReadingResult, values: PatientValues) -> str:
    """Return mean and SD of each level and region, in HTML."""
    levels: Sequence[LevelResult | LevelRefusal] = sorted(
        (*result.levels, *result.refusals), key=lambda level: LEVELS.index(level.level)
    )
    rows = [
        [level.level, *_level_cells(level, result.rois), _remark(level, values), _finding_marks(result, level.level)]
        for level in levels
    ]
    names = result.summaries[0].levels
    means = [Html(f"<strong>{number_text(summary.mean_hu)}</strong>") for summary in result.summaries]
    rows.append(["mean", *means, f"over {', '.join(names)}" if names else "no level", ""])
    header = ["Level", *result.rois, "Remark", "Findings"]
    return html.table(header, rows, text={len(header) - 2, len(header) - 1}, name="HU by level and ROI")


def ambiguous_table(result: ReadingResult) -> str:
    """Return how far the means of the next slice differ where it may be the mid-slice, in HTML; else nothing."""
    found = {
        finding.level: differences_hu
        for finding in result.all_findings
        if (differences_hu := next_slice_differences(finding)) is not None
    }
    if not found:
        return ""
    # Levels were placed by one protocol, so all of them state the same regions.
    rois = list(next(iter(found.values())))
    rows = [
        [level, *(NONE if roi not in of_level else number_text(of_level[roi], 1, "+") for roi in rois)]
        for level, of_level in found.items()
    ]
    explanation = (
        "Two slices are nearly as close to the middle of these levels. The table shows by how much the means of the "
        "other slice differ, in HU. Choose the slice in the images, and take the difference into account."
    )
    table = html.table(["Level", *rois], rows, name="Means of the next slice")
    return html.paragraph(explanation, "note") + table


def _finding_marks(result: ReadingResult, level: str) -> Html:
    """Return the findings on a level in a few words each, the gravest first."""
    marks = []
    for finding in findings_of_level(result, level):
        if next_slice_differences(finding) is not None:
            text = "next slice differs: see below"
        else:
            text = f"{finding.roi}: " * bool(finding.roi) + finding.code.replace("_", " ")
        marks.append(f'<span class="mark {finding.severity}">{html.escaped(text)}</span>')
    return Html(" ".join(dict.fromkeys(marks)))


def _cutoffs_of(summary: RoiSummary) -> tuple[Cutoff, ...]:
    return () if summary.cutoffs is None else (summary.cutoffs.osteoporosis, summary.cutoffs.normal)


def _marks_hu(summary: RoiSummary, mean_hu: float, error_hu: float) -> list[float]:
    marks = [mean_hu - error_hu, mean_hu + error_hu]
    for cutoff in _cutoffs_of(summary):
        if cutoff.low_hu is None or cutoff.high_hu is None:
            marks.append(cutoff.cutoff_hu)
        else:
            marks += [cutoff.low_hu, cutoff.high_hu]
    return marks


def _class_row(summary: RoiSummary, reason: str) -> list[str]:
    mean = _text("mean_hu", summary)
    words = Html(f'<span class="class {summary.class_name}">{html.escaped(_text("class", summary))}</span>')
    if reason:
        words = Html(f"{words}<br><small>{html.escaped(reason)}</small>")
    return [
        summary.roi,
        mean if summary.mean_hu is None else Html(f"<strong>{mean}</strong>"),
        words,
        *(_cutoff_text(sign, cutoff) for sign, cutoff in zip("≤≥", _cutoffs_of(summary), strict=False)),
        *(_text(key, summary) for key in _CLASS_COLUMNS),
    ]


def _text(key: str, summary: RoiSummary) -> str:
    """Return a cell with a true minus sign, and its percent."""
    column = SUMMARY_COLUMNS[key]
    text = column.text(summary, none=NONE)
    if column.unit == "%" and text != NONE:
        text += " %"
    return text if key == "class" else text.replace("-", "−")


def _cutoff_text(sign: str, cutoff: Cutoff) -> Html:
    text = f"{sign} {number_text(cutoff.cutoff_hu, 2)}"
    if cutoff.low_hu is not None:
        text += f"<br><small>{number_text(cutoff.low_hu)} to {number_text(cutoff.high_hu)}</small>"
    return Html(text)


def _level_cells(level: LevelResult | LevelRefusal, rois: Sequence[str]) -> list[str]:
    if isinstance(level, LevelRefusal):
        return [NONE] * len(rois)
    cells = []
    for roi in rois:
        measured = level.rois[roi]
        text = f"{number_text(measured.values['mean_hu'])} ({number_text(measured.values['sd_hu'], 0)})"
        text += "*" if measured.edited else ""
        cells.append(Html(f"<s>{text}</s>") if level.excluded else text)
    return cells


def _remark(level: LevelResult | LevelRefusal, values: PatientValues) -> str:
    remarks: list[str] = []
    if level.excluded:
        remarks.append(Html(f"excluded: {html.foreign(level.excluded)}"))
    elif isinstance(level, LevelRefusal):
        remarks.append(html.foreign(level.sentence))
    if level.level not in values.mean_levels:
        remarks.append("not in the mean")
    if isinstance(level, LevelResult) and any(measured.edited for measured in level.rois.values()):
        remarks.append("* edited by hand")
    return Html("; ".join(html.escaped(remark) for remark in remarks))
