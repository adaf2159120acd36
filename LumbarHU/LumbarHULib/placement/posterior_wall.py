"""The posterior wall of a body from above and below the mid-slice, where the mid-slice itself does not show it."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.outline.model import OutlineFit
from LumbarHULib.core.outline.profiles import edge_evidence
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.placement.body_box import BodyAxes, sample_box_hu

# Of the outline's control points, so many lie around the midline's posterior end.
_POSTERIOR_POINTS = 4

# What is looked at: from rim to rim, as a part of the height between the endplates' hollows; a strip about the plane
# of symmetry; and how far behind and before the place where the wall is expected: behind it the lamina is near.
_REACH = 0.56
_PLANES = 21
_STRIP_MM = 2.5
_COLUMNS = 5
_STEP_MM = 0.4
_BEHIND_MM, _BEFORE_MM = 5.0, 8.0

# Of the edge's score: stretch looked at outside and inside, thicknesses tried against the usual, blur of the averaged
# image, and deviation from the model that counts as none. What a step without a cortex explains as well, such as the
# foramen's border in dense bone, is no wall.
_WINDOW_MM = (2.4, 3.2)
_THICKNESSES = (0.5, 1.0, 2.0)
_NO_CORTEX = (1e-3,)
_SD_MM = 0.9
_NOISE = 2.5

# A wall this far behind another one (in steps, more than the foramen is deep) is shaded by this part of that one's
# score: it is the lamina.
_BEHIND = 16
_SHADED = 0.7

# Seen from the side the wall is a shallow arc, hollow to the back: slopes tried (mm per mm), how far its middle lies
# before its rims (mm), and, as one standard deviation, how far these and its place may be off (mm).
_SLOPES = np.linspace(-0.2, 0.2, 9)
_SLOPE_SD = 0.1
_SAGS_MM = np.linspace(0.0, 2.5, 6)
_SAG_MM, _SAG_SD_MM = 1.0, 0.8
_PLACE_SD_MM = 4.0

# A wall is seen where the best heights' mean score reaches this. The outermost heights do not count: the endplates'
# edges are seen there without any wall. Phantoms whose wall is open over 18 mm have 0.17 to 0.90 there, such without
# any wall mostly 0, at most 0.14; in bone of 200 HU and more the foramen's border may have more.
_RIM_PLANES = 2
_BEST_PLANES = 4
_EVIDENCE_MIN = 0.15


def share_seen(fit: OutlineFit) -> float:
    """Return along which share, 0 to 1, of the way around the midline's posterior end a wall is seen in the slice."""
    # The middle control points are the posterior ones.
    behind = len(fit.support) // 2 + np.arange(-_POSTERIOR_POINTS // 2, _POSTERIOR_POINTS // 2)
    return float(fit.support[behind].mean())


@dataclass(frozen=True)
class WallArc:
    """Where the posterior wall lies in the plane of symmetry: y = place + slope · z − bend · z², in mm of the body.

    `evidence` is the mean score of the heights that show it best.
    """

    place_mm: float
    slope: float
    bend_per_mm: float
    evidence: float

    @property
    def is_seen(self) -> bool:
        """Whether a wall is seen at some heights; if not, the arc lies where it is expected or on another edge."""
        return self.evidence >= _EVIDENCE_MIN

    def y_mm(self, z_mm: float) -> float:
        """Return the wall's y at a height z."""
        return self.place_mm + self.slope * z_mm - self.bend_per_mm * z_mm**2


def posterior_wall_findings(level: str, seen: float, wall: WallArc | None, protocol: Protocol) -> tuple[Finding, ...]:
    """Tell where no posterior wall is seen in the mid-slice.

    Parameters
    ----------
    level : str
    seen : float
        `share_seen` in the mid-slice.
    wall : WallArc or None
        The wall that the midline ends on; None where it ends on the outline.
    protocol : Protocol
    """
    if wall is None and seen >= protocol.placement_wall_min:
        return ()
    is_guess = wall is not None and not wall.is_seen
    too_little = (
        f"A posterior wall of {level} is seen along {100 * seen:.0f} % of the way around the midline's posterior end, "
        f"less than {100 * protocol.placement_wall_min:.0f} %: the midline's end "
    )
    if is_guess:
        sentence = (
            f"No posterior wall of {level} is seen in its mid-slice, nor above or below: where the midline ends there "
            "is a guess."
        )
    elif wall is None:
        sentence = too_little + "is less certain."
    else:
        sentence = too_little + "was placed by the wall above and below, and is less certain."
    return (
        Finding(
            "posterior_wall_not_seen",
            sentence,
            "Check the midline's posterior end on the images.",
            "severe" if is_guess else "warning",
            level,
        ),
    )


def wall_arc(stack: AxialStack, axes: BodyAxes, height_mm: float, depth_mm: float, protocol: Protocol) -> WallArc:
    """Return the arc that follows the posterior wall best over the body's whole height.

    Where the basivertebral foramen or a lesion has opened the wall in the middle, it is still seen above and below.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    axes : BodyAxes
        In the plane of symmetry.
    height_mm, depth_mm : float
        Of the body, the depth within some mm.
    protocol : Protocol
    """
    half_mm = _REACH * height_mm
    z_mm = np.linspace(-half_mm, half_mm, _PLANES)
    places = np.arange(-_BEHIND_MM, _BEFORE_MM + _STEP_MM / 2, _STEP_MM)
    scores = _scores(stack, axes, z_mm, places - depth_mm / 2, protocol)

    place, slope, sag = (grid[..., None] for grid in np.meshgrid(places, _SLOPES, _SAGS_MM, indexing="ij"))
    y_mm = place + slope * z_mm - sag * (z_mm / half_mm) ** 2
    index = np.clip(np.rint((y_mm + _BEHIND_MM) / _STEP_MM).astype(int), 0, len(places) - 1)
    unlikely = (place / _PLACE_SD_MM) ** 2 + (slope / _SLOPE_SD) ** 2 + ((sag - _SAG_MM) / _SAG_SD_MM) ** 2
    along = scores[np.arange(_PLANES), index]
    total = along.sum(axis=-1) - unlikely[..., 0] / 2
    best = np.unravel_index(np.argmax(total), total.shape)
    between_rims = along[best][_RIM_PLANES:-_RIM_PLANES]
    return WallArc(
        float(places[best[0]] - depth_mm / 2),
        float(_SLOPES[best[1]]),
        float(_SAGS_MM[best[2]] / half_mm**2),
        float(np.sort(between_rims)[-_BEST_PLANES:].mean()),
    )


def _scores(stack: AxialStack, axes: BodyAxes, z_mm: np.ndarray, y_mm: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Return how well a wall is seen at heights and places, shape (heights, places)."""
    outside, inside = (round(mm / _STEP_MM) for mm in _WINDOW_MM)
    first_mm = -_STRIP_MM, y_mm[0] - outside * _STEP_MM, z_mm[0]
    steps_mm = 2 * _STRIP_MM / (_COLUMNS - 1), _STEP_MM, z_mm[1] - z_mm[0]
    shape_zyx = len(z_mm), len(y_mm) + outside + inside, _COLUMNS
    profiles = sample_box_hu(stack, axes, first_mm, steps_mm, shape_zyx).mean(axis=2)
    thicknesses = tuple(protocol.outline_cortex_usual_mm * share for share in _THICKNESSES)
    noise_hu = _NOISE * protocol.outline_noise_floor_hu
    cortex, step = (
        edge_evidence(profiles, _STEP_MM, _WINDOW_MM, _SD_MM, of_these, protocol.outline_cortex_hu, noise_hu)
        for of_these in (thicknesses, _NO_CORTEX)
    )
    scores = np.maximum(cortex - step, 0.0)
    before = np.maximum.accumulate(scores[:, ::-1], axis=1)[:, ::-1][:, _BEHIND:]
    return scores - _SHADED * np.pad(before, ((0, 0), (0, _BEHIND)))
