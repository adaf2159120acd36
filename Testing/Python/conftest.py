"""What every test shares: the real CT data where there is some, and no exception lost inside an observer."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("LUMBARHU_DATA") or REPOSITORY.parent / "shared" / "data")
LEFT_OUT = "left out, no real CT data: "


def pytest_configure(config):
    if os.environ.get("LUMBARHU_DATA") and not REAL_DATA.is_dir():
        raise pytest.UsageError(f"LUMBARHU_DATA is {REAL_DATA}, which is no folder: correct it, or unset it.")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder that holds README.md."""
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
    names = sorted({reason.partition(LEFT_OUT)[2] for reason in reasons if LEFT_OUT in reason})
    if names:
        count = sum(LEFT_OUT in reason for reason in reasons)
        terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{count} tests on real CT data did not run, for want of: {', '.join(names)}. "
            "Set LUMBARHU_DATA to the folder that holds them."
        )
