"""What a CT is called in results: kept with its node, so that no other CT ever takes over its name."""

from LumbarHULib.mrml.reading import Reading, set_case
from LumbarHULib.mrml.reading_check import usable_readings_of

_ATTRIBUTE = "LumbarHU.case"


def case_of(ct_node) -> str:
    """Return what a CT is called; empty where nobody named it yet."""
    kept = ct_node.GetAttribute(_ATTRIBUTE)
    if kept is not None:
        return kept
    # Scenes of before the CT kept its name.
    return next((reading.case for reading in reversed(usable_readings_of(ct_node)) if reading.case), "")


def name_case(ct_node, case: str, reading: Reading | None = None) -> None:
    """Call a CT, and a reading of it that is not signed off, by a name in results."""
    case = " ".join(case.split())
    if ct_node.GetAttribute(_ATTRIBUTE) != case:
        ct_node.SetAttribute(_ATTRIBUTE, case)
    if reading is not None and reading.case != case:
        set_case(reading, case)
