"""The oval region: the ellipse of greatest area in the anterior region with one axis on the midline."""

from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.core.circle import longest_together
from LumbarHULib.core.polygons import are_inside, picked

# Of ellipses whose areas differ by less than this, the longer and then the more anterior one is chosen.
_AREA_TIE_MM2 = 1e-6

# A corner this close to the straight edge belongs to it.
_ON_LINE_MM = 1e-9

_COARSE_STEPS = 24
_SHRINK = 0.5

# Default precision of the search, in mm.
FINEST_MM = 1e-6

# The coarse search tries every pair of different steps; the finer ones try these positions around the best, in units of
# their reach.
_COARSE_PAIRS = np.array(np.triu_indices(_COARSE_STEPS + 1, 1))
_FINE_OFFSETS = np.linspace(-1.0, 1.0, 7)[np.indices((7, 7)).reshape(2, -1)]
_FORWARD_OFFSETS = _FINE_OFFSETS[:, _FINE_OFFSETS[0] >= 0.0]

# The coarse search begins with every fourth corner: where these leave too small an ellipse, the others need not be
# computed. The share is for rounding.
_CORNER_STEP = 4
_ROUNDING = 1e-9

# Products of a corner and an ellipse computed at once, at most: they fit into a processor's cache.
_MOST_PRODUCTS = 1 << 17

# Smallest squared distance of a corner from the midline; avoids a division by zero.
_SMALLEST_MM2 = 1e-30
# For an ellipse whose tip is at a corner, 1 − 1 gives zero or a rounding error of either sign. Divided by the smallest
# square, a positive one would leave the ellipse no width. With this factor slightly below 1 it is always negative.
_ROOM = 1.0 - 1e-12


def largest_oval(
    regions_uv_mm: np.ndarray,
    crossings_v_mm: np.ndarray,
    line_normal_uv: np.ndarray,
    line_offset_mm: float,
    finest_mm: float = FINEST_MM,
    together: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ellipse of greatest area inside each region with one axis on the midline (u = 0).

    Three numbers are free: the center's position on the midline and both half-axes. For an ellipse from ``v = bottom``
    to ``v = top``, the greatest half-axis along u has a closed form. This leaves a search over two numbers, first a
    coarse one over their whole range, then finer ones around the best.

    Parameters
    ----------
    regions_uv_mm : numpy.ndarray, shape (..., n, 2)
        Corners of each region, dense on its curved edge, in mm.
    crossings_v_mm : numpy.ndarray, shape (..., k)
        Where its edge crosses the midline, ascending, as `crossings_of_axis` returns it.
    line_normal_uv, line_offset_mm : numpy.ndarray, shape (2,), and float
        The straight edge of all regions: a region is where ``line_normal_uv @ (u, v) >= line_offset_mm``.
    finest_mm : float
        The search ends when its step is this small in all regions, or in all of one group.
    together : numpy.ndarray of int, shape (t,), optional
        The group of each region, ascending from 0; only with regions of shape (t, n, 2).

    Returns
    -------
    tuple of numpy.ndarray, shape (...)
        Center v, half-axis along u, half-axis along v, in mm; all zero where no ellipse fits.
    """
    outer = regions_uv_mm.shape[:-2]
    regions_uv_mm = regions_uv_mm.reshape(-1, *regions_uv_mm.shape[-2:])
    crossings_v_mm = crossings_v_mm.reshape(len(regions_uv_mm), -1)
    lowest = line_offset_mm / line_normal_uv[1]
    highest = crossings_v_mm.max(axis=-1, initial=-np.inf)[:, None]
    fits = highest - lowest >= FINEST_MM
    highest = np.where(fits, highest, lowest + FINEST_MM)
    step = (highest - lowest) / _COARSE_STEPS
    bottom, top = lowest + step * _COARSE_PAIRS[0], lowest + step * _COARSE_PAIRS[1]
    room = _Room.of(regions_uv_mm, crossings_v_mm, line_normal_uv, line_offset_mm)
    promising = room.promising(bottom, top)
    found = room.best(bottom[:, promising], top[:, promising])
    reach = 2 * step
    longest = longest_together(reach, together)
    while not (is_found := longest <= finest_mm).all():
        best_bottom, best_top, _ = found
        # Ellipses that already begin at the straight edge cannot begin behind it.
        offsets = _FORWARD_OFFSETS if np.all(best_bottom == lowest) else _FINE_OFFSETS
        bottom = np.minimum(np.maximum(best_bottom + reach * offsets[0], lowest), highest)
        top = np.minimum(np.maximum(best_top + reach * offsets[1], lowest), highest)
        finer = room.best(bottom, top)
        best_bottom, best_top, half_u = (np.where(is_found, *pair) for pair in zip(found, finer, strict=True))
        found = best_bottom, best_top, half_u
        reach, longest = reach * _SHRINK, longest * _SHRINK
    best_bottom, best_top, half_u = found
    figures = ((best_top + best_bottom) / 2, half_u, (best_top - best_bottom) / 2)
    center_v, half_u, half_v = (np.where(fits, figure, 0.0).reshape(outer) for figure in figures)
    return center_v, half_u, half_v


@dataclass(frozen=True, eq=False)
class _Room:
    """The room for ellipses in regions: bounds of an ellipse's half-axis along u.

    They come from the corners, and from the region's width, which covers the case of corners that are far apart, and
    only toward the sides; elsewhere an ellipse may pass between two corners.

    An ellipse of center c and half-axes a, b leaves a corner (u, v) outside while ``(1 − ((v − c) / b)²) / u² <=
    1 / a²``. The left side is a sum of four products, each of a factor of the corner and a factor of the ellipse.

    Parameters
    ----------
    crossings_v_mm : numpy.ndarray, shape (t, k)
        Where each region's edge crosses the midline.
    corner_terms : numpy.ndarray, shape (t, 4, n)
        Each corner's factors of the four products.
    origin_v : numpy.ndarray, shape (t, 1)
        The v from which they count.
    least : numpy.ndarray, shape (t, 1)
        The bound from the width: 1 / u² of the nearer side.
    line_normal_uv, line_offset_mm : numpy.ndarray, shape (2,), and float
        The straight edge.
    """

    crossings_v_mm: np.ndarray
    corner_terms: np.ndarray
    origin_v: np.ndarray
    least: np.ndarray
    line_normal_uv: np.ndarray
    line_offset_mm: float

    @classmethod
    def of(
        cls, regions_uv_mm: np.ndarray, crossings_v_mm: np.ndarray, line_normal_uv: np.ndarray, line_offset_mm: float
    ) -> "_Room":
        u = regions_uv_mm[..., 0]
        origin_v = regions_uv_mm[..., 1].mean(axis=-1, keepdims=True)
        u_squared, v = u**2, regions_uv_mm[..., 1] - origin_v
        on_curve = regions_uv_mm @ line_normal_uv > line_offset_mm + _ON_LINE_MM
        weight = np.where(on_curve, 1.0 / np.maximum(u_squared, _SMALLEST_MM2), 0.0)
        corner_terms = np.stack([weight * _ROOM, -weight * v**2, 2 * weight * v, -weight], axis=1)
        nearer_side = np.maximum(np.minimum(u.max(axis=-1), -u.min(axis=-1)), 0.0)[:, None]
        least = 1.0 / np.maximum(nearer_side**2, _SMALLEST_MM2)
        return cls(crossings_v_mm, corner_terms, origin_v, least, line_normal_uv, line_offset_mm)

    def promising(self, bottom: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Return which ellipses from `bottom` to `top`, shape (t, m), may be the greatest of any region, shape (m,)."""
        most = replace(self, corner_terms=self.corner_terms[..., ::_CORNER_STEP]).areas(bottom, top)[0]
        likely = np.argmax(most, axis=-1)[:, None]
        reached = self.areas(picked(bottom, likely), picked(top, likely))[0]
        return np.any(most >= (1 - _ROUNDING) * reached - 2 * _AREA_TIE_MM2, axis=0)

    def areas(self, bottom: np.ndarray, top: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return area, center v and half-axes along u and v of ellipses, shape (t, m); zero outside the region."""
        center, half_v = (top + bottom) / 2, np.maximum((top - bottom) / 2, FINEST_MM)
        half_u = self._half_axis_u(center, half_v)
        # An ellipse without a corner inside it is either inside the region or outside, as in a notch across the
        # midline.
        return np.pi * half_u * half_v * are_inside(center, self.crossings_v_mm), center, half_u, half_v

    def best(self, bottom: np.ndarray, top: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return bottom, top and half-axis along u, shape (t, 1), of the greatest ellipse of each region."""
        area, center, half_u, half_v = self.areas(bottom, top)
        is_best = area >= area.max(axis=-1, keepdims=True) - _AREA_TIE_MM2
        if np.count_nonzero(is_best) > len(is_best):
            for key in (half_v, center):
                tied_key = np.where(is_best, key, -np.inf)
                is_best = tied_key == tied_key.max(axis=-1, keepdims=True)
        best = np.argmax(is_best, axis=-1)[:, None]
        return picked(bottom, best), picked(top, best), picked(half_u, best)

    def _half_axis_u(self, center: np.ndarray, half_v: np.ndarray) -> np.ndarray:
        """Return the greatest half-axis along u of ellipses with the given center v and half-axis along v."""
        from_origin, per_square = center - self.origin_v, 1.0 / half_v**2
        ellipse_terms = np.empty((*center.shape, 4))
        ellipse_terms[..., 0] = 1.0
        ellipse_terms[..., 1] = per_square
        ellipse_terms[..., 2] = from_origin * per_square
        ellipse_terms[..., 3] = from_origin**2 * per_square
        # A corner limits an ellipse only if the ellipse reaches it along v; otherwise the product is negative.
        size = self.corner_terms.shape[-1] * center.shape[1]
        parts = [
            slice(at, at + step) for step in [max(_MOST_PRODUCTS // size, 1)] for at in range(0, len(center), step)
        ]
        greatest = np.concatenate(
            [_greatest_of_corners(self.corner_terms[part], ellipse_terms[part]) for part in parts]
        )
        squared = 1.0 / np.maximum(greatest, self.least)
        # Tangent condition of an oblique straight edge: (n_u a)² + (n_v b)² = distance of the center from it, squared.
        normal_u, normal_v = self.line_normal_uv
        if abs(normal_u) > 1e-9:
            room_squared = (center * normal_v - self.line_offset_mm) ** 2 - (half_v * normal_v) ** 2
            squared = np.minimum(squared, np.maximum(room_squared, 0.0) / normal_u**2)
        return np.sqrt(squared)


def _greatest_of_corners(corner_terms: np.ndarray, ellipse_terms: np.ndarray) -> np.ndarray:
    """Return the greatest product over the corners, shape (t, m), from the terms (t, 4, n) and (t, m, 4)."""
    if corner_terms.shape[-1] > ellipse_terms.shape[1]:
        return (ellipse_terms @ corner_terms).max(axis=-1)
    # numpy takes a maximum over a few corners faster along the other axis.
    return (corner_terms.swapaxes(1, 2) @ ellipse_terms.swapaxes(1, 2)).max(axis=-2)
