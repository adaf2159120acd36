"""Recognize an endplate of the neighboring body, found beyond a disc, and return the body's own endplate instead."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from LumbarHULib.core.endplate_fit import Columns, Surface, refine_pair
from LumbarHULib.core.protocol_values import EndplateValues, OutlineValues

# The fit to the body's own endplate begins with a disc of this thickness, and is repeated this often.
_USUAL_DISC_MM = 6.0
_REPEATS = 2

# A body whose height is more than the expected one by this factor may include a disc, and is checked.
_SUSPECT_HEIGHT = 1.1

# The body's own endplate is visible in at least this share of the columns, and has at least this part of the neighbor's
# density. In slices of up to 1.6 mm, the share was 0.97 for own endplates, and at most 0.66 for other layers in real
# bodies of T9 to L3.
_SUPPORT, _DENSITY_PART = 0.85, 0.2

# The disc between the two is at least this many HU less dense than the body, whereas a dense line within a body has
# bone on both sides. It is at least this many slices thick: between nearer dense layers, noise looks like a disc.
_DISC_DARKER_HU, _DISC_SLICES = 15.0, 3.0

# Beyond the disc, the neighbor's endplate is within this distance of the one found.
_SAME_MM = 1.5


def own_endplates(
    pair: Sequence[Columns],
    found: Sequence[Surface],
    expected_mm: float,
    values: EndplateValues,
    cortex: OutlineValues,
) -> tuple[Surface, Surface]:
    """Return the upper and the lower surface, each replaced by the body's own endplate where it is the neighbor's.

    The first fit prefers the denser of two endplates: the neighbor's, where it is much denser and the disc is thin.

    Parameters
    ----------
    pair : sequence of Columns
        Through the upper and through the lower endplate.
    found : sequence of Surface
        The upper and the lower surface of the first fit.
    expected_mm : float
        The body's expected height. A surface is replaced only if that brings the height nearer to it.
    values : EndplateValues
    cortex : OutlineValues
    """
    upper, lower = found
    for _ in found:  # at most as many replacements as there are sides
        height_mm = upper.center_mm + lower.center_mm
        if height_mm <= _SUSPECT_HEIGHT * expected_mm:
            break
        candidates = [
            (own, number)
            for number, beyond in enumerate((upper, lower))
            if _is_own(own := _refined(pair, (upper, lower), number, values, cortex), beyond, pair[number].slice_mm)
            and abs(height_mm + own.center_mm - beyond.center_mm - expected_mm) < height_mm - expected_mm
        ]
        if not candidates:
            break
        # The thicker the disc, the less likely is it noise.
        own, number = max(candidates, key=lambda candidate: candidate[0].disc_mm)
        upper, lower = (own, lower) if number == 0 else (upper, own)
    return upper, lower


def _refined(
    pair: Sequence[Columns], found: Sequence[Surface], side: int, values: EndplateValues, cortex: OutlineValues
) -> Surface:
    """Return the surface of a fit that begins one disc before the surface found on a side: 0 upper, 1 lower."""
    starts = [_before_disc(one, values) if number == side else one for number, one in enumerate(found)]
    for _ in range(_REPEATS):
        starts = list(refine_pair(pair, starts, values, cortex))
    return starts[side]


def _before_disc(beyond: Surface, values: EndplateValues) -> Surface:
    """Return a start for the body's own endplate: before a disc of usual thickness, if a surface is the neighbor's."""
    # Inside the neighbor's endplate, the fit averaged body and disc; outside is the neighbor's bone, which is denser.
    bone_hu = beyond.amplitudes[:2].max()
    layer = beyond.amplitudes[3]
    amplitudes = np.array([bone_hu, values.disc_hu, bone_hu, layer / 2, layer])
    center_mm = beyond.center_mm - _USUAL_DISC_MM
    return replace(beyond, center_mm=center_mm, disc_mm=_USUAL_DISC_MM, amplitudes=amplitudes)


def _is_own(own: Surface, beyond: Surface, slice_mm: float) -> bool:
    """Return whether a surface is an endplate with a disc between it and another surface."""
    bone_hu, disc_hu, _, layer, layer_beyond = own.amplitudes.tolist()
    return (
        own.support >= _SUPPORT
        and layer >= _DENSITY_PART * layer_beyond
        and disc_hu <= bone_hu - _DISC_DARKER_HU
        and own.disc_mm >= _DISC_SLICES * slice_mm
        and abs(own.center_mm + own.disc_mm - beyond.center_mm) <= _SAME_MM
    )
