"""The parameters and the result of the outline search."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.outline.learned_shape import BODY_SHAPE
from LumbarHULib.core.outline.shape import BodyShape
from LumbarHULib.core.protocol_values import OutlineValues


@dataclass(frozen=True)
class OutlineModel:
    """What an outline search assumes about a vertebral body: the protocol's values, and those that a search varies.

    Parameters
    ----------
    values : OutlineValues
        The protocol's values.
    cortex_hu : float
        HU of cortical bone without blur: the protocol's, or that of denser bone found in the image.
    end_sd_mm : float
        Standard deviation of the midline's ends: the protocol's, or more where no reader placed them exactly.
    end_tolerance_mm : float
        Largest distance of a midline end from the edge in the CT.
    shape : BodyShape
        The shape of vertebral bodies.
    """

    values: OutlineValues
    cortex_hu: float
    end_sd_mm: float
    end_tolerance_mm: float
    shape: BodyShape = BODY_SHAPE

    @classmethod
    def from_values(cls, values: OutlineValues) -> "OutlineModel":
        """Return the model for a midline that a reader placed."""
        return cls(values, values.cortex_hu, values.end_sd_mm, values.end_tolerance_mm)

    @property
    def blur_fwhm_mm(self) -> tuple[float, float]:
        """Least and greatest in-plane blur of the scanner."""
        return self.values.blur_min_mm, self.values.blur_max_mm

    def usual_sd_mm(self, pixel_mm: float) -> float:
        """Return the standard deviation of the usual blur and the pixel together, in mm."""
        return float(np.hypot(SD_PER_FWHM * np.mean(self.blur_fwhm_mm), SD_PER_PIXEL * pixel_mm))

    def sd_range_mm(self, pixel_mm: float) -> tuple[float, float]:
        """Return the least and greatest standard deviation of blur and pixel together, in mm.

        Resampling an image to its pixels adds up to one pixel of blur.
        """
        least, greatest = SD_PER_FWHM * np.array(self.blur_fwhm_mm)
        return float(np.hypot(least, SD_PER_PIXEL * pixel_mm)), float(np.hypot(greatest, pixel_mm))


@dataclass(frozen=True)
class OutlineFit:
    """An outline found in a plane, in the frame of its midline.

    Parameters
    ----------
    control_points_uv_mm : array, shape (n, 2)
        Counterclockwise in (u, v), which is clockwise seen from superior. The outline is the closed periodic cubic
        spline with uniform parameter through them. The last and the first are on either side of the anterior midline
        end, the first to the patient's right.
    support : array, shape (n,)
        Share of the outline around each control point that follows a visible cortex, 0 to 1. Where it is 0 (pedicles,
        basivertebral foramen), the outline bridges the gap.
    blur_fwhm_mm : float
        In-plane blur found, without the pixel's own width.
    cortex_mm : float
        Median thickness of the cortex found, assuming the model's HU.
    residual_hu : float
        Root mean square of image minus model on the median profile, from noise and from what the model omits.
    doubt_mm : array, shape (n,)
        Standard deviation of the outline at each control point along its normal: by how much it may be off.
    end_offsets_mm : (float, float)
        Distance along the midline of the anterior and the posterior midline end from the outline; positive outside.
    """

    control_points_uv_mm: np.ndarray
    support: np.ndarray
    blur_fwhm_mm: float
    cortex_mm: float
    residual_hu: float
    doubt_mm: np.ndarray
    end_offsets_mm: tuple[float, float]

    @property
    def supported_fraction(self) -> float:
        """Fraction of the perimeter, 0 to 1, that follows a visible cortex."""
        return float(np.mean(self.support))


# Standard deviation of a Gaussian of unit full width at half maximum, and of a box of unit width.
SD_PER_FWHM = 1 / np.sqrt(8 * np.log(2))
SD_PER_PIXEL = 1 / np.sqrt(12)
