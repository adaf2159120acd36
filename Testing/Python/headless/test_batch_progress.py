"""The bar of a batch: how far, how fast, how long yet."""

import io
import os
import sys
from contextlib import suppress

import pytest

from LumbarHULib.headless.batch_progress import BatchProgress, duration
from LumbarHULib.headless.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_shows_done_failed_rate_and_time_left():
    times = iter([0.0, 2.0, 4.0, 6.0])
    progress = BatchProgress(10, Progress(Terminal()), clock=lambda: next(times))
    for state in ("measured", "failed", "finished"):
        progress.advance(state)
    assert progress.text() == "[######..............] 3 of 10 cases, 1 failed, 30 per minute, 14 s left"
    assert progress.line.stream.getvalue().endswith("14 s left …")


def test_the_rate_is_computed_from_the_last_cases():
    seconds = iter([*range(0, 100), *range(100, 100 + 100 * 7, 7)])
    progress = BatchProgress(1000, Progress(None), clock=lambda: next(seconds))
    for _ in range(199):
        progress.advance("measured")
    assert "9 per minute" in progress.text()


def test_nothing_is_shown_without_a_terminal():
    stream = io.StringIO()
    progress = BatchProgress(2, Progress(stream))
    progress.advance("measured")
    progress.clear()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("seconds", "text"), [(3.2, "3 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")])
def test_a_time_is_shown_in_a_suitable_unit(seconds, text):
    assert duration(seconds) == text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_a_closed_terminal_does_not_stop_the_run():
    ours, theirs = os.openpty()
    raised = []
    # Closing it writes what is still to be written.
    with suppress(OSError), open(theirs, "w", encoding="utf-8") as stream:
        progress = BatchProgress(2, Progress(stream))
        progress.advance("measured")
        shown = b""
        while b"1 of 2 cases" not in shown:  # the system hands on what is written piece by piece
            shown += os.read(ours, 1000)
        os.close(ours)
        try:
            progress.clear()
            progress.advance("measured")
        except OSError as problem:
            raised.append(problem)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(theirs, b"more")
    assert raised == []
