"""Find what the records of many audit folders state: protocol, scanner, and which CT was measured."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.audit.record import SCHEMA
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class AuditFacts:
    """What the record of one reading states.

    Parameters
    ----------
    protocol_name, protocol_version : str
    protocol_values : dict
        The values used, by name.
    protocol_regions : dict or None
        The regions as the protocol defines them; None for the study's.
    headers : dict
        Acquisition as the CT's headers state it; None for an unknown value.
    ct_identity : str
        Hash of the voxels, the same for readings of the same CT.
    calibration : dict or None
        Content of the calibration file that the reading was calibrated by.
    finding_codes : tuple of str
        Codes of the findings on the whole reading.
    """

    protocol_name: str
    protocol_version: str
    protocol_values: dict[str, Any]
    protocol_regions: dict[str, Any] | None
    headers: dict[str, Any]
    ct_identity: str
    calibration: dict[str, Any] | None = None
    finding_codes: tuple[str, ...] = ()


def facts_below(root: Path) -> dict[tuple[str, str, int], AuditFacts]:
    """Return what the records below a folder state, by case, reader and number of the reading.

    Raises
    ------
    InputError
        If there is no such folder or no record in it, a record is damaged, or two records are of the same reading.
    """
    if not root.is_dir():
        raise InputError(f"There is no folder “{root}”: check the path.")
    found: dict[tuple[str, str, int], AuditFacts] = {}
    places: dict[tuple[str, str, int], Path] = {}
    for folder, below, files in os.walk(root):
        below.sort()
        if RECORD not in files:
            continue
        path = Path(folder) / RECORD
        key, facts = _facts_of(path)
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


def _title(facts: AuditFacts) -> str:
    return f"{facts.protocol_name} {facts.protocol_version}"


def _facts_of(path: Path) -> tuple[tuple[str, str, int], AuditFacts | None]:
    """Return case, reader and reading, and the facts; None for the record of something other than a reading."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            return ("", "", 0), None
        facts = AuditFacts(
            protocol_name=record["protocol"]["name"],
            protocol_version=record["protocol"]["version"],
            protocol_values=record["protocol_values"],
            protocol_regions=record["protocol"].get("regions"),
            headers=record["ct"]["headers"],
            ct_identity=record["ct"]["voxels_sha256"],
            calibration=record.get("calibration"),
            finding_codes=tuple(finding["code"] for finding in record["findings"]),
        )
        return (record["case"], record["reader"], int(record["reading"])), facts
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InputError(f"“{path}” is damaged: measure the CT again.") from problem
