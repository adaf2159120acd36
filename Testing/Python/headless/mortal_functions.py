"""Functions that kill their process, to test mapping over items. Worker processes import them by name."""

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    """Return the square."""
    return number**2


def wait_and_square(number: int) -> int:
    """Return the square, the larger the number the sooner."""
    time.sleep(max(0, 0.3 - 0.1 * number))
    return number**2


def die_at_first(task: tuple[int, str]) -> int:
    """Return the square; the process of number 3 dies when it is tried for the first time."""
    number, folder = task
    tried = Path(folder, f"tried-{number}")
    if number == 3 and not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def die_each_time(number: int) -> int:
    """Return the square; the process of number 3 dies."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def fail(number: int) -> int:
    """Fail on number 3."""
    if number == 3:
        raise RuntimeError("on number 3")
    return number**2


def threads_of_linear_algebra(_number: int) -> str:
    """Return how many threads numpy's linear algebra may use in this process."""
    return os.environ["OPENBLAS_NUM_THREADS"]
