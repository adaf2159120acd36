"""The round region: the largest circle in the anterior region with its center on the midline."""

import numpy as np

from LumbarHULib.core.polygons import are_inside, picked

_SEARCH_POINTS = 33

# Of circles whose radii differ by less than this, the one with the more anterior center is chosen.
_TIE_MM = 1e-7

# Positions around the best that each finer search tries, in units of the previous step.
_FINE_STEPS = np.linspace(-2.0, 2.0, 17)


def largest_circle(
    regions_uv_mm: np.ndarray, crossings_v_mm: np.ndarray, low_v_mm: float, finest_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest circle inside each region with its center on the midline (u = 0).

    Parameters
    ----------
    regions_uv_mm : numpy.ndarray, shape (..., n, 2)
        Corners of each region, in mm.
    crossings_v_mm : numpy.ndarray, shape (..., k)
        Where its edge crosses the midline, ascending; the last is its anterior end.
    low_v_mm : float
        Posterior end of all regions on the midline: where the boundary crosses it.
    finest_mm : float
        The search ends when its step is smaller than this.

    Returns
    -------
    tuple of numpy.ndarray, shape (...)
        Center v and radius, in mm.
    """
    high_v_mm = crossings_v_mm[..., -1]
    step_mm = (high_v_mm - low_v_mm) / (_SEARCH_POINTS - 1)
    candidates_v_mm = np.linspace(low_v_mm, high_v_mm, _SEARCH_POINTS, axis=-1)
    starts, ends = regions_uv_mm, np.roll(regions_uv_mm, -1, axis=-2)
    while True:
        squared_mm2 = _squared_distances(candidates_v_mm, starts, ends)
        # A center in a notch across the midline is also far from every edge, but outside the region.
        radii_mm = np.where(are_inside(candidates_v_mm, crossings_v_mm), np.sqrt(squared_mm2.min(axis=-1)), 0.0)
        is_best = radii_mm >= radii_mm.max(axis=-1, keepdims=True) - _TIE_MM
        best = is_best.shape[-1] - 1 - np.argmax(is_best[..., ::-1], axis=-1)[..., None]
        best_v_mm, radius_mm = (picked(of, best) for of in (candidates_v_mm, radii_mm))
        if np.max(step_mm) < finest_mm:
            return best_v_mm[..., 0], radius_mm[..., 0]
        # Farther edges cannot touch a circle whose center moves by less than two steps.
        best_distances_mm = np.sqrt(np.take_along_axis(squared_mm2, best[..., None], axis=-2)[..., 0, :])
        near = (
            (best_distances_mm <= radius_mm + 4 * step_mm[..., None])
            .reshape(-1, best_distances_mm.shape[-1])
            .any(axis=0)
        )
        starts, ends = starts[..., near, :], ends[..., near, :]
        candidates_v_mm = np.clip(best_v_mm + _FINE_STEPS * step_mm[..., None], low_v_mm, high_v_mm[..., None])
        step_mm = step_mm / 4


def _squared_distances(v_mm: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the squared distance of each point on the midline from each edge, shape (..., points, edges)."""
    along_u, along_v = (np.moveaxis(ends - starts, -1, 0))[..., None, :]
    offset_u, offset_v = -starts[..., None, :, 0], v_mm[..., :, None] - starts[..., None, :, 1]
    lengths_squared = np.maximum(along_u**2 + along_v**2, np.finfo(float).tiny)
    # In place, because the arrays are large for many placements.
    share = offset_v * along_v
    share += offset_u * along_u
    share /= lengths_squared
    np.clip(share, 0.0, 1.0, out=share)
    offset_v -= share * along_v
    share *= along_u
    np.subtract(offset_u, share, out=share)
    share *= share
    offset_v *= offset_v
    share += offset_v
    return share
