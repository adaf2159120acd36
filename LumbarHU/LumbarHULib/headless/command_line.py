"""The command line: all commands, and what they share: output, errors and exit codes."""

import argparse
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

from LumbarHULib import __version__
from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.calibration_commands import add_calibration_commands
from LumbarHULib.headless.exit_codes import BAD_INPUT, DONE, INTERRUPTED, NOT_PRINTED
from LumbarHULib.headless.measuring_commands import add_measuring_commands
from LumbarHULib.headless.statistics_commands import add_statistics_commands

_Result = TypeVar("_Result")


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors as one sentence, like any other bad input."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Path("") is the current folder, but an empty argument is rather a variable of the shell that is not set.
        self.register("type", Path, _named_path)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        # Otherwise argparse would report an unknown argument for the whole program instead of the command.
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown


def _named_path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` and return its exit code: see `exit_codes`."""
    _escape_unencodable_letters()
    try:
        with _termination_as_interrupt():
            options = _parser().parse_args(arguments)
            if sys.stdout is None:  # a program without a console has none
                return options.command(options)
            with contextlib.redirect_stdout(_Output(sys.stdout)):
                exit_code = options.command(options)
                sys.stdout.flush()
        return exit_code
    except _OutputError as problem:
        _print_error(f"The output could not be printed ({problem}); all files were written completely.")
        return NOT_PRINTED
    except InputError as problem:
        return _print_error(str(problem))
    except KeyboardInterrupt as problem:
        _print_error(str(problem) or "Stopped; nothing was written.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output is gone: print nothing more, not even when Python closes its streams.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except MemoryError:
        return _print_error(
            "There is not enough memory for this CT: close other programs, or use a machine with more memory."
        )
    except OSError as problem:
        return _print_error(
            f"“{problem.filename or 'A file'}” could not be read or written ({problem.strerror or problem}): check "
            "the path, its permissions and the free disk space."
        )


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt when the process is terminated or its terminal is closed, instead of ending at once."""
    previous = {}
    if threading.current_thread() is threading.main_thread():  # signals can be handled only there
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # A signal that is ignored, as under nohup, stays ignored.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                previous[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _OutputError(Exception):
    """The output could not be printed, for example to a full disk; the command itself finished its work."""


class _Output:
    """A stream whose failures to write are `_OutputError`, so that they are not taken for those of a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._done(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._done(self._stream.flush)

    def _done(self, action: Callable[[], _Result]) -> _Result:
        try:
            return action()
        except BrokenPipeError:
            raise
        except OSError as problem:
            # Otherwise Python tries again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise _OutputError(problem.strerror or str(problem)) from problem


def _print_error(sentence: str) -> int:
    # A name in the sentence may contain a line break, which is escaped.
    one_line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in sentence)
    print(f"lumbarhu: {one_line}", file=sys.stderr)
    return BAD_INPUT


def _escape_unencodable_letters() -> None:
    """Print letters outside the terminal's encoding as escapes, instead of failing after the work is done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="lumbarhu",
        description="Measure the Hounsfield units of five regions in the lumbar vertebrae of a CT. For research only.",
        epilog="Exit codes: 0 done, 1 verification differs or cases of a batch failed, 2 bad input (reported in one "
        "sentence; nothing is written), 3 some levels or protocols were refused, 130 stopped.",
    )
    parser.add_argument("--version", action="version", version=f"LumbarHU {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_measuring_commands(commands)
    add_calibration_commands(commands)
    add_statistics_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
