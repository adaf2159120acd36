"""The command line, run as a user runs it: in this process, as most tests do, or in one of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.headless.command_line import main

PACKAGE_ROOT = Path(__file__).resolve().parents[3] / "LumbarHU"


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line left behind."""

    exit_code: int
    out: str
    err: str


def lumbarhu(*arguments) -> Outcome:
    """Run the command line in this process. `err` also contains the output of C++ libraries."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        console = os.dup(2)
        os.dup2(err.fileno(), 2)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                exit_code = _exit_code(lambda: main([str(argument) for argument in arguments]))
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            os.dup2(console, 2)
            os.close(console)
        return Outcome(exit_code, _text(out), _text(err))


def lumbarhu_process(
    *arguments, before: str = "", cwd: Path | None = None, timeout: float = 120, encoding: str = "utf-8"
) -> Outcome:
    """Run the command line in a process of its own, after the statements in `before`; it prints in `encoding`."""
    program = f"import sys\n{before}\nfrom LumbarHULib.headless.command_line import main\nsys.exit(main())"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        encoding=encoding,
        env=environment,
        cwd=cwd,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _exit_code(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as end:  # argparse's --help and --version
        return end.code or 0


def _text(stream) -> str:
    stream.seek(0)
    return stream.read()
