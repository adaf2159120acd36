"""lumbarhu follow-up: compare readings of one patient at different dates, write the folder, and print the changes."""

import argparse
from pathlib import Path

from LumbarHULib.api.follow_ups import follow_up
from LumbarHULib.cohort_files.page_tables import number_text
from LumbarHULib.core.errors import InputError
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.page import change_text, per_year_text
from LumbarHULib.follow_up.tables import MEAN
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.reading_options import printable_name


def run_follow_up(options: argparse.Namespace) -> int:
    """Compare the readings, write the folder, print the changes of the means, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    found = follow_up(
        _dated(options.audits),
        options.out,
        precision=options.precision,
        case=None if options.case is None else printable_name("--case", options.case),
        accept_unknown=options.accept_unknown,
        overwrite=options.overwrite,
        figure=not options.no_figure,
    )
    print(f"{follow_up_text(found)}\n\nReport: {options.out / 'report.html'}")
    return 0


def _dated(texts: list[str]) -> dict[Path, str | None]:
    """Return the folders with their dates, from texts such as ``audit=2024-03-15``."""
    found: dict[Path, str | None] = {}
    for text in texts:
        folder, sign, when = text.rpartition("=")
        # The name of a folder may contain an equals sign.
        path, date = (Path(folder), when) if sign and not Path(text).is_dir() else (Path(text), None)
        if path in found:
            raise InputError(f"“{path}” is given twice: give each audit folder once.")
        found[path] = date
    return found


def follow_up_text(found: FollowUp) -> str:
    """Return the changes of the means and the findings as text for a terminal."""
    rows = [["From", "To", "ROI", "Levels", "First", "Second", "Change (95 %), HU", "LSC", "Per year", "Changed"]]
    for record in found.changes.records(level=MEAN):
        rows.append(
            [
                *(record["from_date"], record["to_date"], record["roi"], record["levels"].replace(";", ",")),
                *(number_text(record[name]) for name in ("from_hu", "to_hu")),
                change_text(record),
                number_text(record["lsc_hu"]),
                per_year_text(record),
                record["changed"],
            ]
        )
    dates = ", ".join(f"{audit.when} ({audit.name})" for audit in found.audits)
    parts = [f"Case {found.case}: {dates}.", aligned(rows, left_columns=4)]
    if found.findings:
        lines = [f"- {finding.sentence} {finding.remedy}".rstrip() for finding in found.findings]
        parts.append("\n".join(["Findings:", *lines]))
    return "\n\n".join([*parts, "For research only; not a diagnosis."])
