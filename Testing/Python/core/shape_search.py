"""Exhaustive searches for the largest circle and the greatest ellipse, as truth for the shapes."""

import numpy as np
from core.builders import (
    NOTCHED_XY_MM,
    PROTOCOL,
    UPRIGHT,
    SignedDistance,
    axis_extent,
    circle,
    control_points,
    dense_spline,
    ellipse,
    kidney,
    lumpy,
    shapes_of,
    superellipse,
    upright_stack,
)
from scipy.ndimage import map_coordinates

GRID_MM = 0.2


class AnteriorRegion:
    """The points at least a margin inside a spline and in front of a line; all in the body's own plane, in mm.

    The depth of a point inside it is the smaller of two distances, so no polygon of the inner outline is needed.
    (A point at distance d inside a curve is at distance d − m from its parallel curve at m.)
    """

    def __init__(self, points_xy_mm, margin_mm, line_point_xy_mm, line_angle_deg=0.0):
        self.curve = dense_spline(points_xy_mm, 200)
        self.distance = SignedDistance(self.curve)
        self.margin_mm = margin_mm
        angle = np.radians(line_angle_deg)
        self.normal = np.array([-np.sin(angle), np.cos(angle)])
        self.offset_mm = float(self.normal @ line_point_xy_mm)

    def depth(self, points_xy_mm) -> np.ndarray:
        points = np.asarray(points_xy_mm, dtype=float)
        return np.minimum(self.distance(points) - self.margin_mm, points @ self.normal - self.offset_mm)

    def largest_circle(self) -> tuple[float, float]:
        """Return center y and radius of the largest circle centered at x = 0, to 0.005 mm."""
        y = np.arange(self.curve[:, 1].min(), self.curve[:, 1].max(), 0.005)
        depth = self.depth(np.column_stack([np.zeros_like(y), y]))
        return float(y[depth.argmax()]), float(depth.max())

    def largest_ellipse_area(self) -> float:
        """Return the greatest area that any of some 10,000 ellipses reaches, by trial of 120 points of each."""
        low, high = self.curve.min(axis=0), self.curve.max(axis=0)
        axes = [np.arange(start, end + GRID_MM, GRID_MM) for start, end in zip(low, high, strict=True)]
        depth = self.depth(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
        angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)

        def inside(x, y):
            return (
                map_coordinates(depth, [(x - low[0]) / GRID_MM, (y - low[1]) / GRID_MM], order=1, mode="nearest") >= 0
            )

        def greatest(centers, half_axes_y):
            center, half_y = (values.ravel() for values in np.meshgrid(centers, half_axes_y))
            fits, too_wide = np.zeros_like(center), np.full_like(center, np.ptp(self.curve[:, 0]))
            bone = inside(np.zeros_like(center), center)
            center, half_y, fits, too_wide = (values[bone] for values in (center, half_y, fits, too_wide))
            for _ in range(12):
                half_x = (fits + too_wide) / 2
                y = center[:, None] + half_y[:, None] * np.sin(angles)
                fit = inside(half_x[:, None] * np.cos(angles), y).all(axis=1)
                fits, too_wide = np.where(fit, half_x, fits), np.where(fit, too_wide, half_x)
            best = np.argmax(fits * half_y)
            return np.pi * fits[best] * half_y[best], center[best], half_y[best]

        step_mm = 0.5
        centers = np.arange(low[1], high[1], step_mm)
        _, center, half_y = greatest(centers, np.arange(step_mm, (high[1] - low[1]) / 2, step_mm))
        fine = np.linspace(-step_mm, step_mm, 11)
        return float(greatest(center + fine, np.maximum(half_y + fine, 0.01))[0])


# Control points, where the boundary crosses the midline as a fraction of the depth, and its angle in degrees.
BODIES = {
    "ellipse": (control_points(ellipse()), 2 / 3, 0),
    "circle": (control_points(circle(17)), 2 / 3, 0),
    "superellipse": (control_points(superellipse(power=4)), 2 / 3, 0),
    "kidney": (control_points(kidney(concavity_mm=6)), 2 / 3, 0),
    "kidney dented in front": (control_points(kidney(concavity_mm=6, anterior=True)), 2 / 3, 0),
    "kidney dented beyond the boundary": (control_points(kidney(concavity_mm=14)), 0.7, 0),
    "notch across the midline": (NOTCHED_XY_MM, 2 / 3, 0),
    "off-center midline": (np.add(control_points(ellipse()), (4.0, 0)), 2 / 3, 0),
    "oblique boundary": (control_points(ellipse()), 0.6, 25),
    "very oblique boundary": (control_points(superellipse()), 0.7, -44),
    "boundary far in front": (control_points(kidney()), 0.3, 10),
    "boundary far behind": (control_points(kidney()), 0.9, -10),
} | {
    f"lumpy {seed}": (
        np.add(control_points(lumpy(seed, roughness=0.1)), (seed % 5 - 2, 0)),
        0.4 + 0.1 * seed,
        12 * seed - 30,
    )
    for seed in range(6)
}


def region_and_shapes(name):
    """Return the anterior region, the shapes that were found in it, and the y of the midline's front end."""
    points, fraction, angle_deg = BODIES[name]
    front, back = axis_extent(points)
    place = np.array([0, front - fraction * (front - back)])
    along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    landmarks = UPRIGHT.landmarks(points, boundary_xy_mm=[place - 30 * along, place + 30 * along])
    return (
        AnteriorRegion(points, PROTOCOL.outline.cortical_margin_mm, place, angle_deg),
        shapes_of(landmarks, upright_stack())[1],
        front,
    )
