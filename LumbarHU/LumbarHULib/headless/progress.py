"""Show the progress of long steps, on a terminal only, so that captured output stays clean."""

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Progress:
    """One line that is overwritten as the work proceeds.

    Parameters
    ----------
    stream : file or None
        Where the line is written, if it is a terminal. A program without a console has no stream.
    """

    stream: TextIO | None = field(default_factory=lambda: sys.stderr)
    _width: int = 0

    def __call__(self, share: float, what: str) -> None:
        """Show the current step and, if above 0, the share of it that is done, up to 1."""
        if self.stream is None or not self.stream.isatty():
            return
        text = f"{what} {100 * share:3.0f} %" if share > 0 else f"{what} …"
        self._write("\r" + text.ljust(self._width))
        self._width = len(text)

    def clear(self) -> None:
        """Remove the line."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        if self.stream is None:
            return
        # A closed terminal is not an error here: a signal ends the program.
        with suppress(OSError):
            self.stream.write(text)
            self.stream.flush()
