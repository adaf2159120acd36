"""Check the tissue around the vertebral bodies for contrast medium in vessels and for values that are not HU."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol_values import FindingValues
from LumbarHULib.core.results import LevelResult

# Tissue behind this share of the body's depth is ignored: pedicles, ribs and transverse processes are there.
_REARMOST_SHARE = 0.5

# Width of the body's blurred edge, which is ignored, in mm; an edge between lung and tissue is as wide.
_EDGE_MM = 2.0

# Smoothing before a piece is tested for brightness throughout, so that one dark voxel of noise does not decide.
_SMOOTHING_SD_MM = 1.0

# With fewer voxels of soft tissue, they are not judged.
_FEWEST_VOXELS = 200

# Lung and air are below the first value, and farther below the brightest soft tissue than the second, in HU. The first
# holds in values that are HU; in values with an offset, only the second does. Fat is above both.
_AIR_HU, _AIR_BELOW_TISSUE_HU = -500.0, 600.0
_BRIGHTEST_PERCENT = 90

# The SD of smoothed blood within a vessel, as a share of its median and in HU, is below the larger of these limits. In
# vessels of real CTs it is at most 17 %, in an ossified ligament 39 %.
_BLOOD_SD_SHARE, _BLOOD_SD_HU = 0.2, 40.0
_QUARTILES_APART_SDS = 1.349

# A piece is bone if its rim is brighter than its middle, by this share and by this many HU, in more than this share of
# the directions: bone has a cortex on all sides, a vessel plaques on some.
_CORTEX_SHARE, _CORTEX_HU, _CORTEX_DIRECTIONS = 0.3, 60.0, 0.5
_DIRECTIONS = 24


def surroundings_findings(
    stack: AxialStack, levels: Sequence[LevelResult], values: FindingValues
) -> tuple[Finding, ...]:
    """Return the findings on the whole CT from the tissue around the vertebral bodies."""
    brightest: tuple[float, str] | None = None
    medians_hu = []
    for level in levels:
        around = _surroundings(stack, level, values)
        bright_hu = around.bright_vessel_hu()
        if bright_hu is not None and (brightest is None or bright_hu > brightest[0]):
            brightest = (bright_hu, level.level)
        tissue_hu = around.tissue_hu
        if tissue_hu.size >= _FEWEST_VOXELS:
            medians_hu.append(float(np.median(tissue_hu)))
    findings = []
    if brightest is not None:
        findings.append(
            Finding(
                "contrast_seen",
                f"A vessel next to {brightest[1]} measures {brightest[0]:.0f} HU throughout; blood without contrast "
                f"medium stays below {values.vessel_bright_hu:g} HU.",
                "Check the aorta; contrast medium raises the HU of bone by 10 to 30 HU.",
                "severe",
            )
        )
    if medians_hu and not values.tissue_median_min_hu <= np.median(medians_hu) <= values.tissue_median_max_hu:
        findings.append(
            Finding(
                "values_not_hu",
                f"The tissue around the vertebral bodies has a median of {np.median(medians_hu):.0f} HU, outside the "
                f"{values.tissue_median_min_hu:g} to {values.tissue_median_max_hu:g} HU of muscle, vessels and "
                "fat: the values are not HU.",
                "Check the CT's rescale slope and intercept: air is near -1000, fat near -100 HU.",
                "severe",
            )
        )
    return tuple(findings)


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """The part of the CT's mid-slice in front of and lateral to one body, averaged over the slab.

    Parameters
    ----------
    mean_hu : numpy.ndarray, shape (j, i)
    is_around : numpy.ndarray of bool, shape (j, i)
        True where a pixel is neither in the body or its blurred edge nor behind it.
    from_body_mm : numpy.ndarray, shape (j, i)
        Distance from the body's outline; 0 inside.
    spacings_ji_mm : tuple of float
        Steps along j and i.
    values : FindingValues
    """

    mean_hu: np.ndarray
    is_around: np.ndarray
    from_body_mm: np.ndarray
    spacings_ji_mm: tuple[float, float]
    values: FindingValues

    @cached_property
    def smooth_hu(self) -> np.ndarray:
        """The values with less noise, shape (j, i)."""
        from scipy import ndimage

        return ndimage.gaussian_filter(self.mean_hu, _SMOOTHING_SD_MM / np.array(self.spacings_ji_mm))

    @property
    def tissue_hu(self) -> np.ndarray:
        """Values around the body without lung and air, shape (n,)."""
        body_hu = self.mean_hu[self.from_body_mm == 0]
        if not self.is_around.any() or not body_hu.size or np.median(body_hu) < self.values.tissue_median_min_hu:
            return self.mean_hu[self.is_around]  # bone as dark as this is not in HU, so air cannot be recognized
        below_tissue_hu = np.percentile(self.smooth_hu[self.is_around], _BRIGHTEST_PERCENT) - _AIR_BELOW_TISSUE_HU
        is_air = self.is_around & (self.smooth_hu < max(_AIR_HU, below_tissue_hu))
        return self.mean_hu[self.is_around & (self._distance_mm(is_air) > _EDGE_MM)]

    def bright_vessel_hu(self) -> float | None:
        """Return the median at the centers of round pieces that are bright throughout; None where there is none."""
        from scipy import ndimage

        if not self.is_around.any():
            return None
        is_bright = self.is_around & (self.smooth_hu >= self.values.vessel_bright_hu)
        # Nothing is known beyond the crop: a piece must be completely inside it.
        framed = np.pad(is_bright, 1, constant_values=False)
        to_dark_mm = ndimage.distance_transform_edt(framed, sampling=self.spacings_ji_mm)[1:-1, 1:-1]
        is_center = (to_dark_mm > self.values.vessel_radius_mm) & (
            self.from_body_mm <= self.values.vessel_distance_max_mm
        )
        pieces, count = ndimage.label(is_center, np.ones((3, 3)))
        vessels = [piece for piece in (pieces == n + 1 for n in range(count)) if self._is_vessel(piece, is_bright)]
        return float(np.median(self.smooth_hu[np.logical_or.reduce(vessels)])) if vessels else None

    def _is_vessel(self, piece: np.ndarray, is_bright: np.ndarray) -> bool:
        """Return whether the piece with these centers can be blood: not too bright, even, and without a cortex."""
        from_centers_mm = self._distance_mm(piece)
        inside_hu = self.smooth_hu[from_centers_mm <= max(self.values.vessel_radius_mm - _SMOOTHING_SD_MM, 0.0)]
        blood_hu = float(np.median(self.smooth_hu[piece]))
        # From the quartiles, because a plaque does not make blood uneven.
        sd_hu = float(np.subtract(*np.percentile(inside_hu, [75, 25]))) / _QUARTILES_APART_SDS
        if blood_hu > self.values.vessel_max_hu or sd_hu > max(_BLOOD_SD_SHARE * blood_hu, _BLOOD_SD_HU):
            return False
        is_rim = is_bright & ~piece & (from_centers_mm <= self.values.vessel_radius_mm + _SMOOTHING_SD_MM)
        is_cortex = is_rim & (self.smooth_hu > blood_hu + max(_CORTEX_SHARE * blood_hu, _CORTEX_HU))
        center_ji = np.argwhere(piece).mean(axis=0)
        directions_rad = np.arctan2(*((np.argwhere(is_cortex) - center_ji) * self.spacings_ji_mm).T)
        sectors = np.unique(np.floor(directions_rad / (2 * np.pi) * _DIRECTIONS))
        return len(sectors) <= _CORTEX_DIRECTIONS * _DIRECTIONS

    def _distance_mm(self, is_there: np.ndarray) -> np.ndarray:
        """Return the distances of all pixels from those of a mask; infinite if it is empty."""
        from scipy import ndimage

        if not is_there.any():
            return np.full(is_there.shape, np.inf)
        return ndimage.distance_transform_edt(~is_there, sampling=self.spacings_ji_mm)


def _surroundings(stack: AxialStack, level: LevelResult, values: FindingValues) -> _Surroundings:
    from scipy import ndimage

    frame = level.frame
    outline = Outline(frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm
    reach_mm = values.vessel_distance_max_mm + 2 * values.vessel_radius_mm
    low_uv, high_uv = outline.min(axis=0) - reach_mm, outline.max(axis=0) + reach_mm
    low_uv[1] = -_REARMOST_SHARE * frame.depth_mm
    corners_ij = frame.to_ij([(u, v) for u in (low_uv[0], high_uv[0]) for v in (low_uv[1], high_uv[1])])
    size_ij = np.array(stack.voxels_hu.shape[:0:-1])
    low_ij = np.clip(np.floor(corners_ij.min(axis=0)).astype(int), 0, size_ij)
    high_ij = np.clip(np.ceil(corners_ij.max(axis=0)).astype(int) + 1, low_ij, size_ij)
    slab = stack.voxels_hu[level.slices[0] : level.slices[1] + 1, low_ij[1] : high_ij[1], low_ij[0] : high_ij[0]]
    mean_hu = slab.mean(axis=0, dtype=float)
    spacings_ji_mm = stack.pixel_spacings_mm[::-1]
    in_body = polygons.rasterize(frame.to_ij(outline), tuple(low_ij), mean_hu.shape, 0.0)
    from_body_mm = np.full(mean_hu.shape, np.inf)
    if in_body.any():
        from_body_mm = ndimage.distance_transform_edt(~in_body, sampling=spacings_ji_mm)
    j, i = np.indices(mean_hu.shape)
    _, v_mm = _uv_mm(frame, i + low_ij[0], j + low_ij[1])
    is_around = (from_body_mm > _EDGE_MM) & (v_mm > low_uv[1])
    return _Surroundings(mean_hu, is_around, from_body_mm, spacings_ji_mm, values)


def _uv_mm(frame: Frame, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.tensordot(frame.uv_from_ij[:, :2], np.stack([i, j]), axes=1) + frame.uv_from_ij[:, 2][:, None, None]
