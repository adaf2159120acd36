"""The round region: the largest circle in the anterior region with its center on the midline."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.polygons import are_inside, picked

_SEARCH_POINTS = 33

# Of circles whose radii differ by less than this, the one with the more anterior center is chosen.
_TIE_MM = 1e-7

# Positions around the best that each finer search tries, in units of the previous step.
_FINE_STEPS = np.linspace(-2.0, 2.0, 17)

# Of the edges, the search begins with every fourth and the long ones: where these leave too small a circle, the others
# need not be computed.
_EDGE_STEP = 4


def largest_circle(
    regions_uv_mm: np.ndarray,
    crossings_v_mm: np.ndarray,
    low_v_mm: float,
    finest_mm: float,
    together: np.ndarray | None = None,
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
        The search ends when its step is smaller than this in all regions, or in all of one group.
    together : numpy.ndarray of int, shape (t,), optional
        The group of each region, ascending from 0; only with regions of shape (t, n, 2).

    Returns
    -------
    tuple of numpy.ndarray, shape (...)
        Center v and radius, in mm.
    """
    outer = regions_uv_mm.shape[:-2]
    regions_uv_mm = regions_uv_mm.reshape(-1, *regions_uv_mm.shape[-2:])
    crossings_v_mm = crossings_v_mm.reshape(len(regions_uv_mm), -1)
    high_v_mm = crossings_v_mm[:, -1:]
    step_mm = (high_v_mm - low_v_mm) / (_SEARCH_POINTS - 1)
    longest_mm = longest_together(step_mm, together)
    candidates_v_mm = np.linspace(low_v_mm, high_v_mm[:, 0], _SEARCH_POINTS, axis=-1)
    edges = _Edges.of(regions_uv_mm)
    candidates_v_mm = candidates_v_mm[:, _promising(candidates_v_mm, crossings_v_mm, edges)]
    is_found = np.zeros(step_mm.shape, dtype=bool)
    found_v_mm = found_radius_mm = np.zeros(step_mm.shape)
    while True:
        squared_mm2 = edges.squared_distances(candidates_v_mm)
        radii_mm = _radii_mm(squared_mm2, candidates_v_mm, crossings_v_mm)
        is_best = radii_mm >= radii_mm.max(axis=-1, keepdims=True) - _TIE_MM
        best = is_best.shape[-1] - 1 - np.argmax(is_best[:, ::-1], axis=-1)[:, None]
        best_v_mm, radius_mm = (picked(of, best) for of in (candidates_v_mm, radii_mm))
        found_v_mm = np.where(is_found, found_v_mm, best_v_mm)
        found_radius_mm = np.where(is_found, found_radius_mm, radius_mm)
        is_found = longest_mm < finest_mm
        if is_found.all():
            return found_v_mm.reshape(outer), found_radius_mm.reshape(outer)
        # Farther edges cannot touch a circle whose center moves by less than two steps.
        best_distances_mm = np.sqrt(squared_mm2[np.arange(len(best)), best[:, 0]])
        edges = edges.only((best_distances_mm <= radius_mm + 4 * step_mm).any(axis=0))
        candidates_v_mm = np.minimum(np.maximum(best_v_mm + _FINE_STEPS * step_mm, low_v_mm), high_v_mm)
        step_mm, longest_mm = step_mm / 4, longest_mm / 4


def longest_together(lengths: np.ndarray, together: np.ndarray | None) -> np.ndarray:
    """Return the greatest of these lengths, shape (t, 1), in the group of each; without groups, of all."""
    if together is None or not len(lengths):
        return np.full(lengths.shape, lengths.max(initial=0.0))
    greatest = np.zeros((together[-1] + 1, 1))
    np.maximum.at(greatest, together, lengths)
    return greatest[together]


def _radii_mm(squared_mm2: np.ndarray, centers_v_mm: np.ndarray, crossings_v_mm: np.ndarray) -> np.ndarray:
    # A center in a notch across the midline is also far from every edge, but outside the region.
    return np.where(are_inside(centers_v_mm, crossings_v_mm), np.sqrt(squared_mm2.min(axis=-1)), 0.0)


def _promising(candidates_v_mm: np.ndarray, crossings_v_mm: np.ndarray, edges: "_Edges") -> np.ndarray:
    """Return which of the candidates, shape (m,), may have the largest circle of any region."""
    some = (edges.lengths_squared > 4 * edges.lengths_squared.mean(axis=-1, keepdims=True)).any(axis=(0, 1))
    some[::_EDGE_STEP] = True
    largest_mm = _radii_mm(edges.only(some).squared_distances(candidates_v_mm), candidates_v_mm, crossings_v_mm)
    likely_v_mm = picked(candidates_v_mm, np.argmax(largest_mm, axis=-1)[:, None])
    reached_mm = _radii_mm(edges.squared_distances(likely_v_mm), likely_v_mm, crossings_v_mm)
    return np.any(largest_mm >= reached_mm - 2 * _TIE_MM, axis=0)


@dataclass(frozen=True, eq=False)
class _Edges:
    """The edges of regions, each array of shape (t, 1, n): where they start, and by how much they go on."""

    start_v: np.ndarray
    offset_u: np.ndarray
    along_u: np.ndarray
    along_v: np.ndarray
    offset_along_u: np.ndarray
    lengths_squared: np.ndarray

    @classmethod
    def of(cls, regions_uv_mm: np.ndarray) -> "_Edges":
        start_u, start_v = regions_uv_mm[:, None, :, 0], regions_uv_mm[:, None, :, 1]
        along_u, along_v = np.roll(start_u, -1, axis=-1) - start_u, np.roll(start_v, -1, axis=-1) - start_v
        lengths_squared = np.maximum(along_u**2 + along_v**2, np.finfo(float).tiny)
        return cls(start_v, -start_u, along_u, along_v, -start_u * along_u, lengths_squared)

    def only(self, which: np.ndarray | slice) -> "_Edges":
        """Return the edges that `which` selects, the same of each region."""
        return _Edges(*(values[..., which] for values in vars(self).values()))

    def squared_distances(self, v_mm: np.ndarray) -> np.ndarray:
        """Return the squared distance of points on the midline, shape (t, m), from each edge, shape (t, m, n)."""
        offset_v = v_mm[:, :, None] - self.start_v
        # In place, because the arrays are large for many placements.
        share = offset_v * self.along_v
        share += self.offset_along_u
        share /= self.lengths_squared
        np.maximum(share, 0.0, out=share)
        np.minimum(share, 1.0, out=share)
        offset_v -= share * self.along_v
        share *= self.along_u
        np.subtract(self.offset_u, share, out=share)
        share *= share
        offset_v *= offset_v
        share += offset_v
        return share
