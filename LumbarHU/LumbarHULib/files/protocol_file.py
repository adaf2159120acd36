"""Read the measurement protocol from its file."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import DECLARED, STUDY_VALUES, Protocol, check_value
from LumbarHULib.core.regions.definition import PARAMETERS, STUDY_REGIONS, Region
from LumbarHULib.files.file_bytes import read_file
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, decode_located_json, read_located_json
from LumbarHULib.files.resources import resource_path

DEFAULT_PROTOCOL = resource_path("Protocols", "lumbarhu-2022-study.json")

# The id of the study's protocol, whose cutoffs LumbarHU comes with.
STUDY_ID = "lumbarhu-2022-study"


@dataclass(frozen=True, eq=False)
class ProtocolDocument:
    """A protocol and the file that states it.

    Parameters
    ----------
    protocol : Protocol
        The values and the regions.
    id : str
        What cutoffs refer to. A file that states none and measures the study's regions has the study's.
    name, version, citation : str
        As the file states them.
    document : dict
        The whole file as plain JSON values, for the record of a measurement; do not change it. A tuning value that the
        file omits has the shipped protocol's value.
    """

    protocol: Protocol
    id: str
    name: str
    version: str
    citation: str
    document: dict[str, Any]

    @property
    def major_version(self) -> str:
        """The part of the version that changes when the protocol gives other numbers."""
        return self.version.partition(".")[0]


def load_protocol(source: Path | str | None = None) -> ProtocolDocument:
    """Read a protocol.

    Parameters
    ----------
    source : pathlib.Path or str, optional
        A protocol file, or the id of a protocol that LumbarHU comes with; by default, the study's.

    Raises
    ------
    InputError
        If there is no such file or id, if the file cannot be read or is not JSON, or if a value is missing, unknown, of
        the wrong type or out of range. The sentence names the file and the line.
    """
    path = protocol_path(source)
    return _shipped(path) if path.parent == DEFAULT_PROTOCOL.parent else _own(path.name, read_file(path))


def protocol_path(source: Path | str | None = None) -> Path:
    """Return the file of a protocol, given as a file or as the id of a shipped one; by default, the study's.

    Raises
    ------
    InputError
        If `source` is neither a file nor such an id.
    """
    if source is None:
        return DEFAULT_PROTOCOL
    path = Path(source)
    with suppress(OSError):  # a name that is too long for a file is no file
        # A folder of results may have the id of the protocol as its name.
        if path.exists() and not path.is_dir():
            return path
    shipped = shipped_paths()
    if str(source) in shipped:
        return shipped[str(source)]
    raise InputError(
        f"There is no protocol file “{source}”, and no shipped protocol has this id: use a file, or one of "
        f"{', '.join(shipped)}."
    )


@cache
def shipped_paths() -> dict[str, Path]:
    """Return the files of the protocols that LumbarHU comes with, by id: the study's, then the others by name."""
    paths = sorted(DEFAULT_PROTOCOL.parent.glob("*.json"), key=lambda path: (path != DEFAULT_PROTOCOL, path.name))
    return {json.loads(path.read_text(encoding="utf-8"))["id"]: path for path in paths}


@cache
def _shipped(path: Path) -> ProtocolDocument:
    # Read once: a batch needs it for every case, and each report compares its own protocol with the shipped one.
    return protocol_from(read_located_json(path))


@lru_cache(maxsize=8)
def _own(name: str, content: bytes) -> ProtocolDocument:
    # The same content is checked once, for the same reason.
    return protocol_from(decode_located_json(content, name))


def shipped_protocol_of(document: ProtocolDocument) -> ProtocolDocument:
    """Return the shipped protocol with the id of this one; the study's if there is none."""
    return load_protocol(shipped_paths().get(document.id))


def changed_values(document: ProtocolDocument) -> dict[str, Any]:
    """Return the values of the shipped protocol with the same id that differ from this protocol's, by name."""
    values = document.protocol.values
    return {name: own for name, own in shipped_protocol_of(document).protocol.values.items() if values[name] != own}


def protocol_from(document: LocatedValue) -> ProtocolDocument:
    """Return the protocol in a file or in part of one; raise InputError as `load_protocol` does."""
    check_against_schema(document, "protocol.schema.json")
    values = {name: _value(entry["value"], name) for name, entry in document["values"].value.items()}
    regions = _regions(document)
    plain = document.plain()
    plain["values"] |= {name: _entry_not_named(name) for name in DECLARED if name not in values}
    try:
        protocol = protocol_of_values(values, regions)
    except InputError as problem:
        # The schema cannot detect that two values contradict each other. The sentence names both.
        raise _named_in(problem, document["values"], document).error(str(problem)) from problem
    words = {name: document[name].value for name in ("name", "version", "citation")}
    return ProtocolDocument(protocol, _id_of(document, protocol), **words, document=plain)


def _id_of(document: LocatedValue, protocol: Protocol) -> str:
    if "id" in document:
        protocol_id = document["id"].value
        if _has_other_regions(protocol_id, document["version"].value, protocol):
            raise document["id"].error(
                f"The protocol has the id {protocol_id} of a shipped protocol, but defines its regions differently: "
                "give it an id of its own."
            )
        return protocol_id
    if protocol.is_of_study_regions:
        return STUDY_ID
    raise document.error("A protocol with regions of its own needs an “id”, to which cutoffs can refer: add one.")


def _has_other_regions(protocol_id: str, version: str, protocol: Protocol) -> bool:
    """Return whether a shipped protocol of this id and version has other regions, whose cutoffs do not fit."""
    path = shipped_paths().get(protocol_id)
    if path is None:
        return False
    shipped = read_located_json(path)
    if shipped["version"].value != version:
        return False
    own, others = (
        {region.name: replace(region, title=region.name) for region in regions}
        for regions in (protocol.regions, _regions(shipped))
    )
    return own != others


def _regions(document: LocatedValue) -> tuple[Region, ...]:
    if "regions" not in document:
        return STUDY_REGIONS
    if not document["regions"].value:
        raise document["regions"].error(
            "“regions” defines no region: define one, or omit “regions” for the study's five."
        )
    return tuple(_region(name, entry) for name, entry in document["regions"].value.items())


def _region(name: str, place: LocatedValue) -> Region:
    plain = place.plain()
    words = {key: plain[key] for key in ("title", "shape", "slices", "part", "side", "mean") if key in plain}
    parameters = {key: float(plain[key]["value"]) for key in PARAMETERS if key in plain}
    try:
        return Region(name, **words, parameters=parameters)
    except InputError as problem:
        raise _named_in(problem, place, place).error(str(problem)) from problem


def _named_in(problem: InputError, entries: LocatedValue, otherwise: LocatedValue) -> LocatedValue:
    """Return the entry that a sentence names first, or else `otherwise`."""
    found = {key: re.search(rf"\b{re.escape(key)}\b", str(problem)) for key in entries.value}
    starts = {key: match.start() for key, match in found.items() if match}
    return entries[min(starts, key=starts.__getitem__)] if starts else otherwise


def protocol_of_values(values: Mapping[str, Any], regions: Sequence[Region] = STUDY_REGIONS) -> Protocol:
    """Return the protocol with these values; missing tuning values are the shipped protocol's.

    Raises
    ------
    InputError
        If a value that the study defines is missing, a value is unknown or out of range, or two values contradict each
        other.
    """
    if missing := [name for name in STUDY_VALUES if name not in values]:
        raise InputError(f"The protocol lacks the value {missing[0]}: add it.")
    for name, value in values.items():
        check_value(name, value)
    tuned = {name: _value_not_named(name) for name in DECLARED if name not in values}
    return Protocol.from_values(tuned | dict(values), tuple(regions))


def _entry_not_named(name: str) -> dict[str, Any]:
    """Return a document's entry for a tuning value that the protocol file omits."""
    declared = DECLARED[name]
    if declared.default is None:
        return load_protocol().document["values"][name]
    quantity = {"value": declared.default, "unit": declared.unit, "note": declared.note}
    return quantity | {"source": "LumbarHU's choice"}


def _value_not_named(name: str) -> Any:
    """Return the value of a tuning value that a file omits."""
    default = DECLARED[name].default
    return load_protocol().protocol.values[name] if default is None else default


def _value(place: LocatedValue, name: str) -> Any:
    """Return a checked value, converted to the type of the protocol's field."""
    value = place.plain()
    if isinstance(value, list):
        return tuple(value)
    declared = DECLARED[name]
    if declared.options:
        return value
    return int(value) if declared.integer else float(value)
