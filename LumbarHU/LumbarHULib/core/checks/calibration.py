"""Compare a CT's acquisition with that of the phantom's scan: a refusal at another tube voltage, otherwise findings."""

from datetime import date

from LumbarHULib.core.calibration import Calibration
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts, is_same_name, is_same_voltage, printable

# Findings by which a calibration is not one of its CT, in words.
NOT_OF_THE_CT = {
    "calibration_other_scanner": "of another scanner",
    "calibration_other_kernel": "of another kernel",
    "calibration_other_date": "too old or too new",
    "calibration_contrast": "distorted by contrast medium",
}
_NOT_CORRECTED = "The densities are not corrected for it: "


def require_same_voltage(calibration: Calibration, facts: ScanFacts) -> None:
    """Raise InputError when the CT's tube voltage is known to differ from that of the phantom's scan."""
    phantom_kv, ct_kv = calibration.scan.tube_voltage_kv, facts.tube_voltage_kv
    if phantom_kv is None or ct_kv is None or is_same_voltage(phantom_kv, ct_kv):
        return
    raise InputError(
        f"The CT was acquired at {ct_kv:g} kV, but the calibration is from a scan at {phantom_kv:g} kV: use a "
        f"calibration at {ct_kv:g} kV, or measure without --calibration."
    )


def is_in_time(calibration: Calibration, facts: ScanFacts, stated_date: str | None = None) -> bool | None:
    """Return whether the CT was acquired within the calibration's days of the phantom's scan; None if unknown.

    Only this is kept, and not the number of days, from which the date of a patient's CT would follow. The date that a
    user states counts where the CT's headers have none.
    """
    of_ct = _day(facts.acquired_on or stated_date)
    dates = [scan.date for scan in calibration.pooled] or [calibration.scan.date]
    of_phantom = [day for date in dates if (day := _day(date)) is not None]
    if len(of_phantom) < len(dates) or of_ct is None:
        return None
    return min(abs((of_ct - day).days) for day in of_phantom) <= calibration.valid_days


def calibration_findings(
    calibration: Calibration, facts: ScanFacts, in_time: bool | None, is_same_scan: bool
) -> tuple[Finding, ...]:
    """Return the findings on a calibration of a CT, those of its regions' means apart.

    Parameters
    ----------
    calibration : Calibration
    facts : ScanFacts
        The CT's acquisition.
    in_time : bool or None
        As `is_in_time` returns it.
    is_same_scan : bool
        Whether the phantom is in the CT itself, so that nothing can differ.
    """
    findings = list(calibration_notes(calibration))
    if not is_same_scan:
        findings += _of_scan(calibration, facts, in_time)
    if facts.contrast and (is_same_scan or calibration.scan.contrast is not False):
        findings.append(
            Finding(
                "calibration_contrast",
                "The CT was acquired with contrast medium, which a calibration counts as mineral.",
                f"{_NOT_CORRECTED}the true ones are lower.",
                "severe",
            )
        )
    return tuple(findings)


def _of_scan(calibration: Calibration, facts: ScanFacts, in_time: bool | None) -> list[Finding]:
    scan, findings = calibration.scan, []
    scanners = [_joined(of.manufacturer, of.scanner_model) for of in (facts, scan)]
    if _differ(facts.scanner_model, scan.scanner_model) or _differ(facts.manufacturer, scan.manufacturer):
        findings.append(
            Finding(
                "calibration_other_scanner",
                f"The CT is from {scanners[0]}, but the calibration is from {scanners[1]}.",
                f"{_NOT_CORRECTED}use a calibration of the same scanner.",
            )
        )
    if _differ(facts.kernel, scan.kernel):
        findings.append(
            Finding(
                "calibration_other_kernel",
                f"The CT's kernel is {printable(facts.kernel or '')}, but that of the calibration is "
                f"{printable(scan.kernel or '')}.",
                f"{_NOT_CORRECTED}use the same kernel.",
            )
        )
    if facts.contrast is not None and scan.contrast is not None and facts.contrast != scan.contrast:
        words = {True: "with", False: "without"}
        findings.append(
            Finding(
                "calibration_contrast",
                f"The CT was acquired {words[facts.contrast]} contrast medium, and the phantom's scan "
                f"{words[scan.contrast]}.",
                f"{_NOT_CORRECTED}a calibration counts contrast medium as mineral.",
                "severe",
            )
        )
    if in_time is False:
        findings.append(
            Finding(
                "calibration_other_date",
                f"The CT was acquired more than {calibration.valid_days} days before or after the phantom's scan.",
                f"{_NOT_CORRECTED}scan the phantom again.",
            )
        )
    known = {
        "tube voltage": (facts.tube_voltage_kv, scan.tube_voltage_kv),
        "scanner model": (facts.scanner_model, scan.scanner_model),
        "kernel": (facts.kernel, scan.kernel),
        "contrast medium": (facts.contrast, scan.contrast),
        "date": (facts.acquired_on, scan.date) if in_time is None else (True, True),
    }
    unknown = [what for what, values in known.items() if None in values or "" in values]
    if unknown:
        findings.append(
            Finding(
                "calibration_unchecked",
                f"It is unknown whether CT and calibration agree in {', '.join(unknown)}, because one of them does not "
                "state it.",
                "Check it at the source of the CT, such as the PACS; HU depend on it.",
            )
        )
    return findings


def calibration_notes(calibration: Calibration) -> list[Finding]:
    """Return the findings on a calibration itself, whatever CT it is applied to."""
    phantom, findings = calibration.phantom, []
    if phantom.stated_error is not None:
        error = phantom.stated_error
        findings.append(
            Finding(
                "calibration_phantomless",
                f"The calibration is experimental: it has no phantom. On {error.scans} phantom scans of the site its "
                f"error was {error.rms_mg_cc:g} mg/cm³ (root mean square).",
                "Do not compare the densities with cutoffs of a phantom calibration.",
                "severe",
            )
        )
    elif not (phantom.certificate and phantom.serial_number):
        findings.append(
            Finding(
                "calibration_without_certificate",
                f"The phantom file “{phantom.name}” lacks a serial number or a certificate: its densities are "
                "nominal, or those of another phantom of this model.",
                "Enter serial number, certificate and densities of your own phantom, and calibrate again.",
            )
        )
    if not calibration.has_interval:
        findings.append(
            Finding(
                "calibration_without_interval",
                f"The calibration has only {len(calibration.rods)} rods, so the densities have no interval.",
                "Use a phantom with three rods or more.",
            )
        )
    return findings


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def _differ(one: str | None, other: str | None) -> bool:
    """Return whether two facts are both known and not the same."""
    if not one or not other:
        return False
    return not is_same_name(one, other)


def _joined(manufacturer: str | None, scanner_model: str | None) -> str:
    return printable(" ".join(filter(None, (manufacturer, scanner_model)))) or "an unknown scanner"
