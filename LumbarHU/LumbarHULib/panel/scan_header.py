"""What the DICOM headers say of a CT that Slicer's database holds."""

from pathlib import Path

import slicer

from LumbarHULib.core.acquisition import acquisition_findings
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.dicom_facts import facts_of_files
from LumbarHULib.mrml.ct_node import node_from_ijk


def scan_facts_of(ct_node) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the acquisition facts of a CT node, and what reading them told; nothing where it was not DICOM."""
    uids = (ct_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    paths = [database.fileForInstance(uid) for uid in uids] if database is not None and database.isOpen else []
    if not paths or not all(path and Path(path).is_file() for path in paths):
        return ScanFacts(), ()
    return facts_of_files(paths, node_from_ijk(ct_node))


def facts_line(facts: ScanFacts, findings, cutoffs: CutoffTable, slice_spacing_mm: float | None) -> str:
    """Return one line: what is as in the study (✓), what is not (✗), and what is not told (?)."""
    off = {finding.code for finding in (*findings, *acquisition_findings(facts, cutoffs))}
    voltage = "kVp ?" if facts.tube_voltage_kv is None else f"{facts.tube_voltage_kv:g} kVp "
    if facts.tube_voltage_kv is not None:
        voltage += "✗" if "tube_voltage_off_protocol" in off else "✓"
    thickness_mm = facts.slice_thickness_mm or slice_spacing_mm
    slices = "slices ?" if thickness_mm is None else f"{thickness_mm:.3g} mm slices"
    contrast = "contrast ?" if facts.contrast is None else ("contrast ✗" if facts.contrast else "no contrast ✓")
    others = [text for text in (facts.kernel, facts.scanner_model) if text]
    return " · ".join([voltage, slices, contrast, *others])
