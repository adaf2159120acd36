"""From a reading's markups to its numbers, and back into the scene: live while a reader drags, or all at once."""

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
    """Measures one reading, and keeps the scene's boundary, outline, segments and tables in step with its markups.

    It remembers what a drag must not pay for again: the CT once checked, the outlines once found, and what the
    segmentations hold. Whoever works on a reading keeps one as long; everything else is in the scene.

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
        """Whether the scene changes just now by the measurement itself: observers have nothing to do then."""
        return self._is_writing

    def update_level(self, level: str) -> LevelResult | LevelRefusal | None:
        """Measure one level anew and write what follows from it into the scene; the handler of every moved point.

        Returns
        -------
        LevelResult or LevelRefusal or None
            None when the call came from what this very method writes.
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
        """Measure every level anew, write everything that follows, and return the reading's result.

        Parameters
        ----------
        unplaced : mapping of str to InputError
            By level, why it has no midline although it should be measured.
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
        """Return the reading's result with what takes too long for a drag: how sure each number is, what is doubtful.

        It is for the end of a gesture; trials are made anew for levels that changed only. The scene is not touched.
        """
        measured = self._composer.measured
        for level in measured if self._may_write else ():
            keep_place(self._reading, level.level, self.stack)
        told = [finding for level in measured for finding in placement_findings(self._reading, level.level)]
        # What concerns a segmentation as a whole is kept with each of its levels; `settle` says it once.
        self._composer.settle(self.stack if measured else None, self._reading.protocol, told)
        return self.summary()

    def summary(self) -> ReadingResult:
        """Return means and classes from what every level last gave; nothing is measured, the scene is not touched."""
        reading = self._reading
        return self._composer.reading(
            reading.scan_facts,
            reading.protocol,
            reading.cutoffs,
            reading.accepts_off_protocol,
            (*reading.scan_findings, *self._sign_off_findings),
        )

    @property
    def edits(self) -> dict[tuple[str, str], RoiMask]:
        """The regions that were edited by hand, by level and region, as of the last measurement."""
        return self._segmentations.edits

    def restore_edits(self, edits: dict[tuple[str, str], RoiMask]) -> None:
        """Let the regions hold these edits and no others; the next measurement makes all others anew."""
        if self._reading.ct_node is not None:
            with self._writing():
                self._segmentations.restore_edits(edits)

    @property
    def stack(self) -> AxialStack:
        """The reading's CT as axial slices.

        Raises
        ------
        InputError
            When the CT was deleted, cannot be measured, or is no longer the one that the reading was started on.
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
        # First what may still refuse: a level that is refused must not leave half of its objects behind.
        self._segmentations.write(level, stack, {roi: of_roi.mask for roi, of_roi in result.rois.items()})
        automatic_points = {"boundary": result.boundary.points_ras_mm, "outline": result.outline_ras_mm}
        for role in AUTOMATIC_ROLES:
            if getattr(landmarks, f"{role}_ras_mm") is None:
                write_automatic(self._reading, level, role, automatic_points[role])

    def _clear(self, level: str) -> None:
        """Empty what would otherwise show a level as measured."""
        if not self._may_write or self._reading.ct_node is None:
            return
        try:
            self._segmentations.clear(level)
        except InputError:
            # The segmentations are what the level was refused for: they stay as they are, for the reader to mend.
            return

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
