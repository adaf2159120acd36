"""The report's densities in mg/cm³, with the calibration that gives them; nothing without a calibration."""

from collections.abc import Sequence

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.report.words import NONE, number_text
from LumbarHULib.core.calibration import Density
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.results import LevelRefusal, LevelResult
from LumbarHULib.core.scan_facts import printable
from LumbarHULib.files import html_text as html
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.html_text import Html

_METHODS = {
    "line": "straight line through the rods",
    "liquid_equivalent": "line through the rods, corrected for their water",
    "phantomless_experimental": "experimental: line through reference tissues, without a phantom",
}


def density_parts(audit: Audit) -> list[str]:
    """Return the section on densities, in HTML; empty without a calibration."""
    if audit.calibration is None:
        return []
    result, unit = audit.result, audit.calibration.unit
    levels: Sequence[LevelResult | LevelRefusal] = sorted(
        (*result.levels, *result.refusals), key=lambda level: LEVELS.index(level.level)
    )
    rows = [[level.level, *_level_cells(level, result.rois)] for level in levels]
    names = result.summaries[0].levels
    rows.append(["mean", *(_cell(summary.density, summary.mean_hu, strong=True) for summary in result.summaries)])
    over = f"Mean over {', '.join(names)}. " if names else ""
    note = (
        f"{over}In {unit}, below each its 95 % interval, which covers the calibration and one deviation from its line "
        "such as a rod's; then the mean in HU."
    )
    return [
        html.heading(f"Density in {unit}"),
        html.table(["Level", *result.rois], rows, name=f"Density in {unit} by level and ROI"),
        html.paragraph(note, "note"),
        html.paragraph(Html(html.foreign(calibration_text(audit.calibration))), "note"),
    ]


def calibration_text(document: CalibrationDocument) -> str:
    """Return what a calibration is and was made from, in a few sentences."""
    calibration, line = document.calibration, document.calibration.line
    phantom, scan = calibration.phantom, calibration.scan
    facts = (
        None if scan.tube_voltage_kv is None else f"{scan.tube_voltage_kv:g} kV",
        " ".join(filter(None, (scan.manufacturer, scan.scanner_model))),
        None if scan.kernel is None else f"kernel {scan.kernel}",
        scan.date,
    )
    known = ", ".join(printable(fact) for fact in facts if fact) or "acquisition unknown"
    ids = (("serial number", phantom.serial_number), ("certificate", phantom.certificate))
    named = "".join(f", {what} {text}" for what, text in ids if text)
    spread = (
        ""
        if line.residual_sd_hu is None
        else f"; residual SD {line.residual_sd_hu:.2f} HU of {len(calibration.rods)} rods"
    )
    error = phantom.stated_error
    if error is not None:
        spread = f"; error on {error.scans} phantom scans of the site {error.rms_mg_cc:g} mg/cm³"
    if line.between is not None:
        spread += f"; mean of {line.between.scans} scans, with the variation between them"
    sign = "−" if line.intercept_hu < 0 else "+"
    return (
        f"Calibration: {phantom.name}{named}; {_METHODS[document.document['method']]}; HU = {line.slope:.4f} × density "
        f"{sign} {abs(line.intercept_hu):.2f}{spread}. Scan of the phantom: {known}."
    )


def _level_cells(level: LevelResult | LevelRefusal, rois: Sequence[str]) -> list[str]:
    if isinstance(level, LevelRefusal):
        return [NONE] * len(rois)
    cells: list[str] = []
    for roi in rois:
        cell = _cell(level.rois[roi].density, level.rois[roi].mean_hu)
        cells.append(Html(f"<s>{cell}</s>") if level.excluded else cell)
    return cells


def _cell(density: Density | None, mean_hu: float | None, strong: bool = False) -> Html:
    if density is None or mean_hu is None:
        return Html(NONE)
    text = number_text(density.mean_mg_cc)
    parts = [f"<strong>{text}</strong>" if strong else text]
    if density.low_mg_cc is not None and density.high_mg_cc is not None:
        parts.append(f"<small>{number_text(density.low_mg_cc)} to {number_text(density.high_mg_cc)}</small>")
    parts.append(f"<small>{number_text(mean_hu)} HU</small>")
    return Html("<br>".join(parts))
