"""What a CT's files said of its acquisition: by what was noted at its node, or by Slicer's DICOM database."""

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.checks.acquisition import acquisition_findings
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.images.dicom_facts import facts_of_files, padding_of_files
from LumbarHULib.mrml.ct_node import keep_padding, kept_scan, node_from_ijk


def scan_facts_of(ct_node) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the acquisition facts of a CT node, and the findings of reading them; empty if they are unknown."""
    kept = kept_scan(ct_node)
    if kept is not None:
        return kept
    files = dicom_files_of(ct_node)
    if files:
        keep_padding(ct_node, padding_of_files(files))
    return facts_of_files(files, node_from_ijk(ct_node)) if files else (ScanFacts(), ())


def dicom_files_of(ct_node) -> list[Path]:
    """Return the files of a CT node's DICOM series by Slicer's database; none where it does not have them all."""
    uids = (ct_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return []
    names = [database.fileForInstance(uid) for uid in uids]
    return [Path(name) for name in names] if all(name and Path(name).is_file() for name in names) else []


def facts_line(facts: ScanFacts, findings, cutoffs: CutoffTable, slice_spacing_mm: float | None) -> str:
    """Return one line: what is as in the study (✓), what is not (✗), and what is unknown."""
    off = {finding.code for finding in (*findings, *acquisition_findings(facts, cutoffs))}
    voltage = _("kVp unknown")
    if facts.tube_voltage_kv is not None:
        text = _("{value} kVp ✗") if "tube_voltage_off_protocol" in off else _("{value} kVp ✓")
        voltage = text.format(value=f"{facts.tube_voltage_kv:g}")
    thickness_mm = facts.slice_thickness_mm or slice_spacing_mm
    slices = _("slices unknown")
    if thickness_mm is not None:
        slices = _("{value} mm slices").format(value=f"{thickness_mm:.3g}")
    contrast = _("contrast medium unknown")
    if facts.contrast is not None:
        contrast = _("contrast ✗") if facts.contrast else _("no contrast ✓")
    others = [text for text in (facts.kernel, facts.scanner_model) if text]
    return " · ".join([voltage, slices, contrast, *others])
