"""Run the batch as a separate process: time it, watch its workers' memory, and kill it at random."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.headless.worker_processes import map_on_processes
from LumbarHULib.images.ct_file import read_ct

PACKAGE_ROOT = Path(__file__).resolve().parents[2] / "LumbarHU"
_PAGE_BYTES = resource.getpagesize()
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Run:
    """Time and memory of a run.

    Parameters
    ----------
    wall_s, cpu_s : float
        Wall time, and core time of all processes together.
    memory_mib : list of float
        Memory of the largest worker, in each tenth of the run after the first.
    main_mib : float
        Memory of the main process at the end.
    """

    wall_s: float
    cpu_s: float
    memory_mib: tuple[float, ...] = ()
    main_mib: float = 0.0


def run_batch(table: Path, out: Path, *options: str) -> Run:
    """Run lumbarhu batch to the end, and return its time and memory."""
    begin_s, before_s = time.monotonic(), _children_s()
    process = start_batch(table, out, *options)
    samples: list[float] = []
    main_mib = 0.0
    while process.poll() is None:
        samples.append(max((_memory_mib(worker) for worker in _workers_of(process.pid)), default=0.0))
        main_mib = _memory_mib(process.pid) or main_mib
        time.sleep(_SAMPLE_S)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"The batch ended with exit code {process.returncode}.")
    # The first tenth is omitted: no worker has read a CT of each size yet.
    tenths = [samples[len(samples) * tenth // 10 : len(samples) * (tenth + 1) // 10] for tenth in range(1, 10)]
    memory_mib = tuple(max(tenth) for tenth in tenths if tenth)
    return Run(time.monotonic() - begin_s, _children_s() - before_s, memory_mib, main_mib)


def run_reading(cts: Sequence[Path], workers: int) -> Run:
    """Read the CTs with `workers` processes without measuring them, and return the time."""
    begin_s, before_s = time.monotonic(), _children_s()
    for _ in map_on_processes(read_voxels, cts, workers):
        pass
    return Run(time.monotonic() - begin_s, _children_s() - before_s)


def read_voxels(ct: Path) -> int:
    """Read a CT, and return the number of its voxels."""
    return read_ct(ct).ct.voxels_hu.size


def run_killed(table: Path, out: Path, cases: int, kills: int, *options: str) -> int:
    """Kill the batch `kills` times with signal 9, at random cases, then run it to the end.

    In turn, the main process alone, one worker alone, and all processes are killed.

    Returns
    -------
    int
        Number of kills during the batch's work.
    """
    chance = random.Random(3)
    met = 0
    for number, share in enumerate(sorted(chance.random() * 0.95 for _ in range(kills))):
        process = start_batch(table, out, *options)
        _wait_for(process, out, int(share * cases))
        time.sleep(chance.random() * 0.2)
        met += process.poll() is None
        workers = _workers_of(process.pid)
        if number % 3 == 1 and workers and process.poll() is None:
            os.kill(chance.choice(workers), signal.SIGKILL)
            _wait_for(process, out, int(share * cases) + 10)
        if number % 3 == 2:
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
    run_batch(table, out, *options)
    return met


def start_batch(table: Path, out: Path, *options: str) -> subprocess.Popen:
    """Start lumbarhu batch in its own process group."""
    program = "import sys; from LumbarHULib.headless.command_line import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, "batch", str(table), "--out", str(out), *options],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def bytes_of(folder: Path) -> int:
    """Return the total size of the files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _wait_for(process: subprocess.Popen, out: Path, cases: int) -> None:
    while process.poll() is None and len(list(out.glob("[!.]*/"))) < cases:
        time.sleep(0.05)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _workers_of(process: int) -> list[int]:
    """Return the worker processes started by a process."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdecimal() and b"spawn_main" in Path("/proc", entry, "cmdline").read_bytes():
                parent = int(Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()[1])
                found += [int(entry)] if parent == process else []
        except OSError:  # the process has ended
            continue
    return found


def _memory_mib(process: int) -> float:
    try:
        return int(Path("/proc", str(process), "statm").read_text().split()[1]) * _PAGE_BYTES / 2**20
    except OSError:
        return 0.0
