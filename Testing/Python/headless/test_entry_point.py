"""The program hears Ctrl-C from its first moment, while it still imports."""

import os
import subprocess
import sys

import pytest
from headless.command_runner import PACKAGE_ROOT

# Ctrl-C at the moment when a package is imported, and then the program as its script begins.
BEGIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from LumbarHULib.headless.entry_point import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "package", ["LumbarHULib.headless.command_line", "numpy", "LumbarHULib.headless.study_command"]
)
def test_a_program_stopped_during_import_says_so_in_one_sentence(package):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(package=package), "study"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "lumbarhu: Stopped; nothing was written.\n")


def test_the_entry_point_runs_the_command_line():
    program = "import sys\nfrom LumbarHULib.headless.entry_point import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("LumbarHU ")
