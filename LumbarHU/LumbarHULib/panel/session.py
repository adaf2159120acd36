"""The panel's current state: one reading, one of its levels, and what was measured last."""

from collections.abc import Callable, Iterable

from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.results import LevelResult, ReadingResult
from LumbarHULib.mrml.level_review import unreviewed_levels
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.node_types import MaybeNone
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_history import ReadingHistory
from LumbarHULib.mrml.reading_markups import placed_levels
from LumbarHULib.mrml.result_tables import write_tables
from LumbarHULib.mrml.roi_segmentations import remove_segments
from LumbarHULib.panel.views import rendering_paused

FIRST_LEVEL = "L1"


class Session:
    """The current reading; sections look here, and listen for changes.

    Listeners get ``"numbers"`` while a reader drags, ``"level"`` when another level came into sight or the next click
    is another one, and ``"all"`` when anything else changed.
    """

    def __init__(self) -> None:
        self.reading: Reading | MaybeNone = None
        self.measurer: ReadingMeasurer | MaybeNone = None
        self.history: ReadingHistory | MaybeNone = None
        self.result: ReadingResult | MaybeNone = None
        self.level = FIRST_LEVEL
        self.edits_outline = False
        self.foreign_volume = ""
        self.is_placing = False
        self._listeners: list[Callable[[str], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether there is a reading, still in its scene."""
        return self.reading is not None and self.reading.scene is not None

    @property
    def may_change(self) -> bool:
        """Whether there is a reading that is not signed off, with its CT."""
        return self.is_open and self.reading.ct_node is not None and not self.reading.is_signed_off

    @property
    def may_click(self) -> bool:
        """Whether a click or a drag in the views means something: they show the CT that is read."""
        return self.may_change and not self.foreign_volume

    @property
    def unreviewed(self) -> tuple[str, ...]:
        """The levels with a number that no reader has seen as they are now; none of a reading that may not change."""
        return unreviewed_levels(self.reading, self.result) if self.may_change else ()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

    def tell(self, what: str = "all") -> None:
        """Notify the sections that something changed."""
        for listener in self._listeners:
            listener(what)

    def open(self, reading: Reading) -> None:
        """Work on a reading from now on, and measure it."""
        self.reading, self.measurer = reading, ReadingMeasurer(reading)
        self.history, self.edits_outline = ReadingHistory(self.measurer), False
        placed = placed_levels(reading)
        self.level = placed[0] if placed else FIRST_LEVEL
        self.measure()

    def close(self) -> None:
        """Let go of the reading; it stays in its scene."""
        if self.reading is not None:
            self.reading = self.measurer = self.history = self.result = None
            self.level, self.edits_outline = FIRST_LEVEL, False  # `foreign_volume` is its observer's, which shows it
            self.tell()

    def select_level(self, level: str) -> None:
        """Work on another level."""
        if level != self.level:
            self.level, self.edits_outline = level, False
            self.tell()

    def measure(self) -> None:
        """Measure everything again: something other than a drag changed the reading."""
        with rendering_paused():
            self._remove_segments_without_level()
            self.result = self.history.measure()
        self.tell()

    def measure_level(self, level: str) -> None:
        """Measure one level again: a point was moved."""
        with rendering_paused():
            if self.measurer.update_level(level) is not None:
                self.result = self.measurer.summary()
                self.tell("numbers")

    def measure_levels(self, levels: Iterable[str]) -> None:
        """Measure levels whose midlines were just placed, with everything that follows from them."""
        with rendering_paused():
            for level in levels:
                self.measurer.update_level(level)
        self.finish_edit()

    def finish_edit(self) -> None:
        """Write what waits for the end of a drag."""
        if self.may_change:
            with rendering_paused():
                self.result = self.measurer.settle()
                self.history.settle()
                write_tables(self.reading, self.result)
        self.tell()

    def level_result(self, level: str) -> LevelResult | None:
        """Return what a level gave last; None when it gave no number."""
        found = [] if self.result is None else [of for of in self.result.levels if of.level == level]
        return found[0] if found else None

    def refusal_of(self, level: str) -> str:
        """Return why a level gave no number; empty when it did, or was not placed."""
        found = [] if self.result is None else [of.sentence for of in self.result.refusals if of.level == level]
        return found[0] if found else ""

    def _remove_segments_without_level(self) -> None:
        if self.may_change:
            asked_for = {*placed_levels(self.reading)} - {*self.reading.skipped_levels}
            for level in LEVELS:
                if level not in asked_for:
                    remove_segments(self.reading, level)
