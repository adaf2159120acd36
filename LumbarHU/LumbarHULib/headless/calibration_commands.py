"""The commands that calibrate HU to mg/cm³: calibrate and pool-calibrations."""

from pathlib import Path

from LumbarHULib.headless.shared_options import Commands, add_out, add_overwrite, run_later


def add_calibration_commands(commands: Commands) -> None:
    """Add the commands that calibrate to the parser."""
    _add_calibrate(commands)
    _add_pool(commands)


def _add_pool(commands: Commands) -> None:
    pool = commands.add_parser(
        "pool-calibrations",
        help="make one calibration from three or more scans of one phantom",
        description="Pool the calibrations of three or more scans of one phantom on one scanner: the mean line, with "
        "the variation between the scans in the intervals of the densities. For research only.",
    )
    pool.add_argument(
        "calibrations",
        type=Path,
        nargs="+",
        metavar="CALIBRATION",
        help="files that lumbarhu calibrate wrote, one for each scan",
    )
    pool.add_argument("--out", type=Path, required=True, metavar="FILE", help="calibration file (created)")
    pool.add_argument("--overwrite", action="store_true", help="replace the calibration file if it exists")
    pool.set_defaults(command=run_later("pool_calibrations_command", "run_pool_calibrations"))


def _add_calibrate(commands: Commands) -> None:
    calibrate = commands.add_parser(
        "calibrate",
        help="calibrate HU to mg/cm³ from the rods of a phantom, for measure --calibration",
        description="Fit a line through the rods of a calibration phantom, and write a calibration file for measure "
        "--calibration and batch --calibration. The file is bound to the tube voltage of the scan. For research only.",
    )
    calibrate.add_argument(
        "ct", type=Path, metavar="CT", help="CT with the phantom: a file or a folder with a DICOM series"
    )
    calibrate.add_argument(
        "--rods",
        type=Path,
        required=True,
        metavar="FILE",
        help="Slicer .mrk.json file with a point in each rod or a line along each rod, named after the rod; or a label "
        "map on the CT's grid with the label values of the phantom file",
    )
    calibrate.add_argument(
        "--phantom",
        type=Path,
        required=True,
        metavar="FILE",
        help="phantom file with the densities of your phantom's certificate, or the name of a shipped one",
    )
    add_out(calibrate, "calibration file (created)", "FILE")
    calibrate.add_argument("--radius", metavar="MM", help="radius of the cylinder around a point or line (default: 4)")
    calibrate.add_argument("--length", metavar="MM", help="length of the cylinder around a point (default: 10)")
    calibrate.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="ROD=REASON",
        help="exclude a rod from the fit, with the reason; may be given several times",
    )
    calibrate.add_argument(
        "--valid-days",
        metavar="N",
        help="days before and after this scan beyond which a CT gets a finding (default: 31)",
    )
    calibrate.add_argument("--tube-voltage", metavar="KV", help="tube voltage, if the headers do not state it")
    calibrate.add_argument("--manufacturer", metavar="NAME", help="manufacturer, if the headers do not state it")
    calibrate.add_argument("--scanner-model", metavar="NAME", help="scanner model, if the headers do not state it")
    calibrate.add_argument("--kernel", metavar="NAME", help="kernel, if the headers do not state it")
    calibrate.add_argument("--contrast", metavar="yes|no", help="contrast medium, if the headers do not state it")
    calibrate.add_argument("--date", metavar="YYYY-MM-DD", help="day of the scan, if the headers do not state it")
    calibrate.add_argument(
        "--experimental-phantomless",
        action="store_true",
        help="experimental: the phantom file has reference tissues (such as air, fat and muscle) and the error that "
        "they showed on your own phantom scans",
    )
    add_overwrite(calibrate, "calibration file")
    calibrate.set_defaults(command=run_later("calibrate_command", "run_calibrate"))
