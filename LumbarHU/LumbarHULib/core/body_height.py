"""The vertebral body that a midline is in, by its endplates and arch, however far the midline is off mid-height."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import HEIGHT_PER_WIDTH, Endplates, find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.posterior_arch import posterior_arch
from LumbarHULib.core.protocol import Protocol

# Endplates are looked for again from the middle that they give until it stays within this distance, mm.
_SETTLED_MM = 3.0
_ROUNDS = 4

# Where the midline itself leads to no body that holds it, these heights above and below it are tried, mm.
_STARTS_MM = (8.0, -8.0, 16.0, -16.0)

# Bodies that are not crushed have a height within these parts of their width, and pedicles on this share of the rows
# behind them. Others are taken only where no such body is nearer to the midline than this, mm: a disc between two
# bodies is no crushed one.
_USUAL_HEIGHTS = (0.38, 0.78)
_USUAL_PEDICLES = 0.85
_DISC_HALF_MM = 6.0


@dataclass(frozen=True, eq=False)
class BodyHeight:
    """Where a midline is in the height of a vertebral body.

    Parameters
    ----------
    endplates : Endplates
        Of the body that holds the midline; else of the nearest one.
    inside_mm : float
        Distance of the midline's middle from the nearer endplate; negative outside the body.
    is_clear : bool
        Whether both endplates are visible on most of their extent.
    """

    endplates: Endplates
    inside_mm: float
    is_clear: bool


def body_height(
    stack: AxialStack,
    level: str,
    middle_ras_mm: np.ndarray,
    anterior_ras: np.ndarray,
    size_mm: tuple[float, float],
    protocol: Protocol,
) -> BodyHeight | None:
    """Return the body around a midline's middle, or the nearest; None where the CT shows none with both endplates.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    middle_ras_mm : array_like, shape (3,)
        The midline's middle.
    anterior_ras : array_like, shape (3,)
        Along the midline.
    size_mm : tuple of float
        The body's depth and width in the mid-slice.
    protocol : Protocol
    """
    middle = np.asarray(middle_ras_mm, dtype=float)
    nearest, unusual = None, None
    for above_mm in (0.0, *_STARTS_MM):
        start = middle + above_mm * stack.normal_ras
        endplates = _settled(stack, level, start, anterior_ras, size_mm, protocol)
        if endplates is None:
            continue
        arch = posterior_arch(
            stack, endplates.middle_ras_mm, endplates.up_ras, anterior_ras, endplates.height_mm, size_mm[0]
        )
        if arch is not None and not arch.is_of_vertebra(protocol):
            continue
        found = BodyHeight(
            endplates, float(endplates.distances_mm(middle)), endplates.support >= protocol.endplate_trust_min
        )
        low, high = (share * size_mm[1] for share in _USUAL_HEIGHTS)
        is_usual = found.is_clear and low <= endplates.height_mm <= high
        if not is_usual or (arch is not None and arch.pedicles < _USUAL_PEDICLES):
            unusual = unusual or found
            continue
        if found.inside_mm > 0:
            return found
        if nearest is None or found.inside_mm > nearest.inside_mm:
            nearest = found
    if unusual is not None and (nearest is None or nearest.inside_mm < -_DISC_HALF_MM):
        return unusual
    return nearest


def _settled(
    stack: AxialStack,
    level: str,
    start: np.ndarray,
    anterior_ras: np.ndarray,
    size_mm: tuple[float, float],
    protocol: Protocol,
) -> Endplates | None:
    """Return the endplates that looking again from the middle found before leads to; None where one is not seen."""
    depth_mm, width_mm = size_mm
    up = None
    for _ in range(_ROUNDS):
        try:
            about = depth_mm, protocol, up, HEIGHT_PER_WIDTH * width_mm
            found = find_endplates(stack, level, start, anterior_ras, *about)
        except InputError:
            return None
        moved_mm = float(np.linalg.norm(found.middle_ras_mm - start))
        start, up = found.middle_ras_mm, found.up_ras
        if moved_mm < _SETTLED_MM:
            return found
    return found
