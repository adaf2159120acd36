"""Check the tissue around the vertebral bodies for contrast medium in vessels and for values that are not HU."""

from collections.abc import Sequence
from dataclasses import dataclass

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

# Width of the body's blurred edge, which is ignored, in mm.
_EDGE_MM = 2.0

# Smoothing before a piece is tested for brightness throughout, so that one dark voxel of noise does not decide.
_SMOOTHING_SD_MM = 1.0

# With fewer voxels of soft tissue, they are not judged.
_FEWEST_VOXELS = 200


def surroundings_findings(
    stack: AxialStack, levels: Sequence[LevelResult], values: FindingValues
) -> tuple[Finding, ...]:
    """Return the findings on the whole CT from the tissue around the vertebral bodies."""
    brightest: tuple[float, str] | None = None
    medians_hu = []
    for level in levels:
        around = _surroundings(stack, level, values)
        bright_hu = around.bright_vessel_hu(values)
        if bright_hu is not None and (brightest is None or bright_hu > brightest[0]):
            brightest = (bright_hu, level.level)
        if around.tissue_hu.size >= _FEWEST_VOXELS:
            medians_hu.append(float(np.median(around.tissue_hu)))
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
    """

    mean_hu: np.ndarray
    is_around: np.ndarray
    from_body_mm: np.ndarray
    spacings_ji_mm: tuple[float, float]

    @property
    def tissue_hu(self) -> np.ndarray:
        """Values around the body, shape (n,)."""
        return self.mean_hu[self.is_around]

    def bright_vessel_hu(self, values: FindingValues) -> float | None:
        """Return the median at the centers of round pieces that are bright throughout; None where there is none."""
        from scipy import ndimage

        if not self.is_around.any():
            return None
        smooth_hu = ndimage.gaussian_filter(self.mean_hu, _SMOOTHING_SD_MM / np.array(self.spacings_ji_mm))
        is_dark = ~self.is_around | (smooth_hu < values.vessel_bright_hu)
        # Nothing is known beyond the crop: a piece must be completely inside it.
        framed = np.pad(is_dark, 1, constant_values=True)
        to_dark_mm = ndimage.distance_transform_edt(~framed, sampling=self.spacings_ji_mm)[1:-1, 1:-1]
        is_center = (to_dark_mm > values.vessel_radius_mm) & (self.from_body_mm <= values.vessel_distance_max_mm)
        return float(np.median(smooth_hu[is_center])) if is_center.any() else None


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
    return _Surroundings(mean_hu, (from_body_mm > _EDGE_MM) & (v_mm > low_uv[1]), from_body_mm, spacings_ji_mm)


def _uv_mm(frame: Frame, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.tensordot(frame.uv_from_ij[:, :2], np.stack([i, j]), axes=1) + frame.uv_from_ij[:, 2][:, None, None]
