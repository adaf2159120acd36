"""The pages in a real browser, where there is one; `make browser` looks at far more."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from audit.readings import CUTOFFS, PROTOCOL, landmarks_at, random_ct

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.report.case_index import write_index
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.scan_facts import ScanFacts

PROGRAM = "chromium"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Return a folder with the report of one case of four levels, and its index."""
    root = tmp_path_factory.mktemp("cases")
    ct, facts = random_ct(), ScanFacts(source="NRRD")
    landmarks = [landmarks_at(f"L{number}", 23.75 - 12.5 * number) for number in (1, 2, 3, 4)]
    result = measure_ct(ct, landmarks, PROTOCOL.protocol, CUTOFFS.cutoffs, facts)
    write_audit_folder(root / "one", Audit("one", "AB", 1, result, ct, facts, PROTOCOL, CUTOFFS))
    write_index(root)
    return root


@pytest.fixture
def chromium(outside_program, tmp_path):
    """Return a function that runs the browser on a page and returns its output."""
    program = outside_program(PROGRAM)
    quiet = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    # As root it does not start with its sandbox.
    quiet += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []

    def run(page: Path, *arguments: str) -> str:
        run = subprocess.run([program, *quiet, *arguments, page.as_uri()], capture_output=True, timeout=120, check=True)
        return run.stdout.decode("utf-8")

    return run


def test_the_report_of_four_levels_prints_on_two_pages(chromium, cases, tmp_path):
    chromium(cases / "one" / "report.html", "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "report.pdf").read_bytes())) == 2


def test_the_index_may_run_its_script(chromium, cases):
    shown = chromium(cases / "index.html", "--dump-dom")
    assert "1 of 1 shown" in shown
    assert shown.count("<button") == 11
