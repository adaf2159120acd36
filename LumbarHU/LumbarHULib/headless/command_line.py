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
    """A parser that reports errors as one sentence, like any other bad input."""

    def error(self, message):
        raise InputError(f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")

    def parse_known_args(self, args=None, namespace=None):
        # Otherwise argparse would report an unknown argument for the whole program instead of the command.
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` and return its exit code: see `exit_codes`."""
    _escape_unencodable_letters()
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


class _OutputError(Exception):
    """The output could not be printed, for example to a full disk; the command itself finished its work."""


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
    parser = _Parser(
        prog="lumbarhu",
        description="Measure the Hounsfield units of five regions in the lumbar vertebrae of a CT. For research only.",
        epilog="Exit codes: 0 done, 1 verification differs or cases of a batch failed, 2 bad input (reported in one "
        "sentence; nothing is written), 3 some levels were refused, 130 stopped.",
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
    """Return a command that is imported only when it runs, so that --help is fast."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module(f"LumbarHULib.headless.{module}"), function)(options)

    return run


def _add_demo(commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="render a lumbar CT of known density, measure it, and write all files to look at",
        description="Render a lumbar CT of known density with its markups, measure it, and write CT, markups, audit "
        "folder and a Slicer scene.",
    )
    demo.add_argument("--cohort", action="store_true", help="analyze an example cohort of 100 made-up patients instead")
    demo.add_argument(
        "--out", type=Path, metavar="DIR", help="output folder (default: demo, with --cohort demo-cohort)"
    )
    demo.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    demo.set_defaults(command=_run_demo)


def _run_demo(options: argparse.Namespace) -> int:
    options.out = options.out or Path("demo-cohort" if options.cohort else "demo")
    command = ("cohort_demo", "run_cohort_demo") if options.cohort else ("demo_command", "run_demo")
    return _later(*command)(options)


def _add_measure(commands) -> None:
    measure = commands.add_parser(
        "measure",
        help="measure a CT with its markups, and write an audit folder",
        description="Measure a CT with its markups, and write an audit folder. A level needs a line markup with a name "
        "such as L1-midline; L1-boundary and L1-outline are used if given. With a segmentation of the vertebrae, or a "
        "point in each body, midlines are proposed and measured without correction: check them afterwards, and measure "
        "corrected ones with --markups.",
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
        help="name or label value of a level's segment, if the file does not state it; may be given several times",
    )
    measure.add_argument(
        "--seeds",
        type=Path,
        metavar="FILE",
        help="Slicer .mrk.json file with a point in each vertebral body, named L1, L2, …, in place of --markups",
    )
    measure.add_argument(
        "--fill-levels", action="store_true", help="also place the levels between the seeds, such as between L1 and L4"
    )
    measure.add_argument("--out", type=Path, required=True, metavar="DIR", help="audit folder (created)")
    measure.add_argument(
        "--label-maps",
        type=Path,
        metavar="PATH",
        help="measure these regions instead of those from the markups: a folder with round.nrrd and so on, one such "
        "file, or a DICOM Segmentation object written by export-dicom",
    )
    measure.add_argument(
        "--levels",
        metavar="L1,L2,…",
        help="levels to measure (default: all with a midline or a seed; with a segmentation, L1 to L4)",
    )
    measure.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LEVEL=REASON",
        help="exclude a level from the means, with the reason; may be given several times",
    )
    measure.add_argument("--protocol", type=Path, metavar="FILE", help="your own protocol file")
    measure.add_argument("--cutoffs", type=Path, metavar="FILE", help="your own cutoffs file")
    measure.add_argument("--reader", metavar="NAME", help="name or initials of the reader who placed the markups")
    measure.add_argument("--reading", default="1", metavar="N", help="number of this reader's reading (default: 1)")
    measure.add_argument("--case", metavar="NAME", help="name of the case in the files, never the patient's name")
    measure.add_argument(
        "--accept-off-protocol",
        action="store_true",
        help="give classes although tube voltage or contrast medium are known to differ from the cutoffs'; recorded",
    )
    measure.add_argument(
        "--scene", action="store_true", help="also write a Slicer scene, scene.mrb, to the audit folder"
    )
    measure.add_argument(
        "--sign", type=Path, metavar="KEY", help="sign the folder with an OpenSSH private key, by ssh-keygen -Y"
    )
    measure.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    measure.set_defaults(command=_later("measure_command", "run_measure"))


def _add_batch(commands) -> None:
    batch = commands.add_parser(
        "batch",
        help="measure many CTs listed in a table, each into its own audit folder",
        description="Measure the CTs listed in a table, each into its own audit folder. Finished cases with unchanged "
        "inputs are not measured again. Failed cases are listed in failures.csv and do not stop the batch. Exit code 1 "
        "when cases failed.",
    )
    batch.add_argument(
        "table", type=Path, metavar="CASES.csv", help=f"table with one row for each CT; columns {', '.join(COLUMNS)}"
    )
    batch.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="output folder of all audit folders (created)"
    )
    batch.add_argument("--workers", metavar="N", help="processes on this machine (default: one per core)")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="use the cluster of this Dask scheduler")
    batch.add_argument("--protocol", type=Path, metavar="FILE", help="your own protocol file")
    batch.add_argument("--cutoffs", type=Path, metavar="FILE", help="your own cutoffs file")
    batch.add_argument(
        "--accept-off-protocol",
        action="store_true",
        help="give classes although tube voltage or contrast medium are known to differ from the cutoffs'; recorded",
    )
    batch.set_defaults(command=_later("batch_command", "run_batch"))


def _add_verify(commands) -> None:
    verify = commands.add_parser(
        "verify",
        help="measure an audit folder's label maps again and compare everything",
        description="Measure an audit folder's label maps and markups again, and compare hashes, label maps, every "
        "number, class and finding, and the report. Exit code 1 when anything differs.",
    )
    verify.add_argument("folder", type=Path, metavar="DIR", help="audit folder")
    verify.add_argument("--ct", type=Path, required=True, metavar="CT", help="the CT that was measured")
    verify.add_argument(
        "--signer", type=Path, metavar="KEY.pub", help="OpenSSH public key of the required signer of the folder"
    )
    verify.add_argument("--json", action="store_true", help="print the result as JSON, for pipelines")
    verify.set_defaults(command=_later("verify_command", "run_verify"))


def _add_export_dicom(commands) -> None:
    export = commands.add_parser(
        "export-dicom",
        help="write an audit folder's regions and numbers as DICOM Segmentation and structured report",
        description="Verify an audit folder against its DICOM series, and write its regions as a Segmentation object "
        "and its numbers as a structured report (TID 1500). Both contain the patient and study of the series.",
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="audit folder")
    export.add_argument("--ct", type=Path, required=True, metavar="SERIES", help="folder of the measured DICOM series")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder (created)")
    export.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    export.set_defaults(command=_later("export_dicom_command", "run_export_dicom"))


def _add_index(commands) -> None:
    index = commands.add_parser(
        "index",
        help="write a page with links to the reports of many cases",
        description="Write index.html to a folder with audit folders at any depth: a table of cases to sort and "
        "filter, with a link to each report.",
    )
    index.add_argument("folder", type=Path, metavar="DIR", help="folder that contains the audit folders")
    index.set_defaults(command=_later("index_command", "run_index"))


def _add_cohort(commands) -> None:
    cohort = commands.add_parser(
        "cohort",
        help="compute the statistics of a cohort: groups, correlation, ROC, cutoffs, agreement of readers",
        description="Compute the statistics of a cohort with DXA, quantitative CT or an outcome as reference: tables, "
        "figures, a summary, and the cohort's own cutoffs. The table has one row for each case; Docs/command-line.md "
        "describes its columns.",
    )
    cohort.add_argument("table", type=Path, metavar="COHORT.csv", help="the cohort's table")
    cohort.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder (created)")
    cohort.add_argument(
        "--readings", type=Path, metavar="FILE", help="table of single readings, with the columns of results.csv"
    )
    cohort.add_argument(
        "--prevalence",
        metavar="SHARE",
        help="prevalence of osteoporosis among the patients to be tested, for predictive values",
    )
    cohort.add_argument(
        "--low-bmd-prevalence",
        metavar="SHARE",
        help="the same for osteopenia or osteoporosis",
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
        help="levels of the mean, such as L1 or L1,L2 (default: L1-L4, as for the study's cutoffs); each level is also "
        "analyzed separately",
    )
    cohort.add_argument(
        "--outcome-name",
        default="outcome",
        metavar="NAME",
        help="name of the outcome in the columns outcome and outcome_days, such as fracture",
    )
    cohort.add_argument(
        "--outcome-cutoff",
        metavar="HU",
        help="split Kaplan-Meier curves at this HU (default: at the study's cutoff for osteoporosis and at the median)",
    )
    cohort.add_argument(
        "--force-cutoffs",
        action="store_true",
        help="write cutoffs.json although a ROC curve does not show discrimination by HU",
    )
    cohort.add_argument("--no-figures", action="store_true", help="write the tables and the summary without figures")
    cohort.add_argument(
        "--bootstraps", default="2000", metavar="N", help="bootstrap resamples for each cutoff (default: 2000)"
    )
    cohort.add_argument("--seed", default="1", metavar="N", help="seed of the bootstrap (default: 1)")
    cohort.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    cohort.set_defaults(command=_later("cohort_command", "run_cohort"))


def _add_study(commands) -> None:
    study = commands.add_parser(
        "study",
        help="check which of the study's printed numbers agree, and how reliable its cutoffs are",
        description="Compare the study's printed numbers with each other, and simulate from its quartiles how each of "
        "its cutoffs would vary in other patients.",
    )
    study.add_argument("--studies", default="10000", metavar="N", help="studies to simulate (default: 10000)")
    study.add_argument("--seed", default="1", metavar="N", help="seed of the simulation (default: 1)")
    study.set_defaults(command=_later("study_command", "run_study"))


if __name__ == "__main__":
    sys.exit(main())
