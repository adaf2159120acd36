"""Write the page of a follow-up: findings, changes, figure, method, and the readings that it is made from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from LumbarHULib import __version__
from LumbarHULib.audit.record import NOTICE
from LumbarHULib.cohort_files.page_tables import number_text
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.core.density_change import is_same_calibration
from LumbarHULib.core.scan_facts import printable
from LumbarHULib.files import html_text as html
from LumbarHULib.follow_up.densities import calibration_of
from LumbarHULib.follow_up.figure import CAPTION, DENSITY_CAPTION
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import MEAN, NOT_COMPARABLE, days_between, levels_of, pair_text, rois_of

_HEADER = ["From", "To", "Days", "Level", "ROI", "First, HU", "Second, HU", "Change (95 %), HU", "LSC, HU"]
_DECIDED = ["HU per year", "Changed"]
# Longest text of others in a cell or a sentence.
_MOST_LETTERS = 300


def follow_up_page(
    found: FollowUp, figure: Path | None, files: Mapping[str, str], density_figure: Path | None = None
) -> str:
    """Return the page.

    Parameters
    ----------
    found : FollowUp
    figure : pathlib.Path or None
        SVG of the figure; None without one.
    files : mapping of str to str
        What each file of the folder contains.
    density_figure : pathlib.Path, optional
        SVG of the figure in mg/cm³.
    """
    first, last = found.audits[0], found.audits[-1]
    title = f"Follow-up: {found.case[:_MOST_LETTERS]}"
    days = days_between(first, last)
    sizes = f"{len(found.audits)} CTs" + ("" if days is None else f", {first.when} to {last.when} ({days} days)")
    parts = [html.heading(title, 1), html.paragraph(f"{sizes}. LumbarHU {__version__}. {NOTICE}", "note")]
    parts += [html.heading("Findings"), *_findings(found)]
    parts += [html.heading("Changes of the means"), *_changes(found, means=True), *_density_changes(found, means=True)]
    if figure is not None:
        parts += [html.heading("Over time"), html.picture(figure, CAPTION)]
    if density_figure is not None:
        parts.append(html.picture(density_figure, DENSITY_CAPTION.format(found.mineral)))
    at_levels = [*_changes(found, means=False), *_density_changes(found, means=False)]
    parts += [html.heading("Changes at each level"), html.folded("Show", "\n".join(at_levels))]
    parts += [html.heading("Method"), *(html.paragraph(text) for text in method_texts(found))]
    parts += [html.heading("Measurements"), _measurements(found)]
    parts += [html.heading("Readings"), _readings(found)]
    parts += [html.heading("Files"), html.table(["File", "Contains"], list(files.items()), left=2)]
    return html.page(f"{title} – LumbarHU", parts)


def method_texts(found: FollowUp) -> list[str]:
    """Return how a change is judged, one text for each paragraph."""
    published = published_precision()
    if found.precision is None:
        lsc = f"The least significant change (LSC) is {published.description}, at the mean of the two dates."
    else:
        document = found.precision.document
        patients = max(one.patients for one in found.precision.lsc.values())
        lsc = (
            f"The least significant change (LSC) is {document['lsc_factor']:g} times the precision error (root mean "
            f"square of the patients' standard deviations) of this site's precision study of up to {patients} "
            f"patients, for each region, level and mean: {found.precision.file_name}, protocol "
            f"“{found.precision.protocol_title}”."
        )
    fewest, most = published.years_to_lsc(published.document["lsc"]["value"])
    loss = published.document["expected_loss"]
    more = [_density_method(found)] if found.mineral else []
    return [
        f"{lsc} A change counts if it equals or exceeds the LSC; its 95 % interval is the change ± the LSC. HU per "
        "year is the change divided by the days, times 365.25.",
        "A mean is over the levels that both dates have: a level that is excluded or not measured at one date is in "
        "the mean of neither. Two dates are compared only if manufacturer, scanner model, tube voltage, contrast "
        "medium and protocol (name, version, values) agree. What is unknown does not count as agreeing, unless the "
        "user states it.",
        f"The loss to be expected with age, {loss['low']:g} to {loss['high']:g} HU per year ({loss['source']}), "
        f"reaches an LSC of {published.document['lsc']['value']:g} HU after {fewest:.1f} to {most:.1f} years. A "
        "change within the LSC therefore does not mean that bone was not lost.",
        *more,
    ]


def _density_method(found: FollowUp) -> str:
    calibrations = [calibration_of(audit) for audit in found.audits]
    is_one = all(one and calibrations[0] and is_same_calibration(one, calibrations[0]) for one in calibrations)
    site = found.precision if found.lsc.site is not None else None
    is_own = site is not None and any(one.lsc_mg_cc is not None for one in site.lsc.values())
    lsc = (
        "the LSC in mg/cm³ of the precision study"
        if is_own
        else "the LSC in HU, divided by the slope of the calibration"
    )
    if is_one:
        return (
            f"In mg/cm³, all dates have the same calibration: its intercept cancels in a change, and only the error of "
            f"its slope remains, in proportion to the change. A change counts if it equals or exceeds {lsc}; its 95 % "
            "interval also has the error of the slope. A drift of the scanner since the scan of the phantom looks like "
            "a change."
        )
    return (
        "In mg/cm³, dates with calibrations of their own have two errors, combined as the square root of the sum of "
        f"squares, with the degrees of freedom by Welch and Satterthwaite: {lsc}, and the errors of both lines at the "
        "two densities. A change counts if its 95 % interval does not contain 0. A drift of the scanner is corrected "
        "as far as each calibration shows it; the tolerance of the phantom's certificate is included although it "
        "cancels for one phantom."
    )


def _findings(found: FollowUp) -> list[str]:
    order = ("severe", "warning", "note")
    findings = sorted(found.findings, key=lambda finding: order.index(finding.severity))
    if not findings:
        return [html.paragraph("None.")]
    return [html.bullets(_foreign(f"{finding.sentence} {finding.remedy}".strip()) for finding in findings)]


def _foreign(text: str) -> html.Html:
    # The published LSC is a long sentence of our own.
    return html.foreign(text, 4 * _MOST_LETTERS)


def _changes(found: FollowUp, means: bool) -> list[str]:
    records = [record for record in found.changes.records() if (record["level"] == MEAN) == means]
    reasons = {record["reason"] for record in records if record["changed"] == NOT_COMPARABLE}
    rows = []
    for record in records:
        level = record["levels"].replace(";", ", ") if means else record["level"]
        decided = record["changed"]
        # One reason for all rows is among the findings.
        if decided == NOT_COMPARABLE and len(reasons) > 1:
            decided = f"{decided}: {record['reason']}"
        days = "–" if record["days"] is None else str(record["days"])
        rows.append(
            [
                *pair_text(record),
                *(days, level, record["roi"]),
                *(number_text(record[name]) for name in ("from_hu", "to_hu")),
                change_text(record),
                number_text(record["lsc_hu"]),
                per_year_text(record),
                _foreign(decided),
            ]
        )
    header = [*_HEADER, *_DECIDED]
    header[3] = "Levels" if means else "Level"
    name = "Changes of the means" if means else "Changes at each level"
    return [html.table(header, rows, left=2, text=(len(header) - 1,), name=name)]


def _density_changes(found: FollowUp, means: bool) -> list[str]:
    """Return the changes in mg/cm³; nothing if not every reading is calibrated."""
    if not found.mineral:
        return []
    rows = [
        [
            *pair_text(record),
            record["levels"].replace(";", ", ") if means else record["level"],
            record["roi"],
            *density_cells(record)[:-1],
            _foreign(": ".join(filter(None, (record["changed_mg_cc"], record["reason_mg_cc"])))),
        ]
        for record in found.changes.records()
        if (record["level"] == MEAN) == means
    ]
    header = ["From", "To", "Levels" if means else "Level", "ROI", "First", "Second", "Change (95 %)", "LSC"]
    header += ["Per year", "Changed"]
    name = f"Changes {'of the means' if means else 'at each level'} in mg/cm³ {found.mineral}"
    heading = html.heading(name, 3)
    return [heading, html.table(header, rows, left=2, text=(len(header) - 1,), name=name)]


def change_text(record: Mapping[str, Any], unit: str = "hu") -> str:
    """Return a change with its interval, signed."""
    change, low, high = (record[f"{name}_{unit}"] for name in ("change", "change_low", "change_high"))
    if change is None:
        return "–"
    if low is None or high is None:
        return signed_text(change)
    return f"{signed_text(change)} ({signed_text(low)} to {signed_text(high)})"


def density_cells(record: Mapping[str, Any]) -> list[str]:
    """Return the cells of a change in mg/cm³: first, second, change with its interval, LSC, per year, changed."""
    per_year = record["mg_cc_per_year"]
    return [
        *(number_text(record[name]) for name in ("from_mg_cc", "to_mg_cc")),
        change_text(record, "mg_cc"),
        number_text(record["lsc_mg_cc"]),
        "–" if per_year is None else signed_text(per_year),
        record["changed_mg_cc"],
    ]


def per_year_text(record: Mapping[str, Any]) -> str:
    """Return a change per year, signed."""
    return "–" if record["hu_per_year"] is None else signed_text(record["hu_per_year"])


def signed_text(value: float) -> str:
    """Return a number with its sign."""
    text = number_text(value)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"


def _measurements(found: FollowUp) -> str:
    rows = []
    for level in (*levels_of(found.audits), MEAN):
        for audit in found.audits:
            records = list(found.measurements.records(level=level, ct=audit.position))
            if records:
                by_roi = {record["roi"]: number_text(record["mean_hu"]) for record in records}
                excluded = records[0]["excluded"]
                over = records[0]["levels"].replace(";", ", ")
                remark = f"excluded: {excluded}" if excluded else over if level == MEAN else ""
                cells = [by_roi.get(roi, "–") for roi in rois_of(found.audits)]
                rows.append([level, audit.when, *cells, _foreign(remark)])
    header = ["Level", "Date", *rois_of(found.audits), ""]
    last = len(header) - 1
    return html.table(header, rows, "Mean HU", left=2, grouped=True, text=(last,))


def _readings(found: FollowUp) -> str:
    rows = []
    for audit in found.audits:
        headers = audit.headers
        contrast = {None: "?", True: "yes", False: "no"}[audit.contrast]
        scanner = " ".join(filter(None, (headers["manufacturer"], headers["scanner_model"]))) or "?"
        voltage, thickness = (
            "?" if headers[name] is None else f"{headers[name]:g}" for name in ("tube_voltage_kv", "slice_thickness_mm")
        )
        rows.append(
            [
                audit.when,
                _foreign(audit.name),
                _foreign(f"{audit.reader}, {audit.record['reading']}"),
                _foreign(printable(scanner)),
                voltage,
                contrast,
                _foreign(printable(headers["kernel"] or "?")),
                thickness,
                _foreign(audit.protocol_title),
                audit.record["software"]["LumbarHU"],
            ]
        )
    header = ["Date", "Audit folder", "Reader, reading", "Scanner", "kV", "Contrast", "Kernel", "Slices, mm"]
    return html.table([*header, "Protocol", "LumbarHU"], rows, left=4, text=(1, 2, 3, 6, 8))
