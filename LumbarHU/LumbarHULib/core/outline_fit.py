"""Find the outer edge of a vertebral body in one plane of a CT.

Three steps, each starting from the one before: the best closed path over rays from the middle of the midline; a stiff closed spline drawn
to the best edges along its normals; and a joint least-squares fit of spline, cortical thickness and blur to the profiles across the edge.
"""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline_fit_curve import (
    bending_matrix,
    midline_crossings,
    outward_normals,
    spline_matrices,
    spread_points,
)
from LumbarHULib.core.outline_fit_model import OutlineFit, OutlineModel
from LumbarHULib.core.outline_fit_path import best_closed_path
from LumbarHULib.core.outline_fit_profiles import SD_PER_FWHM, PlaneSampler, edge_evidence
from LumbarHULib.core.plane_image import PlaneImage

RAYS = 72
RAY_STEP_MM = 0.5
STIFF1, S2, STEP2, PRIOR2, BEND2, BEND1 = 5.0, 4.0, 0.4, 5.0, 0.1, 0.1
ANCH, ANCHW = 1.5, 0.3
EFROM,ERODE,FLEX,THICK,GM0,GMP,NROUND = 2,0,.5,.15,1,2,3
GMPS,SMOS=(1,1,2),(1,1,1)
PER_SPAN = 6
PROFILE_STEP_MM = 0.25


def fit_outline(plane: PlaneImage, depth_mm: float, protocol: OutlineModel) -> OutlineFit:
    """Find the outline."""
    sampler = PlaneSampler(plane, depth_mm, protocol.width_mm[1] + 6, 9)
    pixel_mm = plane.pixel_mm
    points = _search_rays(sampler, pixel_mm, depth_mm, protocol)
    points = _search_normals(sampler, points, depth_mm, pixel_mm, protocol)


    shape = _Shape.of(points, pixel_mm, protocol)
    for k in range(NROUND):
        shape = _refine(sampler, shape, pixel_mm, protocol, gmp=GMPS[k], smo=SMOS[k])
    return _checked_fit(shape, depth_mm, pixel_mm, protocol)


def _checked_fit(shape, depth_mm, pixel_mm, protocol):
    count = protocol.control_points
    seen = (shape.weight > 0.3) & (shape.ridge > 0.5)
    support = np.roll(seen, PER_SPAN // 2).reshape(count, PER_SPAN).mean(axis=1)
    dense = spline_matrices(count, 24)[0] @ shape.points
    ends = []
    for name, at, sign in (("anterior", 0.0, 1), ("posterior", -depth_mm, -1)):
        parameters = midline_crossings(dense)
        place = dense[int(parameters[0 if sign > 0 else 1])]
        off = sign * (at - place[1])
        distance = np.min(np.hypot(dense[:, 0], dense[:, 1] - at))
        ends.append(float(off))
        if distance > protocol.end_tolerance_mm and np.mean(support) >= protocol.least_support:
            raise InputError(
                f"The midline's {name} end lies {abs(off):.1f} mm {'outside' if off > 0 else 'inside'} the edge of the vertebral body; "
                "move it onto the edge."
            )
    if np.mean(support) < protocol.least_support:
        raise InputError(
            f"No vertebral body's edge is seen around the midline (a cortex on {100 * np.mean(support):.0f} % of the way round, "
            f"{100 * protocol.least_support:.0f} % needed); place the midline on a vertebral body, or draw the outline by hand."
        )
    sd = np.sqrt(max(np.mean(np.exp(2 * shape.log_sd)) - pixel_mm**2 / 12, 0))
    return OutlineFit(
        shape.points, support, float(sd / SD_PER_FWHM), float(np.exp(np.median(shape.log_thickness))), shape.residual_hu, tuple(ends)
    )


def _search_rays(sampler, pixel_mm, depth_mm, protocol):
    angle = np.pi / 2 + 2 * np.pi * np.arange(RAYS) / RAYS
    half_depth = depth_mm / 2
    base = np.column_stack([1.35 * half_depth * np.cos(angle), half_depth * np.sin(angle)])
    radius = np.hypot(*base.T)
    direction = base / radius[:, None]
    sideways = np.abs(np.cos(angle))
    ahead = protocol.end_tolerance_mm + 2
    low = -ahead - (radius - protocol.width_mm[0] - ahead) * sideways**2
    high = ahead + (protocol.width_mm[1] - radius - ahead) * sideways**2
    first, last = np.floor(low.min() / RAY_STEP_MM), np.ceil(high.max() / RAY_STEP_MM)
    offsets = np.arange(first, last + 1) * RAY_STEP_MM
    window = (2.5, 3.0)
    # Profiles run from outside to inside, as the model has it; places therefore count inward.
    reach = np.arange(offsets[-1] + window[0], offsets[0] - window[1] - 1e-6, -RAY_STEP_MM)
    center = np.array([0, -half_depth])
    at = center + base[:, None] + reach[:, None] * direction[:, None]
    sd_mm = np.hypot(np.mean(protocol.blur_fwhm_mm) * SD_PER_FWHM, pixel_mm / np.sqrt(12))
    scores = edge_evidence(sampler(at), RAY_STEP_MM, window, sd_mm, (0.4, 0.8, 1.4), protocol.cortex_hu, 25.0)
    offsets = offsets[::-1]
    scores = np.where((offsets >= low[:, None]) & (offsets <= high[:, None]), scores, -1e3)
    starts = np.flatnonzero(scores[0] > -100)
    scores[[0, RAYS // 2]] -= (offsets / ANCH) ** 2 / 2
    path = best_closed_path(scores, BEND1, 3, starts)
    nodes = center + base + offsets[path][:, None] * direction
    weight = scores[np.arange(RAYS), path]
    weight[[0, RAYS // 2]] += ANCHW
    return _resample(nodes, weight, protocol.control_points, STIFF1)


def _search_normals(sampler, points, depth_mm, pixel_mm, protocol):
    count = protocol.control_points
    points = _respread(points, count)
    value, slope, _ = spline_matrices(count, 3)
    at, normal = value @ points, outward_normals(slope @ points)
    offsets = np.arange(S2, -S2 - 1e-6, -STEP2)
    window = (2.0, 2.4)
    reach = np.arange(S2 + window[0], -S2 - window[1] - 1e-6, -STEP2)
    sd_mm = np.hypot(np.mean(protocol.blur_fwhm_mm) * SD_PER_FWHM, pixel_mm / np.sqrt(12))
    scores = edge_evidence(sampler(at[:, None] + reach[:, None] * normal[:, None]), STEP2, window, sd_mm, (0.3, 0.6, 0.9, 1.4), protocol.cortex_hu, 20.0)
    front, back = (int(round(p)) % len(at) for p in midline_crossings(at))
    ends = np.array([0, -depth_mm])
    anchor = np.zeros_like(scores)
    for col, v in zip((front, back), ends):
        anchor[col] = ((at[col, 1] + offsets * normal[col, 1] - v) / ANCH) ** 2 / 2
    path = best_closed_path(scores - anchor - (offsets / PRIOR2) ** 2 / 2, BEND2, 3, np.arange(len(offsets)))
    nodes = at + offsets[path][:, None] * normal
    weight = scores[np.arange(len(path)), path]
    weight[[front, back]] += ANCHW
    return _resample(nodes, weight, count, 0.3)


def _resample(nodes, weight, count, stiffness):
    from scipy.interpolate import CubicSpline

    closed = np.vstack([nodes, nodes[:1]])
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    spline = CubicSpline(arc, closed, bc_type="periodic")
    parameter = arc[:-1] / arc[-1] * count
    full = CubicSpline(np.arange(count + 1), np.vstack([np.eye(count), np.eye(count)[:1]]), bc_type="periodic")(parameter)
    bend = bending_matrix(count)
    points = spline(arc[-1] * np.arange(count) / count)
    for _ in range(4):
        off = np.hypot(*(nodes - full @ points).T)
        robust = np.maximum(weight, 0.02) / (1 + (off / 1.0) ** 2)
        points = np.linalg.solve(full.T @ (robust[:, None] * full) + stiffness * bend.T @ bend, full.T @ (robust[:, None] * nodes))
    return points


def _respread(points, count):
    value, _, _ = spline_matrices(len(points), 12)
    return spread_points(value @ points, count)


@dataclass(frozen=True)
class _Shape:
    points: np.ndarray
    log_thickness: np.ndarray
    log_sd: np.ndarray
    weight: np.ndarray
    residual_hu: float
    ridge: np.ndarray = None

    @classmethod
    def of(cls, points, pixel_mm, protocol):
        count = protocol.control_points
        sd_mm = np.hypot(np.mean(protocol.blur_fwhm_mm) * SD_PER_FWHM, pixel_mm / np.sqrt(12))
        return cls(points, np.full(count, np.log(protocol.cortex_mm[1])), np.log([sd_mm, sd_mm]), np.ones(count * PER_SPAN), 100.0)


def _refine(sampler, shape, pixel_mm, protocol, iterations=4, gmp=2, smo=1):
    from scipy.special import ndtr

    count = protocol.control_points
    points = _respread(shape.points, count)
    value, slope, bent = spline_matrices(count, PER_SPAN)
    at, derivative, second = value @ points, slope @ points, bent @ points
    normal = outward_normals(derivative)
    curvature = (derivative[:, 0] * second[:, 1] - derivative[:, 1] * second[:, 0]) / np.hypot(*derivative.T) ** 3
    x = np.arange(-2.5, 3.5 + 1e-6, PROFILE_STEP_MM)
    hu = sampler(at[:, None] - x[:, None] * normal[:, None])
    tangent = np.column_stack([-normal[:, 1], normal[:, 0]])
    across = np.hstack([value * normal[:, :1], value * normal[:, 1:]])
    along = np.hstack([value * tangent[:, :1], value * tangent[:, 1:]])
    bend = bending_matrix(count)
    stiff = np.zeros((3 * count + 2, 3 * count + 2))
    flexure = np.kron(np.eye(2), bend.T @ bend) / FLEX**2
    stiff[: 2 * count, : 2 * count] = flexure + 0.2 * along.T @ along
    difference = np.eye(count) - np.roll(np.eye(count), 1, axis=1)
    thick = slice(2 * count, 3 * count)
    stiff[thick, thick] = difference.T @ difference / THICK**2 + np.eye(count) / 1.0**2
    blur = slice(3 * count, 3 * count + 2)
    stiff[blur, blur] = np.eye(2) / 0.3**2
    sd_usual = np.hypot(np.mean(protocol.blur_fwhm_mm) * SD_PER_FWHM, pixel_mm / np.sqrt(12))
    flat = points.T.ravel()
    move, log_thickness, log_sd = np.zeros(2 * count), shape.log_thickness, shape.log_sd
    squared = normal**2
    c = protocol.cortex_hu
    for iteration in range(iterations + 1):
        variance = squared @ np.exp(2 * log_sd)
        sd = np.sqrt(variance)[:, None]
        thickness = np.exp(value @ log_thickness)[:, None]
        # Outward moves are positive, depth x inward; the blur of a curved edge lies variance * curvature / 2 inside it.
        edge = (-(across @ move) + variance * curvature / 2)[:, None]
        a, b = (x - edge) / sd, (x - edge - thickness) / sd
        enter, leave = ndtr(a), ndtr(b)
        bell_a, bell_b = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi), np.exp(-(b**2) / 2) / np.sqrt(2 * np.pi)
        out_basis, in_basis = 1 - enter, leave
        rest = hu - c * (enter - leave)
        oo, oi, ii = (np.einsum("jk,jk->j", p, q) for p, q in ((out_basis, out_basis), (out_basis, in_basis), (in_basis, in_basis)))
        det = oo * ii - oi**2

        def project(y):
            yo, yi = np.einsum("jk,jk->j", y, out_basis), np.einsum("jk,jk->j", y, in_basis)
            outer, inner = (ii * yo - oi * yi) / det, (oo * yi - oi * yo) / det
            return y - outer[:, None] * out_basis - inner[:, None] * in_basis, outer, inner

        residual, outer, inner = project(rest)
        squares = np.einsum("jk,jk->j", residual, residual) / (len(x) - 2)
        scale = max(np.median(squares), protocol.noise_hu**2)
        if smo > 1:
            from scipy.ndimage import uniform_filter1d
            squares = uniform_filter1d(squares, smo, mode="wrap")
        weight = 1 / (1 + np.maximum(squares / scale - GM0, 0) ** 2)**gmp
        if iteration == iterations:
            lone = project(c * (enter - leave))[0]
            ridge = 1 + np.einsum("jk,jk->j", lone, residual) / np.einsum("jk,jk->j", lone, lone)
            break
        step_a = (c - outer)[:, None] * bell_a / sd
        step_b = (inner - c)[:, None] * bell_b / sd
        by_move = step_a + step_b  # edge = -move, so d model / d move = +
        by_thick = -step_b * thickness
        by_sd = -(step_a * a + step_b * b) * sd  # d model / d log sd at all directions alike
        jm, jt, js = (project(y)[0] for y in (by_move, by_thick, by_sd))
        share = squared * np.exp(2 * log_sd) / variance[:, None]
        w = weight / scale
        jac = (jm, jt, js)
        rows = (across, value, share)
        spans = (slice(0, 2 * count), thick, blur)
        matrix = stiff.copy()
        vector = np.zeros(3 * count + 2)
        for p in range(3):
            vector[spans[p]] += rows[p].T @ (w * np.einsum("jk,jk->j", jac[p], residual))
            for q in range(p, 3):
                block = rows[p].T @ ((w * np.einsum("jk,jk->j", jac[p], jac[q]))[:, None] * rows[q])
                matrix[spans[p], spans[q]] += block
                if q > p:
                    matrix[spans[q], spans[p]] += block.T
        now = np.concatenate([move, log_thickness - np.log(protocol.cortex_mm[1]), log_sd - np.log(sd_usual)])
        pull = stiff @ now
        pull[: 2 * count] += flexure @ flat
        change = np.linalg.solve(matrix, vector - pull)
        change[: 2 * count] = np.clip(change[: 2 * count], -0.5, 0.5)
        move = move + change[: 2 * count]
        log_thickness = np.clip(log_thickness + np.clip(change[thick], -0.4, 0.4), np.log(protocol.cortex_mm[0]), np.log(protocol.cortex_mm[2]))
        log_sd = log_sd + np.clip(change[blur], -0.3, 0.3)
    return _Shape((flat + move).reshape(2, count).T, log_thickness, log_sd, weight, float(np.sqrt(scale)), ridge)
