"""The whole flow on one screen: a CT and its markups become label maps, numbers and classes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.label_maps import label_masks, slab_around
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.level_findings import level_findings, with_roi_findings
from LumbarHULib.core.levels import parse_level
from LumbarHULib.core.not_scanned import require_scanned, without_unscanned
from LumbarHULib.core.outline.level import outline_of_level
from LumbarHULib.core.patient import summarize
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.reading_checks import check_places
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult, RoiMask
from LumbarHULib.core.roi_measurement import measure_roi
from LumbarHULib.core.roi_shapes import roi_shapes
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.core.sensitivity import placement_trials


def measure_level(
    stack: AxialStack,
    landmarks: Landmarks,
    protocol: Protocol,
    excluded: str = "",
    edited_masks: Mapping[str, RoiMask] | None = None,
    known_outline_ras_mm: np.ndarray | None = None,
) -> LevelResult:
    """Measure one level.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    landmarks : Landmarks
        The level's markups.
    protocol : Protocol
        Every choice of the measurement.
    excluded : str
        Why the level does not enter the means; empty when it does. It is measured all the same.
    edited_masks : mapping of str to RoiMask, optional
        Label maps that a person edited by hand: measured as they stand.
    known_outline_ras_mm : numpy.ndarray, shape (n, 3), optional
        The outline that this function found before for the same CT, midline and protocol, to spare the search.

    Returns
    -------
    LevelResult

    Raises
    ------
    InputError
        When the level cannot be measured; the sentence says why and what to do.
    """
    edited_masks = edited_masks or {}
    frame = frame_from_midline(stack, landmarks, protocol)
    outline = outline_of_level(stack, frame, landmarks, protocol, known_outline_ras_mm)
    boundary = boundary_from_markup(frame, landmarks.boundary_ras_mm, outline.curve, protocol)
    inner = inner_outline(frame, outline.curve, protocol)
    shapes = roi_shapes(frame, inner, boundary, protocol)
    slab = slab_around(stack, frame, protocol)
    drawn = label_masks(stack, frame, shapes, slab, protocol) | dict(edited_masks)
    masks = without_unscanned(stack, drawn, protocol)
    require_scanned(frame.level, masks, protocol)
    rois = {
        roi: with_roi_findings(measure_roi(stack, frame.level, roi, mask, roi in edited_masks), shapes, protocol)
        for roi, mask in masks.items()
    }
    return LevelResult(
        level=frame.level,
        midline_ras_mm=landmarks.midline_ras_mm,
        frame=frame,
        boundary=boundary,
        outline_ras_mm=outline.points_ras_mm,
        outline_edited=outline.edited,
        slices=(slab.first, slab.last),
        covered_mm=slab.thickness_mm,
        rois=rois,
        shapes=shapes,
        origin=landmarks.origin,
        excluded=excluded,
        findings=level_findings(stack, frame, outline, boundary, shapes, slab, protocol),
    )


def measure_ct(
    ct: CtVolume,
    landmarks: Sequence[Landmarks],
    protocol: Protocol,
    cutoffs: CutoffTable,
    scan_facts: ScanFacts,
    exclusions: Mapping[str, str] | None = None,
    accept_off_protocol: bool = False,
    scan_findings: Sequence[Finding] = (),
    edited_masks: Mapping[str, Mapping[str, RoiMask]] | None = None,
) -> ReadingResult:
    """Measure every level of one reading and summarize them.

    Parameters
    ----------
    ct : CtVolume
        The CT.
    landmarks : sequence of Landmarks
        One for each level.
    protocol : Protocol
    cutoffs : CutoffTable
    scan_facts : ScanFacts
        What the CT's headers say.
    exclusions : mapping of str to str, optional
        Levels that do not enter the means, with the reason. One without landmarks is told with its reason alone.
    accept_off_protocol : bool
        Give classes although the acquisition is known to be off the cutoffs' own.
    scan_findings : sequence of Finding
        What reading the CT told.
    edited_masks : mapping of str to mapping of str to RoiMask, optional
        By level and region, label maps that a person edited by hand: measured as they stand.

    Returns
    -------
    ReadingResult
        A level that cannot be measured stands among its refusals, with the sentence that says why.

    Raises
    ------
    InputError
        When a level is there twice, or an exclusion names no level or has no reason.
    """
    exclusions = {parse_level(level): reason.strip() for level, reason in (exclusions or {}).items()}
    for level, reason in exclusions.items():
        if not reason:
            raise InputError(f"{level} is excluded without a reason: give one, such as “fracture”.", level)
    stack = axial_stack(ct, protocol)
    edited_masks = edited_masks or {}
    levels: list[LevelResult | LevelRefusal] = []
    for of_level in landmarks:
        reason = exclusions.pop(of_level.level, "")
        try:
            level = measure_level(stack, of_level, protocol, reason, edited_masks.get(of_level.level))
            levels.append(replace(level, trials=placement_trials(stack, level, protocol)))
        except InputError as problem:
            levels.append(LevelRefusal(of_level.level, str(problem), reason))
    levels += [
        LevelRefusal(level, f"{level} has no midline: place its front and back edge.", reason)
        for level, reason in exclusions.items()
    ]
    measured = [level for level in levels if isinstance(level, LevelResult)]
    places = check_places(stack, measured, protocol)
    return summarize(levels, scan_facts, protocol, cutoffs, accept_off_protocol, scan_findings, places)
