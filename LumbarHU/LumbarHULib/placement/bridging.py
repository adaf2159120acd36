"""Detect bone that bridges a disc, such as a syndesmophyte: endplates and outline of the body are then uncertain."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import Endplates
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_box import BodyAxes, sample_hu

# Directions around the anterior and lateral sides, up to the pedicles and facets; each is averaged with its neighbors.
_STEP_DEG = 5.0
_DIRECTIONS_DEG = np.arange(-115.0, 115.0 + _STEP_DEG / 2, _STEP_DEG)
_SMOOTHED = 3

# In each direction, the densest point within these distances inside and outside the body's wall counts. Of the heights
# from the endplate to the neighbor's endplate, the least dense counts.
_INSIDE_MM, _OUTSIDE_MM, _RADIAL_STEP_MM = 3.0, 8.0, 1.0
_HEIGHTS = 9


def bridging_findings(
    stack: AxialStack,
    level: str,
    axes: BodyAxes,
    endplates: Endplates,
    size_mm: tuple[float, float],
    values: PlacementValues,
) -> tuple[Finding, ...]:
    """Return a finding where bone reaches from a body across the disc to its neighbor.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    axes : BodyAxes
        The body's axes.
    endplates : Endplates
        The body's endplates.
    size_mm : tuple of float
        The body's width and depth.
    values : PlacementValues
    """
    bridged = {}
    for name, endplate, direction in (("above", endplates.upper, 1), ("below", endplates.lower, -1)):
        start_mm = float(axes.to_body_mm(endplate.center_ras_mm[None])[0, 2])
        heights_mm = start_mm + direction * np.linspace(0.0, endplate.surface.disc_mm, _HEIGHTS)
        arc_deg = _bridged_deg(stack, axes, heights_mm, size_mm, values)
        if arc_deg >= values.bridge_min_deg:
            bridged[name] = arc_deg
    if not bridged:
        return ()
    where = " and ".join(f"{name} {level} over {arc_deg:.0f}°" for name, arc_deg in bridged.items())
    return (
        Finding(
            "bridging_bone",
            f"Bone of more than {values.bridge_hu:g} HU bridges the disc {where} of the body's "
            f"circumference: endplates, mid-slice and outline of {level} are less certain.",
            "Check the mid-slice in a sagittal view and the outline in the axial slice, or exclude the level.",
            "warning",
            level,
        ),
    )


def _bridged_deg(
    stack: AxialStack, axes: BodyAxes, heights_mm: np.ndarray, size_mm: tuple[float, float], values: PlacementValues
) -> float:
    """Return the widest arc on which dense bone spans all heights; 0 where the CT ends between them."""
    from scipy import ndimage

    ends = axes.to_ras_mm(np.array([(0.0, 0.0, heights_mm[0]), (0.0, 0.0, heights_mm[-1])]))
    slices = stack.slice_heights(ends)
    if np.any((slices < -0.5) | (slices > len(stack.voxels_hu) - 0.5)):
        return 0.0
    angles = np.radians(_DIRECTIONS_DEG)
    rays = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    walls_mm = 1 / np.linalg.norm(rays / (np.array(size_mm) / 2), axis=1)
    radii_mm = walls_mm[:, None] + np.arange(-_INSIDE_MM, _OUTSIDE_MM + 0.5, _RADIAL_STEP_MM)
    points = np.empty((*radii_mm.shape, len(heights_mm), 3))
    points[..., :2] = (radii_mm[..., None] * rays[:, None])[:, :, None]
    points[..., 2] = heights_mm
    hu = ndimage.uniform_filter1d(sample_hu(stack, axes.to_ras_mm(points)), _SMOOTHED, axis=0)
    is_bridged = hu.max(axis=1).min(axis=1) > values.bridge_hu
    widest = run = 0
    for is_dense in is_bridged:
        run = run + 1 if is_dense else 0
        widest = max(widest, run)
    return widest * _STEP_DEG
