"""Whether what a scene keeps of a reading can be used: scenes are files, and files are damaged or edited."""

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.mrml.reading import SCHEMA_VERSION, Reading, reading_nodes

_HISTORY_ENTRY = {"what", "who", "when", "reason"}
_ORIGIN = {"kind", "corrected_mm", "corrected_deg", "points_ras_mm"}


def usable_readings(scene) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """Return the readings of a scene that can be worked with, and for each other one a sentence that tells why not."""
    usable, problems = [], []
    for reading in map(Reading, reading_nodes(scene)):
        problem = problem_of(reading)
        if problem:
            problems.append(problem)
        else:
            usable.append(reading)
    return tuple(usable), tuple(problems)


def usable_readings_of(ct_node) -> tuple[Reading, ...]:
    """Return the readings of one CT that can be worked with, in the order in which they were started."""
    return tuple(reading for reading in usable_readings(ct_node.GetScene())[0] if reading.ct_node is ct_node)


def problem_of(reading: Reading) -> str:
    """Return why a reading cannot be worked with, in one sentence; empty when it can."""
    name = reading.node.GetName()
    for parameter, is_sound in _CHECKS.items():
        try:
            sound = is_sound(reading)
        except (ValueError, TypeError, KeyError, AttributeError):
            sound = False
        if not sound:
            return (
                f"“{name}” cannot be opened, what the scene keeps as “{parameter}” is damaged: open an earlier copy of "
                "the scene, or start a new reading."
            )
    if reading.value("schema") > SCHEMA_VERSION:
        return f"“{name}” was kept by a newer version of LumbarHU: update LumbarHU to open it."
    return ""


def require_usable(reading: Reading) -> None:
    """Raise InputError when a reading cannot be worked with."""
    problem = problem_of(reading)
    if problem:
        raise InputError(problem)


def _is_text_by_level(value) -> bool:
    return isinstance(value, dict) and all(level in LEVELS and isinstance(text, str) for level, text in value.items())


def _is_history(value) -> bool:
    return isinstance(value, list) and all(
        set(entry) == _HISTORY_ENTRY and all(isinstance(text, str) for text in entry.values()) for entry in value
    )


def _are_scan_facts(reading: Reading) -> bool:
    facts = reading.scan_facts
    return isinstance(facts.told, tuple) and isinstance(facts.orientation_known, bool)


def _are_notes(reading: Reading) -> bool:
    """Tell whether what LumbarHU noted of the making of markups and regions is of the form that it gave it."""
    for name in reading.node.GetParameterNames():
        value = reading.value(name) if name.startswith(("written ", "origin ")) else None
        if value is not None and not (_is_origin(value) if name.startswith("origin ") else isinstance(value, list)):
            return False
    return True


def _is_origin(value) -> bool:
    # Scenes of before there were proposals hold no findings of them.
    return (
        isinstance(value, dict)
        and set(value) - {"findings"} == _ORIGIN
        and all(Finding(**item) for item in value.get("findings", ()))
    )


# In this order: the first that is damaged is named.
_CHECKS = {
    "schema": lambda reading: isinstance(reading.value("schema"), int),
    "uid": lambda reading: bool(reading.uid),
    "reader": lambda reading: bool(reading.reader.strip()),
    "number": lambda reading: reading.number >= 1,
    "ordinal": lambda reading: int(reading.node.GetParameter("ordinal")) >= 1,
    "protocol": lambda reading: isinstance(reading.protocol, Protocol),
    "cutoffs": lambda reading: bool(reading.cutoffs.rois),
    "scan_facts": _are_scan_facts,
    "scan_findings": lambda reading: isinstance(reading.scan_findings, tuple),
    "accepts_off_protocol": lambda reading: isinstance(reading.accepts_off_protocol, bool),
    "blinded": lambda reading: isinstance(reading.value("blinded", True), bool),
    "exclusions": lambda reading: _is_text_by_level(reading.exclusions),
    "skipped": lambda reading: set(reading.skipped_levels) <= set(LEVELS),
    "history": lambda reading: _is_history(reading.history),
    "notes": _are_notes,
}
