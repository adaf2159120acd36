"""The outline at a proposed midline: check its symmetry, and shift the ends slightly where that makes it symmetric."""

from dataclasses import replace

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.fit import fit_outline
from LumbarHULib.core.outline.model import OutlineFit, OutlineModel
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import OutlineValues

# Shifts of the two ends along a midline whose outline is asymmetric, in mm. Every fourth point of the outline is
# compared.
_NUDGES_MM = tuple((front_mm, back_mm) for front_mm in (0.0, -0.2, 0.2) for back_mm in (0.0, -0.2, 0.2))[1:]
_EVERY = 4

# Standard deviation of a guessed midline's ends, and their largest distance from the edge: any distance searched.
_GUESSED_END_MM, _ANY_END_MM = 4.0, 100.0


def outline_uv_mm(stack: AxialStack, frame: Frame, values: OutlineValues) -> np.ndarray:
    """Return the outline found in the CT at a midline, as a dense polygon in the frame."""
    return sample_closed_spline(fitted_outline(stack, frame, values).control_points_uv_mm)[0]


def fitted_outline(stack: AxialStack, frame: Frame, values: OutlineValues) -> OutlineFit:
    """Return the outline found in the CT at a midline, and where a cortex is visible.

    No reader placed the ends of a proposed midline, so they are weak evidence for the edge.
    """
    plane = PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
    model = replace(OutlineModel.from_values(values), end_sd_mm=_GUESSED_END_MM, end_tolerance_mm=_ANY_END_MM)
    return fit_outline(plane, frame.depth_mm, model)


def evened_midline(
    stack: AxialStack, level: str, midline_ras_mm: np.ndarray, protocol: Protocol
) -> tuple[np.ndarray, tuple[Finding, ...]]:
    """Return the midline, shifted slightly where that makes its outline symmetric, and the findings that remain.

    At the base of a pedicle the outline may follow either of two edges, and a tenth of a millimeter at the midline's
    ends decides which. A body is usually symmetric, so the symmetric outline is preferred. The midline stays where no
    shift makes the outline symmetric, because slightly less asymmetry means nothing.
    """
    uneven_mm = _unevenness_mm(stack, level, midline_ras_mm, protocol)
    if uneven_mm <= protocol.placement.uneven_mm:
        return midline_ras_mm, ()
    frame = frame_from_midline(stack, Landmarks(level, midline_ras_mm), protocol.frame)
    best, least_mm = midline_ras_mm, uneven_mm
    for front_mm, back_mm in _NUDGES_MM:
        nudged = midline_ras_mm + np.array([[front_mm], [back_mm]]) * frame.v_ras
        try:
            nudged_mm = _unevenness_mm(stack, level, nudged, protocol)
        except InputError:
            continue
        if nudged_mm < least_mm:
            best, least_mm = nudged, nudged_mm
    if least_mm <= protocol.placement.uneven_mm:
        return best, ()
    finding = Finding(
        "outline_uneven",
        f"The two sides of {level}'s outline differ by {uneven_mm:.1f} mm on average when mirrored at the midline, "
        f"more than {protocol.placement.uneven_mm:g} mm.",
        "Check in the images that the outline follows the body on both sides and that the midline halves it.",
        "warning",
        level,
    )
    return midline_ras_mm, (finding,)


def _unevenness_mm(stack: AxialStack, level: str, midline_ras_mm: np.ndarray, protocol: Protocol) -> float:
    """Return the mean distance between the outline and its mirror image about the midline."""
    dense = outline_uv_mm(
        stack, frame_from_midline(stack, Landmarks(level, midline_ras_mm), protocol.frame), protocol.outline
    )
    mirrored = dense[::_EVERY] * (-1.0, 1.0)
    return float(polygons.distances_to_edges(mirrored, dense).min(axis=1).mean())
