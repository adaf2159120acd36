"""The outline at a proposed midline: looked at, and made even where a hair's breadth decides between two edges."""

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
from LumbarHULib.core.outline.model import OutlineFit
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol import Protocol

# How the ends of a midline whose outline is lopsided are moved along it, in mm; every such point is compared.
_NUDGES_MM = tuple((front_mm, back_mm) for front_mm in (0.0, -0.2, 0.2) for back_mm in (0.0, -0.2, 0.2))[1:]
_EVERY = 4

# Standard deviation of a guessed midline's ends, and how far they may be off the edge: any distance that is searched.
_GUESSED_END_MM, _ANY_END_MM = 4.0, 100.0


def outline_uv_mm(stack: AxialStack, frame: Frame, protocol: Protocol) -> np.ndarray:
    """Return the outline that the CT shows at a midline, a dense polygon in the frame."""
    return sample_closed_spline(fitted_outline(stack, frame, protocol).control_points_uv_mm)[0]


def fitted_outline(stack: AxialStack, frame: Frame, protocol: Protocol) -> OutlineFit:
    """Return the outline that the CT shows at a midline, and where a cortex is seen.

    The ends of a midline that is only proposed are no reader's: they say little of where the edge is.
    """
    plane = PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
    model = replace(protocol.outline_model, end_sd_mm=_GUESSED_END_MM, end_tolerance_mm=_ANY_END_MM)
    return fit_outline(plane, frame.depth_mm, model)


def evened_midline(
    stack: AxialStack, level: str, midline_ras_mm: np.ndarray, protocol: Protocol
) -> tuple[np.ndarray, tuple[Finding, ...]]:
    """Return the midline, nudged where that makes a lopsided outline even, and what remains to be told.

    At a pedicle's base the outline may follow the one or the other of two edges, and a tenth of a millimeter at the
    midline's ends decides which: a body is more likely to be even than not. Where no nudge makes it even, a hair's
    breadth less uneven says nothing: the midline stays.
    """
    uneven_mm = _unevenness_mm(stack, level, midline_ras_mm, protocol)
    if uneven_mm <= protocol.placement_uneven_mm:
        return midline_ras_mm, ()
    frame = frame_from_midline(stack, Landmarks(level, midline_ras_mm), protocol)
    best, least_mm = midline_ras_mm, uneven_mm
    for front_mm, back_mm in _NUDGES_MM:
        nudged = midline_ras_mm + np.array([[front_mm], [back_mm]]) * frame.v_ras
        try:
            of_nudged_mm = _unevenness_mm(stack, level, nudged, protocol)
        except InputError:
            continue
        if of_nudged_mm < least_mm:
            best, least_mm = nudged, of_nudged_mm
    if least_mm <= protocol.placement_uneven_mm:
        return best, ()
    finding = Finding(
        "outline_uneven",
        f"The two sides of {level}'s outline lie {uneven_mm:.1f} mm from each other's mirror image on average, more "
        f"than {protocol.placement_uneven_mm:g} mm.",
        "Check on the images that the outline follows the body on both sides and the midline halves it.",
        "warning",
        level,
    )
    return midline_ras_mm, (finding,)


def _unevenness_mm(stack: AxialStack, level: str, midline_ras_mm: np.ndarray, protocol: Protocol) -> float:
    """Return how far the outline is from its mirror image about the midline, on average."""
    dense = outline_uv_mm(stack, frame_from_midline(stack, Landmarks(level, midline_ras_mm), protocol), protocol)
    mirrored = dense[::_EVERY] * (-1.0, 1.0)
    return float(polygons.distances_to_edges(mirrored, dense).min(axis=1).mean())
