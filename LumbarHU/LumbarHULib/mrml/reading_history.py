"""Undo and redo for a reading: Slicer's own undo is off by default, and gives four steps a drag."""

from dataclasses import dataclass, field

import numpy as np

from LumbarHULib.core.levels import LEVELS
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, ensure_markup, markup_node, placed_points, replace_points

# Which of the reading's parameters change with what a reader does to its markups.
_KEPT_PREFIXES = ("written ", "origin ", "exclusions", "skipped")


@dataclass(frozen=True, eq=False)
class _State:
    """A reading's markups and what is kept of their making."""

    points_ras_mm: dict[tuple[str, str], np.ndarray]
    parameters: dict[str, str]


@dataclass(eq=False)
class ReadingHistory:
    """The states of one reading that its reader can go back to, one for each gesture.

    Parameters
    ----------
    reading : Reading
    """

    reading: Reading
    _undo: list[_State] = field(default_factory=list)
    _redo: list[_State] = field(default_factory=list)

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
        self._undo.append(_state(self.reading))
        self._redo.clear()

    def give_up(self) -> None:
        """Go back to the last note and drop it: the gesture was broken off."""
        if self._undo:
            _restore(self.reading, self._undo.pop())

    def undo(self) -> None:
        """Take the last gesture back; raises InputError when the reading is signed off."""
        self._step(self._undo, self._redo)

    def redo(self) -> None:
        """Repeat the gesture that was taken back last; raises InputError when the reading is signed off."""
        self._step(self._redo, self._undo)

    def _step(self, taken_from: list[_State], put_on: list[_State]) -> None:
        self.reading.require_open()
        if taken_from:
            put_on.append(_state(self.reading))
            _restore(self.reading, taken_from.pop())


def _state(reading: Reading) -> _State:
    points_ras_mm = {}
    for level in LEVELS:
        for role in MARKUP_ROLES:
            node = markup_node(reading, level, role)
            if node is not None:
                points_ras_mm[level, role] = placed_points(node)
    names = [name for name in reading.node.GetParameterNames() if name.startswith(_KEPT_PREFIXES)]
    # What is kept of the segmentations stays with them: its names have no hyphen.
    names = [name for name in names if not name.startswith("written ") or "-" in name]
    return _State(points_ras_mm, {name: reading.node.GetParameter(name) for name in names})


def _restore(reading: Reading, state: _State) -> None:
    for level in LEVELS:
        for role in MARKUP_ROLES:
            points_ras_mm = state.points_ras_mm.get((level, role), np.empty((0, 3)))
            if len(points_ras_mm):
                replace_points(ensure_markup(reading, level, role), role, points_ras_mm)
            elif (node := markup_node(reading, level, role)) is not None:
                replace_points(node, role, points_ras_mm)
    for name in _state(reading).parameters:
        if name not in state.parameters:
            reading.node.UnsetParameter(name)
    for name, text in state.parameters.items():
        reading.node.SetParameter(name, text)
