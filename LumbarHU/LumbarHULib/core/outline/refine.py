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
from LumbarHULib.core.outline.curve import (
    median,
    outward_normals,
    product_positions,
    solve_positive,
    weighted_products,
    within,
)
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.profiles import PlaneSampler
from LumbarHULib.core.protocol_values import OutlineValues

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
class FitRound:
    """One round of the fit.

    Parameters
    ----------
    per_span : int
        Profiles for each control point.
    steps : int
        Gauss-Newton steps.
    strictness : float
        How steeply the weight falls for a profile that does not fit; low at first, when many do not fit yet.
    edge_share : float
        Weight of the profiles' samples. Below 1, the edges on them have less weight than their noise alone would give,
        so that the shape does not bend to features outside its model and fail where no edge is visible.
    trust_horns : bool
        Whether edges at the pedicles count if they face posteriorly: see `BodyShape.own_edge_at`.
    """

    per_span: int
    steps: int
    strictness: float
    edge_share: float
    trust_horns: bool


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
        What shape and profiles together say of all unknowns: their inverse covariance. The first 2n are the control
        points' u and v.
    normals : array, shape (profiles, 2)
        Outward unit normals.
    """

    agreement: np.ndarray
    ridge: np.ndarray
    residual_hu: float
    information: np.ndarray
    normals: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        """How visible an edge is, 0 to 1: profiles that follow a cortex have 1."""
        return self.agreement * within(self.ridge, 0, 1)

    @cached_property
    def sd_mm(self) -> np.ndarray:
        """Standard deviation of the edge along each normal, from shape and profiles together."""
        count = (len(self.information) - 2) // 3
        value = spline_matrices(count, len(self.normals) // count)[0]
        across = np.zeros((len(self.information), len(value)))
        across[:count], across[count : 2 * count] = (value * self.normals[:, :1]).T, (value * self.normals[:, 1:]).T
        return np.sqrt(np.einsum("up,up->p", across, solve_positive(self.information, across)))


def refine_outline(
    sampler: PlaneSampler,
    state: EdgeState,
    pixel_mm: float,
    model: OutlineModel,
    fit_round: FitRound,
    matrix: np.ndarray,
    vector: np.ndarray,
) -> tuple[EdgeState, EdgeQuality]:
    """Improve the outline by Gauss-Newton steps on profiles along its normals.

    Parameters
    ----------
    matrix, vector : array, shapes (2n, 2n) and (2n,)
        The expected control points: see `BodyShape.information`.
    """
    profiles = _Profiles(sampler, state, model, fit_round.per_span)
    prior_matrix, prior_vector = _prior(profiles, pixel_mm, model, matrix, vector)
    own_edge = fit_round.edge_share * model.shape.own_edge_at(
        profiles.parameters, profiles.normals, fit_round.trust_horns
    )
    chance = _chance_deviation(pixel_mm)
    count = len(state.points)
    lowest, highest, largest = _bounds(count, model.values, model.sd_range_mm(pixel_mm))
    unknowns = np.concatenate([np.zeros(2 * count), state.log_thickness, state.log_sd])
    for _ in range(fit_round.steps):
        fit = _Evaluation(profiles, unknowns, fit_round.strictness, chance, model)
        matrix, vector = fit.normal_equations(own_edge)
        matrix += prior_matrix
        vector += prior_vector - prior_matrix @ unknowns
        step = within(solve_positive(matrix, vector), -largest, largest)
        unknowns = within(unknowns + step, lowest, highest)
    moved = profiles.points + unknowns[: 2 * count].reshape(2, count).T
    return EdgeState(moved, unknowns[2 * count : 3 * count], unknowns[3 * count :]), EdgeQuality(
        fit.agreement, fit.ridge(), float(np.sqrt(fit.scale)), matrix, profiles.normals
    )


@lru_cache(maxsize=32)
def _bounds(
    count: int, values: OutlineValues, sd_range_mm: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the least and the greatest value of each unknown, and its largest step."""
    sizes = [2 * count, count, 2]
    lowest = np.repeat([-np.inf, np.log(values.cortex_min_mm), np.log(sd_range_mm[0])], sizes)
    highest = np.repeat([np.inf, np.log(values.cortex_max_mm), np.log(sd_range_mm[1])], sizes)
    return lowest, highest, np.repeat(LARGEST_STEPS, sizes)


def _chance_deviation(pixel_mm: float) -> float:
    """Return the random variation of a profile's mean square relative to fine pixels; 1 on fine pixels.

    A profile has about one independent sample for each pixel along it, and its two plateaus use up two of them. The
    relative standard deviation of the mean square of k samples of noise is sqrt(2 / k).
    """
    pixels = np.array([FINE_PIXEL_MM, max(pixel_mm, FINE_PIXEL_MM)])
    fine, here = np.maximum((OUTSIDE_MM + INSIDE_MM) / pixels - 2, 1)
    return float(np.sqrt(fine / here))


# Functions of depth along a profile whose products, summed over its samples, give the fit. The bells are those of the
# blurred outer and inner surface of the cortex; the slopes are the bells times the scaled distance from the surface.
_OUTSIDE, _INSIDE, _HU, _OUTER_BELL, _INNER_BELL, _OUTER_SLOPE, _INNER_SLOPE = range(7)
_AFTER_PLATEAUS = 2


class _Profiles:
    """Profiles along the normals of a spline."""

    def __init__(self, sampler: PlaneSampler, state: EdgeState, model: OutlineModel, per_span: int):
        self.points = state.points
        self.value, slope, bend = spline_matrices(len(self.points), per_span)
        self.parameters = np.arange(len(self.value)) / per_span
        first, second = slope @ self.points, bend @ self.points
        self.normals = outward_normals(first)
        self.curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / np.hypot(
            first[:, 0], first[:, 1]
        ) ** 3
        self.depth_mm = np.arange(-round(OUTSIDE_MM / STEP_MM), round(INSIDE_MM / STEP_MM) + 1) * STEP_MM
        hu = sampler.on_lines(self.value @ self.points, self.normals, -self.depth_mm)
        u, v = self.axes = np.ascontiguousarray(self.normals.T)
        # Products of the normals' components: u², uv, v².
        self.axis_products = np.array([u * u, u * v, v * v])
        # Fixed for all evaluations: the profile minus the cortex, which the plateaus then replace on either side.
        self.functions = np.empty((7, *hu.shape))
        self.functions[_HU] = hu - model.cortex_hu


class _Evaluation:
    """The model on all profiles: weights, and the normal equations of outward move, log thickness and log blur.

    The plateaus outside and inside are free on each profile and are eliminated. The model is the cortex's HU everywhere
    plus the plateaus' differences from it, so the residual is the profile minus the cortex's HU without its part that
    the plateaus explain. All sums over samples are products of seven functions, computed together.
    """

    def __init__(
        self, profiles: _Profiles, unknowns: np.ndarray, strictness: float, chance: float, model: OutlineModel
    ):
        from scipy.special import ndtr

        count = len(profiles.points)
        along = unknowns[: 3 * count].reshape(3, count) @ profiles.value.T
        variances = np.exp(2 * unknowns[3 * count :])
        self._blur_rows = profiles.axis_products[::2] * variances[:, None]
        variance = self._blur_rows.sum(axis=0)
        self._blur_rows /= variance
        sd = self._sd = np.sqrt(variance)
        self._thickness = np.exp(along[2])
        self._profiles, self._model = profiles, model
        # Blur moves a curved edge inward by variance * curvature / 2.
        edge = variance * profiles.curvature / 2 - (profiles.axes * along[:2]).sum(axis=0)
        functions = profiles.functions
        scaled = np.empty((2, *functions.shape[1:]))
        np.subtract(profiles.depth_mm, edge[:, None], out=scaled[0])
        scaled[0] /= sd[:, None]
        np.subtract(scaled[0], (self._thickness / sd)[:, None], out=scaled[1])
        ndtr(scaled, out=functions[:_AFTER_PLATEAUS])
        np.subtract(1, functions[_OUTSIDE], out=functions[_OUTSIDE])
        bells = functions[_OUTER_BELL : _INNER_BELL + 1]
        np.multiply(scaled, scaled, out=bells)
        bells *= -0.5
        np.exp(bells, out=bells)
        np.multiply(bells, scaled, out=functions[_OUTER_SLOPE:])
        by_profile = functions.transpose(1, 0, 2)
        products = self._products = np.ascontiguousarray((by_profile @ by_profile.transpose(0, 2, 1)).T)
        self._determinant = products[0, 0] * products[1, 1] - products[0, 1] ** 2
        self._plateaus = self._explained(products[_OUTSIDE, _HU], products[_INSIDE, _HU])
        left = products[_AFTER_PLATEAUS:, _AFTER_PLATEAUS:]
        outside, inside = self._explained(products[_OUTSIDE, _AFTER_PLATEAUS:], products[_INSIDE, _AFTER_PLATEAUS:])
        self._left = (
            left
            - outside[:, None] * products[_OUTSIDE, _AFTER_PLATEAUS:]
            - inside[:, None] * products[_INSIDE, _AFTER_PLATEAUS:]
        )
        mean_square = self._left[0, 0] / (functions.shape[2] - 2)
        self.scale = max(median(mean_square), model.values.noise_floor_hu**2)
        self._excess = np.maximum(mean_square / self.scale - 1, 0)
        self._strictness = strictness
        self.weight = (1 + (self._excess / chance) ** 2) ** -strictness

    @property
    def agreement(self) -> np.ndarray:
        """The weight, except that a profile that may deviate by chance is fitted but is no evidence for a cortex."""
        return (1 + self._excess**2) ** -self._strictness

    def _explained(self, outside: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the plateaus that explain a function, given its products with both."""
        products = self._products
        return (
            (products[1, 1] * outside - products[0, 1] * inside) / self._determinant,
            (products[0, 0] * inside - products[0, 1] * outside) / self._determinant,
        )

    def normal_equations(self, own_edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the profiles' part of ``matrix @ step = vector`` for all unknowns."""
        profiles, left, sd, thickness = self._profiles, self._left, self._sd, self._thickness
        count = len(profiles.points)
        weight = own_edge * self.weight / self.scale
        # Derivatives by move, log thickness and log blur, as multiples of outer bell, inner bell and their slopes.
        outer, inner = self._plateaus
        scale = np.sqrt(2 * np.pi) * sd
        outer, inner = -outer / scale, inner / scale
        factors = np.array([outer, inner, -sd * outer, -sd * inner])
        pulls = factors * left[0, 1:]
        both = factors[:, None] * factors * left[1:, 1:]
        # A move changes both bells, log thickness the inner one, log blur both slopes.
        by_move, by_blur = both[0] + both[1], both[2] + both[3]
        move_move, move_thin, move_blur = by_move[0] + by_move[1], -thickness * by_move[1], by_move[2] + by_move[3]
        thin_blur, blur_blur = -thickness * by_blur[1], by_blur[2] + by_blur[3]
        samples = len(weight)
        weights = np.empty((6, samples))
        weights[:3] = weight * move_move * profiles.axis_products
        weights[3:5] = weight * move_thin * profiles.axes
        weights[5] = weight * thickness**2 * both[1, 1]
        columns = np.empty((3, 3, samples))
        columns[:2, :2] = (weight * move_blur * profiles.axes)[:, None] * self._blur_rows
        columns[2, :2] = weight * thin_blur * self._blur_rows
        columns[:2, 2] = weight * (pulls[0] + pulls[1]) * profiles.axes
        columns[2, 2] = -weight * thickness * pulls[1]
        columns = columns.reshape(9, samples) @ profiles.value
        blur_weights = weight * blur_blur * self._blur_rows
        matrix, vector = np.empty((3 * count + 2, 3 * count + 2)), np.empty(3 * count + 2)
        positions = product_positions(count, ((0, 1, 3), (1, 2, 4), (3, 4, 5)))
        matrix[: 3 * count, : 3 * count] = weighted_products(count, samples // count, weights, positions)
        columns = columns.reshape(3, 3, count).transpose(1, 0, 2).reshape(3, 3 * count)
        matrix[3 * count :, : 3 * count] = columns[:2]
        matrix[: 3 * count, 3 * count :] = columns[:2].T
        matrix[3 * count :, 3 * count :] = blur_weights @ self._blur_rows.T
        vector[: 3 * count] = columns[2]
        vector[3 * count :] = self._blur_rows @ (weight * (pulls[2] + pulls[3]))
        return matrix, vector

    def ridge(self) -> np.ndarray:
        """Return the height of the cortex relative to the model's, shape (profiles,); 0 where there is no cortex."""
        functions, cortex_hu = self._profiles.functions, self._model.cortex_hu
        # What the plateaus cannot explain of the ridge is that of a constant, as plateaus and ridge make a constant.
        outside, inside = functions[_OUTSIDE].sum(axis=1), functions[_INSIDE].sum(axis=1)
        explained = self._explained(outside, inside)
        lone = functions.shape[2] - explained[0] * outside - explained[1] * inside
        with_residual = functions[_HU].sum(axis=1) - explained[0] * self._products[_OUTSIDE, _HU]
        with_residual -= explained[1] * self._products[_INSIDE, _HU]
        thick = self._thickness > THIN * self._model.values.cortex_min_mm
        return np.where(thick & (np.maximum(*self._plateaus) < 0), 1 + with_residual / (cortex_hu * lone), 0)


def _prior(
    profiles: _Profiles, pixel_mm: float, model: OutlineModel, matrix: np.ndarray, vector: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior of the unknowns, as the normal equations ``matrix @ unknowns = vector``."""
    count = len(profiles.points)
    whole, right = _prior_matrix(count).copy(), np.empty(3 * count + 2)
    sliding = profiles.axis_products[::-1] * [[1], [-1], [1]] / SLIDING_MM**2
    positions = product_positions(count, ((0, 1), (1, 2)))
    whole[: 2 * count, : 2 * count] = matrix + weighted_products(
        count, len(profiles.value) // count, sliding, positions
    )
    right[: 2 * count] = vector - matrix @ profiles.points.T.ravel()
    right[2 * count : 3 * count] = np.log(model.values.cortex_usual_mm) / THICKNESS**2
    right[3 * count :] = np.log(model.usual_sd_mm(pixel_mm)) / BLUR**2
    return whole, right


@lru_cache(maxsize=4)
def _prior_matrix(count: int) -> np.ndarray:
    """Return the prior matrix of thickness and blur, shape (3 * count + 2, 3 * count + 2)."""
    step = np.eye(count) - np.roll(np.eye(count), 1, axis=1)
    matrix = np.zeros((3 * count + 2, 3 * count + 2))
    matrix[2 * count : 3 * count, 2 * count : 3 * count] = (
        step.T @ step / THICKNESS_STEP**2 + np.eye(count) / THICKNESS**2
    )
    matrix[3 * count :, 3 * count :] = np.eye(2) / BLUR**2
    return matrix
