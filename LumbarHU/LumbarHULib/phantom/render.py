"""Render solids as the Hounsfield units of a CT with finite pixels, slices, sharpness and dose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.grid import Grid, axial_grid
from LumbarHULib.phantom.parts import Part
from LumbarHULib.phantom.patch import Patch
from LumbarHULib.phantom.spec import SpineSpec
from LumbarHULib.phantom.surroundings import parts_of
from LumbarHULib.phantom.truth import LevelTruth, level_truths

SIGMA_PER_FWHM = 1 / np.sqrt(8 * np.log(2))
# Spacing of the samples in the plane and through a slice. The latter may be coarser, because no blur follows it and it
# represents edges exactly (see `Patch.coverage`).
_FINE_STEP_MM = 0.34
_SUB_SLICE_MM = 0.65
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, eq=False)
class PhantomCt:
    """A rendered phantom.

    Attributes
    ----------
    voxels_hu : (k, j, i) int16 array
    noise_free_hu : (k, j, i) int16 array
        The voxels before noise was added (the same array if there is no noise).
    ras_from_ijk : (4, 4) array
    grid : Grid
    spec : SpineSpec
    truth : dict of str to LevelTruth
        Truth of each of T12–L5 whose mid-slice is in the volume, from cranial to caudal.
    """

    voxels_hu: np.ndarray
    noise_free_hu: np.ndarray
    grid: Grid
    spec: SpineSpec
    truth: dict[str, LevelTruth]

    @property
    def ras_from_ijk(self) -> np.ndarray:
        """Return the (4, 4) matrix from voxel indices to RAS mm."""
        return self.grid.ras_from_ijk


def render(
    spec: SpineSpec,
    pixel_mm: float = 0.7,
    slice_mm: float = 2.5,
    *,
    field_of_view_mm: tuple[float, float, float] | None = None,
    center_ras_mm: tuple[float, float, float] | None = None,
    thickness_mm: float | None = None,
    blur_fwhm_mm: float = 1.2,
    noise_hu: float = 0.0,
    noise_fwhm_mm: float = 0.0,
    seed: int = 0,
) -> PhantomCt:
    """Render axial slices.

    Parameters
    ----------
    spec : SpineSpec
    pixel_mm, slice_mm : float
        Pixel spacing and distance between slices.
    field_of_view_mm : tuple of float, optional
        Extent in R, A and S; by default the bones with 12 mm around them.
    center_ras_mm : tuple of float, optional
        Center of the field of view; by default the center of the bodies.
    thickness_mm, blur_fwhm_mm, noise_hu, noise_fwhm_mm, seed
        See `render_on_grid`.
    """
    corners = np.concatenate([part.corners_ras_mm for part in parts_of(spec) if hasattr(part, "vertebra")])
    low, high = corners.min(axis=0) - 12, corners.max(axis=0) + 12
    size = high - low if field_of_view_mm is None else field_of_view_mm
    center: ArrayLike | None = center_ras_mm
    if center is None:
        center = (low + high) / 2 if field_of_view_mm is None else spec.middle_ras_mm
    grid = axial_grid(center, size, pixel_mm, slice_mm, thickness_mm)
    return render_on_grid(
        spec, grid, blur_fwhm_mm=blur_fwhm_mm, noise_hu=noise_hu, noise_fwhm_mm=noise_fwhm_mm, seed=seed
    )


def render_on_grid(
    spec: SpineSpec,
    grid: Grid,
    *,
    blur_fwhm_mm: float = 1.2,
    noise_hu: float = 0.0,
    noise_fwhm_mm: float = 0.0,
    seed: int = 0,
) -> PhantomCt:
    """Render the phantom on any grid, including oblique and sheared ones.

    Parameters
    ----------
    spec : SpineSpec
    grid : Grid
        The grid, whose slices integrate their thickness along the normal.
    blur_fwhm_mm : float
        FWHM of the Gaussian that blurs each slice within its plane.
    noise_hu : float
        Standard deviation of the Gaussian noise.
    noise_fwhm_mm : float
        FWHM of the Gaussian that smooths the noise in the plane before scaling; 0 = white noise.
    seed : int
        The same seed gives the same noise.
    """
    for name, value in (("blur", blur_fwhm_mm), ("noise", noise_hu), ("noise correlation", noise_fwhm_mm)):
        if not value >= 0:
            raise InputError(f"A {name} of {value} cannot be rendered: give 0 or more.")
    noise_free = render_parts(parts_of(spec), grid, spec.air_hu if spec.trunk else spec.fat_hu, blur_fwhm_mm)
    voxels = noise_free if noise_hu == 0 else _with_noise(noise_free, grid, noise_hu, noise_fwhm_mm, seed)
    return PhantomCt(voxels, noise_free, grid, spec, level_truths(spec, grid))


def render_parts(parts: Sequence[Part], grid: Grid, background_hu: float, blur_fwhm_mm: float) -> np.ndarray:
    """Return the (k, j, i) int16 voxels of parts painted one over another (see `parts`)."""
    voxels = np.empty(grid.shape_kji, dtype=np.int16)
    for k in range(grid.shape_kji[0]):
        voxels[k] = _to_int16(_render_slice(parts, grid, k, background_hu, blur_fwhm_mm))
    return voxels


def _render_slice(parts: Sequence[Part], grid: Grid, k: int, background_hu: float, blur_fwhm_mm: float) -> np.ndarray:
    step_i, step_j = grid.ras_from_ijk[:3, 0], grid.ras_from_ijk[:3, 1]
    pixel_mm = np.array(grid.pixel_mm)
    canvas = np.full(grid.shape_kji[1:], background_hu, dtype=np.float32)
    whole = Patch(grid.slice_origin_ras(k), step_i, step_j, canvas, grid.slice_thickness_mm)
    # Margin for the slice's thickness and the blur.
    reach_mm = grid.slice_thickness_mm / 2 + 1.0 + 2 * blur_fwhm_mm
    windows = [(part, whole.window_slices(part.corners_ras_mm, reach_mm)) for part in parts]
    here = [(part, ranges) for part, ranges in windows if ranges is not None]
    fine_ranges = [ranges for part, ranges in here if part.fine]
    rows, columns = (
        slice(
            min((one[axis].start for one in fine_ranges), default=0),
            max((one[axis].stop for one in fine_ranges), default=0),
        )
        for axis in (0, 1)
    )
    crop = whole.cut(rows, columns)
    if crop.values_hu.size < canvas.size:
        for part, ranges in here:
            if not part.fine:
                part.paint(whole.cut(*ranges))
        _blur(canvas, pixel_mm, blur_fwhm_mm)
    if crop.values_hu.size:
        # Paint a border as wide as the blur, and crop it afterwards.
        pad = int(np.ceil(2 + 4 * SIGMA_PER_FWHM * blur_fwhm_mm / pixel_mm.min()))
        crop.values_hu[...] = _render_crop([part for part, _ in here], grid, crop, pad, background_hu, blur_fwhm_mm)
    return canvas


def _render_crop(
    parts: Sequence[Part], grid: Grid, crop: Patch, pad: int, background_hu: float, blur_fwhm_mm: float
) -> np.ndarray:
    """Return the values of `crop`, with fine samples in the plane and through the slice."""
    pixel_mm = np.array(grid.pixel_mm)
    step_mm = min(_FINE_STEP_MM, blur_fwhm_mm / 3) if blur_fwhm_mm > 0 else _FINE_STEP_MM / 2
    factor_i, factor_j = np.ceil(pixel_mm / step_mm - 1e-9).astype(int)
    step_i, step_j = crop.step_i_ras / factor_i, crop.step_j_ras / factor_j
    row_count, column_count = crop.values_hu.shape
    shape = ((row_count + 2 * pad - 1) * factor_j + 1, (column_count + 2 * pad - 1) * factor_i + 1)
    origin = crop.origin_ras - pad * (crop.step_i_ras + crop.step_j_ras)
    fine_mm = pixel_mm / (factor_i, factor_j)

    base = np.full(shape, background_hu, dtype=np.float32)
    _paint([part for part in parts if not part.fine], Patch(origin, step_i, step_j, base, grid.slice_thickness_mm))
    fine_parts = [part for part in parts if part.fine]
    count = int(np.ceil(grid.slice_thickness_mm / _SUB_SLICE_MM - 1e-9))
    total = np.zeros(shape, dtype=np.float32)
    for offset in (np.arange(count) + 0.5) / count - 0.5:
        values = base.copy()
        shifted = origin + offset * grid.slice_thickness_mm * grid.normal_ras
        _paint(fine_parts, Patch(shifted, step_i, step_j, values, grid.slice_thickness_mm / count))
        total += values
    total /= count
    _blur(total, fine_mm, blur_fwhm_mm)
    return total[pad * factor_j :: factor_j, pad * factor_i :: factor_i][:row_count, :column_count]


def _paint(parts: Sequence[Part], patch: Patch) -> None:
    for part in parts:
        window = patch.window(part.corners_ras_mm)
        if window is not None:
            part.paint(window)


def _blur(values: np.ndarray, step_mm: np.ndarray, fwhm_mm: float) -> None:
    """Blur in place, less the blur that painting has already added."""
    from scipy.ndimage import gaussian_filter

    # An edge ramp spans max(|cos|, |sin|) of a step (see `Patch.coverage`), whose mean square is 1/2 + 1/π.
    painted_mm2 = (0.5 + 1 / np.pi) * step_mm.max() ** 2 / 12
    variance_mm2 = (SIGMA_PER_FWHM * fwhm_mm) ** 2 - painted_mm2
    if variance_mm2 > 0:
        gaussian_filter(values, np.sqrt(variance_mm2) / step_mm[::-1], output=values, mode="nearest", truncate=4.5)


def _with_noise(noise_free: np.ndarray, grid: Grid, noise_hu: float, noise_fwhm_mm: float, seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(seed)
    sigma = SIGMA_PER_FWHM * noise_fwhm_mm / np.array(grid.pixel_mm)[::-1]
    scale = noise_hu
    if noise_fwhm_mm > 0:
        impulse = np.zeros([2 * int(np.ceil(5 * max(sigma))) + 3] * 2, dtype=np.float32)
        impulse[impulse.shape[0] // 2, impulse.shape[1] // 2] = 1
        scale /= np.sqrt((gaussian_filter(impulse, sigma) ** 2).sum())
    noisy = np.empty_like(noise_free)
    for k, plane in enumerate(noise_free):
        noise = random.standard_normal(plane.shape, dtype=np.float32)
        if noise_fwhm_mm > 0:
            gaussian_filter(noise, sigma, output=noise, mode="wrap")
        noisy[k] = _to_int16(plane + scale * noise)
    return noisy


def _to_int16(values_hu: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values_hu), _INT16.min, _INT16.max).astype(np.int16)
