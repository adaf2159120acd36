"""Audit folders of one patient at different dates, with chosen HU: made once, then changed as a forger would."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from audit.forger import record_of, rehash
from audit.readings import example_audit, random_ct
from headless.cohort_files import table, write_table

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.scan_facts import ScanFacts

SCAN = ScanFacts(
    tube_voltage_kv=120.0,
    contrast=False,
    kernel="B40f",
    manufacturer="SIEMENS",
    scanner_model="Sensation 64",
    slice_thickness_mm=2.5,
    source="DICOM",
)
LEVELS = ("L1", "L3")
DATES = {"first": "2022-03-01", "second": "2024-02-29", "third": "2026-03-01"}


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """Return an audit folder of L1, L2 (excluded) and L3: not to be changed."""
    folder = tmp_path_factory.mktemp("template") / "audit"
    write_audit_folder(folder, example_audit(random_ct(), case="P1", reader="AB", reading=1, scan_facts=SCAN))
    return folder


@pytest.fixture(scope="session")
def audit_in(template):
    """Return a function that makes an audit folder in a place, with these HU, headers, and values of the record."""

    def made(place: Path, name: str, hu: float | dict = 120.0, *, headers=None, **record_values) -> Path:
        folder = place / name
        shutil.copytree(template, folder)
        rows = table(folder / "results.csv")
        for row in rows:
            if row["mean_hu"] and not row["excluded"]:
                row["mean_hu"] = hu.get((row["level"], row["roi"]), 120.0) if isinstance(hu, dict) else hu
        write_table(folder / "results.csv", rows)
        record = record_of(folder)
        # Another CT than that of any other name.
        record["ct"]["voxels_sha256"] = name.encode().hex().ljust(64, "0")[:64]
        record["ct"]["headers"] |= headers or {}
        for level in record["levels"]:
            for measured in (level, *level["rois"].values()):
                measured["findings"] = []
        for key, value in record_values.items():
            record[key] = value
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        rehash(folder)
        return folder

    return made


@pytest.fixture
def audit(audit_in, tmp_path):
    """Return a function that makes an audit folder in the test's own folder."""
    return partial(audit_in, tmp_path)
