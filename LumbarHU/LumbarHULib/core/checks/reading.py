"""Check the positions of a reading's levels. This takes too long for a drag, so it runs once the drag has ended."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.body_height import BodyHeight, body_height
from LumbarHULib.core.checks.neighbors import height_findings, side_findings, spacing_findings, trend_findings
from LumbarHULib.core.checks.place import bone_findings, endplate_findings, mid_height_findings, patch_findings
from LumbarHULib.core.checks.surroundings import surroundings_findings
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import FindingValues
from LumbarHULib.core.results import LevelResult

_EXCLUDED = "The level is excluded, so the means do not include it."


def height_of_level(stack: AxialStack, level: LevelResult, protocol: Protocol) -> BodyHeight | None:
    """Return a level's position in the height of its body; None where the CT does not show it."""
    frame = level.frame
    across_mm = frame.to_uv_mm(level.outline_ras_mm)[:, 0]
    size_mm = frame.depth_mm, float(np.ptp(across_mm))
    return body_height(stack, level.level, frame.midline_ras_mm.mean(axis=0), frame.v_ras, size_mm, protocol)


def check_places(
    stack: AxialStack,
    levels: Sequence[LevelResult],
    protocol: Protocol,
    height_of: Callable[[AxialStack, LevelResult, Protocol], BodyHeight | None] = height_of_level,
) -> tuple[Finding, ...]:
    """Return the findings from the CT around the levels and from the levels compared with each other.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    levels : sequence of LevelResult
        The measured levels, in any order. For an excluded level, only its distance to the others is checked.
    protocol : Protocol
    height_of : callable, optional
        Returns what `height_of_level` does, for example from a cache.

    Returns
    -------
    tuple of Finding
        A finding with a level or a region concerns it; the others concern the whole reading.
    """
    in_order = sorted(levels, key=lambda level: LEVELS.index(level.level))
    included = [level for level in in_order if not level.excluded]
    findings = [*surroundings_findings(stack, included, protocol.findings), *_view_findings(stack, protocol.findings)]
    findings += spacing_findings(in_order, protocol.findings)
    endplates = {}
    for level in included:
        findings += [*bone_findings(stack, level, protocol), *patch_findings(stack, level, protocol)]
        height = height_of(stack, level, protocol)
        if height is None:
            continue
        findings += mid_height_findings(stack, level, height, protocol.findings)
        if height.is_clear and height.inside_mm > 0:
            endplates[level.level] = height.endplates
            findings += endplate_findings(stack, level, height.endplates, protocol.findings)
    findings += side_findings(included, protocol)
    findings += trend_findings(included, protocol.findings)
    findings += height_findings(endplates, protocol.findings)
    return tuple(findings)


def with_findings(level: LevelResult, findings: Sequence[Finding]) -> LevelResult:
    """Return the level with those of `findings` that concern it or its regions added; as notes if it is excluded."""
    level_findings = [finding for finding in findings if finding.level == level.level]
    if level_findings:
        level = _with_findings(level, level_findings)
    return _as_excluded(level) if level.excluded else level


def _with_findings(level: LevelResult, level_findings: Sequence[Finding]) -> LevelResult:
    rois = {
        roi: replace(measured, findings=(*measured.findings, *(f for f in level_findings if f.roi == roi)))
        for roi, measured in level.rois.items()
    }
    without_roi = tuple(finding for finding in level_findings if not finding.roi)
    return replace(level, rois=rois, findings=(*level.findings, *without_roi))


def _as_excluded(level: LevelResult) -> LevelResult:
    """Return an excluded level with its findings as notes: the remedy of most is to exclude the level."""

    def as_notes(findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(finding, remedy=_EXCLUDED, severity="note") for finding in findings)

    rois = {roi: replace(measured, findings=as_notes(measured.findings)) for roi, measured in level.rois.items()}
    return replace(level, rois=rois, findings=as_notes(level.findings))


def _view_findings(stack: AxialStack, values: FindingValues) -> tuple[Finding, ...]:
    rows, columns = stack.voxels_hu.shape[1:]
    along_i_mm, along_j_mm = stack.pixel_spacings_mm
    narrowest_mm = min(columns * along_i_mm, rows * along_j_mm)
    if narrowest_mm >= values.field_of_view_min_mm:
        return ()
    return (
        Finding(
            "small_field_of_view",
            f"The CT's field of view of {columns * along_i_mm:.4g} by {rows * along_j_mm:.4g} mm is smaller than "
            f"{values.field_of_view_min_mm:g} mm: vessels that would show contrast medium may be outside it.",
            "Use the uncropped CT if there is one.",
            "note",
        ),
    )
