"""The shared last step of placement: from where a body roughly is to its midline in the mid-slice."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline, nearest_slice
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline_fit import fit_outline
from LumbarHULib.core.outline_fit_curve import midline_crossings
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.placement.body_box import BodyAxes
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.proposal import Proposal
from LumbarHULib.placement.symmetry import mirror_plane

# Where the guess's ends are not on the body's edge, they are tried this far off, in mm: anterior, posterior.
_TRIES_MM = ((0, 0), (3, 0), (0, -3), (-3, 0), (0, 3), (3, 3), (-3, -3), (3, -3), (-3, 3), (6, 6), (-6, -6))
_ROUNDS = 6
_SETTLED_MM = 0.02


def propose_midline(stack: AxialStack, guess: BodyGuess, protocol: Protocol) -> Proposal:
    """Return the midline of a body: in the plane of symmetry, in the mid-slice, from edge to edge.

    Raises
    ------
    InputError
        When the body is not whole in the CT, or its edge is not seen.
    """
    axes = BodyAxes.of(guess)
    mirror = mirror_plane(stack, axes, guess)
    axes = axes.mirrored_about(mirror.offset_mm, mirror.angle_deg)
    height = (axes.center_ras_mm - stack.ras_from_ijk[:3, 3]) @ stack.normal_ras / stack.slice_spacing_mm
    midline = midline_in_slice(stack, axes, guess, nearest_slice(float(height)), protocol)
    return Proposal(guess.level, midline, guess.findings)


def midline_in_slice(
    stack: AxialStack, axes: BodyAxes, guess: BodyGuess, mid_slice: int, protocol: Protocol
) -> np.ndarray:
    """Return where the plane of symmetry meets the body's outline in a slice: anterior, then posterior, RAS mm."""
    middle, forward = _symmetry_line(stack, axes, mid_slice)
    half = guess.depth_mm / 2
    problem = None
    for front_mm, back_mm in _TRIES_MM:
        ends = np.array([middle + (half + front_mm) * forward, middle - (half - back_mm) * forward])
        try:
            for _ in range(_ROUNDS):
                found = _onto_edge(stack, Landmarks(guess.level, ends), protocol)
                moved_mm = np.abs(found - ends).max()
                ends = found
                if moved_mm < _SETTLED_MM:
                    break
            return ends
        except InputError as error:
            problem = problem or error
    raise InputError(f"{guess.level}: no vertebral body's edge is found where one is expected ({problem})", guess.level)


def _symmetry_line(stack: AxialStack, axes: BodyAxes, mid_slice: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the body's middle in a slice, and the direction to anterior along its plane of symmetry."""
    normal, across = stack.normal_ras, axes.rows_ras[0]
    forward = np.cross(normal, across)
    forward *= np.sign(forward @ axes.anterior_ras) / np.linalg.norm(forward)
    plane = stack.ras_from_ijk[:3, 3] + mid_slice * stack.ras_from_ijk[:3, 2]
    up = axes.up_ras
    middle = axes.center_ras_mm + (plane - axes.center_ras_mm) @ normal / (up @ normal) * up
    return middle, forward


def _onto_edge(stack: AxialStack, landmarks: Landmarks, protocol: Protocol) -> np.ndarray:
    """Return a midline whose ends are moved along it onto the outline found in the CT."""
    frame = frame_from_midline(stack, landmarks, protocol)
    plane = PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
    fit = fit_outline(plane, frame.depth_mm, protocol.outline_model)
    dense, _ = sample_closed_spline(fit.control_points_uv_mm)
    v = [_at(dense[:, 1], place) for place in midline_crossings(dense)]
    return frame.to_ras_mm([(0.0, v[0]), (0.0, v[1])])


def _at(values: np.ndarray, place: float) -> float:
    return float(np.interp(place, np.arange(len(values) + 1), np.append(values, values[0])))
