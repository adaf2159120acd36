"""Find the posterior wall above and below the mid-slice where the mid-slice itself does not show it."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.outline.model import OutlineFit
from LumbarHULib.core.outline.profiles import edge_evidence
from LumbarHULib.core.protocol_values import OutlineValues, PlacementValues
from LumbarHULib.placement.body_box import BodyAxes, sample_box_hu

# Number of the outline's control points around the midline's posterior end.
_POSTERIOR_POINTS = 4

# The search region: from rim to rim, as a fraction of the height between the centers of the endplates; a strip around
# the plane of symmetry; and distances behind and in front of the expected wall. Behind it, the lamina is close.
_REACH = 0.56
_PLANES = 21
_STRIP_MM = 2.5
_COLUMNS = 5
_STEP_MM = 0.4
_BEHIND_MM, _IN_FRONT_MM = 5.0, 8.0

# The edge's score: lengths of the profile outside and inside; cortical thicknesses tried, relative to the usual one;
# blur of the averaged image; and the deviation from the model that counts as noise. An edge that a step without a
# cortex explains equally well, such as the foramen's border in dense bone, is not a wall.
_WINDOW_MM = (2.4, 3.2)
_THICKNESSES = (0.5, 1.0, 2.0)
_NO_CORTEX = (1e-3,)
_SD_MM = 0.9
_NOISE = 2.5

# An edge this far behind another one (in steps, more than the depth of the foramen) is the lamina: its score is reduced
# by this fraction of the other one's score.
_LAMINA_STEPS = 16
_LAMINA_PENALTY = 0.7

# In the sagittal plane the wall is a shallow arc, concave posteriorly. Slopes tried (mm per mm), distances of its
# middle in front of its rims (mm), and the standard deviations of these and of its position (mm).
_SLOPES = np.linspace(-0.2, 0.2, 9)
_SLOPE_SD = 0.1
_SAGS_MM = np.linspace(0.0, 2.5, 6)
_SAG_MM, _SAG_SD_MM = 1.0, 0.8
_POSITION_SD_MM = 4.0

# A wall counts as visible where the mean score of the best heights reaches this. The outermost heights do not count,
# because the endplates' edges are visible there without a wall. Phantoms whose wall is open over 18 mm reach 0.17 to
# 0.90; phantoms without a wall mostly 0, at most 0.14. In bone of 200 HU and more, the foramen's border may reach more.
_RIM_PLANES = 2
_BEST_PLANES = 4
_EVIDENCE_MIN = 0.15


def share_seen(fit: OutlineFit) -> float:
    """Return the share, 0 to 1, of the outline around the midline's posterior end with a visible wall."""
    # The middle control points are the posterior ones.
    behind = len(fit.support) // 2 + np.arange(-_POSTERIOR_POINTS // 2, _POSTERIOR_POINTS // 2)
    return float(fit.support[behind].mean())


@dataclass(frozen=True)
class WallArc:
    """The posterior wall in the plane of symmetry: y = position + slope · z − bend · z², in mm in body coordinates.

    `evidence` is the mean score of the heights that show it best.
    """

    position_mm: float
    slope: float
    bend_per_mm: float
    evidence: float

    @property
    def is_seen(self) -> bool:
        """Whether a wall is visible at some heights; if not, the arc is where it is expected, or on another edge."""
        return self.evidence >= _EVIDENCE_MIN

    def y_mm(self, z_mm: float) -> float:
        """Return the wall's y at a height z."""
        return self.position_mm + self.slope * z_mm - self.bend_per_mm * z_mm**2


def posterior_wall_findings(
    level: str, seen: float, wall: WallArc | None, values: PlacementValues
) -> tuple[Finding, ...]:
    """Return the finding that too little of the posterior wall is visible in the mid-slice.

    Parameters
    ----------
    level : str
    seen : float
        `share_seen` in the mid-slice.
    wall : WallArc or None
        The wall on which the midline ends; None where it ends on the outline.
    values : PlacementValues
    """
    if wall is None and seen >= values.wall_min:
        return ()
    is_guess = wall is not None and not wall.is_seen
    too_little = (
        f"The posterior wall of {level} is visible along {100 * seen:.0f} % of the outline around the midline's "
        f"posterior end, less than {100 * values.wall_min:.0f} %: this end "
    )
    if is_guess:
        sentence = (
            f"The posterior wall of {level} is not visible in, above or below the mid-slice: the midline's posterior "
            "end is a guess."
        )
    elif wall is None:
        sentence = too_little + "is less certain."
    else:
        sentence = too_little + "was placed from the wall above and below, and is less certain."
    return (
        Finding(
            "posterior_wall_not_seen",
            sentence,
            "Check the midline's posterior end in the images.",
            "severe" if is_guess else "warning",
            level,
        ),
    )


def wall_arc(stack: AxialStack, axes: BodyAxes, height_mm: float, depth_mm: float, values: OutlineValues) -> WallArc:
    """Return the arc that best follows the posterior wall over the body's whole height.

    Where the basivertebral foramen or a lesion opens the wall in the middle, it is still visible above and below.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    axes : BodyAxes
        In the plane of symmetry.
    height_mm, depth_mm : float
        Height and depth of the body, the depth to within a few mm.
    values : OutlineValues
    """
    half_mm = _REACH * height_mm
    z_mm = np.linspace(-half_mm, half_mm, _PLANES)
    positions = np.arange(-_BEHIND_MM, _IN_FRONT_MM + _STEP_MM / 2, _STEP_MM)
    scores = _scores(stack, axes, z_mm, positions - depth_mm / 2, values)

    position, slope, sag = (grid[..., None] for grid in np.meshgrid(positions, _SLOPES, _SAGS_MM, indexing="ij"))
    y_mm = position + slope * z_mm - sag * (z_mm / half_mm) ** 2
    index = np.clip(np.rint((y_mm + _BEHIND_MM) / _STEP_MM).astype(int), 0, len(positions) - 1)
    unlikely = (position / _POSITION_SD_MM) ** 2 + (slope / _SLOPE_SD) ** 2 + ((sag - _SAG_MM) / _SAG_SD_MM) ** 2
    along = scores[np.arange(_PLANES), index]
    total = along.sum(axis=-1) - unlikely[..., 0] / 2
    best = np.unravel_index(np.argmax(total), total.shape)
    between_rims = along[best][_RIM_PLANES:-_RIM_PLANES]
    return WallArc(
        float(positions[best[0]] - depth_mm / 2),
        float(_SLOPES[best[1]]),
        float(_SAGS_MM[best[2]] / half_mm**2),
        float(np.sort(between_rims)[-_BEST_PLANES:].mean()),
    )


def _scores(stack: AxialStack, axes: BodyAxes, z_mm: np.ndarray, y_mm: np.ndarray, values: OutlineValues) -> np.ndarray:
    """Return the score of a wall at each height and position, shape (heights, positions)."""
    outside, inside = (round(mm / _STEP_MM) for mm in _WINDOW_MM)
    first_mm = -_STRIP_MM, y_mm[0] - outside * _STEP_MM, z_mm[0]
    steps_mm = 2 * _STRIP_MM / (_COLUMNS - 1), _STEP_MM, z_mm[1] - z_mm[0]
    shape_zyx = len(z_mm), len(y_mm) + outside + inside, _COLUMNS
    profiles = sample_box_hu(stack, axes, first_mm, steps_mm, shape_zyx).mean(axis=2)
    thicknesses = tuple(values.cortex_usual_mm * share for share in _THICKNESSES)
    noise_hu = _NOISE * values.noise_floor_hu
    cortex, step = (
        edge_evidence(profiles, _STEP_MM, _WINDOW_MM, _SD_MM, tried, values.cortex_hu, noise_hu)
        for tried in (thicknesses, _NO_CORTEX)
    )
    scores = np.maximum(cortex - step, 0.0)
    in_front = np.maximum.accumulate(scores[:, ::-1], axis=1)[:, ::-1][:, _LAMINA_STEPS:]
    return scores - _LAMINA_PENALTY * np.pad(in_front, ((0, 0), (0, _LAMINA_STEPS)))
