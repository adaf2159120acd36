"""Fit one endplate's surface to columns of voxels that run through it.

Along a column, seen from the body's middle outward, a slice of thickness w that is blurred by b shows trabecular bone,
a thin dense endplate, the disc, the neighbor's endplate and the neighbor's bone, each for the share of the slice that
it fills. That is modeled for the voxels as they are, so slices that are thick against the disc still show where,
between two of them, the surface is. The endplate is a plane that is bent into a shallow dish.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from LumbarHULib.core.protocol_values import EndplateValues, OutlineValues

# Amplitudes in the order of the model: HU of body, disc and neighbor; HU times mm of the endplate and the neighbor's.
_AMPLITUDES = 5

# The search: places, disc heights and slopes tried, bins, all in mm; how much of the profile behind an endplate must
# fit, how far a place, and a height, may be from the expected one, and the length of profile that counts as one sample;
# the blur, so that no endplate falls between two places; what a place without a dense layer loses.
_STEP_MM = 1.0
_DISCS_MM = np.array([3.0, 5.0, 7.0, 10.0, 14.0])
_SLOPES = np.tan(np.radians([-18.0, -12.0, -6.0, 0.0, 6.0, 12.0, 18.0]))
_BIN_MM = 0.5
_NEAREST_MM, _FARTHEST_MM = 2.25, 27.0
_BEHIND_MM = 5.0
_PLACE_SD_MM, _HEIGHT_SD_MM, _KNOWN_SD_MM = 6.0, 7.0, 4.5
_CORRELATION_LENGTH_MM = 2.0
_SEARCH_SD_MM, _NO_LAYER = 0.8, 20.0
SEARCH_REACH_MM = 36.0

# An endplate behind another one and a disc is the neighbor's. A disc shows as a stretch at least this long without a
# dense layer, and another endplate by a layer of at least this part of the density of the one behind the disc.
_DISC_LEAST_MM, _LAYER_PART = 3.0, 0.6

# The fit: samples this far inside and outside the surface count, but only up to this share of the way to the body's
# middle and this far beyond the neighbor's endplate. A residual this many times the median counts as noise, and one at
# this many times the noise has half its weight. The steps begin with a model that is blurred more than the image (mm),
# so that it is drawn to an endplate from farther away, and end when all are small.
_INSIDE_MM, _OUTSIDE_MM = 9.0, 14.0
_INSIDE_SHARE, _BEYOND_NEIGHBOR_MM = 0.85, 5.0
_NOISE_PER_MEDIAN, _HALF_WEIGHT = 1.5, 2.0
_FIRST_BLURS_MM = (2.0, 2.0, 1.2, 1.2, 0.6, 0.0, 0.0, 0.0)
_LATER_BLURS_MM = (0.0, 0.0, 0.0, 0.0)
_CONVERGED_STEP = np.array([0.02, 1e-3, 1e-3, 0.05])

# Of an endplate's shape (center, slopes, dish, disc, wedge): expected mean and standard deviation, limits, largest
# step of each and of the amplitudes.
_EXPECTED_SHAPE = np.array([0.0, 0.0, 0.0, 0.8, 8.0, 0.0])
_EXPECTED_SHAPE_SD = np.array([1e3, 0.25, 0.15, 0.8, 4.0, 0.15])
_SHAPE = len(_EXPECTED_SHAPE)
_UNKNOWNS = _SHAPE + _AMPLITUDES
_HALVES = slice(0, _UNKNOWNS), slice(_UNKNOWNS, None)
_LOW = np.tile(np.concatenate([[1.0, -0.7, -0.7, -1.0, 2.0, -0.5], np.full(_AMPLITUDES, -1e4)]), 2)
_HIGH = np.tile(np.concatenate([[40.0, 0.7, 0.7, 4.0, 25.0, 0.5], np.full(_AMPLITUDES, 1e4)]), 2)
_LARGEST = np.tile(np.concatenate([[1.5, 0.1, 0.1, 0.7, 1.5, 0.1], np.full(_AMPLITUDES, 1e4)]), 2)

# How much alike the two are, by place among the unknowns, sign and standard deviation: parallel (slopes count outward),
# equally hollow, of the same bone and density.
_PARALLEL_SD = 0.08
_ALIKE = ((1, 1, _PARALLEL_SD), (2, 1, 0.05), (3, -1, 0.5), (6, -1, 20.0), (9, -1, 100.0))

# So many neighboring voxels say the same, as noise and bone have a grain.
_VOXELS_ALIKE = 4.0
# Blur along the slice normal, in addition to that by the slices' own thickness.
_THROUGH_SLICE_SD_MM = 0.5

# Slices that are thicker do not show in which of them an endplate is.
_THICK_MM = 3.2


@dataclass(frozen=True, eq=False)
class Columns:
    """Voxels in columns along the slice normal.

    Parameters
    ----------
    along_mm, across_mm : numpy.ndarray, shape (n,)
        Where the columns stand, toward anterior and toward the patient's left, from their middle one.
    outward_mm : numpy.ndarray, shape (K,)
        Heights of the slices, counted from the body's middle away from it.
    hu : numpy.ndarray, shape (n, K)
    radius_mm : float
        Of the disk in which the columns stand.
    slice_mm : float
        Thickness of a slice.
    """

    along_mm: np.ndarray
    across_mm: np.ndarray
    outward_mm: np.ndarray
    hu: np.ndarray
    radius_mm: float
    slice_mm: float

    @cached_property
    def rim(self) -> np.ndarray:
        """Square of each column's distance from the middle one, as a share of the radius's, shape (n,)."""
        return (self.along_mm**2 + self.across_mm**2) / self.radius_mm**2


@dataclass(frozen=True, eq=False)
class Surface:
    """An endplate's surface: outward height = center + slopes · (along, across) + dish · (distance / radius)².

    Parameters
    ----------
    center_mm, slope_along, slope_across, dish_mm : float
        Of the middle of the dense layer.
    disc_mm, wedge : float
        Distance to the neighbor's endplate, and by how much that rises more per mm to anterior.
    amplitudes : numpy.ndarray, shape (5,)
        HU of body, disc and neighbor, HU times mm of the endplate and the neighbor's.
    support : float
        Share of the columns, 0 to 1, in which an endplate is seen.
    """

    center_mm: float
    slope_along: float
    slope_across: float
    dish_mm: float
    disc_mm: float
    wedge: float
    amplitudes: np.ndarray
    support: float = 0.0

    @property
    def shape(self) -> np.ndarray:
        """What is not HU, shape (6,)."""
        return np.array([self.center_mm, self.slope_along, self.slope_across, self.dish_mm, self.disc_mm, self.wedge])


def _shares(x_mm: np.ndarray, slice_mm: float, sd_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for slices at height x, the share above 0, the share per mm of a thin layer at 0, and its slope."""
    from scipy.special import ndtr

    ends_mm = np.stack([x_mm + slice_mm / 2, x_mm - slice_mm / 2])
    in_sds = ends_mm / sd_mm
    shares, bells = ndtr(in_sds), _bell(in_sds)
    (high, low), (high_share, low_share), (high_bell, low_bell) = ends_mm * shares + sd_mm * bells, shares, bells
    return (high - low) / slice_mm, (high_share - low_share) / slice_mm, (high_bell - low_bell) / (slice_mm * sd_mm)


def _bell(x: np.ndarray) -> np.ndarray:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _expected(values: EndplateValues, cortex: OutlineValues) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the amplitudes, before the CT is looked at."""
    layer = cortex.cortex_hu * cortex.cortex_usual_mm
    bone, disc = values.bone_hu, values.disc_hu
    return np.array([bone, disc, bone, layer, layer]), np.array([bone, disc / 2, bone, layer / 2, layer / 2])


def search_pair(
    pair: Sequence[Columns], values: EndplateValues, cortex: OutlineValues, height_mm: float | None
) -> tuple[Surface, Surface]:
    """Return roughly where the first endplates outward from the middle are, and how they rise to the front.

    Parameters
    ----------
    pair : sequence of Columns
        Through the upper and through the lower endplate.
    values : EndplateValues
    cortex : OutlineValues
    """
    places = np.arange(_NEAREST_MM, _FARTHEST_MM, _STEP_MM)
    expected_mm = height_mm or values.height_usual_mm
    place_sd_mm, height_sd_mm = (_KNOWN_SD_MM, _KNOWN_SD_MM) if height_mm else (_PLACE_SD_MM, _HEIGHT_SD_MM)
    upper_search, lower_search = (
        [
            _search(side_columns, sign * slope, places, (expected_mm / 2, place_sd_mm), values, cortex)
            for slope in _SLOPES
        ]
        for side_columns, sign in zip(pair, (1, -1), strict=True)
    )
    upper, lower = (np.array([score for score, _ in side_search]) for side_search in (upper_search, lower_search))
    # By slope and place of the upper, and slope and place of the lower endplate.
    scores = upper[:, :, None, None] + lower
    scores -= (np.subtract.outer(_SLOPES, _SLOPES)[:, None, :, None] / _PARALLEL_SD) ** 2
    apart_mm = np.add.outer(places, places)[:, None]
    scores -= ((apart_mm - expected_mm) / height_sd_mm) ** 2
    slope, place, slope_below, place_below = np.unravel_index(np.argmax(scores), scores.shape)
    return upper_search[slope][1](int(place)), lower_search[slope_below][1](int(place_below))


def _search(
    columns: Columns,
    slope: float,
    places: np.ndarray,
    expected_mm: tuple[float, float],
    values: EndplateValues,
    cortex: OutlineValues,
) -> tuple[np.ndarray, Callable[[int], Surface]]:
    """Return scores of places of the endplate, which rises by `slope`, and a function from place to surface.

    All columns count as one profile. `expected_mm` is the mean and the standard deviation of the place before the CT is
    looked at.

    A place is scored by how much better the model explains the profile from the body's middle to behind the endplate
    than one constant does: so an endplate before another is found first.
    """
    x_mm, hu, variance, weight = _profile(columns, slope)
    # Behind a disc, the neighbor's endplate is at one of these positions, or farther out in the same step.
    steps = (_DISCS_MM / _STEP_MM).astype(int)
    farther = places[0] + _STEP_MM * np.arange(len(places) + steps.max())
    neighbor = np.arange(len(places))[:, None] + steps
    shape = columns.slice_mm, _SEARCH_SD_MM
    depth = x_mm - places[:, None, None]
    all_above, all_layers, _ = _shares(x_mm - farther[:, None], *shape)
    above, above_beyond = all_above[: len(places), None], all_above[neighbor]
    parts = np.empty((*neighbor.shape, _AMPLITUDES, len(x_mm)))
    parts[:, :, 0], parts[:, :, 1], parts[:, :, 2] = 1 - above, above - above_beyond, above_beyond
    parts[:, :, 3], parts[:, :, 4] = all_layers[: len(places), None], all_layers[neighbor]
    weights = weight * (depth < _BEHIND_MM + columns.slice_mm / 2)  # the same for every disc

    mean, sd = _expected(values, cortex)
    prior = (values.misfit_hu / sd) ** 2
    weighted = parts * weights[:, :, None]
    response = weighted @ hu + prior * mean
    amplitudes = np.linalg.solve(weighted @ np.swapaxes(parts, 2, 3) + np.diag(prior), response[..., None])[..., 0]
    residual = hu - (amplitudes[..., None, :] @ parts)[..., 0, :]
    total = weights.sum(axis=-1)
    within = (weights * variance).sum(axis=-1) + total * values.misfit_hu**2
    left = (weights * residual**2).sum(axis=-1) + within
    mean_hu = (weights * hu).sum(axis=-1) / total
    plain = (weights * (hu - mean_hu[..., None]) ** 2).sum(axis=-1) + within
    unlikely = (((amplitudes - mean) / sd) ** 2).sum(axis=-1)
    unlikely = unlikely + ((_DISCS_MM - _EXPECTED_SHAPE[4]) / _EXPECTED_SHAPE_SD[4]) ** 2
    unlikely = unlikely + (((places - expected_mm[0]) / expected_mm[1]) ** 2)[:, None]
    unlikely = unlikely + _NO_LAYER * (amplitudes[..., 3] < values.layer_min_hu_mm)
    score = total * np.log(plain / left) - unlikely
    best = np.argmax(score, axis=1)
    chosen = np.arange(len(places)), best
    scores, layers = score[chosen], amplitudes[..., 3][chosen]
    scores = scores - _NO_LAYER * _behind_disc(scores, layers)

    def surface(place: int) -> Surface:
        disc = best[place]
        shape = float(places[place]), float(slope), 0.0, 0.0, float(_DISCS_MM[disc]), 0.0
        return Surface(*shape, amplitudes[place, disc])

    return scores, surface


def _behind_disc(scores: np.ndarray, layers_hu_mm: np.ndarray) -> np.ndarray:
    """Return the positions, counted outward, at which a dense layer is behind another one and a disc."""
    has_layer = scores > -_NO_LAYER / 2
    places = round(_DISC_LEAST_MM / _STEP_MM)
    bare = np.convolve(~has_layer, np.ones(places, dtype=int))[: len(scores)] == places
    densest = np.maximum.accumulate(np.where(has_layer, layers_hu_mm, 0.0))
    before_disc = np.maximum.accumulate(np.where(bare, densest, 0.0))
    return has_layer & (before_disc > _LAYER_PART * layers_hu_mm)


def _profile(columns: Columns, slope: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return outward place, mean HU, their variance and the weight of bins of all columns' voxels."""
    outward_mm = (columns.outward_mm - slope * columns.along_mm[:, None]).ravel()
    bins = np.floor(outward_mm / _BIN_MM).astype(int)
    inside = (bins >= 0) & (bins < SEARCH_REACH_MM / _BIN_MM)
    bins, hu, outward_mm = bins[inside], columns.hu.ravel()[inside], outward_mm[inside]
    count = np.bincount(bins)
    filled = count > 0
    count = count[filled]
    x_mm, mean, square = (np.bincount(bins, values)[filled] / count for values in (outward_mm, hu, hu**2))
    return x_mm, mean, np.maximum(square - mean**2, 0), count / count.sum() * SEARCH_REACH_MM / _CORRELATION_LENGTH_MM


def first_fit(
    pair: Sequence[Columns], values: EndplateValues, cortex: OutlineValues, height_mm: float | None
) -> tuple[Surface, Surface]:
    """Return the upper and the lower endplate's surface in columns about where they are expected.

    Where slices are thick, an endplate in one of them looks much like one in the next: each is tried.
    """
    upper, lower = search_pair(pair, values, cortex, height_mm)
    shifts_mm: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    if pair[0].slice_mm > _THICK_MM:
        shift = pair[0].slice_mm / 2
        shifts_mm += ((shift, 0.0), (-shift, 0.0), (0.0, shift), (0.0, -shift))
    starts = [
        (replace(upper, center_mm=upper.center_mm + upper_mm), replace(lower, center_mm=lower.center_mm + lower_mm))
        for upper_mm, lower_mm in shifts_mm
    ]
    fits = [_fit(pair, start, _FIRST_BLURS_MM, values, cortex) for start in starts]
    return min(fits, key=lambda fit: fit[0])[1]


def refine_pair(
    pair: Sequence[Columns], starts: Sequence[Surface], values: EndplateValues, cortex: OutlineValues
) -> tuple[Surface, Surface]:
    """Return the surfaces in other columns than those of `starts`, from which the fit begins."""
    return _fit(pair, starts, _LATER_BLURS_MM, values, cortex)[1]


def _fit(
    pair: Sequence[Columns],
    starts: Sequence[Surface],
    blurs_mm: Sequence[float],
    values: EndplateValues,
    cortex: OutlineValues,
) -> tuple[float, tuple[Surface, Surface]]:
    """Return cost and surfaces of the fit to all columns, by a Gauss-Newton step for each of `blurs_mm`.

    Both endplates are fitted together, as those of one body are much alike: where slices are thick, each helps the
    other.
    """
    mean, sd = _expected(values, cortex)
    expected = np.tile(np.concatenate([_EXPECTED_SHAPE, mean]), 2)
    prior = np.diag(np.tile(np.concatenate([_EXPECTED_SHAPE_SD, sd]), 2) ** -2.0)
    for place, sign, difference_sd in _ALIKE:
        difference = np.zeros(2 * _UNKNOWNS)
        difference[[place, _UNKNOWNS + place]] = 1, sign
        prior += np.outer(difference, difference) / difference_sd**2
    unknowns = np.concatenate([part for start in starts for part in (start.shape, start.amplitudes)])
    noise = values.misfit_hu
    for extra_sd_mm in blurs_mm:
        matrix, vector = prior.copy(), prior @ (expected - unknowns)
        for columns, half in zip(pair, _HALVES, strict=True):
            model, jacobian, hu = _modeled(columns, unknowns[half], extra_sd_mm)
            if not len(hu):
                return _unseen(starts)
            residual = hu - model
            scale = max(_NOISE_PER_MEDIAN * _median(np.abs(residual)), noise)
            weight = 1 / (1 + (residual / (_HALF_WEIGHT * scale)) ** 2) / (scale**2 * _VOXELS_ALIKE)
            weighted = jacobian * weight
            matrix[half, half] += weighted @ jacobian.T
            vector[half] += weighted @ residual
        step = np.linalg.solve(matrix, vector)
        unknowns = np.minimum(np.maximum(unknowns + np.minimum(np.maximum(step, -_LARGEST), _LARGEST), _LOW), _HIGH)
        if extra_sd_mm == 0 and np.all(np.abs(step.reshape(2, -1)[:, :4]) < _CONVERGED_STEP):
            break
    off = unknowns - expected
    cost, surfaces = off @ prior @ off / 2, []
    for columns, half in zip(pair, _HALVES, strict=True):
        center, slope_along, slope_across, dish, disc, wedge = unknowns[half][:_SHAPE].tolist()
        surface = Surface(center, slope_along, slope_across, dish, disc, wedge, unknowns[half][_SHAPE:])
        surfaces.append(replace(surface, support=_support(columns, surface, values)))
        model, _, hu = _modeled(columns, unknowns[half], 0.0)
        if not len(hu):
            return _unseen(starts)
        # Windows differ in size, so the mean counts, as if all had as many voxels.
        count = columns.hu.shape[0] * (_INSIDE_MM + _OUTSIDE_MM) / columns.slice_mm / _VOXELS_ALIKE
        cost += 2 * count * np.mean(np.log1p(((hu - model) / (_HALF_WEIGHT * noise)) ** 2))
    upper, lower = surfaces
    return float(cost), (upper, lower)


def _median(values: np.ndarray) -> float:
    """Return the median as `numpy.median` does, which takes several times as long for few values."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _unseen(starts: Sequence[Surface]) -> tuple[float, tuple[Surface, Surface]]:
    """Return what a fit that left the scan yields: it explains nothing, and no endplate is seen."""
    upper, lower = (replace(start, support=0.0) for start in starts)
    return np.inf, (upper, lower)


def _modeled(columns: Columns, unknowns: np.ndarray, extra_sd_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the modeled HU, shape (m,), their derivatives, shape (unknowns, m), and the HU themselves."""
    center, slope_along, slope_across, dish, disc, wedge, *amplitudes = unknowns.tolist()
    along, across, rim = columns.along_mm, columns.across_mm, columns.rim
    plane = columns.outward_mm - center - slope_along * along[:, None] - slope_across * across[:, None]
    depth = plane - dish * rim[:, None]
    window = depth > -min(_INSIDE_MM, _INSIDE_SHARE * center)
    window &= depth < min(_OUTSIDE_MM, disc + _BEYOND_NEIGHBOR_MM)
    chosen = np.flatnonzero(window)
    along, across, rim = (of_column[chosen // depth.shape[1]] for of_column in (along, across, rim))
    beyond = plane.ravel()[chosen] - disc - wedge * along + dish * rim
    sd_mm = np.sqrt(_THROUGH_SLICE_SD_MM**2 + extra_sd_mm**2 + (slope_along**2 + slope_across**2) / 4)
    bone, disc_hu, neighbor, mass, mass_beyond = amplitudes
    (above, above_beyond), (layer, layer_beyond), (layer_slope, layer_slope_beyond) = _shares(
        np.stack([depth.ravel()[chosen], beyond]), columns.slice_mm, sd_mm
    )
    model = bone + (disc_hu - bone) * above + (neighbor - disc_hu) * above_beyond
    model = model + mass * layer + mass_beyond * layer_beyond
    by_depth = (disc_hu - bone) * layer + mass * layer_slope
    by_beyond = (neighbor - disc_hu) * layer_beyond + mass_beyond * layer_slope_beyond
    by_both = by_depth + by_beyond
    jacobian = np.empty((_UNKNOWNS, len(chosen)))
    jacobian[:3] = -by_both, -by_both * along, -by_both * across
    jacobian[3:6] = (by_beyond - by_depth) * rim, -by_beyond, -by_beyond * along
    jacobian[6:] = 1 - above, above - above_beyond, above_beyond, layer, layer_beyond
    return model, jacobian, columns.hu.ravel()[chosen]


def _support(columns: Columns, surface: Surface, values: EndplateValues) -> float:
    """Return the share of columns in which the dense layer is at least the thinnest that counts as an endplate."""
    bone, disc_hu = surface.amplitudes[:2]
    height = surface.center_mm + surface.slope_along * columns.along_mm + surface.slope_across * columns.across_mm
    depth = columns.outward_mm - (height + surface.dish_mm * columns.rim)[:, None]
    above, whole_layer, _ = _shares(depth, columns.slice_mm, _THROUGH_SLICE_SD_MM)
    layer = whole_layer * (depth < surface.disc_mm / 2)
    seen = columns.hu - (bone + (disc_hu - bone) * above)
    mass = (seen * layer).sum(axis=1) / np.maximum((layer**2).sum(axis=1), 1e-9)
    return float(np.mean(mass > values.layer_min_hu_mm))
