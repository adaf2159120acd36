"""Search for the vertebral body's edge: the best closed path on rays from the midline, then on its own normals."""

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.outline.curve import midline_crossings, outward_normals, spread_points, stiff_spline
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.path import best_closed_path
from LumbarHULib.core.outline.profiles import PlaneSampler, edge_evidence

# Rays go out from the middle of the midline through the points of an ellipse that is this much wider than deep.
RAYS = 72
RAY_STEP_MM = 0.5
WIDTH_PER_DEPTH = 1.35
RAY_WINDOW_MM = (2.5, 3.0)

# Normals of the path found before, in two passes: half-length, how far inside and outside that path the edge is
# expected, cost of a squared step. More is allowed inward than outward: a hollow of the posterior wall turns in, a path
# that strays along a pedicle turns out.
NORMALS_PER_SPAN = 3
NORMAL_STEP_MM = 0.4
NORMAL_WINDOW_MM = (2.0, 2.4)
NORMAL_PASSES = ((4.0, 8.0, 4.8, 0.06), (2.4, 5.0, 3.0, 0.1))

# The paths: greatest step in places, cost of a squared step on rays, how near the midline's ends are to the edge and
# what they weigh.
PATH_REACH = 3
RAY_BEND_COST = 0.05
END_MM = 1.5
END_WEIGHT = 1.0

# The splines drawn along the paths: stiffness, and distance at which a place on the path counts half.
RAY_SPLINE = (10.0, 1.0)
NORMAL_SPLINE = (0.3, 1.0)

# Deviation from the model that counts as none, as multiples of the model's; thicknesses tried, as multiples of the
# usual one.
RAY_NOISE = 2.5
NORMAL_NOISE = 2.0
THICKNESSES = (0.5, 1.0, 2.0)
FORBIDDEN = -1e3


def search_outline(sampler: PlaneSampler, depth_mm: float, pixel_mm: float, model: OutlineModel) -> np.ndarray:
    """Return control points, shape (n, 2), of an outline right to about half a millimeter where a cortex is seen."""
    points = _search_rays(sampler, depth_mm, pixel_mm, model)
    for normal_pass in NORMAL_PASSES:
        points = _search_normals(sampler, points, depth_mm, pixel_mm, model, *normal_pass)
    return points


def _scores(sampler, origins, directions, offsets, step_mm, window_mm, sd_mm, noise, model):
    """Score the places ``origins + offsets * directions``; offsets fall, as profiles run from outside to inside."""
    outside, inside = (round(mm / step_mm) for mm in window_mm)
    along = offsets[0] + step_mm * np.arange(outside, -len(offsets) - inside, -1)
    profiles = sampler(origins[:, None] + along[:, None] * directions[:, None])
    thicknesses = tuple(model.cortex_mm[1] * share for share in THICKNESSES)
    return edge_evidence(profiles, step_mm, window_mm, sd_mm, thicknesses, model.cortex_hu, noise * model.noise_hu)


def _search_rays(sampler, depth_mm, pixel_mm, model):
    angle = np.pi / 2 + 2 * np.pi * np.arange(RAYS) / RAYS
    base = depth_mm / 2 * np.column_stack([WIDTH_PER_DEPTH * np.cos(angle), np.sin(angle)])
    radius = np.hypot(base[:, 0], base[:, 1])
    directions, origins = base / radius[:, None], base - (0, depth_mm / 2)
    # Behind and in front the edge is near the midline's ends; to the sides only the limits of the body's width are
    # known.
    sideways, near = np.cos(angle) ** 2, model.end_tolerance_mm + 2
    low = -near + sideways * (near + model.half_width_mm[0] - radius)
    high = near + sideways * (model.half_width_mm[1] - radius - near)
    offsets = np.arange(np.ceil(high.max() / RAY_STEP_MM), np.floor(low.min() / RAY_STEP_MM) - 1, -1) * RAY_STEP_MM
    sd_mm = model.usual_sd_mm(pixel_mm)
    scores = _scores(sampler, origins, directions, offsets, RAY_STEP_MM, RAY_WINDOW_MM, sd_mm, RAY_NOISE, model)
    allowed = (offsets >= low[:, None]) & (offsets <= high[:, None])
    ends = np.array([0, RAYS // 2])
    costs = np.where(allowed, scores, FORBIDDEN)
    costs[ends] -= (offsets / END_MM) ** 2 / 2
    path = best_closed_path(costs, RAY_BEND_COST, PATH_REACH)
    weights = scores[np.arange(RAYS), path]
    weights[ends] += END_WEIGHT
    return stiff_spline(origins + offsets[path][:, None] * directions, weights, model.control_points, *RAY_SPLINE)


def _search_normals(sampler, points, depth_mm, pixel_mm, model, reach_mm, inside_mm, outside_mm, bend_cost):
    points = spread_points(points)
    value, slope, _ = spline_matrices(len(points), NORMALS_PER_SPAN)
    origins, normals = value @ points, outward_normals(slope @ points)
    steps = round(reach_mm / NORMAL_STEP_MM)
    offsets = np.arange(steps, -steps - 1, -1) * NORMAL_STEP_MM
    sd_mm = model.usual_sd_mm(pixel_mm)
    scores = _scores(sampler, origins, normals, offsets, NORMAL_STEP_MM, NORMAL_WINDOW_MM, sd_mm, NORMAL_NOISE, model)
    ends = np.rint(midline_crossings(origins)).astype(int) % len(origins)
    costs = scores - (offsets / np.where(offsets > 0, outside_mm, inside_mm)) ** 2 / 2
    v = origins[ends, 1:] + offsets * normals[ends, 1:]
    costs[ends] -= ((v - [[0], [-depth_mm]]) / END_MM) ** 2 / 2
    path = best_closed_path(costs, bend_cost, PATH_REACH)
    weights = scores[np.arange(len(path)), path]
    weights[ends] += END_WEIGHT
    return stiff_spline(origins + offsets[path][:, None] * normals, weights, len(points), *NORMAL_SPLINE)
