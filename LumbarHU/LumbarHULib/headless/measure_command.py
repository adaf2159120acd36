"""lumbarhu measure: make a job from the options, run it, and print the result.

The values of options are read here instead of by argparse, which would replace LumbarHU's messages by its own.
"""

import argparse
import sys

from LumbarHULib.audit.audit import UNNAMED
from LumbarHULib.core.errors import InputError
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.console import audit_text
from LumbarHULib.headless.exit_codes import DONE, IN_PART
from LumbarHULib.headless.progress import Progress
from LumbarHULib.headless.protocol_choice import chosen_protocols
from LumbarHULib.headless.reading_options import (
    ct_date,
    exclusions_named,
    levels_named,
    printable_name,
    reading_number,
    segments_named,
)


def run_measure(options: argparse.Namespace) -> int:
    """Measure, write the audit folder, print the tables, and return 0, or 3 when levels or protocols were refused.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    _check_source(options)
    job = measure_job.MeasureJob(
        ct=options.ct,
        markups=options.markups,
        destination=options.out,
        segmentation=options.segmentation,
        segments=segments_named("--segment", options.segment),
        seeds=options.seeds,
        fill_levels=options.fill_levels,
        levels=None if options.levels is None else levels_named("--levels", options.levels),
        exclusions=exclusions_named("--exclude", options.exclude),
        cutoffs=options.cutoffs,
        case=_name("--case", options.case),
        reader=_name("--reader", options.reader),
        reading=reading_number("--reading", options.reading),
        accept_off_protocol=options.accept_off_protocol,
        scene=options.scene,
        overwrite=options.overwrite,
        label_maps=options.label_maps,
        sign=options.sign,
        calibration=options.calibration,
        ct_date="" if options.ct_date is None else ct_date("--ct-date", options.ct_date),
    )
    progress = Progress()
    try:
        protocols = chosen_protocols(options.protocol, options.cutoffs, options.out)
        outcome = measure_job.run_by_protocols(job, protocols, progress)
    finally:
        progress.clear()
    texts = [f"{audit_text(audit, job.ct)}\n\nAudit folder: {folder}" for folder, audit in outcome.audits.items()]
    print("\n\n\n".join(texts))
    for sentence in outcome.refused:
        print(f"lumbarhu: {sentence}", file=sys.stderr)
    is_in_part = outcome.refused or any(audit.result.refused for audit in outcome.audits.values())
    return IN_PART if is_in_part else DONE


def _check_source(options: argparse.Namespace) -> None:
    named = {"--markups": options.markups, "--segmentation": options.segmentation, "--seeds": options.seeds}
    given = [option for option, value in named.items() if value]
    if len(given) > 1:
        count = {2: "two", 3: "three"}[len(given)]
        raise InputError(f"{' and '.join(given)} each place the midlines: give only one of the {count}.")
    if not given:
        raise InputError(
            "The position of the vertebrae is missing: give --markups with a midline for each level, --segmentation, "
            "or --seeds."
        )
    if options.fill_levels and not options.seeds:
        raise InputError("--fill-levels needs seeds, between which it places levels: give --seeds as well.")
    if options.segment and not options.segmentation:
        raise InputError("--segment needs a segmentation, whose segments it assigns: give --segmentation as well.")


def _name(option: str, text: str | None) -> str:
    return UNNAMED if text is None else printable_name(option, text)
