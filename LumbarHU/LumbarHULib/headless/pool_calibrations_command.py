"""lumbarhu pool-calibrations: make one calibration from several scans of a phantom, write it, and print it."""

import argparse
import os
from pathlib import Path

from LumbarHULib.api.pooled_calibrations import pool_calibrations
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_file import OWN_CALIBRATION_FILE
from LumbarHULib.files.own_file import check_own_file
from LumbarHULib.headless.calibrate_command import calibration_text
from LumbarHULib.headless.exit_codes import DONE


def run_pool_calibrations(options: argparse.Namespace) -> int:
    """Pool the calibrations, write the file, print rods, line and the variation between scans, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    check_own_file(options.out, options.overwrite, OWN_CALIBRATION_FILE)
    for path in options.calibrations:
        if Path(os.path.realpath(path)) == Path(os.path.realpath(options.out)):
            raise InputError(f"“{options.out}” is an input, so it is not overwritten: choose another name.")
    calibration = pool_calibrations(options.calibrations)
    calibration.write(options.out, options.overwrite)
    print(f"{calibration_text(calibration)}\n\nCalibration: {options.out}")
    return DONE
