"""Everything that makes a reading's places doubtful and takes too long for a drag: asked once a gesture has ended."""

from collections.abc import Sequence
from dataclasses import replace

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.checks.neighbors import height_findings, side_findings, spacing_findings, trend_findings
from LumbarHULib.core.checks.place import bone_findings, endplate_findings, patch_findings
from LumbarHULib.core.checks.surroundings import surroundings_findings
from LumbarHULib.core.endplates import Endplates, find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult


def check_places(stack: AxialStack, levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Return what the CT around the levels, and the levels beside each other, make doubtful.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    levels : sequence of LevelResult
        The measured levels, in any order. Of one that is excluded nothing is told and nothing is compared with it,
        but where it lies.
    protocol : Protocol

    Returns
    -------
    tuple of Finding
        Those with a level or a region concern it; the others the whole reading.
    """
    in_order = sorted(levels, key=lambda level: LEVELS.index(level.level))
    asked = [level for level in in_order if not level.excluded]
    findings = [*surroundings_findings(stack, asked, protocol), *_view_findings(stack, protocol)]
    findings += spacing_findings(in_order, protocol)
    endplates = {}
    for level in asked:
        findings += [*bone_findings(stack, level, protocol), *patch_findings(stack, level, protocol)]
        of_level = _endplates(stack, level, protocol)
        if of_level is not None:
            endplates[level.level] = of_level
            findings += endplate_findings(stack, level, of_level, protocol)
    findings += side_findings(asked, protocol)
    findings += trend_findings(asked, protocol)
    findings += height_findings(endplates, protocol)
    return tuple(findings)


def with_findings(level: LevelResult, findings: Sequence[Finding]) -> LevelResult:
    """Return a level that carries those of `findings` that concern it or one of its regions."""
    of_level = [finding for finding in findings if finding.level == level.level]
    if not of_level:
        return level
    rois = {
        roi: replace(measured, findings=(*measured.findings, *(f for f in of_level if f.roi == roi)))
        for roi, measured in level.rois.items()
    }
    of_whole = tuple(finding for finding in of_level if not finding.roi)
    return replace(level, rois=rois, findings=(*level.findings, *of_whole))


def _endplates(stack: AxialStack, level: LevelResult, protocol: Protocol) -> Endplates | None:
    """Return the body's endplates; None where the scan does not show them well: no reason to doubt a number."""
    frame = level.frame
    try:
        middle_ras_mm = frame.midline_ras_mm.mean(axis=0)
        found = find_endplates(stack, level.level, middle_ras_mm, frame.v_ras, frame.depth_mm, protocol)
    except InputError:
        return None
    return found if found.support >= protocol.endplate_trust_min else None


def _view_findings(stack: AxialStack, protocol: Protocol) -> tuple[Finding, ...]:
    rows, columns = stack.voxels_hu.shape[1:]
    along_i_mm, along_j_mm = stack.pixel_spacings_mm
    narrowest_mm = min(columns * along_i_mm, rows * along_j_mm)
    if narrowest_mm >= protocol.field_of_view_min_mm:
        return ()
    return (
        Finding(
            "small_field_of_view",
            f"The CT's slices show {columns * along_i_mm:.4g} by {rows * along_j_mm:.4g} mm, less than "
            f"{protocol.field_of_view_min_mm:g} mm one way: vessels that would show contrast medium may be out of "
            "view.",
            "Use the uncropped CT where there is one.",
            "note",
        ),
    )
