"""A reading's protocol, changed by its reader value by value, and marked as changed."""

import copy

from LumbarHULib.mrml.reading import Reading, set_protocol

# Stands behind the protocol's name in every file and table made from it.
_MARK = " (modified)"


def set_protocol_value(reading: Reading, name: str, value) -> None:
    """Measure with another protocol value from now on; the protocol's name says that it was modified.

    Raises
    ------
    InputError
        When the value is not one of the protocol's or out of its range, or the reading is signed off.
    """
    reading.require_open()
    if getattr(reading.protocol, name) == value:
        return
    document = copy.deepcopy(reading.protocol_document.document)
    document["values"][name] |= {"value": value, "source": "the reader's choice"}
    if not document["name"].endswith(_MARK):
        document["name"] += _MARK
    set_protocol(reading, document)


def is_protocol_modified(reading: Reading) -> bool:
    """Tell whether a value was changed since the protocol came from its file."""
    return reading.protocol_document.name.endswith(_MARK)
