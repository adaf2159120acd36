"""What every test shares: real data and outside programs where there are some, and no exception lost in an observer."""

import gc
import importlib
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
REAL_DATA = Path(os.environ.get("LUMBARHU_DATA") or REPOSITORY.parent / "shared" / "data")

# Each process has one thread for linear algebra: pytest-xdist gives every core a process.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_SECONDS_TO_MAKE = 900  # what several tests share; a machine that does much else may take long

LEFT_OUT = "left out, no real CT data: "
NO_PROGRAM = "left out, no program: "
NO_DRAWING = "left out, no panel: "

# The Debian and Ubuntu packages of the programs that check what is written; nothing else needs them.
PACKAGES = {"dciodvfy": "dicom3tools", "dcentvfy": "dicom3tools", "chromium": "chromium"}


def pytest_configure(config):
    if os.environ.get("LUMBARHU_DATA") and not REAL_DATA.is_dir():
        raise pytest.UsageError(f"LUMBARHU_DATA is {REAL_DATA}, which is no folder: correct it, or unset it.")
    # The copy of this file that its own tests make remembers nothing.
    if (HERE / "remembered.py").is_file():
        config.pluginmanager.register(importlib.import_module("remembered"))


def pytest_collection():
    gc.disable()  # what collecting makes is kept


def pytest_collection_finish():
    gc.freeze()  # so that nobody looks through all that was imported again; statsmodels does each time it corrects p
    gc.enable()


@pytest.fixture
def nothing_remembered() -> None:
    """Compute everything in the test: see `remembered`."""


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder that contains README.md."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data():
    """Return a function from a name to that folder of real CT data; without the folder the test is left out, loudly."""

    def folder_named(name: str) -> Path:
        folder = REAL_DATA / name
        if not folder.is_dir():
            pytest.skip(f"{LEFT_OUT}{name}")
        return folder

    return folder_named


@pytest.fixture(scope="session")
def outside_program():
    """Return a function from a program's name to its path; without the program the test is left out, loudly."""

    def path_of(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{NO_PROGRAM}{name}")
        return path

    return path_of


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Return a function that makes something in a folder once for all processes of pytest-xdist, and gives it to each.

    It takes a name and a function from the empty folder to a value that can be pickled. What is in the folder is to be
    read, not changed.
    """
    ours = tmp_path_factory.getbasetemp()
    common = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours

    def value_of(name: str, make: Callable[[Path], Any]) -> Any:
        folder, result = common / f"shared-{name}", common / f"shared-{name}.pickle"
        try:
            folder.mkdir()
        except FileExistsError:
            end = time.monotonic() + _SECONDS_TO_MAKE
            while not result.exists() and time.monotonic() < end:
                time.sleep(0.02)
        else:
            value = None, "what makes it did not end"
            try:
                value = make(folder), None
            except BaseException as error:
                value = None, repr(error)
                raise
            finally:
                unfinished = result.with_suffix(".part")
                unfinished.write_bytes(pickle.dumps(value))
                unfinished.replace(result)
        value, problem = pickle.loads(result.read_bytes())
        assert problem is None, f"“{name}” could not be made in another process: {problem}"
        return value

    return value_of


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a test during which an exception reached only `sys.excepthook`, as those in VTK observers do."""
    unseen = []
    previous_hook = sys.excepthook
    sys.excepthook = lambda kind, error, traceback: unseen.append(error)
    try:
        result = yield
    finally:
        sys.excepthook = previous_hook
    if unseen:
        raise AssertionError(f"{len(unseen)} exceptions were raised inside observers; the first: {unseen[0]!r}") from (
            unseen[0]
        )
    return result


def pytest_terminal_summary(terminalreporter):
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()) if report.longrepr]
    data, programs, drawing = (
        [one.partition(mark)[2] for one in reasons if mark in one] for mark in (LEFT_OUT, NO_PROGRAM, NO_DRAWING)
    )
    if data or programs or drawing:
        terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
    if data:
        terminalreporter.line(
            f"{len(data)} tests on real CT data did not run, for want of: {', '.join(sorted(set(data)))}. "
            "Set LUMBARHU_DATA to the folder that holds them."
        )
    if programs:
        packages = " ".join(sorted({PACKAGES[name] for name in programs}))
        terminalreporter.line(
            f"{len(programs)} tests did not run, for want of: {', '.join(sorted(set(programs)))}. "
            f"Debian, Ubuntu: apt-get install {packages}"
        )
    if drawing:
        terminalreporter.line(f"{len(drawing)} tests of the panel did not run: {'; '.join(sorted(set(drawing)))}")
