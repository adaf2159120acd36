"""lumbarhu calibrate: fit a calibration from the rods of a phantom, write it, and print it."""

import argparse
import math
import os
from collections.abc import Iterator
from pathlib import Path

from LumbarHULib.api.calibrations import LEAST_SIZE_MM, MOST_SIZE_MM, Calibration, calibrate
from LumbarHULib.core.checks.calibration import calibration_notes
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts, printable
from LumbarHULib.files.calibration_file import OWN_CALIBRATION_FILE
from LumbarHULib.files.own_file import check_own_file
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.exit_codes import DONE
from LumbarHULib.headless.option_values import number, tube_voltage_kv, whole_number
from LumbarHULib.headless.progress import Progress
from LumbarHULib.headless.reading_options import ct_date, printable_name
from LumbarHULib.images.ct_file import read_ct

_MOST_DAYS = 10_000

# Densities at which half the width of the interval is printed.
_SHOWN_MG_CC = (50.0, 100.0, 150.0)


def run_calibrate(options: argparse.Namespace) -> int:
    """Calibrate, write the file, print rods and line, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    _check_destination(options)
    stated = _stated_facts(options)
    sizes = {
        f"{name}_mm": None if text is None else number(f"--{name}", text, LEAST_SIZE_MM, MOST_SIZE_MM)
        for name, text in (("radius", options.radius), ("length", options.length))
    }
    days = None if options.valid_days is None else whole_number("--valid-days", options.valid_days, 1, _MOST_DAYS)
    excluded = _excluded(options.exclude)
    progress = Progress()
    try:
        ct = read_ct(options.ct, progress)
    finally:
        progress.clear()
    calibration = calibrate(
        ct,
        options.rods,
        options.phantom,
        excluded=excluded,
        scan_facts=stated,
        valid_days=days,
        experimental_phantomless=options.experimental_phantomless,
        **sizes,
    )
    calibration.write(options.out, options.overwrite)
    print(f"{calibration_text(calibration)}\n\nCalibration: {options.out}")
    return DONE


def calibration_text(calibration: Calibration) -> str:
    """Return rods, line, interval and what is doubtful, as text for a terminal."""
    of, line = calibration.calibration, calibration.calibration.line
    phantom = of.phantom
    serial = f", serial number {phantom.serial_number}" if phantom.serial_number else ""
    certificate = f", certificate {phantom.certificate}" if phantom.certificate else ""
    lines = [f"Phantom {phantom.name}{serial}{certificate}; densities in {calibration.unit}."]
    water = ["Water"] if phantom.is_liquid else []
    rows = [["Rod", "mg/cm³", *water, "Mean HU", "SD HU", "Voxels", "Residual HU", "mg/cm³", "Leverage"]]
    for fitted in of.rods:
        rows.append(
            [
                fitted.rod.name,
                f"{fitted.rod.density_mg_cc:.2f}",
                *([f"{fitted.rod.water_mg_cc:.2f}"] if water else []),
                f"{fitted.sample.mean_hu:.1f}",
                f"{fitted.sample.sd_hu:.1f}",
                str(fitted.sample.voxels),
                f"{fitted.residual_hu:+.1f}",
                f"{fitted.residual_hu / line.slope:+.1f}",
                f"{fitted.leverage:.2f}",
            ]
        )
    lines += [aligned(rows), *(f"Excluded: {name} ({reason})." for name, reason in of.excluded.items())]
    lines += _fit_lines(calibration)
    lines += [f"{note.sentence} {note.remedy}" for note in calibration_notes(of)]
    lines += _scan_lines(calibration)
    return "\n".join(lines)


def _fit_lines(calibration: Calibration) -> Iterator[str]:
    of, line = calibration.calibration, calibration.calibration.line
    sign = "−" if line.intercept_hu < 0 else "+"
    yield (
        f"HU = {line.slope:.4f} × density {sign} {abs(line.intercept_hu):.2f}; density = (HU "
        f"{'+' if line.intercept_hu < 0 else '−'} {abs(line.intercept_hu):.2f}) / {line.slope:.4f}."
    )
    if line.residual_sd_hu is not None:
        yield f"Residual SD {line.residual_sd_hu:.2f} HU, {line.degrees_of_freedom} degrees of freedom."
    if line.between is not None:
        at = _SHOWN_MG_CC[1]
        sd_hu = math.sqrt(line.between.variance.at(at))
        yield (
            f"Mean of {line.between.scans} scans; the line varies between them by {sd_hu:.2f} HU (SD) at {at:g} "
            f"mg/cm³: {sd_hu / line.slope:.1f} mg/cm³."
        )
    if of.has_interval:
        halves = []
        for density_mg_cc in _SHOWN_MG_CC:
            density = calibration.density(line.intercept_hu + line.slope * density_mg_cc)
            if density.low_mg_cc is not None and density.high_mg_cc is not None:
                halves.append(f"{(density.high_mg_cc - density.low_mg_cc) / 2:.1f} at {density_mg_cc:g}")
        yield f"95 % interval of a mean, ± mg/cm³: {', '.join(halves)}."


def _scan_lines(calibration: Calibration) -> Iterator[str]:
    scan = calibration.calibration.scan
    facts = {
        "tube voltage": None if scan.tube_voltage_kv is None else f"{scan.tube_voltage_kv:g} kV",
        "scanner": " ".join(filter(None, (scan.manufacturer, scan.scanner_model))) or None,
        "kernel": scan.kernel,
        "contrast medium": {None: None, True: "with contrast medium", False: "without contrast medium"}[scan.contrast],
        "date": scan.date,
    }
    if dates := [pooled.date or "unknown" for pooled in calibration.calibration.pooled]:
        facts["date"] = facts["date"] and f"dates {', '.join(dates)}"
    known = [printable(text) for text in facts.values() if text]
    if known:
        what, days = "scans" if dates else "scan", calibration.calibration.valid_days
        yield f"The {what}: {', '.join(known)}; for CTs within {days} days."
    unknown = [what for what, text in facts.items() if not text]
    if unknown:
        yield (
            f"Unknown of the scan: {', '.join(unknown)}. State it with the options, or each measurement gets the "
            "finding calibration_unchecked."
        )


def _stated_facts(options: argparse.Namespace) -> ScanFacts:
    contrast = None
    if options.contrast is not None:
        if options.contrast.lower() not in ("yes", "no"):
            raise InputError(f"--contrast {options.contrast} cannot be used: give yes or no.")
        contrast = options.contrast.lower() == "yes"
    words = {
        name: None if text is None else printable_name(f"--{name.replace('_', '-')}", text)
        for name, text in (
            ("manufacturer", options.manufacturer),
            ("scanner_model", options.scanner_model),
            ("kernel", options.kernel),
        )
    }
    return ScanFacts(
        tube_voltage_kv=tube_voltage_kv("--tube-voltage", options.tube_voltage),
        contrast=contrast,
        acquired_on=None if options.date is None else ct_date("--date", options.date),
        manufacturer=words["manufacturer"],
        scanner_model=words["scanner_model"],
        kernel=words["kernel"],
    )


def _excluded(texts: list[str]) -> dict[str, str]:
    excluded: dict[str, str] = {}
    for text in texts:
        name, _, reason = (part.strip() for part in text.partition("="))
        if not name or not reason:
            raise InputError(f"--exclude {text} gives no reason: write for example --exclude A=bubble.")
        if name in excluded:
            raise InputError(f"--exclude names {name} twice: give one reason.")
        excluded[name] = reason
    return excluded


def _check_destination(options: argparse.Namespace) -> None:
    check_own_file(options.out, options.overwrite, OWN_CALIBRATION_FILE)
    for path in (options.ct, options.rods, options.phantom):
        if Path(os.path.realpath(path)) == Path(os.path.realpath(options.out)):
            raise InputError(f"“{options.out}” is an input, so it is not overwritten: choose another name.")
