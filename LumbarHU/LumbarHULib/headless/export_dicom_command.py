"""lumbarhu export-dicom: write an audit folder as objects for a DICOM archive."""

import argparse

from LumbarHULib.audit.dicom_export import REPORT, SEGMENTATION, export_dicom
from LumbarHULib.headless.progress import Progress


def run_export_dicom(options: argparse.Namespace) -> int:
    """Write the Segmentation object and the structured report; return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    progress = Progress()
    try:
        export_dicom(options.folder, options.ct, options.out, options.overwrite, progress)
    finally:
        progress.clear()
    print(f"DICOM objects, with the CT's patient and study: {options.out / SEGMENTATION}, {options.out / REPORT}")
    return 0
