"""Make record.json: the measurement, its inputs, software and files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from LumbarHULib.audit.audit import Audit, software_versions
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.results import LevelResult, RoiResult, RoiSummary

SCHEMA = "lumbarhu-record-1"

NOTICE = "For research only. Not a medical device, not a diagnosis."

# Axes of a stored array, whose shape is (K, J, I).
_AXIS_NAMES = "kji"


def record_of(audit: Audit, file_sha256: Mapping[str, str]) -> dict[str, Any]:
    """Return the record as plain JSON values, in an order that depends only on its content.

    Parameters
    ----------
    audit : Audit
        The content of the folder.
    file_sha256 : mapping of str to str
        SHA-256 of every other file of the folder, by its path in it.
    """
    record = {"schema": SCHEMA, "notice": NOTICE, "case": audit.case, "reader": audit.reader, "reading": audit.reading}
    if audit.when:
        record["when"] = audit.when
    result = audit.result
    record |= {
        "software": software_versions(),
        "ct": _ct(audit),
        "accept_off_protocol": audit.accept_off_protocol,
        # The values used, which a user may have changed from those in the protocol file.
        "protocol_values": audit.protocol.protocol.values,
        "levels": [level_record(level, audit.stack) for level in result.levels],
        "not_measured": [asdict(refusal) for refusal in result.refusals],
        "summaries": [_summary(summary) for summary in result.summaries],
        "findings": _findings(result.findings),
        "protocol": audit.protocol.document,
        "cutoffs": audit.cutoffs.document,
        "extra": dict(audit.extra),
        "files": dict(sorted(file_sha256.items())),
    }
    if audit.calibration is not None:
        record |= {
            "calibration": audit.calibration.document,
            "calibration_in_time": audit.calibration.in_time,
        }
    return record


def _ct(audit: Audit) -> dict[str, Any]:
    ct, facts = audit.ct, audit.scan_facts
    steps_mm = ct.ras_from_ijk[:3, :3]
    identity = {
        "voxels_sha256": audit.voxels_sha256,
        "voxels_type": ct.voxels_hu.dtype.name,
        "shape_kji": list(ct.voxels_hu.shape),
        "ras_from_ijk": ct.ras_from_ijk.tolist(),
        "spacing_ijk_mm": np.linalg.norm(steps_mm, axis=0).tolist(),
    }
    if not np.array_equal(audit.world_from_file, np.eye(4)):
        identity["world_from_file"] = audit.world_from_file.tolist()
    if facts.series_uid:
        identity["series_uid"] = facts.series_uid
    headers = facts.plain()
    del headers["series_uid"]
    return identity | {"headers": headers}


def level_record(level: LevelResult, stack: AxialStack) -> dict[str, Any]:
    """Return the record of one level, as plain JSON values."""
    first, last = level.slices
    return {
        "level": level.level,
        "excluded": level.excluded,
        "midline": {"points_ras_mm": level.midline_ras_mm.tolist()} | _origin(level.origin),
        "frame": {
            "origin_ras_mm": level.frame.origin_ras_mm.tolist(),
            "u_ras": level.frame.u_ras.tolist(),
            "v_ras": level.frame.v_ras.tolist(),
            "normal_ras": level.frame.normal_ras.tolist(),
            "depth_mm": float(level.frame.depth_mm),
            "rotation_deg": level.frame.rotation_deg,
        },
        "mid_slice": {
            "from_caudal": int(level.frame.mid_slice),
            "stored_axis": _AXIS_NAMES[stack.stored_axes[0]],
            "stored_index": _stored_slice(level.frame.mid_slice, stack),
        },
        "slices": {
            "count": int(last - first + 1),
            "covered_mm": float(level.covered_mm),
            "stored_first": min(_stored_slice(first, stack), _stored_slice(last, stack)),
            "stored_last": max(_stored_slice(first, stack), _stored_slice(last, stack)),
        },
        "boundary": {
            "points_ras_mm": level.boundary.points_ras_mm.tolist(),
            "fraction": float(level.boundary.fraction),
            "angle_deg": float(level.boundary.angle_deg),
            "moved": bool(level.boundary.moved),
        },
        "outline": {
            "source": "reader" if level.outline_edited else "found in the CT",
            "points_ras_mm": level.outline_ras_mm.tolist(),
        },
        "shapes": {
            roi: {name: float(figure) for name, figure in figures.items()}
            for roi, figures in level.shapes.figures.items()
        },
        "rois": {
            roi: {
                "edited": bool(measured.edited),
                "placement_sd_hu": None if level.trials is None else level.trials.sd_hu[roi],
                "findings": _findings(measured.findings),
            }
            | _stored_groups(measured, stack)
            for roi, measured in level.rois.items()
        },
        "findings": _findings(level.findings),
    }


def _origin(origin: MidlineOrigin) -> dict[str, Any]:
    """Return how a midline was placed, and each of its ends where that is known."""
    plain = asdict(origin)
    ends = list(plain.pop("ends"))
    return {"origin": plain} | ({"ends": ends} if ends else {})


def _stored_groups(measured: RoiResult, stack: AxialStack) -> dict[str, Any]:
    """Return the groups of slices of a region whose mean is that of the groups' means; nothing for any other."""
    if not measured.groups:
        return {}
    ends = [[_stored_slice(k, stack) for k in group] for group in measured.groups]
    return {"stored_groups": [sorted(pair) for pair in ends]}


def _stored_slice(axial_slice: int, stack: AxialStack) -> int:
    """Return the index of a slice in the stored array, from its index counted from caudal."""
    return int(stack.voxels_hu.shape[0] - 1 - axial_slice if stack.flipped[0] else axial_slice)


def _summary(summary: RoiSummary) -> dict[str, Any]:
    return {
        "roi": summary.roi,
        "levels": list(summary.levels),
        "class": summary.class_name,
        "inside_cutoff_interval": summary.inside_interval,
        "within_measurement_error": summary.within_error,
        "placement": None if summary.placement is None else asdict(summary.placement),
        "findings": _findings(summary.findings),
    }


def _findings(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]
