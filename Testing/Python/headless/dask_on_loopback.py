"""A Dask scheduler and its workers as processes of their own, which hear this machine alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headless.command_runner import PACKAGE_ROOT

_HERE = Path(__file__).resolve().parents[1]
_QUIET = {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}


@dataclass(frozen=True)
class LoopbackCluster:
    """A cluster on 127.0.0.1: its scheduler and that one's address, and its workers."""

    address: str
    scheduler: subprocess.Popen
    workers: list[subprocess.Popen]


@contextmanager
def loopback_cluster(folder: Path, workers: int = 2, deaths: int = 3) -> Iterator[LoopbackCluster]:
    """Start a scheduler and so many workers of one thread, and end them afterwards.

    `deaths` is the number of workers that may die of an item before the scheduler gives it up; 3 is Dask's own number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "scheduler.json"
    started: list[subprocess.Popen] = []
    common = ["--host", "127.0.0.1", "--no-dashboard"]
    try:
        given_up = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(deaths)}
        options = [*common, "--port", "0", "--scheduler-file", place]
        started.append(_start("scheduler", *options, folder=folder, settings=given_up))
        end = time.monotonic() + 60
        while not place.exists() and time.monotonic() < end:
            time.sleep(0.05)
        for number in range(workers):
            own = folder / f"worker-{number}"
            own.mkdir()
            options = [*common, "--nthreads", "1", "--no-nanny", "--local-directory", own]
            started.append(_start("worker", "--scheduler-file", place, *options, folder=folder))
        yield LoopbackCluster(_address(place), started[0], started[1:])
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def _start(role: str, *options, folder: Path, settings: dict[str, str] | None = None) -> subprocess.Popen:
    program = f"from distributed.cli.dask_{role} import main; main()"
    paths = os.pathsep.join(map(str, (PACKAGE_ROOT, _HERE)))
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, options)],
        env=os.environ | _QUIET | {"PYTHONPATH": paths} | (settings or {}),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _address(place: Path) -> str:
    import json

    return json.loads(place.read_text())["address"]
