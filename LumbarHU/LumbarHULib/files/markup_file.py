"""Slicer's markup files (``.mrk.json``): read and write the midline, boundary and outline of each level."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import parse_level, sorted_levels
from LumbarHULib.files.file_managers import entries
from LumbarHULib.files.markup_json import load_markups_json, placed_points, write_markup_json
from LumbarHULib.files.markup_origin import is_automatic, is_made_for, midline_findings_of, midline_origin_of
from LumbarHULib.files.suggest_subfolder import suggest_subfolder

SUFFIX = ".mrk.json"

# Slicer's markup type for each role.
MARKUP_TYPES: dict[str, str] = {"midline": "Line", "boundary": "Line", "outline": "ClosedCurve"}

# “L3-midline”, “l3 Midline”, “L3_midline_1” (Slicer's name for a second one) and “L3-midline (1)” (a browser's).
_ROLE_NAME = re.compile(
    r"(?P<level>[a-z]+\d+)[\s_-]*(?P<role>midline|boundary|outline)(?:[\s_-]*\(?\d+\)?)?", re.IGNORECASE
)
_ROLE_WORD = re.compile("midline|boundary|outline", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class MarkupSet:
    """The markups found in one or more files.

    Parameters
    ----------
    landmarks : tuple of Landmarks
        One for each level that has a midline, from cranial to caudal.
    findings : tuple of Finding
        A note on ignored markups, and findings on the proposals as a whole.
    level_findings : tuple of Finding
        Findings on the proposals of single levels.
    found_outlines_ras_mm : mapping of str to numpy.ndarray, shape (n, 3)
        By level, the outline that LumbarHU found earlier for the same midline. It is not part of the landmarks, because
        LumbarHU finds it again.
    problems : mapping of str to InputError
        By level, the reason why its markups cannot be used: a wrong number of points, or no midline.
    """

    landmarks: tuple[Landmarks, ...]
    findings: tuple[Finding, ...] = ()
    level_findings: tuple[Finding, ...] = ()
    found_outlines_ras_mm: Mapping[str, np.ndarray] = field(default_factory=dict)
    problems: Mapping[str, InputError] = field(default_factory=dict)

    @property
    def levels(self) -> tuple[str, ...]:
        """Return the levels that have markups, usable or not, from cranial to caudal."""
        return sorted_levels({*self.problems, *(level_landmarks.level for level_landmarks in self.landmarks)})


@dataclass(frozen=True, eq=False)
class _Markup:
    """One recognized markup and its file."""

    path: Path
    level: str
    role: str
    points_ras_mm: np.ndarray
    description: str

    @property
    def is_automatic(self) -> bool:
        """Return whether LumbarHU made it and nobody moved it. It is then made again from midline, CT and protocol."""
        return self.role != "midline" and is_automatic(self.description, self.points_ras_mm)


def read_markups(paths: list[Path]) -> MarkupSet:
    """Read the markups of all levels.

    A markup is recognized by its name in the file, otherwise by the file's name: ``L1-midline``, ``L1-boundary`` or
    ``L1-outline``. Only midlines are required. LumbarHU makes a boundary or outline again if LumbarHU made it and
    nobody has moved it since.

    Parameters
    ----------
    paths : list of pathlib.Path
        Markup files, or folders whose ``.mrk.json`` files are read.

    Raises
    ------
    InputError
        If a file cannot be read, a level is unknown, a markup is given twice, or a markup has the wrong type.
    """
    found: dict[tuple[str, str], _Markup] = {}
    ignored = 0
    for path in _markup_paths(paths):
        recognized, ignored_here = _read_file(path)
        for markup in recognized:
            other = found.setdefault((markup.level, markup.role), markup)
            if other is not markup:
                raise InputError(
                    f"The {markup.role} of {markup.level} is given twice, in {_quoted_pair(other.path, markup.path)}: "
                    "keep one of them.",
                    markup.level,
                )
        ignored += ignored_here
    if not found:
        raise InputError(
            f"{_listed([path.name or str(path) for path in paths])} contains no markup of a level: name the files "
            f"L1-midline{SUFFIX}, L1-boundary{SUFFIX} or L1-outline{SUFFIX}, and so on for L2 to L4."
        )
    levels = sorted_levels({level for level, _ in found})
    problems: dict[str, InputError] = {}
    landmarks = []
    for level in levels:
        try:
            landmarks.append(_landmarks_of(level, found))
        except InputError as problem:
            problems[level] = problem
    doubts = [
        finding
        for level_landmarks in landmarks
        for finding in midline_findings_of(
            found[level_landmarks.level, "midline"].description, level_landmarks.level, level_landmarks.origin
        )
    ]
    return MarkupSet(
        tuple(landmarks),
        (*_ignored_markups(ignored), *dict.fromkeys(finding for finding in doubts if not finding.level)),
        tuple(finding for finding in doubts if finding.level),
        {
            level_landmarks.level: found[level_landmarks.level, "outline"].points_ras_mm
            for level_landmarks in landmarks
            if _is_outline_found(level_landmarks.level, found)
        },
        problems,
    )


def write_markup(path: Path, role: str, name: str, points_ras_mm: ArrayLike, description: str = "") -> None:
    """Write one markup as Slicer does, in LPS, each coordinate with all its digits.

    Parameters
    ----------
    path : pathlib.Path
        The file, usually ``<name>.mrk.json``.
    role : str
        ``midline`` and ``boundary`` become a line, ``outline`` a closed curve.
    name : str
        The markup's name, such as ``L1-midline``.
    points_ras_mm : array_like, shape (n, 3)
        Control points in RAS mm.
    description : str
        Description of the first point, which states the markup's origin: see `markup_origin`.
    """
    points_ras_mm = np.asarray(points_ras_mm, dtype=float).reshape(-1, 3)
    labels = [f"{name}-{number}" for number in range(1, len(points_ras_mm) + 1)]
    write_markup_json(path, MARKUP_TYPES[role], name, points_ras_mm, labels, description)


def _markup_paths(paths: list[Path]) -> list[Path]:
    """Return every file once, with folders replaced by their markup files, sorted by name."""
    files = []
    for path in paths:
        if path.is_dir():
            inside = _files_in(path)
            if not inside:
                advice = (
                    suggest_subfolder(path, lambda below: bool(_files_in(below)))
                    or "save the markups from Slicer into it."
                )
                raise InputError(f"The folder “{path.name or path}” contains no {SUFFIX} file: {advice}")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"There is no markup file or folder “{path}”: check the path.")
    return list({os.path.realpath(file): file for file in files}.values())


def _files_in(folder: Path) -> list[Path]:
    return [file for file in entries(folder) if file.name.lower().endswith(SUFFIX)]


def _read_file(path: Path) -> tuple[list[_Markup], int]:
    """Return the markups of a file that have a role, and the number of markups without one."""
    entries = load_markups_json(path)
    recognized = []
    for entry in entries:
        name = str(entry.get("name") or "")
        # A file's name can name only one markup; several unnamed markups cannot be distinguished.
        role = _level_and_role(path, name, _stem(path) if len(entries) == 1 else "")
        if role is not None:
            recognized.append(_checked_markup(path, *role, entry))
    return recognized, len(entries) - len(recognized)


def _stem(path: Path) -> str:
    return re.sub(r"(\.mrk)?\.json$", "", path.name, flags=re.IGNORECASE)


def _level_and_role(path: Path, name: str, stem: str) -> tuple[str, str] | None:
    """Return level and role by the markup's name, otherwise by the file's name."""
    from_name, from_stem = _parsed_name(name), _parsed_name(stem)
    if from_name and from_stem and from_name != from_stem:
        raise InputError(
            f"“{path.name}” contains a markup named “{name}”: give file and markup the same level and role.",
            from_name[0],
        )
    return from_name or from_stem


def _parsed_name(text: str) -> tuple[str, str] | None:
    match = _ROLE_NAME.fullmatch(text.strip())
    if match:
        try:
            return parse_level(match["level"]), match["role"].lower()
        except InputError as error:
            raise InputError(f"The markup “{text}”: {error}") from error
    if _ROLE_WORD.search(text):
        raise InputError(
            f"The markup “{text}” names no level and role: name it like L3-midline, L3-boundary or L3-outline, "
            "or remove it."
        )
    return None


def _checked_markup(path: Path, level: str, role: str, entry: dict[str, Any]) -> _Markup:
    wanted = MARKUP_TYPES[role]
    if entry.get("type") != wanted:
        raise InputError(
            f"The {role} of {level} in “{path.name}” is a {entry.get('type')} markup: draw it as a {wanted}.",
            level,
        )
    placed, points_ras_mm = placed_points(entry, f"The {role} of {level} in “{path.name}”", level)
    description = str(placed[0].get("description", "")) if placed else ""
    return _Markup(path, level, role, points_ras_mm, description)


def _landmarks_of(level: str, found: dict[tuple[str, str], _Markup]) -> Landmarks:
    midline, boundary, outline = (found.get((level, role)) for role in ("midline", "boundary", "outline"))
    if midline is None:
        first = next(one for one in (boundary, outline) if one is not None)
        what = f"{'a' if first.role == 'boundary' else 'an'} {first.role} (“{first.path.name}”)"
        raise InputError(f"{level} has {what} but no midline: add {level}-midline{SUFFIX}.", level)
    return Landmarks(
        level,
        midline.points_ras_mm,
        None if boundary is None or boundary.is_automatic else boundary.points_ras_mm,
        None if outline is None or outline.is_automatic else outline.points_ras_mm,
        midline_origin_of(midline.description, midline.points_ras_mm),
    )


def _is_outline_found(level: str, found: Mapping[tuple[str, str], _Markup]) -> bool:
    outline = found.get((level, "outline"))
    if outline is None or not outline.is_automatic:
        return False
    return is_made_for(outline.description, found[level, "midline"].points_ras_mm)


def _ignored_markups(count: int) -> tuple[Finding, ...]:
    if count == 0:
        return ()
    # The finding omits the names: it goes into the audit folder, and a file may be named after its patient.
    what = "One markup was ignored: its name gives" if count == 1 else f"{count} markups were ignored: their names give"
    remedy = "Name each markup to be used L3-midline, L3-boundary or L3-outline, and so on."
    return (Finding("markup_left_aside", f"{what} no level and role.", remedy, "note"),)


def _listed(names: list[str]) -> str:
    """Return the first names in quotes, and the number of further names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"“{name}”" for name in names[:3]) + more


def _quoted_pair(first: Path, second: Path) -> str:
    if first == second:
        return f"“{first.name}”"
    if first.name == second.name:
        return f"“{first}” and “{second}”"
    return f"“{first.name}” and “{second.name}”"
