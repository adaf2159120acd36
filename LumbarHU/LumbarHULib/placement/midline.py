"""The last step of every placement: from a body's approximate position to its midline in the mid-slice."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.curve import midline_crossings
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_box import BodyAxes
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.bridging import bridging_findings
from LumbarHULib.placement.even_outline import evened_midline, fitted_outline
from LumbarHULib.placement.mid_height import MidHeight, mid_height
from LumbarHULib.placement.mid_slice import SliceChoice, mid_slice_at
from LumbarHULib.placement.posterior_wall import WallArc, posterior_wall_findings, share_seen, wall_arc
from LumbarHULib.placement.proposal import Proposal
from LumbarHULib.placement.symmetry import mirror_plane, symmetry_findings

# Offsets of the anterior and posterior end, in mm, that are tried where the guess's ends are not on the body's edge.
_TRIES_MM = ((0, 0), (3, 0), (0, -3), (-3, 0), (0, 3), (3, 3), (-3, -3), (3, -3), (-3, 3), (6, 6), (-6, -6))
# Where the outline bridges too far behind the wall to be measured from a midline that ends on the wall, the end is
# moved posteriorly by this distance before the next try.
_TOWARD_BRIDGE_MM = 0.4
_ROUNDS = 6
_PASSES = 2
_SETTLED_MM = 0.02


@dataclass(frozen=True, eq=False)
class SliceMidline:
    """A midline, anterior then posterior end, RAS mm; the visible share of posterior wall; the wall it ends on."""

    ends_ras_mm: np.ndarray
    seen: float
    wall: WallArc | None


def propose_midline(stack: AxialStack, guess: BodyGuess, protocol: Protocol) -> Proposal:
    """Return the midline of a body: the plane of symmetry in the mid-slice, from edge to edge.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    guess : BodyGuess
        The body's approximate position: its center to within a few mm, its anterior direction to within 20°.
    protocol : Protocol

    Raises
    ------
    InputError
        When the CT does not cover the whole body, or its edge is not visible.
    """
    axes = BodyAxes.of(guess)
    ends_mm = (-guess.height_mm / 2, guess.height_mm / 2)
    depth_mm = guess.depth_mm
    for number in range(_PASSES):
        # For a point, the plane of symmetry has already been searched.
        mirror = mirror_plane(stack, axes, guess, near=number > 0 or guess.origin != "segment")
        axes = axes.mirrored_about(mirror.offset_mm, mirror.angle_deg)
        height = mid_height(stack, guess, axes, ends_mm, depth_mm, protocol)
        tilted = axes.turned(height.up_ras, axes.anterior_ras).moved_to(axes.to_ras_mm((0.0, 0.0, height.above_mm)))
        position = float(stack.slice_heights(tilted.center_ras_mm))
        mid_slice = mid_slice_at(position, height.uncertain_mm, stack.slice_spacing_mm, protocol.placement)
        found = _midline(stack, tilted, height.height_mm, depth_mm, guess, mid_slice, protocol)
        midline = found.ends_ras_mm
        # The endplates' centers are above and below the midline's midpoint; the next pass finds them independently of
        # the guess.
        off_mm = float(axes.to_body_mm(midline.mean(axis=0))[1])
        axes = axes.moved((0.0, off_mm, 0.0))
        depth_mm = float(np.linalg.norm(midline[0] - midline[1]))
    midline, uneven = evened_midline(stack, guess.level, midline, protocol)
    seen = found.seen if found.wall is not None else _seen_behind(stack, guess.level, midline, protocol)
    findings = (
        *guess.findings,
        *height.findings,
        *_bridging_findings(stack, guess, axes, height, protocol.placement),
        *_edge_findings(guess, midline, protocol.placement),
        *symmetry_findings(guess.level, mirror, protocol.placement),
        *uneven,
        *posterior_wall_findings(guess.level, seen, found.wall, protocol.placement),
    )
    in_slice = partial(_midline_or_none, stack, tilted, height.height_mm, depth_mm, guess.level, protocol=protocol)
    choice = SliceChoice(
        stack, guess.level, midline, in_slice, position, height.uncertain_mm, guess.origin == "segment"
    )
    return Proposal(guess.level, midline, (*findings, *choice.findings(protocol)), choice)


def _midline(
    stack: AxialStack,
    axes: BodyAxes,
    height_mm: float,
    depth_mm: float,
    guess: BodyGuess,
    mid_slice: int,
    protocol: Protocol,
) -> SliceMidline:
    """Return the midline in a slice; a refusal names the user's segment or point, because there is no midline yet."""
    try:
        return midline_in_slice(stack, axes, height_mm, depth_mm, guess.level, mid_slice, protocol)
    except InputError:
        given = {"segment": "its segment", "point": "its point"}.get(guess.origin, "the points above and below")
        raise InputError(
            f"{guess.level}: no outline of a vertebral body is visible in the mid-slice found from {given}",
            guess.level,
            f"check {given}, or draw the midline of {guess.level} by hand",
        ) from None


def _midline_or_none(
    stack: AxialStack, axes: BodyAxes, height_mm: float, depth_mm: float, level: str, k: int, *, protocol: Protocol
) -> np.ndarray | None:
    try:
        return midline_in_slice(stack, axes, height_mm, depth_mm, level, k, protocol).ends_ras_mm
    except InputError:
        return None


def _bridging_findings(
    stack: AxialStack, guess: BodyGuess, axes: BodyAxes, height: MidHeight, values: PlacementValues
) -> tuple[Finding, ...]:
    if height.endplates is None:
        return ()
    tilted = axes.turned(height.up_ras, axes.anterior_ras)
    size_mm = guess.width_mm, guess.depth_mm
    return bridging_findings(stack, guess.level, tilted, height.endplates, size_mm, values)


def _edge_findings(guess: BodyGuess, midline_ras_mm: np.ndarray, values: PlacementValues) -> tuple[Finding, ...]:
    """Return a finding where the body's edges in the CT are far from those of the guess."""
    found = BodyAxes.of(guess).to_body_mm(midline_ras_mm)
    guessed = np.array([guess.depth_mm / 2, -guess.depth_mm / 2])
    off_mm = float(np.abs(found[:, 1] - guessed).max())
    aside_mm = float(abs(found[:, 0].mean()))
    if max(off_mm, aside_mm) <= values.edge_mm:
        return ()
    if guess.origin == "segment":
        code, where = "mask_and_ct_disagree", "from the edges of its segment"
        if aside_mm > off_mm:
            where = "lateral to the center of its segment"
    else:
        code, where = "walls_disagree", "from the walls of its body above and below the mid-slice"
        if aside_mm > off_mm:
            where = "lateral to the center of its body above and below the mid-slice"
    return (
        Finding(
            code,
            f"The midline found in the CT for {guess.level} is {max(off_mm, aside_mm):.1f} mm {where}, more than "
            f"{values.edge_mm:g} mm.",
            "Check the proposed midline in the images.",
            "severe",
            guess.level,
        ),
    )


def midline_in_slice(
    stack: AxialStack,
    axes: BodyAxes,
    height_mm: float,
    depth_mm: float,
    level: str,
    mid_slice: int,
    protocol: Protocol,
) -> SliceMidline:
    """Return the midline where the plane of symmetry meets the body's outline in a slice.

    Where the slice shows no posterior wall, the outline only bridges the gap, so the posterior end is placed on the
    wall as it is visible above and below.
    """
    middle, forward = _symmetry_line(stack, axes, mid_slice)
    half = depth_mm / 2
    wall: WallArc | None = None
    wall_end: np.ndarray | None = None
    problem: InputError | None = None
    for front_mm, back_mm in _TRIES_MM:
        ends = np.array([middle + (half + front_mm) * forward, middle - (half - back_mm) * forward])
        least_seen = 1.0
        try:
            for _ in range(_ROUNDS):
                found, seen = _onto_edge(stack, Landmarks(level, ends), protocol)
                # Once on the wall, the end stays there, so that it does not alternate between wall and outline.
                least_seen = min(least_seen, seen)
                on_wall = least_seen < protocol.placement.wall_min
                if on_wall:
                    if wall is None:
                        wall = wall_arc(stack, axes, height_mm, depth_mm, protocol.outline)
                        wall_end = _wall_on_line(wall, axes, depth_mm, middle, forward)
                    found[1] = wall_end
                moved_mm = np.abs(found - ends).max()
                ends = found
                if moved_mm < _SETTLED_MM:
                    break
            return SliceMidline(ends, least_seen, wall if on_wall else None)
        except InputError as error:
            problem = problem or error
            if wall_end is not None and np.array_equal(ends[1], wall_end):
                wall_end = wall_end - _TOWARD_BRIDGE_MM * forward
    assert problem is not None  # every try returns a midline or leaves a problem
    raise problem


def _wall_on_line(arc: WallArc, axes: BodyAxes, depth_mm: float, middle: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Return where a line through the body's center meets the arc of the posterior wall, RAS mm."""
    point = middle - depth_mm / 2 * forward
    along = float(axes.anterior_ras @ forward)
    for _ in range(_ROUNDS):
        _, y_mm, z_mm = axes.to_body_mm(point)
        point = point + (arc.y_mm(z_mm) - y_mm) / along * forward
    return point


def _symmetry_line(stack: AxialStack, axes: BodyAxes, mid_slice: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the body's center in a slice, and the anterior direction along its plane of symmetry."""
    normal, across = stack.normal_ras, axes.rows_ras[0]
    forward = np.cross(normal, across)
    forward *= np.sign(forward @ axes.anterior_ras) / np.linalg.norm(forward)
    plane = stack.ras_from_ijk[:3, 3] + mid_slice * stack.ras_from_ijk[:3, 2]
    up = axes.up_ras
    middle = axes.center_ras_mm + (plane - axes.center_ras_mm) @ normal / (up @ normal) * up
    return middle, forward


def _onto_edge(stack: AxialStack, landmarks: Landmarks, protocol: Protocol) -> tuple[np.ndarray, float]:
    """Return a midline with its ends moved along it onto the outline, and the visible share of the posterior wall."""
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    fit = fitted_outline(stack, frame, protocol.outline)
    dense = sample_closed_spline(fit.control_points_uv_mm)[0]
    v = [_at(dense[:, 1], index) for index in midline_crossings(dense)]
    return frame.to_ras_mm([(0.0, v[0]), (0.0, v[1])]), share_seen(fit)


def _seen_behind(stack: AxialStack, level: str, midline_ras_mm: np.ndarray, protocol: Protocol) -> float:
    frame = frame_from_midline(stack, Landmarks(level, midline_ras_mm), protocol.frame)
    return share_seen(fitted_outline(stack, frame, protocol.outline))


def _at(values: np.ndarray, index: float) -> float:
    return float(np.interp(index, np.arange(len(values) + 1), np.append(values, values[0])))
