"""Render one hostile case: a CT with the truth about its body."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.hostile.anatomy import Anatomy
from LumbarHULib.phantom.hostile.bones import Bones
from LumbarHULib.phantom.hostile.canvas import Canvas
from LumbarHULib.phantom.hostile.curves import Curve, body_curve, canal_curve
from LumbarHULib.phantom.hostile.scanner import filtered, noise
from LumbarHULib.phantom.hostile.surroundings import paint_surroundings

_FIELD_MM = 98.0
_FINE_MM = 0.28
_SUB_SLICE_MM = 1.25


@dataclass(frozen=True, eq=False)
class HostileCase:
    """A CT of one vertebra and the truth about it.

    Parameters
    ----------
    name : str
        Family and seed.
    anatomy : Anatomy
    voxels_hu : numpy.ndarray of int16, shape (k, j, i)
    field_hu : numpy.ndarray of float32, shape (k, j, i)
        Values inside the cortex (trabecular bone, vein, lesions) averaged over each slice's thickness, without blur and
        noise, and continued beyond the body.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
    mid_slice : int
    midline_ras_mm : numpy.ndarray, shape (2, 3)
        Anterior, posterior.
    outline_ras_mm : numpy.ndarray, shape (n, 3)
        Points about 0.1 mm apart on the periosteal outline at mid-height before blur, counterclockwise with the
        patient's left on the right, from the midline's anterior end.
    cortex_mm : numpy.ndarray, shape (n,)
        Thickness of the cortex at each of these points; 0 at the opening of the vein.
    covered : numpy.ndarray of bool, shape (n,)
        Points where the pedicles leave the body at mid-height, without cortex.
    """

    name: str
    anatomy: Anatomy
    voxels_hu: np.ndarray
    field_hu: np.ndarray
    ras_from_ijk: np.ndarray
    mid_slice: int
    midline_ras_mm: np.ndarray
    outline_ras_mm: np.ndarray
    cortex_mm: np.ndarray
    covered: np.ndarray

    @property
    def ct(self) -> CtVolume:
        """Return the CT as a `CtVolume`."""
        return CtVolume(self.voxels_hu, self.ras_from_ijk)

    def control_points_ras_mm(self, count: int = 64) -> np.ndarray:
        """Return equidistant control points whose closed spline is the true outline, shape (count, 3)."""
        # Start half a step from the midline's end.
        index = (np.arange(count) + 0.5) * len(self.outline_ras_mm) / count
        return self.outline_ras_mm[index.astype(int)]


def render_case(anatomy: Anatomy, seed: int, name: str = "") -> HostileCase:
    """Render an anatomy.

    Parameters
    ----------
    anatomy : Anatomy
    seed : int
        Seed of the textures, the noise and the distant surroundings.
    name : str

    Raises
    ------
    InputError
        If the scanner's values cannot be rendered.
    """
    scanner = anatomy.scanner
    if scanner.slices < 1 or scanner.slices % 2 == 0:
        raise InputError(f"A hostile phantom of {scanner.slices} slices has no mid-slice: give an odd number.")
    random = np.random.default_rng([seed, 12])
    body = body_curve(anatomy.shape)
    middle = np.array([0.0, -0.62 * anatomy.shape.depth_mm])
    turn = np.radians(anatomy.shape.rotation_deg)
    grid_from_body = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    # The position of the pixels relative to the body is random.
    offset = random.uniform(-0.5, 0.5, 2) * scanner.pixel_mm

    grid = axial_grid(
        (0, 0, 0), (_FIELD_MM, _FIELD_MM, scanner.slices * scanner.slice_mm), scanner.pixel_mm, scanner.slice_mm
    )
    factor = int(np.ceil(scanner.pixel_mm / _FINE_MM - 1e-9))
    step_mm = scanner.pixel_mm / factor
    _, rows, columns = grid.shape_kji
    left = (np.arange((columns - 1) * factor + 1) - (columns - 1) * factor / 2) * step_mm
    front = -(np.arange((rows - 1) * factor + 1) - (rows - 1) * factor / 2) * step_mm
    plane = np.stack(np.meshgrid(left - offset[0], front - offset[1]), axis=-1) @ grid_from_body + middle
    canvas = Canvas(
        plane[..., 0].astype(np.float32),
        plane[..., 1].astype(np.float32),
        step_mm,
        body,
        canal_curve(anatomy),
        _exact_mm(anatomy),
    )

    around = paint_surroundings(canvas, anatomy, random)
    bones = Bones(canvas, anatomy, random)
    voxels = np.empty(grid.shape_kji, dtype=np.int16)
    fields = np.empty(grid.shape_kji, dtype=np.float32)
    count = max(1, int(np.ceil(scanner.thickness_mm / _SUB_SLICE_MM - 1e-9)))
    for k in range(scanner.slices):
        center_mm = (k - scanner.slices // 2) * scanner.slice_mm
        total, field_total = np.zeros(canvas.shape, np.float32), np.zeros(canvas.shape, np.float32)
        for share in (np.arange(count) + 0.5) / count - 0.5:
            z_mm = center_mm + share * scanner.thickness_mm
            field, values = bones.trabecular_field(z_mm), around.copy()
            bones.paint(values, z_mm, field)
            total += values
            field_total += field
        fine = filtered(total / count, step_mm, scanner)
        pixels = fine[::factor, ::factor] + noise((rows, columns), scanner, random)
        voxels[k] = np.clip(np.rint(pixels), -1024, 3071)
        fields[k] = field_total[::factor, ::factor] / count

    def to_ras(points_mm: ArrayLike) -> np.ndarray:
        in_plane = (np.asarray(points_mm) - middle) @ grid_from_body.T + offset
        return np.column_stack([-in_plane[:, 0], in_plane[:, 1], np.zeros(len(in_plane))])

    return HostileCase(
        name or f"seed {seed}",
        anatomy,
        voxels,
        fields,
        grid.ras_from_ijk,
        scanner.slices // 2,
        to_ras([(0.0, 0.0), (0.0, -anatomy.shape.depth_mm)]),
        to_ras(body.points_mm),
        bones.cortex_by_point,
        _covered(bones, body),
    )


def _exact_mm(anatomy: Anatomy) -> float:
    """Return the largest distance from the body at which an edge follows its outline."""
    heights = [spur.height_mm * (1 + abs(spur.slope) * 5) for spur in anatomy.spurs]
    heights += [band.gap_mm + band.thickness_mm for band in anatomy.bands]
    gaps = [1.7 * gap for gap in anatomy.surroundings.lung_gap_mm or ()]
    return max([3.0, anatomy.surroundings.crura_mm, *heights, *gaps]) + 1.0


def _covered(bones: Bones, body: Curve) -> np.ndarray:
    """Return the points of the outline where the arch leaves the body at mid-height, as a mask."""
    points = body.points_mm.astype(np.float32)
    outside = points + 0.3 * body.normals
    there = Canvas(outside[:, :1], outside[:, 1:], bones.canvas.step_mm, body, bones.canvas.canal)
    other = Bones.__new__(Bones)
    other.canvas, other.anatomy = there, bones.anatomy
    return (other.joined_arch_mm(there.body_mm, 0.0) < 0).ravel()
