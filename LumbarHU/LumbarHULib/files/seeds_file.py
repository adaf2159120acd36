"""Read and write seeds: a Slicer point list with one point in each vertebral body, named after its level."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, parse_level
from LumbarHULib.files.markup_json import load_markups_json, placed_points, write_markup_json

# Slicer's internal type name for a point list.
_POINT_LIST = "Fiducial"


def read_seeds(path: Path) -> dict[str, np.ndarray]:
    """Return one point per level, RAS mm, from cranial to caudal.

    Parameters
    ----------
    path : Path
        A ``.mrk.json`` file with one point list.

    Raises
    ------
    InputError
        If the file cannot be read, does not contain exactly one point list, or has a point whose name is not a level or
        occurs twice.
    """
    if not path.exists():
        raise InputError(f"There is no file “{path}”: check the path.")
    if path.is_dir():
        raise InputError(f"“{path.name}” is a folder: choose the point list in it, such as {path.name}/seeds.mrk.json.")
    lists = [entry for entry in load_markups_json(path) if entry.get("type") == _POINT_LIST]
    if len(lists) != 1:
        count = "no point list" if not lists else f"{len(lists)} point lists"
        raise InputError(f"“{path.name}” contains {count}: save one list with a point in each body, named L1 to L4.")
    points, positions_ras_mm = placed_points(lists[0], f"The point list in “{path.name}”")
    if not points:
        raise InputError(f"The point list in “{path.name}” is empty: place a point in each body, named L1 to L4.")
    seeds: dict[str, np.ndarray] = {}
    for point, position in zip(points, positions_ras_mm, strict=True):
        label = str(point.get("label") or "")
        try:
            level = parse_level(label)
        except InputError:
            raise InputError(
                f"The name of the point “{label}” in “{path.name}” is not a level: name each point after its vertebral "
                f"body, one of {', '.join(LEVELS)}."
            ) from None
        if level in seeds:
            raise InputError(f"“{path.name}” has two points named {level}: remove or rename one of them.", level)
        seeds[level] = position
    return {level: seeds[level] for level in LEVELS if level in seeds}


def write_seeds(path: Path, seeds_ras_mm: Mapping[str, ArrayLike]) -> None:
    """Write one point list with a point for each level, as `read_seeds` reads it."""
    points_ras_mm = np.array(list(seeds_ras_mm.values()), dtype=float).reshape(-1, 3)
    write_markup_json(path, _POINT_LIST, "seeds", points_ras_mm, list(seeds_ras_mm))
