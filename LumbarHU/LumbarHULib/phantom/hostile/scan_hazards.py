"""Hazards of a scan: each is a frozen value that changes an anatomy, with ranges sampled uniformly."""

from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Anatomy
from LumbarHULib.phantom.hostile.hazards import Range, random_side


@dataclass(frozen=True)
class DoubleContour:
    """A body cut obliquely by a thick slice, so that its anterior edge is doubled or blurred."""

    lip: Range = (0.35, 0.8)
    thickness_mm: Range = (4.0, 5.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        sign = random_side(random)
        shape = replace(anatomy.shape, tilt=sign * random.uniform(0.05, 0.25), lip=sign * random.uniform(*self.lip))
        thick = random.uniform(*self.thickness_mm)
        scanner = replace(anatomy.scanner, slice_mm=thick, thickness_mm=thick, slices=3)
        return replace(anatomy, shape=shape, scanner=scanner)


@dataclass(frozen=True)
class SharpKernel:
    """A bone or lung kernel: edges overshoot, and noise is fine and strong."""

    sharpening: Range = (0.3, 1.2)
    noise_hu: Range = (25.0, 70.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        scanner = replace(
            anatomy.scanner,
            sharpening=random.uniform(*self.sharpening),
            sharpening_fwhm_mm=random.uniform(2, 4),
            blur_fwhm_mm=random.uniform(0.8, 1.1),
            noise_hu=random.uniform(*self.noise_hu),
        )
        return replace(anatomy, scanner=scanner)


@dataclass(frozen=True)
class ThickSlice:
    """Slices of 4 to 5 mm through a body with concave walls."""

    thickness_mm: Range = (4.0, 5.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        thick = random.uniform(*self.thickness_mm)
        scanner = replace(
            anatomy.scanner,
            slice_mm=thick,
            thickness_mm=thick,
            slices=3,
            pixel_mm=random.uniform(0.75, 0.98),
            blur_fwhm_mm=random.uniform(1.2, 1.8),
        )
        shape = replace(anatomy.shape, flare_mm=random.uniform(1.5, 4), tilt=random.uniform(-0.2, 0.2))
        return replace(anatomy, scanner=scanner, shape=shape)


@dataclass(frozen=True)
class CoarsePixels:
    """Voxels of 1.5 to 3 mm, as in resampled scans."""

    pixel_mm: Range = (1.5, 3.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        pixel = random.uniform(*self.pixel_mm)
        scanner = replace(
            anatomy.scanner,
            pixel_mm=pixel,
            slice_mm=pixel,
            thickness_mm=pixel,
            blur_fwhm_mm=max(anatomy.scanner.blur_fwhm_mm, pixel),
        )
        return replace(anatomy, scanner=scanner)


@dataclass(frozen=True)
class Streaks:
    """Streaks along the rows, as at the level of the shoulders, and from metal next to the field of view."""

    shoulder_hu: Range = (10.0, 30.0)
    metal_hu: Range = (0.0, 30.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        scanner = replace(
            anatomy.scanner,
            streak_hu=random.uniform(*self.shoulder_hu),
            metal_hu=random.uniform(*self.metal_hu),
        )
        return replace(anatomy, scanner=scanner)


@dataclass(frozen=True)
class FineScan:
    """Small pixels, sharp but without edge enhancement, thin to thick cortex."""

    pixel_mm: Range = (0.3, 0.45)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        scanner = replace(anatomy.scanner, pixel_mm=random.uniform(*self.pixel_mm), blur_fwhm_mm=1.0)
        bone = replace(anatomy.bone, cortex_mm=random.uniform(0.4, 1.2))
        return replace(anatomy, scanner=scanner, bone=bone)
