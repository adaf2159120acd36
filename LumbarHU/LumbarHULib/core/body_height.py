"""Find the vertebral body around a midline by its endplates and arch, even where the midline is far off mid-height."""

from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import HEIGHT_PER_WIDTH, Endplates, find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.posterior_arch import posterior_arch
from LumbarHULib.core.protocol import Protocol

# The endplates are searched again from the mid-height that they give, until it moves by less than this distance, mm.
_SETTLED_MM = 3.0
_ROUNDS = 4

# Heights above and below the midline that are tried where the midline itself leads to no body around it, mm.
_STARTS_MM = (8.0, -8.0, 16.0, -16.0)

# An uncompressed body has a height within these fractions of its width, and pedicles on this share of the rows behind
# it. Any other body is accepted only where no such body is closer to the midline than this distance, mm, because a
# disc between two bodies must not pass for a compressed body.
_USUAL_HEIGHTS = (0.38, 0.78)
_USUAL_PEDICLES = 0.85
_DISC_HALF_MM = 6.0

# A midline farther from the nearest body than the thickest disc is in another body, whose endplates are not visible.
_DISC_MAX_MM = 12.0


@dataclass(frozen=True, eq=False)
class BodyHeight:
    """The position of a midline in the height of a vertebral body.

    Parameters
    ----------
    endplates : Endplates
        Of the body that contains the midline, or else of the nearest body.
    inside_mm : float
        Distance of the midline's midpoint from the nearer endplate; negative outside the body.
    is_clear : bool
        Whether both endplates are visible over most of their extent.
    may_be_other : bool
        Whether the midline, although outside this body, may be inside another that is not recognized: its arch is
        fused with its neighbors', its endplates are not visible, or the scan ends in it.
    """

    endplates: Endplates
    inside_mm: float
    is_clear: bool
    may_be_other: bool = False


def body_height(
    stack: AxialStack,
    level: str,
    middle_ras_mm: np.ndarray,
    anterior_ras: np.ndarray,
    size_mm: tuple[float, float],
    protocol: Protocol,
) -> BodyHeight | None:
    """Return the body around a midline's midpoint, or the nearest; None where none shows both endplates.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    middle_ras_mm : array_like, shape (3,)
        The midline's midpoint.
    anterior_ras : array_like, shape (3,)
        Along the midline.
    size_mm : tuple of float
        The body's depth and width in the mid-slice.
    protocol : Protocol
    """
    middle = np.asarray(middle_ras_mm, dtype=float)
    nearest, unusual, is_disputed = None, None, False
    for above_mm in (0.0, *_STARTS_MM):
        start = middle + above_mm * stack.normal_ras
        endplates = _settled(stack, level, start, anterior_ras, size_mm, protocol)
        if endplates is None:
            continue
        arch = posterior_arch(
            stack, endplates.middle_ras_mm, endplates.up_ras, anterior_ras, endplates.height_mm, size_mm[0]
        )
        found = BodyHeight(
            endplates, float(endplates.distances_mm(middle)), endplates.support >= protocol.findings.endplate_trust_min
        )
        low, high = (share * size_mm[1] for share in _USUAL_HEIGHTS)
        is_usual = found.is_clear and low <= endplates.height_mm <= high
        has_pedicles = arch is None or arch.pedicles >= _USUAL_PEDICLES
        if arch is not None and not arch.is_of_vertebra(protocol.placement):
            # Pedicles without foramina: bone may bridge these, as in ankylosis. Behind a disc, there are no pedicles.
            is_disputed = is_disputed or (is_usual and has_pedicles and found.inside_mm > 0)
            continue
        if not is_usual or not has_pedicles:
            unusual = unusual or found
            continue
        if found.inside_mm > 0:
            return found
        if nearest is None or found.inside_mm > nearest.inside_mm:
            nearest = found
    if unusual is not None and (nearest is None or nearest.inside_mm < -_DISC_HALF_MM):
        nearest = unusual
    if nearest is None or nearest.inside_mm > 0:
        return nearest
    return replace(nearest, may_be_other=is_disputed or _may_be_beyond(stack, middle, nearest, protocol))


def _may_be_beyond(stack: AxialStack, middle: np.ndarray, nearest: BodyHeight, protocol: Protocol) -> bool:
    """Return whether a midline outside the nearest body is too far from it for a disc, or may be in a cut-off body."""
    k = float(stack.slice_heights(middle))
    slices_beyond = len(stack.voxels_hu) - 1 - k if k > nearest.endplates.middle_slice(stack) else k
    is_cut_off = slices_beyond * stack.slice_spacing_mm < protocol.endplates.height_usual_mm / 2
    return -nearest.inside_mm > (_DISC_HALF_MM if is_cut_off else _DISC_MAX_MM)


def _settled(
    stack: AxialStack,
    level: str,
    start: np.ndarray,
    anterior_ras: np.ndarray,
    size_mm: tuple[float, float],
    protocol: Protocol,
) -> Endplates | None:
    """Return the endplates found by repeating the search from mid-height; None where one is not visible."""
    depth_mm, width_mm = size_mm
    up = None
    for _ in range(_ROUNDS):
        try:
            about = depth_mm, protocol.endplates, protocol.outline, up, HEIGHT_PER_WIDTH * width_mm
            found = find_endplates(stack, level, start, anterior_ras, *about)
        except InputError:
            return None
        moved_mm = float(np.linalg.norm(found.middle_ras_mm - start))
        start, up = found.middle_ras_mm, found.up_ras
        if moved_mm < _SETTLED_MM:
            return found
    return found
