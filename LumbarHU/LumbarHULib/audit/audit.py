"""The content of an audit folder."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from typing import Any

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.images.ct_identity import voxels_sha256

# Name of case and reader in the files if the user gives none: a file's name may be a patient's.
UNNAMED = "unnamed"

# Among the further values of a record: what a reader saw who was not blinded.
SEEN, SEEN_READING, SEEN_PROPOSAL = "not_blinded_by", "another reading", "proposed midline"

_PACKAGES = ("numpy", "scipy", "SimpleITK", "pydicom", "slicer-core")


@dataclass(frozen=True, eq=False)
class Audit:
    """One reading of one CT with all its inputs.

    Parameters
    ----------
    case, reader : str
        Names in the files. They must not identify the patient.
    reading : int
        Number of this reader's reading, from 1.
    result : ReadingResult
        The measurement.
    ct : CtVolume
        The CT as stored.
    scan_facts : ScanFacts
        Acquisition facts from the CT's headers.
    protocol : ProtocolDocument
        The protocol; its `protocol` contains the values used.
    cutoffs : CutoffsDocument
        The cutoffs.
    accept_off_protocol : bool
        Whether the user requested classes for an off-protocol acquisition.
    when : str
        Date and time, only if the user requests them.
    calibration : CalibrationDocument or None
        The calibration by which the result has densities, as applied to this CT.
    world_from_file : numpy.ndarray, shape (4, 4)
        Translation and rotation of the CT by the scene's transforms since it was loaded.
    extra : mapping
        Further plain JSON values for the record, such as the person who signed the reading off.

    Raises
    ------
    InputError
        If a name is empty or not printable, or the reading's number is below 1.
    """

    case: str
    reader: str
    reading: int
    result: ReadingResult
    ct: CtVolume
    scan_facts: ScanFacts
    protocol: ProtocolDocument
    cutoffs: CutoffsDocument
    accept_off_protocol: bool = False
    when: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    calibration: CalibrationDocument | None = None
    world_from_file: np.ndarray = field(default_factory=lambda: np.eye(4))

    def __post_init__(self) -> None:
        for what, text in (("case", self.case), ("reader", self.reader)):
            if not text.strip() or not text.isprintable():
                raise InputError(f"The name of the {what} is {text!r}: give one of printable characters on one line.")
        levels: list[LevelResult | LevelRefusal] = [*self.result.levels, *self.result.refusals]
        for level in levels:
            if not level.excluded.isprintable():
                raise InputError(
                    f"The reason to exclude {level.level} is {level.excluded!r}: write it on one line, in printable "
                    "characters.",
                    level.level,
                )
        if self.reading < 1:
            raise InputError(f"The reading has the number {self.reading}: count readings from 1.")

    @cached_property
    def stack(self) -> AxialStack:
        """Return the CT in the axis order of the masks."""
        return axial_stack(self.ct, self.protocol.protocol.frame)

    @cached_property
    def voxels_sha256(self) -> str:
        """Return the hash that identifies the CT's voxels: see `ct_identity`."""
        return voxels_sha256(self.ct.voxels_hu)


def require_measured_levels(result: ReadingResult) -> None:
    """Raise InputError, with the sentence of each refused level, if no level was measured.

    If some levels were measured, the refused levels are reported with them.
    """
    if result.refused and all(level.excluded for level in result.levels):
        raise InputError(" ".join(refusal.sentence for refusal in result.refused), result.refused[0].level)


def software_versions() -> dict[str, str]:
    """Return the versions of LumbarHU, Python and the packages it uses, by name.

    Installed packages count, whether or not this process imported them, so that the same command gives the same record.
    """
    versions = {"LumbarHU": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        version = _installed_version(package)
        if version is None:  # bundled with an application, without its metadata
            version = getattr(sys.modules.get(package), "__version__", None)
        if version is not None:
            versions[package] = str(version)
    return versions


@cache
def _installed_version(package: str) -> str | None:
    """Return the version that a package's metadata state; None without metadata. They are read from disk once."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
