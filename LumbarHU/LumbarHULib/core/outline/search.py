"""Search the vertebral body's edge: the best closed path on rays from the midline, then on the path's own normals.

A place on a ray scores high where a cortex or the step from bone to soft tissue is visible, where the shape of bodies
predicts it, and where everything inward of it looks like bone. Tissue outward of it does not count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.outline.curve import (
    LOOKUP_SAMPLES,
    control_parameters,
    median,
    midline_crossings,
    outward_normals,
    spline_along,
    within,
)
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.path import best_closed_path
from LumbarHULib.core.outline.profiles import PlaneSampler, edge_evidence
from LumbarHULib.core.outline.shape import BodyPose, BodyShape

# Rays start at the midline's midpoint and pass through the mean body; the first goes to its anterior end. They begin at
# this distance from the midpoint and reach to the greatest half-width, or this many standard deviations of the shape
# beyond the mean body. The last number limits the cost of a place that the shape does not predict.
RAYS_PER_POINT = 3
RAY_STEP_MM = 0.5
RAY_WINDOW_MM = (2.5, 3.0)
RAY_DEVIATIONS = 3.2
NEAREST_MM = 5.0
MOST_UNLIKE = 3.0

# Normals of the previous path, in three passes: half-length, standard deviation of the edge's distance from that path,
# cost of a squared step.
NORMALS_PER_POINT = 3
NORMAL_STEP_MM = 0.4
NORMAL_WINDOW_MM = (2.0, 2.4)
NORMAL_PASSES = ((8.0, 3.0, 0.06), (5.0, 2.0, 0.08), (2.4, 1.5, 0.1))

# The paths: greatest step in places, cost of a squared step on rays, and standard deviation of a path at the midline's
# ends, to which the error of the ends is added.
PATH_REACH = 3
RAY_BEND_COST = 0.05
PATH_END_MM = 1.3

# Distance between the image's edge and a reader's midline end at which the end has a quarter of its weight.
END_DOUBT_MM = 2.5

# The splines along the paths: standard deviation of a place on the path, distance at which it has half its weight, and
# least weight of a place.
NODE_MM, ROBUST_MM, LEAST_WEIGHT = 1.0, 1.0, 0.005

# Deviation from the model that counts as noise, as multiples of the model's; thicknesses tried, as multiples of the
# usual one.
RAY_NOISE = 2.5
NORMAL_NOISE = 2.0
THICKNESSES = (0.5, 1.0, 2.0)
FORBIDDEN = -1e3

# The noise of a single profile looks like a thin cortex where it is as large as the contrast of bone. Profiles are
# therefore averaged with their two neighbors before they are compared with the model: not at all at the first, and with
# equal weights at the second value of the core's standard deviation in HU and of its contrast to soft tissue in
# standard deviations.
NOISE_HU, NOISE_CONTRAST = (30.0, 45.0), (1.8, 1.2)

# Bone resembles the body's core: these fractions of the distance to the mean body, anterior to this fraction of the
# depth. Soft tissue resembles muscle, with this variation in the absence of noise. Limits apply to the cost of one
# sample and of all samples of a ray; samples so close to the edge that blur mixes both tissues do not count.
CORE_SHARES, CORE_DEPTH = (0.15, 0.3, 0.45, 0.55), 0.72
SOFT_HU, SOFT_SD_HU, CORE_SD_MIN_HU, SOFT_NOISE_SHARE = 30.0, 20.0, 15.0, 0.7
MOST_SOFT, MOST_SOFT_OF_RAY, MIXED_MM = 2.0, 4.0, 1.5
# In a noisy or edge-enhanced image, single samples of bone are as dark as soft tissue, so averages are compared behind
# a cortex: on the profiles, of a sample and its eight neighbors; in the core, of this number of points, which are a
# point and those around it at this distance.
AVERAGED_MM, AVERAGED_POINTS = 1.0, 7
# Bone of low density has fatty spaces of several millimeters that look like a gap. Contrast of the core to soft tissue,
# in standard deviations, up to which the samples of a ray cost nothing, and from which they cost up to their limit.
GAP_CONTRAST = (1.7, 2.6)
# Soft tissue behind a cortex, seen from the core, is a gap whatever the density of the bone. An average is certainly no
# cortex up to the first, and certainly one from the second of these distances above the core's median, in standard
# deviations of the core's averages.
CORTEX_SD = (3.5, 5.5)
# Standard deviation of a normal distribution per median absolute deviation.
SD_PER_MAD = 1.4826
# Samples nearer to each other than this are one.
LONE_SAMPLE_MM = 1.0

# Returns HU at points of the mid-slice, shape (n, 2), mm.
HuSampler = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class BoneLook:
    """The bone inside a body: median and standard deviation of its core, in HU."""

    median_hu: float
    sd_hu: float

    @classmethod
    def of_core(cls, core_hu: np.ndarray, median_hu: float) -> "BoneLook":
        """Return the bone of a core with this median, and with the standard deviation of these samples around it."""
        return cls(median_hu, max(SD_PER_MAD * median(np.abs(core_hu - median_hu)), CORE_SD_MIN_HU))

    @property
    def contrast(self) -> float:
        """Difference from soft tissue, in standard deviations; 0 for bone that is not denser."""
        return max(self.median_hu - SOFT_HU, 0.0) / self.sd_hu

    def softness(self, hu: np.ndarray) -> np.ndarray:
        """Return the log likelihood ratio of soft tissue to bone for each value, 0 to `MOST_SOFT`."""
        return within(self._log_ratio(hu), 0, MOST_SOFT)

    def boniness(self, hu: np.ndarray) -> np.ndarray:
        """Return the log likelihood ratio of bone to soft tissue for each value, 0 to `MOST_SOFT`."""
        return within(-self._log_ratio(hu), 0, MOST_SOFT)

    def _log_ratio(self, hu: np.ndarray) -> np.ndarray:
        bone_z = np.minimum(hu - self.median_hu, 0) / self.sd_hu
        soft_z = np.maximum(hu - SOFT_HU, 0) / np.hypot(SOFT_SD_HU, SOFT_NOISE_SHARE * self.sd_hu)
        return (bone_z**2 - soft_z**2) / 2

    def denseness(self, hu: np.ndarray) -> np.ndarray:
        """Return how certainly each value is that of a cortex and not of this bone, 0 to 1."""
        none, whole = CORTEX_SD
        return within(((hu - self.median_hu) / self.sd_hu - none) / (whole - none), 0, 1)


def bone_of_core(sampler: HuSampler, depth_mm: float, shape: BodyShape) -> tuple[BoneLook, BoneLook]:
    """Return the look of the bone in a body's core: in single samples, and in averages of nearby ones."""
    core_uv, inside = _core(shape)
    around_hu = _around_hu(sampler, depth_mm * core_uv[inside])
    median_hu = median(around_hu[:, 0])
    return BoneLook.of_core(around_hu[:, 0], median_hu), BoneLook.of_core(around_hu.mean(axis=1), median_hu)


def averages_hu(sampler: HuSampler, points_uv_mm: np.ndarray) -> np.ndarray:
    """Return averages of HU around points, shape (..., 2), that are comparable with those of the core."""
    return _around_hu(sampler, points_uv_mm.reshape(-1, 2)).mean(axis=1).reshape(points_uv_mm.shape[:-1])


def _around_hu(sampler: HuSampler, points_uv_mm: np.ndarray) -> np.ndarray:
    around_uv_mm = (points_uv_mm[:, None] + _averaged_offsets_mm()).reshape(-1, 2)
    return sampler(around_uv_mm).reshape(-1, AVERAGED_POINTS)


def search_outline(
    sampler: PlaneSampler, depth_mm: float, pixel_mm: float, model: OutlineModel
) -> tuple[np.ndarray, BodyPose]:
    """Find an outline that is accurate to about half a millimeter where an edge is visible.

    Parameters
    ----------
    sampler : PlaneSampler
    depth_mm, pixel_mm : float
        Length of the midline, and side of a pixel.
    model : OutlineModel

    Returns
    -------
    points : array, shape (n, 2)
        Control points in the midline's frame.
    pose : BodyPose
        Position of the body's own axis.
    """
    search = _Search(sampler, depth_mm, pixel_mm, model)
    points = search.on_rays()
    for normal_pass in NORMAL_PASSES:
        points = search.on_normals(points, *normal_pass)
    return points, search.pose


class _Search:
    def __init__(self, sampler: PlaneSampler, depth_mm: float, pixel_mm: float, model: OutlineModel):
        self._sampler, self._depth_mm, self._pixel_mm, self._model = sampler, depth_mm, pixel_mm, model
        self.pose = BodyPose(0.0, 0.0, depth_mm)
        self._bone, self._averaged_bone = bone_of_core(sampler, depth_mm, model.shape)

    def on_rays(self) -> np.ndarray:
        base, directions, radius, deviation = _rays(self._model.shape)
        base, radius, deviation = (self._depth_mm * length for length in (base, radius, deviation))
        low = np.maximum(-RAY_DEVIATIONS * deviation, NEAREST_MM - radius)
        sideways = directions[:, 0] ** 2
        high = RAY_DEVIATIONS * deviation
        high += sideways * np.maximum(self._model.values.half_width_max_mm - radius - high, 0)
        offsets = np.arange(np.ceil(high.max() / RAY_STEP_MM), np.floor(low.min() / RAY_STEP_MM) - 1, -1) * RAY_STEP_MM
        scores, tissue_hu = self._scores(base, directions, offsets, RAY_STEP_MM, RAY_WINDOW_MM, RAY_NOISE)
        counted = offsets > (CORE_SHARES[-1] - 1) * radius[:, None]
        unlike = np.minimum((offsets / deviation[:, None]) ** 2 / 2, MOST_UNLIKE)
        gains = scores - unlike - self._soft_inside(tissue_hu, RAY_STEP_MM, counted)
        allowed = (offsets >= low[:, None]) & (offsets <= high[:, None])
        return self._spline(
            base, directions, offsets, np.where(allowed, gains, FORBIDDEN), scores, RAY_BEND_COST, (0, len(base) // 2)
        )

    def on_normals(self, points: np.ndarray, reach_mm: float, expected_mm: float, bend_cost: float) -> np.ndarray:
        points = self.pose.respread(points)
        value, slope, _ = spline_matrices(len(points), NORMALS_PER_POINT)
        origins, normals = value @ points, outward_normals(slope @ points)
        steps = round(reach_mm / NORMAL_STEP_MM)
        offsets = np.arange(steps, -steps - 1, -1) * NORMAL_STEP_MM
        scores, tissue_hu = self._scores(origins, normals, offsets, NORMAL_STEP_MM, NORMAL_WINDOW_MM, NORMAL_NOISE)
        unlike = np.minimum((offsets / expected_mm) ** 2 / 2, MOST_UNLIKE)
        gains = scores - unlike - self._soft_inside(tissue_hu, NORMAL_STEP_MM)
        ends = np.rint(midline_crossings(origins)).astype(int) % len(origins)
        return self._spline(origins, normals, offsets, gains, scores, bend_cost, ends)

    def _scores(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        offsets: np.ndarray,
        step_mm: float,
        window_mm: tuple[float, float],
        noise: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return evidence of an edge at ``origins + offsets * directions``, and HU there and one sample farther.

        Offsets decrease. HU have one column more at either end than the evidence.
        """
        outside, inside = (round(mm / step_mm) for mm in window_mm)
        along = offsets[0] + step_mm * np.arange(outside, -len(offsets) - inside, -1)
        profiles = self._sampler.on_lines(origins, directions, along)
        model = self._model
        thicknesses = tuple(model.values.cortex_usual_mm * share for share in THICKNESSES)
        sd_mm = model.usual_sd_mm(self._pixel_mm)
        evidence = edge_evidence(
            self._less_noisy(profiles),
            step_mm,
            window_mm,
            sd_mm,
            thicknesses,
            model.cortex_hu,
            noise * model.values.noise_floor_hu,
        )
        return evidence, profiles[:, outside - 1 : outside + len(offsets) + 1]

    def _less_noisy(self, profiles: np.ndarray) -> np.ndarray:
        """Return profiles around the body, each averaged with its two neighbors if the image is noisy."""
        share = _share(self._bone.sd_hu, *NOISE_HU) * _share(self._bone.contrast, *NOISE_CONTRAST)
        if share == 0:
            return profiles
        neighbors = np.roll(profiles, 1, axis=0) + np.roll(profiles, -1, axis=0)
        return (profiles + share * neighbors) / (1 + 2 * share)

    def _soft_inside(self, tissue_hu: np.ndarray, step_mm: float, counted: np.ndarray | bool = True) -> np.ndarray:
        """Return the cost of a place for the `counted` soft tissue inward of it.

        In dense bone all of it costs; in bone of low density only that behind a cortex.
        """
        in_bone = _share(self._bone.contrast, *GAP_CONTRAST)
        softness = np.where(counted, self._bone.softness(tissue_hu[:, 1:-1]), 0)
        cost = np.minimum(self._sum_inward(softness, step_mm), in_bone * MOST_SOFT_OF_RAY)
        if in_bone == 1:
            return cost
        averaged_hu = _averaged(tissue_hu)
        denseness = np.where(counted, self._averaged_bone.denseness(averaged_hu), 0)
        behind_cortex = np.maximum.accumulate(denseness[:, ::-1], axis=1)[:, ::-1]
        behind_cortex *= np.where(counted, self._averaged_bone.softness(averaged_hu), 0)
        return np.maximum(cost, np.minimum(self._sum_inward(behind_cortex, step_mm), MOST_SOFT_OF_RAY))

    def _sum_inward(self, softness: np.ndarray, step_mm: float) -> np.ndarray:
        """Return the sum over the samples inward of each place, without those that blur mixes with its edge."""
        inward = np.cumsum(softness[:, ::-1], axis=1)[:, ::-1] * step_mm / max(self._pixel_mm, LONE_SAMPLE_MM)
        mixed = round(MIXED_MM / step_mm)
        total = np.zeros_like(inward)
        total[:, :-mixed] = inward[:, mixed:]
        return total

    def _spline(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        offsets: np.ndarray,
        gains: np.ndarray,
        scores: np.ndarray,
        bend_cost: float,
        ends: ArrayLike,
    ) -> np.ndarray:
        ends = np.asarray(ends)
        v = origins[ends, 1:] + offsets * directions[ends, 1:]
        end_mm = np.hypot(PATH_END_MM, self._model.end_sd_mm)
        gains[ends] -= np.minimum(((v - [[0], [-self._depth_mm]]) / end_mm) ** 2 / 2, MOST_UNLIKE)
        path = best_closed_path(gains, bend_cost, PATH_REACH)
        nodes = origins + offsets[path][:, None] * directions
        shape = self._model.shape
        around = np.concatenate([nodes[-1:], nodes, nodes[:1]])
        along = around[2:] - around[:-2]
        along[~along.any(axis=1)] = (0.0, 1.0)
        parameters = control_parameters(self.pose.to_body(nodes), shape.count)
        own_edge = shape.own_edge_at(parameters, outward_normals(along))
        weights = np.maximum(scores[np.arange(len(path)), path] * own_edge, LEAST_WEIGHT)
        expected = expectation(self._model, self.pose, parameters[ends], nodes[ends, 1])
        points = spline_along(nodes, parameters, weights, NODE_MM, ROBUST_MM, *expected)
        self.pose = shape.pose_of(points, self.pose)
        return points


def _averaged(profiles: np.ndarray) -> np.ndarray:
    """Return the inner samples of profiles around a body, each averaged with its eight neighbors."""
    three = np.roll(profiles, 1, axis=0) + profiles + np.roll(profiles, -1, axis=0)
    return (three[:, :-2] + three[:, 1:-1] + three[:, 2:]) / 9


@lru_cache(maxsize=1)
def _averaged_offsets_mm() -> np.ndarray:
    """Return a point, at (0, 0), and the points around it that are averaged with it, shape (AVERAGED_POINTS, 2)."""
    angles = 2 * np.pi * np.arange(AVERAGED_POINTS - 1) / (AVERAGED_POINTS - 1)
    return np.vstack([np.zeros(2), AVERAGED_MM * np.column_stack([np.cos(angles), np.sin(angles)])])


def _share(value: float, none: float, whole: float) -> float:
    """Return where a value is between two others, from 0 to 1."""
    return float(min(max((value - none) / (whole - none), 0.0), 1.0))


def expectation(
    model: OutlineModel, pose: BodyPose, end_parameters: np.ndarray, edges_v_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expectation of the control points from the shape and from the reader's midline ends.

    Parameters
    ----------
    model : OutlineModel
    pose : BodyPose
    end_parameters : array, shape (2,)
        Where the outline crosses the midline anteriorly and posteriorly; control points count from 0.
    edges_v_mm : array, shape (2,)
        The previous outline's v there.

    Returns
    -------
    tuple of array, shapes (2n, 2n) and (2n,)
        As `BodyShape.information` returns it.
    """
    matrix, vector = model.shape.information(pose)
    add_reader_ends(matrix, vector, end_parameters, edges_v_mm, pose.depth_mm, model.end_sd_mm)
    return matrix, vector


def add_reader_ends(
    matrix: np.ndarray,
    vector: np.ndarray,
    end_parameters: np.ndarray,
    edges_v_mm: np.ndarray,
    depth_mm: float,
    end_sd_mm: float,
) -> None:
    """Add the information in the midline's two ends, on the outline's v where it crosses the midline, in place."""
    count = len(vector) // 2
    rows = spline_matrices(count, LOOKUP_SAMPLES)[0][
        np.rint(np.asarray(end_parameters) * LOOKUP_SAMPLES).astype(int) % (count * LOOKUP_SAMPLES)
    ]
    ends_v_mm = np.array([0.0, -depth_mm])
    shares = (1 + ((edges_v_mm - ends_v_mm) / END_DOUBT_MM) ** 2) ** -2 / end_sd_mm**2
    pull = rows.T * shares
    matrix[count:, count:] += pull @ rows
    vector[count:] += pull @ ends_v_mm


@lru_cache(maxsize=4)
def _rays(shape: BodyShape) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the rays' points on the mean body, directions, lengths and deviations, for a body of depth 1."""
    count = shape.count
    value = np.roll(spline_matrices(count, 2 * RAYS_PER_POINT)[0], RAYS_PER_POINT, axis=0)[::2]
    base = value @ shape.mean
    away = base - (0, -0.5)
    radius = np.hypot(*away.T)
    directions = away / radius[:, None]
    outward = np.hstack([value * directions[:, :1], value * directions[:, 1:]])
    return base, directions, radius, np.sqrt(np.einsum("ij,jk,ik->i", outward, shape.covariance, outward))


@lru_cache(maxsize=4)
def _core(shape: BodyShape) -> tuple[np.ndarray, np.ndarray]:
    """Return points in the core of a body of depth 1, and which of them count."""
    away = _rays(shape)[0] - (0, -0.5)
    places = np.concatenate([away * share for share in CORE_SHARES]) + np.array([0, -0.5])
    return places, places[:, 1] > -CORE_DEPTH
