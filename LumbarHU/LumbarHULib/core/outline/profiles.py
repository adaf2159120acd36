"""Profiles of HU across an edge, and the evidence for a blurred cortex in them.

Across the edge of a bone, at depth x (mm, inward positive), blur of standard deviation s turns soft tissue, a cortex of
known HU C that starts at the edge e and is t thick, and trabecular bone into (Treece et al., Medical Image Analysis
2010, doi 10.1016/j.media.2010.01.003)

    outside * (1 - F((x - e) / s)) + C * (F((x - e) / s) - F((x - e - t) / s)) + inside * F((x - e - t) / s)

with F the normal distribution function.
"""

from functools import lru_cache

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline.curve import product_in_blocks
from LumbarHULib.core.plane_image import PlaneImage


class PlaneSampler:
    """Samples the part of a plane around the vertebral body by cubic splines.

    Parameters
    ----------
    plane : PlaneImage
    depth_mm : float
        Length of the midline.
    half_width_mm, margin_mm : float
        Reach of the samples to either side of the midline, and beyond its ends.
    least_hu : float
        Lower values are raised to this one.

    Raises
    ------
    InputError
        If the plane does not cover this area, or has values there that are not finite.
    """

    def __init__(self, plane: PlaneImage, depth_mm: float, half_width_mm: float, margin_mm: float, least_hu: float):
        from scipy import ndimage

        ij_from_uv = plane.ij_from_uv()
        corners = np.array(
            [(u, v) for u in (-half_width_mm, half_width_mm) for v in (margin_mm, -depth_mm - margin_mm)]
        )
        ij = corners @ ij_from_uv[:, :2].T + ij_from_uv[:, 2]
        rows, columns = plane.hu.shape
        low = np.clip(np.floor(ij.min(axis=0)).astype(int), 0, (columns, rows))
        high = np.clip(np.ceil(ij.max(axis=0)).astype(int) + 1, 0, (columns, rows))
        if (high - low < 4).any():
            raise InputError("The midline is outside the CT", remedy="place it on a vertebral body")
        hu = plane.hu[low[1] : high[1], low[0] : high[0]].astype(float)
        if plane.hu.dtype.kind == "f" and not np.isfinite(hu).all():
            raise InputError(
                "The CT has voxels near the midline that are not finite numbers", remedy="export the series again"
            )
        self._coefficients = ndimage.spline_filter(np.maximum(hu, least_hu), order=3, mode="mirror")
        # Row before column, because ndimage expects j first.
        self._matrix, self._offset = ij_from_uv[::-1, :2], (ij_from_uv[:, 2] - low)[::-1]
        self._map_coordinates = ndimage.map_coordinates

    def __call__(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return HU at points, shape (..., 2); beyond the plane, HU of its nearest edge."""
        ji = self._matrix @ points_uv_mm.reshape(-1, 2).T + self._offset[:, None]
        return self._at(ji).reshape(points_uv_mm.shape[:-1])

    def on_lines(self, origins_uv_mm: np.ndarray, directions: np.ndarray, along_mm: np.ndarray) -> np.ndarray:
        """Return HU, shape (n, m), at ``origins + along * directions``.

        Parameters
        ----------
        origins_uv_mm, directions : array, shape (n, 2)
        along_mm : array, shape (m,)
        """
        start = self._matrix @ origins_uv_mm.T + self._offset[:, None]
        return self._at(start[:, :, None] + (self._matrix @ directions.T)[:, :, None] * along_mm)

    def _at(self, ji: np.ndarray) -> np.ndarray:
        return self._map_coordinates(self._coefficients, ji, order=3, mode="nearest", prefilter=False)


@lru_cache(maxsize=32)
def _edge_filters(
    step_mm: float,
    outside_mm: float,
    inside_mm: float,
    sd_mm: float,
    thicknesses_mm: tuple[float, ...],
    cortex_hu: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return filters, and each ridge's sum of squares.

    The filters have shape (1 + 3 * thicknesses, samples): a constant, then two plateaus and a ridge for each thickness.
    """
    from scipy.special import ndtr

    x = np.arange(-round(outside_mm / step_mm), round(inside_mm / step_mm) + 1) * step_mm
    rows = [np.full(len(x), len(x) ** -0.5)]
    for thickness_mm in thicknesses_mm:
        enter, leave = ndtr(x / sd_mm), ndtr((x - thickness_mm) / sd_mm)
        plateaus, _ = np.linalg.qr(np.column_stack([1 - enter, leave]))
        ridge = cortex_hu * (enter - leave)
        rows += [*plateaus.T, ridge - plateaus @ (plateaus.T @ ridge)]
    filters = np.array(rows)
    return filters, np.einsum("fk,fk->f", filters[3::3], filters[3::3])[:, None]


def edge_evidence(
    profiles: np.ndarray,
    step_mm: float,
    window_mm: tuple[float, float],
    sd_mm: float,
    thicknesses_mm: tuple[float, ...],
    cortex_hu: float,
    noise_hu: float,
) -> np.ndarray:
    """Return the evidence that each position on the profiles is the outer edge of a cortex.

    Parameters
    ----------
    profiles : array, shape (n, samples)
        HU from outside to inside.
    step_mm : float
        Distance between samples.
    window_mm : (float, float)
        Lengths of the profile outside and inside the edge that are compared with the model.
    sd_mm : float
        Standard deviation of the blur.
    thicknesses_mm : tuple of float
        Thicknesses of the cortex to try; the best one counts.
    cortex_hu : float
        HU of the cortex before blur.
    noise_hu : float
        Deviation from the model that counts as noise.

    Returns
    -------
    array, shape (n, places)
        Logarithm of the ratio of the misfits of a constant and of the blurred cortex in the window; place 0 is
        ``window_mm[0]`` inward of the profile's first sample.
    """
    filters, ridge_power = _edge_filters(step_mm, *window_mm, sd_mm, thicknesses_mm, cortex_hu)
    windows = np.lib.stride_tricks.sliding_window_view(profiles, filters.shape[1], axis=1)
    response = product_in_blocks(filters, windows.reshape(-1, filters.shape[1]).T)
    power = np.einsum("npk,npk->np", windows, windows).ravel()
    floor = filters.shape[1] * noise_hu**2
    plain = power - response[0] ** 2
    first, second, ridge = response[1::3], response[2::3], response[3::3]
    left = power - (first**2 + second**2 + 2 * ridge - ridge_power).max(axis=0)
    return np.log((plain + floor) / (np.maximum(left, 0) + floor)).reshape(windows.shape[:2]) / 2
