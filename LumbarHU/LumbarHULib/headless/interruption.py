"""Handle termination like Ctrl-C, so that temporary files are removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt when the process is terminated or its terminal is closed, instead of ending at once."""
    previous = {}
    if threading.current_thread() is threading.main_thread():  # signals can be handled only there
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # A signal that is ignored, as under nohup, stays ignored.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                previous[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
