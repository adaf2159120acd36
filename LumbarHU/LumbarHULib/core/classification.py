"""Classify a mean by cutoffs, and report its distance from them."""

from LumbarHULib.core.cutoffs import Cutoff, RoiCutoffs
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PatientValues, PlausibleValues
from LumbarHULib.core.results import RoiSummary


def classify(mean_hu: float, cutoffs: RoiCutoffs) -> str:
    """Return the class of a mean over L1–L4, as `CLASSES` names it."""
    if mean_hu <= cutoffs.osteoporosis.cutoff_hu:
        return "osteoporosis"
    if mean_hu >= cutoffs.normal.cutoff_hu:
        return "normal"
    return "osteopenia"


def summarize_roi(
    roi: str,
    levels: tuple[str, ...],
    mean_hu: float | None,
    cutoffs: RoiCutoffs | None,
    protocol: Protocol,
    may_classify: bool,
) -> RoiSummary:
    """Return one region's mean with its class and its distance from the nearest cutoff.

    Parameters
    ----------
    roi : str
        Name of the region.
    levels : tuple of str
        The levels that the mean is over.
    mean_hu : float or None
        The mean; None without levels.
    cutoffs : RoiCutoffs or None
        None where there are none: the mean then has no class.
    protocol : Protocol
    may_classify : bool
        False where the acquisition or the number of levels prevents a class.
    """
    if mean_hu is None:
        return RoiSummary(roi, levels, None, "not_classified", cutoffs)
    is_plausible = protocol.plausible.mean_min_hu <= mean_hu <= protocol.plausible.mean_max_hu
    implausible = () if is_plausible else (_implausible_mean(roi, mean_hu, protocol.plausible),)
    if cutoffs is None:
        return RoiSummary(roi, levels, mean_hu, "not_classified", None, findings=implausible)
    nearest = _nearest(mean_hu, cutoffs)
    distance_hu = mean_hu - nearest.cutoff_hu
    within_error = abs(distance_hu) < protocol.patient.single_measurement_lsc_fraction * protocol.patient.lsc_hu
    inside = None if nearest.interval_hu is None else nearest.interval_hu[0] <= mean_hu <= nearest.interval_hu[1]
    may_classify = may_classify and is_plausible
    class_name = classify(mean_hu, cutoffs) if may_classify else "not_classified"
    return RoiSummary(
        roi=roi,
        levels=levels,
        mean_hu=mean_hu,
        class_name=class_name,
        cutoffs=cutoffs,
        nearest_cutoff_hu=nearest.cutoff_hu,
        distance_hu=distance_hu,
        distance_lsc=distance_hu / protocol.patient.lsc_hu,
        cutoff_low_hu=nearest.low_hu,
        cutoff_high_hu=nearest.high_hu,
        inside_interval=inside,
        within_error=within_error,
        findings=(
            _findings(roi, mean_hu, cutoffs, nearest, distance_hu, within_error, inside, protocol.patient)
            if may_classify
            else ()
        )
        + implausible,
    )


def _implausible_mean(roi: str, mean_hu: float, values: PlausibleValues) -> Finding:
    return Finding(
        "implausible_mean",
        f"The {roi} mean of {mean_hu:.1f} HU is outside the range of trabecular bone, "
        f"{values.mean_min_hu:g} to {values.mean_max_hu:g} HU.",
        "No class is given: check that the CT is in HU and that the regions are in trabecular bone.",
        "severe",
        roi=roi,
    )


def _useless_cutoff(roi: str, cutoff: Cutoff) -> Finding:
    interval = "" if cutoff.area_low is None else f" (95 % interval {cutoff.area_low:.3f} to {cutoff.area_high:.3f})"
    return Finding(
        "cutoff_of_useless_curve",
        f"The {roi} cutoff of {cutoff.cutoff_hu:g} HU was chosen on a ROC curve with an area of {cutoff.area:.3f}"
        f"{interval}, which does not show that HU discriminates between the groups.",
        "Do not use the class; use cutoffs from another cohort, or the study's.",
        "severe",
        roi=roi,
    )


def _nearest(mean_hu: float, cutoffs: RoiCutoffs) -> Cutoff:
    return min((cutoffs.osteoporosis, cutoffs.normal), key=lambda cutoff: abs(mean_hu - cutoff.cutoff_hu))


def _findings(
    roi: str,
    mean_hu: float,
    cutoffs: RoiCutoffs,
    nearest: Cutoff,
    distance_hu: float,
    within_error: bool,
    inside: bool | None,
    values: PatientValues,
) -> tuple[Finding, ...]:
    findings = []
    useless = [cutoff for cutoff in (cutoffs.osteoporosis, cutoffs.normal) if cutoff.is_useless]
    if useless:
        findings.append(_useless_cutoff(roi, useless[0]))
    if inside:
        findings.append(
            Finding(
                "inside_cutoff_interval",
                f"The {roi} mean of {mean_hu:.1f} HU is inside the interval of its nearest cutoff, "
                f"{nearest.low_hu:g} to {nearest.high_hu:g} HU around {nearest.cutoff_hu:g} HU.",
                "Treat the class as uncertain.",
                "warning",
                roi=roi,
            )
        )
    if within_error:
        limit_hu = values.single_measurement_lsc_fraction * values.lsc_hu
        findings.append(
            Finding(
                "within_measurement_error",
                f"The {roi} mean of {mean_hu:.1f} HU is {distance_hu:+.1f} HU from the cutoff of "
                f"{nearest.cutoff_hu:g} HU, within measurement error ({limit_hu:.1f} HU).",
                "Treat the class as uncertain, or enter your site's own least significant change.",
                "warning",
                roi=roi,
            )
        )
    return tuple(findings)
