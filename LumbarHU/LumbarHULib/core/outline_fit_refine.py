"""Joint least-squares fit of outline, cortical thickness and blur to the profiles across the edge.

All profiles share one closed spline, one smooth course of the thickness and one blur (its two variances along u and v, as slices that are
thick or tilted blur one direction more). So noise on one profile cannot trade edge against thickness, and a profile without a cortex, or
with something bright beside it, does not fit and is left aside; there the spline's stiffness bridges.
"""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.outline_fit_curve import bending_energy, outward_normals, spline_matrices, spread_points
from LumbarHULib.core.outline_fit_model import OutlineModel
from LumbarHULib.core.outline_fit_profiles import PlaneSampler

# Profiles: step, and reach outside and inside the edge; samples to either side of a control point's stretch.
STEP_MM = 0.25
OUTSIDE_MM = 2.5
INSIDE_MM = 3.5

# What is expected beforehand, as standard deviations: bending of the polygon and sliding of its points along the curve in mm, logarithm of
# the thickness from control point to control point and against the usual one, logarithm of the blur.
BENDING_MM = 0.5
SLIDING_MM = 2.2
THICKNESS_STEP = 0.15
THICKNESS = 1.0
BLUR = 0.3

# A step of the fit is cut at these: mm, logarithm of the thickness, logarithm of the blur.
LARGEST_STEPS = (0.5, 0.4, 0.3)


@dataclass(frozen=True)
class EdgeState:
    """A state of the fit: control points (n, 2) and logarithm of the thickness (n,) at them, logarithms of the blur along u and v."""

    points: np.ndarray
    log_thickness: np.ndarray
    log_sd: np.ndarray

    @classmethod
    def usual(cls, points: np.ndarray, pixel_mm: float, model: OutlineModel) -> "EdgeState":
        """Start with the usual thickness and blur."""
        return cls(points, np.full(len(points), np.log(model.cortex_mm[1])), np.full(2, np.log(model.usual_sd_mm(pixel_mm))))


@dataclass(frozen=True)
class EdgeQuality:
    """How the profiles fit, each array with one value per profile.

    Parameters
    ----------
    weight : array
        1 where image and model agree as well as elsewhere, toward 0 where they do not.
    ridge : array
        Height of the cortex against the model's: about 1 where there is one, about 0 where there is none.
    residual_hu : float
        Root mean square deviation of the median profile.
    """

    weight: np.ndarray
    ridge: np.ndarray
    residual_hu: float


def refine_outline(
    sampler: PlaneSampler,
    state: EdgeState,
    pixel_mm: float,
    model: OutlineModel,
    per_span: int,
    iterations: int,
    strictness: float,
) -> tuple[EdgeState, EdgeQuality]:
    """Improve the outline by Gauss-Newton steps on profiles along its normals.

    Parameters
    ----------
    per_span : int
        Profiles for each control point.
    iterations : int
        Gauss-Newton steps.
    strictness : float
        How steeply the weight of a profile falls that does not fit; mild at first, when many do not yet.
    """
    profiles = _Profiles(sampler, state, model, per_span)
    prior = _Prior(profiles, state, pixel_mm, model)
    count = len(state.points)
    groups = slice(0, 2 * count), slice(2 * count, 3 * count), slice(3 * count, 3 * count + 2)
    low_sd, high_sd = np.log(model.sd_range_mm(pixel_mm))
    lowest = np.repeat([-np.inf, np.log(model.cortex_mm[0]), low_sd], [2 * count, count, 2])
    highest = np.repeat([np.inf, np.log(model.cortex_mm[2]), high_sd], [2 * count, count, 2])
    largest = np.repeat(LARGEST_STEPS, [2 * count, count, 2])
    unknowns = np.concatenate([np.zeros(2 * count), state.log_thickness, state.log_sd])
    for _ in range(iterations):
        fit = profiles.evaluate(*(unknowns[group] for group in groups), strictness, model)
        matrix = prior.matrix.copy()
        vector = prior.vector - prior.matrix @ unknowns
        weight = fit.weight / fit.scale
        for p, (jacobian, rows) in enumerate(zip(fit.jacobians, fit.rows)):
            vector[groups[p]] += (weight * np.einsum("jk,jk->j", jacobian, fit.residual)) @ rows
            for q in range(p, 3):
                products = weight * np.einsum("jk,jk->j", jacobian, fit.jacobians[q])
                block = (rows.T * products) @ fit.rows[q]
                matrix[groups[p], groups[q]] += block
                if q > p:
                    matrix[groups[q], groups[p]] += block.T
        step = np.clip(np.linalg.solve(matrix, vector), -largest, largest)
        unknowns = np.clip(unknowns + step, lowest, highest)
    fit = profiles.evaluate(*(unknowns[group] for group in groups), strictness, model)
    moved = profiles.points + unknowns[groups[0]].reshape(2, count).T
    return EdgeState(moved, unknowns[groups[1]], unknowns[groups[2]]), EdgeQuality(fit.weight, fit.ridge(), float(np.sqrt(fit.scale)))


class _Profiles:
    """Profiles along the normals of a spline, and how moving its points moves their edges."""

    def __init__(self, sampler, state, model, per_span):
        self.points = spread_points(state.points)
        self.value, slope, bend = spline_matrices(len(self.points), per_span)
        first, second = slope @ self.points, bend @ self.points
        normals = outward_normals(first)
        self.curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / np.hypot(first[:, 0], first[:, 1]) ** 3
        self.depth_mm = np.arange(-round(OUTSIDE_MM / STEP_MM), round(INSIDE_MM / STEP_MM) + 1) * STEP_MM
        self.hu = sampler((self.value @ self.points)[:, None] - self.depth_mm[:, None] * normals[:, None])
        self.squared_normals = normals**2
        self.across = np.hstack([self.value * normals[:, :1], self.value * normals[:, 1:]])
        self.along = np.hstack([self.value * -normals[:, 1:], self.value * normals[:, :1]])

    def evaluate(self, move, log_thickness, log_sd, strictness, model):
        return _Evaluation(self, move, log_thickness, log_sd, strictness, model)


class _Evaluation:
    """The model on all profiles: residuals, weights, and derivatives by outward move, log thickness and log blur.

    Plateaus outside and inside are free on each profile and are eliminated: residuals and derivatives are what they cannot explain.
    """

    def __init__(self, profiles, move, log_thickness, log_sd, strictness, model):
        from scipy.special import ndtr

        variances = np.exp(2 * log_sd)
        variance = profiles.squared_normals @ variances
        sd = np.sqrt(variance)[:, None]
        thickness = np.exp(profiles.value @ log_thickness)[:, None]
        # Blur moves a curved edge inward by variance * curvature / 2.
        edge = (variance * profiles.curvature / 2 - profiles.across @ move)[:, None]
        scaled = np.empty((2, *profiles.hu.shape))
        scaled[0] = (profiles.depth_mm - edge) / sd
        scaled[1] = scaled[0] - thickness / sd
        enter, leave = ndtr(scaled)
        bells = np.exp(scaled**2 / -2) / (np.sqrt(2 * np.pi) * sd)
        self._outside, self._inside = 1 - enter, leave
        self._ridge = model.cortex_hu * (enter - leave)
        squares = [np.einsum("jk,jk->j", a, b) for a, b in ((self._outside,) * 2, (self._outside, leave), (leave, leave))]
        determinant = squares[0] * squares[2] - squares[1] ** 2
        self._solve = [square / determinant for square in squares]
        self.residual, outside_hu, inside_hu = self._eliminate(profiles.hu - self._ridge)
        mean_square = np.einsum("jk,jk->j", self.residual, self.residual) / (profiles.hu.shape[1] - 2)
        self.scale = max(float(np.median(mean_square)), model.noise_hu**2)
        self.weight = (1 + np.maximum(mean_square / self.scale - 1, 0) ** 2) ** -strictness
        rise = (model.cortex_hu - outside_hu)[:, None] * bells[0]
        fall = (inside_hu - model.cortex_hu)[:, None] * bells[1]
        by_move, by_thickness = rise + fall, -thickness * fall
        by_sd = -sd * (rise * scaled[0] + fall * scaled[1])
        self.jacobians = [self._eliminate(derivative)[0] for derivative in (by_move, by_thickness, by_sd)]
        self.rows = profiles.across, profiles.value, profiles.squared_normals * variances / variance[:, None]

    def _eliminate(self, y):
        """Return what the plateaus cannot explain of y, and the plateaus that explain most."""
        out, into = np.einsum("jk,jk->j", y, self._outside), np.einsum("jk,jk->j", y, self._inside)
        outside = self._solve[2] * out - self._solve[1] * into
        inside = self._solve[0] * into - self._solve[1] * out
        return y - outside[:, None] * self._outside - inside[:, None] * self._inside, outside, inside

    def ridge(self):
        """Return the height of the cortex against the model's, shape (profiles,)."""
        lone = self._eliminate(self._ridge)[0]
        return 1 + np.einsum("jk,jk->j", lone, self.residual) / np.einsum("jk,jk->j", lone, lone)


class _Prior:
    """What is expected of the unknowns before the image is seen: ``matrix @ unknowns`` pulls toward ``vector``."""

    def __init__(self, profiles, state, pixel_mm, model):
        count = len(profiles.points)
        bending = np.kron(np.eye(2), bending_energy(count)) / BENDING_MM**2
        step = np.eye(count) - np.roll(np.eye(count), 1, axis=1)
        self.matrix = np.zeros((3 * count + 2, 3 * count + 2))
        self.matrix[: 2 * count, : 2 * count] = bending + profiles.along.T @ profiles.along / SLIDING_MM**2
        self.matrix[2 * count : 3 * count, 2 * count : 3 * count] = step.T @ step / THICKNESS_STEP**2 + np.eye(count) / THICKNESS**2
        self.matrix[3 * count :, 3 * count :] = np.eye(2) / BLUR**2
        self.vector = np.concatenate(
            [
                -bending @ profiles.points.T.ravel(),
                np.full(count, np.log(model.cortex_mm[1])) / THICKNESS**2,
                np.full(2, np.log(model.usual_sd_mm(pixel_mm))) / BLUR**2,
            ]
        )
