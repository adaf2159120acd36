"""Joint least-squares fit of outline, cortical thickness and blur to the profiles across the edge.

All profiles share one closed spline, one smooth course of the thickness and one blur (its two variances along u and v,
because thick or tilted slices blur one direction more). Noise on one profile therefore cannot trade edge position for
thickness. A profile without a cortex, or with a bright structure next to it, does not fit and is ignored; there, the
shape of vertebral bodies bridges the gap.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.outline.curve import outward_normals, solve_positive
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.profiles import PlaneSampler

# Profiles: step, and reach outside and inside the edge.
STEP_MM = 0.25
OUTSIDE_MM = 1.75
INSIDE_MM = 3.0

# Prior standard deviations: sliding of the points along the curve in mm; logarithm of the thickness between neighboring
# control points, and relative to the usual one; logarithm of the blur.
SLIDING_MM = 2.2
THICKNESS_STEP = 0.15
THICKNESS = 1.0
BLUR = 0.3

# With larger pixels, a profile has so few independent samples that many profiles deviate by chance.
FINE_PIXEL_MM = 0.5

# A cortex fitted with less than this multiple of the least thickness does not count.
THIN = 1.1

# Largest step of the fit: mm, logarithm of the thickness, logarithm of the blur.
LARGEST_STEPS = (0.5, 0.4, 0.3)


@dataclass(frozen=True)
class EdgeState:
    """Control points, shape (n, 2), logarithms of the thickness at them and of the blur along u and v.

    The points are in the positions of `BodyPose.respread`.
    """

    points: np.ndarray
    log_thickness: np.ndarray
    log_sd: np.ndarray

    @classmethod
    def usual(cls, points: np.ndarray, pixel_mm: float, model: OutlineModel) -> "EdgeState":
        """Return the state with the usual thickness and blur."""
        return cls(
            points,
            np.full(len(points), np.log(model.values.cortex_usual_mm)),
            np.full(2, np.log(model.usual_sd_mm(pixel_mm))),
        )


@dataclass(frozen=True, eq=False)
class EdgeQuality:
    """The fit of the profiles; each array has one value for each profile.

    Parameters
    ----------
    agreement : array
        1 where image and model agree as well as elsewhere, and toward 0 where they do not, even if by chance.
    ridge : array
        Height of the cortex relative to the model's: about 1 where there is a cortex; about 0 where there is none, or
        where it is as thin as the model allows, or not denser than the tissue next to it.
    residual_hu : float
        Root mean square deviation of the median profile.
    information : array, shape (u, u)
        What shape and profiles together say of all unknowns: their inverse covariance.
    across : array, shape (profiles, 2n)
        How moves of the control points, the first unknowns, move the edge along each normal.
    """

    agreement: np.ndarray
    ridge: np.ndarray
    residual_hu: float
    information: np.ndarray
    across: np.ndarray

    @cached_property
    def sd_mm(self) -> np.ndarray:
        """Standard deviation of the edge along each normal, from shape and profiles together."""
        moves = self.across.shape[1]
        padded = np.pad(self.across, ((0, 0), (0, len(self.information) - moves)))
        solved = solve_positive(self.information, padded.T)
        return np.sqrt(np.einsum("jp,pj->j", self.across, solved[:moves]))


def refine_outline(
    sampler: PlaneSampler,
    state: EdgeState,
    pixel_mm: float,
    model: OutlineModel,
    per_span: int,
    iterations: int,
    strictness: float,
    evidence_share: float,
    matrix: np.ndarray,
    vector: np.ndarray,
) -> tuple[EdgeState, EdgeQuality]:
    """Improve the outline by Gauss-Newton steps on profiles along its normals.

    Parameters
    ----------
    per_span : int
        Profiles for each control point.
    iterations : int
        Gauss-Newton steps.
    strictness : float
        How steeply the weight falls for a profile that does not fit; low at first, when many do not fit yet.
    evidence_share : float
        Weight of the profiles' samples. Below 1, the edges on them have less weight than their noise alone would give,
        so that the shape does not bend to features outside its model and fail where no edge is visible.
    matrix, vector : array, shapes (2n, 2n) and (2n,)
        The expected control points: see `BodyShape.information`.
    """
    profiles = _Profiles(sampler, state, model, per_span)
    prior = _Prior(profiles, pixel_mm, model, matrix, vector)
    own_edge = evidence_share * model.shape.own_edge_at(np.arange(len(profiles.hu)) / per_span, profiles.normals)
    chance = _chance_deviation(pixel_mm)
    count = len(state.points)
    groups = slice(0, 2 * count), slice(2 * count, 3 * count), slice(3 * count, 3 * count + 2)
    low_sd, high_sd = np.log(model.sd_range_mm(pixel_mm))
    lowest = np.repeat([-np.inf, np.log(model.values.cortex_min_mm), low_sd], [2 * count, count, 2])
    highest = np.repeat([np.inf, np.log(model.values.cortex_max_mm), high_sd], [2 * count, count, 2])
    largest = np.repeat(LARGEST_STEPS, [2 * count, count, 2])
    unknowns = np.concatenate([np.zeros(2 * count), state.log_thickness, state.log_sd])
    for _ in range(iterations):
        fit = _Evaluation(profiles, *(unknowns[group] for group in groups), strictness, chance, model)
        jacobians, row_groups = fit.derivatives()
        matrix = prior.matrix.copy()
        vector = prior.vector - prior.matrix @ unknowns
        weight = own_edge * fit.weight / fit.scale
        for p, (jacobian, rows) in enumerate(zip(jacobians, row_groups, strict=True)):
            vector[groups[p]] += (weight * _dot(jacobian, fit.residual)) @ rows
            for q in range(p, 3):
                products = weight * _dot(jacobian, jacobians[q])
                block = (rows.T * products) @ row_groups[q]
                matrix[groups[p], groups[q]] += block
                if q > p:
                    matrix[groups[q], groups[p]] += block.T
        step = np.clip(solve_positive(matrix, vector), -largest, largest)
        unknowns = np.clip(unknowns + step, lowest, highest)
    moved = profiles.points + unknowns[groups[0]].reshape(2, count).T
    return EdgeState(moved, unknowns[groups[1]], unknowns[groups[2]]), EdgeQuality(
        fit.agreement, fit.ridge(), float(np.sqrt(fit.scale)), matrix, profiles.across
    )


def _chance_deviation(pixel_mm):
    """Return the random variation of a profile's mean square relative to fine pixels; 1 on fine pixels.

    A profile has about one independent sample for each pixel along it, and its two plateaus use up two of them. The
    relative standard deviation of the mean square of k samples of noise is sqrt(2 / k).
    """
    pixels = np.array([FINE_PIXEL_MM, max(pixel_mm, FINE_PIXEL_MM)])
    fine, here = np.maximum((OUTSIDE_MM + INSIDE_MM) / pixels - 2, 1)
    return float(np.sqrt(fine / here))


class _Profiles:
    """Profiles along the normals of a spline, and the effect of its points on their edges."""

    def __init__(self, sampler, state, model, per_span):
        self.points = state.points
        self.value, slope, bend = spline_matrices(len(self.points), per_span)
        first, second = slope @ self.points, bend @ self.points
        normals = self.normals = outward_normals(first)
        self.curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / np.hypot(
            first[:, 0], first[:, 1]
        ) ** 3
        self.depth_mm = np.arange(-round(OUTSIDE_MM / STEP_MM), round(INSIDE_MM / STEP_MM) + 1) * STEP_MM
        self.hu = sampler((self.value @ self.points)[:, None] - self.depth_mm[:, None] * normals[:, None])
        self.squared_normals = normals**2
        self.across = np.hstack([self.value * normals[:, :1], self.value * normals[:, 1:]])
        self.along = np.hstack([self.value * -normals[:, 1:], self.value * normals[:, :1]])


class _Evaluation:
    """The model on all profiles: residuals, weights, and derivatives by outward move, log thickness and log blur.

    The plateaus outside and inside are free on each profile and are eliminated, so residuals and derivatives are the
    parts that plateaus cannot explain.
    """

    def __init__(self, profiles, move, log_thickness, log_sd, strictness, chance, model):
        from scipy.special import ndtr

        self._cortex_hu, self._least_mm = model.cortex_hu, model.values.cortex_min_mm
        variances = np.exp(2 * log_sd)
        variance = profiles.squared_normals @ variances
        self._sd = np.sqrt(variance)[:, None]
        self._thickness = np.exp(profiles.value @ log_thickness)[:, None]
        self._rows = profiles.across, profiles.value, profiles.squared_normals * variances / variance[:, None]
        # Blur moves a curved edge inward by variance * curvature / 2.
        edge = (variance * profiles.curvature / 2 - profiles.across @ move)[:, None]
        self._scaled = np.empty((2, *profiles.hu.shape))
        self._scaled[0] = (profiles.depth_mm - edge) / self._sd
        self._scaled[1] = self._scaled[0] - self._thickness / self._sd
        enter, leave = ndtr(self._scaled)
        self._outside, self._inside, self._ridge = 1 - enter, leave, model.cortex_hu * (enter - leave)
        oo, oi, ii = _dot(self._outside, self._outside), _dot(self._outside, leave), _dot(leave, leave)
        self._inverse = np.array([ii, -oi, oo]) / (oo * ii - oi**2)
        self.residual, self._plateaus = self._eliminate(profiles.hu - self._ridge)
        mean_square = _dot(self.residual, self.residual) / (profiles.hu.shape[1] - 2)
        self.scale = max(float(np.median(mean_square)), model.values.noise_floor_hu**2)
        excess = np.maximum(mean_square / self.scale - 1, 0)
        self.weight = (1 + (excess / chance) ** 2) ** -strictness
        # A profile that may deviate by chance takes part in the fit, but is no evidence for a cortex.
        self.agreement = (1 + excess**2) ** -strictness

    def derivatives(self):
        """Return derivatives by edge, log thickness and log blur, and the matrices from the unknowns to these."""
        bells = np.exp(self._scaled**2 / -2) / (np.sqrt(2 * np.pi) * self._sd)
        rise = (self._cortex_hu - self._plateaus[0])[:, None] * bells[0]
        fall = (self._plateaus[1] - self._cortex_hu)[:, None] * bells[1]
        by_sd = -self._sd * (rise * self._scaled[0] + fall * self._scaled[1])
        return [
            self._eliminate(derivative)[0] for derivative in (rise + fall, -self._thickness * fall, by_sd)
        ], self._rows

    def ridge(self):
        """Return the height of the cortex relative to the model's, shape (profiles,); 0 where there is no cortex."""
        lone = self._eliminate(self._ridge)[0]
        cortex = (self._thickness[:, 0] > THIN * self._least_mm) & (np.maximum(*self._plateaus) < self._cortex_hu)
        return np.where(cortex, 1 + _dot(lone, self.residual) / _dot(lone, lone), 0)

    def _eliminate(self, y):
        """Return the part of y that plateaus cannot explain, and the plateaus that explain the rest."""
        out, into = _dot(y, self._outside), _dot(y, self._inside)
        first, mixed, last = self._inverse
        outside, inside = first * out + mixed * into, mixed * out + last * into
        return y - outside[:, None] * self._outside - inside[:, None] * self._inside, (outside, inside)


def _dot(a, b):
    """Return the products of profiles summed over their samples, shape (profiles,)."""
    return np.einsum("jk,jk->j", a, b)


class _Prior:
    """The prior of the unknowns, as the normal equations ``matrix @ unknowns = vector``."""

    def __init__(self, profiles, pixel_mm, model, matrix, vector):
        count = len(profiles.points)
        moves = slice(0, 2 * count)
        self.matrix = _prior_matrix(count).copy()
        self.vector = np.zeros(len(self.matrix))
        self.matrix[moves, moves] = matrix + profiles.along.T @ profiles.along / SLIDING_MM**2
        self.vector[moves] = vector - matrix @ profiles.points.T.ravel()
        self.vector[2 * count : 3 * count] = np.log(model.values.cortex_usual_mm) / THICKNESS**2
        self.vector[3 * count :] = np.log(model.usual_sd_mm(pixel_mm)) / BLUR**2


@lru_cache(maxsize=4)
def _prior_matrix(count):
    """Return the prior matrix of thickness and blur, shape (3 * count + 2, 3 * count + 2)."""
    step = np.eye(count) - np.roll(np.eye(count), 1, axis=1)
    matrix = np.zeros((3 * count + 2, 3 * count + 2))
    matrix[2 * count : 3 * count, 2 * count : 3 * count] = (
        step.T @ step / THICKNESS_STEP**2 + np.eye(count) / THICKNESS**2
    )
    matrix[3 * count :, 3 * count :] = np.eye(2) / BLUR**2
    return matrix
