"""The whole flow: from a CT and its markups to label maps, numbers and classes.

`measure_level` is the flow of one level, one statement for each stage. A `Composer` makes a reading from levels. All
callers use it: the command line, batch, a scene, the panel and the verification of an audit folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.body_height import BodyHeight
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.checks.level import level_findings, with_roi_findings
from LumbarHULib.core.checks.outline import SAME_OUTLINE_MM, found_again_findings, where_apart
from LumbarHULib.core.checks.reading import check_places, height_of_level
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.landmarks import Landmarks, missing_midline
from LumbarHULib.core.levels import parse_level
from LumbarHULib.core.not_scanned import require_scanned, without_unscanned
from LumbarHULib.core.outline.level import outline_from_body_axis, outline_of_level
from LumbarHULib.core.patient import require_each_once, summarize
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.quantities import measure_roi
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.core.regions.drawing import draw_regions
from LumbarHULib.core.regions.trials import region_trials
from LumbarHULib.core.results import LevelRefusal, LevelResult, PlacementTrials, ReadingResult, RoiMask
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.core.sensitivity import placement_trials


def measure_level(
    stack: AxialStack,
    landmarks: Landmarks,
    protocol: Protocol,
    excluded: str = "",
    edited_masks: Mapping[str, RoiMask] | None = None,
    known_outline_ras_mm: np.ndarray | None = None,
    known_doubt_mm: np.ndarray | None = None,
    vertebra: RoiMask | None = None,
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
        Why the level does not enter the means; empty when it does. An excluded level is measured anyway.
    edited_masks : mapping of str to RoiMask, optional
        Label maps that a person edited by hand; they are measured as they are.
    known_outline_ras_mm : numpy.ndarray, shape (n, 3), optional
        The outline that this function found before for the same CT, midline and protocol; it saves the search.
    known_doubt_mm : numpy.ndarray, shape (n,), optional
        The standard deviation found with that outline.
    vertebra : RoiMask, optional
        The segmented vertebra, for a protocol that measures in one.

    Returns
    -------
    LevelResult

    Raises
    ------
    InputError
        When the level cannot be measured; the message states why and what to do.
    """
    edited_masks = edited_masks or {}
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    outline = outline_of_level(stack, frame, landmarks, protocol.outline, known_outline_ras_mm, known_doubt_mm)
    boundary = boundary_from_markup(frame, landmarks.boundary_ras_mm, outline.curve, protocol.boundary)
    inner = inner_outline(frame, outline.curve, protocol.outline)
    drawn = draw_regions(LevelBody(stack, landmarks, frame, outline, inner, boundary, protocol, vertebra))
    masks = without_unscanned(stack, drawn.masks | dict(edited_masks), protocol.plausible)
    require_scanned(frame.level, masks, protocol.plausible)
    rois = {
        roi: with_roi_findings(
            measure_roi(stack, frame.level, roi, mask, roi in edited_masks, drawn.groups.get(roi, ())),
            drawn.shapes,
            protocol,
        )
        for roi, mask in masks.items()
    }
    return LevelResult(
        level=frame.level,
        midline_ras_mm=landmarks.midline_ras_mm,
        frame=frame,
        boundary=boundary,
        outline_ras_mm=outline.points_ras_mm,
        outline_edited=outline.edited,
        outline_doubt_mm=outline.doubt_mm,
        slices=(drawn.slab.first, drawn.slab.last),
        covered_mm=drawn.slab.thickness_mm,
        rois=rois,
        shapes=drawn.shapes,
        origin=landmarks.origin,
        excluded=excluded,
        findings=level_findings(stack, frame, outline, boundary, drawn.shapes, drawn.slab, protocol),
        vertebra=vertebra,
    )


def outline_doubts(stack: AxialStack, level: LevelResult, protocol: Protocol) -> list[Finding]:
    """Return the finding on a level whose means change when its outline is found again from the body's own axis."""
    if level.outline_edited:
        return []
    landmarks = Landmarks(level.level, level.midline_ras_mm, level.boundary.points_ras_mm)
    try:
        outline_ras_mm = outline_from_body_axis(stack, level.frame, level.outline_ras_mm, protocol)
        apart = where_apart(level, outline_ras_mm)
        if apart.distance_mm < SAME_OUTLINE_MM:
            return []
        again = measure_level(stack, landmarks, protocol, known_outline_ras_mm=outline_ras_mm, vertebra=level.vertebra)
    except InputError:
        # The other outline leaves the scan or has no region, so the change of the means is unknown.
        return []
    return found_again_findings(level, again, apart, protocol.outline)


_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False)
class _Known(Generic[_Found]):
    """A cached result for a level, and its inputs: an equal `made_from` gives an equal `found`."""

    made_from: tuple[object, ...]
    found: _Found


class Composer:
    """Composes a reading from its levels, and caches what need not be computed twice.

    Levels come in one by one, as a reader moves their markups, or all at once. The outline of a level is searched again
    only when its midline, the CT or the protocol changes, its placement trials only when its shapes change, and the
    height of its body and the outline from its body's axis only when its midline or outline does.
    """

    def __init__(self) -> None:
        self._levels: dict[str, LevelResult | LevelRefusal] = {}
        self._outlines: dict[str, _Known[tuple[np.ndarray, np.ndarray | None]]] = {}
        self._trials: dict[str, _Known[PlacementTrials]] = {}
        self._heights: dict[str, _Known[BodyHeight | None]] = {}
        self._doubts: dict[str, _Known[list[Finding]]] = {}
        self._place_findings: tuple[Finding, ...] = ()

    @property
    def measured(self) -> list[LevelResult]:
        """The levels that gave numbers when last measured."""
        return [level for level in self._levels.values() if isinstance(level, LevelResult)]

    def measure_level(
        self,
        stack: AxialStack,
        landmarks: Landmarks,
        protocol: Protocol,
        excluded: str = "",
        edited_masks: Mapping[str, RoiMask] | None = None,
        vertebra: RoiMask | None = None,
    ) -> LevelResult:
        """Measure one level as the function `measure_level` does, with the cached outline if it is still valid.

        Raises
        ------
        InputError
            When the level cannot be measured.
        """
        made_from = (stack, protocol, landmarks.midline_ras_mm.tobytes())
        known = self._outlines.get(landmarks.level)
        points_ras_mm, doubt_mm = known.found if known is not None and known.made_from == made_from else (None, None)
        result = measure_level(stack, landmarks, protocol, excluded, edited_masks, points_ras_mm, doubt_mm, vertebra)
        if not result.outline_edited:
            self._outlines[landmarks.level] = _Known(made_from, (result.outline_ras_mm, result.outline_doubt_mm))
        return result

    def take(self, level: str, excluded: str, measure: Callable[[], LevelResult]) -> LevelResult | LevelRefusal:
        """Add the result of `measure` for a level to the reading, or the refusal where it raises InputError.

        Parameters
        ----------
        level : str
            One of `LEVELS`.
        excluded : str
            Why the level does not enter the means; empty when it does.
        measure : callable
            Returns the measured level, or raises InputError.
        """
        try:
            result: LevelResult | LevelRefusal = measure()
        except InputError as problem:
            result = LevelRefusal.of(level, problem, excluded)
        self._keep(result)
        return result

    def refuse(self, level: str, excluded: str, problem: InputError) -> None:
        """Add a level that cannot be measured to the reading, with the problem as its refusal."""
        self._keep(LevelRefusal.of(level, problem, excluded))

    def forget(self) -> None:
        """Remove all levels from the reading; cached results stay."""
        self._levels.clear()

    def settle(self, stack: AxialStack | None, protocol: Protocol, level_findings: Sequence[Finding] = ()) -> None:
        """Run what takes too long for a drag: the placement trials and the checks of the levels' positions.

        Parameters
        ----------
        stack : AxialStack or None
            None where no level is measured, for example because the CT was removed.
        protocol : Protocol
        level_findings : sequence of Finding
            Findings from placing the midlines.
        """
        findings = list(level_findings)
        if stack is not None:
            for level in self.measured:
                self.take(level.level, level.excluded, partial(self.with_trials, stack, level, protocol))
            for level in self.measured:
                findings += self._doubts_of_level(stack, level, protocol)
            findings += check_places(stack, self.measured, protocol, self._height_of_level)
        self._place_findings = tuple(dict.fromkeys(findings))

    def _keep(self, level: LevelResult | LevelRefusal) -> None:
        self._levels[level.level] = level
        # Findings on the level's previous position no longer hold; those on the whole CT still do.
        self._place_findings = tuple(finding for finding in self._place_findings if finding.level != level.level)

    def _doubts_of_level(self, stack: AxialStack, level: LevelResult, protocol: Protocol) -> list[Finding]:
        points = (level.midline_ras_mm, level.boundary.points_ras_mm, level.outline_ras_mm)
        edited = tuple(roi for roi, measured in level.rois.items() if measured.edited)
        made_from = (
            stack,
            protocol,
            level.vertebra,
            level.outline_edited,
            edited,
            *(each.tobytes() for each in points),
        )
        known = self._doubts.get(level.level)
        if known is None or known.made_from != made_from:
            known = self._doubts[level.level] = _Known(made_from, outline_doubts(stack, level, protocol))
        return known.found

    def _height_of_level(self, stack: AxialStack, level: LevelResult, protocol: Protocol) -> BodyHeight | None:
        points = (level.frame.midline_ras_mm, level.frame.v_ras, level.outline_ras_mm)
        made_from = (stack, protocol, *(values.tobytes() for values in points))
        known = self._heights.get(level.level)
        if known is None or known.made_from != made_from:
            known = self._heights[level.level] = _Known(made_from, height_of_level(stack, level, protocol))
        return known.found

    def with_trials(self, stack: AxialStack, level: LevelResult, protocol: Protocol) -> LevelResult:
        """Return a level with its placement trials.

        Raises
        ------
        InputError
            When the trials cannot be computed.
        """
        points = (level.midline_ras_mm, level.boundary.points_ras_mm, level.outline_ras_mm)
        edited = tuple(roi_result.edited for roi_result in level.rois.values())
        made_from = (stack, protocol, edited, *(role_points.tobytes() for role_points in points))
        known = self._trials.get(level.level)
        if known is None or known.made_from != made_from:
            trials = placement_trials if protocol.is_of_study_regions else region_trials
            known = self._trials[level.level] = _Known(made_from, trials(stack, level, protocol))
        return replace(level, trials=known.found)

    def reading(
        self,
        scan_facts: ScanFacts,
        protocol: Protocol,
        cutoffs: CutoffTable,
        accept_off_protocol: bool = False,
        scan_findings: Sequence[Finding] = (),
    ) -> ReadingResult:
        """Return means and classes of the levels as last measured, without measuring again. See `summarize`."""
        levels = tuple(self._levels.values())
        return summarize(
            levels, scan_facts, protocol, cutoffs, accept_off_protocol, scan_findings, self._place_findings
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
    unplaced: Mapping[str, InputError] | None = None,
    vertebrae: Mapping[str, RoiMask] | None = None,
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
        What the CT's headers state.
    exclusions : mapping of str to str, optional
        Levels that do not enter the means, with the reason. A level without landmarks is reported with its reason only.
    accept_off_protocol : bool
        Give classes although the acquisition differs from that of the cutoffs.
    scan_findings : sequence of Finding
        Findings from reading the CT.
    edited_masks : mapping of str to mapping of str to RoiMask, optional
        By level and region, label maps that a person edited by hand; they are measured as they are.
    unplaced : mapping of str to InputError, optional
        Why levels that should be measured have no landmarks.
    vertebrae : mapping of str to RoiMask, optional
        By level, the segmented vertebra, for a protocol that measures in one.

    Returns
    -------
    ReadingResult
        A level that cannot be measured is one of its refusals, with the reason.

    Raises
    ------
    InputError
        When a level occurs twice, or an exclusion does not name a level or has no reason.
    """
    exclusions = {parse_level(level): reason.strip() for level, reason in (exclusions or {}).items()}
    for level, reason in exclusions.items():
        if not reason:
            raise InputError(f"{level} is excluded without a reason: give one, such as “fracture”.", level)
    stack = axial_stack(ct, protocol.frame)
    edited_masks = edited_masks or {}
    unplaced = unplaced or {}
    require_each_once([*(level_landmarks.level for level_landmarks in landmarks), *unplaced])
    composer = Composer()
    for level_landmarks in landmarks:
        level, excluded = level_landmarks.level, exclusions.pop(level_landmarks.level, "")
        measure = partial(
            composer.measure_level,
            stack,
            level_landmarks,
            protocol,
            excluded,
            edited_masks.get(level),
            (vertebrae or {}).get(level),
        )
        composer.take(level, excluded, measure)
    for level, problem in unplaced.items():
        composer.refuse(level, exclusions.pop(level, ""), problem)
    for level, excluded in exclusions.items():
        composer.refuse(level, excluded, missing_midline(level))
    composer.settle(stack, protocol)
    return composer.reading(scan_facts, protocol, cutoffs, accept_off_protocol, scan_findings)
