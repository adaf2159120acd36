"""What record.json tells of each level, held against a measurement of the record's own markups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.audit.record import level_record
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.cutoffs import Cutoff, RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.pipeline import Composer
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult
from LumbarHULib.core.sensitivity import roi_placement

# What follows from a level's markups. Its findings and its regions' numbers are compared with the tables.
_FOLLOWING = ("frame", "mid_slice", "slices", "boundary", "shapes")

# Of mm, degrees and fractions: finer than a voxel can tell, coarser than what another version of numpy may round.
_TOLERANCE = 1e-4

# In HU and in shares of the trials: a geometry that another file format keeps in single precision may tip a voxel.
_PLACEMENT_TOLERANCE = 0.01


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
    differences, levels = [], {}
    for recorded in record["levels"]:
        try:
            level = _level_anew(stack, recorded, protocol)
        except InputError as problem:
            differences.append(f"{RECORD}, {recorded['level']}: its markups cannot be measured: {problem}")
            continue
        anew = level_record(level, stack)
        for name in _FOLLOWING:
            differences += _told_apart(f"{recorded['level']}, {name}", anew[name], recorded[name])
        for roi, of_roi in recorded["rois"].items():
            found = of_roi["placement_sd_hu"]
            where = f"{recorded['level']}, {roi}, placement_sd_hu"
            differences += _told_apart(where, level.trials.sd_hu[roi], found, _PLACEMENT_TOLERANCE)
        levels[level.level] = level
    return differences + _summary_differences(record, levels)


def _level_anew(stack: AxialStack, recorded: Mapping, protocol: Protocol) -> LevelResult:
    """Return a level measured by its recorded markups, with the trials of its placement."""
    composer = Composer()
    level = composer.measure_level(stack, _landmarks(recorded), protocol)
    rois = {roi: replace(of_roi, edited=recorded["rois"][roi]["edited"]) for roi, of_roi in level.rois.items()}
    return composer.with_trials(stack, replace(level, rois=rois), protocol)


def _summary_differences(record: Mapping, levels: Mapping[str, LevelResult]) -> list[str]:
    """Return how the trials of a mean over levels differ from what those of the levels give."""
    differences = []
    for recorded in record["summaries"]:
        if not set(recorded["levels"]) <= levels.keys():
            continue  # told above
        both = record["cutoffs"]["rois"][recorded["roi"]]
        cutoffs = RoiCutoffs(*(Cutoff(both[name]["value"]) for name in ("osteoporosis", "normal")))
        used = [levels[level] for level in recorded["levels"]]
        placement = roi_placement(recorded["roi"], used, cutoffs, recorded["class"] != "not_classified")
        anew = None if placement is None else asdict(placement)
        differences += _told_apart(f"{recorded['roi']}, placement", anew, recorded["placement"], _PLACEMENT_TOLERANCE)
    return differences


def _told_apart(where: str, expected, found, tolerance: float = _TOLERANCE) -> list[str]:
    return [
        f"{RECORD}, {where}{place}: expected {one}, found {other}."
        for place, one, other in _unlike(expected, found, tolerance)
    ]


def _landmarks(recorded: Mapping) -> Landmarks:
    return Landmarks(
        recorded["level"],
        recorded["midline"]["points_ras_mm"],
        recorded["boundary"]["points_ras_mm"],
        recorded["outline"]["points_ras_mm"],
        MidlineOrigin(**recorded["midline"]["origin"]),
    )


def _unlike(expected, found, tolerance: float, place: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield place, expected and found of every value that differs in two documents of one form."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and expected.keys() == found.keys():
        for name in expected:
            yield from _unlike(expected[name], found[name], tolerance, f"{place}.{name}")
    elif _is_list(expected) and _is_list(found) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
            yield from _unlike(one, other, tolerance, f"{place}[{number}]")
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        if abs(expected - found) > tolerance:
            yield place, expected, found
    elif expected != found:
        yield place, expected, found


def _is_list(value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
