"""Write the folder of a follow-up, completely or not at all."""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from LumbarHULib.audit.audit import software_versions
from LumbarHULib.audit.folder import RECORD, REPORT, file_sha256, files_in
from LumbarHULib.audit.record import NOTICE
from LumbarHULib.cohort_files.figure_panels import Panels
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder, check_destination, check_inputs_stay
from LumbarHULib.files.csv_text import csv_text
from LumbarHULib.follow_up.dated_audit import CHANGES, DatedAudit
from LumbarHULib.follow_up.figure import density_figure, trend_figure
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.page import follow_up_page

FOLLOW_UP_SCHEMA = "lumbarhu-follow-up-1"
TREND, DENSITY_TREND = "trend", "trend-mg-cc"
_MEASUREMENTS = "measurements.csv"
OWN_FOLLOW_UP_FOLDER = OwnFolder(
    frozenset(
        {
            CHANGES,
            _MEASUREMENTS,
            f"{TREND}.png",
            f"{TREND}.svg",
            *(f"{DENSITY_TREND}.{kind}" for kind in ("png", "svg")),
            REPORT,
            RECORD,
        }
    ),
    sign=CHANGES,
)
_CONTENT = {
    REPORT: "This page",
    CHANGES: "Every change with its 95 % interval, the LSC and its source, and whether it counts",
    _MEASUREMENTS: "Every measurement, and the means over the levels that all dates have",
    f"{TREND}.png": "The figure",
    f"{TREND}.svg": "The figure",
    f"{DENSITY_TREND}.png": "The figure in mg/cm³",
    f"{DENSITY_TREND}.svg": "The figure in mg/cm³",
    RECORD: "Hashes of the audit folders and files, what was stated, and the source of the LSC",
}


def check_follow_up_destination(destination: Path, overwrite: bool, inputs: Sequence[Path]) -> None:
    """Raise InputError if the folder cannot be written, or replacing it would remove an input."""
    check_destination(destination, overwrite, OWN_FOLLOW_UP_FOLDER)
    check_inputs_stay(destination, inputs)


def write_follow_up(destination: Path, found: FollowUp, overwrite: bool = False, with_figure: bool = True) -> None:
    """Write tables, figure, page and record.

    Parameters
    ----------
    destination : pathlib.Path
        The output folder (created).
    found : FollowUp
    overwrite : bool
        Replace the folder if it exists.
    with_figure : bool
        Draw the figure, if Matplotlib is installed.

    Raises
    ------
    InputError
        If the folder exists and may not be replaced, or cannot be written.
    """
    with atomic_folder(destination, overwrite, OWN_FOLLOW_UP_FOLDER) as folder:
        _write(folder / CHANGES, csv_text(found.changes.columns, found.changes.rows))
        _write(folder / _MEASUREMENTS, csv_text(found.measurements.columns, found.measurements.rows))
        figure = in_mg_cc = None
        if with_figure and find_spec("matplotlib") is not None:
            figure = _saved(trend_figure(found), folder, TREND)
            in_mg_cc = _saved(density_figure(found), folder, DENSITY_TREND) if found.mineral else None
        names = {*files_in(folder), REPORT, RECORD}
        files = {name: text for name, text in _CONTENT.items() if name in names}
        _write(folder / REPORT, follow_up_page(found, figure, files, in_mg_cc))
        hashes = {name: file_sha256(folder / name) for name in files_in(folder)}
        record = record_of(found, hashes)
        _write(folder / RECORD, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _saved(panels: Panels, folder: Path, name: str) -> Path:
    """Write a figure as PNG and SVG, and return the latter."""
    for kind in ("png", "svg"):
        panels.save(folder / f"{name}.{kind}")
    return folder / f"{name}.svg"


def record_of(found: FollowUp, file_hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what the folder was made from, as plain JSON values."""
    lsc: dict[str, Any] = {"source": found.lsc.name}
    if found.precision is None:
        lsc["published"] = published_precision().document
    else:
        lsc |= {"sha256": found.precision.sha256, "precision": found.precision.document}
    return {
        "schema": FOLLOW_UP_SCHEMA,
        "notice": NOTICE,
        "case": found.case,
        "software": software_versions(),
        "accept_unknown": found.accept_unknown,
        "audits": [_audit(audit) for audit in found.audits],
        "lsc": lsc,
        "findings": [finding.plain() for finding in found.findings],
        "files": dict(sorted(file_hashes.items())),
    }


def _audit(audit: DatedAudit) -> dict[str, Any]:
    record = audit.record
    return {
        "folder": audit.name,
        "date": None if audit.date is None else str(audit.date),
        "record_sha256": audit.record_sha256,
        "case": audit.case,
        "reader": audit.reader,
        "reading": record["reading"],
        "voxels_sha256": audit.ct_identity,
        "headers": dict(audit.headers),
        "protocol": {name: record["protocol"][name] for name in ("name", "version")},
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
