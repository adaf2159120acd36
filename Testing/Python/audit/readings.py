"""Small readings for the tests of the files: real measurements on random numbers, with outlines drawn by hand."""

import copy
import json
from dataclasses import replace

import numpy as np

from LumbarHULib.audit.audit import Audit
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.located_json import parse_located_json
from LumbarHULib.files.protocol_file import load_protocol, protocol_from

SHAPE_KJI = (24, 60, 64)
# To the left, to posterior, to superior.
STEPS_RAS_MM = np.diag([-1.0, -1.0, 2.5])
# The slices tilted against the step from one to the next, as by a gantry.
SHEARED_STEPS_RAS_MM = STEPS_RAS_MM + np.array([[0, 0, 0.0], [0, 0, 0.7], [0, 0, 0]])

# Few trials of the midlines' places: their number is no matter of the files.
PROTOCOL_DOCUMENT = copy.deepcopy(load_protocol().document)
PROTOCOL_DOCUMENT["name"] += " (few trials)"
PROTOCOL_DOCUMENT["values"]["placement_trials"]["value"] = 6
PROTOCOL = protocol_from(parse_located_json(json.dumps(PROTOCOL_DOCUMENT), "protocol.json"))
CUTOFFS = load_cutoffs()


def random_ct(steps_ras_mm=STEPS_RAS_MM, kind=np.int16, seed: int = 1) -> CtVolume:
    """Return a CT of values from −50 to 250, whose middle is the world's."""
    values = np.random.default_rng(seed).integers(-50, 251, SHAPE_KJI)
    if np.dtype(kind).kind == "f":
        values = values + np.random.default_rng(seed + 1).random(SHAPE_KJI)
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = steps_ras_mm
    ras_from_ijk[:3, 3] = -steps_ras_mm @ ((np.array(SHAPE_KJI[::-1]) - 1) / 2)
    return CtVolume(values.astype(kind), ras_from_ijk)


def stored_otherwise(ct: CtVolume, axes=(2, 0, 1), flipped=(0, 2)) -> CtVolume:
    """Return the same CT with its stored axes in another order, then some of them reversed."""
    voxels = ct.voxels_hu.transpose(axes)
    matrix = np.eye(4)
    matrix[:3, :3] = ct.ras_from_ijk[:3, :3][:, [2 - axis for axis in axes[::-1]]]
    matrix[:3, 3] = ct.ras_from_ijk[:3, 3]
    for axis in flipped:
        column = 2 - axis
        matrix[:3, 3] += matrix[:3, column] * (voxels.shape[axis] - 1)
        matrix[:3, column] *= -1
    return CtVolume(np.ascontiguousarray(np.flip(voxels, flipped)), matrix)


def landmarks_at(level: str, height_mm: float, normal_ras=(0.0, 0.0, 1.0), **fields) -> Landmarks:
    """Return the markups of a body of 44 × 32 mm at this height, drawn in a slice with this normal."""
    normal = np.array(normal_ras) / np.linalg.norm(normal_ras)

    def in_slice(points_xy_mm):
        points = np.column_stack([points_xy_mm, np.full(len(points_xy_mm), height_mm)])
        points[:, 2] -= points[:, :2] @ normal[:2] / normal[2]
        return points

    angles = np.radians(np.arange(24) * 15 + 7.5)
    outline = in_slice(np.column_stack([22 * np.cos(angles), 16 * np.sin(angles)]))
    midline = in_slice(np.array([(0.4, 16.0), (-0.3, -16.0)]))
    return Landmarks(level, midline, outline_ras_mm=outline, **fields)


def slice_normal(ct: CtVolume) -> np.ndarray:
    """Return the normal of the slices of a CT that is stored as `random_ct` stores it."""
    normal = np.cross(ct.ras_from_ijk[:3, 0], ct.ras_from_ijk[:3, 1])
    return normal * np.sign(normal[2])


def example_landmarks(ct: CtVolume) -> list[Landmarks]:
    corrected = MidlineOrigin("proposal_corrected", 1.234, 5.678)
    normal = slice_normal(ct)
    return [
        landmarks_at("L1", 21.25, normal),
        landmarks_at("L2", 1.25, normal, origin=corrected),
        landmarks_at("L3", -18.75, normal),
    ]


def example_audit(ct: CtVolume | None = None, stored: CtVolume | None = None, **fields) -> Audit:
    """Return a reading of L1, L2 (excluded), L3, and L5 (excluded without a midline).

    The markups are placed on `ct`, and measured on `stored`, the same CT perhaps stored otherwise.
    """
    ct = random_ct() if ct is None else ct
    stored = ct if stored is None else stored
    exclusions = {"L2": "fracture, old", "L5": "out of the scan"}
    facts = fields.pop("scan_facts", ScanFacts(source="NRRD"))
    result = measure_ct(
        stored,
        example_landmarks(ct),
        PROTOCOL.protocol,
        CUTOFFS.cutoffs,
        facts,
        exclusions,
        fields.get("accept_off_protocol", False),
    )
    named = {"case": "case 7", "reader": "AB", "reading": 2} | fields
    return Audit(**named, result=result, ct=stored, scan_facts=facts, protocol=PROTOCOL, cutoffs=CUTOFFS)


def plausible_audit(ct: CtVolume | None = None, **fields) -> Audit:
    """Return `example_audit` without its severe findings, which it has because its CT is noise with drawn outlines."""
    audit = example_audit(ct, **fields)

    def mild(findings):
        return tuple(finding for finding in findings if finding.severity != "severe" or not finding.level)

    levels = tuple(
        replace(
            level,
            findings=mild(level.findings),
            rois={roi: replace(measured, findings=mild(measured.findings)) for roi, measured in level.rois.items()},
        )
        for level in audit.result.levels
    )
    return replace(audit, result=replace(audit.result, levels=levels))
