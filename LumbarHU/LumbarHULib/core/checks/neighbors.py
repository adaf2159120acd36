"""Compare the levels of a reading with each other: distances, left and right, means and heights of the bodies."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from LumbarHULib.core.endplates import Endplates
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import FindingValues
from LumbarHULib.core.results import LevelResult, RoiResult

# The region whose means are compared between levels: the largest in the middle of the body, or else the first.
_COMPARED_ROI = "oval"

# With fewer levels, no level can be called an outlier.
_FEWEST_LEVELS = 3


def spacing_findings(levels: Sequence[LevelResult], values: FindingValues) -> tuple[Finding, ...]:
    """Return findings on neighboring levels that are too far apart, or too close to be two vertebrae."""
    findings = []
    for upper, lower in pairwise(levels):
        steps = LEVELS.index(lower.level) - LEVELS.index(upper.level)
        middles = [level.frame.midline_ras_mm.mean(axis=0) for level in (upper, lower)]
        apart_mm = float(np.linalg.norm(middles[0] - middles[1]))
        distance = f"The midlines of {upper.level} and {lower.level} are {apart_mm:.0f} mm apart"
        if apart_mm < steps * values.level_spacing_min_mm:
            findings.append(
                Finding(
                    "levels_too_close",
                    f"{distance}, less than {steps * values.level_spacing_min_mm:g} mm: one vertebra may have been "
                    "measured as two levels.",
                    "Check in a sagittal view which vertebra each midline is in.",
                    "severe",
                )
            )
        elif apart_mm > steps * values.level_spacing_max_mm:
            findings.append(
                Finding(
                    "levels_too_far",
                    f"{distance}, more than {steps * values.level_spacing_max_mm:g} mm: a vertebra may have been "
                    "skipped, for example L5 labeled as L4.",
                    "Count the vertebrae in a sagittal view.",
                    "severe",
                )
            )
    return tuple(findings)


def side_findings(levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Return findings on levels whose left and right regions differ by more than noise explains."""
    values, findings = protocol.findings, []
    pairs = [
        (left.name, right.name)
        for left in protocol.regions
        for right in protocol.regions
        if left.side == "left" and left.is_mirrored_by(right)
    ]
    for level, (left_roi, right_roi) in ((level, pair) for level in levels for pair in pairs):
        if not {left_roi, right_roi} <= level.rois.keys():
            continue
        left, right = level.rois[left_roi], level.rois[right_roi]
        difference_hu = left.values["mean_hu"] - right.values["mean_hu"]
        error_hu = float(np.hypot(standard_error_hu(left, values), standard_error_hu(right, values)))
        limit_hu = max(values.side_difference_hu, values.noise_limit_sds * error_hu)
        if abs(difference_hu) > limit_hu:
            findings.append(
                Finding(
                    "sides_differ",
                    f"The {left_roi} ROI of {level.level} differs from the {right_roi} ROI by {difference_hu:+.0f} HU, "
                    f"more than {limit_hu:.0f} HU.",
                    "Look for sclerosis, scoliosis, a lesion or an artifact on one side, and check the midline.",
                    "warning",
                    level.level,
                )
            )
    return tuple(findings)


def standard_error_hu(measured: RoiResult, limits: FindingValues) -> float:
    """Return the standard error of a region's mean; neighboring voxels are correlated and count as one."""
    values = measured.values
    independent = max(1.0, values["area_mm2"] * values["slices"] / limits.noise_patch_mm2)
    return values["sd_hu"] / min(independent, values["voxels"]) ** 0.5


def trend_findings(levels: Sequence[LevelResult], values: FindingValues) -> tuple[Finding, ...]:
    """Return findings on levels whose mean differs markedly from the others'."""
    if len(levels) < _FEWEST_LEVELS:
        return ()
    roi = _COMPARED_ROI if _COMPARED_ROI in levels[0].rois else next(iter(levels[0].rois))
    means_hu = {level.level: level.rois[roi].values["mean_hu"] for level in levels}
    findings = []
    for name, mean_hu in means_hu.items():
        others_hu = float(np.median([other for level, other in means_hu.items() if level != name]))
        if abs(mean_hu - others_hu) > values.level_difference_hu:
            findings.append(
                Finding(
                    "level_stands_out",
                    f"The {roi} mean of {name}, {mean_hu:.0f} HU, differs from the median of the other "
                    f"levels by {mean_hu - others_hu:+.0f} HU, more than {values.level_difference_hu:g} HU.",
                    "Look for a fracture, sclerosis, cement or a lesion, and exclude the level if there is one.",
                    "warning",
                    name,
                )
            )
    return tuple(findings)


def height_findings(endplates: Mapping[str, Endplates], values: FindingValues) -> tuple[Finding, ...]:
    """Return findings on vertebral bodies that are lower than their neighbors."""
    names = [level for level in LEVELS if level in endplates]
    findings = []
    for index, name in enumerate(names):
        others = names[max(0, index - 1) : index] + names[index + 1 : index + 2]
        if not others:
            continue
        height_mm = endplates[name].height_mm
        usual_mm = float(np.mean([endplates[other].height_mm for other in others]))
        if height_mm < values.height_share_min * usual_mm:
            findings.append(
                Finding(
                    "body_low",
                    f"The body of {name} is {height_mm:.0f} mm high in its middle, "
                    f"{100 * (1 - height_mm / usual_mm):.0f} % less than {' and '.join(others)} "
                    f"({usual_mm:.0f} mm): it may be fractured.",
                    "Check it in a sagittal view, and exclude the level if it is fractured.",
                    "warning",
                    name,
                )
            )
    return tuple(findings)
