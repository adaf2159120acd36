"""Choose the mid-slice, and report how the means differ where two slices are almost equally near to mid-height."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import nearest_slice
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.core.regions.given_mask import is_of_vertebra


def mid_slice_at(position: float, uncertain_mm: float, spacing_mm: float, values: PlacementValues) -> int:
    """Return the slice nearest to mid-height; of two equally near within its uncertainty, the more caudal.

    Parameters
    ----------
    position : float
        Mid-height, counted in slices from caudal.
    uncertain_mm : float
        Uncertainty in addition to that of the best estimate.
    spacing_mm : float
        Distance between two slices.
    values : PlacementValues
    """
    tie = min((values.tie_mm + uncertain_mm) / spacing_mm, values.tie_slices)
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
    if 2 * spacing_mm <= protocol.roi.slab_mm:
        return None
    chosen = mid_slice_at(position, uncertain_mm, spacing_mm, protocol.placement)
    other = chosen + (1 if position > chosen else -1)
    from_halfway = abs((chosen + other) / 2 - position)
    return other if from_halfway <= protocol.placement.tie_slices + uncertain_mm / spacing_mm else None


@dataclass(frozen=True, eq=False)
class SliceChoice:
    """The choice of a proposal's mid-slice, which each protocol checks with its own regions.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    midline_ras_mm : numpy.ndarray, shape (2, 3)
        The midline in the mid-slice.
    midline_in : callable
        From a slice to the midline in it; None where the body's edge is not visible there.
    position : float
        Mid-height, counted in slices.
    uncertain_mm : float
        Uncertainty of mid-height, as for `alternative_slice`.
    has_segment : bool
        Whether there is a segmented vertebra; regions made from it do not follow the midline.
    """

    stack: AxialStack
    level: str
    midline_ras_mm: np.ndarray
    midline_in: Callable[[int], np.ndarray | None]
    position: float
    uncertain_mm: float
    has_segment: bool

    def findings(self, protocol: Protocol) -> tuple[Finding, ...]:
        """Return the finding on how the protocol's means would change in the other slice, if there is another."""
        spacing_mm = self.stack.slice_spacing_mm
        other_slice = alternative_slice(self.position, self.uncertain_mm, spacing_mm, protocol)
        regions = [region.name for region in protocol.regions if not (self.has_segment and is_of_vertebra(region))]
        if other_slice is None or not regions:
            return ()
        chosen_hu, other_hu = (
            _means_hu(self.stack, self.level, ends, protocol)
            for ends in (self.midline_ras_mm, self.midline_in(other_slice))
        )
        differences = {roi: other_hu[roi] - chosen_hu[roi] for roi in regions if roi in chosen_hu and roi in other_hu}
        if differences:
            worst_hu = max(map(abs, differences.values()))
            changes = ", ".join(f"{roi} {hu:+.1f}" for roi, hu in differences.items())
            effect = f"in that slice, the means differ by {changes} HU"
        else:
            worst_hu = np.inf
            effect = "in that slice, the level cannot be measured"
        off = abs(self.position - mid_slice_at(self.position, self.uncertain_mm, spacing_mm, protocol.placement))
        uncertain = protocol.placement.tie_slices + self.uncertain_mm / spacing_mm
        return (
            Finding(
                "mid_slice_ambiguous",
                f"Mid-height of {self.level} is {off:.2f} slices from its mid-slice, with an uncertainty of about "
                f"{uncertain:.2f} slices, so the next slice may be the mid-slice; {effect}.",
                "Choose the slice in the images, and take the difference into account.",
                "warning" if worst_hu > protocol.placement.tie_hu else "note",
                self.level,
            ),
        )


def _means_hu(stack: AxialStack, level: str, midline_ras_mm: np.ndarray | None, protocol: Protocol) -> dict[str, float]:
    if midline_ras_mm is None:
        return {}
    try:
        measured = measure_level(stack, Landmarks(level, midline_ras_mm), protocol)
    except InputError:
        return {}
    return {roi: result.values["mean_hu"] for roi, result in measured.rois.items()}
