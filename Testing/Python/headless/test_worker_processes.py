"""A function over many items on processes of this machine: nothing is lost, whichever dies."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from headless.mortal_functions import (
    die_at_first,
    die_each_time,
    fail,
    square,
    threads_of_linear_algebra,
    wait_and_square,
)

from LumbarHULib.headless.worker_processes import WorkerDied, default_workers, map_on_processes

needs_sigkill = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.mark.parametrize("workers", [1, 3])
def test_every_item_comes_back_once_with_its_number(workers):
    assert sorted(map_on_processes(square, range(8), workers)) == [(number, number**2) for number in range(8)]


def test_the_first_finished_item_comes_first():
    assert [number for number, _ in map_on_processes(wait_and_square, range(4), 4)] != [0, 1, 2, 3]


def test_no_items_need_no_process():
    assert list(map_on_processes(square, [], 2)) == []


def test_items_are_taken_one_by_one_as_workers_are_free():
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    results = map_on_processes(square, items(), 2)
    next(results)
    assert len(taken) <= 4
    results.close()


@needs_sigkill
def test_the_item_of_a_dead_process_is_retried_once(tmp_path):
    tasks = [(number, str(tmp_path)) for number in range(6)]
    assert sorted(map_on_processes(die_at_first, tasks, 2)) == [(number, number**2) for number in range(6)]


@needs_sigkill
def test_an_item_that_kills_its_process_twice_is_reported_and_no_other_is_lost():
    results = dict(map_on_processes(die_each_time, range(6), 2))
    assert results.pop(3) == WorkerDied()
    assert results == {number: number**2 for number in (0, 1, 2, 4, 5)}


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="only Linux has a table of processes to read")
def test_an_idle_process_that_dies_is_replaced():
    def items():
        yield 7
        # The only worker has done the first item, and waits.
        for process in children_of(os.getpid()):
            os.kill(process, signal.SIGKILL)
            with suppress(ChildProcessError):  # who began it has seen its end already
                os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        yield 8

    assert sorted(map_on_processes(square, items(), 1)) == [(0, 49), (1, 64)]


def test_an_exception_ends_the_work_and_reaches_the_caller():
    with pytest.raises(RuntimeError, match="on number 3"):
        list(map_on_processes(fail, range(6), 2))


def test_a_worker_uses_one_thread_of_linear_algebra_unless_the_user_set_another_number(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert list(map_on_processes(threads_of_linear_algebra, [0], 1)) == [(0, "1")]
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert list(map_on_processes(threads_of_linear_algebra, [0], 1)) == [(0, "3")]


def test_there_is_at_least_one_worker():
    assert 1 <= default_workers() <= (os.cpu_count() or 1)


def children_of(process: int) -> list[int]:
    """Return the worker processes that a process began, by the system's own table."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
            if parent == process and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
