"""Audit folders of patients who were scanned twice, made once for all tests of precision studies."""

import shutil
from pathlib import Path

import pytest
from audit.readings import example_audit, random_ct
from cohort_files.repeated_scans import SCAN, join_tables

from LumbarHULib.audit.folder import write_audit_folder


@pytest.fixture(scope="session")
def scanned_twice(made_once) -> Path:
    """Return a folder with audit folders of two patients who were scanned and read twice: not to be changed."""

    def make(folder: Path) -> Path:
        for case in ("P1", "P2"):
            for number in (1, 2):
                ct = random_ct(seed=10 * int(case[1]) + number)
                audit = example_audit(ct, case=case, reader="AB", reading=number, scan_facts=SCAN)
                write_audit_folder(folder / f"{case}_{number}", audit)
        return folder

    return made_once("scanned-twice", make)


@pytest.fixture
def own_scanned_twice(scanned_twice, tmp_path) -> Path:
    """Return a copy of these folders, next to a table with all readings."""
    folder = tmp_path / "audits"
    shutil.copytree(scanned_twice, folder)
    join_tables(folder, tmp_path / "results.csv")
    return folder
