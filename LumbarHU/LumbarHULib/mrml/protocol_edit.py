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


def use_measurement_error(reading: Reading, protocol_document: dict) -> None:
    """Judge by another protocol's least significant change from now on; all other values stay the reading's own.

    Parameters
    ----------
    reading : Reading
    protocol_document : dict
        The whole content of a protocol file, such as a cohort leaves.

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
    """Tell whether a value was changed since the protocol came from its file."""
    return reading.protocol_document.name.endswith(_MARK)
