"""lumbarhu verify: everything in an audit folder worked out anew."""

import argparse

from LumbarHULib.audit.verify import measured_points, verify_audit_folder
from LumbarHULib.files.file_managers import left_by_file_managers
from LumbarHULib.headless.exit_codes import DIFFERS, DONE
from LumbarHULib.headless.progress import Progress
from LumbarHULib.images.ct_file import read_ct


def run_verify(options: argparse.Namespace) -> int:
    """Print what differs and return 1, or say that nothing does and return 0.

    Raises
    ------
    InputError
        When folder or CT cannot be read.
    """
    progress = Progress()
    try:
        ct_file = read_ct(options.ct, progress, measured_points(options.folder))
        differences = verify_audit_folder(options.folder, ct_file.ct, progress)
    finally:
        progress.clear()
    ignored = left_by_file_managers(options.folder)
    if ignored:
        more = f" and {len(ignored) - 3} more" if len(ignored) > 3 else ""
        print(f"Ignored, as file managers leave them in any folder: {', '.join(ignored[:3])}{more}.")
    if not differences:
        print(f"{options.folder}: every hash, count and number is the same.")
        return DONE
    print("\n".join(differences))
    print(f"{options.folder}: {len(differences)} difference{'s' if len(differences) != 1 else ''}.")
    return DIFFERS
