"""Measure a CT at midlines that were given, read or proposed."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.api.calibrations import read_calibration
from LumbarHULib.api.cts import Ct
from LumbarHULib.api.measurement import Measurement
from LumbarHULib.api.midlines import Midlines
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.calibration import require_same_voltage
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import parse_level, sorted_levels
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.regions.given_mask import needs_vertebrae
from LumbarHULib.core.results import ReadingResult, RoiMask
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_for
from LumbarHULib.files.protocol_file import ProtocolDocument, load_protocol, shipped_paths

# By level and region, label maps that a person edited by hand.
EditedMasks = Mapping[str, Mapping[str, RoiMask]]


def measure(
    ct: Ct,
    midlines: Mapping[str, ArrayLike],
    *,
    boundaries: Mapping[str, ArrayLike] | None = None,
    outlines: Mapping[str, ArrayLike] | None = None,
    exclusions: Mapping[str, str] | None = None,
    protocol: str | Path | None = None,
    cutoffs: str | Path | None = None,
    accept_off_protocol: bool = False,
    calibration: str | Path | CalibrationDocument | None = None,
) -> Measurement:
    """Measure a CT.

    Parameters
    ----------
    ct : Ct
        From `read_ct`, `ct_from_array` or `ct_from_node`.
    midlines : mapping of str to array_like, shape (2, 3)
        By level (T12, L1–L5): the middle of the anterior edge and of the posterior edge of the vertebral body at
        mid-height, RAS mm. Or what `read_midlines`, `propose_from_segmentation` or `propose_from_points` returned.
    boundaries : mapping of str to array_like, shape (2, 3), optional
        By level, the boundary as a reader moved it; the protocol draws the others.
    outlines : mapping of str to array_like, shape (n, 3), optional
        By level, control points of the outline as a reader drew it; LumbarHU finds the others in the CT.
    exclusions : mapping of str to str, optional
        By level, why it does not enter the means.
    protocol : str or pathlib.Path, optional
        Your own file, or the id of a protocol that LumbarHU comes with; by default, the study's.
    cutoffs : str or pathlib.Path, optional
        Your own file; by default, the study's for its protocol and none for any other.
    accept_off_protocol : bool
        Give classes although tube voltage or contrast medium are known to differ from the cutoffs'.
    calibration : str or pathlib.Path or Calibration, optional
        A calibration or its file, for densities in mg/cm³ in addition to HU.

    Returns
    -------
    Measurement
        A level that cannot be measured is among its ``refusals``, with the reason.

    Raises
    ------
    InputError
        When a midline is not two points, a level is unknown, an exclusion has no reason, or the calibration is from
        another tube voltage.
    """
    if isinstance(calibration, (str, Path)):
        calibration = read_calibration(calibration)
    if calibration is not None:
        require_same_voltage(calibration.calibration, ct.scan_facts)
    document = load_protocol(protocol)
    measured = measure_midlines(
        ct,
        midlines_of(midlines, boundaries or {}, outlines or {}),
        document,
        cutoffs_for(document, None if cutoffs is None else Path(cutoffs)),
        exclusions or {},
        accept_off_protocol,
    )
    return measured if calibration is None else measured.calibrated(calibration)


def protocol_ids() -> tuple[str, ...]:
    """Return the ids of the protocols that LumbarHU comes with, the study's first; `measure` takes each of them."""
    return tuple(shipped_paths())


def measure_midlines(
    ct: Ct,
    midlines: Midlines,
    protocol: ProtocolDocument,
    cutoffs: CutoffsDocument,
    exclusions: Mapping[str, str],
    accept_off_protocol: bool = False,
    edit: Callable[[ReadingResult], EditedMasks] | None = None,
) -> Measurement:
    """Measure a CT at midlines that were placed; the command line and batch do so as well.

    Parameters
    ----------
    edit : callable, optional
        From what the midlines give to the label maps that are measured in place of theirs.
    """
    measured = partial(
        measure_ct,
        ct.ct,
        midlines.landmarks,
        protocol.protocol,
        cutoffs.cutoffs,
        ct.scan_facts,
        exclusions,
        accept_off_protocol,
        (*ct.findings, *midlines.findings),
        unplaced=midlines.unplaced,
    )
    if needs_vertebrae(protocol.protocol) and midlines.segments:
        measured = partial(measured, vertebrae=midlines.vertebrae(axial_stack(ct.ct, protocol.protocol.frame)))
    result = measured()
    if edit is not None:
        result = measured(edited_masks=edit(result))
    result = result.with_level_findings(midlines.all_level_findings(result))
    return Measurement(ct, result, protocol, cutoffs, accept_off_protocol)


def midlines_of(
    midlines: Mapping[str, ArrayLike], boundaries: Mapping[str, ArrayLike], outlines: Mapping[str, ArrayLike]
) -> Midlines:
    """Return midlines as `measure_midlines` takes them.

    Raises
    ------
    InputError
        When there is none, a level is unknown or there twice, or points are missing or are no numbers.
    """
    if isinstance(midlines, Midlines):
        if boundaries or outlines:
            raise InputError(
                "Midlines that were read or proposed already have boundaries and outlines: omit boundaries and "
                "outlines."
            )
        return midlines
    if not isinstance(midlines, Mapping) or not midlines:
        raise InputError("No midline was given: give one for each level, such as {'L1': [anterior, posterior]}.")
    by_role = {
        role: {parse_level(str(level)): _numbers(role, str(level), points) for level, points in given.items()}
        for role, given in (("midline", midlines), ("boundary", boundaries), ("outline", outlines))
    }
    if len(by_role["midline"]) < len(midlines):
        raise InputError(f"A level is given twice among {', '.join(map(str, midlines))}: name each once.")
    for role in ("boundary", "outline"):
        for level in by_role[role]:
            if level not in by_role["midline"]:
                article = "an" if role == "outline" else "a"
                raise InputError(f"{level} has {article} {role} but no midline: give its midline as well.", level)
    return Midlines(
        tuple(
            Landmarks(level, by_role["midline"][level], by_role["boundary"].get(level), by_role["outline"].get(level))
            for level in sorted_levels(by_role["midline"])
        )
    )


def _numbers(role: str, level: str, points: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(points, dtype=float)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"The {role} of {level} is not a list of points: give R, A and S in mm for each point.", level
        ) from problem
