"""Check the readings stored in a scene, because scene files may be damaged or edited."""

import numpy as np

from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.mrml.level_review import ACCEPTED_PREFIX
from LumbarHULib.mrml.node_types import Scene, VolumeNode
from LumbarHULib.mrml.reading import SCHEMA_VERSION, Reading, reading_nodes
from LumbarHULib.mrml.reading_calibration import is_calibration_sound
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, ORIGIN_PREFIX

_OWN_ROLES = ("CT", *ROIS, *(f"{level}-{role}" for level in LEVELS for role in MARKUP_ROLES))
_HISTORY_ENTRY = {"what", "who", "when", "reason"}
_ORIGIN = {"kind", "corrected_mm", "corrected_deg", "points_ras_mm"}


def usable_readings(scene: Scene) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """Return the usable readings of a scene, and for each other reading a sentence with the reason."""
    usable, problems = [], []
    for reading in map(Reading, reading_nodes(scene)):
        problem = problem_of(reading)
        if problem:
            problems.append(problem)
        else:
            usable.append(reading)
    return tuple(usable), tuple(problems)


def usable_readings_of(ct_node: VolumeNode) -> tuple[Reading, ...]:
    """Return the usable readings of one CT, in the order in which they were started."""
    return tuple(reading for reading in usable_readings(ct_node.GetScene())[0] if reading.ct_node is ct_node)


def node_ids_of(reading: Reading) -> tuple[str, ...]:
    """Return the IDs of the CT, the regions and the markups that a reading has now; empty where it lacks one."""
    node = reading.node
    return tuple(node.GetNodeReferenceID(role) if node.GetNodeReference(role) else "" for role in _OWN_ROLES)


def problem_of(reading: Reading) -> str:
    """Return the reason why a reading cannot be used, as one sentence; empty when it can."""
    name = reading.node.GetName()
    for parameter, is_sound in _CHECKS.items():
        try:
            sound = is_sound(reading)
        except (ValueError, TypeError, KeyError, AttributeError):
            sound = False
        if not sound:
            return (
                f"“{name}” cannot be opened, because its parameter “{parameter}” in the scene is damaged: open an "
                "earlier copy of the scene, or start a new reading."
            )
    if reading.value("schema") > SCHEMA_VERSION:
        return f"“{name}” was saved by a newer version of LumbarHU: update LumbarHU to open it."
    return ""


def require_usable(reading: Reading) -> None:
    """Raise InputError when a reading cannot be used."""
    problem = problem_of(reading)
    if problem:
        raise InputError(problem)


def _is_text_by_level(value: object) -> bool:
    return isinstance(value, dict) and all(level in LEVELS and isinstance(text, str) for level, text in value.items())


def _is_history(value: object) -> bool:
    return isinstance(value, list) and all(
        set(entry) == _HISTORY_ENTRY and all(isinstance(text, str) for text in entry.values()) for entry in value
    )


def _are_scan_facts(reading: Reading) -> bool:
    facts = reading.scan_facts
    return isinstance(facts.described, tuple) and isinstance(facts.orientation_known, bool)


def _are_notes(reading: Reading) -> bool:
    """Return whether the stored origins of markups and regions, and the accepted midlines, have the expected form."""
    values = {name: reading.value(name) for name in reading.node.GetParameterNames() if name.startswith(tuple(_NOTES))}
    return all(
        is_sound(values[name])
        for prefix, is_sound in _NOTES.items()
        for name in values
        if name.startswith(prefix) and values[name] is not None
    )


def _is_origin(value: object) -> bool:
    # Older scenes, from before proposals, have no findings, and from before ends were recorded, no ends.
    if not isinstance(value, dict) or set(value) - {"findings", "ends"} != _ORIGIN:
        return False
    MidlineOrigin(value["kind"], ends=value.get("ends", ()))  # it raises for what it does not know, and so do findings
    return _are_points(value["points_ras_mm"]) and all(Finding(**item) for item in value.get("findings", ()))


def _are_points(value: object) -> bool:
    return isinstance(value, list) and np.array(value, dtype=float).reshape(-1, 3).shape[0] == len(value)


_NOTES = {
    "written ": lambda value: isinstance(value, list),
    ORIGIN_PREFIX: _is_origin,
    ACCEPTED_PREFIX: _are_points,
}


# Checked in this order; the message names the first damaged parameter.
_CHECKS = {
    "schema": lambda reading: isinstance(reading.value("schema"), int),
    "uid": lambda reading: bool(reading.uid),
    "reader": lambda reading: bool(reading.reader.strip()),
    "number": lambda reading: reading.number >= 1,
    "ordinal": lambda reading: int(reading.node.GetParameter("ordinal")) >= 1,
    "protocol": lambda reading: reading.protocol.is_of_study_regions,
    "cutoffs": lambda reading: isinstance(reading.cutoffs, CutoffTable),
    "scan_facts": _are_scan_facts,
    "scan_findings": lambda reading: isinstance(reading.scan_findings, tuple),
    "calibration": is_calibration_sound,
    "accepts_off_protocol": lambda reading: isinstance(reading.accepts_off_protocol, bool),
    "blinded": lambda reading: isinstance(reading.value("blinded", True), bool),
    "exclusions": lambda reading: _is_text_by_level(reading.exclusions),
    "skipped": lambda reading: set(reading.skipped_levels) <= set(LEVELS),
    "history": lambda reading: _is_history(reading.history),
    "notes": _are_notes,
}
