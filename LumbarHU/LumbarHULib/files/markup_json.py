"""Read and write what all of Slicer's markup files (``.mrk.json``) share: a list of markups and their points."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_bytes import read_file

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)

# The numbers are accepted only as text: in Slicer's enumeration 0 is RAS, but Slicer 5.13 reads a bare 0 as LPS.
_LPS_OR_RAS = {"LPS": (-1.0, -1.0, 1.0), "1": (-1.0, -1.0, 1.0), "RAS": (1.0, 1.0, 1.0), "0": (1.0, 1.0, 1.0)}

# No point in a CT is farther from the origin.
_LARGEST_COORDINATE_MM = 1e9


def load_markups_json(path: Path) -> list[dict[str, Any]]:
    """Return the markups in one of Slicer's markup files.

    Raises
    ------
    InputError
        If the file cannot be read or contains no markup.
    """
    entries = _document(path).get("markups")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(
            f"“{path.name}” has no list of markups, so it is not a Slicer markup file: save it from Slicer again."
        )
    if not entries:
        raise InputError(f"“{path.name}” contains no markup: save it from Slicer again, or remove it.")
    return entries


def _document(path: Path) -> dict[str, Any]:
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"“{path.name}” is not a text file: save the markup from Slicer again.") from error
    if not text.strip():
        raise InputError(f"“{path.name}” is empty: save the markup from Slicer again.")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"“{path.name}” is not valid JSON in line {error.lineno} ({error.msg}): save the markup from Slicer again."
        ) from error
    except ValueError as error:
        # Python refuses whole numbers of more than 4300 digits.
        raise InputError(
            f"“{path.name}” contains a number with thousands of digits: save it from Slicer again."
        ) from error
    except RecursionError as error:
        raise InputError(f"“{path.name}” is nested too deeply: save the markup from Slicer again.") from error
    if not isinstance(document, dict):
        raise InputError(f"“{path.name}” is not a Slicer markup file: save the markup from Slicer again.")
    return document


def placed_points(
    entry: dict[str, Any], what: str, level: str | None = None
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the placed points of a markup, and their positions, RAS mm, shape (n, 3).

    Parameters
    ----------
    entry : dict
        The markup.
    what : str
        The markup's name in error messages, such as ``The midline of L3``.
    level : str, optional
        The level that an error names.

    Raises
    ------
    InputError
        If the unit, the coordinate system or a position differs from what Slicer writes.
    """
    units = entry.get("coordinateUnits", "mm")
    if units != "mm" and not (isinstance(units, list) and units[:2] == ["mm", "UCUM"]):
        raise InputError(f"{what} is in units of {units}: save it in mm.", level)
    system = entry.get("coordinateSystem", "LPS")
    if not isinstance(system, str) or system.upper() not in _LPS_OR_RAS:
        raise InputError(f'{what} is in the coordinate system {system}: write it as "LPS" or "RAS".', level)
    points = entry.get("controlPoints")
    points = points if isinstance(points, list) else []
    # Skip points that were not placed yet, or that still followed the mouse when the file was saved.
    placed = [
        point for point in points if isinstance(point, dict) and point.get("positionStatus", "defined") == "defined"
    ]
    positions: list[Any] = [point.get("position") for point in placed]
    if not all(_is_position(position) for position in positions):
        raise InputError(f"{what} has a point without three coordinates: save it from Slicer again.", level)
    # Python's JSON knows NaN and infinity.
    if any(number != number for position in positions for number in position):
        raise InputError(f"{what} has a coordinate that is not a number (NaN): place the point again.", level)
    # A whole number in JSON can be too large for a float.
    if any(abs(number) > _LARGEST_COORDINATE_MM for position in positions for number in position):
        raise InputError(f"{what} has a coordinate of more than {_LARGEST_COORDINATE_MM:g} mm: place it again.", level)
    return placed, np.array(positions, dtype=float).reshape(-1, 3) * _LPS_OR_RAS[system.upper()]


def write_markup_json(
    path: Path, kind: str, name: str, points_ras_mm: np.ndarray, labels: Sequence[str], description: str = ""
) -> None:
    """Write one markup as Slicer does, in LPS, each coordinate with all its digits.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    kind : str
        Slicer's markup type: ``Line``, ``ClosedCurve`` or ``Fiducial``.
    name : str
        The markup's name.
    points_ras_mm : numpy.ndarray, shape (n, 3)
        Control points.
    labels : sequence of str
        Names of the points.
    description : str
        Description of the first point.
    """
    points_lps_mm = points_ras_mm * (-1.0, -1.0, 1.0) + 0.0
    markup = {
        "type": kind,
        "name": name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        # The Delete key cannot remove a locked end of a line.
        "fixedNumberOfControlPoints": kind == "Line",
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points_lps_mm),
        "controlPoints": [
            {
                "id": str(number),
                "label": label,
                "description": description if number == 1 else "",
                "associatedNodeID": "",
                "position": position,
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True,
                "locked": False,
                "visibility": True,
                "positionStatus": "defined",
            }
            for number, (label, position) in enumerate(zip(labels, points_lps_mm.tolist(), strict=True), start=1)
        ],
    }
    text = json.dumps({"@schema": _SCHEMA, "markups": [markup]}, indent=4, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(number) in (int, float) for number in value)
