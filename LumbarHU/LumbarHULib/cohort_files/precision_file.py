"""Read the precision of a site's own study, and the published one that is used without it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from LumbarHULib.cohort.agreement import scaled
from LumbarHULib.cohort.change import lsc_by_mean
from LumbarHULib.cohort.estimates import Estimate
from LumbarHULib.core.scan_facts import printable
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path

PRECISION_SCHEMA = "lumbarhu-precision-1"
# How often the two measurements of a patient are of two scans, which alone includes the error of scanner and position.
SCANS, READINGS, MIXED, UNKNOWN = "scans", "readings", "mixed", "unknown"
# Whether the scans of a patient in the study share a calibration: then its LSC in mg/cm³ lacks that error.
OF_EACH_SCAN, SHARED = "of each scan", "shared"

# Protocol values without influence on HU: the error that a class is compared with.
ERROR_VALUES = frozenset({"lsc_hu", "single_measurement_lsc_fraction"})


@dataclass(frozen=True, eq=False)
class SiteLsc:
    """The least significant change of one region at a level or of one mean.

    Parameters
    ----------
    lsc_hu, low_hu, high_hu : float
        With its 95 % interval.
    degrees_of_freedom : int
    patients : int
    lsc_mg_cc : float or None
        The same in mg/cm³; None if the readings were not calibrated.
    """

    lsc_hu: float
    low_hu: float
    high_hu: float
    degrees_of_freedom: int
    patients: int
    lsc_mg_cc: float | None = None


@dataclass(frozen=True, eq=False)
class SitePrecision:
    """A site's own precision study.

    Parameters
    ----------
    file_name : str
    sha256 : str
        Of the file.
    lsc : mapping of (str, tuple of str) to SiteLsc
        By region and levels.
    document : dict
        The whole file as plain JSON values; do not change it.
    """

    file_name: str
    sha256: str
    lsc: Mapping[tuple[str, tuple[str, ...]], SiteLsc]
    document: dict[str, Any]

    @property
    def protocol_title(self) -> str:
        """Return name and version of its protocol."""
        return printable(f"{self.document['protocol']['name']} {self.document['protocol']['version']}")

    @property
    def degrees_of_freedom(self) -> int:
        """Return the smallest number of degrees of freedom of its precision errors."""
        return min(one.degrees_of_freedom for one in self.lsc.values())

    @property
    def includes_calibrations(self) -> bool:
        """Return whether each scan was calibrated on its own, so that the LSC in mg/cm³ includes that error."""
        return self.document.get("density", {}).get("calibrations") == OF_EACH_SCAN

    def lsc_mg_cc(self, roi: str, levels: tuple[str, ...], mineral: str) -> float | None:
        """Return the LSC for exactly these levels in mg/cm³ of this mineral; None if the study has none."""
        found = self.lsc.get((roi, levels))
        is_same = self.document.get("density", {}).get("mineral") == mineral
        return found.lsc_mg_cc if found is not None and is_same else None


@dataclass(frozen=True, eq=False)
class PublishedPrecision:
    """The published precision.

    Parameters
    ----------
    document : dict
        The file as plain JSON values; do not change it.
    """

    document: dict[str, Any]

    def lsc_hu(self, mean_hu: float) -> float:
        """Return the least significant change of two measurements with this mean, in HU."""
        least, cv = (self.document[name]["value"] for name in ("lsc", "cv"))
        factor = self.lsc_factor
        return lsc_by_mean(mean_hu, least, cv, factor)

    @property
    def lsc_factor(self) -> float:
        """Return the ratio of the least significant change and the precision error."""
        return float(self.document["lsc_factor"]["value"])

    def lsc_of(self, precision_error: Estimate) -> Estimate:
        """Return the least significant change that follows from a precision error, with its interval."""
        return scaled(precision_error, self.lsc_factor)

    @property
    def description(self) -> str:
        """Return the rule in words, with its numbers."""
        least, cv = (self.document[name]["value"] for name in ("lsc", "cv"))
        factor = self.lsc_factor
        bend_hu = 100 * least / (factor * cv)
        return (
            f"the published LSC: {least:g} HU for means below {bend_hu:.0f} HU, otherwise {factor * cv:.1f} % of the "
            f"mean ({factor:g} times the coefficient of variation of {cv:g} %)"
        )

    @property
    def degrees_of_freedom_min(self) -> int:
        """Return the degrees of freedom that the ISCD asks of a precision study."""
        return int(self.document["degrees_of_freedom_min"]["value"])

    def years_to_lsc(self, lsc_hu: float) -> tuple[float, float]:
        """Return after how many years the expected loss reaches an LSC: fewest and most."""
        loss = self.document["expected_loss"]
        return lsc_hu / loss["high"], lsc_hu / loss["low"]


@cache
def published_precision() -> PublishedPrecision:
    """Return the published precision."""
    document = read_located_json(resource_path("Precision", "published.json"))
    check_against_schema(document, "published-precision.schema.json")
    return PublishedPrecision(document.plain())


def read_precision(path: Path) -> SitePrecision:
    """Read the file of a precision study.

    Raises
    ------
    InputError
        If it cannot be read, or a value is missing, unknown or of the wrong type; the sentence names the line.
    """
    document = read_located_json(path)
    check_against_schema(document, "precision.schema.json")
    lsc = {}
    for entry in document["precision"].value:
        plain = entry.plain()
        key = plain["roi"], tuple(plain["levels"])
        if key in lsc:
            raise entry.error(f"{key[0]} at {', '.join(key[1])} occurs twice: remove one of the two.")
        if not plain["lsc_low"] <= plain["lsc_hu"] <= plain["lsc_high"]:
            raise entry["lsc_hu"].error(
                f"The LSC of {plain['lsc_hu']:g} HU is outside its own interval of {plain['lsc_low']:g} to "
                f"{plain['lsc_high']:g} HU: make the file again with lumbarhu precision."
            )
        lsc[key] = SiteLsc(
            float(plain["lsc_hu"]),
            float(plain["lsc_low"]),
            float(plain["lsc_high"]),
            int(plain["degrees_of_freedom"]),
            len(plain["patients"]),
            None if plain.get("lsc_mg_cc") is None else float(plain["lsc_mg_cc"]),
        )
    return SitePrecision(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), lsc, document.plain())
