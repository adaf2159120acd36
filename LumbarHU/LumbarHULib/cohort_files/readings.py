"""Read the single readings of a cohort from audit folders, or from a table of the same form."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.audit.report.words import NO_CLASS_WORDS
from LumbarHULib.cohort.cases import CohortFinding, Reading, ReadingFacts
from LumbarHULib.cohort_files.columns import AddFinding, is_missing, number_column, place_of_hu, shortened
from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.files.csv_table import CsvTable, read_csv_table

_NEEDED = ("case", "reader", "reading", "level", "roi", "mean_hu")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, eq=False)
class AuditReading:
    """A reading from an audit folder.

    Parameters
    ----------
    reading : Reading
    ct_identity : str
        Key that is the same for readings of the same CT.
    protocol : str
        Key that is the same for readings with the same protocol values.
    facts : ReadingFacts
        What the folder states about how the reading was made.
    """

    reading: Reading
    ct_identity: str
    protocol: str
    facts: ReadingFacts


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
) -> AuditReading | None:
    """Return the reading in an audit folder, under the case's name; if unusable, report why and return None."""

    def wrong(sentence: str, remedy: str) -> None:
        message = f"Row {row}, column audit: “{folder.name}” {sentence}"
        add_finding(CohortFinding("audit_folder", message, remedy, "severe", row=row, column="audit", case=case))

    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        results = (folder / "results.csv").read_bytes()
        stored, identity = record["files"]["results.csv"], record["ct"]["voxels_sha256"]
        blinded = record["extra"].get("blinded")
        protocol = json.dumps(record["protocol_values"], sort_keys=True)
        facts = _facts(record, case, protocol)
        off_protocol = [item["sentence"] for item in record["findings"] if item["code"] in OFF_PROTOCOL_CODES]
    except OSError:
        return wrong("is not an audit folder and is omitted.", "Check the path, which is relative to the table.")
    except (ValueError, KeyError, TypeError, AttributeError):
        return wrong("contains a damaged record and is omitted.", "Measure the CT again.")
    if hashlib.sha256(results).hexdigest() != stored:
        return wrong("was changed after it was written and is omitted.", "Run lumbarhu verify to see the differences.")
    try:
        found = _readings(read_csv_table(folder / "results.csv"), add_finding, any_region)
    except InputError as problem:
        return wrong(f"cannot be used: {problem}", "Measure the CT again.")
    if len(found) != 1:
        return wrong("contains no reading and is omitted.", "Measure the CT again.")
    own = found[0]
    is_blinded = blinded if isinstance(blinded, bool) else own.blinded
    reading = Reading(case, own.reader, own.reading, own.hu, own.origins, own.excluded, is_blinded)
    for sentence in off_protocol:
        message = f"Row {row}, column audit: “{folder.name}” is off protocol: {sentence}"
        add_finding(CohortFinding("off_protocol", message, "Consider omitting it.", row=row, column="audit", case=case))
    return AuditReading(reading, str(identity), protocol, facts)


def _facts(record: dict, case: str, protocol: str) -> ReadingFacts:
    """Return the facts in a record; raise KeyError, TypeError or AttributeError if it is damaged."""
    document, headers = record["protocol"], record["ct"]["headers"]
    kv, contrast = headers.get("tube_voltage_kv"), headers.get("contrast")
    words = {True: "with contrast medium", False: "without contrast medium"}
    acquisition = [f"{kv:g} kV" if kv is not None else "", words.get(contrast, "")]
    of_reading = [item["code"] for item in record["findings"]]
    not_classified = {}
    for summary in record["summaries"]:
        if summary["class"] == "not_classified":
            codes = [*(item["code"] for item in summary["findings"]), *of_reading]
            reasons = [words for code, words in NO_CLASS_WORDS.items() if code in codes]
            reasons += [] if summary["levels"] else ["no level measured"]
            reasons += [] if record["cutoffs"]["rois"] else ["no cutoffs for the protocol"]
            not_classified[summary["roi"]] = "; ".join(reasons) or "reason not recorded"
    return ReadingFacts(
        case=case,
        protocol=f"{document['name']}, version {document['version']}",
        protocol_sha256=hashlib.sha256(protocol.encode("utf-8")).hexdigest(),
        acquisition=", ".join(filter(None, acquisition)),
        not_classified=not_classified,
        excluded={level["level"]: level["excluded"] for level in record["levels"] if level["excluded"]},
        not_measured=tuple(refusal["level"] for refusal in record["not_measured"]),
    )


def _readings(table: CsvTable, add_finding: AddFinding, any_region: bool) -> tuple[Reading, ...]:
    names = [name.casefold() for name in table.header]
    place = {name: at for at, name in enumerate(names)}
    for name in (*_NEEDED, "excluded", "origin", "blinded"):
        if names.count(name) > 1:
            raise InputError(f"“{table.file_name}” has the column “{name}” twice: keep one of them.")
    missing = [name for name in _NEEDED if name not in place]
    if missing:
        raise InputError(f"“{table.file_name}” lacks the column “{missing[0]}”: use the columns of results.csv.")

    def cell(cells: Sequence[str], name: str) -> str:
        at = place.get(name, len(cells))
        return cells[at] if at < len(cells) else ""

    texts = [(row, cell(cells, "mean_hu")) for row, cells in table.rows]
    values = number_column("hu_L1_round", texts, 1, table.separator, _located_in(table.file_name, add_finding))
    collected: dict[tuple[str, str, int], dict] = {}
    for index, (row, cells) in enumerate(table.rows):
        case, reader, number, level, roi = (cell(cells, name) for name in _NEEDED[:-1])
        level, roi = level.upper(), roi.casefold()
        wrong = _extra_cells(table, cells) or _wrong_place(case, reader, number, level, roi, any_region)
        if wrong:
            column, what, remedy = wrong
            message = f"{table.file_name}, row {row}: {what}; the row is omitted."
            add_finding(CohortFinding("unusable_row", message, remedy, row=row, column=column))
            continue
        kept = collected.setdefault(
            (case, reader, int(number)), {"hu": {}, "origins": {}, "excluded": [], "blinded": None}
        )
        if not is_missing(cell(cells, "excluded")):
            kept["excluded"].append(level)
        elif (level, roi) in kept["hu"]:
            sentence = f"{table.file_name}, row {row}: this reading of {level}, {roi} of {case} by {reader} is repeated"
            add_finding(CohortFinding("read_twice", f"{sentence}; the row is omitted.", "Correct it.", row=row))
        elif values is not None and values[index] == values[index]:
            kept["hu"][level, roi] = float(values[index])
            kept["origins"][level] = cell(cells, "origin").partition(" ")[0]
            kept["blinded"] = _TRUTHS.get(cell(cells, "blinded").casefold())
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


def _extra_cells(table: CsvTable, cells: Sequence[str]) -> tuple[str, str, str] | None:
    """Return column, fault and remedy if a row is longer than the header, as with an unquoted decimal comma."""
    if not any(cells[len(table.header) :]):
        return None
    return "", f"the row has {len(cells)} cells under {len(table.header)} columns", "Correct the row."


def _wrong_place(
    case: str, reader: str, number: str, level: str, roi: str, any_region: bool
) -> tuple[str, str, str] | None:
    """Return column, fault and remedy if a row does not identify reader, case and region; otherwise None."""
    for column, name in (("case", case), ("reader", reader)):
        if not name:
            return column, f"the {column} is missing", "Correct the row."
    if not number.isdecimal() or int(number) < 1:
        return "reading", f"“{shortened(number)}” is not a reading number", "Count readings from 1."
    for column, word, known in (("level", level, LEVELS), ("roi", roi, ROIS)):
        is_other_region = any_region and column == "roi" and place_of_hu(f"hu_{level}_{word}")
        if word not in known and not is_other_region:
            return column, f"“{shortened(word)}” is not a {column}", f"Use one of {', '.join(known)}."
    return None


def _located_in(file_name: str, add_finding: AddFinding) -> AddFinding:
    """Return a function that reports findings on a file other than the cohort's table."""

    def located(finding: CohortFinding) -> None:
        sentence = f"{file_name}: {finding.sentence.replace('hu_L1_round', 'mean_hu')}"
        add_finding(
            CohortFinding(finding.code, sentence, finding.remedy, finding.severity, row=finding.row, column="mean_hu")
        )

    return located
