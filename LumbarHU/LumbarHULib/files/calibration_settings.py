"""Read the values that a calibration uses, each with unit, source and note, from Resources/Calibration."""

import json
from dataclasses import dataclass, fields
from functools import cache

from LumbarHULib.core.calibration import FitLimits
from LumbarHULib.core.calibration_phantom import LiquidCorrection
from LumbarHULib.core.rod_regions import RodLimits
from LumbarHULib.files.resources import resource_path


@dataclass(frozen=True)
class CalibrationSettings:
    """The shipped values.

    Parameters
    ----------
    correction : LiquidCorrection
        For phantoms of K2HPO4 and water.
    radius_mm, length_mm : float
        Size of the cylinder around a mark.
    valid_days : int
    fit : FitLimits
    rods : RodLimits
    """

    correction: LiquidCorrection
    radius_mm: float
    length_mm: float
    valid_days: int
    fit: FitLimits
    rods: RodLimits


@cache
def calibration_settings() -> CalibrationSettings:
    """Return the shipped values."""
    entries = json.loads(resource_path("Calibration", "settings.json").read_text(encoding="utf-8"))
    values = {name: entry["value"] for name, entry in entries.items()}
    return CalibrationSettings(
        correction=LiquidCorrection(values["liquid_slope"], values["liquid_intercept_hu"]),
        radius_mm=values["radius_mm"],
        length_mm=values["length_mm"],
        valid_days=values["valid_days"],
        fit=FitLimits(**{item.name: values[item.name] for item in fields(FitLimits)}),
        rods=RodLimits(**{item.name: values[item.name] for item in fields(RodLimits)}),
    )
