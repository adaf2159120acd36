"""Change single values of a reading's protocol, and mark the protocol as modified."""

import copy
from typing import Any

from LumbarHULib.mrml.reading import Reading, set_protocol

# Suffix of the protocol's name in every file and table made with it.
_MARK = " (modified)"


def set_protocol_value(reading: Reading, name: str, value: float | str) -> None:
    """Change a value of the reading's protocol, and mark the protocol's name as modified.

    Raises
    ------
    InputError
        When the protocol has no such value, it is out of range, or the reading is signed off.
    """
    reading.require_open()
    if reading.protocol.values[name] == value:
        return
    document = copy.deepcopy(reading.protocol_document.document)
    document["values"][name] |= {"value": value, "source": "the reader's choice"}
    if not document["name"].endswith(_MARK):
        document["name"] += _MARK
    set_protocol(reading, document)


def use_measurement_error(reading: Reading, protocol_document: dict[str, Any]) -> None:
    """Use the least significant change of another protocol; all other values of the reading's protocol stay.

    Parameters
    ----------
    reading : Reading
    protocol_document : dict
        The whole content of a protocol file, such as one written for a cohort.

    Raises
    ------
    InputError
        When the document is not valid, or the reading is signed off.
    """
    reading.require_open()
    own = copy.deepcopy(reading.protocol_document.document)
    own["values"]["lsc_hu"] = protocol_document["values"]["lsc_hu"]
    if own["values"] == protocol_document["values"]:
        own = protocol_document
    elif not own["name"].endswith(_MARK):
        own["name"] += _MARK
    set_protocol(reading, own)


def is_protocol_modified(reading: Reading) -> bool:
    """Return whether a value was changed since the protocol was read from its file."""
    return reading.protocol_document.name.endswith(_MARK)
