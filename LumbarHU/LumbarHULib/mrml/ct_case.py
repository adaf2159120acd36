"""The name of a CT in results, stored with its node, so that no other CT takes over the name."""

from LumbarHULib.mrml.node_types import VolumeNode
from LumbarHULib.mrml.reading import Reading, set_case
from LumbarHULib.mrml.reading_check import usable_readings_of

_ATTRIBUTE = "LumbarHU.case"


def case_of(ct_node: VolumeNode) -> str:
    """Return the name of a CT in results; empty where it has no name yet."""
    kept = ct_node.GetAttribute(_ATTRIBUTE)
    if kept is not None:
        return kept
    # Older scenes store the name with the readings only.
    return next((reading.case for reading in reversed(usable_readings_of(ct_node)) if reading.case), "")


def name_case(ct_node: VolumeNode, case: str, reading: Reading | None = None) -> None:
    """Set the name of a CT in results, and that of a reading of it that is not signed off."""
    case = " ".join(case.split())
    if ct_node.GetAttribute(_ATTRIBUTE) != case:
        ct_node.SetAttribute(_ATTRIBUTE, case)
    if reading is not None and reading.case != case:
        set_case(reading, case)
