"""Find what the records of many audit folders state: protocol, scanner, and which CT was measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import DAMAGES, RECORD, RESULTS, cannot_be_read, folders_with_record
from LumbarHULib.audit.record import SCHEMA
from LumbarHULib.audit.report.words import NO_CLASS_WORDS
from LumbarHULib.cohort.cases import ReadingFacts
from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.json_schema import is_newer_schema

# An export puts a reading into case/reader/reading.
_DEEPEST = 3


def audit_folders(named: Path) -> tuple[Path, ...]:
    """Return a folder if it is an audit folder, otherwise the audit folders below it: case/reader/reading at most.

    Raises
    ------
    PermissionError
        If one of the folders must not be read: it may contain another audit folder.
    """

    def refuse(problem: OSError) -> None:
        raise problem

    try:
        if (named / RECORD).is_file():
            return (named,)
        found = folders_with_record(named, _DEEPEST, unreadable=refuse)
        return tuple(sorted(folder for folder in found if (folder / RESULTS).is_file()))
    except PermissionError:
        raise
    except (OSError, ValueError):  # such a name is that of no file
        return ()


def is_of_newer_version(record: Mapping[str, Any]) -> bool:
    """Return whether a newer version of LumbarHU wrote the record of a reading, in a form that this one cannot read."""
    return is_newer_schema(record["schema"], SCHEMA)


def facts_of_record(record: Mapping[str, Any], case: str | None = None) -> ReadingFacts:
    """Return the facts in a record, under the record's case or another; raise one of `DAMAGES` if it is damaged."""
    of_reading = [item["code"] for item in record["findings"]]
    not_classified = {}
    for summary in record["summaries"]:
        if summary["class"] == "not_classified":
            codes = [*(item["code"] for item in summary["findings"]), *of_reading]
            reasons = [words for code, words in NO_CLASS_WORDS.items() if code in codes]
            reasons += [] if summary["levels"] else ["no level measured"]
            reasons += [] if record["cutoffs"]["rois"] else ["no cutoffs for the protocol"]
            not_classified[summary["roi"]] = "; ".join(reasons) or "reason not recorded"
    blinded = record["extra"].get("blinded")
    return ReadingFacts(
        case=record["case"] if case is None else case,
        protocol_name=record["protocol"]["name"],
        protocol_version=record["protocol"]["version"],
        protocol_values=dict(record["protocol_values"]),
        protocol_regions=record["protocol"].get("regions"),
        headers=dict(record["ct"]["headers"]),
        ct_identity=str(record["ct"]["voxels_sha256"]),
        not_classified=not_classified,
        excluded={level["level"]: level["excluded"] for level in record["levels"] if level["excluded"]},
        not_measured=tuple(refusal["level"] for refusal in record["not_measured"]),
        off_protocol=tuple(item["sentence"] for item in record["findings"] if item["code"] in OFF_PROTOCOL_CODES),
        severe=_severe_sentences(record),
        blinded=blinded if isinstance(blinded, bool) else None,
        calibration=record.get("calibration"),
        finding_codes=tuple(of_reading),
    )


def _severe_sentences(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the severe findings in a record, each once, except those on an acquisition that is off protocol."""
    places = [record, *record["levels"], *(roi for level in record["levels"] for roi in level["rois"].values())]
    severe = [
        item["sentence"]
        for place in (*places, *record["summaries"])
        for item in place["findings"]
        if item["severity"] == "severe" and item["code"] not in OFF_PROTOCOL_CODES
    ]
    return tuple(dict.fromkeys(severe))


def facts_below(root: Path) -> dict[tuple[str, str, int], ReadingFacts]:
    """Return what the records below a folder state, by case, reader and number of the reading.

    Raises
    ------
    InputError
        If there is no such folder or no record in it, a record is damaged, two records are of the same reading, or a
        folder cannot be read.
    """
    if not root.is_dir():
        raise InputError(f"There is no folder “{root}”: check the path.")
    found: dict[tuple[str, str, int], ReadingFacts] = {}
    places: dict[tuple[str, str, int], Path] = {}
    for folder in folders_with_record(root):
        path = folder / RECORD
        key, facts = reading_of_record(path)
        if facts is None:
            continue
        if key in found:
            one, other = _title(found[key]), _title(facts)
            remedy = (
                f"keep one of them in “{root}”."
                if one == other
                else f"choose the folder of one protocol, “{one}” or “{other}”."
            )
            raise InputError(
                f"“{places[key]}” and “{path}” are both reading {key[2]} of {key[0]} by {key[1]}: {remedy}"
            )
        found[key], places[key] = facts, path
    if not found:
        raise InputError(f"“{root}” contains no audit folder: choose the folder with the audit folders.")
    return found


def _title(facts: ReadingFacts) -> str:
    return f"{facts.protocol_name} {facts.protocol_version}"


def reading_of_record(path: Path) -> tuple[tuple[str, str, int], ReadingFacts | None]:
    """Return case, reader and reading, and the facts; None for the record of something other than a reading.

    Raises
    ------
    InputError
        If the record is damaged, of a newer version of LumbarHU, or cannot be read.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if is_of_newer_version(record):
            raise InputError(f"“{path}” was written by a newer version of LumbarHU: update LumbarHU.")
        if record["schema"] != SCHEMA:
            return ("", "", 0), None
        case, reader, reading = record["case"], record["reader"], record["reading"]
        if not (isinstance(case, str) and isinstance(reader, str) and isinstance(reading, int)):
            raise TypeError("case, reader or reading")
        return (case, reader, reading), facts_of_record(record)
    except InputError:
        raise
    except OSError as problem:
        raise InputError(f"{cannot_be_read(path, problem)}.") from problem
    except DAMAGES as problem:
        raise InputError(f"“{path}” is damaged: measure the CT again.") from problem
