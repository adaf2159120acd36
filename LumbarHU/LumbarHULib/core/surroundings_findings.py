"""What stands around the bodies tells of the acquisition: contrast medium in vessels, and values that are no HU."""

from collections.abc import Sequence

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.outline import Outline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult

# Nothing behind this share of the body's depth is looked at: there are pedicles, ribs and transverse processes.
_REARMOST_SHARE = 0.5

# The body's own blurred edge is left out, in mm.
_EDGE_MM = 2.0

# Smoothed before a piece is asked to be bright throughout, lest its darkest voxel of noise decide.
_SMOOTHING_SD_MM = 1.0

# So many voxels of soft tissue at the least, or nothing is said of them.
_FEWEST_VOXELS = 200


def surroundings_findings(stack: AxialStack, levels: Sequence[LevelResult], protocol: Protocol) -> tuple[Finding, ...]:
    """Return what the tissue around the levels' bodies tells of the whole CT."""
    brightest: tuple[float, str] | None = None
    medians_hu = []
    for level in levels:
        around = _Surroundings(stack, level, protocol)
        bright_hu = around.bright_vessel_hu(protocol)
        if bright_hu is not None and (brightest is None or bright_hu > brightest[0]):
            brightest = (bright_hu, level.level)
        if around.tissue_hu.size >= _FEWEST_VOXELS:
            medians_hu.append(float(np.median(around.tissue_hu)))
    findings = []
    if brightest is not None:
        findings.append(
            Finding(
                "contrast_seen",
                f"A vessel beside {brightest[1]} measures {brightest[0]:.0f} HU throughout, and blood without contrast "
                f"medium stays below {protocol.vessel_bright_hu:g} HU.",
                "Look at the aorta; contrast medium makes bone denser, by 10 to 30 HU.",
                "severe",
            )
        )
    if medians_hu and not protocol.tissue_median_min_hu <= np.median(medians_hu) <= protocol.tissue_median_max_hu:
        findings.append(
            Finding(
                "values_not_hu",
                f"The tissue around the bodies has a median of {np.median(medians_hu):.0f} HU, which muscle, vessels "
                f"and fat have not ({protocol.tissue_median_min_hu:g} to {protocol.tissue_median_max_hu:g} HU): the "
                "values are not HU.",
                "Check the CT's rescale: air is near -1000, fat near -100 HU.",
                "severe",
            )
        )
    return tuple(findings)


class _Surroundings:
    """A piece of the CT's mid-slice in front of and beside one body, averaged over the slab.

    Parameters
    ----------
    stack : AxialStack
    level : LevelResult
    protocol : Protocol
    """

    def __init__(self, stack: AxialStack, level: LevelResult, protocol: Protocol):
        frame = level.frame
        outline = Outline(frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm
        reach_mm = protocol.vessel_distance_max_mm + 2 * protocol.vessel_radius_mm
        low_uv, high_uv = outline.min(axis=0) - reach_mm, outline.max(axis=0) + reach_mm
        low_uv[1] = -_REARMOST_SHARE * frame.depth_mm
        corners_uv = np.array([(u, v) for u in (low_uv[0], high_uv[0]) for v in (low_uv[1], high_uv[1])])
        corners_ij = frame.to_ij(corners_uv)
        size_ij = np.array(stack.voxels_hu.shape[:0:-1])
        low_ij = np.clip(np.floor(corners_ij.min(axis=0)).astype(int), 0, size_ij)
        high_ij = np.clip(np.ceil(corners_ij.max(axis=0)).astype(int) + 1, low_ij, size_ij)
        slab = stack.voxels_hu[level.slices[0] : level.slices[1] + 1, low_ij[1] : high_ij[1], low_ij[0] : high_ij[0]]
        self._stack = stack
        self._mean_hu = slab.mean(axis=0, dtype=float)
        j, i = np.indices(self._mean_hu.shape)
        self._uv_mm = _uv_mm(frame, i + low_ij[0], j + low_ij[1])
        in_body = polygons.rasterize(frame.to_ij(outline), tuple(low_ij), self._mean_hu.shape, 0.0)
        self._from_body_mm = self._distances_mm(in_body)
        self._is_around = (self._from_body_mm > _EDGE_MM) & (self._uv_mm[1] > low_uv[1])

    @property
    def tissue_hu(self) -> np.ndarray:
        """Values around the body, shape (n,)."""
        return self._mean_hu[self._is_around]

    def bright_vessel_hu(self, protocol: Protocol) -> float | None:
        """Return the mean of the brightest round piece that is bright throughout; None where there is none."""
        from scipy import ndimage

        if not self._is_around.any():
            return None
        smooth_hu = ndimage.gaussian_filter(
            self._mean_hu, _SMOOTHING_SD_MM / np.array(self._stack.pixel_spacings_mm[::-1])
        )
        is_dark = ~self._is_around | (smooth_hu < protocol.vessel_bright_hu)
        # Beyond the crop nothing is known: a piece must lie in it whole.
        framed = np.pad(is_dark, 1, constant_values=True)
        to_dark_mm = ndimage.distance_transform_edt(~framed, sampling=self._stack.pixel_spacings_mm[::-1])[1:-1, 1:-1]
        is_center = (to_dark_mm > protocol.vessel_radius_mm) & (self._from_body_mm <= protocol.vessel_distance_max_mm)
        return float(np.median(smooth_hu[is_center])) if is_center.any() else None

    def _distances_mm(self, in_body: np.ndarray) -> np.ndarray:
        from scipy import ndimage

        if not in_body.any():
            return np.full(in_body.shape, np.inf)
        return ndimage.distance_transform_edt(~in_body, sampling=self._stack.pixel_spacings_mm[::-1])


def _uv_mm(frame: Frame, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.tensordot(frame.uv_from_ij[:, :2], np.stack([i, j]), axes=1) + frame.uv_from_ij[:, 2][:, None, None]
