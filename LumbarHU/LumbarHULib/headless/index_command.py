"""lumbarhu index: write a page with links to the reports of many cases."""

import argparse

from LumbarHULib.audit.report.case_index import INDEX, write_index
from LumbarHULib.headless.progress import Progress

# Number of omitted folders to print; the page lists all of them.
_SHOWN = 20


def run_index(options: argparse.Namespace) -> int:
    """Write the page to the folder, print its path, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    progress = Progress()
    try:
        done = write_index(options.folder, progress)
    finally:
        progress.clear()
    print(f"{options.folder / INDEX}: {done.readings} reading{'s' if done.readings != 1 else ''}.")
    if done.problems:
        print(f"Omitted folders, listed on the page: {len(done.problems)}.")
        print("\n".join(f"- {problem}" for problem in done.problems[:_SHOWN]))
        if len(done.problems) > _SHOWN:
            print(f"- … and {len(done.problems) - _SHOWN} more.")
    return 0
