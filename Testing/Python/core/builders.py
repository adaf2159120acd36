"""Small CTs, bodies of known form, and their markups, for the tests of the core.

A body is described in its own plane: x to the patient's left, y to anterior, in mm from the middle of its midline. That
is the frame of its level except for the origin, which is at the midline's anterior end there.
"""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, RoiCutoffs
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.results import RoiMask
from LumbarHULib.core.roi_shapes import RoiShapes, roi_shapes
from LumbarHULib.files.protocol_file import load_protocol

LEFT_RAS, ANTERIOR_RAS, SUPERIOR_RAS = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1]])

PROTOCOL = load_protocol().protocol

# The study's Table 3.
STUDY_CUTOFFS_HU = {
    "round": (87.75, 118.13),
    "oval": (91.63, 97.13),
    "right": (106.38, 107.63),
    "left": (110.88, 125.00),
    "front": (91.75, 121.25),
}


def cutoff_table(**fields) -> CutoffTable:
    rois = {roi: RoiCutoffs(Cutoff(low), Cutoff(high)) for roi, (low, high) in STUDY_CUTOFFS_HU.items()}
    acquisition = {"tube_voltage_kv": 120.0, "contrast_medium": False}
    return CutoffTable("study", "doi 10.1186/s13018-022-03348-2", rois, **(acquisition | fields))


# Forms, each a function from angles (from the patient's left, through anterior) to points (x, y), shape (n, 2).


def ellipse(half_width_mm=23.0, half_depth_mm=17.0):
    return lambda t: np.column_stack([half_width_mm * np.cos(t), half_depth_mm * np.sin(t)])


def circle(radius_mm):
    return ellipse(radius_mm, radius_mm)


def superellipse(half_width_mm=23.0, half_depth_mm=17.0, power=3.0):
    def form(t):
        c, s = np.cos(t), np.sin(t)
        return np.column_stack(
            [half_width_mm * np.sign(c) * abs(c) ** (2 / power), half_depth_mm * np.sign(s) * abs(s) ** (2 / power)]
        )

    return form


def kidney(half_width_mm=23.0, half_depth_mm=17.0, concavity_mm=4.0, anterior=False):
    """Return an ellipse dented at the back (as the body is at the canal) or, `anterior`, at the front."""
    side = 1.0 if anterior else -1.0

    def form(t):
        points = ellipse(half_width_mm, half_depth_mm)(t)
        dent = concavity_mm * np.exp(-((points[:, 0] / (0.4 * half_width_mm)) ** 2))
        points[:, 1] -= dent * np.where(side * points[:, 1] > 0, side, 0.0)
        return points

    return form


def dumbbell(neck_mm, lobe_mm=12.0, half_depth_mm=24.0):
    """Return two lobes, one before the other, joined by a neck of about this width."""

    def form(t):
        y = half_depth_mm * np.sin(t)
        half_mm = neck_mm / 2 + (lobe_mm - neck_mm / 2) * (1 - np.exp(-((y / 6) ** 2)))
        end = np.sqrt(1 - np.abs(np.sin(t)) ** 6)
        return np.column_stack([np.sign(np.cos(t)) * half_mm * end * np.minimum(1, 3 * np.abs(np.cos(t))), y])

    return form


# A body with a notch from the patient's right that crosses the midline: at x = 0 there are two stretches of bone.
NOTCHED_XY_MM = np.column_stack(
    [
        [-20, -8, 5, 6.5, 5, -8, -20, -17, -8, 8, 19, 22, 19, 8, -8, -19, -22],
        [-2, -1, -1, 3, 7, 7, 8, 14, 17, 17, 12, 0, -12, -16, -16, -12, -6],
    ]
)


def lumpy(seed, half_width_mm=22.0, half_depth_mm=17.0, roughness=0.06):
    """Return an ellipse with four random waves, without symmetry."""
    random = np.random.default_rng(seed)
    sizes, phases = random.normal(0, roughness, 4) / np.arange(1, 5) ** 0.5, random.uniform(0, 2 * np.pi, 4)

    def form(t):
        factor = 1 + np.cos(np.multiply.outer(t, np.arange(2, 6)) + phases) @ sizes
        return ellipse(half_width_mm, half_depth_mm)(t) * factor[:, None]

    return form


def control_points(form, count=24) -> np.ndarray:
    """Return control points of a form, none of them on the midline, shape (count, 2)."""
    return form((np.arange(count) + 0.5) * 2 * np.pi / count)


def axis_extent(points_xy_mm) -> tuple[float, float]:
    """Return where the closed spline through the points crosses the midline: anterior and posterior y."""
    curve = dense_spline(points_xy_mm)
    ahead = np.roll(curve, -1, axis=0)
    crossing = (curve[:, 0] > 0) != (ahead[:, 0] > 0)
    return float(curve[crossing, 1].max()), float(curve[crossing, 1].min())


@dataclass(frozen=True)
class Body:
    """Position of a body: its middle, its patient's left, and its front, all in RAS."""

    center_ras_mm: tuple = (0.0, 0.0, 0.0)
    left_ras: tuple = tuple(LEFT_RAS)
    anterior_ras: tuple = tuple(ANTERIOR_RAS)

    def to_ras_mm(self, points_xy_mm) -> np.ndarray:
        return np.array(self.center_ras_mm) + np.asarray(points_xy_mm) @ np.array([self.left_ras, self.anterior_ras])

    def landmarks(self, points_xy_mm, level="L3", boundary_xy_mm=None, midline_y_mm=None) -> Landmarks:
        """Return markups with the midline at x = 0 from edge to edge, or at `midline_y_mm`."""
        front, back = axis_extent(points_xy_mm) if midline_y_mm is None else midline_y_mm
        boundary = None if boundary_xy_mm is None else self.to_ras_mm(boundary_xy_mm)
        return Landmarks(level, self.to_ras_mm([(0, front), (0, back)]), boundary, self.to_ras_mm(points_xy_mm))


UPRIGHT = Body()


def geometry(
    spacing_mm=(0.5, 0.5, 1.25), shape_kji=(9, 140, 160), directions=None, center_ras_mm=(0, 0, 0)
) -> np.ndarray:
    """Return ras_from_ijk of a grid whose middle voxel (the earlier of two) is at `center_ras_mm`."""
    directions = np.array([LEFT_RAS, -ANTERIOR_RAS, SUPERIOR_RAS]) if directions is None else np.asarray(directions)
    matrix = np.eye(4)
    matrix[:3, :3] = directions.T * spacing_mm
    middle_ijk = (np.array(shape_kji[::-1]) - 1) // 2
    matrix[:3, 3] = np.array(center_ras_mm) - matrix[:3, :3] @ middle_ijk
    return matrix


def noise_ct(ras_from_ijk=None, shape_kji=(9, 140, 160), seed=0, dtype=np.int16) -> CtVolume:
    """Return a CT of independent random voxels: one voxel more or less in a region changes its numbers."""
    values = np.random.default_rng(seed).integers(-300, 600, shape_kji).astype(dtype)
    return CtVolume(values, geometry(shape_kji=shape_kji) if ras_from_ijk is None else ras_from_ijk)


def upright_stack(spacing_mm=(0.5, 0.5, 1.25), shape_kji=(9, 140, 160), protocol=PROTOCOL) -> AxialStack:
    return axial_stack(noise_ct(geometry(spacing_mm, shape_kji), shape_kji), protocol.frame)


def shapes_of(landmarks: Landmarks, stack=None, protocol=PROTOCOL) -> tuple[Frame, RoiShapes]:
    """Return frame and shapes of a level whose outline is given."""
    stack = stack or upright_stack(protocol=protocol)
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    outline = Outline(frame.to_uv_mm(landmarks.outline_ras_mm))
    boundary = boundary_from_markup(frame, landmarks.boundary_ras_mm, outline, protocol.boundary)
    return frame, roi_shapes(frame, inner_outline(frame, outline, protocol.outline), boundary, protocol.roi)


def stored_voxels(stack: AxialStack, mask: RoiMask, shape_kji) -> np.ndarray:
    """Return a mask in the whole array as it was stored."""
    crop, offset = stack.stored_crop(mask.inside, mask.offset_kji)
    whole = np.zeros(shape_kji, dtype=bool)
    whole[tuple(slice(start, start + size) for start, size in zip(offset, crop.shape, strict=True))] = crop
    return whole


# A second implementation of the plane geometry, deliberately dumb.


def dense_spline(points_mm, samples=800) -> np.ndarray:
    """Return the closed curve that Slicer draws, by the textbook's equations for a periodic cubic spline."""
    points = np.asarray(points_mm, dtype=float)
    count = len(points)
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    system = 4 * np.eye(count) + np.roll(np.eye(count), 1, axis=0) + np.roll(np.eye(count), -1, axis=0)
    bend = np.linalg.solve(system, 6 * (before - 2 * points + after))
    t = (np.arange(samples) / samples)[None, :, None]
    start, end, bend_start, bend_end = (x[:, None] for x in (points, after, bend, np.roll(bend, -1, axis=0)))
    cubic = (bend_start * ((1 - t) ** 3 - (1 - t)) + bend_end * (t**3 - t)) / 6
    return ((1 - t) * start + t * end + cubic).reshape(-1, 2)


class SignedDistance:
    """Distance of points from a closed curve, positive inside, by the nearest of very many points of the curve."""

    def __init__(self, curve_mm):
        from scipy.spatial import cKDTree

        self.curve_mm = curve_mm
        self._tree = cKDTree(curve_mm)

    def __call__(self, points_mm) -> np.ndarray:
        points = np.asarray(points_mm, dtype=float)
        flat = points.reshape(-1, 2)
        distance, nearest = self._tree.query(flat)
        count = len(self.curve_mm)
        along = self.curve_mm[(nearest + 1) % count] - self.curve_mm[nearest - 1]
        offset = flat - self.curve_mm[nearest]
        x, y = self.curve_mm.T
        orientation = np.sign(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
        inside = orientation * (along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0]) >= 0
        return np.where(inside, distance, -distance).reshape(points.shape[:-1])
