"""What record.json tells of each level, held against a measurement of the record's own markups."""

from collections.abc import Iterator, Mapping, Sequence

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.files.audit_folder import RECORD
from LumbarHULib.files.audit_record import level_record

# What follows from a level's markups. Its findings and its regions' numbers are compared with the tables.
_FOLLOWING = ("frame", "mid_slice", "slices", "boundary", "shapes")

# Of mm, degrees and fractions: finer than a voxel can tell, coarser than what another version of numpy may round.
_TOLERANCE = 1e-4


def record_differences(record: dict, ct: CtVolume) -> list[str]:
    """Return how frames, slices, boundaries and shapes in the record differ from what its markups and protocol give.

    Parameters
    ----------
    record : dict
        The folder's record.
    ct : CtVolume
        The CT that it is of.
    """
    values = record["protocol_values"]
    try:
        protocol = Protocol(**values | {"mean_levels": tuple(values["mean_levels"])})
        stack = axial_stack(ct, protocol)
    except (InputError, TypeError) as problem:
        return [f"{RECORD}: its protocol values cannot be used: {problem}"]
    differences = []
    for recorded in record["levels"]:
        try:
            anew = level_record(measure_level(stack, _landmarks(recorded), protocol), stack)
        except InputError as problem:
            differences.append(f"{RECORD}, {recorded['level']}: its markups cannot be measured: {problem}")
            continue
        for name in _FOLLOWING:
            where = f"{RECORD}, {recorded['level']}, {name}"
            differences += [
                f"{where}{place}: expected {expected}, found {found}."
                for place, expected, found in _unlike(anew[name], recorded[name])
            ]
    return differences


def _landmarks(recorded: Mapping) -> Landmarks:
    return Landmarks(
        recorded["level"],
        recorded["midline"]["points_ras_mm"],
        recorded["boundary"]["points_ras_mm"],
        recorded["outline"]["points_ras_mm"],
        MidlineOrigin(**recorded["midline"]["origin"]),
    )


def _unlike(expected, found, place: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield place, expected and found of every value that differs in two documents of one form."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and expected.keys() == found.keys():
        for name in expected:
            yield from _unlike(expected[name], found[name], f"{place}.{name}")
    elif _is_list(expected) and _is_list(found) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
            yield from _unlike(one, other, f"{place}[{number}]")
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        if abs(expected - found) > _TOLERANCE:
            yield place, expected, found
    elif expected != found:
        yield place, expected, found


def _is_list(value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
