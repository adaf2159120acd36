"""Processes of their own for tests of the panel, forked from one that has imported what all of them import.

Importing Qt, VTK, Slicer and scipy takes as long as a short test. The application itself is started in each test's own
process, after the fork: its threads and its drawing would not survive one.
"""

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path

CAN_FORK = sys.platform == "linux"  # macOS has fork, but its own libraries do not survive it
_MODULES = (
    "pytest",
    "harness.segment_editor",
    "harness.slice_views",
    "LumbarHULib.panel.panel",
    "LumbarHULib.self_test.walk",
    "scipy.ndimage",
    "scipy.special",
    "scipy.spatial.distance",
    "scipy.linalg.lapack",
)
# PySide reads the signatures of a class when the first is asked for, which takes long.
_QT_CLASSES = {
    "QtCore": "QCoreApplication QFile QObject QRect QSettings QSize",
    "QtGui": (
        "QAction QBrush QColor QFont QFontMetrics QGuiApplication QIcon QKeySequence QPainter QPalette QPixmap "
        "QShortcut"
    ),
    "QtWidgets": (
        "QAbstractButton QAbstractItemView QApplication QBoxLayout QCheckBox QComboBox QDoubleSpinBox QFormLayout "
        "QGridLayout QHBoxLayout QHeaderView QLabel QLayout QMenu QTableView QTableWidget QTableWidgetItem QTextEdit "
        "QToolButton QVBoxLayout QWidget"
    ),
}
_PROGRAM = "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); from panel.forked import serve; serve()"


class ForkingServer:
    """A process that forks another for each run of pytest.

    Parameters
    ----------
    folder : pathlib.Path
        Where the tests are run.
    environment : dict
        Of the process.
    """

    def __init__(self, folder: Path, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", _PROGRAM, json.dumps([str(folder), *filter(None, sys.path)])],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, arguments: list[str], printed: Path, seconds: float) -> int:
        """Run pytest in a forked process that prints to a file, and return how it ended, as `subprocess` does.

        Raises
        ------
        RuntimeError
            When it takes longer, or the server itself ended.
        """
        self._process.stdin.write(json.dumps([arguments, str(printed)]) + "\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if answered else ""
        if not line:
            self.close()
            raise RuntimeError(f"no answer within {seconds:g} s" if not answered else "the forking process ended")
        return int(line)

    def close(self) -> None:
        """End the process and all that it forked."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def serve() -> None:
    """Import what the tests need, then fork for each line of the standard input."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an import prints is no answer
    gc.disable()
    _import()
    gc.freeze()  # the forked processes leave what they share as it is
    gc.enable()
    for line in sys.stdin:
        arguments, printed = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _run(arguments, printed)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _import() -> None:
    from harness import application
    from mrml.plain_bodies import plain_bodies
    from shibokensupport.signature import get_signature

    from LumbarHULib.files.cutoffs_file import load_cutoffs
    from LumbarHULib.files.protocol_file import load_protocol, shipped_paths

    application.prepare()
    for name in _MODULES:
        importlib.import_module(name)
    for module, names in _QT_CLASSES.items():
        for name in names.split():
            get_signature(getattr(importlib.import_module(f"PySide6.{module}"), name))
    # What every test of the panel reads or makes.
    for protocol in shipped_paths():
        load_protocol(protocol)
    load_cutoffs()
    plain_bodies()


def _run(arguments: list[str], printed: str) -> None:
    file, nothing = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    import pytest

    try:
        code = int(pytest.main(arguments))
    except BaseException:
        traceback.print_exc()
        code = 3
    sys.exit(code)
