"""Undo and redo for a reading: Slicer's own undo is off by default, and gives four steps a drag."""

from dataclasses import dataclass, field

import numpy as np

from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.core.results import ReadingResult, RoiMask
from LumbarHULib.mrml.label_layer import same_mask
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import (
    ANCHOR_PREFIX,
    MARKUP_ROLES,
    ensure_markup,
    markup_node,
    placed_points,
    replace_points,
)

# Which of the reading's parameters change with what a reader does to its markups.
_KEPT_PREFIXES = ("written ", "origin ", ANCHOR_PREFIX, "exclusions", "skipped")


@dataclass(frozen=True, eq=False)
class _State:
    """A reading's markups with what is kept of their making, and its regions that were edited by hand."""

    points_ras_mm: dict[tuple[str, str], np.ndarray]
    parameters: dict[str, str]
    edits: dict[tuple[str, str], RoiMask]


@dataclass(eq=False)
class ReadingHistory:
    """The states of one reading that its reader can go back to, one for each gesture.

    Parameters
    ----------
    measurer : ReadingMeasurer
        Which measures the reading, and knows what was edited by hand in its regions.
    """

    measurer: ReadingMeasurer
    _undo: list[_State] = field(default_factory=list)
    _redo: list[_State] = field(default_factory=list)
    _was_measured: bool = False
    _settled: _State | None = None

    @property
    def can_undo(self) -> bool:
        """Whether there is a gesture to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is a gesture to repeat."""
        return bool(self._redo)

    def remember(self) -> None:
        """Note the reading as it is, before a gesture changes it."""
        self._note_foreign_change(self._state())
        self._note(self._state())
        self.open_gesture()

    def open_gesture(self) -> None:
        """Take what changes until the next measurement as part of the gesture that was noted last."""
        self._settled = None

    def settle(self) -> None:
        """Note that a gesture came to its end: what differs from now on was done by somebody else."""
        self._settled = self._state()

    def give_up(self) -> None:
        """Go back to the last note and drop it: the gesture was broken off."""
        if self._undo:
            self._restore(self._undo.pop())
            self.open_gesture()

    def undo(self) -> tuple[str, ...]:
        """Take the last gesture back and return the levels that it moved; raises InputError after signing off."""
        return self._step(self._undo, self._redo)

    def redo(self) -> tuple[str, ...]:
        """Repeat what was taken back last and return the levels that it moves; raises InputError after signing off."""
        return self._step(self._redo, self._undo)

    def measure(self) -> ReadingResult:
        """Measure the reading; where regions were edited elsewhere since the last time, that is a gesture as well."""
        before, was_measured = self._state(), self._was_measured
        self._note_foreign_change(before)
        result, self._was_measured = self.measurer.measure(), True
        now = self.measurer.edits
        if was_measured and not all(same_mask(before.edits.get(place), mask) for place, mask in now.items()):
            self._note(before)
        self.settle()
        return result

    def _note_foreign_change(self, now: _State) -> None:
        """Make a step of its own of markups that were deleted or moved elsewhere, such as in the Data module."""
        if self._settled is not None and not all(_same_markups(level, self._settled, now) for level in LEVELS):
            self._note(self._settled)
            self._settled = now

    def _note(self, state: _State) -> None:
        self._undo.append(state)
        self._redo.clear()

    def _step(self, taken_from: list[_State], put_on: list[_State]) -> tuple[str, ...]:
        self.measurer.reading.require_open()
        if not taken_from:
            return ()
        left, entered = self._state(), taken_from.pop()
        put_on.append(left)
        self._restore(entered)
        self.open_gesture()
        return tuple(level for level in LEVELS if not _same_level(level, left, entered))

    def _state(self) -> _State:
        reading, points_ras_mm = self.measurer.reading, {}
        for level in LEVELS:
            for role in MARKUP_ROLES:
                node = markup_node(reading, level, role)
                if node is not None:
                    points_ras_mm[level, role] = placed_points(node)
        parameters = {name: reading.node.GetParameter(name) for name in _kept_names(reading)}
        return _State(points_ras_mm, parameters, self.measurer.edits)

    def _restore(self, state: _State) -> None:
        reading = self.measurer.reading
        self.measurer.restore_edits(state.edits)
        for level in LEVELS:
            for role in MARKUP_ROLES:
                points_ras_mm = state.points_ras_mm.get((level, role), np.empty((0, 3)))
                if len(points_ras_mm):
                    replace_points(ensure_markup(reading, level, role), role, points_ras_mm)
                elif (node := markup_node(reading, level, role)) is not None:
                    replace_points(node, role, points_ras_mm)
        for name in _kept_names(reading):
            if name not in state.parameters:
                reading.node.UnsetParameter(name)
        for name, text in state.parameters.items():
            reading.node.SetParameter(name, text)


def _same_level(level: str, one: _State, other: _State) -> bool:
    """Whether a level has the same markups and the same edited regions in two states."""
    return _same_markups(level, one, other) and all(
        same_mask(one.edits.get((level, roi)), other.edits.get((level, roi))) for roi in ROIS
    )


def _same_markups(level: str, one: _State, other: _State) -> bool:
    none = np.empty((0, 3))
    return all(
        np.array_equal(one.points_ras_mm.get((level, role), none), other.points_ras_mm.get((level, role), none))
        for role in MARKUP_ROLES
    )


def _kept_names(reading: Reading) -> list[str]:
    names = [name for name in reading.node.GetParameterNames() if name.startswith(_KEPT_PREFIXES)]
    # What is kept of the segmentations stays with them: its names have no hyphen.
    return [name for name in names if not name.startswith("written ") or "-" in name]
