"""A body's cross-section, averaged along its axis: how deep and how wide it is, and where its middle is."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.outline.path import best_closed_path
from LumbarHULib.core.outline.profiles import edge_evidence
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.placement.body_box import BodyAxes, sample_hu

# Planes that are averaged, as parts of the body's height from its middle: away from endplates and foramen.
_PLANES = (-0.26, -0.14, 0.14, 0.26)

# Rays around the middle, and their samples; how far from the expected wall (mm, one standard deviation) a wall may be,
# and from which part on a size is odd against the usual one.
_RAYS = 40
_STEP_MM = 0.75
_NEAREST_MM, _FARTHEST_MM = 6.0, 36.0
_OFF_SD_MM = 5.0
_ODD = 0.28

# Of the edge's score: stretch looked at outside and inside, thicknesses tried against the usual, blur of the averaged
# image, and what a step from ray to ray costs.
_WINDOW_MM = (2.25, 3.0)
_THICKNESSES = (0.5, 1.0, 2.0)
_SD_MM = 1.0
_NOISE = 2.5
_BEND_COST, _REACH = 0.15, 3

# A wall this far behind another on the same ray (in samples) is shaded by this part of that one's score: behind the
# posterior wall, the lamina is not the body's.
_BEHIND = 5
_SHADED = 0.7

# A wall with a better score is seen.
_SEEN = 0.3

# The middle is laid anew through the walls found this often; before and behind, walls this near the middle count.
_ROUNDS = 3
_MIDDLE_STRIP_MM = 7.0


@dataclass(frozen=True, eq=False)
class CrossSection:
    """What a cross-section is like.

    Parameters
    ----------
    center_mm : tuple of float
        Its middle: x and y in the body's coordinates.
    depth_mm, width_mm : float
    seen : float
        Share of the rays, 0 to 1, on which a wall is seen.
    """

    center_mm: tuple[float, float]
    depth_mm: float
    width_mm: float
    seen: float


def cross_section(stack: AxialStack, axes: BodyAxes, height_mm: float, protocol: Protocol) -> CrossSection:
    """Return the cross-section of a body of which the axis is known, and a middle that may be off by several mm."""
    angle = np.pi / 2 + 2 * np.pi * np.arange(_RAYS) / _RAYS
    rays = np.column_stack([np.cos(angle), np.sin(angle)])
    ahead, leftward = rays[:, 1] > 0, rays[:, 0] > 0
    usual_depth_mm, usual_width_mm = protocol.placement_depth_usual_mm, protocol.placement_width_usual_mm
    center, depth_mm, width_mm = np.zeros(2), usual_depth_mm, usual_width_mm
    for _ in range(_ROUNDS):
        wall, scores = _walls(stack, axes, height_mm, center, rays, (width_mm / 2, depth_mm / 2), protocol)
        strip = np.abs(wall[:, 0] - center[0]) < _MIDDLE_STRIP_MM
        front, back = np.median(wall[strip & ahead, 1]), np.median(wall[strip & ~ahead, 1])
        # The outermost ray but one to each side: a single ray may stray.
        left, right = np.sort(wall[leftward, 0])[-2], np.sort(wall[~leftward, 0])[1]
        width_mm = float(np.clip(left - right, *((1 - _ODD) * usual_width_mm, (1 + _ODD) * usual_width_mm)))
        depth_mm = width_mm * usual_depth_mm / usual_width_mm
        # Where the posterior wall is faint, the path strays around the canal: the front and the width tell the depth.
        if abs(front - back - depth_mm) < _ODD * depth_mm:
            depth_mm = float(front - back)
        center = np.array([(left + right) / 2, front - depth_mm / 2])
    seen = float(np.mean(scores > _SEEN))
    return CrossSection((float(center[0]), float(center[1])), depth_mm, float(left - right), seen)


def _walls(stack, axes, height_mm, center, rays, half_axes_mm, protocol) -> tuple[np.ndarray, np.ndarray]:
    """Return where a closed path along the walls crosses the rays from `center`, and how well a wall is seen there."""
    expected_mm = 1 / np.linalg.norm(rays / half_axes_mm, axis=1)
    outside, inside = (round(mm / _STEP_MM) for mm in _WINDOW_MM)
    places = np.arange(_FARTHEST_MM, _NEAREST_MM, -_STEP_MM)
    samples = places[0] + _STEP_MM * np.arange(outside, -len(places) - inside, -1)
    points = np.empty((len(_PLANES), len(rays), len(samples), 3))
    points[..., :2] = center + samples[:, None] * rays[:, None]
    points[..., 2] = np.array(_PLANES)[:, None, None] * height_mm
    profiles = sample_hu(stack, axes.to_ras_mm(points)).mean(axis=0)

    thicknesses = tuple(protocol.outline_cortex_usual_mm * share for share in _THICKNESSES)
    noise_hu = _NOISE * protocol.outline_noise_floor_hu
    scores = edge_evidence(profiles, _STEP_MM, _WINDOW_MM, _SD_MM, thicknesses, protocol.outline_cortex_hu, noise_hu)
    likely = scores - _SHADED * _nearer(scores) - ((places - expected_mm[:, None]) / _OFF_SD_MM) ** 2 / 2
    path = best_closed_path(likely, _BEND_COST, _REACH)
    return center + places[path][:, None] * rays, scores[np.arange(len(rays)), path]


def _nearer(scores: np.ndarray) -> np.ndarray:
    """Return the best score on each ray that is nearer to the middle by more than a wall; places run inward."""
    best = np.maximum.accumulate(np.maximum(scores, 0)[:, ::-1], axis=1)[:, ::-1]
    return np.pad(best[:, _BEHIND:], ((0, 0), (0, _BEHIND)))
