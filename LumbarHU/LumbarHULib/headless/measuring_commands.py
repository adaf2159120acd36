"""The commands that measure: demo, measure, protocols, batch, verify, export-dicom and index."""

import argparse
from pathlib import Path

from LumbarHULib.headless.batch_columns import COLUMNS
from LumbarHULib.headless.shared_options import (
    Commands,
    add_accept_off_protocol,
    add_how_to_measure,
    add_out,
    add_overwrite,
    run_later,
)


def add_measuring_commands(commands: Commands) -> None:
    """Add the commands that measure to the parser."""
    _add_demo(commands)
    _add_measure(commands)
    _add_protocols(commands)
    _add_batch(commands)
    _add_verify(commands)
    _add_export_dicom(commands)
    _add_index(commands)


def _add_demo(commands: Commands) -> None:
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
    add_overwrite(demo)
    demo.set_defaults(command=_run_demo)


def _run_demo(options: argparse.Namespace) -> int:
    options.out = options.out or Path("demo-cohort" if options.cohort else "demo")
    command = ("cohort_demo", "run_cohort_demo") if options.cohort else ("demo_command", "run_demo")
    return run_later(*command)(options)


def _add_placing(measure: argparse.ArgumentParser) -> None:
    """Add the CT, and what places the midlines."""
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


def _add_measure(commands: Commands) -> None:
    measure = commands.add_parser(
        "measure",
        help="measure a CT with its markups, and write an audit folder",
        description="Measure a CT with its markups, and write an audit folder. A level needs a line markup with a name "
        "such as L1-midline; L1-boundary and L1-outline are used if given. With a segmentation of the vertebrae, or a "
        "point in each body, midlines are proposed and measured without correction: check them afterwards, and measure "
        "corrected ones with --markups.",
    )
    _add_placing(measure)
    add_out(measure, "audit folder (created)")
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
        help="levels to measure (default: all with a midline or a seed; with a segmentation, those of the protocol's "
        "mean)",
    )
    measure.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LEVEL=REASON",
        help="exclude a level from the means, with the reason; may be given several times",
    )
    add_how_to_measure(measure)
    measure.add_argument("--reader", metavar="NAME", help="name or initials of the reader who placed the markups")
    measure.add_argument("--reading", default="1", metavar="N", help="number of this reader's reading (default: 1)")
    measure.add_argument("--case", metavar="NAME", help="name of the case in the files, never the patient's name")
    measure.add_argument(
        "--ct-date", metavar="DATE", help="write the date of the CT, such as 2024-03-15, to the record, for follow-up"
    )
    add_accept_off_protocol(measure)
    measure.add_argument(
        "--scene", action="store_true", help="also write a Slicer scene, scene.mrb, to the audit folder"
    )
    measure.add_argument(
        "--sign", type=Path, metavar="KEY", help="sign the folder with an OpenSSH private key, by ssh-keygen -Y"
    )
    add_overwrite(measure)
    measure.set_defaults(command=run_later("measure_command", "run_measure"))


def _add_protocols(commands: Commands) -> None:
    protocols = commands.add_parser(
        "protocols",
        help="list the measurement protocols that LumbarHU comes with",
        description="List the measurement protocols that LumbarHU comes with, or print the file of one, to change it.",
    )
    protocols.add_argument("id", nargs="?", metavar="ID", help="print the file of this protocol")
    protocols.set_defaults(command=run_later("protocols_command", "run_protocols"))


def _add_batch(commands: Commands) -> None:
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
    add_out(batch, "output folder of all audit folders (created)")
    batch.add_argument("--workers", metavar="N", help="processes on this machine (default: one per core)")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="use the cluster of this Dask scheduler")
    add_how_to_measure(batch)
    add_accept_off_protocol(batch)
    batch.set_defaults(command=run_later("batch_command", "run_batch"))


def _add_verify(commands: Commands) -> None:
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
    verify.set_defaults(command=run_later("verify_command", "run_verify"))


def _add_export_dicom(commands: Commands) -> None:
    export = commands.add_parser(
        "export-dicom",
        help="write an audit folder's regions and numbers as DICOM Segmentation and structured report",
        description="Verify an audit folder against its DICOM series, and write its regions as a Segmentation object "
        "and its numbers as a structured report (TID 1500). Both contain the patient and study of the series.",
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="audit folder")
    export.add_argument("--ct", type=Path, required=True, metavar="SERIES", help="folder of the measured DICOM series")
    add_out(export)
    add_overwrite(export)
    export.set_defaults(command=run_later("export_dicom_command", "run_export_dicom"))


def _add_index(commands: Commands) -> None:
    index = commands.add_parser(
        "index",
        help="write a page with links to the reports of many cases",
        description="Write index.html to a folder with audit folders at any depth: a table of cases to sort and "
        "filter, with a link to each report.",
    )
    index.add_argument("folder", type=Path, metavar="DIR", help="folder that contains the audit folders")
    index.set_defaults(command=run_later("index_command", "run_index"))
