"""Two slices that are nearly alike to mid-height: which of them is chosen is chance, so the difference is told."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import nearest_slice
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol


def mid_slice_at(position: float, uncertain_mm: float, spacing_mm: float, protocol: Protocol) -> int:
    """Return the slice nearest to mid-height; of two that are alike to it as far as it is known, the more caudal.

    Parameters
    ----------
    position : float
        Mid-height, counted in slices from caudal.
    uncertain_mm : float
        By how much it may be off, beyond what the best estimate may.
    spacing_mm : float
        Distance between two slices.
    protocol : Protocol
    """
    alike = min((protocol.placement_tie_mm + uncertain_mm) / spacing_mm, protocol.placement_tie_slices)
    return nearest_slice(position - alike)


def slice_alike(position: float, uncertain_mm: float, spacing_mm: float, protocol: Protocol) -> int | None:
    """Return the slice that might as well be the mid-slice; None where one is clearly the nearest.

    Where slices are so thin that a region covers three or more of them, most voxels stay the same: None as well.

    Parameters
    ----------
    position : float
        Mid-height, counted in slices.
    uncertain_mm : float
        By how much it may be off.
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
    """Return the finding that tells what the other slice would have given.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    midline_ras_mm, other_midline_ras_mm : numpy.ndarray, shape (2, 3)
        The midline in the mid-slice and in the other; None where the body's edge is not seen there.
    position : float
        Mid-height, counted in slices.
    uncertain_mm : float
        How far mid-height may lie off that, as for `slice_alike`.
    protocol : Protocol
    """
    chosen_hu, other_hu = (_means_hu(stack, level, one, protocol) for one in (midline_ras_mm, other_midline_ras_mm))
    differences = {roi: other_hu[roi] - chosen_hu[roi] for roi in chosen_hu if roi in other_hu}
    if differences:
        worst_hu = max(map(abs, differences.values()))
        told = (
            f"there the regions' means differ by {', '.join(f'{roi} {hu:+.1f}' for roi, hu in differences.items())} HU"
        )
    else:
        worst_hu = np.inf
        told = "there the level cannot be measured"
    off = abs(position - mid_slice_at(position, uncertain_mm, stack.slice_spacing_mm, protocol))
    return Finding(
        "mid_slice_ambiguous",
        f"The middle of {level} lies {off:.2f} slices from its mid-slice, known to about "
        f"{protocol.placement_tie_slices + uncertain_mm / stack.slice_spacing_mm:.2f} slices, so the next one might be "
        f"it; {told}.",
        "Choose the slice on the images, and take the difference into account.",
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
    return {roi: of_roi.values["mean_hu"] for roi, of_roi in measured.rois.items()}
