"""Measure a reading's markups by protocols other than its own, with a table and label maps of their own.

The reading keeps its midlines, edited boundaries and outlines, and exclusions; a region edited by hand belongs to the
reading's own protocol and is not used. The results do not follow the markups: measure again after a change.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.label_maps import stored_labels
from LumbarHULib.core.levels import LEVELS, sorted_levels
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.cutoffs_file import cutoffs_for
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.mrml.ct_identity import require_same_place, require_same_voxels
from LumbarHULib.mrml.export_reading import audit_by, audit_folder_of, ct_of, require_no_other_reading
from LumbarHULib.mrml.node_types import VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_calibration import calibration_of, with_calibration
from LumbarHULib.mrml.reading_markups import placed_levels, read_landmarks
from LumbarHULib.mrml.result_tables import density_text
from LumbarHULib.mrml.roi_label_maps import fill_label_map, label_map_node_of
from LumbarHULib.mrml.subject_hierarchy import put_in_folder
from LumbarHULib.mrml.table_nodes import fill_table

_TABLE_ROLE = "other-protocols"
_LABELS_ROLE = "other-protocol-labels"


def other_protocols_table(reading: Reading) -> Any:
    """Return the table of the means by other protocols; None where there is none."""
    return reading.node.GetNodeReference(_TABLE_ROLE)


def other_label_maps(reading: Reading) -> tuple[VolumeNode, ...]:
    """Return the label-map nodes of other protocols' regions."""
    count = reading.node.GetNumberOfNodeReferences(_LABELS_ROLE)
    nodes = (reading.node.GetNthNodeReference(_LABELS_ROLE, number) for number in range(count))
    return tuple(node for node in nodes if node is not None)


def measure_by(reading: Reading, protocols: Sequence[ProtocolDocument]) -> dict[str, ReadingResult]:
    """Measure a reading's markups by other protocols, and return the results by the protocols' ids.

    Raises
    ------
    InputError
        When the CT was removed or changed, or no level has a midline that can be used.
    """
    ct = ct_of(reading)
    stack = axial_stack(ct, reading.protocol.frame)
    require_same_voxels(reading, stack)
    landmarks, unplaced = [], {}
    for level in placed_levels(reading):
        if level not in reading.skipped_levels:
            try:
                require_same_place(reading, level, stack)
                landmarks.append(read_landmarks(reading, level))
            except InputError as problem:
                unplaced[level] = problem
    if not landmarks:
        sentences = [str(problem) for problem in unplaced.values()]
        raise InputError(" ".join(sentences) or f"{reading.title} has no midline: place one first.")
    exclusions = {level: reason for level, reason in reading.exclusions.items() if level in LEVELS}
    results = {
        document.id: measure_ct(
            ct,
            landmarks,
            document.protocol,
            cutoffs_for(document).cutoffs,
            reading.scan_facts,
            exclusions,
            reading.accepts_off_protocol,
            reading.scan_findings,
            unplaced=unplaced,
        )
        for document in protocols
    }
    return {key: with_calibration(reading, result) for key, result in results.items()}


def write_other_protocols(
    reading: Reading, protocols: Sequence[ProtocolDocument], results: Mapping[str, ReadingResult]
) -> None:
    """Show results by other protocols in the scene: one table, and a label map for each region.

    Label maps of regions that are no longer among the results are removed.
    """
    node = other_protocols_table(reading)
    if node is None:
        node = reading.scene.AddNewNodeByClass("vtkMRMLTableNode", f"HU by other protocols{reading.owner_suffix}")
        reading.node.SetNodeReferenceID(_TABLE_ROLE, node.GetID())
        put_in_folder(reading, "Tables", node)
    names = {document.id: document.name for document in protocols}
    fill_table(node, _columns(results, names, calibration_of(reading)))
    known = {label_map.GetAttribute(_LABELS_ROLE): label_map for label_map in other_label_maps(reading)}
    ct = ct_of(reading)
    for document in protocols:
        stack = axial_stack(ct, document.protocol.frame)
        for roi in document.protocol.region_names:
            labels = stored_labels(stack, results[document.id].levels, roi)
            key = f"{document.id}/{roi}"
            label_map = known.pop(key, None)
            if label_map is not None:
                fill_label_map(label_map, reading.ct_node, labels)
                continue
            label_map = label_map_node_of(reading.ct_node, labels, f"{roi} ({document.id}){reading.owner_suffix}")
            label_map.SetAttribute(_LABELS_ROLE, key)
            reading.node.AddNodeReferenceID(_LABELS_ROLE, label_map.GetID())
            put_in_folder(reading, "Label maps", label_map)
    for label_map in known.values():
        reading.scene.RemoveNode(label_map)


def export_by(
    root: Path, reading: Reading, document: ProtocolDocument, result: ReadingResult, overwrite: bool = False
) -> Path:
    """Write the audit folder of a result by another protocol, and return its path.

    Raises
    ------
    InputError
        As `export_reading`.
    """
    folder = folder_by(root, reading, document)
    audit = audit_by(reading, result, document, cutoffs_for(document))
    require_no_other_reading(folder, audit)
    write_audit_folder(folder, audit, overwrite)
    return folder


def folder_by(root: Path, reading: Reading, document: ProtocolDocument) -> Path:
    """Return the audit folder of a reading by another protocol: next to the reading's own, with the protocol's id."""
    own = audit_folder_of(root, reading)
    return own.with_name(f"{own.name}-{document.id}")


def _columns(
    results: Mapping[str, ReadingResult], names: Mapping[str, str], calibration: CalibrationDocument | None
) -> dict[str, list[str]]:
    """Return the columns with one row for each region of each protocol: means of the levels and over them."""
    rows = [(name, result, summary) for name, result in results.items() for summary in result.summaries]
    levels = sorted_levels({level.level for result in results.values() for level in result.levels})
    columns = {"ROI": [summary.roi for _, _, summary in rows]}
    # The mean comes first: the panel shows the columns on the left.
    columns["mean (HU)"] = ["" if one.mean_hu is None else f"{one.mean_hu:.1f}" for _, _, one in rows]
    if calibration is not None:
        columns[f"mean ({calibration.unit})"] = [density_text(summary.density) for _, _, summary in rows]
    columns["mean of"] = [" ".join(summary.levels) for _, _, summary in rows]
    for level in levels:
        columns[level] = [_level_text(result, level, summary.roi) for _, result, summary in rows]
    columns["not measured"] = [" ".join(one.level for one in result.refused) for _, result, _ in rows]
    columns["protocol"] = [names[protocol_id] for protocol_id, _, _ in rows]
    return columns


def _level_text(result: ReadingResult, level: str, roi: str) -> str:
    measured = next((one for one in result.levels if one.level == level), None)
    return "" if measured is None else f"{measured.rois[roi].mean_hu:.1f}"
