"""lumbarhu follow-up: compare readings of one patient at different dates, write the folder, and print the changes."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LumbarHULib.api.follow_ups import follow_up
from LumbarHULib.cohort_files.page_tables import number_text
from LumbarHULib.core.errors import InputError
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.page import change_text, density_cells, per_year_text
from LumbarHULib.follow_up.tables import changes_by_pair, pair_text
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
    """Return the changes of the means, or of single levels where there is no mean, and the findings, as text."""
    records = [one for pair in changes_by_pair(found.changes).values() for one in pair]
    dates = ", ".join(f"{audit.when} ({audit.name})" for audit in found.audits)
    parts = [f"Case {found.case}: {dates}.", _table(records)]
    if found.mineral:
        parts.append(f"In mg/cm³ {found.mineral}:\n{_density_table(records)}")
    if found.findings:
        lines = [f"- {finding.sentence} {finding.remedy}".rstrip() for finding in found.findings]
        parts.append("\n".join(["Findings:", *lines]))
    return "\n\n".join([*parts, "For research only; not a diagnosis."])


def _table(records: Sequence[Mapping[str, Any]]) -> str:
    rows = [["From", "To", "ROI", "Levels", "First", "Second", "Change (95 %), HU", "LSC", "Per year", "Changed"]]
    for record in records:
        rows.append(
            [
                *_place(record),
                *(number_text(record[name]) for name in ("from_hu", "to_hu")),
                change_text(record),
                number_text(record["lsc_hu"]),
                per_year_text(record),
                record["changed"],
            ]
        )
    return aligned(rows, left_columns=4)


def _density_table(records: Sequence[Mapping[str, Any]]) -> str:
    rows = [["From", "To", "ROI", "Levels", "First", "Second", "Change (95 %)", "LSC", "Per year", "Changed"]]
    rows += [[*_place(record), *density_cells(record)] for record in records]
    return aligned(rows, left_columns=4)


def _place(record: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return (*pair_text(record), record["roi"], record["levels"].replace(";", ","))
