"""The rods of a calibration phantom, and the tissues of a phantomless calibration, with their known densities."""

import math
from collections import Counter
from dataclasses import dataclass

from LumbarHULib.core.errors import InputError

# The minerals that a density is an equivalent of: calcium hydroxyapatite and dipotassium phosphate. A number in one
# of them is not a number in the other.
UNITS: tuple[str, ...] = ("HA", "K2HPO4")

# A line needs two rods; a third one gives it residuals.
LEAST_RODS = 2


@dataclass(frozen=True)
class Rod:
    """One rod of a phantom, or one tissue of a phantomless calibration.

    Parameters
    ----------
    name : str
        As the phantom's certificate names it.
    density_mg_cc : float
        Density in mg/cm³ of the phantom's unit.
    water_mg_cc : float or None
        Density of water in the rod, of a liquid-equivalent phantom; None for other phantoms.
    label_value : int or None
        The rod's value in a label map.
    """

    name: str
    density_mg_cc: float
    water_mg_cc: float | None = None
    label_value: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise InputError(f"A rod has the name {self.name!r}: name it as on the certificate, such as A.")
        values = [self.density_mg_cc, 0.0 if self.water_mg_cc is None else self.water_mg_cc]
        if not all(map(math.isfinite, values)):
            raise InputError(f"The density of the rod {self.name} is not a finite number: correct it.")


@dataclass(frozen=True)
class LiquidCorrection:
    """The step from a fit on rods of K2HPO4 and water to bone, in which water does not vary.

    Parameters
    ----------
    slope : float
        Added to the slope of the fit, in HU per mg/cm³.
    intercept_hu : float
        Added to the intercept of the fit, in HU.
    """

    slope: float
    intercept_hu: float


@dataclass(frozen=True)
class StatedError:
    """The error that a phantomless calibration showed on the site's own phantom scans.

    Parameters
    ----------
    rms_mg_cc : float
        Root mean square of its differences from the phantom calibration, in mg/cm³.
    scans : int
        Number of scans.
    source : str
        Where it was determined.
    """

    rms_mg_cc: float
    scans: int
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rms_mg_cc) and self.rms_mg_cc > 0) or self.scans < 1:
            raise InputError(
                f"The stated error of {self.rms_mg_cc:g} mg/cm³ from {self.scans} scans cannot be used: give an error "
                "above 0 from at least one scan."
            )


@dataclass(frozen=True)
class CalibrationPhantom:
    """A calibration phantom, or the reference tissues of a phantomless calibration.

    Parameters
    ----------
    name, serial_number, certificate : str
        As on the phantom and its certificate; the last two are empty if unknown.
    unit : str
        One of `UNITS`.
    rods : tuple of Rod
    correction : LiquidCorrection or None
        For rods of K2HPO4 and water; None for others.
    stated_error : StatedError or None
        For reference tissues, whose calibration is experimental; None for a phantom.
    """

    name: str
    unit: str
    rods: tuple[Rod, ...]
    serial_number: str = ""
    certificate: str = ""
    correction: LiquidCorrection | None = None
    stated_error: StatedError | None = None

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise InputError(f"The unit of the phantom is {self.unit}: use {' or '.join(UNITS)}.")
        for what, values in (
            ("the name", [rod.name.casefold() for rod in self.rods]),
            ("the label value", [rod.label_value for rod in self.rods if rod.label_value is not None]),
        ):
            for value, count in Counter(values).items():
                if count > 1:
                    shown = next(rod.name for rod in self.rods if value in (rod.name.casefold(), rod.label_value))
                    raise InputError(
                        f"{count} rods have {what} {shown if isinstance(value, str) else value}: give each its own."
                    )
        if len({rod.density_mg_cc for rod in self.rods}) < LEAST_RODS:
            raise InputError(
                f"The phantom has {len(self.rods)} rods of {len({rod.density_mg_cc for rod in self.rods})} density: a "
                f"calibration needs at least {LEAST_RODS} densities."
            )
        self._check_water()

    @property
    def is_liquid(self) -> bool:
        """Whether its rods are of K2HPO4 and water."""
        return self.correction is not None

    @property
    def is_phantomless(self) -> bool:
        """Whether it is a set of reference tissues instead of a phantom."""
        return self.stated_error is not None

    def rod(self, name: str) -> Rod | None:
        """Return the rod of this name, in any case; None if there is none."""
        return next((rod for rod in self.rods if rod.name.casefold() == name.strip().casefold()), None)

    def _check_water(self) -> None:
        with_water = [rod.name for rod in self.rods if rod.water_mg_cc is not None]
        if self.unit == "HA" and with_water:
            raise InputError(
                f"The unit is HA, but the rod {with_water[0]} has a density of water: liquid-equivalent rods are of "
                "K2HPO4; correct the unit, or omit the water."
            )
        if self.is_phantomless:
            if with_water:
                raise InputError(f"The tissue {with_water[0]} has a density of water: omit it.")
            return
        if self.unit == "K2HPO4":
            without = [rod.name for rod in self.rods if rod.water_mg_cc is None]
            if without:
                raise InputError(
                    f"The unit is K2HPO4, but the rod {without[0]} has no density of water: add it from the "
                    "certificate, or correct the unit."
                )
        if bool(with_water) != self.is_liquid:
            raise ValueError("Rods with water need a correction, and no others.")
