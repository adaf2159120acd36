"""The command line: lumbarhu demo, measure, batch, verify, index, cohort and study."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TextIO

from LumbarHULib import __version__
from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.batch_columns import COLUMNS
from LumbarHULib.headless.exit_codes import BAD_INPUT, DONE, INTERRUPTED, NOT_PRINTED
from LumbarHULib.headless.interruption import termination_as_interrupt


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, as that of any other bad input."""

    def error(self, message):
        raise InputError(f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")

    def parse_known_args(self, args=None, namespace=None):
        # Left to argparse, the program as a whole would complain of what a command does not know.
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name and return its exit code: see `exit_codes`."""
    _let_every_letter_through()
    try:
        with termination_as_interrupt():
            options = _parser().parse_args(arguments)
            if sys.stdout is None:  # a program without a console has none
                return options.command(options)
            with contextlib.redirect_stdout(_Output(sys.stdout)):
                exit_code = options.command(options)
                sys.stdout.flush()
        return exit_code
    except _OutputError as problem:
        _complain(f"The output could not be printed ({problem}); the files that were to be written are whole.")
        return NOT_PRINTED
    except InputError as problem:
        return _complain(str(problem))
    except KeyboardInterrupt as problem:
        _complain(str(problem) or "Stopped; nothing was written.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone: say nothing more, not even when Python closes its streams.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except MemoryError:
        return _complain("There is not enough memory for this CT: close other programs or use a larger machine.")
    except OSError as problem:
        return _complain(f"{problem.filename or 'A file'} could not be used: {problem.strerror or problem}.")


class _OutputError(Exception):
    """What was printed could not be written, such as to a full disk; the command itself did its work."""


class _Output:
    """A stream whose failures to write are `_OutputError`, so that they are not taken for those of a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._done(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._done(self._stream.flush)

    def _done(self, action):
        try:
            return action()
        except BrokenPipeError:
            raise
        except OSError as problem:
            # Else Python tries once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise _OutputError(problem.strerror or str(problem)) from problem


def _complain(sentence: str) -> int:
    # A name in it may hold a line break; it stays one line.
    one_line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in sentence)
    print(f"lumbarhu: {one_line}", file=sys.stderr)
    return BAD_INPUT


def _let_every_letter_through() -> None:
    """Write letters that the terminal's encoding lacks as escapes, rather than fail when all is done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lumbarhu",
        description="Measure the Hounsfield units of five regions in the lumbar vertebrae of a CT. For research only.",
        epilog="Exit codes: 0 done, 1 verification differs or cases of a batch failed, 2 bad input (said in one "
        "sentence; nothing is written), 130 stopped.",
    )
    parser.add_argument("--version", action="version", version=f"LumbarHU {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_measure(commands)
    _add_batch(commands)
    _add_verify(commands)
    _add_export_dicom(commands)
    _add_index(commands)
    _add_cohort(commands)
    _add_study(commands)
    return parser


def _later(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """Return a command that is imported when it runs: --help needs no array."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module(f"LumbarHULib.headless.{module}"), function)(options)

    return run


def _add_demo(commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="render a lumbar CT of known density, measure it, and leave everything to look at",
        description="Render a lumbar CT of known density with its markups, measure it, and leave CT, markups, audit "
        "folder and a Slicer scene.",
    )
    demo.add_argument(
        "--cohort", action="store_true", help="work out an example cohort of 100 made-up patients instead"
    )
    demo.add_argument("--out", type=Path, metavar="DIR", help="folder to be (default: demo, with --cohort demo-cohort)")
    demo.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    demo.set_defaults(command=_run_demo)


def _run_demo(options: argparse.Namespace) -> int:
    options.out = options.out or Path("demo-cohort" if options.cohort else "demo")
    command = ("cohort_demo", "run_cohort_demo") if options.cohort else ("demo_command", "run_demo")
    return _later(*command)(options)


def _add_measure(commands) -> None:
    measure = commands.add_parser(
        "measure",
        help="measure a CT with its markups into an audit folder",
        description="Measure a CT with its markups into an audit folder. A level needs a line markup named like "
        "L1-midline; L1-boundary and L1-outline are used where given. With a segmentation of the vertebrae, or a point "
        "in each body, midlines are proposed and measured as they are: look at them afterwards, and measure corrected "
        "ones with --markups.",
    )
    measure.add_argument(
        "ct", type=Path, metavar="CT", help=".nrrd, .nhdr, .nii(.gz), .mha, .mhd, or a folder with a DICOM series"
    )
    measure.add_argument(
        "--markups",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="Slicer .mrk.json files, or folders of them",
    )
    measure.add_argument(
        "--segmentation",
        type=Path,
        metavar="FILE",
        help="label map or .seg.nrrd of the vertebrae, or a folder with a file for each, in place of --markups",
    )
    measure.add_argument(
        "--segment",
        action="append",
        default=[],
        metavar="LEVEL=NAME",
        help="name or label value of a level's segment, where the file does not tell; may be given several times",
    )
    measure.add_argument(
        "--seeds",
        type=Path,
        metavar="FILE",
        help="Slicer .mrk.json file with a point in each vertebral body, named L1, L2, …, in place of --markups",
    )
    measure.add_argument(
        "--fill-levels", action="store_true", help="place the levels between the seeds as well, such as from L1 and L4"
    )
    measure.add_argument("--out", type=Path, required=True, metavar="DIR", help="audit folder to be")
    measure.add_argument(
        "--label-maps",
        type=Path,
        metavar="PATH",
        help="measure these regions in place of the markups' own: a folder with round.nrrd and so on, one such file, "
        "or a DICOM Segmentation object that export-dicom wrote",
    )
    measure.add_argument(
        "--levels",
        metavar="L1,L2,…",
        help="levels to measure (default: all that have a midline or a seed; with a segmentation, L1 to L4)",
    )
    measure.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LEVEL=REASON",
        help="leave a level out of the means, with the reason; may be given several times",
    )
    measure.add_argument("--protocol", type=Path, metavar="FILE", help="a protocol of your own")
    measure.add_argument("--cutoffs", type=Path, metavar="FILE", help="cutoffs of your own")
    measure.add_argument("--reader", metavar="NAME", help="who placed the markups")
    measure.add_argument("--reading", default="1", metavar="N", help="which reading of this reader (default: 1)")
    measure.add_argument("--case", metavar="NAME", help="the case's name in the files, never the patient's")
    measure.add_argument(
        "--accept-off-protocol",
        action="store_true",
        help="give classes although tube voltage or contrast medium are known to differ from the cutoffs'; recorded",
    )
    measure.add_argument(
        "--scene", action="store_true", help="leave a Slicer scene, scene.mrb, in the audit folder as well"
    )
    measure.add_argument(
        "--sign", type=Path, metavar="KEY", help="sign the folder with a private key of OpenSSH, by ssh-keygen -Y"
    )
    measure.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    measure.set_defaults(command=_later("measure_command", "run_measure"))


def _add_batch(commands) -> None:
    batch = commands.add_parser(
        "batch",
        help="measure many CTs that a table names, each into an audit folder of its own",
        description="Measure the CTs that a table names, each into an audit folder of its own. What is finished "
        "already and still of the same inputs is not done again; what fails stands in failures.csv and stops nothing. "
        "Exit code 1 when cases failed.",
    )
    batch.add_argument("table", type=Path, metavar="CASES.csv", help=f"a row per CT; columns {', '.join(COLUMNS)}")
    batch.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the audit folders, and to be")
    batch.add_argument("--workers", metavar="N", help="processes on this machine (default: one per core)")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="have it done by the cluster of this Dask scheduler")
    batch.add_argument("--protocol", type=Path, metavar="FILE", help="a protocol of your own")
    batch.add_argument("--cutoffs", type=Path, metavar="FILE", help="cutoffs of your own")
    batch.add_argument(
        "--accept-off-protocol",
        action="store_true",
        help="give classes although tube voltage or contrast medium are known to differ from the cutoffs'; recorded",
    )
    batch.set_defaults(command=_later("batch_command", "run_batch"))


def _add_verify(commands) -> None:
    verify = commands.add_parser(
        "verify",
        help="measure an audit folder's label maps anew and compare everything",
        description="Measure an audit folder's label maps and its markups again, and compare hashes, label maps, every "
        "number, class, finding and the report. Exit code 1 when something differs.",
    )
    verify.add_argument("folder", type=Path, metavar="DIR", help="audit folder")
    verify.add_argument("--ct", type=Path, required=True, metavar="CT", help="the CT that it was measured in")
    verify.add_argument(
        "--signer", type=Path, metavar="KEY.pub", help="public key of OpenSSH that must have signed the folder"
    )
    verify.add_argument("--json", action="store_true", help="print what was found as JSON, for pipelines")
    verify.set_defaults(command=_later("verify_command", "run_verify"))


def _add_export_dicom(commands) -> None:
    export = commands.add_parser(
        "export-dicom",
        help="write an audit folder's regions and numbers as DICOM Segmentation and structured report",
        description="Verify an audit folder against its DICOM series, and write its regions as a Segmentation object "
        "and its numbers as a structured report (TID 1500). Both name the series' patient and study.",
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="audit folder")
    export.add_argument("--ct", type=Path, required=True, metavar="SERIES", help="folder of the DICOM series measured")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to be")
    export.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    export.set_defaults(command=_later("export_dicom_command", "run_export_dicom"))


def _add_index(commands) -> None:
    index = commands.add_parser(
        "index",
        help="write a page that leads to the reports of many cases",
        description="Write index.html into a folder that holds audit folders, at any depth: a table of them to sort "
        "and to filter, with a link to each report.",
    )
    index.add_argument("folder", type=Path, metavar="DIR", help="folder that holds the audit folders")
    index.set_defaults(command=_later("index_command", "run_index"))


def _add_cohort(commands) -> None:
    cohort = commands.add_parser(
        "cohort",
        help="work out the statistics of a cohort: groups, correlation, ROC, cutoffs, agreement of readers",
        description="Work out the statistics of a cohort with DXA, quantitative CT or an outcome as reference: tables, "
        "figures, a summary, and cutoffs of its own. The table has a row per case; Docs/command-line.md names its "
        "columns.",
    )
    cohort.add_argument("table", type=Path, metavar="COHORT.csv", help="the cohort's table")
    cohort.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to be")
    cohort.add_argument(
        "--readings", type=Path, metavar="FILE", help="single readings, in a table with the columns of results.csv"
    )
    cohort.add_argument(
        "--prevalence",
        metavar="SHARE",
        help="how frequent osteoporosis is among those to be tested; without it there are no predictive values for it",
    )
    cohort.add_argument(
        "--low-bmd-prevalence",
        metavar="SHARE",
        help="the same for osteopenia or osteoporosis together; without it there are no predictive values for these",
    )
    for option, what in (
        ("--qct-prevalence", "osteoporosis by quantitative CT"),
        ("--qct-low-bmd-prevalence", "osteopenia or osteoporosis by quantitative CT"),
        ("--outcome-prevalence", "the outcome"),
    ):
        cohort.add_argument(option, metavar="SHARE", help=f"the same for {what}")
    cohort.add_argument(
        "--mean",
        default="L1-L4",
        metavar="LEVELS",
        help="levels that the mean is over, such as L1 or L1,L2 (default: L1-L4, which the study's cutoffs are of); "
        "each level is analyzed by itself as well",
    )
    cohort.add_argument(
        "--outcome-name",
        default="outcome",
        metavar="NAME",
        help="what the columns outcome and outcome_days are about, such as fracture",
    )
    cohort.add_argument(
        "--outcome-cutoff",
        metavar="HU",
        help="split Kaplan-Meier curves at these HU (default: at the study's cutoff for osteoporosis and the median)",
    )
    cohort.add_argument(
        "--force-cutoffs",
        action="store_true",
        help="write cutoffs.json although a ROC curve does not show that low HU find what is looked for",
    )
    cohort.add_argument("--no-figures", action="store_true", help="write the tables and the summary without figures")
    cohort.add_argument("--bootstraps", default="2000", metavar="N", help="resamples of each cutoff (default: 2000)")
    cohort.add_argument("--seed", default="1", metavar="N", help="seed of the bootstrap (default: 1)")
    cohort.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    cohort.set_defaults(command=_later("cohort_command", "run_cohort"))


def _add_study(commands) -> None:
    study = commands.add_parser(
        "study",
        help="tell which of the study's printed numbers agree, and how far its cutoffs can be trusted",
        description="Hold the study's printed numbers against each other, and simulate from its quartiles how far each "
        "of its cutoffs would move in other patients.",
    )
    study.add_argument("--studies", default="10000", metavar="N", help="studies to simulate (default: 10000)")
    study.add_argument("--seed", default="1", metavar="N", help="seed of the simulation (default: 1)")
    study.set_defaults(command=_later("study_command", "run_study"))


if __name__ == "__main__":
    sys.exit(main())
