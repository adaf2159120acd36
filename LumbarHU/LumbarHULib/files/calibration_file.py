"""Write a calibration from HU to mg/cm³ to its file, and read it again."""

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from LumbarHULib.core.calibration import (
    Calibration,
    CalibrationScan,
    Density,
    FittedRod,
    PooledScan,
    RodSample,
    fitted_line,
)
from LumbarHULib.core.calibration_line import BetweenScans, Line, LineVariance
from LumbarHULib.core.calibration_phantom import LiquidCorrection
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.pooled_calibration import pooled_line
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.own_file import OwnFile, write_own_file
from LumbarHULib.files.phantom_file import PhantomDocument, phantom_from

SCHEMA = "lumbarhu-calibration-1"
OWN_CALIBRATION_FILE = OwnFile(SCHEMA, "lumbarhu calibrate", "calibration.json")
NOTICE = "For research only. Not a medical device, not a diagnosis."

# Far above the rounding of another version of numpy, far below any effect on a density.
_TOLERANCE = 1e-7

_LINE_NAMES = {item.name: item.name for item in fields(Line) if item.name != "between"} | {
    "slope": "slope_hu_per_mg_cc"
}


@dataclass(frozen=True, eq=False)
class CalibrationDocument:
    """A calibration and the file that states it.

    Parameters
    ----------
    calibration : Calibration
    document : dict
        The whole file as plain JSON values; do not change it.
    in_time : bool or None
        Whether the CT that it is applied to is within its days of the phantom's scan; None if unknown, or while it is
        not applied to a CT.
    """

    calibration: Calibration
    document: dict[str, Any]
    in_time: bool | None = None

    @property
    def unit(self) -> str:
        """The unit of the densities in words, such as ``mg/cm³ HA``."""
        return f"mg/cm³ {self.calibration.unit}"

    def density(self, mean_hu: float) -> Density:
        """Return the density at a mean HU, with its 95 % interval."""
        return self.calibration.density(mean_hu)

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the calibration file, whole or not at all, and return its path.

        Raises
        ------
        InputError
            If the file exists and may not be replaced, or cannot be written.
        """
        text = json.dumps(self.document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_own_file(Path(path), text, overwrite, OWN_CALIBRATION_FILE)
        return Path(path)

    def applied(self, in_time: bool | None) -> "CalibrationDocument":
        """Return the calibration as it is applied to a CT."""
        return replace(self, in_time=in_time)


@dataclass(frozen=True)
class RodRegions:
    """Where the rods were measured.

    Parameters
    ----------
    source : str
        ``points``, ``lines`` or ``label map``.
    radius_mm, length_mm : float or None
        Size of the cylinders; None for a label map, and the length also for lines, which have their own.
    """

    source: str
    radius_mm: float | None = None
    length_mm: float | None = None


def calibration_document(
    calibration: Calibration, phantom: PhantomDocument, regions: RodRegions, software: dict[str, str]
) -> CalibrationDocument:
    """Return a calibration with the content of its file.

    Parameters
    ----------
    calibration : Calibration
    phantom : PhantomDocument
        The phantom file, which the calibration contains.
    regions : RodRegions
    software : dict of str to str
        Versions, by the name of the package.
    """
    correction, line = calibration.phantom.correction, calibration.line
    method = "liquid_equivalent" if calibration.phantom.is_liquid else "line"
    where: dict[str, Any] = {"from": regions.source}
    if regions.radius_mm is not None:
        where |= {"radius_mm": regions.radius_mm, "length_mm": regions.length_mm}
    document = {
        "schema": SCHEMA,
        "notice": NOTICE,
        "software": dict(software),
        "unit": calibration.unit,
        "method": "phantomless_experimental" if calibration.phantom.is_phantomless else method,
        "scan": asdict(calibration.scan),
        "valid_days": calibration.valid_days,
        "fit": {
            **{in_file: getattr(line, name) for name, in_file in _LINE_NAMES.items()},
            "correction": None if correction is None else asdict(correction),
        },
        "rods": [
            {
                "name": fitted.rod.name,
                **asdict(fitted.sample),
                "residual_hu": fitted.residual_hu,
                "leverage": fitted.leverage,
            }
            for fitted in calibration.rods
        ],
        "excluded": dict(calibration.excluded),
        "regions": where,
        "phantom": phantom.document,
    }
    if calibration.pooled and line.between is not None:
        document["pooled"] = {
            "scans": [
                {"date": scan.date, "voxels_sha256": scan.voxels_sha256, "means_hu": list(scan.means_hu)}
                for scan in calibration.pooled
            ],
            "between_scans": asdict(line.between.variance),
        }
    return CalibrationDocument(calibration, document)


def load_calibration(path: Path) -> CalibrationDocument:
    """Read a calibration file.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON, or if a value is missing, unknown, of the wrong type, or contradicts
        the rods in the file. The sentence names the file and the line.
    """
    place = read_located_json(Path(path))
    document = calibration_from(place)
    for name, sentence in fit_contradictions(document.calibration):
        raise place[name].error(f"{sentence} The file was changed: calibrate again.")
    return document


def calibration_from(place: LocatedValue) -> CalibrationDocument:
    """Return the calibration in a file or in part of one; raise InputError as `load_calibration` does.

    Contradictions between its line and its rods are not raised: see `fit_contradictions`.
    """
    check_against_schema(place, "calibration.schema.json")
    plain = place.plain()
    correction = plain["fit"]["correction"]
    phantom = phantom_from(place["phantom"], None if correction is None else LiquidCorrection(**correction)).phantom
    for name, found, expected in (
        ("unit", plain["unit"], phantom.unit),
        ("fit", correction is not None, phantom.is_liquid),
        ("method", plain["method"] == "phantomless_experimental", phantom.is_phantomless),
        ("method", plain["method"] == "liquid_equivalent", phantom.is_liquid),
    ):
        if found != expected:
            raise place[name].error(f"“{name}” contradicts the phantom “{phantom.name}”: calibrate again.")
    rods = []
    for entry in place["rods"].value:
        rod = phantom.rod(entry["name"].value)
        if rod is None:
            raise entry.error(f"“{entry['name'].value}” is not a rod of “{phantom.name}”: calibrate again.")
        values = entry.plain()
        sample = RodSample(float(values["mean_hu"]), float(values["sd_hu"]), int(values["voxels"]))
        rods.append(FittedRod(rod, sample, float(values["residual_hu"]), float(values["leverage"])))
    if len({fitted.rod.density_mg_cc for fitted in rods}) < 2:
        raise place["rods"].error("the rods have only one density: calibrate again.")
    pooled = _pooled(place, len(rods))
    between = None
    if pooled:
        between = BetweenScans(len(pooled), LineVariance(**plain["pooled"]["between_scans"]))
    try:
        line = Line(**{name: plain["fit"][in_file] for name, in_file in _LINE_NAMES.items()}, between=between)
    except InputError as problem:
        raise place["fit"].error(str(problem)) from problem
    calibration = Calibration(
        phantom=phantom,
        rods=tuple(rods),
        line=line,
        scan=CalibrationScan(**plain["scan"]),
        valid_days=int(plain["valid_days"]),
        excluded=plain["excluded"],
        pooled=pooled,
    )
    return CalibrationDocument(calibration, plain)


def _pooled(place: LocatedValue, rods: int) -> tuple[PooledScan, ...]:
    """Return the scans that a calibration is pooled from; empty for a single scan."""
    if "pooled" not in place.plain():
        return ()
    found = []
    for entry in place["pooled"]["scans"].value:
        plain = entry.plain()
        if len(plain["means_hu"]) != rods:
            raise entry["means_hu"].error(f"there are {len(plain['means_hu'])} means for {rods} rods: calibrate again.")
        found.append(PooledScan(plain["date"], plain["voxels_sha256"], tuple(map(float, plain["means_hu"]))))
    return tuple(found)


def fit_contradictions(calibration: Calibration) -> list[tuple[str, str]]:
    """Return where a calibration's line is not that of its rods: the part of the file, and a sentence for each."""
    rods = [fitted.rod for fitted in calibration.rods]
    samples, correction = [fitted.sample for fitted in calibration.rods], calibration.phantom.correction
    try:
        if calibration.pooled:
            line, residuals_hu, leverages = pooled_line(rods, samples, calibration.pooled, correction)
        else:
            line, residuals_hu, leverages = fitted_line(rods, samples, correction)
    except InputError as problem:
        return [("fit", f"Its rods give no line: {problem}")]
    contradictions = [
        (
            "fit",
            f"The {in_file} is {_short(getattr(calibration.line, name))}, but the rods give "
            f"{_short(getattr(line, name))}.",
        )
        for name, in_file in _LINE_NAMES.items()
        if not _is_same(getattr(line, name), getattr(calibration.line, name))
    ]
    contradictions += _pooled_contradictions(calibration, line)
    for fitted, residual_hu, leverage in zip(calibration.rods, residuals_hu, leverages, strict=True):
        for name, stated, given in (
            ("residual_hu", fitted.residual_hu, float(residual_hu)),
            ("leverage", fitted.leverage, float(leverage)),
        ):
            if not _is_same(given, stated):
                contradictions.append(
                    ("rods", f"The {name} of {fitted.rod.name} is {_short(stated)}, but the rods give {_short(given)}.")
                )
    return contradictions


def _pooled_contradictions(calibration: Calibration, line: Line) -> list[tuple[str, str]]:
    """Return where a pooled calibration is not that of its scans."""
    contradictions = []
    for at, fitted in enumerate(calibration.rods if calibration.pooled else ()):
        mean_hu = sum(scan.means_hu[at] for scan in calibration.pooled) / len(calibration.pooled)
        if not _is_same(mean_hu, fitted.sample.mean_hu):
            sentence = f"The mean_hu of {fitted.rod.name} is {_short(fitted.sample.mean_hu)}, but its scans give "
            contradictions.append(("rods", f"{sentence}{_short(mean_hu)}."))
    stated, given = calibration.line.between, line.between
    if stated is not None and given is not None:
        expected, found = asdict(given.variance), asdict(stated.variance)
        contradictions += [
            ("pooled", f"The {name} between scans is {_short(found[name])}, but the scans give {_short(value)}.")
            for name, value in expected.items()
            if not _is_same(value, found[name])
        ]
    return contradictions


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _short(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"
