"""Hazards of the bone itself: each is a frozen value that changes an anatomy, with ranges sampled uniformly."""

from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Anatomy, Band, Lesion, Spur
from LumbarHULib.phantom.hostile.hazards import Range, random_side


@dataclass(frozen=True)
class Osteophytes:
    """One to three osteophytes at the front and the sides."""

    height_mm: Range = (2.5, 8.0)
    width_mm: Range = (7.0, 16.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        spurs = [
            Spur(
                random.uniform(0, 180),
                random.uniform(*self.width_mm),
                random.uniform(*self.height_mm),
                random.uniform(120, 700),
                random.uniform(0.4, 1.5),
                random.uniform(-0.15, 0.15),
                random.uniform(0.4, 1),
            )
            for _ in range(random.integers(1, 4))
        ]
        return replace(anatomy, spurs=(*anatomy.spurs, *spurs))


@dataclass(frozen=True)
class Bridging:
    """A bridging syndesmophyte that covers a front corner or more."""

    height_mm: Range = (3.0, 10.0)
    width_mm: Range = (20.0, 45.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        bridge = Spur(
            random.choice([50.0, 90.0, 130.0]) + random.uniform(-15, 15),
            random.uniform(*self.width_mm),
            random.uniform(*self.height_mm),
            random.uniform(250, 850),
            random.uniform(0.6, 2.0),
            random.uniform(-0.05, 0.05),
            random.uniform(0.3, 1.0),
        )
        return replace(anatomy, spurs=(*anatomy.spurs, bridge))


@dataclass(frozen=True)
class Ligament:
    """Calcified longitudinal ligaments: a second contour in front of the body, or behind it in the canal."""

    gap_mm: Range = (0.2, 1.8)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        at_back = random.random() < 0.4
        inner_mm = anatomy.shape.canal * anatomy.shape.width_mm
        bands = [
            Band(
                random.uniform(262, 278) if behind else random.uniform(60, 120),
                random.uniform(0.5, 0.9) * inner_mm if behind else random.uniform(12, 30),
                random.uniform(*self.gap_mm),
                random.uniform(1.0, 3.5),
                random.uniform(300, 900),
            )
            for behind in ([True, False] if at_back else [False])
        ]
        return replace(anatomy, bands=(*anatomy.bands, *bands))


@dataclass(frozen=True)
class Sclerosis:
    """Dense corners and bone islands inside the body."""

    hu: Range = (250.0, 650.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        shape = anatomy.shape
        lesions = []
        for _ in range(random.integers(1, 4)):
            angle = random.uniform(-0.5, np.pi + 0.5)
            reach = random.uniform(0.6, 0.95)
            center = (
                reach * shape.width_mm / 2 * np.cos(angle),
                -shape.depth_mm / 2 + reach * shape.depth_mm / 2 * np.sin(angle),
                random.uniform(-3, 3),
            )
            lesions.append(Lesion(center, tuple(random.uniform(2.5, 7, 3)), random.uniform(*self.hu)))
        return replace(anatomy, lesions=(*anatomy.lesions, *lesions))


@dataclass(frozen=True)
class SchmorlNode:
    """A node of disc tissue with a dense rim that enters the slice from above or below, or only its rim."""

    radius_mm: Range = (4.0, 10.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        shape = anatomy.shape
        center = (
            random.uniform(-0.25, 0.25) * shape.width_mm,
            -random.uniform(0.25, 0.75) * shape.depth_mm,
            random_side(random) * random.uniform(2, 11),
        )
        radii = (random.uniform(*self.radius_mm), random.uniform(*self.radius_mm), random.uniform(7, 11))
        node = Lesion(center, radii, random.uniform(50, 110), random.uniform(1, 2.5), random.uniform(300, 700))
        return replace(anatomy, lesions=(*anatomy.lesions, node))


@dataclass(frozen=True)
class EndplateArc:
    """An endplate that bulges into the slice at the front or the back: a dense arc, with disc tissue behind it."""

    depth_mm: Range = (-0.5, 2.5)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        shape = anatomy.shape
        height = random.uniform(8, 14)
        reach = height + random.uniform(*self.depth_mm)
        at_front = random.random() < 0.7
        center = (
            random.uniform(-0.15, 0.15) * shape.width_mm,
            -shape.depth_mm * (random.uniform(0.15, 0.4) if at_front else random.uniform(0.6, 0.8)),
            random_side(random) * height,
        )
        radii = (random.uniform(14, 24), random.uniform(10, 18), reach)
        plate = Lesion(center, radii, random.uniform(60, 110), random.uniform(0.8, 2.0), random.uniform(300, 600))
        return replace(anatomy, lesions=(*anatomy.lesions, plate))


@dataclass(frozen=True)
class Texture:
    """Coarse, strong trabeculae with gradients."""

    sd_hu: Range = (25.0, 60.0)
    correlation_mm: Range = (0.7, 2.2)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        bone = replace(
            anatomy.bone,
            texture_hu=random.uniform(*self.sd_hu),
            texture_mm=random.uniform(*self.correlation_mm),
            gradient_hu_per_mm=tuple(random.uniform(-1, 1, 3) * (1.5, 3.0, 4.0)),
        )
        return replace(anatomy, bone=bone)


@dataclass(frozen=True)
class LowDensity:
    """Low trabecular density and a thin cortex, hardly denser than the surrounding tissue."""

    trabecular_hu: Range = (-20.0, 60.0)
    cortex_mm: Range = (0.3, 0.5)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        bone = replace(
            anatomy.bone,
            trabecular_hu=random.uniform(*self.trabecular_hu),
            cortex_mm=random.uniform(*self.cortex_mm),
            cortex_hu=random.uniform(600, 900),
        )
        arch = replace(
            anatomy.arch,
            medulla_hu=random.uniform(0, 150),
            cortex_mm=random.uniform(0.7, 1.1),
            corner_hu=tuple(random.uniform(-30, 60, 2)),
        )
        return replace(anatomy, bone=bone, arch=arch)


@dataclass(frozen=True)
class HighDensity:
    """Dense trabecular bone with little contrast to the cortex."""

    trabecular_hu: Range = (200.0, 320.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        return replace(anatomy, bone=replace(anatomy.bone, trabecular_hu=random.uniform(*self.trabecular_hu)))
