"""Profiles of HU across an edge, and the blurred cortex that explains them.

Across the edge of a bone, at depth x (mm, inward positive), blur of standard deviation s turns soft tissue, a cortex of known HU C that
starts at the edge e and is t thick, and trabecular bone into (Treece et al., Medical Image Analysis 2010,
doi 10.1016/j.media.2010.01.003)

    outside * (1 - F((x - e) / s)) + C * (F((x - e) / s) - F((x - e - t) / s)) + inside * F((x - e - t) / s)

with F the normal distribution function.
"""

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.plane_image import PlaneImage

SD_PER_FWHM = 1 / np.sqrt(8 * np.log(2))


class PlaneSampler:
    """Cubic-spline samples of the part of a plane that holds the vertebral body."""

    def __init__(self, plane: PlaneImage, depth_mm: float, reach_mm: float, margin_mm: float):
        from scipy import ndimage

        self._ij_from_uv = plane.ij_from_uv()
        corners = np.array([(u, v) for u in (-reach_mm, reach_mm) for v in (margin_mm, -depth_mm - margin_mm)])
        ij = corners @ self._ij_from_uv[:, :2].T + self._ij_from_uv[:, 2]
        rows, columns = plane.hu.shape
        low = np.clip(np.floor(ij.min(0)).astype(int), 0, (columns, rows))
        high = np.clip(np.ceil(ij.max(0)).astype(int) + 1, 0, (columns, rows))
        if (high - low < 4).any():
            raise InputError("The midline lies outside the CT; place it on the vertebral body.")
        hu = plane.hu[low[1] : high[1], low[0] : high[0]].astype(float)
        if not np.isfinite(hu).all():
            raise InputError("The CT has voxels that are not numbers near the midline; export it again.")
        self._coefficients = ndimage.spline_filter(hu, order=3, mode="mirror")
        self._offset = self._ij_from_uv[:, 2] - low
        self._map_coordinates = ndimage.map_coordinates

    def __call__(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return HU at points, shape (..., 2); beyond the plane, HU of its nearest edge."""
        ij = points_uv_mm @ self._ij_from_uv[:, :2].T + self._offset
        return self._map_coordinates(
            self._coefficients, [ij[..., 1], ij[..., 0]], order=3, mode="nearest", prefilter=False
        )


def edge_evidence(profiles, step_mm, window_mm, sd_mm, thicknesses_mm, cortex_hu, noise_hu):
    """Score every place on profiles for being the outer edge of a cortex.

    Parameters
    ----------
    profiles : array, shape (n, samples)
        HU from outside to inside.
    window_mm : (float, float)
        Stretch of the profile outside and inside the edge that must look like the model.

    Returns
    -------
    array, shape (n, places)
        Half the logarithm of how much better the blurred cortex explains the window than a constant does, per sample; the place of index
        0 lies ``window_mm[0]`` from the profile's first sample.
    """
    from scipy.special import ndtr

    outside, inside = (int(round(mm / step_mm)) for mm in window_mm)
    x = np.arange(-outside, inside + 1) * step_mm
    count = len(x)
    windows = np.lib.stride_tricks.sliding_window_view(profiles, count, axis=1)
    filters, constants = [np.full(count, 1 / np.sqrt(count))], []
    for thickness in thicknesses_mm:
        enter, leave = ndtr(x / sd_mm), ndtr((x - thickness) / sd_mm)
        basis, _ = np.linalg.qr(np.column_stack([1 - enter, leave]))
        ridge = cortex_hu * (enter - leave)
        ridge = ridge - basis @ (basis.T @ ridge)
        filters += [basis[:, 0], basis[:, 1], ridge]
        constants.append(ridge @ ridge)
    response = windows @ np.array(filters).T
    power = np.einsum("npk,npk->np", windows, windows)
    floor = count * noise_hu**2
    plain = power - response[..., 0] ** 2
    best = np.full(plain.shape, np.inf)
    for index, constant in enumerate(constants):
        first, second, ridge = (response[..., 1 + 3 * index + part] for part in range(3))
        best = np.minimum(best, power - first**2 - second**2 - 2 * ridge + constant)
    return np.log((plain + floor) / (np.maximum(best, 0) + floor)) / 2
