"""Read a calibration phantom from its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LumbarHULib.core.calibration_phantom import CalibrationPhantom, LiquidCorrection, Rod, StatedError
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.resources import resource_path


@dataclass(frozen=True, eq=False)
class PhantomDocument:
    """A phantom and the file that states it.

    Parameters
    ----------
    phantom : CalibrationPhantom
    document : dict
        The whole file as plain JSON values; do not change it.
    """

    phantom: CalibrationPhantom
    document: dict[str, Any]


def shipped_phantoms() -> tuple[str, ...]:
    """Return the names of the shipped phantom files, without their suffix, in alphabetical order."""
    return tuple(sorted(path.stem for path in resource_path("Phantoms").glob("*.json")))


def load_phantom(path: Path) -> PhantomDocument:
    """Read a phantom file.

    Parameters
    ----------
    path : pathlib.Path
        A file, or the name of a shipped one, such as ``qrm-bdc-6``.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON, or if a value is missing, unknown, of the wrong type or contradicts
        another. The sentence names the file and the line.
    """
    path = Path(path)
    if not path.exists():
        if str(path) not in shipped_phantoms():
            raise InputError(
                f"There is no phantom file “{path}”: check the path, or give the name of a shipped phantom, "
                f"{', '.join(shipped_phantoms())}."
            )
        path = resource_path("Phantoms", f"{path}.json")
    return phantom_from(read_located_json(path))


def phantom_from(document: LocatedValue, correction: LiquidCorrection | None = None) -> PhantomDocument:
    """Return the phantom in a file or in part of one; raise InputError as `load_phantom` does.

    Parameters
    ----------
    document : LocatedValue
    correction : LiquidCorrection, optional
        For rods of K2HPO4 and water; by default the shipped one.
    """
    check_against_schema(document, "phantom.schema.json")
    plain = document.plain()
    has_water = any("water" in rod for rod in plain["rods"])
    error = plain.get("stated_error")
    try:
        phantom = CalibrationPhantom(
            name=plain["name"],
            unit=plain["unit"],
            rods=tuple(_rod(rod) for rod in plain["rods"]),
            serial_number=plain.get("serial_number", ""),
            certificate=plain.get("certificate", ""),
            correction=(correction or calibration_settings().correction) if has_water else None,
            stated_error=None if error is None else StatedError(**error | {"scans": int(error["scans"])}),
        )
    except InputError as problem:
        raise _place_of(document, str(problem)).error(str(problem)) from problem
    return PhantomDocument(phantom, plain)


def _rod(plain: dict[str, Any]) -> Rod:
    label_value = plain.get("label_value")
    water = plain.get("water")
    return Rod(
        name=plain["name"],
        density_mg_cc=float(plain["density"]["value"]),
        water_mg_cc=None if water is None else float(water["value"]),
        label_value=None if label_value is None else int(label_value),
    )


def _place_of(document: LocatedValue, sentence: str) -> LocatedValue:
    """Return the rod that a sentence names, or else the list of rods."""
    for rod in document["rods"].value:
        if any(f"{word} {rod['name'].value} " in sentence for word in ("rod", "tissue", "the name")):
            return rod
    return document["rods"]
