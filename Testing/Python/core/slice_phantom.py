"""Axial slices through a vertebral body of known outline, painted on a fine grid, blurred and sampled.

A development phantom for the outline finder: shapes, surroundings and scanner are independent of the code under test.
Everything is in millimeters in the body's own frame (u to the patient's left, v anterior, the body's center at 0, 0)
until `render` hands it out in the frame of the midline.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from LumbarHULib.core.plane_image import PlaneImage

FINE_MM = 0.125
BAND_MM = 5.0
SHAPES = ("ellipse", "superellipse", "d_shape", "kidney", "deep_kidney", "heart", "osteophyte", "lumpy")


@dataclass(frozen=True)
class SlicePhantom:
    """What is painted; lengths in mm, values in HU, angles in degrees."""

    shape: str = "kidney"
    width_mm: float = 46.0
    depth_mm: float = 33.0
    cortex_mm: float = 0.7
    cortex_variation: float = 0.0
    cortex_hu: float = 750.0
    trabecular_hu: float = 120.0
    soft_hu: float = 50.0
    canal_hu: float = 25.0
    pedicle_width_mm: float = 8.0
    pedicle_cortex_mm: float = 0.9
    foramen_mm: float = 6.0
    aorta_hu: float | None = None
    plaque_hu: float | None = None
    psoas: bool = True
    fat: bool = True
    gas: bool = False
    trabecular_texture_hu: float = 0.0
    blur_fwhm_mm: float = 1.3
    slab_shift_mm: float = 0.0
    pixel_mm: tuple[float, float] = (0.5, 0.5)
    grid_angle_deg: float = 0.0
    grid_shear: float = 0.0
    noise_hu: float = 0.0
    noise_correlation_mm: float = 0.0
    off_center_mm: float = 0.0
    midline_rotation_deg: float = 0.0
    end_error_mm: tuple[float, float] = (0.0, 0.0)
    seed: int = 0


@dataclass(frozen=True)
class RenderedSlice:
    """A slice in the frame of its midline, with the true outline, shape (n, 2), counterclockwise in (u, v)."""

    plane: PlaneImage
    depth_mm: float
    outline_uv_mm: np.ndarray


def outline_shape(phantom: SlicePhantom) -> np.ndarray:
    """Return the true outline, shape (n, 2), about 0.04 mm between points, counterclockwise in (u, v)."""
    angle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)

    def power(value, exponent):
        return np.sign(value) * np.abs(value) ** exponent

    if phantom.shape == "ellipse":
        u, v = cosine, sine
    elif phantom.shape == "superellipse":
        radius = (np.abs(cosine) ** 2.6 + np.abs(sine) ** 2.6) ** (-1 / 2.6)
        u, v = radius * cosine, radius * sine
    elif phantom.shape == "d_shape":
        exponent = np.where(sine > 0, 2.0, 3.0)
        radius = (np.abs(cosine) ** exponent + np.abs(sine) ** exponent) ** (-1 / exponent)
        u, v = radius * cosine, radius * sine
    elif phantom.shape in ("kidney", "deep_kidney"):
        dent = 0.22 if phantom.shape == "kidney" else 0.38
        radius = (np.abs(cosine) ** 2.3 + np.abs(sine) ** 2.3) ** (-1 / 2.3)
        u, v = radius * cosine, radius * sine
        v = v + np.where(sine < 0, dent, 0) * np.exp(-((u / 0.45) ** 2)) * np.clip(-sine, 0, 1) ** 2
    elif phantom.shape == "heart":
        u, v = cosine * (1 - 0.16 * sine), sine + 0.25 * np.exp(-((cosine / 0.4) ** 2)) * np.clip(-sine, 0, 1) ** 2
    elif phantom.shape == "osteophyte":
        bump = 0.14 * np.exp(-(((angle - 2.3) / 0.22) ** 2)) + 0.08 * np.exp(-(((angle - 0.5) / 0.3) ** 2))
        u, v = (1 + bump) * cosine + 0.05 * sine, (1 + bump) * sine + 0.1 * np.exp(-((cosine / 0.4) ** 2)) * (sine < 0)
    elif phantom.shape == "lumpy":
        random = np.random.default_rng(phantom.seed + 77)
        radius = 1.0 + sum(random.normal(0, 0.05 / k) * np.cos(k * angle + random.uniform(0, 6.3)) for k in range(2, 7))
        u, v = radius * cosine, radius * sine
    else:
        raise ValueError(phantom.shape)
    points = np.column_stack([u, v])
    points = (points - (points.max(0) + points.min(0)) / 2) / np.ptp(points, axis=0)
    points = points * (phantom.width_mm, phantom.depth_mm)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=1))])
    even = np.arange(0, arc[-1] - 0.02, 0.04)
    closed = np.vstack([points, points[:1]])
    return np.column_stack([np.interp(even, arc, closed[:, axis]) for axis in (0, 1)])


def polygon_normals(points: np.ndarray) -> np.ndarray:
    """Return outward unit normals of a dense counterclockwise polygon, shape (n, 2)."""
    tangent = np.roll(points, -3, axis=0) - np.roll(points, 3, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.column_stack([tangent[:, 1], -tangent[:, 0]])


def signed_distance(points: np.ndarray, outline: np.ndarray, reach_mm: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Return distances to a dense outline, outside positive, and the nearest point's index (n where too far)."""
    distance, nearest = cKDTree(outline).query(points, distance_upper_bound=reach_mm)
    found = nearest < len(outline)
    offset = points[found] - outline[nearest[found]]
    side = np.sum(offset * polygon_normals(outline)[nearest[found]], axis=1)
    signed = np.full(len(points), np.inf)
    near = distance[found] < 0.1
    signed[found] = np.where(near, side, np.sign(side) * distance[found])
    return signed, nearest


def _crossings(outline: np.ndarray, phantom: SlicePhantom) -> tuple[np.ndarray, np.ndarray]:
    """Return where the midline meets the outline: anterior end and posterior end, in the body's frame."""
    angle = np.radians(phantom.midline_rotation_deg)
    along, across = np.array([-np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
    side = outline @ across - phantom.off_center_mm
    place = outline @ along
    crossing = np.flatnonzero(np.sign(side) != np.sign(np.roll(side, -1)))
    ends = crossing[np.argmax(place[crossing])], crossing[np.argmin(place[crossing])]
    return outline[ends[0]] + phantom.end_error_mm[0] * along, outline[ends[1]] + phantom.end_error_mm[1] * along


def _paint_fine(phantom: SlicePhantom, outline: np.ndarray):
    """Return the unblurred slice on the fine grid, and the u and v of its columns and rows."""
    half = np.array([phantom.width_mm / 2 + 18, phantom.depth_mm / 2 + 18])
    u, v = np.arange(-half[0], half[0], FINE_MM), np.arange(-half[1], half[1], FINE_MM)
    grid_u, grid_v = np.meshgrid(u, v)
    points = np.column_stack([grid_u.ravel(), grid_v.ravel()])
    random = np.random.default_rng(phantom.seed + 5)

    def cover(signed):
        return np.clip(0.5 - signed / FINE_MM, 0, 1)

    def blend(image, value, weight):
        return image + (value - image) * weight

    def circle(center, radius):
        return np.hypot(grid_u - center[0], grid_v - center[1]) - radius

    body, nearest = (a.reshape(grid_u.shape) for a in signed_distance(points, outline, BAND_MM))
    deep = ndimage.binary_fill_holes(body <= 0) & ~np.isfinite(body)
    body = np.where(np.isfinite(body), body, np.where(deep, -BAND_MM, BAND_MM))
    normals = polygon_normals(outline)

    image = np.full(grid_u.shape, phantom.soft_hu, dtype=float)
    if phantom.fat:
        for _ in range(14):
            at = random.integers(len(outline))
            image = blend(
                image, -100.0, cover(circle(outline[at] + normals[at] * random.uniform(0, 7), random.uniform(2, 5)))
            )
    if phantom.psoas:
        for side in (-1, 1):
            center = np.array([side * (phantom.width_mm / 2 + 11), -phantom.depth_mm * 0.2])
            image = blend(image, 60.0, cover(circle(center, 13.0)))
    image = blend(image, phantom.canal_hu, cover(circle((0, -phantom.depth_mm / 2 - 7), 8.5)))
    touch = np.argmin(np.hypot(*(outline - (phantom.width_mm * 0.22, phantom.depth_mm * 0.6)).T))
    if phantom.aorta_hu is not None:
        image = blend(image, phantom.aorta_hu, cover(circle(outline[touch] + normals[touch] * 9.3, 10.0)))
    if phantom.plaque_hu is not None:
        image = blend(image, phantom.plaque_hu, cover(circle(outline[touch] + normals[touch] * 1.2, 1.8)))
    if phantom.gas:
        gas = np.argmin(np.hypot(*(outline - (-phantom.width_mm * 0.25, phantom.depth_mm * 0.6)).T))
        image = blend(image, -900.0, cover(circle(outline[gas] + normals[gas] * 11.0, 8.0)))

    place = np.append(2 * np.pi * np.arange(len(outline)) / len(outline), 0)[nearest]
    cortex = phantom.cortex_mm * (1 + phantom.cortex_variation * np.cos(place - 1.2))
    in_foramen = (np.abs(grid_u) < phantom.foramen_mm / 2) & (grid_v < 0)
    cortex = np.where(in_foramen, 0.0, cortex)
    bone = body
    if phantom.pedicle_width_mm > 0:
        for side in (-1, 1):
            root = np.array([side * phantom.width_mm * 0.33, -phantom.depth_mm * 0.2])
            direction = np.array([side * 0.22, -1.0]) / np.hypot(0.22, 1)
            along = (grid_u - root[0]) * direction[0] + (grid_v - root[1]) * direction[1]
            across = np.abs((grid_u - root[0]) * direction[1] - (grid_v - root[1]) * direction[0])
            tube = np.maximum(across - phantom.pedicle_width_mm / 2, -along)
            cortex = np.where(tube < bone, phantom.pedicle_cortex_mm, cortex)
            bone = np.minimum(bone, tube)
    trabecular = phantom.trabecular_hu
    if phantom.trabecular_texture_hu:
        texture = ndimage.gaussian_filter(random.normal(size=grid_u.shape), 1.2 / FINE_MM)
        trabecular = trabecular + phantom.trabecular_texture_hu * texture / texture.std()
    image = blend(image, phantom.cortex_hu, cover(bone))
    image = blend(image, trabecular, cover(bone + cortex))
    return image, u, v


def render(phantom: SlicePhantom) -> RenderedSlice:
    """Paint, blur and sample the slice."""
    outline = outline_shape(phantom)
    fine, u, v = _paint_fine(phantom, outline)
    fine = ndimage.gaussian_filter(fine, phantom.blur_fwhm_mm / np.sqrt(8 * np.log(2)) / FINE_MM, mode="nearest")
    if phantom.slab_shift_mm:
        fine = ndimage.uniform_filter1d(
            fine, 2 * round((phantom.slab_shift_mm / FINE_MM - 1) / 2) + 1, axis=0, mode="nearest"
        )

    anterior, posterior = _crossings(outline, phantom)
    v_axis = anterior - posterior
    depth_mm = float(np.hypot(*v_axis))
    v_axis /= depth_mm
    uv_from_body = np.array([[v_axis[1], -v_axis[0]], v_axis])

    angle = np.radians(phantom.grid_angle_deg)
    step_i = phantom.pixel_mm[0] * np.array([np.cos(angle), np.sin(angle)])
    step_j = phantom.pixel_mm[1] * np.array([-np.sin(angle) + phantom.grid_shear * np.cos(angle), np.cos(angle)])
    steps = np.column_stack([step_i, step_j])
    random = np.random.default_rng(phantom.seed)
    size = np.ceil(np.array([phantom.width_mm + 30, phantom.depth_mm + 30]) / phantom.pixel_mm).astype(int)
    start = -steps @ (size / 2 + random.uniform(-0.5, 0.5, 2))
    i, j = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    center = start + np.stack([i, j], axis=-1) @ steps.T
    hu = np.zeros(i.shape)
    parts = (np.arange(5) - 2) / 5
    for part_i in parts:
        for part_j in parts:
            at = center + steps @ (part_i, part_j)
            index = [(at[..., 1] - v[0]) / FINE_MM, (at[..., 0] - u[0]) / FINE_MM]
            hu += ndimage.map_coordinates(fine, index, order=1, mode="nearest") / 25
    if phantom.noise_hu:
        noise = random.normal(size=hu.shape)
        if phantom.noise_correlation_mm:
            noise = ndimage.gaussian_filter(noise, phantom.noise_correlation_mm / np.array(phantom.pixel_mm)[::-1])
        hu += phantom.noise_hu * noise / noise.std()
    uv_from_ij = np.column_stack([uv_from_body @ steps, uv_from_body @ (start - anterior)])
    plane = PlaneImage(np.round(hu).astype(np.int16), uv_from_ij)
    return RenderedSlice(plane, depth_mm, (outline - anterior) @ uv_from_body.T)


def drawn_curve(control_points: np.ndarray, per_span: int = 400) -> np.ndarray:
    """Return the closed spline that Slicer draws through the points, shape (n * per_span, 2)."""
    count = len(control_points)
    spline = CubicSpline(np.arange(count + 1), np.vstack([control_points, control_points[:1]]), bc_type="periodic")
    return spline(np.arange(count * per_span) / per_span)


def outline_errors(control_points: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Return mean and worst distance, the larger of both directions, and mean signed offset, outside positive."""
    drawn = drawn_curve(control_points)
    forth, _ = signed_distance(drawn, truth)
    back = cKDTree(drawn).query(truth)[0]
    step = np.linalg.norm(np.roll(drawn, -1, axis=0) - np.roll(drawn, 1, axis=0), axis=1)
    weight = step / step.sum()
    mean = max(float(weight @ np.abs(forth)), float(back.mean()))
    return mean, float(max(np.abs(forth).max(), back.max())), float(weight @ forth)
