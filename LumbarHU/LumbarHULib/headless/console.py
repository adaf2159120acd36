"""Show a reading on a terminal: case and protocol, table of HU, classes, findings."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.report.densities import calibration_text
from LumbarHULib.audit.report.numbers import single_measurement_error_hu
from LumbarHULib.audit.report.words import (
    grouped_findings,
    osteopenia_recovered,
    regions_by_class,
    sentences_of,
    trials_text,
)
from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import UncertaintyValues
from LumbarHULib.core.results import ReadingResult, RoiSummary
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.protocol_file import changed_values

_CLASS_COLUMNS = (
    *("class", "mean_hu", "nearest_cutoff_hu", "inside_interval"),
    *("distance_hu", "distance_lsc", "within_error"),
)
_EDITED = "* edited by hand: such a region, and each mean that includes it, has no placement trials."


def audit_text(audit: Audit, ct: Path) -> str:
    """Return case, protocol, numbers, classes and findings of a reading as text for a terminal.

    Parameters
    ----------
    audit : Audit
    ct : Path
        Path of the CT, of which only the name is shown.
    """
    parts = [_heading(audit, ct), _hu_table(audit.result), _class_table(audit.result, audit.protocol.protocol)]
    if audit.calibration is not None:
        parts.append(_density_table(audit.result, audit.calibration))
    if audit.result.refused:
        parts.append("\n".join(["Not measured:", *(f"- {refusal.sentence}" for refusal in audit.result.refused)]))
    return "\n\n".join([*parts, _findings_text(audit)])


def _heading(audit: Audit, ct: Path) -> str:
    name = "".join(letter if letter.isprintable() else "?" for letter in os.path.basename(os.path.abspath(ct)))
    changed = ", ".join(changed_values(audit.protocol))
    modified = f" (modified: {changed})" if changed else ""
    return (
        f"Case {audit.case}, reader {audit.reader}, reading {audit.reading}; CT {name}.\n"
        f"Protocol {audit.protocol.name} {audit.protocol.version}{modified}; cutoffs {audit.cutoffs.name} "
        f"{audit.cutoffs.version}."
    )


def aligned(rows: Sequence[Sequence[str]], left_columns: int = 1) -> str:
    """Return rows of cells as lines with aligned columns: the first `left_columns` to the left, others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < left_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _hu_table(result: ReadingResult) -> str:
    measured = {level.level: level for level in result.levels}
    is_edited = any(roi.edited for level in result.levels for roi in level.rois.values())
    # If any cell has a star, all other cells get a blank, so that their digits stay aligned.
    plain, star = (" ", "*") if is_edited else ("", "")
    rows = [["Mean HU", *(f"{roi}{plain}" for roi in result.rois), ""]]
    refused = {refusal.level: refusal for refusal in result.refusals}
    for name in LEVELS:
        if name in measured:
            level = measured[name]
            rois = [level.rois[roi] for roi in result.rois]
            means = [f"{roi.values['mean_hu']:.1f}{star if roi.edited else plain}" for roi in rois]
            rows.append([name, *means, f"excluded: {level.excluded}" if level.excluded else ""])
        elif name in refused:
            excluded = refused[name].excluded
            remark = f"excluded: {excluded}" if excluded else "not measured"
            rows.append([name, *[f"–{plain}"] * len(result.rois), remark])
    names = result.summaries[0].levels
    means = [
        f"{'–' if summary.mean_hu is None else format(summary.mean_hu, '.1f')}{plain}" for summary in result.summaries
    ]
    rows.append(["mean", *means, f"over {', '.join(names)}" if names else ""])
    # The last column is a remark, which is aligned to the left.
    remarks = [row.pop() for row in rows]
    lines = aligned(rows).splitlines()
    lines = [f"{line}  {remark}".rstrip() for line, remark in zip(lines, remarks, strict=True)]
    return "\n".join([*lines, _EDITED] if is_edited else lines)


def _class_table(result: ReadingResult, protocol: Protocol) -> str:
    limit_hu = single_measurement_error_hu(protocol.patient)
    whose = result.whose_cutoffs
    if whose is None:
        return "\n".join(
            ["No class: there are no cutoffs for this protocol.", *_lines_below(result, protocol.uncertainty)]
        )
    heads = [
        ("", "Class by", "", "", "In the", "From", "From", "Within"),
        ("", whose, "Mean", "Nearest", "cutoff's", "it in", "it in", "error"),
        ("ROI", "cutoffs", "HU", "cutoff", "95 % interval", "HU", "LSC", f"({limit_hu:.1f} HU)"),
    ]
    table = aligned([*heads, *map(_class_row, result.summaries)], left_columns=2)
    return "\n".join([table, *_lines_below(result, protocol.uncertainty)])


def _density_table(result: ReadingResult, calibration: CalibrationDocument) -> str:
    """Return the densities with the means' intervals and HU, and the calibration."""
    measured = {level.level: level for level in result.levels}
    rows = [[f"Mean {calibration.unit}", *result.rois]]
    for name in (name for name in LEVELS if name in measured):
        rows.append([name, *(_number_text(measured[name].rois[roi].mean_mg_cc) for roi in result.rois)])
    summaries = result.summaries
    rows.append(["mean", *(_number_text(summary.mean_mg_cc) for summary in summaries)])
    if calibration.calibration.has_interval:
        for what, values in (
            ("95 % from", [None if one.density is None else one.density.low_mg_cc for one in summaries]),
            ("95 % to", [None if one.density is None else one.density.high_mg_cc for one in summaries]),
        ):
            rows.append([what, *map(_number_text, values)])
    rows.append(["mean HU", *(_number_text(summary.mean_hu) for summary in summaries)])
    return f"{aligned(rows)}\n{calibration_text(calibration)}"


def _number_text(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _lines_below(result: ReadingResult, values: UncertaintyValues) -> list[str]:
    lines = list(_placement_lines(result.summaries, values))
    if result.class_counts:
        lines += regions_by_class(result.summaries)
        lines.append("For research only; not a diagnosis.")
    if recovered := osteopenia_recovered(result.summaries):
        lines.append(recovered)
    if result.scan_facts.described:
        lines.append(f"The CT: {', '.join(result.scan_facts.described)}.")
    return lines


def _placement_lines(summaries: Sequence[RoiSummary], values: UncertaintyValues) -> Iterator[str]:
    """Yield lines on the placement trials: the SD of the means, and the share of trials with the same class."""
    known = [(summary, summary.placement) for summary in summaries if summary.placement is not None]
    if not known:
        return
    sds = ", ".join(f"{summary.roi} {placement.sd_hu:.1f} HU" for summary, placement in known)
    yield f"Midlines {trials_text(known[0][1].trials, values)}, the means vary by (SD): {sds}."
    shares = ", ".join(
        f"{summary.roi} {100 * placement.class_shares[summary.class_name]:.0f} %"
        for summary, placement in known
        if placement.class_shares is not None
    )
    if shares:
        yield f"The class stays the same in: {shares}."


def _class_row(summary: RoiSummary) -> list[str]:
    text = {key: column.text(summary) for key, column in SUMMARY_COLUMNS.items()}
    if summary.inside_interval is not None:
        text["inside_interval"] += f", {text['cutoff_low_hu']} to {text['cutoff_high_hu']}"
    return [summary.roi, *(text[key] for key in _CLASS_COLUMNS)]


def _findings_text(audit: Audit) -> str:
    # Notes on one level are in the audit folder only; those on the whole reading report what was ignored.
    protocol, cutoffs = audit.protocol.protocol, audit.cutoffs.cutoffs
    groups = grouped_findings(audit.result, protocol.patient, cutoffs, notes_of_levels=False)
    if groups:
        return "\n".join(["Findings:", *(f"- {_group_text(group, audit.accept_off_protocol)}" for group in groups)])
    return "No findings except those in the table." if audit.result.all_findings else "No findings."


def _group_text(group: Sequence[Finding], accepted: bool) -> str:
    sentences = [*sentences_of(group), *([group[0].remedy] if group[0].remedy else [])]
    if group[0].code in OFF_PROTOCOL_CODES and not accepted:
        sentences.append("Add --accept-off-protocol to classify anyway.")
    return " ".join(sentences)
