"""Measure a reading from its markups, and write the results into the scene: during a drag, or all levels at once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import parse_level, sorted_levels
from LumbarHULib.core.pipeline import Composer
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult, RoiMask
from LumbarHULib.mrml.ct_identity import keep_place, require_same_place, require_same_voxels
from LumbarHULib.mrml.ct_node import CtCache
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_calibration import with_calibration
from LumbarHULib.mrml.reading_lifecycle import sign_off_findings
from LumbarHULib.mrml.reading_markups import (
    AUTOMATIC_ROLES,
    placed_levels,
    placement_findings,
    read_landmarks,
    write_automatic,
)
from LumbarHULib.mrml.result_tables import write_tables
from LumbarHULib.mrml.roi_segmentations import RoiSegmentations


class ReadingMeasurer:
    """Measures one reading, and keeps boundary, outline, segments and tables in the scene consistent with its markups.

    It caches what would make a drag slow: the checked CT, the outlines found, and the voxels of the segmentations. Keep
    one instance as long as you work on a reading; everything else is in the scene.

    Parameters
    ----------
    reading : Reading
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._ct_cache = CtCache()
        self._known_stack: AxialStack | None = None
        self._segmentations = RoiSegmentations(reading)
        self._composer = Composer()
        self._sign_off_findings: tuple[Finding, ...] = ()
        self._is_writing = False

    @property
    def reading(self) -> Reading:
        """The reading that is measured."""
        return self._reading

    @property
    def is_writing(self) -> bool:
        """Whether the measurement itself is changing the scene; observers should then do nothing."""
        return self._is_writing

    def update_level(self, level: str) -> LevelResult | LevelRefusal | None:
        """Measure one level again and write the result into the scene; this is the handler of every moved point.

        Returns
        -------
        LevelResult or LevelRefusal or None
            None when this method's own changes triggered the call.
        """
        level = parse_level(level)
        if self._is_writing:
            return None
        with self._writing():
            excluded = self._reading.exclusions.get(level, "")
            result = self._composer.take(level, excluded, partial(self._measured_and_written, level, excluded))
            if isinstance(result, LevelRefusal):
                self._clear(level)
        return result

    def measure(self, unplaced: Mapping[str, InputError] = MappingProxyType({})) -> ReadingResult:
        """Measure every level again, write all results into the scene, and return the reading's result.

        Parameters
        ----------
        unplaced : mapping of str to InputError
            By level, the reason why a level that should be measured has no midline.
        """
        self._composer.forget()
        levels = {*placed_levels(self._reading), *self._reading.exclusions} - {*self._reading.skipped_levels}
        for level in sorted_levels(levels):
            self.update_level(level)
        for level, problem in unplaced.items():
            self._composer.refuse(level, self._reading.exclusions.get(level, ""), problem)
        self._sign_off_findings = sign_off_findings(self._reading)
        result = self.settle()
        if self._may_write and not self._is_writing:
            with self._writing():
                write_tables(self._reading, result)
        return result

    def settle(self) -> ReadingResult:
        """Return the reading's result with the placement trials and the checks that take too long for a drag.

        Call it at the end of a drag. Only the trials of changed levels are repeated. The scene is not changed.
        """
        measured = self._composer.measured
        for level in measured if self._may_write else ():
            keep_place(self._reading, level.level, self.stack)
        findings = [finding for level in measured for finding in placement_findings(self._reading, level.level)]
        # A finding on a whole segmentation is stored with each of its levels; `settle` removes the duplicates.
        self._composer.settle(self.stack if measured else None, self._reading.protocol, findings)
        return self.summary()

    def summary(self) -> ReadingResult:
        """Return means, classes and densities from the last results of all levels, without measuring again."""
        reading = self._reading
        result = self._composer.reading(
            reading.scan_facts,
            reading.protocol,
            reading.cutoffs,
            reading.accepts_off_protocol,
            (*reading.scan_findings, *self._sign_off_findings),
        )
        return with_calibration(reading, result)

    @property
    def edits(self) -> dict[tuple[str, str], RoiMask]:
        """The regions edited by hand, by level and region, as of the last measurement."""
        return self._segmentations.edits

    def restore_edits(self, edits: dict[tuple[str, str], RoiMask]) -> None:
        """Restore these edits and discard all others; the next measurement makes all other regions again."""
        if self._reading.ct_node is not None:
            with self._writing():
                self._segmentations.restore_edits(edits)

    @property
    def stack(self) -> AxialStack:
        """The reading's CT as axial slices.

        Raises
        ------
        InputError
            When the CT was deleted, cannot be measured, or is no longer the CT on which the reading was started.
        """
        ct_node = self._reading.ct_node
        if ct_node is None:
            raise InputError(
                f"The CT of {self._reading.title} is no longer in the scene: load it, and start a new reading."
            )
        stack = self._ct_cache.stack(ct_node, self._reading.protocol)
        if stack is not self._known_stack:
            self._known_stack = None
            require_same_voxels(self._reading, stack)
            self._known_stack = stack
        return stack

    @property
    def _may_write(self) -> bool:
        return self._reading.scene is not None and not self._reading.is_signed_off

    def _measured_and_written(self, level: str, excluded: str) -> LevelResult:
        stack = self.stack
        landmarks = read_landmarks(self._reading, level)
        require_same_place(self._reading, level, stack)
        edited_masks = self._segmentations.edited_masks(level, stack)
        result = self._composer.measure_level(stack, landmarks, self._reading.protocol, excluded, edited_masks)
        if self._may_write:
            self._write(level, stack, result, landmarks)
        return result

    def _write(self, level: str, stack: AxialStack, result: LevelResult, landmarks: Landmarks) -> None:
        # Segmentations come first, because they can raise InputError, and a refused level must not be partly written.
        self._segmentations.write(level, stack, {roi: roi_result.mask for roi, roi_result in result.rois.items()})
        automatic_points = {"boundary": result.boundary.points_ras_mm, "outline": result.outline_ras_mm}
        for role in AUTOMATIC_ROLES:
            if getattr(landmarks, f"{role}_ras_mm") is None:
                write_automatic(self._reading, level, role, automatic_points[role])

    def _clear(self, level: str) -> None:
        """Clear the regions that would show a refused level as measured."""
        if not self._may_write or self._reading.ct_node is None:
            return
        try:
            self._segmentations.clear(level)
        except InputError:
            # The segmentations are the reason for the refusal, so they stay for the reader to fix.
            return

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
