"""The date of a CT as its user states it, stored with the CT's node; a date in the CT's headers is never stored."""

from LumbarHULib.audit.ct_date import parse_date
from LumbarHULib.mrml.node_types import VolumeNode

_ATTRIBUTE = "LumbarHU.date"


def stated_date_of(ct_node: VolumeNode) -> str:
    """Return the date that was stated for a CT as year-month-day; empty if there is none."""
    return (ct_node.GetAttribute(_ATTRIBUTE) or "") if ct_node is not None else ""


def state_date(ct_node: VolumeNode, text: str) -> None:
    """State the date of a CT as year-month-day, or remove the statement by an empty text.

    Raises
    ------
    InputError
        When it is not a date, earlier than any CT, or in the future.
    """
    text = text.strip()
    value = str(parse_date(text, f"the CT “{ct_node.GetName()}”")) if text else ""
    if stated_date_of(ct_node) != value:
        ct_node.SetAttribute(_ATTRIBUTE, value)
