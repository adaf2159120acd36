"""lumbarhu measure: from the options to a job, and from its result to the terminal.

The options are read here and not by argparse, which would put words of its own in place of the sentence.
"""

import argparse
import re

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import parse_level
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.console import audit_text
from LumbarHULib.headless.progress import Progress

_MOST_DIGITS = 6

# Between two exclusions in one option; a reason may hold commas of its own.
_NEXT_EXCLUSION = re.compile(r",(?=\s*[a-z]+\d+\s*=)", re.IGNORECASE)


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
        levels=None if options.levels is None else _levels(options.levels),
        exclusions=_exclusions(options.exclude),
        protocol=options.protocol,
        cutoffs=options.cutoffs,
        case=_name("--case", options.case),
        reader=_name("--reader", options.reader),
        reading=_reading_number(options.reading),
        accept_off_protocol=options.accept_off_protocol,
        scene=options.scene,
        overwrite=options.overwrite,
    )
    progress = Progress()
    try:
        audit = measure_job.run(job, progress)
    finally:
        progress.clear()
    print(f"{audit_text(audit, job.ct)}\n\nAudit folder: {options.out}")
    return 0


def _levels(text: str) -> tuple[str, ...]:
    levels = tuple(parse_level(part) for part in text.split(",") if part.strip())
    if not levels:
        raise InputError("--levels names no level: give levels such as L1,L2,L3,L4.")
    for level in levels:
        if levels.count(level) > 1:
            raise InputError(f"--levels names {level} twice: name each level once.", level)
    return levels


def _exclusions(texts: list[str]) -> dict[str, str]:
    exclusions: dict[str, str] = {}
    for text in (part for option in texts for part in _NEXT_EXCLUSION.split(option)):
        name, _, reason = (part.strip() for part in text.partition("="))
        if not reason:
            raise InputError(f"--exclude {text} gives no reason: write it like --exclude L2=fracture.")
        level = parse_level(name)
        if not reason.isprintable():
            raise InputError(
                f"The reason to exclude {level} is {reason!r}: write it in printable characters on one line.", level
            )
        if level in exclusions:
            raise InputError(f"--exclude names {level} twice: give one reason.", level)
        exclusions[level] = reason
    return exclusions


def _reading_number(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < 1:
        raise InputError(f"--reading {text} is no reading number: give a whole number from 1.")
    return int(text)


def _name(option: str, text: str | None) -> str:
    if text is None:
        return measure_job.UNNAMED
    if not text.strip():
        raise InputError(f"{option} is empty: give a name, or leave {option} away.")
    if not text.isprintable():
        raise InputError(f"{option} is {text!r}: give a name of printable characters on one line.")
    return text.strip()
