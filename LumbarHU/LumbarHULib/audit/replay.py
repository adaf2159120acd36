"""Measure an audit folder again from its markups, and make its record, tables, label maps and report again.

Given the CT, everything in a folder follows from the markups, the label maps that a reader edited, the protocol, the
cutoffs, and external information: the names, the reasons for excluding a level, and the findings on the files that the
markups were proposed from. These are read from the folder unchanged; everything else is made again by the same composer
and compared.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.ct_date import CT_DATE
from LumbarHULib.audit.folder import RECORD, VERTEBRAE
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.checks.calibration import is_in_time
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.densities import with_densities
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import PLACEMENT_CODES, Finding
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.results import RoiMask
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import CalibrationDocument, calibration_from
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.file_managers import entries
from LumbarHULib.files.located_json import parse_located_json
from LumbarHULib.files.markup_file import MarkupSet, read_markups
from LumbarHULib.files.protocol_file import ProtocolDocument, protocol_of_values
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM, largest_offset_mm
from LumbarHULib.images.sitk_file import read_with_sitk


@dataclass(frozen=True, eq=False)
class CtHeaders:
    """Facts and findings from the CT's file, if it can be read.

    Parameters
    ----------
    facts : ScanFacts
    findings : sequence of Finding
    """

    facts: ScanFacts
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, eq=False)
class Replay:
    """A folder measured again.

    Parameters
    ----------
    audit : Audit
        The expected content.
    knows_headers : bool
        Whether the CT's own headers could be read.
    """

    audit: Audit
    knows_headers: bool


def replay(
    folder: Path,
    record: Mapping[str, Any],
    documents: tuple[ProtocolDocument, CutoffsDocument],
    ct: CtVolume,
    labels: Mapping[str, np.ndarray],
    headers: CtHeaders | None,
    changed_files: Sequence[str] = (),
) -> Replay:
    """Measure a folder's markups again.

    Parameters
    ----------
    folder : pathlib.Path
    record : mapping
        Its record, as plain values.
    documents : tuple of ProtocolDocument and CutoffsDocument
        Protocol and cutoffs in the record.
    ct : CtVolume
        The CT, at its position by the scene's transforms.
    labels : mapping of str to numpy.ndarray, shape (K, J, I)
        The readable label maps, by region.
    headers : CtHeaders or None
        Facts from the CT's file; None if the CT is a node of a scene.
    changed_files : sequence of str
        Files known to be changed: levels with such markups are measured from the record's values instead.

    Raises
    ------
    InputError
        If the markups cannot be read or measured.
    """
    protocol, cutoffs = documents
    stack = axial_stack(ct, protocol.protocol.frame)
    markups = _markups(folder, record, changed_files)
    recorded_facts = _recorded_facts(record)
    knows_headers = headers is not None and headers.facts.source == recorded_facts.source
    facts = headers.facts if headers is not None and knows_headers else recorded_facts
    of_files = headers.findings if headers is not None and knows_headers else ()
    exclusions = {
        level["level"]: level["excluded"] for level in (*record["levels"], *record["not_measured"]) if level["excluded"]
    }
    placed = {landmarks.level for landmarks in markups.landmarks}
    unplaced = {
        refusal["level"]: InputError(refusal["sentence"], refusal["level"])
        for refusal in record["not_measured"]
        if refusal["level"] not in placed
    }
    result = measure_ct(
        ct,
        markups.landmarks,
        protocol.protocol,
        cutoffs.cutoffs,
        facts,
        exclusions,
        record["accept_off_protocol"],
        (*of_files, *markups.findings),
        _edited_masks(record, labels, stack),
        unplaced,
        _vertebrae(folder, record, ct, stack),
    ).with_level_findings(markups.level_findings)
    calibration = recorded_calibration(record)
    if calibration is not None:
        in_time = is_in_time(calibration.calibration, facts, record["extra"].get(CT_DATE))
        if in_time is None and not knows_headers:
            in_time = record.get("calibration_in_time")
        calibration = calibration.applied(in_time)
        result = with_densities(
            result,
            calibration.calibration,
            in_time,
            calibration.calibration.scan.voxels_sha256 == record["ct"]["voxels_sha256"],
        )
    audit = Audit(
        case=record["case"],
        reader=record["reader"],
        reading=record["reading"],
        result=result,
        ct=ct,
        scan_facts=facts,
        protocol=protocol,
        cutoffs=cutoffs,
        accept_off_protocol=record["accept_off_protocol"],
        when=record.get("when", ""),
        extra=record["extra"],
        calibration=calibration,
        world_from_file=np.array(record["ct"].get("world_from_file", np.eye(4)), dtype=float),
    )
    # The hash was compared before; computing it again would take as long as everything else.
    audit.__dict__["voxels_sha256"] = record["ct"]["voxels_sha256"]
    return Replay(audit, knows_headers)


def recorded_calibration(record: Mapping[str, Any]) -> CalibrationDocument | None:
    """Return the calibration in a record; None if there is none.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    if "calibration" not in record:
        return None
    return calibration_from(parse_located_json(json.dumps(record["calibration"]), RECORD))


def _markups(folder: Path, record: Mapping[str, Any], changed_files: Sequence[str]) -> MarkupSet:
    changed = {name.removeprefix("markups/").partition("-")[0] for name in changed_files if name.startswith("markups/")}
    there = entries(folder / "markups") if (folder / "markups").is_dir() else []
    paths = [path for path in there if path.name.partition("-")[0] not in changed]
    markups = read_markups(paths) if paths else MarkupSet(())
    if not changed:
        return markups
    of_record = [_recorded_landmarks(level) for level in record["levels"] if level["level"] in changed]
    landmarks = sorted((*markups.landmarks, *of_record), key=lambda one: LEVELS.index(one.level))
    doubts = [Finding(**one) for level in record["levels"] for one in level["findings"] if level["level"] in changed]
    kept = tuple(finding for finding in doubts if finding.code in PLACEMENT_CODES)
    return MarkupSet(tuple(landmarks), markups.findings, (*markups.level_findings, *kept))


def _recorded_landmarks(recorded: Mapping[str, Any]) -> Landmarks:
    return Landmarks(
        recorded["level"],
        recorded["midline"]["points_ras_mm"],
        recorded["boundary"]["points_ras_mm"] if recorded["boundary"]["moved"] else None,
        recorded["outline"]["points_ras_mm"] if recorded["outline"]["source"] == "reader" else None,
        MidlineOrigin(**recorded["midline"]["origin"], ends=tuple(recorded["midline"].get("ends", ()))),
    )


def _recorded_facts(record: Mapping[str, Any]) -> ScanFacts:
    known = {item.name for item in fields(ScanFacts)}
    stated = {name: value for name, value in record["ct"]["headers"].items() if name in known}
    return ScanFacts(**stated, series_uid=record["ct"].get("series_uid"))


def protocol_as_used(record: Mapping[str, Any], document: ProtocolDocument) -> ProtocolDocument:
    """Return the record's protocol with the values used, and current defaults for values that an older version lacks.

    Raises
    ------
    InputError
        If the values cannot be used.
    """
    values = dict(record["protocol_values"])
    try:
        values["mean_levels"] = tuple(values["mean_levels"])
        return replace(document, protocol=protocol_of_values(values, document.protocol.regions))
    except (InputError, TypeError) as problem:
        raise InputError(f"{RECORD}: its protocol values cannot be used: {problem}") from problem


def _vertebrae(folder: Path, record: Mapping[str, Any], ct: CtVolume, stack: AxialStack) -> dict[str, RoiMask]:
    """Return the segmented vertebrae of the folder, by level; empty if the protocol did not measure in them.

    Raises
    ------
    InputError
        If they cannot be read, or are not on the CT's grid.
    """
    if VERTEBRAE not in record["files"]:
        return {}
    labels, ras_from_ijk, _ = read_with_sitk(folder / VERTEBRAE)
    if labels.shape != ct.voxels_hu.shape or (
        largest_offset_mm(ras_from_ijk, ct.ras_from_ijk, labels.shape) > GEOMETRY_TOLERANCE_MM
    ):
        raise InputError(f"{VERTEBRAE}: its grid is not the CT's.")
    return {level: _mask_of(labels == value, stack) for level, value in LABEL_VALUES.items() if np.any(labels == value)}


def _mask_of(inside: np.ndarray, stack: AxialStack) -> RoiMask:
    """Return voxels of the stored array as a mask of the stack."""
    trimmed = trimmed_mask(inside, (0, 0, 0))
    return RoiMask(*stack.canonical_crop(trimmed.inside, trimmed.offset_kji))


def _edited_masks(
    record: Mapping[str, Any], labels: Mapping[str, np.ndarray], stack: AxialStack
) -> dict[str, dict[str, RoiMask]]:
    """Return the masks of the regions that were edited by hand according to the record, from their label maps."""
    masks: dict[str, dict[str, RoiMask]] = {}
    for level in record["levels"]:
        for roi, of_roi in level["rois"].items():
            inside = labels[roi] == LABEL_VALUES[level["level"]] if roi in labels else np.zeros((0, 0, 0), bool)
            if of_roi["edited"] and inside.any():
                masks.setdefault(level["level"], {})[roi] = _mask_of(inside, stack)
    return masks
