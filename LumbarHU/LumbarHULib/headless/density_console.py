"""Show the densities of a reading on a terminal; nothing without a calibration."""

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.report.densities import calibration_text
from LumbarHULib.core.levels import LEVELS


def density_text(audit: Audit, aligned) -> str:
    """Return the table of densities with the means' intervals and HU, and the calibration; empty without one.

    Parameters
    ----------
    audit : Audit
    aligned : callable
        From rows of cells to lines with aligned columns.
    """
    if audit.calibration is None:
        return ""
    measured = {level.level: level for level in audit.result.levels}
    rows = [[f"Mean {audit.calibration.unit}", *audit.result.rois]]
    for name in (name for name in LEVELS if name in measured):
        level = measured[name]
        rows.append([name, *(_number(level.rois[roi].mean_mg_cc) for roi in audit.result.rois)])
    summaries = audit.result.summaries
    rows.append(["mean", *(_number(summary.mean_mg_cc) for summary in summaries)])
    if audit.calibration.calibration.has_interval:
        for what, values in (
            ("95 % from", [None if one.density is None else one.density.low_mg_cc for one in summaries]),
            ("95 % to", [None if one.density is None else one.density.high_mg_cc for one in summaries]),
        ):
            rows.append([what, *map(_number, values)])
    rows.append(["mean HU", *(_number(summary.mean_hu) for summary in summaries)])
    return f"{aligned(rows)}\n{calibration_text(audit.calibration)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
