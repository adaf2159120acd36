"""Everything that an audit folder tells of."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.images.ct_identity import voxels_sha256

# The name of case and reader in the files where the user gave none: a file's name may be a patient's.
UNNAMED = "unnamed"

_PACKAGES = ("numpy", "scipy", "SimpleITK", "pydicom", "slicer-core")


@dataclass(frozen=True, eq=False)
class Audit:
    """One reading of one CT with all that it was made from.

    Parameters
    ----------
    case, reader : str
        As they shall stand in the files. Nothing that tells who the patient is.
    reading : int
        Which reading of this reader it is, from 1.
    result : ReadingResult
        What was measured.
    ct : CtVolume
        The CT as stored.
    scan_facts : ScanFacts
        What its headers say.
    protocol : ProtocolDocument
        The protocol; its `protocol` holds the values that were used.
    cutoffs : CutoffsDocument
        The cutoffs.
    accept_off_protocol : bool
        Whether the user asked for classes although the acquisition is off protocol.
    when : str
        Date and time, only if the user asks for them.
    world_from_file : numpy.ndarray, shape (4, 4)
        How a scene's transforms moved and turned the CT since it was loaded from its file.
    extra : mapping
        Further plain JSON values for the record, such as who signed the reading off.

    Raises
    ------
    InputError
        When a name is empty or cannot be printed, or the reading's number is below 1.
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
    world_from_file: np.ndarray = field(default_factory=lambda: np.eye(4))

    def __post_init__(self) -> None:
        for what, text in (("case", self.case), ("reader", self.reader)):
            if not text.strip() or not text.isprintable():
                raise InputError(f"The name of the {what} is {text!r}: give one of printable characters on one line.")
        for level in (*self.result.levels, *self.result.refusals):
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
        """The CT in the axis order that the masks are crops of."""
        return axial_stack(self.ct, self.protocol.protocol)

    @cached_property
    def voxels_sha256(self) -> str:
        """The identity of the CT's voxels: see `ct_identity`."""
        return voxels_sha256(self.ct.voxels_hu)


def require_measured_levels(result: ReadingResult) -> None:
    """Raise InputError, with the sentence of each refused level, where none that should be measured was.

    Where some were measured, the others are reported with them.
    """
    if result.refused and all(level.excluded for level in result.levels):
        raise InputError(" ".join(refusal.sentence for refusal in result.refused), result.refused[0].level)


def software_versions() -> dict[str, str]:
    """Return the versions of LumbarHU, Python and the packages that it works with, by name.

    What is installed counts, not what this process has imported: the same command gives the same record.
    """
    versions = {"LumbarHU": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # bundled with an application, without its metadata
            version = getattr(sys.modules.get(package), "__version__", None)
            if version is not None:
                versions[package] = str(version)
    return versions
