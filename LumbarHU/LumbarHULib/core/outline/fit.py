"""Find the outer edge of a vertebral body in one plane of a CT.

The edge is the periosteal surface before blur. It is searched first (`search`), then fitted (`refine`): first as a
whole, together with the shape of vertebral bodies, then each stretch separately. After each round with the shape, and
at the end, it is closed at the pedicles: where they leave the body, it follows the shape, given the edges elsewhere.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline.curve import (
    COARSE_SAMPLES,
    FINE_SAMPLES,
    midline_crossings,
    outward_normals,
    product_positions,
    solve_points,
    solve_positive,
    spread_points,
    weighted_products,
)
from LumbarHULib.core.outline.model import SD_PER_FWHM, SD_PER_PIXEL, OutlineFit, OutlineModel
from LumbarHULib.core.outline.profiles import PlaneSampler
from LumbarHULib.core.outline.refine import EdgeQuality, EdgeState, FitRound, refine_outline
from LumbarHULib.core.outline.search import add_reader_ends, expectation, search_outline
from LumbarHULib.core.outline.shape import PEDICLE_OWN_EDGE, BodyPose, BodyShape, local_covariance
from LumbarHULib.core.plane_image import PlaneImage

# In the rounds with the shape, edges on pixels up to this size have this share of the weight that their noise alone
# would give; on larger pixels the share is smaller, because fewer of a profile's samples are independent. Edges at
# the pedicles count only in the last round, when the outline no longer follows a pedicle.
SHAPE_SHARE, SHAPE_PIXEL_MM = 0.1, 1.0
SHAPE_ROUNDS = (
    FitRound(per_span=3, steps=3, strictness=0.7, edge_share=SHAPE_SHARE, trust_horns=False),
    FitRound(per_span=3, steps=2, strictness=1.0, edge_share=SHAPE_SHARE, trust_horns=False),
    FitRound(per_span=4, steps=3, strictness=2.0, edge_share=SHAPE_SHARE, trust_horns=False),
)
LOCAL_ROUND = FitRound(per_span=4, steps=3, strictness=2.0, edge_share=1.0, trust_horns=True)
PER_SPAN = LOCAL_ROUND.per_span

# Deviation of a stretch from the fit of shape and edges together: standard deviation in mm, correlation length in
# control points, and standard deviation of each point alone.
LOCAL_MM, LOCAL_REACH, LOCAL_POINT_MM = 0.3, 1.0, 0.1

# Reach of the profiles beyond the greatest half-width and the midline's ends.
MARGIN_MM = 9.0

# A cortex is denser than its blurred peak by this factor. This percentile of the peaks counts, where the body's own
# edge is visible.
PEAK_FACTOR, PEAK_PERCENTILE, PEAK_OWN_EDGE = 1.3, 90, 0.6
# A body's edge is at least this dense: the median of its blurred peaks was 179 HU or more on 55 bodies of real CTs with
# pixels of 0.3 to 3 mm, and below this in 38 of 44 places next to the spine where the search found an outline.
LEAST_PEAK_HU = 120.0
# Peaks looked for per control point.
PEAKS_PER_POINT = 2
PEAK_DEPTHS_MM = np.arange(-1.0, 2.1, 0.5)

# The closure at the pedicles: standard deviation of the fitted outline next to it in mm, and least weight of a profile
# that does not fit.
CLOSURE_MM, CLOSURE_LEAST = 0.3, 0.1

# Profiles to either side of a midline end in which its edge is searched: at the anterior end all of them, at the
# posterior end those next to the mouth of the basivertebral vein. An end may be off the edge if the edge is visible in
# less than the first share of them. An edge visible in the second share is clear. The third number is the gain in
# visibility that is needed to drop the reader's end.
END_PROFILES = ((0, 6), (3, 8))
UNSEEN_END, CLEAR_END, GAINED_AT_END = 0.3, 0.5, 0.3
# Standard deviations that make the reader's ends irrelevant: of an end, and of the midline's length against the depth.
LOOSE_END_MM, LOOSE_LONGER = 12.0, 0.15

# Steps in which the axis of a body is found from its outline.
AXIS_STEPS = 4

# Ratio of an outline's error to the standard deviation expected from shape and profiles: 1.8 to 2.8 on 25 bodies traced
# by hand and on 29 families of hostile phantoms.
DOUBT_FACTOR = 2.3

# A cortex counts as visible where the profile fits and the cortex is at least half as high as the model's.
SEEN_AGREEMENT = 0.3
SEEN_RIDGE = 0.5


def fit_outline(plane: PlaneImage, depth_mm: float, model: OutlineModel) -> OutlineFit:
    """Find the outline of the vertebral body around a midline.

    Parameters
    ----------
    plane : PlaneImage
        The CT in the midline's slice, in the midline's frame: the anterior end at (0, 0), the posterior end at (0,
        -depth_mm), u to the patient's left, v anterior.
    depth_mm : float
        Length of the midline.
    model : OutlineModel
        The assumptions.

    Returns
    -------
    OutlineFit

    Raises
    ------
    InputError
        If no body's edge is visible around the midline, or if one of its ends is not on the edge.
    """
    sampler = PlaneSampler(
        plane, depth_mm, model.values.half_width_max_mm + MARGIN_MM, MARGIN_MM, model.values.least_hu
    )
    fitted = _fit(sampler, depth_mm, plane.pixel_mm, model)
    if fitted.seen_at_ends().min() < UNSEEN_END and model.end_sd_mm < LOOSE_END_MM:
        # The reader's end may have led the search away from the edge, so an edge that is clear without the end counts.
        loose_model = replace(model, end_sd_mm=LOOSE_END_MM, shape=_loose(model.shape))
        loose = _fit(sampler, depth_mm, plane.pixel_mm, loose_model)
        gained = loose.seen_at_ends() - fitted.seen_at_ends()
        if loose.seen_at_ends().min() >= CLEAR_END and gained.max() >= GAINED_AT_END:
            fitted = loose
    state, quality, seen = fitted.state, fitted.quality, fitted.seen
    support = np.roll(seen, PER_SPAN // 2).reshape(-1, PER_SPAN).mean(axis=1)
    peak_hu = float(np.median(_peaks_hu(sampler, state.points, model.shape)))
    if peak_hu < LEAST_PEAK_HU:
        raise InputError(
            f"No edge of a vertebral body is visible around the midline: the edge found there has a median of "
            f"{peak_hu:.0f} HU; the minimum is {LEAST_PEAK_HU:.0f} HU",
            remedy="place the midline on a vertebral body, or draw the outline; check that the values are in HU",
        )
    if support.mean() < model.values.support_min:
        raise InputError(
            f"Too little of the edge of a vertebral body is visible around the midline: a cortex on "
            f"{100 * support.mean():.0f} % of the perimeter; the minimum is {100 * model.values.support_min:.0f} %",
            remedy="place the midline on a vertebral body, or draw the outline by hand",
        )
    variance = np.mean(np.exp(2 * state.log_sd)) - (SD_PER_PIXEL * plane.pixel_mm) ** 2
    return OutlineFit(
        control_points_uv_mm=_with_count(state.points, model.values.control_points),
        support=support,
        blur_fwhm_mm=float(np.sqrt(max(variance, 0)) / SD_PER_FWHM),
        cortex_mm=float(np.exp(np.median(state.log_thickness))),
        residual_hu=quality.residual_hu,
        doubt_mm=_doubt_mm(fitted.shape_quality.sd_mm, model.values.control_points),
        end_offsets_mm=_end_offsets(fitted, depth_mm, model),
    )


def body_axis(control_points_uv_mm: np.ndarray, depth_mm: float, shape: BodyShape) -> np.ndarray:
    """Return the ends, shape (2, 2), of the axis of a body with this outline, anterior then posterior, in the frame.

    Parameters
    ----------
    control_points_uv_mm : array, shape (n, 2)
        The outline, in the midline's frame.
    depth_mm : float
        Length of the midline.
    shape : BodyShape
        The shape that decides where the axis is.
    """
    points = _with_count(control_points_uv_mm, shape.count)
    pose = BodyPose(0.0, 0.0, depth_mm)
    for _ in range(AXIS_STEPS):
        pose = shape.pose_of(pose.respread(points), pose)
    dense = spline_matrices(len(points), FINE_SAMPLES)[0] @ pose.to_body(points)
    return pose.to_frame(np.array([(0.0, dense[int(place), 1]) for place in midline_crossings(dense)]))


@dataclass(frozen=True)
class _Fitted:
    """An outline and its fit to the image; ``seen`` is True for each profile that follows a cortex."""

    state: EdgeState
    quality: EdgeQuality
    shape_quality: EdgeQuality

    @property
    def seen(self) -> np.ndarray:
        return (self.quality.agreement > SEEN_AGREEMENT) & (self.quality.ridge > SEEN_RIDGE)

    def seen_at_ends(self) -> np.ndarray:
        """Return the share of the cortex that is visible near each end of the midline, shape (2,)."""
        points = spline_matrices(len(self.state.points), PER_SPAN)[0] @ self.state.points
        places = np.rint(midline_crossings(points)).astype(int)
        return np.array(
            [
                self.seen[(place + side * np.arange(low, high)) % len(points)].mean()
                for place, (low, high) in zip(places, END_PROFILES, strict=True)
                for side in [np.array([[1], [-1]])]
            ]
        )


def _fit(sampler: PlaneSampler, depth_mm: float, pixel_mm: float, model: OutlineModel) -> _Fitted:
    """Search an outline, fit it together with the shape, then each stretch separately, and close it."""
    points, pose = search_outline(sampler, depth_mm, pixel_mm, model)
    model = _with_dense_cortex(sampler, points, model)
    state = EdgeState.usual(pose.respread(points), pixel_mm, model)
    fine_share = min(1.0, SHAPE_PIXEL_MM / pixel_mm)
    for shape_round in SHAPE_ROUNDS:
        fit_round = replace(shape_round, edge_share=shape_round.edge_share * fine_share)
        expected = expectation(model, pose, *_edges_at_ends(state.points))
        state, shape_quality = refine_outline(sampler, state, pixel_mm, model, fit_round, *expected)
        points = _bridged_at_pedicles(state.points, shape_quality, model.shape, pose, *expected)
        pose = model.shape.pose_of(points, pose)
        state = replace(state, points=pose.respread(points))
    nearby = _around(state.points, depth_mm, model)
    state, quality = refine_outline(sampler, state, pixel_mm, model, LOCAL_ROUND, *nearby)
    expected = expectation(model, pose, *_edges_at_ends(state.points))
    state = replace(state, points=_closed_at_pedicles(state.points, quality, model, *expected))
    return _Fitted(state, quality, shape_quality)


@lru_cache(maxsize=4)
def _loose(shape: BodyShape) -> BodyShape:
    """Return the shape with a weak relation between the midline's length and the body's depth."""
    return replace(shape, longer=LOOSE_LONGER)


def _edges_at_ends(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where an outline crosses the midline anteriorly and posteriorly, in control points from 0, and v there."""
    dense = spline_matrices(len(points), COARSE_SAMPLES)[0] @ points
    places = np.array(midline_crossings(dense))
    return places / COARSE_SAMPLES, dense[places.astype(int), 1]


def _around(points: np.ndarray, depth_mm: float, model: OutlineModel) -> tuple[np.ndarray, np.ndarray]:
    """Return the expectation of control points close to these, and of the outline at the midline's ends."""
    matrix = _local_information(len(points)).copy()
    vector = matrix @ points.T.ravel()
    add_reader_ends(matrix, vector, *_edges_at_ends(points), depth_mm, model.end_sd_mm)
    return matrix, vector


@lru_cache(maxsize=4)
def _local_information(count: int) -> np.ndarray:
    """Return the inverse covariance of deviations from the fit of shape and edges together."""
    return np.linalg.inv(local_covariance(count, LOCAL_MM, LOCAL_REACH, LOCAL_POINT_MM))


def _with_dense_cortex(sampler: PlaneSampler, points: np.ndarray, model: OutlineModel) -> OutlineModel:
    """Return the model with a denser cortex where the image shows one."""
    ordered = np.sort(_peaks_hu(sampler, points, model.shape))
    dense_hu = PEAK_FACTOR * float(
        np.interp(PEAK_PERCENTILE / 100 * (len(ordered) - 1), np.arange(len(ordered)), ordered)
    )
    return replace(model, cortex_hu=max(model.cortex_hu, dense_hu))


def _peaks_hu(sampler: PlaneSampler, points: np.ndarray, shape: BodyShape) -> np.ndarray:
    """Return the greatest HU across the edge, in each place where the edge is the body's own."""
    value, slope, _ = spline_matrices(len(points), PEAKS_PER_POINT)
    origins, normals = value @ points, outward_normals(slope @ points)
    peaks_hu = sampler.on_lines(origins, normals, -PEAK_DEPTHS_MM).max(axis=1)
    return peaks_hu[shape.own_edge_at(np.arange(len(peaks_hu)) / PEAKS_PER_POINT, normals) > PEAK_OWN_EDGE]


def _bridged_at_pedicles(
    points: np.ndarray,
    quality: EdgeQuality,
    shape: BodyShape,
    pose: BodyPose,
    matrix: np.ndarray,
    vector: np.ndarray,
) -> np.ndarray:
    """Return control points that follow the shape at the pedicles, given where the edges elsewhere are.

    Which edges are elsewhere depends on their direction from the body's middle, and an edge says nothing about where
    along it a control point is. An outline that has followed a pedicle is longer than the body, so neither the
    parameters nor the positions of its points along the edge can be trusted.
    """
    count = len(points)
    value, slope, _ = spline_matrices(count, len(quality.normals) // count)
    edges, normals = value @ points, outward_normals(slope @ points)
    u, v = normals.T
    weights = (
        shape.own_edge_toward(pose.to_body(edges) / pose.depth_mm) * _closure_weights(quality.visible) / CLOSURE_MM**2
    )
    across = weighted_products(
        count, len(value) // count, weights * [u * u, u * v, v * v], product_positions(count, ((0, 1), (1, 2)))
    )
    pulls = value.T @ ((weights * (normals * edges).sum(axis=1))[:, None] * normals)
    return solve_positive(matrix + across, vector + pulls.T.ravel()).reshape(2, count).T


def _closure_weights(visible: np.ndarray) -> np.ndarray:
    """Return the weight of profiles in a closure, given how visible an edge is on them."""
    return CLOSURE_LEAST + (1 - CLOSURE_LEAST) * visible


def _closed_at_pedicles(
    points: np.ndarray, quality: EdgeQuality, model: OutlineModel, matrix: np.ndarray, vector: np.ndarray
) -> np.ndarray:
    """Return control points that follow the shape at the pedicles, given the outline on both sides."""
    shape, per_span = model.shape, PER_SPAN
    value, slope, _ = spline_matrices(len(points), per_span)
    own_edge = shape.own_edge_at(np.arange(len(value)) / per_span, outward_normals(slope @ points))
    pull = value.T * (np.where(own_edge >= PEDICLE_OWN_EDGE, _closure_weights(quality.visible), 0) / CLOSURE_MM**2)
    closed = solve_points(matrix, vector, pull @ value, pull @ (value @ points))
    closure_weight = np.clip(1 - shape.own_edge / PEDICLE_OWN_EDGE, 0, 1)[:, None]
    return (1 - closure_weight) * points + closure_weight * closed


def _with_count(points: np.ndarray, count: int) -> np.ndarray:
    """Return `count` control points along the same outline."""
    if count == len(points):
        return points
    return spread_points(spline_matrices(len(points), FINE_SAMPLES)[0] @ points, count)


def _doubt_mm(sd_mm: np.ndarray, count: int) -> np.ndarray:
    """Return by how much the outline may be off at `count` control points."""
    places = np.arange(count) / count * len(sd_mm)
    return DOUBT_FACTOR * np.interp(places, np.arange(len(sd_mm) + 1), np.append(sd_mm, sd_mm[0]))


def _end_offsets(fitted: _Fitted, depth_mm: float, model: OutlineModel) -> tuple[float, float]:
    """Return the distances of the midline's ends outside the outline; raise InputError for an end off a clear edge."""
    points = fitted.state.points
    dense = spline_matrices(len(points), FINE_SAMPLES)[0] @ points
    front, back = (dense[int(place), 1] for place in midline_crossings(dense))
    offsets = float(-front), float(back + depth_mm)
    clear = fitted.seen_at_ends() >= CLEAR_END
    for name, v, offset, is_clear in zip(("anterior", "posterior"), (0.0, -depth_mm), offsets, clear, strict=True):
        gap_mm = float(np.hypot(dense[:, 0], dense[:, 1] - v).min())
        if gap_mm > model.end_tolerance_mm and is_clear:
            raise InputError(
                f"The midline's {name} end is {gap_mm:.1f} mm {'outside' if offset > 0 else 'inside'} the vertebral "
                f"body's {name} edge, which is clearly visible; the limit is {model.end_tolerance_mm:g} mm",
                remedy="move it onto the edge",
            )
    return offsets
