"""Undo and redo for a reading. Slicer's own undo is off by default, and makes four steps of one drag."""

from dataclasses import dataclass, field

import numpy as np

from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.core.results import ReadingResult, RoiMask
from LumbarHULib.mrml.label_layer import same_mask
from LumbarHULib.mrml.level_review import ACCEPTED_PREFIX
from LumbarHULib.mrml.markup_points import placed_points, replace_points
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import ANCHOR_PREFIX, MARKUP_ROLES, ORIGIN_PREFIX, ensure_markup, markup_node

# Parameters of the reading that change when a reader edits its markups.
_KEPT_PREFIXES = ("written ", ORIGIN_PREFIX, ACCEPTED_PREFIX, ANCHOR_PREFIX, "exclusions", "skipped")


@dataclass(frozen=True, eq=False)
class _State:
    """A reading's markups with their stored origins, and its regions edited by hand."""

    points_ras_mm: dict[tuple[str, str], np.ndarray]
    parameters: dict[str, str]
    edits: dict[tuple[str, str], RoiMask]


@dataclass(eq=False)
class ReadingHistory:
    """The states of one reading that its reader can return to, one for each step.

    Parameters
    ----------
    measurer : ReadingMeasurer
        Measures the reading, and knows its regions edited by hand.
    """

    measurer: ReadingMeasurer
    _undo: list[_State] = field(default_factory=list)
    _redo: list[_State] = field(default_factory=list)
    _was_measured: bool = False
    _settled: _State | None = None

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._redo)

    def remember(self) -> None:
        """Store the current state of the reading, before a step changes it."""
        self._note_foreign_change(self._state())
        self._note(self._state())
        self.open_step()

    def open_step(self) -> None:
        """Count all changes until the next measurement as part of the last stored step."""
        self._settled = None

    def settle(self) -> None:
        """End the current step: later changes come from elsewhere."""
        self._settled = self._state()

    def give_up(self) -> None:
        """Return to the last stored state and discard it, because the step was cancelled."""
        if self._undo:
            self._restore(self._undo.pop())
            self.open_step()

    def forget(self) -> None:
        """Drop the last note: nothing was changed after all."""
        if self._undo:
            self._undo.pop()
        self.settle()

    def undo(self) -> tuple[str, ...]:
        """Undo the last step, and return the levels that it changed; raises InputError after signing off."""
        return self._step(self._undo, self._redo)

    def redo(self) -> tuple[str, ...]:
        """Redo the last undone step, and return the levels that it changes; raises InputError after signing off."""
        return self._step(self._redo, self._undo)

    def measure(self) -> ReadingResult:
        """Measure the reading; regions edited elsewhere since the last measurement count as a step."""
        before, was_measured = self._state(), self._was_measured
        self._note_foreign_change(before)
        result, self._was_measured = self.measurer.measure(), True
        now = self.measurer.edits
        if was_measured and not all(same_mask(before.edits.get(key), mask) for key, mask in now.items()):
            self._note(before)
        self.settle()
        return result

    def _note_foreign_change(self, now: _State) -> None:
        """Store markups that were deleted or moved elsewhere, such as in the Data module, as a separate step."""
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
        self.open_step()
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
    """Return whether a level has the same markups and the same edited regions in two states."""
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
    # Parameters on segmentations, whose names have no hyphen, stay with the segmentations.
    return [name for name in names if not name.startswith("written ") or "-" in name]
