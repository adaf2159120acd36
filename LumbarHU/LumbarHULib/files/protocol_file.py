"""Read the measurement protocol from its file."""

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import STUDY_VALUES, Protocol, check_value
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.resources import resource_path

DEFAULT_PROTOCOL = resource_path("Protocols", "lumbarhu-2022-study.json")


@dataclass(frozen=True, eq=False)
class ProtocolDocument:
    """A protocol and the file that states it.

    Parameters
    ----------
    protocol : Protocol
        The values.
    name, version, citation : str
        As the file states them.
    document : dict
        The whole file as plain JSON values, for the record of a measurement; do not change it. A tuning value that the
        file omits has the shipped protocol's value.
    """

    protocol: Protocol
    name: str
    version: str
    citation: str
    document: dict[str, Any]


def load_protocol(path: Path | None = None) -> ProtocolDocument:
    """Read a protocol file; without a path, read the study's.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON, or if a value is missing, unknown, of the wrong type or out of range.
        The sentence names the file and the line.
    """
    return _shipped() if path is None else protocol_from(read_located_json(path))


@cache
def _shipped() -> ProtocolDocument:
    # Read once: a batch needs it for every case.
    return protocol_from(read_located_json(DEFAULT_PROTOCOL))


def changed_values(protocol: Protocol) -> dict[str, Any]:
    """Return the shipped protocol's values that differ from this protocol's, by name."""
    values = asdict(protocol)
    return {name: own for name, own in asdict(load_protocol().protocol).items() if values[name] != own}


def protocol_from(document: LocatedValue) -> ProtocolDocument:
    """Return the protocol in a file or in part of one; raise InputError as `load_protocol` does."""
    check_against_schema(document, "protocol.schema.json")
    values = {name: _value(entry["value"], name) for name, entry in document["values"].value.items()}
    plain = document.plain()
    plain["values"] |= {item.name: _entry_not_named(item) for item in fields(Protocol) if item.name not in values}
    try:
        protocol = protocol_of_values(values)
    except InputError as problem:
        # The schema cannot detect that two values contradict each other. The sentence names both.
        named = [entry for name, entry in document["values"].value.items() if f" {name} " in str(problem)]
        raise (named or [document])[0].error(str(problem)) from problem
    words = {name: document[name].value for name in ("name", "version", "citation")}
    return ProtocolDocument(protocol, **words, document=plain)


def protocol_of_values(values: Mapping[str, Any]) -> Protocol:
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
    tuned = {item.name: _value_not_named(item) for item in fields(Protocol) if item.name not in values}
    return Protocol(**values, **tuned)


def _entry_not_named(item: Field[Any]) -> dict[str, Any]:
    """Return a document's entry for a tuning value that the protocol file omits."""
    if "value" not in item.metadata:
        return _shipped().document["values"][item.name]
    quantity = {name: item.metadata[name] for name in ("value", "unit", "note")}
    return quantity | {"source": "LumbarHU's choice"}


def _value_not_named(item: Field[Any]) -> Any:
    """Return the value of a tuning value that a file omits."""
    return item.metadata["value"] if "value" in item.metadata else getattr(_shipped().protocol, item.name)


def _value(place: LocatedValue, name: str) -> Any:
    """Return a checked value, converted to the type of the protocol's field."""
    value = place.plain()
    if isinstance(value, list):
        return tuple(value)
    declared = {item.name: item.metadata for item in fields(Protocol)}[name]
    if "integer" in declared:
        return int(value) if declared["integer"] else float(value)
    return value
