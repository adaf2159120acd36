"""Find a body's mid-height from two independent sources: the endplates in the CT, and the initial guess."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import HEIGHT_PER_WIDTH, Endplates, find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_box import BodyAxes, sample_hu
from LumbarHULib.placement.body_guess import BodyGuess

# Where the two sources differ, a profile of the CT along the body's axis decides, averaged over a disk of this fraction
# of the depth.
_DISK = 0.3
_DISK_POINTS = 7
_STEP_MM = 0.5

# An endplate is a dense layer within this distance of its stated position. Where the layer of the nearer position has
# at least this fraction of the other one's density, both are endplates, and the one nearer to the center counts.
_LAYER_REACH_MM = 2.5
_LAYER_FRACTION = 0.6


@dataclass(frozen=True, eq=False)
class MidHeight:
    """The mid-height of a body.

    Parameters
    ----------
    above_mm : float
        Height of mid-height above the center of the axes, along them.
    uncertain_mm : float
        Its uncertainty, from the difference of the two sources.
    height_mm : float
        Height of the body between its endplates.
    up_ras : numpy.ndarray, shape (3,)
        Unit vector perpendicular to the mean of the endplates.
    findings : tuple of Finding
    endplates : Endplates or None
        The endplates found in the CT; None where they are not visible.
    """

    above_mm: float
    uncertain_mm: float
    height_mm: float
    up_ras: np.ndarray
    findings: tuple[Finding, ...] = ()
    endplates: Endplates | None = None


def mid_height(
    stack: AxialStack,
    guess: BodyGuess,
    axes: BodyAxes,
    ends_mm: tuple[float, float],
    depth_mm: float,
    protocol: Protocol,
) -> MidHeight:
    """Return the middle between the endplates, from the CT wherever the guess does not contradict it.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    guess : BodyGuess
        Gives the level, the width and the origin of the guess.
    axes : BodyAxes
        In the plane of symmetry.
    ends_mm : tuple of float
        Position of the lower and the upper endplate by the guess, along the axes.
    depth_mm : float
        Depth of the body.
    protocol : Protocol
    """
    lower_mm, upper_mm = ends_mm
    findings: tuple[Finding, ...] = ()
    try:
        middle = axes.to_ras_mm((0.0, 0.0, (lower_mm + upper_mm) / 2))
        about = depth_mm, protocol.endplates, protocol.outline, axes.up_ras, HEIGHT_PER_WIDTH * guess.width_mm
        endplates = find_endplates(stack, guess.level, middle, axes.anterior_ras, *about)
    except InputError as problem:
        findings = (_unseen(guess, problem),)
        return MidHeight((lower_mm + upper_mm) / 2, 0.0, upper_mm - lower_mm, axes.up_ras, findings)
    ends: list[float] = []
    apart_mm: list[float] = []
    for name, guessed_mm, seen_mm in zip(("lower", "upper"), ends_mm, _along(axes, endplates), strict=True):
        off_mm = seen_mm - guessed_mm
        if abs(off_mm) <= protocol.placement.disagreement_mm:
            ends.append(seen_mm)
            apart_mm.append(off_mm)
            continue
        apart_mm.append(0.0)
        if guess.origin != "segment":
            # The guess comes from the same CT, by a search repeated until its center no longer moved.
            ends.append(guessed_mm)
            continue
        nearer, farther = sorted((guessed_mm, seen_mm), key=lambda end_mm: abs(end_mm - (lower_mm + upper_mm) / 2))
        chosen = nearer if _is_endplate(stack, axes, nearer, farther, depth_mm) else farther
        ends.append(chosen)
        findings += (_disagreement(guess.level, name, off_mm, chosen == seen_mm, protocol.placement),)
    up = endplates.up_ras if not findings else axes.up_ras
    return MidHeight(sum(ends) / 2, abs(sum(apart_mm)) / 4, ends[1] - ends[0], up, findings, endplates)


def _along(axes: BodyAxes, endplates: Endplates) -> tuple[float, float]:
    centers = np.stack([endplates.lower.center_ras_mm, endplates.upper.center_ras_mm])
    lower_mm, upper_mm = axes.to_body_mm(centers)[:, 2]
    return float(lower_mm), float(upper_mm)


def _is_endplate(stack: AxialStack, axes: BodyAxes, nearer_mm: float, farther_mm: float, depth_mm: float) -> bool:
    """Return whether the CT shows a dense layer at the nearer of two positions, as at the farther one."""
    outward = 1 if farther_mm > nearer_mm else -1
    heights_mm = np.arange(0.0, abs(farther_mm) + _LAYER_REACH_MM, _STEP_MM) * outward
    across = np.linspace(-_DISK, _DISK, _DISK_POINTS) * depth_mm
    x, y = np.meshgrid(across, across)
    points = np.stack(np.broadcast_arrays(x[None], y[None], heights_mm[:, None, None]), axis=-1)
    profile = sample_hu(stack, axes.to_ras_mm(points)).mean(axis=(1, 2))
    inside = np.abs(heights_mm) < abs(nearer_mm) - _LAYER_REACH_MM
    bone = np.median(profile[inside]) if inside.any() else profile[0]
    nearer, farther = (
        profile[np.abs(heights_mm - end_mm) <= _LAYER_REACH_MM].max() - bone for end_mm in (nearer_mm, farther_mm)
    )
    return nearer > _LAYER_FRACTION * farther


def _unseen(guess: BodyGuess, problem: InputError) -> Finding:
    level, remedy = guess.level, "Check in the images that the midline is halfway between the endplates."
    if guess.origin == "segment":
        sentence = f"The mid-slice of {level} was taken from the segment, not from the endplates in the CT: {problem}"
        return Finding("endplates_not_seen", sentence, remedy, "warning", level)
    sentence = f"The mid-slice of {level} is uncertain, because its endplates are poorly visible: {problem}"
    return Finding("mid_height_ambiguous", sentence, remedy, "warning", level)


def _disagreement(level: str, name: str, off_mm: float, is_ct: bool, values: PlacementValues) -> Finding:
    direction = "above" if off_mm > 0 else "below"
    return Finding(
        "mask_and_ct_disagree",
        f"The {name} endplate of {level} in the CT is {abs(off_mm):.1f} mm {direction} the end of its segment, more "
        f"than {values.disagreement_mm:g} mm; mid-height was taken from the "
        f"{'CT' if is_ct else 'segment'}.",
        "Check in the images that the midline is halfway between the endplates.",
        "severe",
        level,
    )
