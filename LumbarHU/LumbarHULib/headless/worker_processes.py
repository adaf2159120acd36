"""A function mapped over many items by processes of this machine, any of which may die."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# A process that dies may have been the victim of another one's hunger for memory.
_ATTEMPTS = 2


@dataclass(frozen=True)
class WorkerDied:
    """Stands for the result of an item whose process ended without a word, each time that it was tried."""


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_on_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[int, Result | WorkerDied]]:
    """Yield the number of each item and what `function` makes of it, in the order in which they are ready.

    Parameters
    ----------
    function : callable
        At the top of a module, and without exceptions of its own; one is raised here and ends the work.
    items : iterable
        Taken from one by one.
    workers : int
        Number of processes. One that dies is replaced, and its item tried once more.
    """
    _start_resource_tracker()
    waiting = enumerate(items)
    with ExitStack() as lanes:
        running: dict[Future, _Lane] = {}
        for _ in range(workers):
            lane = lanes.enter_context(_Lane(function))
            lane.start_next(waiting, running)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                lane = running.pop(future)
                number, attempt = lane.number, lane.attempt
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lane.replace_process()
                    if attempt < _ATTEMPTS:
                        lane.start_again(running)
                        continue
                    result = WorkerDied()
                lane.start_next(waiting, running)
                yield number, result


@dataclass
class _Lane:
    """One process after another, each with one item at a time: when it dies, it is known over which."""

    function: Callable[[Any], Any]
    number: int = -1
    attempt: int = 0
    _item: Any = None
    _executor: ProcessPoolExecutor = field(default_factory=lambda: _one_process())

    def __enter__(self) -> "_Lane":
        return self

    def __exit__(self, *problem) -> None:
        self._executor.shutdown(cancel_futures=True)

    def start_next(self, waiting: Iterator[tuple[int, Any]], running: dict) -> None:
        """Begin with the next item, if there is one."""
        self.number, self._item = next(waiting, (-1, None))
        self.attempt = 0
        if self.number >= 0:
            self.start_again(running)

    def start_again(self, running: dict) -> None:
        """Begin with the same item."""
        self.attempt += 1
        try:
            running[self._executor.submit(self.function, self._item)] = self
        except BrokenProcessPool:  # it died while it had nothing to do
            self.replace_process()
            running[self._executor.submit(self.function, self._item)] = self

    def replace_process(self) -> None:
        """Have the next item done by a new process."""
        self._executor.shutdown(cancel_futures=True)
        self._executor = _one_process()


def _one_process() -> ProcessPoolExecutor:
    # Begun anew and not forked: the libraries under us have threads, which do not outlive a fork.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


def _start_resource_tracker() -> None:
    """Start Python's own process beside the workers so that a terminal that is closed does not end it before them.

    Python lets it ignore Ctrl-C and termination (SIGINT, SIGTERM) alone. Ended by a closed terminal (SIGHUP), it is
    begun anew, knows nothing of what it is to clean up, and prints a traceback for each of them.
    """
    if not hasattr(signal, "SIGHUP"):  # on Windows, which cannot block signals either
        return
    # A signal that is blocked when a program begins stays blocked in it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    # Ctrl-C and the end of a terminal reach every process in it; what is being measured is brought to its end.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that began it was killed: nobody would take its results."""
    multiprocessing.parent_process().join()
    os._exit(1)
