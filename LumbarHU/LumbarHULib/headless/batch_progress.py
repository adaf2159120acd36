"""Show the progress of a batch: a bar with rate and time left, on a terminal only."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from LumbarHULib.headless.progress import Progress

_BAR_LENGTH = 20
# The rate is that of the last cases, because cases finished before take no time.
_RATE_OVER = 100


@dataclass
class BatchProgress:
    """The progress bar of a batch.

    Parameters
    ----------
    total : int
        Number of cases.
    line : Progress
        Shows the bar.
    clock : callable
        Returns the time in seconds.
    """

    total: int
    line: Progress = field(default_factory=Progress)
    clock: Callable[[], float] = time.monotonic
    _states: Counter[str] = field(default_factory=Counter)
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_OVER))

    def __post_init__(self) -> None:
        self._times.append(self.clock())
        self.say("Starting")

    def advance(self, state: str) -> None:
        """Count one more case by its state: measured, finished or failed."""
        self._states[state] += 1
        self._times.append(self.clock())
        self.say(self.text())

    def text(self) -> str:
        """Return the bar, the number of cases that are done and failed, the rate and the time left."""
        done = self._states.total()
        filled = _BAR_LENGTH * done // self.total
        text = f"[{'#' * filled}{'.' * (_BAR_LENGTH - filled)}] {done} of {self.total} cases"
        if self._states["failed"]:
            text += f", {self._states['failed']} failed"
        passed_s = self._times[-1] - self._times[0]
        if len(self._times) > 1 and passed_s > 0:
            per_second = (len(self._times) - 1) / passed_s
            text += f", {60 * per_second:.0f} per minute, {duration((self.total - done) / per_second)} left"
        return text

    def say(self, what: str) -> None:
        """Show the current step."""
        self.line(0.0, what)

    def clear(self) -> None:
        """Remove the bar."""
        self.line.clear()


def duration(seconds: float) -> str:
    """Return a duration in a suitable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
