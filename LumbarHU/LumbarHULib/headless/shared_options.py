"""What the definitions of several commands share: options of the same meaning, and the command that runs later."""

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

# What a parser's commands are added to; its class cannot be given a type parameter when the program runs.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def run_later(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """Return a command that is imported only when it runs, so that --help is fast."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module(f"LumbarHULib.headless.{module}"), function)(options)

    return run


def add_out(command: argparse.ArgumentParser, what: str = "output folder (created)", metavar: str = "DIR") -> None:
    """Add the required option --out."""
    command.add_argument("--out", type=Path, required=True, metavar=metavar, help=what)


def add_overwrite(command: argparse.ArgumentParser, what: str = "folder") -> None:
    """Add --overwrite, for an output that exists."""
    command.add_argument("--overwrite", action="store_true", help=f"replace the {what} if it exists")


def add_seed(command: argparse.ArgumentParser, what: str) -> None:
    """Add --seed, for random numbers that are the same each time."""
    command.add_argument("--seed", default="1", metavar="N", help=f"seed of the {what} (default: 1)")


def add_how_to_measure(command: argparse.ArgumentParser) -> None:
    """Add --protocol, --cutoffs and --calibration."""
    command.add_argument(
        "--protocol",
        action="append",
        default=[],
        metavar="ID|FILE",
        help="id of a protocol that lumbarhu protocols lists, or your own file (default: the study's); with several, "
        "each writes to a folder in DIR that has its id as name",
    )
    command.add_argument("--cutoffs", type=Path, metavar="FILE", help="your own cutoffs file")
    command.add_argument("--calibration", type=Path, metavar="FILE", help="calibration file, for mg/cm³ as well as HU")


def add_accept_off_protocol(command: argparse.ArgumentParser) -> None:
    """Add --accept-off-protocol."""
    command.add_argument(
        "--accept-off-protocol",
        action="store_true",
        help="give classes although tube voltage or contrast medium are known to differ from the cutoffs'; recorded",
    )
