"""What a reading looks like on a terminal: the table of HU, the classes, the findings."""

from collections.abc import Sequence

from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.core.results import CLASSES, ReadingResult, RoiSummary


def result_text(result: ReadingResult) -> str:
    """Return the reading's numbers, classes and findings as text for people."""
    parts = [_hu_table(result), _class_table(result), _findings_text(result)]
    return "\n\n".join(part for part in parts if part)


def aligned(rows: Sequence[Sequence[str]], left_columns: int = 1) -> str:
    """Return rows of cells as lines in which columns stand under each other; all but the first columns to the right."""
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
    rows = [["Mean HU", *ROIS, ""]]
    measured = {level.level: level for level in result.levels}
    refused = {refusal.level: refusal for refusal in result.refusals}
    for name in LEVELS:
        if name in measured:
            level = measured[name]
            means = [f"{level.rois[roi].values['mean_hu']:.1f}" for roi in ROIS]
            rows.append([name, *means, f"excluded: {level.excluded}" if level.excluded else ""])
        elif name in refused:
            rows.append(
                [name, *["–"] * len(ROIS), f"excluded: {refused[name].excluded}" if refused[name].excluded else ""]
            )
    names = result.summaries[0].levels
    means = ["–" if summary.mean_hu is None else f"{summary.mean_hu:.1f}" for summary in result.summaries]
    rows.append(["mean", *means, f"over {', '.join(names)}" if names else ""])
    # The last column is a remark: to the left, behind the numbers.
    remarks = [row.pop() for row in rows]
    lines = aligned(rows).splitlines()
    return "\n".join(f"{line}  {remark}".rstrip() for line, remark in zip(lines, remarks, strict=True))


def _class_table(result: ReadingResult) -> str:
    rows = [
        ["ROI", "Class", "Mean HU", "Nearest cutoff", "In its interval", "Distance HU", "Distance LSC", "Within error"]
    ]
    rows += [_class_row(summary) for summary in result.summaries]
    lines = [aligned(rows, left_columns=2)]
    if result.agreeing_rois is not None:
        lines.append(f"{result.agreeing_rois} of {len(ROIS)} ROIs agree. For research only; not a diagnosis.")
    recovered = [
        f"{summary.roi} {summary.cutoffs.osteopenia_recovered_percent:.0f} %"
        for summary in result.summaries
        if summary.class_name != "not_classified" and summary.cutoffs.osteopenia_recovered_percent is not None
    ]
    if recovered:
        lines.append(f"Of patients with osteopenia these cutoffs find as such: {', '.join(recovered)}.")
    if result.scan_facts.told:
        lines.append(f"The CT: {', '.join(result.scan_facts.told)}.")
    return "\n".join(lines)


def _class_row(summary: RoiSummary) -> list[str]:
    if summary.mean_hu is None:
        return [summary.roi, CLASSES[summary.class_name], *["–"] * 6]
    inside = "unknown"
    if summary.inside_interval is not None:
        inside = (
            f"{'yes' if summary.inside_interval else 'no'} ({summary.cutoff_low_hu:g} to {summary.cutoff_high_hu:g})"
        )
    return [
        summary.roi,
        CLASSES[summary.class_name],
        f"{summary.mean_hu:.1f}",
        f"{summary.nearest_cutoff_hu:.2f}",
        inside,
        f"{summary.distance_hu:+.1f}",
        f"{summary.distance_lsc:+.1f}",
        "yes" if summary.within_error else "no",
    ]


def _findings_text(result: ReadingResult) -> str:
    findings = [finding for finding in result.all_findings if finding.severity != "note"]
    # What the table of classes shows in columns is not said again.
    findings = [f for f in findings if f.code not in ("inside_cutoff_interval", "within_measurement_error")]
    if not findings:
        return ""
    return "\n".join(["Findings:", *[f"- {finding.sentence} {finding.remedy}".rstrip() for finding in findings]])
