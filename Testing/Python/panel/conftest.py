"""Tests that ask for `application` run in 3D Slicer's stand-in, each in a process of its own.

The application can be started once in a process, and it changes what `import slicer` and `import qt` give.
"""

import atexit
import functools
import os
import subprocess
import sys

import pytest
from harness.system_libraries import INSTALLING, what_is_missing
from panel.forked import CAN_FORK, ForkingServer

_INSIDE = "LUMBARHU_TESTED_INSIDE"
_SECONDS = 1200  # a machine that does much else may take long


@pytest.fixture
def application():
    """Give the application inside its own process, and None where the test only waits for that process.

    Inside, the test fails with every error and warning that VTK or MRML reported meanwhile: they raise nothing.
    """
    if os.environ.get(_INSIDE):
        from harness.application import start

        application = start()
        reported = vtk_messages()
        yield application
        assert reported == []
        return
    missing = _missing()
    if missing:
        pytest.skip(f"left out, no panel: {missing}. On Debian and Ubuntu, as root: {INSTALLING}")
    yield None


@pytest.fixture
def driver(application, tmp_path):
    """The panel with one CT; None outside the application."""
    if application is None:
        return None
    from panel.driver import Driver

    return Driver(tmp_path)


def vtk_messages() -> list[str]:
    """Return a list that every error and warning from now on is added to."""
    import vtk

    reported = []

    @vtk.calldata_type(vtk.VTK_STRING)
    def add(_window, _event, text):
        reported.append(text)

    for event in ("ErrorEvent", "WarningEvent"):
        vtk.vtkOutputWindow.GetInstance().AddObserver(event, add)
    return reported


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run the test in a process of its own, and fail with what it reported."""
    if "application" not in pyfuncitem.fixturenames or os.environ.get(_INSIDE):
        return None
    own = pyfuncitem.config._tmp_path_factory.mktemp("panel")  # pytest would tidy up old folders in each process
    # Which tests run is chosen here: those of make proofs, too.
    arguments = ["-m", "", "-p", "no:cacheprovider", "--basetemp", str(own / "base"), pyfuncitem.nodeid]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    code, reported = _run(pyfuncitem.config.rootpath, environment | {_INSIDE: "1"}, arguments, own / "reported.txt")
    if code:
        pytest.fail(f"in its own process, which ended with {code}:\n{reported[-8000:]}", pytrace=False)
    return True


def _run(folder, environment, arguments, reported):
    if CAN_FORK:
        code = _server(folder, tuple(sorted(environment.items()))).run(arguments, reported, _SECONDS)
        return code, reported.read_text(encoding="utf-8", errors="replace")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "pytest", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


@functools.lru_cache
def _server(folder, environment) -> ForkingServer:
    server = ForkingServer(folder, dict(environment))
    atexit.register(server.close)
    return server


@functools.lru_cache
def _missing() -> str:
    return what_is_missing()
