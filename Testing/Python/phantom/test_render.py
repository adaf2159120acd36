"""Partial volume, sharpness and noise of rendered slices, against formulas."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import erf

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.grid import Grid, axial_grid
from LumbarHULib.phantom.parts import Blob
from LumbarHULib.phantom.patch import box_corners
from LumbarHULib.phantom.render import render, render_parts
from LumbarHULib.phantom.spines import demo_spine, upright_spine

OUTSIDE_HU, CORTEX_HU, INSIDE_HU, CORTEX_MM = -100.0, 750.0, 100.0, 0.4


@dataclass(frozen=True, eq=False)
class PlaneWall:
    """A half space behind a wall of cortex, which is what a vertebral body looks like close up."""

    normal_ras: np.ndarray
    offset_mm: float
    fine = True
    corners_ras_mm = box_corners(np.zeros(3), np.eye(3), np.full(3, 60.0))

    def paint(self, patch):
        (distance_mm,) = patch.coordinates(self.normal_ras * self.offset_mm, self.normal_ras[None])
        patch.paint((distance_mm, CORTEX_HU), (distance_mm + CORTEX_MM, INSIDE_HU))


@dataclass(frozen=True, eq=False)
class Rod:
    """A cylinder along S."""

    radius_mm: float
    fine = True
    corners_ras_mm = box_corners(np.zeros(3), np.eye(3), np.array([20.0, 20.0, 60.0]))

    def paint(self, patch):
        r_mm, a_mm, _ = patch.ras()
        patch.paint((np.hypot(r_mm, a_mm) - self.radius_mm, 1000.0))


def voxel_centers_ras(grid: Grid) -> np.ndarray:
    """(k, j, i, 3) RAS mm, voxel by voxel from the matrix."""
    k, j, i = np.indices(grid.shape_kji)
    return np.stack([i, j, k, np.ones_like(i)], axis=-1) @ grid.ras_from_ijk[:3].T


def wall_formula_hu(distance_mm, sigma_mm, reach_mm):
    """The wall blurred by a Gaussian along its normal and averaged over `reach_mm` along its normal."""

    def inside(edge_mm):
        shifts = (np.arange(400) + 0.5) / 400 - 0.5
        return np.mean([0.5 - 0.5 * erf((edge_mm + s * reach_mm) / (sigma_mm * np.sqrt(2))) for s in shifts], axis=0)

    outer, inner = inside(distance_mm), inside(distance_mm + CORTEX_MM)
    return OUTSIDE_HU + outer * (CORTEX_HU - OUTSIDE_HU) + inner * (INSIDE_HU - CORTEX_HU)


@pytest.mark.parametrize("pixel_mm", [0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("fwhm_mm", [1.0, 1.6])
@pytest.mark.parametrize("normal", [(1, 0, 0), (0.9, 0.5, 0), (1, 1, 0), (1, -0.2, 0.3), (0.3, 0, 1), (0.05, 0, 1)])
def test_a_blurred_wall_has_the_profile_of_the_formula(pixel_mm, fwhm_mm, normal):
    normal = np.array(normal) / np.linalg.norm(normal)
    grid = axial_grid((0.1, 0.2, 0.3), (16, 16, 7.5), pixel_mm, 2.5)
    rendered = render_parts([PlaneWall(normal, 0.37)], grid, OUTSIDE_HU, fwhm_mm)
    sigma_mm = fwhm_mm / 2.3548 * np.hypot(normal[0], normal[1])
    expected = wall_formula_hu(voxel_centers_ras(grid) @ normal - 0.37, sigma_mm, 2.5 * abs(normal[2]))
    inner = np.s_[:, 4:-4, 4:-4]
    # The profile falls by up to 900 HU/mm: no edge is off by more than 0.01 mm.
    assert np.abs(rendered - expected)[inner].max() < 0.01 * 900
    assert abs(np.mean((rendered - expected)[inner])) < 0.3


@pytest.mark.parametrize("thickness_mm", [0.6, 2.5, 5.0])
def test_an_edge_within_a_slice_weighs_as_much_as_it_covers(thickness_mm):
    for covered in (0.1, 0.37, 0.5, 0.92):
        grid = axial_grid((0, 0, 0), (6, 6, thickness_mm), 0.5, thickness_mm)
        top_mm = (covered - 0.5) * thickness_mm
        rendered = render_parts([Lid(top_mm)], grid, 0.0, 1.2)
        assert rendered == pytest.approx(np.full(grid.shape_kji, 1000 * covered), abs=1)


@dataclass(frozen=True, eq=False)
class Lid:
    """Everything below an axial plane."""

    top_mm: float
    fine = True
    corners_ras_mm = box_corners(np.zeros(3), np.eye(3), np.full(3, 60.0))

    def paint(self, patch):
        patch.paint((patch.ras()[2] - self.top_mm, 1000.0))


@pytest.mark.parametrize("fwhm_mm", [1.0, 1.2, 1.6])
def test_a_rod_holds_its_area_and_is_blurred_as_asked(fwhm_mm):
    grid = axial_grid((0.13, -0.21, 0), (40, 40, 2.5), 0.7, 2.5)
    rendered = render_parts([Rod(8.0)], grid, 0.0, fwhm_mm)[0].astype(float)
    ras = voxel_centers_ras(grid)[0]
    assert rendered.sum() / 1000 * 0.7**2 == pytest.approx(np.pi * 8**2, rel=5e-4)
    # A Gaussian adds its variance, twice, to the mean square of the radius: 2 σ² above 8²/2.
    mean_square = (rendered * (ras[..., 0] ** 2 + ras[..., 1] ** 2)).sum() / rendered.sum()
    assert np.sqrt((mean_square - 8**2 / 2) / 2) * 2.3548 == pytest.approx(fwhm_mm, abs=0.03)


def test_noise_has_the_deviation_that_was_asked_for_and_no_mean():
    for correlation_mm in (0.0, 1.5):
        ct = render(
            upright_spine(), 0.7, 5.0, field_of_view_mm=(90, 90, 15), noise_hu=20, noise_fwhm_mm=correlation_mm, seed=4
        )
        noise = ct.voxels_hu.astype(float) - ct.noise_free_hu
        assert noise.std() == pytest.approx(20, rel=0.03)
        assert abs(noise.mean()) < 0.6
        neighbors = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
        # Noise smoothed by a Gaussian of variance σ² has the correlation exp(−d²/4σ²).
        expected = 0 if correlation_mm == 0 else np.exp(-(0.7**2) / 4 / (correlation_mm / 2.3548) ** 2)
        assert neighbors == pytest.approx(expected, abs=0.03)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    first, again, other = (
        render(upright_spine(), 1.0, 5.0, field_of_view_mm=(60, 60, 10), noise_hu=12, seed=seed).voxels_hu
        for seed in (3, 3, 8)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_without_noise_the_voxels_are_the_noise_free_ones():
    ct = render(upright_spine(), 1.0, 5.0, field_of_view_mm=(60, 60, 10))
    assert ct.voxels_hu.dtype == np.int16
    assert np.array_equal(ct.voxels_hu, ct.noise_free_hu)


@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("kind", ["axial", "oblique", "sheared"])
def test_an_ellipsoid_has_its_volume_and_its_center_in_every_grid(kind, fine):
    grid = axial_grid((0, 0, 0), (44, 44, 50), 0.8, 2.5)
    if kind == "oblique":
        grid = grid.rotated((1, 0.3, 0.2), 15)
    if kind == "sheared":
        grid = grid.sheared(-18.5)
    center = np.array([1.3, -0.8, 0.6])
    blob = Blob(tuple(center), (11.0, 8.0, 12.0), 1000.0, angle_deg=20, lean_deg=10, fine=fine)
    weight = render_parts([blob], grid, 0.0, 1.2).astype(float) / 1000
    volume_mm3 = weight.sum() * abs(np.linalg.det(grid.ras_from_ijk[:3, :3]))
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 11 * 8 * 12, rel=0.002 if fine else 0.01)
    centroid = (weight[..., None] * voxel_centers_ras(grid)).sum(axis=(0, 1, 2)) / weight.sum()
    assert centroid == pytest.approx(center, abs=0.01 if fine else 0.05)


def test_the_slices_of_a_sheared_grid_are_nearer_than_their_centers():
    grid = axial_grid((0, 0, 0), (50, 50, 20), 1.0, 2.5).sheared(-18.5)
    assert grid.slice_spacing_mm == pytest.approx(2.5 * np.cos(np.radians(18.5)))
    assert grid.normal_ras[0] == 0
    assert np.linalg.norm(grid.ras_from_ijk[:3, 2]) == pytest.approx(2.5)


def test_the_demonstration_is_made_of_air_fat_muscle_and_bone():
    voxels = render(demo_spine(), 2.0, 5.0, field_of_view_mm=(358, 358, 15)).voxels_hu
    assert voxels[:, 0, 0].max() == -1000
    counts = dict(zip(*np.unique(voxels, return_counts=True), strict=True))
    assert counts[-100] > 0.1 * voxels.size
    assert voxels.max() > 450


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"pixel_mm": 0.0}, "pixels"),
        ({"slice_mm": -1.0}, "slices"),
        ({"noise_hu": -3.0}, "noise"),
        ({"blur_fwhm_mm": -1.0}, "blur"),
        ({"thickness_mm": 0.0}, "thickness"),
    ],
)
def test_an_impossible_phantom_is_refused_in_one_sentence(arguments, word):
    with pytest.raises(InputError, match=f"(?i){word}"):
        render(upright_spine(), **{"pixel_mm": 1.0, "slice_mm": 5.0, "field_of_view_mm": (20, 20, 10)} | arguments)


def test_a_grid_with_skewed_rows_is_refused():
    matrix = np.eye(4)
    matrix[0, 1] = 0.2
    with pytest.raises(InputError, match="perpendicular"):
        Grid((2, 2, 2), matrix)
