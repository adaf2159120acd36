"""lumbarhu index: a page that leads to the reports of many cases."""

import argparse

from LumbarHULib.files.case_index import INDEX, write_index
from LumbarHULib.headless.progress import Progress


def run_index(options: argparse.Namespace) -> int:
    """Write the page into the folder that `options` name, tell where it is, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    progress = Progress()
    try:
        count = write_index(options.folder, progress)
    finally:
        progress.clear()
    print(f"{options.folder / INDEX}: {count} reading{'s' if count != 1 else ''}.")
    return 0
