"""Read the single readings of a cohort from audit folders, or from a table of the same form."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import DAMAGES, RECORD, RESULTS
from LumbarHULib.cohort.cases import CohortFinding, Reading, ReadingFacts
from LumbarHULib.cohort_files.audit_facts import audit_folders, facts_of_record, is_of_newer_version
from LumbarHULib.cohort_files.columns import AddFinding, is_missing
from LumbarHULib.cohort_files.results_rows import results_rows
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.csv_table import CsvTable, read_csv_table

_MOST_NAMED = 5


def readings_of_file(path: Path, add_finding: AddFinding, any_region: bool = False) -> tuple[Reading, ...]:
    """Return the readings in a table with the columns of an audit folder's ``results.csv``, of any cases.

    Parameters
    ----------
    path : pathlib.Path
    add_finding : callable
        Receives findings on rows that cannot be used.
    any_region : bool
        Also accept regions other than the five.

    Raises
    ------
    InputError
        If the table cannot be read or lacks a column.
    """
    return _readings(read_csv_table(path), add_finding, any_region)


def reading_of_audit(
    folder: Path, case: str, add_finding: AddFinding, row: int, any_region: bool = False
) -> tuple[Reading, ReadingFacts] | None:
    """Return the reading in an audit folder, or in the only one below it, and its facts; if unusable, report why.

    The reading gets the case's name.
    """
    name = folder.name

    def wrong(sentence: str, remedy: str) -> CohortFinding:
        message = f"Row {row}, column audit: “{name}” {sentence}"
        return CohortFinding("audit_folder", message, remedy, "severe", row=row, column="audit", case=case)

    def cannot_be_read() -> CohortFinding:
        return wrong("cannot be read and is omitted.", "Check the permissions of the folder and its files.")

    try:
        below = audit_folders(folder)
    except PermissionError:
        add_finding(cannot_be_read())
        return None
    if len(below) > 1:
        places = [one.relative_to(folder).as_posix() for one in below]
        shown = ", ".join(places[:_MOST_NAMED]) + (", …" if len(places) > _MOST_NAMED else "")
        add_finding(
            wrong(f"holds {len(below)} audit folders and is omitted: {shown}.", f"Name one: {name}/{places[0]}.")
        )
        return None
    folder = below[0] if below else folder
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if is_of_newer_version(record):
            add_finding(wrong("was written by a newer version of LumbarHU and is omitted.", "Update LumbarHU."))
            return None
        results = (folder / RESULTS).read_bytes()
        stored, facts = record["files"][RESULTS], facts_of_record(record, case)
    except PermissionError:
        add_finding(cannot_be_read())
        return None
    except OSError:
        add_finding(wrong("is not an audit folder and is omitted.", "Check the path, which is relative to the table."))
        return None
    except DAMAGES:
        add_finding(wrong("contains a damaged record and is omitted.", "Measure the CT again."))
        return None
    if hashlib.sha256(results).hexdigest() != stored:
        add_finding(
            wrong("was changed after it was written and is omitted.", "Run lumbarhu verify to see the differences.")
        )
        return None
    try:
        found = _readings(read_csv_table(folder / RESULTS), add_finding, any_region)
    except InputError as problem:
        add_finding(wrong(f"cannot be used: {problem}", "Measure the CT again."))
        return None
    if len(found) != 1:
        add_finding(wrong("contains no reading and is omitted.", "Measure the CT again."))
        return None
    own = found[0]
    is_blinded = own.blinded if facts.blinded is None else facts.blinded
    reading = Reading(case, own.reader, own.reading, own.hu, own.origins, own.excluded, is_blinded)
    for sentence in facts.off_protocol:
        message = f"Row {row}, column audit: “{name}” is off protocol: {sentence}"
        add_finding(CohortFinding("off_protocol", message, "Consider omitting it.", row=row, column="audit", case=case))
    if facts.severe:
        more = f" And {len(facts.severe) - _MOST_NAMED} more." if len(facts.severe) > _MOST_NAMED else ""
        message = (
            f"Row {row}, column audit: the reading of {case} in “{name}” has severe findings and is included: "
            f"{' '.join(facts.severe[:_MOST_NAMED])}{more}"
        )
        remedy = "Check its report; to omit the reading, remove its folder from the table."
        add_finding(CohortFinding("severe_findings", message, remedy, "severe", row=row, column="audit", case=case))
    return reading, facts


def _readings(table: CsvTable, add_finding: AddFinding, any_region: bool) -> tuple[Reading, ...]:
    collected: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in results_rows(table, add_finding, any_region):
        kept = collected.setdefault(
            (row.case, row.reader, row.reading), {"hu": {}, "origins": {}, "excluded": [], "blinded": None}
        )
        if not is_missing(row.excluded):
            kept["excluded"].append(row.level)
        elif (row.level, row.roi) in kept["hu"]:
            where = f"{row.level}, {row.roi} of {row.case} by {row.reader}"
            sentence = f"{table.file_name}, row {row.row}: this reading of {where} is repeated; the row is omitted."
            add_finding(CohortFinding("read_twice", sentence, "Correct it.", row=row.row))
        elif row.mean_hu is not None:
            kept["hu"][row.level, row.roi] = row.mean_hu
            kept["origins"][row.level] = row.origin
            kept["blinded"] = row.blinded
    _report_similar_names(table.file_name, {reader for _, reader, _ in collected}, add_finding)
    return tuple(
        Reading(
            case,
            reader,
            number,
            kept["hu"],
            kept["origins"],
            tuple(dict.fromkeys(kept["excluded"])),
            kept["blinded"],
        )
        for (case, reader, number), kept in collected.items()
    )


def _report_similar_names(file_name: str, readers: Iterable[str], add_finding: AddFinding) -> None:
    """Report readers whose names differ only in case, blanks or Unicode form."""
    by_look: dict[str, list[str]] = {}
    for reader in sorted(readers):
        look = " ".join(unicodedata.normalize("NFKC", reader).casefold().split())
        by_look.setdefault(look, []).append(reader)
    for names in by_look.values():
        if len(names) > 1:
            shown = " and ".join(f"“{name}”" for name in names)
            sentence = f"{file_name}: the readers {shown} have similar names but count as {len(names)} readers."
            add_finding(
                CohortFinding("readers_alike", sentence, "Spell each reader's name the same way.", column="reader")
            )
