"""lumbarhu measure: from the options to a job, and from its result to the terminal."""

import argparse

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.console import result_text
from LumbarHULib.headless.progress import Progress


def run_measure(options: argparse.Namespace) -> int:
    """Measure, write the audit folder, print the table and the classes; return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    job = measure_job.MeasureJob(
        ct=options.ct,
        markups=options.markups,
        destination=options.out,
        levels=options.levels,
        exclusions=_exclusions(options.exclude),
        protocol=options.protocol,
        cutoffs=options.cutoffs,
        case=options.case or measure_job.UNNAMED,
        reader=options.reader or measure_job.UNNAMED,
        reading=options.reading,
        accept_off_protocol=options.accept_off_protocol,
        scene=options.scene,
        overwrite=options.overwrite,
    )
    progress = Progress()
    try:
        result = measure_job.run(job, progress)
    finally:
        progress.clear()
    print(f"{result_text(result)}\n\nAudit folder: {options.out}")
    return 0


def _exclusions(pairs: list[tuple[str, str]]) -> dict[str, str]:
    exclusions: dict[str, str] = {}
    for level, reason in pairs:
        if level in exclusions:
            raise InputError(f"--exclude names {level} twice: give one reason.")
        exclusions[level] = reason
    return exclusions
