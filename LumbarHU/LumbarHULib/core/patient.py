"""From levels to the patient: means over L1–L4, missing levels, and classes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import fsum

from LumbarHULib.core.checks.acquisition import (
    OFF_PROTOCOL_CODES,
    accepted_findings,
    acquisition_findings,
    series_findings,
)
from LumbarHULib.core.checks.reading import with_findings
from LumbarHULib.core.classification import classify, summarize_roi
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PatientValues
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult, RoiSummary, class_words
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.core.sensitivity import roi_placement

_NOT_CORRECTED = "The mean is not corrected for it"
_WITH_CARE = ": interpret the class with caution"


def summarize(
    levels: Sequence[LevelResult | LevelRefusal],
    scan_facts: ScanFacts,
    protocol: Protocol,
    cutoffs: CutoffTable,
    accept_off_protocol: bool = False,
    scan_findings: Sequence[Finding] = (),
    place_findings: Sequence[Finding] = (),
) -> ReadingResult:
    """Return means, classes and findings of a reading's levels.

    Parameters
    ----------
    levels : sequence of LevelResult or LevelRefusal
        Each level once, in any order.
    scan_facts : ScanFacts
        What the headers state.
    protocol : Protocol
    cutoffs : CutoffTable
    accept_off_protocol : bool
        Give classes although the acquisition differs from that of the cutoffs.
    scan_findings : sequence of Finding
        Findings from reading the CT.
    place_findings : sequence of Finding
        Findings of `check_places` on these levels.

    Raises
    ------
    InputError
        When a level occurs twice, because the mean would count it twice.
    """
    require_each_once([level.level for level in levels])
    in_order = sorted(levels, key=lambda level: LEVELS.index(level.level))
    measured = tuple(with_findings(level, place_findings) for level in in_order if isinstance(level, LevelResult))
    refusals = tuple(level for level in in_order if isinstance(level, LevelRefusal))
    used = tuple(level for level in measured if level.level in protocol.patient.mean_levels and not level.excluded)

    spacing_mm = slice_spacing_mm(measured[0]) if measured else None
    findings = (*scan_findings, *acquisition_findings(scan_facts, cutoffs))
    findings += series_findings(scan_facts, protocol, spacing_mm)
    # Visible contrast medium is no news where the headers state it or the cutoffs hold for it.
    is_contrast_news = not scan_facts.contrast and not cutoffs.contrast_medium
    findings += tuple(
        finding
        for finding in place_findings
        if not finding.level and (finding.code != "contrast_seen" or is_contrast_news)
    )
    off_protocol = any(finding.code in OFF_PROTOCOL_CODES for finding in findings)
    if off_protocol and accept_off_protocol:
        findings = (
            *accepted_findings(findings),
            Finding(
                "off_protocol_accepted",
                "Classes are given although the acquisition is off protocol: the user accepted it.",
                "Interpret the classes with caution, or use cutoffs for this acquisition.",
            ),
        )
    findings += _order_findings(measured)
    findings += _level_count_findings(used, protocol.patient)
    may_classify = len(used) >= protocol.patient.minimum_levels and (accept_off_protocol or not off_protocol)
    summaries = tuple(_summary(roi, used, in_order, protocol, cutoffs, may_classify) for roi in protocol.region_names)
    return ReadingResult(measured, refusals, summaries, scan_facts, findings)


def slice_spacing_mm(level: LevelResult) -> float:
    """Return the distance between two of the axial slices that a level was measured in, in mm."""
    return level.covered_mm / (level.slices[1] - level.slices[0] + 1)


def require_each_once(names: Sequence[str]) -> None:
    """Raise InputError when a level occurs twice, because the mean would count it twice."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} occurs {names.count(name)} times: give each level one set of markups.", name)


def _summary(
    roi: str,
    used: Sequence[LevelResult],
    in_order: Sequence[LevelResult | LevelRefusal],
    protocol: Protocol,
    cutoffs: CutoffTable,
    may_classify: bool,
) -> RoiSummary:
    names = tuple(level.level for level in used)
    # fsum, because Python's sum rounds differently from version 3.12 on, and a reading must give the same digits.
    mean_hu = fsum(level.rois[roi].values["mean_hu"] for level in used) / len(used) if used else None
    roi_cutoffs = cutoffs.rois.get(roi)
    summary = summarize_roi(roi, names, mean_hu, roi_cutoffs, protocol, may_classify)
    is_classified = summary.class_name != "not_classified"
    summary = replace(summary, placement=roi_placement(roi, used, roi_cutoffs, is_classified))
    missing = _missing_levels_finding(summary, in_order, protocol.patient, cutoffs)
    if missing is None:
        return summary
    return summary.with_finding(missing)


def _missing_levels_finding(
    summary: RoiSummary, in_order: Sequence[LevelResult | LevelRefusal], values: PatientValues, cutoffs: CutoffTable
) -> Finding | None:
    """Return the finding that the mean is over fewer levels than the study's, with the shift of the mean."""
    if not summary.levels or set(values.mean_levels) <= set(summary.levels):
        return None
    sentence = f"The {summary.roi} mean is over {describe_levels(summary.levels, in_order, values)}"
    shift_hu = _level_shift_hu(summary.roi, summary.levels, values, cutoffs)
    if shift_hu is not None:
        sentence += f"; by the medians of {cutoffs.level_medians_source}, this shifts the mean by {shift_hu:+.1f} HU"
        shifted_back = _class_without_shift(summary, shift_hu)
        if shifted_back != summary.class_name:
            sentence += f", and without the shift the class would be “{class_words(shifted_back)}”"
    with_care = _WITH_CARE if summary.class_name != "not_classified" else ""
    return Finding("levels_missing", f"{sentence}.", f"{_NOT_CORRECTED}{with_care}.", "warning", roi=summary.roi)


def describe_levels(names: Sequence[str], levels: Sequence[LevelResult | LevelRefusal], values: PatientValues) -> str:
    """Return the levels of a mean and the missing ones with the reason: “L2, L3, without L1 (fracture), …”."""
    reasons = {level.level: level.excluded or "not measured" for level in levels}
    missing = [level for level in values.mean_levels if level not in names]
    with_reasons = ", ".join(f"{level} ({reasons.get(level, 'not measured')})" for level in missing)
    return f"{', '.join(names)}, without {with_reasons}"


def _level_shift_hu(roi: str, names: Sequence[str], values: PatientValues, cutoffs: CutoffTable) -> float | None:
    """Return the difference between a region's mean over these levels and its mean over all levels, in HU.

    It is computed from the medians that come with the cutoffs; None where a median is missing.
    """
    medians_hu = cutoffs.level_medians_hu.get(roi)
    if not medians_hu or not all(level in medians_hu for level in values.mean_levels):
        return None
    whole_hu = sum(medians_hu[level] for level in values.mean_levels) / len(values.mean_levels)
    return sum(medians_hu[level] for level in names) / len(names) - whole_hu


def describe_missing_levels(result: ReadingResult, values: PatientValues, cutoffs: CutoffTable) -> str:
    """Return the five regions' findings on missing levels as one line, with the shift of each region."""
    names = result.summaries[0].levels
    line = f"The means are over {describe_levels(names, (*result.levels, *result.refusals), values)}"
    shifts, others = [], []
    for summary in result.summaries:
        shift_hu = _level_shift_hu(summary.roi, names, values, cutoffs)
        if shift_hu is not None:
            shifts.append(f"{summary.roi} {shift_hu:+.1f} HU")
            if (other := _class_without_shift(summary, shift_hu)) != summary.class_name:
                others.append(f"{summary.roi} “{class_words(other)}”")
    if shifts:
        line += f"; by the medians of {cutoffs.level_medians_source}, this shifts the means: {', '.join(shifts)}"
    if others:
        line += f"; without the shift, these classes would change: {', '.join(others)}"
    is_classified = any(summary.class_name != "not_classified" for summary in result.summaries)
    remedy = _NOT_CORRECTED.replace("The mean is", "The means are")
    return f"{line}. {remedy}{_WITH_CARE if is_classified else ''}."


def _class_without_shift(summary: RoiSummary, shift_hu: float) -> str:
    """Return the class of the mean without a shift of `shift_hu`; ``not_classified`` stays so."""
    if summary.class_name == "not_classified" or summary.mean_hu is None or summary.cutoffs is None:
        return summary.class_name
    return classify(summary.mean_hu - shift_hu, summary.cutoffs)


def _order_findings(measured: Sequence[LevelResult]) -> tuple[Finding, ...]:
    """Return findings on neighboring levels whose order in the CT contradicts their names."""
    return tuple(
        Finding(
            "levels_out_of_order",
            f"The mid-slice of {lower.level} is above that of {upper.level}.",
            "Check which midline belongs to which vertebra.",
        )
        for upper, lower in pairwise(measured)
        if lower.slices[0] > upper.slices[0]
    )


def _level_count_findings(used: Sequence[LevelResult], values: PatientValues) -> tuple[Finding, ...]:
    if len(used) >= values.minimum_levels:
        return ()
    if len(values.mean_levels) == 1:
        (only,) = values.mean_levels
        sentence = f"{only} is not measured, so there is no mean: the protocol's mean is that of {only} alone."
        return (Finding("too_few_levels", sentence, f"Measure {only}."),)
    return (
        Finding(
            "too_few_levels",
            f"{len(used)} of {', '.join(values.mean_levels)} {'is' if len(used) == 1 else 'are'} measured; a class "
            f"needs at least {values.minimum_levels}.",
            "Measure more levels.",
        ),
    )
