"""The releases of 3D Slicer that LumbarHU is built for and tried with, from `slicer_versions.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("slicer_versions.json")


@dataclass(frozen=True)
class SlicerRelease:
    """One minor release of 3D Slicer.

    Parameters
    ----------
    version : str
        Major and minor version, such as ``"5.10"``: it is in the names of Slicer's folders.
    revisions : mapping of str to int
        Revision of each patch release, from the oldest to the newest.
    packages : mapping of str to str
        Versions of the Python packages that it brings.
    slicer_core : str
        Version of the package slicer-core that is nearest to it.
    """

    version: str
    revisions: Mapping[str, int]
    packages: Mapping[str, str]
    slicer_core: str


def slicer_releases() -> tuple[SlicerRelease, ...]:
    """Return the releases from the oldest to the newest."""
    return tuple(SlicerRelease(**release) for release in json.loads(TABLE.read_text(encoding="utf-8"))["releases"])
