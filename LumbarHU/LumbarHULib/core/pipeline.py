"""The whole flow: a CT and its markups become label maps, numbers and classes.

`measure_level` is the flow of one level, one statement a stage. A `Composer` makes a reading of levels; everything that
measures asks one: the command line, batch, a scene, the panel and the check of an audit folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.checks.level import level_findings, with_roi_findings
from LumbarHULib.core.checks.outline import doubt_findings, doubtful_stretches, moved_outline
from LumbarHULib.core.checks.reading import check_places
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.label_maps import label_masks, slab_around
from LumbarHULib.core.landmarks import Landmarks, missing_midline
from LumbarHULib.core.levels import parse_level
from LumbarHULib.core.not_scanned import require_scanned, without_unscanned
from LumbarHULib.core.outline.level import outline_of_level
from LumbarHULib.core.patient import require_each_once, summarize
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.quantities import measure_roi
from LumbarHULib.core.results import LevelRefusal, LevelResult, PlacementTrials, ReadingResult, RoiMask
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
    known_doubt_mm: np.ndarray | None = None,
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
    known_doubt_mm : numpy.ndarray, shape (n,), optional
        By how much it may be off, as found with it.

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
    outline = outline_of_level(stack, frame, landmarks, protocol, known_outline_ras_mm, known_doubt_mm)
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
        outline_doubt_mm=outline.doubt_mm,
        slices=(slab.first, slab.last),
        covered_mm=slab.thickness_mm,
        rois=rois,
        shapes=shapes,
        origin=landmarks.origin,
        excluded=excluded,
        findings=level_findings(stack, frame, outline, boundary, shapes, slab, protocol),
    )


def outline_doubts(stack: AxialStack, level: LevelResult, protocol: Protocol) -> list[Finding]:
    """Return what hangs on each doubtful stretch of a level's outline, measured with that stretch moved."""
    landmarks = Landmarks(level.level, level.midline_ras_mm, level.boundary.points_ras_mm)
    findings: list[Finding] = []
    for stretch in doubtful_stretches(level, protocol):
        try:
            inward, outward = (
                measure_level(
                    stack, landmarks, protocol, known_outline_ras_mm=moved_outline(level, stretch, outward_mm)
                )
                for outward_mm in (-stretch.doubt_mm, stretch.doubt_mm)
            )
        except InputError:
            # Moved so far, the outline leaves the scan or holds no region: nothing can be said of its change.
            continue
        findings += doubt_findings(level, stretch, inward, outward, protocol)
    return findings


_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False)
class _Known(Generic[_Found]):
    """What was found of a level before, and from what: equal `made_from` gives an equal `found`."""

    made_from: tuple[object, ...]
    found: _Found


class Composer:
    """Composes a reading from its levels, and remembers of each what need not be found twice.

    Levels come in one by one, as a reader moves their markups, or all at once. The outline of a level is searched again
    only when its midline, the CT or the protocol changed, and the trials of its placement only when its shapes did.
    """

    def __init__(self) -> None:
        self._levels: dict[str, LevelResult | LevelRefusal] = {}
        self._outlines: dict[str, _Known[tuple[np.ndarray, np.ndarray | None]]] = {}
        self._trials: dict[str, _Known[PlacementTrials]] = {}
        self._place_findings: tuple[Finding, ...] = ()

    @property
    def measured(self) -> list[LevelResult]:
        """The levels that gave numbers when they were last taken."""
        return [level for level in self._levels.values() if isinstance(level, LevelResult)]

    def measure_level(
        self,
        stack: AxialStack,
        landmarks: Landmarks,
        protocol: Protocol,
        excluded: str = "",
        edited_masks: Mapping[str, RoiMask] | None = None,
    ) -> LevelResult:
        """Measure one level as the function `measure_level` does, with the outline that was found before if it holds.

        Raises
        ------
        InputError
            When the level cannot be measured.
        """
        made_from = (stack, protocol, landmarks.midline_ras_mm.tobytes())
        known = self._outlines.get(landmarks.level)
        outline = known.found if known is not None and known.made_from == made_from else (None, None)
        result = measure_level(stack, landmarks, protocol, excluded, edited_masks, *outline)
        if not result.outline_edited:
            self._outlines[landmarks.level] = _Known(made_from, (result.outline_ras_mm, result.outline_doubt_mm))
        return result

    def take(self, level: str, excluded: str, measure: Callable[[], LevelResult]) -> LevelResult | LevelRefusal:
        """Take what `measure` gives for a level into the reading; where it refuses, the refusal.

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
        """Take a level into the reading that cannot be measured for this problem."""
        self._keep(LevelRefusal.of(level, problem, excluded))

    def forget(self) -> None:
        """Start again without any level; what was found of them is still remembered."""
        self._levels.clear()

    def settle(self, stack: AxialStack | None, protocol: Protocol, level_findings: Sequence[Finding] = ()) -> None:
        """Find out what takes too long for a drag: how sure each number is, and what its place makes doubtful.

        Parameters
        ----------
        stack : AxialStack or None
            None where no level is measured, as when the CT is gone.
        protocol : Protocol
        level_findings : sequence of Finding
            What placing the midlines told.
        """
        findings = list(level_findings)
        if stack is not None:
            for level in self.measured:
                self.take(level.level, level.excluded, partial(self.with_trials, stack, level, protocol))
            for level in self.measured:
                findings += outline_doubts(stack, level, protocol)
            findings += check_places(stack, self.measured, protocol)
        self._place_findings = tuple(dict.fromkeys(findings))

    def _keep(self, level: LevelResult | LevelRefusal) -> None:
        self._levels[level.level] = level
        # What was said of the level's last place is no longer true; what concerns the whole CT is.
        self._place_findings = tuple(finding for finding in self._place_findings if finding.level != level.level)

    def with_trials(self, stack: AxialStack, level: LevelResult, protocol: Protocol) -> LevelResult:
        """Return a level with the trials of its placement.

        Raises
        ------
        InputError
            When they cannot be made.
        """
        points = (level.midline_ras_mm, level.boundary.points_ras_mm, level.outline_ras_mm)
        edited = tuple(of_roi.edited for of_roi in level.rois.values())
        made_from = (stack, protocol, edited, *(of_role.tobytes() for of_role in points))
        known = self._trials.get(level.level)
        if known is None or known.made_from != made_from:
            known = self._trials[level.level] = _Known(made_from, placement_trials(stack, level, protocol))
        return replace(level, trials=known.found)

    def reading(
        self,
        scan_facts: ScanFacts,
        protocol: Protocol,
        cutoffs: CutoffTable,
        accept_off_protocol: bool = False,
        scan_findings: Sequence[Finding] = (),
    ) -> ReadingResult:
        """Return means and classes of the levels as they were last taken; nothing is measured. See `summarize`."""
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
    unplaced : mapping of str to InputError, optional
        Why levels that should be measured have no landmarks.

    Returns
    -------
    ReadingResult
        A level that cannot be measured is among its refusals, with the sentence that says why.

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
    unplaced = unplaced or {}
    require_each_once([*(of_level.level for of_level in landmarks), *unplaced])
    composer = Composer()
    for of_level in landmarks:
        level, excluded = of_level.level, exclusions.pop(of_level.level, "")
        measure = partial(composer.measure_level, stack, of_level, protocol, excluded, edited_masks.get(level))
        composer.take(level, excluded, measure)
    for level, problem in unplaced.items():
        composer.refuse(level, exclusions.pop(level, ""), problem)
    for level, excluded in exclusions.items():
        composer.refuse(level, excluded, missing_midline(level))
    composer.settle(stack, protocol)
    return composer.reading(scan_facts, protocol, cutoffs, accept_off_protocol, scan_findings)
