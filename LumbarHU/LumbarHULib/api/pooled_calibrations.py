"""One calibration from those of several scans of a phantom."""

from collections.abc import Sequence
from pathlib import Path

from LumbarHULib.audit.audit import software_versions
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.pooled_calibration import pool_calibrations as pool
from LumbarHULib.files.calibration_file import (
    CalibrationDocument,
    RodRegions,
    calibration_document,
    load_calibration,
)
from LumbarHULib.files.phantom_file import PhantomDocument


def pool_calibrations(paths: Sequence[str | Path]) -> CalibrationDocument:
    """Return one calibration from those of three or more scans of one phantom, with the variation between scans.

    Raises
    ------
    InputError
        When a file cannot be read, or the scans do not belong together.
    """
    documents = [load_calibration(Path(path)) for path in paths]
    pooled = pool([document.calibration for document in documents])
    first = documents[0].document
    regions = [document.document["regions"] for document in documents]
    if any(other != regions[0] for other in regions):
        raise InputError("The rods were measured in regions of different sizes: use the same radius and length.")
    where = RodRegions(regions[0]["from"], regions[0].get("radius_mm"), regions[0].get("length_mm"))
    phantom = PhantomDocument(pooled.phantom, first["phantom"])
    return calibration_document(pooled, phantom, where, software_versions())
