"""Assign segments to vertebral levels by the user's statement, by name or terminology, or by label value."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, sorted_levels
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path
from LumbarHULib.images.segmentation_file import Segment

_LEVEL_IN_NAME = re.compile(r"(?<![a-z0-9])(?:(t|th)(1[1-3])|(l)([1-6])|(s)(1))(?![a-z0-9])")
_WORDS = re.compile(r"[a-z]+")

# Vertebrae that most spines lack: finding code, and what the spine may have.
_EXTRA = {
    "L6": ("sixth_lumbar_vertebra", "a sixth lumbar or a transitional vertebra"),
    "T13": ("thirteenth_thoracic_vertebra", "thirteen pairs of ribs or lumbar ribs"),
}
# Vertebrae that most spines have, with their upper and lower neighbors.
_USUAL = {"L5": ("L4", "S1"), "T12": ("T11", "L1")}

# Smallest distance along S between the centers of two neighboring vertebrae.
_NEIGHBORS_MM = 8.0


@dataclass(frozen=True)
class _Scheme:
    name: str
    value_of_level: dict[str, int]


@dataclass(frozen=True)
class _LabelTables:
    schemes: tuple[_Scheme, ...]
    codes: dict[str, str]
    other_words: frozenset[str]


def levels_of_segments(
    segments: Sequence[Segment], assignments: Mapping[str, str]
) -> tuple[dict[str, Segment], tuple[Finding, ...]]:
    """Return each level's segment, from cranial to caudal, and findings on the assignment.

    Parameters
    ----------
    segments : sequence of Segment
    assignments : mapping of str to str
        The user's statement: a segment's name or label value for each level.

    Raises
    ------
    InputError
        If the user names an unknown segment, two segments have the same level, the levels are in the wrong order, or
        the levels cannot be determined.
    """
    segments, empty = _parted(segments)
    if not segments:
        raise InputError("The segmentation contains no segment of a vertebra: check that it is the right file.")
    assigned = {level: _assigned(level, text, segments) for level, text in assignments.items()}
    by_name = _by_name([segment for segment in segments if segment not in assigned.values()], assigned)
    named = {vertebra: segment for segment in segments if (vertebra := _vertebra_named(segment.name))}
    findings = _count_findings(named)
    found = by_name | assigned
    if not by_name and not any(segment.name for segment in segments):
        by_value, findings = _by_value(segments, assigned)
        found = by_value | assigned
    if not found:
        raise InputError(
            f"No segment is named after a level ({_quoted_names(segments)}): assign each level, {_example(segments)}."
        )
    found = {level: found[level] for level in sorted_levels(found)}
    _check_order(found)
    return found, (*findings, *_empty_findings(empty, found))


def level_named(name: str) -> str | None:
    """Return the level in a segment's name, such as “vertebrae_L1” or “L1 vertebra”; None if there is none."""
    vertebra = _vertebra_named(name)
    return vertebra if vertebra in LEVELS else None


def _vertebra_named(name: str) -> str | None:
    plain = name.lower().replace("_", " ")
    matches = _LEVEL_IN_NAME.finditer(plain)
    levels = {f"{(match[1] or match[3] or match[5])[0]}{match[2] or match[4] or match[6]}".upper() for match in matches}
    words = set(_WORDS.findall(plain))
    words |= {word.removesuffix("s") for word in words}
    return levels.pop() if len(levels) == 1 and not words & _label_tables().other_words else None


@lru_cache
def _label_tables() -> _LabelTables:
    content = read_located_json(resource_path("Segmentations", "vertebra_labels.json")).plain()
    return _LabelTables(
        tuple(_Scheme(scheme["name"], scheme["values"]) for scheme in content["schemes"]),
        content["terminology"]["codes"],
        frozenset(content["other_words"]["words"]),
    )


def _assigned(level: str, text: str, segments: Sequence[Segment]) -> Segment:
    named = [segment for segment in segments if segment.name.strip().lower() == text.strip().lower()]
    if not named:
        named = [segment for segment in segments if str(segment.value) == text.strip()]
    if len(named) != 1:
        many = "several segments have" if named else "no segment has"
        raise InputError(
            f"{level} is assigned to “{text}”, but {many} this name or value: choose one of {_quoted_names(segments)}.",
            level,
        )
    return named[0]


def _by_name(segments: Sequence[Segment], assigned: Mapping[str, Segment]) -> dict[str, Segment]:
    found: dict[str, Segment] = {}
    for segment in segments:
        level = level_named(segment.name) or _level_coded(segment.terminology)
        if level is None or level in assigned:
            continue
        for what, other in (
            ("terminology", _level_coded(segment.terminology)),
            ("file name", level_named(segment.file)),
        ):
            if other not in (None, level):
                raise InputError(
                    f"The segment “{segment.name}” is {level} by its name and {other} by its {what}: correct one of "
                    f"them, or assign it, such as --segment “{level}={segment.name}”.",
                    level,
                )
        if level in found:
            # A name that both segments have cannot distinguish them.
            one = segment.value if found[level].name == segment.name else segment.name
            raise InputError(
                f"Two segments are named {level}, “{found[level].name}” and “{segment.name}”: choose one, such as "
                f"--segment “{level}={one}”.",
                level,
            )
        found[level] = segment
    return found


def _level_coded(terminology: str) -> str | None:
    for level, code in _label_tables().codes.items():
        if f"^{code}^" in terminology:
            return level
    return None


def _by_value(
    segments: Sequence[Segment], assigned: Mapping[str, Segment]
) -> tuple[dict[str, Segment], tuple[Finding, ...]]:
    """Return the levels by the only numbering that agrees with the labels' order along the spine."""
    by_value = {segment.value: segment for segment in segments}
    fitting = [(scheme, found) for scheme in _label_tables().schemes if (found := _if_it_fits(scheme, by_value))]
    # Prefer the numbering that contains the most of the values.
    known = [len(by_value.keys() & set(scheme.value_of_level.values())) for scheme, _ in fitting]
    fitting = [one for one, count in zip(fitting, known, strict=True) if count == max(known)]
    if len(fitting) != 1:
        if assigned:
            agreeing = [scheme for scheme in _label_tables().schemes if _agrees(scheme, assigned)]
            return {}, tuple(finding for scheme in agreeing for finding in _count_by_value(scheme, by_value))
        readings = " or ".join(
            f"{scheme.name} ({', '.join(f'{segment.value} = {level}' for level, segment in found.items())})"
            for scheme, found in fitting
        )
        problem = f"can be read as {readings}" if fitting else f"({_quoted_names(segments)}) follow no known numbering"
        raise InputError(f"The segmentation's label values {problem}: assign each level, {_example(segments)}.")
    scheme, found = fitting[0]
    assigned_values = ", ".join(f"{segment.value} as {level}" for level, segment in found.items())
    note = Finding(
        "labels_read_by_value",
        f"The segmentation names no vertebrae; its label values are read in the numbering of {scheme.name}: "
        f"{assigned_values}.",
        "Check that the levels are right.",
        "note",
    )
    findings = (*_count_by_value(scheme, by_value), note)
    # A segment that the user assigned to a level is no other level by its value.
    others = {level: segment for level, segment in found.items() if segment not in assigned.values()}
    return {level: segment for level, segment in others.items() if level not in assigned}, findings


def _agrees(scheme: _Scheme, assigned: Mapping[str, Segment]) -> bool:
    """Return whether the user's statement agrees with a numbering."""
    return all(scheme.value_of_level.get(level) == segment.value for level, segment in assigned.items())


def _count_by_value(scheme: _Scheme, by_value: Mapping[int, Segment]) -> tuple[Finding, ...]:
    there = {name: by_value[value] for name, value in scheme.value_of_level.items() if value in by_value}
    return _count_findings(there)


def _count_findings(vertebrae: Mapping[str, Segment]) -> tuple[Finding, ...]:
    """Return findings on vertebrae that most spines lack, and on skipped vertebrae that most spines have."""
    findings = [
        Finding(
            code,
            f"The segmentation contains {'an' if name == 'L6' else 'a'} {name} "
            f"(“{vertebrae[name].name or vertebrae[name].value}”): this spine may have {what}, and other programs may "
            "count its levels differently.",
            "Count the vertebrae from the ribs and from the sacrum; exclude a transitional vertebra.",
            "warning",
        )
        for name, (code, what) in _EXTRA.items()
        if name in vertebrae
    ]
    findings += [
        Finding(
            "vertebra_skipped",
            f"The segmentation contains {upper} and {lower} but no {name}: this spine may have one vertebra fewer than "
            "most, or its levels were counted differently.",
            "Count the vertebrae from the ribs and from the sacrum.",
            "warning",
        )
        for name, (upper, lower) in _USUAL.items()
        if upper in vertebrae and lower in vertebrae and name not in vertebrae
    ]
    return tuple(findings)


def _parted(segments: Sequence[Segment]) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Return the segments with voxels, and those without."""
    return (
        tuple(segment for segment in segments if not segment.is_empty),
        tuple(segment for segment in segments if segment.is_empty),
    )


def _empty_findings(empty: Sequence[Segment], found: Mapping[str, Segment]) -> tuple[Finding, ...]:
    """Return a finding on levels whose segments have no voxels."""
    names = {level: segment for segment in empty if (level := level_named(segment.name)) and level not in found}
    if not names:
        return ()
    levels = ", ".join(f"{level} (“{segment.name}”)" for level, segment in sorted(names.items()))
    return (
        Finding(
            "segment_empty",
            f"The segmentation has no voxels for {levels}: {'it is' if len(names) == 1 else 'they are'} not measured.",
            "Draw the missing segment, or check that the segmentation was saved completely.",
            "severe",
        ),
    )


def _if_it_fits(scheme: _Scheme, by_value: Mapping[int, Segment]) -> dict[str, Segment]:
    """Return the segments of T12 to L5 if at least two vertebrae are in a numbering's order; otherwise none."""
    ranks = {level: rank for rank, level in enumerate(_from_cranial(scheme))}
    present = {level: by_value[value] for level, value in scheme.value_of_level.items() if value in by_value}
    order = sorted(present, key=ranks.__getitem__)
    if len(order) < 2:
        return {}
    for upper, lower in pairwise(order):
        drop_mm = present[upper].middle_ras_mm[2] - present[lower].middle_ras_mm[2]
        if drop_mm < _NEIGHBORS_MM * (ranks[lower] - ranks[upper]):
            return {}
    return {level: present[level] for level in LEVELS if level in present}


def _from_cranial(scheme: _Scheme) -> list[str]:
    return sorted(scheme.value_of_level, key=lambda level: ("CTLS".index(level[0]), int(level[1:])))


def _check_order(found: Mapping[str, Segment]) -> None:
    for upper, lower in pairwise(found):
        if found[upper].middle_ras_mm[2] - found[lower].middle_ras_mm[2] < _NEIGHBORS_MM:
            raise InputError(
                f"The segment of {lower} is not below that of {upper}: check the segments' names, or assign the level, "
                f"such as --segment “{lower}=NAME”.",
                lower,
            )


def _quoted_names(segments: Sequence[Segment], most: int = 8) -> str:
    names = [f"“{segment.name}”" if segment.name else str(segment.value) for segment in segments]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _example(segments: Sequence[Segment]) -> str:
    one = segments[0].name or segments[0].value
    return f"such as --segment “L1={one}”"
