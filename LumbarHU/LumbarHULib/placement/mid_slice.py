"""Choose the mid-slice, and report how the means differ where two slices are almost equally near to mid-height."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import nearest_slice
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol


def mid_slice_at(position: float, uncertain_mm: float, spacing_mm: float, protocol: Protocol) -> int:
    """Return the slice nearest to mid-height; of two equally near within its uncertainty, the more caudal.

    Parameters
    ----------
    position : float
        Mid-height, counted in slices from caudal.
    uncertain_mm : float
        Uncertainty in addition to that of the best estimate.
    spacing_mm : float
        Distance between two slices.
    protocol : Protocol
    """
    tie = min((protocol.placement_tie_mm + uncertain_mm) / spacing_mm, protocol.placement_tie_slices)
    return nearest_slice(position - tie)


def alternative_slice(position: float, uncertain_mm: float, spacing_mm: float, protocol: Protocol) -> int | None:
    """Return the other slice that could be the mid-slice; None where one slice is clearly the nearest.

    None, too, where a region covers three or more thin slices: most of its voxels would stay the same.

    Parameters
    ----------
    position : float
        Mid-height, counted in slices.
    uncertain_mm : float
        Uncertainty of the position.
    spacing_mm : float
        Distance between two slices.
    protocol : Protocol
    """
    if 2 * spacing_mm <= protocol.slab_mm:
        return None
    chosen = mid_slice_at(position, uncertain_mm, spacing_mm, protocol)
    other = chosen + (1 if position > chosen else -1)
    from_halfway = abs((chosen + other) / 2 - position)
    return other if from_halfway <= protocol.placement_tie_slices + uncertain_mm / spacing_mm else None


def ambiguity_finding(
    stack: AxialStack,
    level: str,
    midline_ras_mm: np.ndarray,
    other_midline_ras_mm: np.ndarray | None,
    position: float,
    uncertain_mm: float,
    protocol: Protocol,
) -> Finding:
    """Return the finding on how the means would change in the other slice.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    midline_ras_mm, other_midline_ras_mm : numpy.ndarray, shape (2, 3)
        The midline in the mid-slice and in the other slice; None where the body's edge is not visible there.
    position : float
        Mid-height, counted in slices.
    uncertain_mm : float
        Uncertainty of mid-height, as for `alternative_slice`.
    protocol : Protocol
    """
    chosen_hu, other_hu = (_means_hu(stack, level, ends, protocol) for ends in (midline_ras_mm, other_midline_ras_mm))
    differences = {roi: other_hu[roi] - chosen_hu[roi] for roi in chosen_hu if roi in other_hu}
    if differences:
        worst_hu = max(map(abs, differences.values()))
        changes = ", ".join(f"{roi} {hu:+.1f}" for roi, hu in differences.items())
        effect = f"in that slice, the means differ by {changes} HU"
    else:
        worst_hu = np.inf
        effect = "in that slice, the level cannot be measured"
    off = abs(position - mid_slice_at(position, uncertain_mm, stack.slice_spacing_mm, protocol))
    return Finding(
        "mid_slice_ambiguous",
        f"Mid-height of {level} is {off:.2f} slices from its mid-slice, with an uncertainty of about "
        f"{protocol.placement_tie_slices + uncertain_mm / stack.slice_spacing_mm:.2f} slices, so the next slice may be "
        f"the mid-slice; {effect}.",
        "Choose the slice in the images, and take the difference into account.",
        "warning" if worst_hu > protocol.placement_tie_hu else "note",
        level,
    )


def _means_hu(stack: AxialStack, level: str, midline_ras_mm: np.ndarray | None, protocol: Protocol) -> dict[str, float]:
    if midline_ras_mm is None:
        return {}
    try:
        measured = measure_level(stack, Landmarks(level, midline_ras_mm), protocol)
    except InputError:
        return {}
    return {roi: result.values["mean_hu"] for roi, result in measured.rois.items()}
