"""Compare a CT's acquisition with that of the cutoffs: findings from the facts in its headers."""

from dataclasses import replace

from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.scan_facts import ScanFacts, is_same_voltage

# Findings that forbid a class unless the user accepts the acquisition.
OFF_PROTOCOL_CODES = frozenset({"tube_voltage_off_protocol", "contrast_medium", "contrast_seen"})

_NO_CLASS = "No class is given unless you accept the acquisition, which is recorded."
# The sentence also holds where another reason, such as too few levels, prevents a class.
_ACCEPTED = (
    "The acquisition was accepted, which is recorded: a class is given anyway, unless another finding prevents it."
)


def acquisition_findings(facts: ScanFacts, cutoffs: CutoffTable) -> tuple[Finding, ...]:
    """Return the findings from comparing tube voltage and contrast medium with those of the cutoffs, if any."""
    if not cutoffs.rois:
        return ()
    findings = [*_voltage_findings(facts.tube_voltage_kv, cutoffs), *_contrast_findings(facts.contrast, cutoffs)]
    compared = (
        ("tube voltage", facts.tube_voltage_kv, cutoffs.tube_voltage_kv),
        ("contrast medium", facts.contrast, cutoffs.contrast_medium),
    )
    unknown = [fact for fact, ct_value, cutoffs_value in compared if ct_value is None and cutoffs_value is not None]
    if unknown:
        findings.append(
            Finding(
                "acquisition_unknown",
                f"The CT does not state its {' or '.join(unknown)}; the cutoffs hold for "
                f"{_held_for(unknown, cutoffs)}.",
                "Check it at the source of the CT, such as the PACS.",
            )
        )
    unstated = [fact for fact, _, cutoffs_value in compared if cutoffs_value is None]
    if unstated:
        findings.append(
            Finding(
                "cutoffs_acquisition_unknown",
                f"The cutoffs “{cutoffs.name}” do not state the {' or '.join(unstated)} that they hold for.",
                "Enter it in the cutoffs file, under acquisition.",
            )
        )
    return tuple(findings)


def accepted_findings(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings; those that would prevent a class state that the user accepted the acquisition."""
    return tuple(replace(finding, remedy=_ACCEPTED) if finding.remedy == _NO_CLASS else finding for finding in findings)


def series_findings(facts: ScanFacts, protocol: Protocol, slice_spacing_mm: float | None = None) -> tuple[Finding, ...]:
    """Return the findings from comparing modality and slices with those of the protocol.

    Parameters
    ----------
    facts : ScanFacts
    protocol : Protocol
    slice_spacing_mm : float, optional
        Distance between the axial slices that are measured, for a file that states neither thickness nor spacing.
    """
    findings = []
    if facts.modality not in (None, "", "CT"):
        findings.append(
            Finding(
                "modality_not_ct",
                f"The headers state the modality {facts.modality}, not CT: the values are not HU.",
                "Use a CT.",
                "severe",
            )
        )
    return (*findings, *_thickness_findings(facts, slice_spacing_mm, protocol))


def _thickness_findings(facts: ScanFacts, measured_spacing_mm: float | None, protocol: Protocol) -> tuple[Finding, ...]:
    wanted_mm = protocol.roi.slab_mm
    spacing_mm = facts.slice_spacing_mm or measured_spacing_mm
    # Without a stated thickness, the slices are assumed to touch each other.
    thickness_mm = facts.slice_thickness_mm or spacing_mm
    if thickness_mm is None or wanted_mm == 0:
        return ()
    over_mm = thickness_mm - wanted_mm
    if abs(over_mm) <= protocol.findings.slice_thickness_tolerance_mm:
        return ()
    slices = f"{thickness_mm:g} mm thick"
    if not facts.slice_thickness_mm:
        slices = f"{thickness_mm:.4g} mm apart, and their thickness is not stated"
    sentence = f"The slices are {slices}; the protocol uses slices of {wanted_mm:g} mm"
    if over_mm > 0:
        return (
            Finding(
                "slices_thick",
                f"{sentence}: discs and endplates contribute more to thick slices.",
                "Use a reconstruction with thinner slices if there is one.",
            ),
        )
    if not (facts.slice_thickness_mm or facts.slice_spacing_mm):
        return ()  # the report shows a distance that no file states; thin slices are worth a note only if one does
    return (
        Finding(
            "slices_thin", f"{sentence}. The regions cover the number of slices closest to that thickness.", "", "note"
        ),
    )


def _voltage_findings(voltage_kv: float | None, cutoffs: CutoffTable) -> list[Finding]:
    wanted_kv = cutoffs.tube_voltage_kv
    if voltage_kv is None or wanted_kv is None or is_same_voltage(voltage_kv, wanted_kv):
        return []
    sentence = f"The CT was acquired at {voltage_kv:g} kV; the cutoffs hold for {wanted_kv:g} kV."
    return [Finding("tube_voltage_off_protocol", sentence, _NO_CLASS, "severe")]


def _contrast_findings(contrast: bool | None, cutoffs: CutoffTable) -> list[Finding]:
    if contrast is None or cutoffs.contrast_medium is None or contrast == cutoffs.contrast_medium:
        return []
    ct_value, cutoffs_value = ("with", "without") if contrast else ("without", "with")
    sentence = f"The CT was acquired {ct_value} contrast medium; the cutoffs hold for CTs {cutoffs_value}."
    return [Finding("contrast_medium", sentence, _NO_CLASS, "severe")]


def _held_for(facts: list[str], cutoffs: CutoffTable) -> str:
    held = {
        "tube voltage": None if cutoffs.tube_voltage_kv is None else f"{cutoffs.tube_voltage_kv:g} kV",
        "contrast medium": f"CTs {'with' if cutoffs.contrast_medium else 'without'} contrast medium",
    }
    return " and ".join(held[fact] or "" for fact in facts)
