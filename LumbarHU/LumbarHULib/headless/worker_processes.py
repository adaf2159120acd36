"""Map a function over many items with processes on this machine, any of which may die."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# One thread of linear algebra for each worker: the matrices are small, and the threads of several workers would wait
# for each other, which took a seventh of a case's work or more. The numbers are the same, to the last bit.
_THREADS = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}

# A second attempt, because a process may have died when another one used up the memory.
_ATTEMPTS = 2


@dataclass(frozen=True)
class WorkerDied:
    """The result of an item whose process ended without a message in every attempt."""


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_on_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[int, Result | WorkerDied], None, None]:
    """Yield the number of each item and the result of `function`, in the order in which they finish.

    Parameters
    ----------
    function : callable
        At the top level of a module. It should not raise exceptions; an exception is raised here and ends the work.
    items : iterable
        Consumed one by one.
    workers : int
        Number of processes. A process that dies is replaced, and its item is tried once more.
    """
    _start_resource_tracker()
    waiting = enumerate(items)
    with _one_thread_each(), ExitStack() as lanes:
        running: dict[Future[Result], _Lane] = {}
        for _ in range(workers):
            lane = lanes.enter_context(_Lane(function))
            lane.start_next(waiting, running)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                lane = running.pop(future)
                number, attempt = lane.number, lane.attempt
                result: Result | WorkerDied
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


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let the processes that are begun here use one thread of linear algebra, unless the user set another number."""
    added = {name: number for name, number in _THREADS.items() if name not in os.environ}
    os.environ.update(added)  # the libraries look once, when they are loaded
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@dataclass
class _Lane:
    """A process that handles one item at a time, so that the item is known when the process dies and is replaced."""

    function: Callable[[Any], Any]
    number: int = -1
    attempt: int = 0
    _item: Any = None
    _executor: ProcessPoolExecutor = field(default_factory=lambda: _one_process())

    def __enter__(self) -> "_Lane":
        return self

    def __exit__(self, *problem: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def start_next(self, waiting: Iterator[tuple[int, Any]], running: "dict[Future[Any], _Lane]") -> None:
        """Start the next item, if there is one."""
        self.number, self._item = next(waiting, (-1, None))
        self.attempt = 0
        if self.number >= 0:
            self.start_again(running)

    def start_again(self, running: "dict[Future[Any], _Lane]") -> None:
        """Start the same item again."""
        self.attempt += 1
        try:
            running[self._executor.submit(self.function, self._item)] = self
        except BrokenProcessPool:  # the process died while it was idle
            self.replace_process()
            running[self._executor.submit(self.function, self._item)] = self

    def replace_process(self) -> None:
        """Use a new process for the next item."""
        self._executor.shutdown(cancel_futures=True)
        self._executor = _one_process()


def _one_process() -> ProcessPoolExecutor:
    # Spawned instead of forked, because the libraries have threads, which do not survive a fork.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


def _start_resource_tracker() -> None:
    """Start Python's resource tracker so that closing the terminal does not end it before the workers.

    Python makes it ignore only Ctrl-C and termination (SIGINT, SIGTERM). When a closed terminal (SIGHUP) ends it, it is
    restarted, does not know the resources to clean up, and prints a traceback for each of them.
    """
    if not hasattr(signal, "SIGHUP"):  # on Windows, which cannot block signals either
        return
    # A signal that is blocked when a program starts stays blocked in it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    # Ctrl-C and closing a terminal reach every process in it; workers ignore them and finish the current case.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is killed, because its results would be lost."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
