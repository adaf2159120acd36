"""Read where the rods of a phantom are from a markup file of Slicer: a point in each rod, or a line along each."""

from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.rod_regions import RodPlace
from LumbarHULib.files.markup_json import load_markups_json, placed_points

# Rods are parallel to the table, along the patient's axis from caudal to cranial.
ALONG_THE_TABLE_RAS = np.array([0.0, 0.0, 1.0])

# A shorter line has no direction.
_SHORTEST_LINE_MM = 1.0


def read_rod_places(path: Path, length_mm: float) -> tuple[tuple[RodPlace, ...], str]:
    """Return the place of each rod, and whether the file has ``points`` or ``lines``.

    Parameters
    ----------
    path : pathlib.Path
        A ``.mrk.json`` file: a point list with a point in each rod, named after it, or a line along each rod, named
        after it.
    length_mm : float
        Length of the cylinder around a point; a line has its own.

    Raises
    ------
    InputError
        If the file cannot be read, contains neither, or a mark has no name.
    """
    path = Path(path)
    places = []
    kinds = set()
    for entry in load_markups_json(path):
        kind = entry.get("type")
        if kind == "Fiducial":
            kinds.add("points")
            points, positions_ras_mm = placed_points(entry, f"The point list in “{path.name}”")
            for point, position in zip(points, positions_ras_mm, strict=True):
                name = _name(path, point.get("label"), "point")
                places.append(RodPlace(name, position, ALONG_THE_TABLE_RAS, length_mm))
        elif kind == "Line":
            kinds.add("lines")
            places.append(_place_on_line(path, entry))
    if len(kinds) != 1 or not places:
        found = "both points and lines" if kinds else "neither points nor lines"
        raise InputError(
            f"“{path.name}” contains {found if len(kinds) != 1 else 'no placed point'}: save one list with a point in "
            "each rod, or a line along each rod, named after the rods."
        )
    return tuple(places), kinds.pop()


def _place_on_line(path: Path, entry: dict[str, Any]) -> RodPlace:
    name = _name(path, entry.get("name"), "line")
    _, ends_ras_mm = placed_points(entry, f"The line {name} in “{path.name}”")
    if len(ends_ras_mm) != 2:
        raise InputError(f"The line {name} in “{path.name}” has {len(ends_ras_mm)} points: give its two ends.")
    along_mm = ends_ras_mm[1] - ends_ras_mm[0]
    length_mm = float(np.linalg.norm(along_mm))
    if length_mm < _SHORTEST_LINE_MM:
        raise InputError(
            f"The line {name} in “{path.name}” is {length_mm:.2g} mm long: draw it along the rod, over at least "
            f"{_SHORTEST_LINE_MM:g} mm."
        )
    return RodPlace(name, ends_ras_mm.mean(axis=0), along_mm / length_mm, length_mm)


def _name(path: Path, name: object, what: str) -> str:
    text = str(name or "").strip()
    if not text:
        raise InputError(f"A {what} in “{path.name}” has no name: name each after its rod.")
    return text
