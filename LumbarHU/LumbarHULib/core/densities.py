"""Add densities in mg/cm³ to a reading, by a calibration: nothing else in the reading changes."""

from dataclasses import replace

from LumbarHULib.core.calibration import Calibration
from LumbarHULib.core.checks.calibration import calibration_findings, require_same_voltage
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.results import LevelResult, ReadingResult, RoiSummary

# The findings with this prefix are made again where a reading is calibrated again.
_CODE_PREFIX = "calibration_"


def with_densities(
    result: ReadingResult, calibration: Calibration, in_time: bool | None, is_same_scan: bool
) -> ReadingResult:
    """Return a reading with the density of each region and of each mean over the levels, and the findings on them.

    A mean over the levels has the density of its mean HU: the calibration is a line.

    Parameters
    ----------
    result : ReadingResult
    calibration : Calibration
    in_time : bool or None
        Whether the CT is within the calibration's days of the phantom's scan; None if unknown.
    is_same_scan : bool
        Whether the phantom is in the CT itself.

    Raises
    ------
    InputError
        When the CT's tube voltage is known to differ from that of the calibration.
    """
    require_same_voltage(calibration, result.scan_facts)
    of_others = tuple(finding for finding in result.findings if not finding.code.startswith(_CODE_PREFIX))
    return replace(
        result,
        levels=tuple(_level(level, calibration) for level in result.levels),
        summaries=tuple(_summary(summary, calibration) for summary in result.summaries),
        findings=(*of_others, *calibration_findings(calibration, result.scan_facts, in_time, is_same_scan)),
    )


def _level(level: LevelResult, calibration: Calibration) -> LevelResult:
    rois = {
        roi: replace(measured, density=calibration.density(measured.mean_hu)) for roi, measured in level.rois.items()
    }
    return replace(level, rois=rois)


def _summary(summary: RoiSummary, calibration: Calibration) -> RoiSummary:
    if summary.mean_hu is None:
        return summary
    density = calibration.density(summary.mean_hu)
    of_others = tuple(finding for finding in summary.findings if not finding.code.startswith(_CODE_PREFIX))
    summary = replace(summary, density=density, findings=of_others)
    low_mg_cc, high_mg_cc = calibration.range_mg_cc
    # Bone is above the tissues of a phantomless calibration by design, which has a finding of its own.
    if low_mg_cc <= density.mean_mg_cc <= high_mg_cc or calibration.phantom.is_phantomless:
        return summary
    return summary.with_finding(
        Finding(
            "calibration_extrapolated",
            f"The {summary.roi} mean of {density.mean_mg_cc:.1f} mg/cm³ is outside the densities of the calibration's "
            f"rods, {low_mg_cc:g} to {high_mg_cc:g} mg/cm³.",
            "Use a phantom whose rods include the density of bone.",
            roi=summary.roi,
        )
    )
