"""Calibrations from HU to mg/cm³: made from a phantom's rods, or read from their file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.api.cts import Ct
from LumbarHULib.audit.audit import software_versions
from LumbarHULib.audit.ct_date import parse_date
from LumbarHULib.core.calibration import CalibrationScan, fit_calibration
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.rod_regions import RodPlace, samples_at, samples_of_labels
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import (
    CalibrationDocument,
    RodRegions,
    calibration_document,
    load_calibration,
)
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.phantom_file import PhantomDocument, load_phantom
from LumbarHULib.files.rods_file import ALONG_THE_TABLE_RAS, read_rod_places
from LumbarHULib.images.ct_identity import voxels_sha256
from LumbarHULib.images.rod_labels import is_label_map, read_rod_labels

Calibration = CalibrationDocument

# Plausible sizes of the cylinder in a rod.
LEAST_SIZE_MM, MOST_SIZE_MM = 0.5, 500.0

# What a user may state of a scan whose headers do not.
_FACTS = {
    "tube_voltage_kv": "tube voltage",
    "manufacturer": "manufacturer",
    "scanner_model": "scanner model",
    "kernel": "kernel",
    "contrast": "contrast medium",
    "acquired_on": "date",
}


def calibrate(
    ct: Ct,
    rods: str | Path | Mapping[str, ArrayLike],
    phantom: str | Path,
    *,
    radius_mm: float | None = None,
    length_mm: float | None = None,
    excluded: Mapping[str, str] | None = None,
    scan_facts: ScanFacts | None = None,
    valid_days: int | None = None,
    experimental_phantomless: bool = False,
) -> Calibration:
    """Calibrate HU to mg/cm³ from the rods of a phantom.

    Parameters
    ----------
    ct : Ct
        The CT with the phantom.
    rods : str or pathlib.Path or mapping of str to array_like, shape (3,)
        A markup file with a point in each rod or a line along each, or a label map on the CT's grid; or a point in each
        rod by its name, RAS mm.
    phantom : str or pathlib.Path
        Phantom file, or the name of a shipped one.
    radius_mm, length_mm : float, optional
        Size of the cylinder that is measured around a point; 4 mm and 10 mm without them. A line has its own length.
    excluded : mapping of str to str, optional
        Rods that are not used, with the reason.
    scan_facts : ScanFacts, optional
        What the CT's headers do not state.
    valid_days : int, optional
        Days before and after this scan for which the calibration is made; 31 without it.
    experimental_phantomless : bool
        Allow reference tissues in place of a phantom: experimental.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        When a file cannot be read, a rod cannot be measured, or rods and phantom contradict each other.
    """
    settings = calibration_settings()
    document = load_phantom(Path(phantom))
    _check_experimental(document, experimental_phantomless)
    names = _excluded_names(document, excluded or {})
    radius_mm = _size("radius", radius_mm, settings.radius_mm)
    length_mm = _size("length", length_mm, settings.length_mm)
    days = settings.valid_days if valid_days is None else valid_days
    if days < 1:
        raise InputError(f"The calibration would be valid for {days} days: give 1 or more.")
    facts = _facts_of(ct, scan_facts)
    if isinstance(rods, (str, Path)) and is_label_map(Path(rods)):
        labels = read_rod_labels(Path(rods), ct.ct)
        samples = samples_of_labels(ct.ct, labels, document.phantom, settings.rods)
        regions = RodRegions("label map")
    else:
        places, source = _places(rods, length_mm)
        places = tuple(place for place in places if place.name.casefold() not in {name.casefold() for name in names})
        samples = samples_at(ct.ct, places, document.phantom, radius_mm, settings.rods)
        regions = RodRegions(source, radius_mm, length_mm if source == "points" else None)
    calibration = fit_calibration(
        document.phantom,
        samples,
        settings.fit,
        days,
        CalibrationScan(
            tube_voltage_kv=facts.tube_voltage_kv,
            manufacturer=facts.manufacturer,
            scanner_model=facts.scanner_model,
            kernel=facts.kernel,
            contrast=facts.contrast,
            date=facts.acquired_on,
            voxels_sha256=voxels_sha256(ct.voxels_hu),
        ),
        names,
    )
    return calibration_document(calibration, document, regions, software_versions())


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration file, as `lumbarhu calibrate` writes it.

    Raises
    ------
    InputError
        When it cannot be read, or its line is not that of its rods.
    """
    return load_calibration(Path(path))


def _check_experimental(document: PhantomDocument, is_allowed: bool) -> None:
    phantom = document.phantom
    if phantom.is_phantomless and not is_allowed:
        raise InputError(
            f"“{phantom.name}” has reference tissues in place of a phantom, which is experimental: allow it "
            "(--experimental-phantomless), or use a phantom."
        )
    if is_allowed and not phantom.is_phantomless:
        raise InputError(
            f"“{phantom.name}” does not state the error that phantomless calibration showed on your own phantom scans: "
            "add it as stated_error, or calibrate with a phantom."
        )


def _excluded_names(document: PhantomDocument, excluded: Mapping[str, str]) -> dict[str, str]:
    names = {}
    for name, reason in excluded.items():
        rod = document.phantom.rod(name)
        if rod is None:
            raise InputError(
                f"“{name}”, which should be excluded, is not a rod of “{document.phantom.name}”: use one of "
                f"{', '.join(rod.name for rod in document.phantom.rods)}."
            )
        if not reason.strip() or not reason.isprintable():
            raise InputError(f"The rod {rod.name} is excluded without a printable reason: give one, such as “bubble”.")
        names[rod.name] = reason.strip()
    return names


def _size(what: str, value_mm: float | None, default_mm: float) -> float:
    if value_mm is None:
        return default_mm
    if not LEAST_SIZE_MM <= value_mm <= MOST_SIZE_MM:
        raise InputError(f"The {what} is {value_mm:g} mm: give {LEAST_SIZE_MM:g} to {MOST_SIZE_MM:g} mm.")
    return float(value_mm)


def _places(rods: str | Path | Mapping[str, ArrayLike], length_mm: float) -> tuple[tuple[RodPlace, ...], str]:
    if isinstance(rods, (str, Path)):
        path = Path(rods)
        if not path.exists():
            raise InputError(f"There is no file “{path}”: check the path.")
        if path.is_dir():
            raise InputError(f"“{path.name}” is a folder: choose the markup file or the label map of the rods.")
        if not path.name.lower().endswith(".json"):
            raise InputError(
                f"“{path.name}” has an unsupported format: choose a .mrk.json file of Slicer, or a label map (.nrrd, "
                ".nii, .nii.gz, .mha, .mhd)."
            )
        return read_rod_places(path, length_mm)
    places = []
    for name, point in rods.items():
        try:
            position = np.asarray(point, dtype=float)
        except (TypeError, ValueError):
            position = np.empty(0)
        if position.shape != (3,) or not np.isfinite(position).all():
            raise InputError(f"The point of the rod {name} is not three numbers: give R, A and S in mm.")
        places.append(RodPlace(str(name), position, ALONG_THE_TABLE_RAS, length_mm))
    return tuple(places), "points"


def _facts_of(ct: Ct, stated: ScanFacts | None) -> ScanFacts:
    """Return the facts of the CT's headers, with those that the user states in place of unknown ones."""
    facts = ct.scan_facts
    if stated is not None and stated.acquired_on is not None:
        stated = replace(stated, acquired_on=str(parse_date(stated.acquired_on, "the scan")))
    for name in _FACTS if stated is not None else ():
        value, of_header = getattr(stated, name), getattr(facts, name)
        if value is None:
            continue
        if of_header is not None and value != of_header:
            raise InputError(
                f"The {_FACTS[name]} is stated as {value}, but the CT's headers state {of_header}: omit it, or choose "
                "the right CT."
            )
        facts = replace(facts, **{name: value})
    return facts
