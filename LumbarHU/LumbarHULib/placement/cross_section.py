"""Measure a body's cross-section, averaged along its axis: depth, width and center."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.outline.path import best_closed_path
from LumbarHULib.core.outline.profiles import edge_evidence
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import OutlineValues
from LumbarHULib.placement.body_box import BodyAxes, sample_hu

# Planes that are averaged, as fractions of the body's height from its center, away from endplates and foramen.
_PLANES = (-0.26, -0.14, 0.14, 0.26)

# Rays around the center, and their samples; the standard deviation of a wall's distance from the expected wall (mm);
# and the largest deviation from the usual size, as a fraction of it.
_RAYS = 40
_STEP_MM = 0.75
_NEAREST_MM, _FARTHEST_MM = 6.0, 36.0
_OFF_SD_MM = 5.0
_ODD = 0.28

# The edge's score: lengths of the profile outside and inside; cortical thicknesses tried, relative to the usual one;
# blur of the averaged image; and the cost of a step from ray to ray.
_WINDOW_MM = (2.25, 3.0)
_THICKNESSES = (0.5, 1.0, 2.0)
_SD_MM = 1.0
_NOISE = 2.5
_BEND_COST, _REACH = 0.15, 3

# The score of a wall this far behind another one on the same ray (in samples) is reduced by this fraction of the other
# one's score, because behind the posterior wall comes the lamina, which does not belong to the body.
_BEHIND = 5
_BEHIND_PENALTY = 0.7

# A wall with a higher score counts as visible.
_SEEN = 0.3

# Number of times the center is recomputed from the walls found; for depth, walls this close to the center count.
_ROUNDS = 3
_MIDDLE_STRIP_MM = 7.0


@dataclass(frozen=True, eq=False)
class CrossSection:
    """Center and size of a cross-section.

    Parameters
    ----------
    center_mm : tuple of float
        Its center: x and y in the body's coordinates.
    depth_mm, width_mm : float
    seen : float
        Share of the rays, 0 to 1, on which a wall is visible.
    """

    center_mm: tuple[float, float]
    depth_mm: float
    width_mm: float
    seen: float


def cross_section(stack: AxialStack, axes: BodyAxes, height_mm: float, protocol: Protocol) -> CrossSection:
    """Return the cross-section of a body whose axis is known; the center of `axes` may be off by several mm."""
    angle = np.pi / 2 + 2 * np.pi * np.arange(_RAYS) / _RAYS
    rays = np.column_stack([np.cos(angle), np.sin(angle)])
    ahead, leftward = rays[:, 1] > 0, rays[:, 0] > 0
    usual_depth_mm, usual_width_mm = protocol.placement.depth_usual_mm, protocol.placement.width_usual_mm
    center, depth_mm, width_mm = np.zeros(2), usual_depth_mm, usual_width_mm
    for _ in range(_ROUNDS):
        wall, scores = _walls(stack, axes, height_mm, center, rays, (width_mm / 2, depth_mm / 2), protocol.outline)
        strip = np.abs(wall[:, 0] - center[0]) < _MIDDLE_STRIP_MM
        front, back = np.median(wall[strip & ahead, 1]), np.median(wall[strip & ~ahead, 1])
        # The second outermost ray on each side, because a single ray may stray.
        left, right = np.sort(wall[leftward, 0])[-2], np.sort(wall[~leftward, 0])[1]
        width_mm = float(np.clip(left - right, *((1 - _ODD) * usual_width_mm, (1 + _ODD) * usual_width_mm)))
        depth_mm = width_mm * usual_depth_mm / usual_width_mm
        # Where the posterior wall is faint, the path strays around the canal; the depth then follows from the width.
        if abs(front - back - depth_mm) < _ODD * depth_mm:
            depth_mm = float(front - back)
        center = np.array([(left + right) / 2, front - depth_mm / 2])
    seen = float(np.mean(scores > _SEEN))
    return CrossSection((float(center[0]), float(center[1])), depth_mm, float(left - right), seen)


def _walls(
    stack: AxialStack,
    axes: BodyAxes,
    height_mm: float,
    center: np.ndarray,
    rays: np.ndarray,
    half_axes_mm: tuple[float, float],
    cortex: OutlineValues,
) -> tuple[np.ndarray, np.ndarray]:
    """Return where a closed path along the walls crosses the rays from `center`, and the wall's score there."""
    expected_mm = 1 / np.linalg.norm(rays / half_axes_mm, axis=1)
    outside, inside = (round(mm / _STEP_MM) for mm in _WINDOW_MM)
    radii = np.arange(_FARTHEST_MM, _NEAREST_MM, -_STEP_MM)
    samples = radii[0] + _STEP_MM * np.arange(outside, -len(radii) - inside, -1)
    points = np.empty((len(_PLANES), len(rays), len(samples), 3))
    points[..., :2] = center + samples[:, None] * rays[:, None]
    points[..., 2] = np.array(_PLANES)[:, None, None] * height_mm
    profiles = np.maximum(sample_hu(stack, axes.to_ras_mm(points)), -120.0).mean(axis=0)

    thicknesses = tuple(cortex.cortex_usual_mm * share for share in _THICKNESSES)
    noise_hu = _NOISE * cortex.noise_floor_hu
    scores = edge_evidence(profiles, _STEP_MM, _WINDOW_MM, _SD_MM, thicknesses, cortex.cortex_hu, noise_hu)
    likely = scores - _BEHIND_PENALTY * _nearer(scores) - ((radii - expected_mm[:, None]) / _OFF_SD_MM) ** 2 / 2
    path = best_closed_path(likely, _BEND_COST, _REACH)
    return center + radii[path][:, None] * rays, scores[np.arange(len(rays)), path]


def _nearer(scores: np.ndarray) -> np.ndarray:
    """Return the best score on each ray that is closer to the center by more than a wall; samples run inward."""
    best = np.maximum.accumulate(np.maximum(scores, 0)[:, ::-1], axis=1)[:, ::-1]
    return np.pad(best[:, _BEHIND:], ((0, 0), (0, _BEHIND)))
