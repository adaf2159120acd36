"""What comparing a reading's levels with each other tells: gaps, sides, levels and heights that stand out."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from LumbarHULib.core.endplates import Endplates
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult, RoiResult

# The region whose means are compared between levels: the largest in the middle of the body.
_COMPARED_ROI = "oval"

# With fewer levels none can be said to stand out from the others.
_FEWEST_LEVELS = 3


def spacing_findings(levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Tell of neighboring levels that lie too far apart, or too close to be two vertebrae."""
    findings = []
    for upper, lower in pairwise(levels):
        steps = LEVELS.index(lower.level) - LEVELS.index(upper.level)
        middles = [level.frame.midline_ras_mm.mean(axis=0) for level in (upper, lower)]
        apart_mm = float(np.linalg.norm(middles[0] - middles[1]))
        names = f"The midlines of {upper.level} and {lower.level} lie {apart_mm:.0f} mm apart"
        if apart_mm < steps * protocol.level_spacing_min_mm:
            findings.append(
                Finding(
                    "levels_too_close",
                    f"{names}, less than {steps * protocol.level_spacing_min_mm:g} mm: one vertebra may have been "
                    "measured as two levels.",
                    "Check on a sagittal view which vertebra each midline stands in.",
                    "severe",
                )
            )
        elif apart_mm > steps * protocol.level_spacing_max_mm:
            findings.append(
                Finding(
                    "levels_too_far",
                    f"{names}, more than {steps * protocol.level_spacing_max_mm:g} mm: a vertebra may have been "
                    "skipped, such as L5 taken for L4.",
                    "Count the vertebrae on a sagittal view.",
                    "severe",
                )
            )
    return tuple(findings)


def side_findings(levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Tell of levels whose left and right region differ by more than noise explains."""
    findings = []
    for level in levels:
        left, right = level.rois["left"], level.rois["right"]
        difference_hu = left.values["mean_hu"] - right.values["mean_hu"]
        error_hu = float(np.hypot(standard_error_hu(left, protocol), standard_error_hu(right, protocol)))
        limit_hu = max(protocol.side_difference_hu, protocol.noise_limit_sds * error_hu)
        if abs(difference_hu) > limit_hu:
            findings.append(
                Finding(
                    "sides_differ",
                    f"The left ROI of {level.level} lies {difference_hu:+.0f} HU off the right one, more than "
                    f"{limit_hu:.0f} HU.",
                    "Look for sclerosis, scoliosis, a lesion or an artifact on one side, and check the midline.",
                    "warning",
                    level.level,
                )
            )
    return tuple(findings)


def standard_error_hu(measured: RoiResult, protocol: Protocol) -> float:
    """Return the standard error of a region's mean, voxels that lie close together counted as one."""
    values = measured.values
    independent = max(1.0, values["area_mm2"] * values["slices"] / protocol.noise_patch_mm2)
    return values["sd_hu"] / min(independent, values["voxels"]) ** 0.5


def trend_findings(levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Tell of levels whose mean stands out from the others'."""
    means_hu = {level.level: level.rois[_COMPARED_ROI].values["mean_hu"] for level in levels}
    if len(means_hu) < _FEWEST_LEVELS:
        return ()
    findings = []
    for name, mean_hu in means_hu.items():
        others_hu = float(np.median([other for level, other in means_hu.items() if level != name]))
        if abs(mean_hu - others_hu) > protocol.level_difference_hu:
            findings.append(
                Finding(
                    "level_stands_out",
                    f"The {_COMPARED_ROI} mean of {name}, {mean_hu:.0f} HU, lies {mean_hu - others_hu:+.0f} HU off the "
                    f"median of the other levels, more than {protocol.level_difference_hu:g} HU.",
                    "Look for a fracture, sclerosis, cement or a lesion, and check the level; exclude it if so.",
                    "warning",
                    name,
                )
            )
    return tuple(findings)


def height_findings(endplates: Mapping[str, Endplates], protocol: Protocol) -> tuple[Finding, ...]:
    """Tell of bodies lower than their neighbors."""
    names = [level for level in LEVELS if level in endplates]
    findings = []
    for place, name in enumerate(names):
        others = names[max(0, place - 1) : place] + names[place + 1 : place + 2]
        if not others:
            continue
        height_mm = endplates[name].height_mm
        usual_mm = float(np.mean([endplates[other].height_mm for other in others]))
        if height_mm < protocol.height_share_min * usual_mm:
            findings.append(
                Finding(
                    "body_low",
                    f"The body of {name} is {height_mm:.0f} mm high in its middle, "
                    f"{100 * (1 - height_mm / usual_mm):.0f} % less than {' and '.join(others)} "
                    f"({usual_mm:.0f} mm): it may be fractured.",
                    "Look at it on a sagittal view, and exclude it if it is fractured.",
                    "warning",
                    name,
                )
            )
    return tuple(findings)
