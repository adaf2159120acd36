"""Hazards of a slice: each is a frozen value that changes an anatomy, with ranges sampled uniformly."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Anatomy, Lesion, RibHead, Spur, Vein, Vessel

Range = tuple[float, float]


class Hazard(Protocol):
    """A value that changes an anatomy."""

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""


def random_side(random: np.random.Generator) -> int:
    """Return -1 or 1."""
    return int(random.choice([-1, 1]))


@dataclass(frozen=True)
class Horns:
    """Posterolateral horns that extend far behind the midline's end."""

    reach_mm: Range = (4.0, 6.5)
    unequal_mm: float = 1.0

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        reach = random.uniform(*self.reach_mm)
        right, left = (reach + random.uniform(-self.unequal_mm, self.unequal_mm) for _ in range(2))
        shape = replace(anatomy.shape, horn_mm=(right, left), wall_shape=random.uniform(0.65, 0.95))
        return replace(anatomy, shape=shape)


@dataclass(frozen=True)
class FlatBack:
    """A back without horns, straight or convex, as at L4 and L5."""

    reach_mm: Range = (-0.9, 0.5)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        right, left = (random.uniform(*self.reach_mm) for _ in range(2))
        shape = replace(
            anatomy.shape,
            horn_mm=(right, left),
            wall_shape=random.uniform(0.2, 0.7),
            turn_mm=random.uniform(2.0, 4.0),
            tip=random.uniform(0.66, 0.84),
        )
        return replace(anatomy, shape=shape)


@dataclass(frozen=True)
class Thorax:
    """A heart-shaped thoracic body with a round canal and rib heads."""

    width_per_depth: Range = (1.0, 1.22)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        depth = random.uniform(25, 31)
        width = depth * random.uniform(*self.width_per_depth)
        canal = random.uniform(0.35, 0.52)
        widths = tuple(np.array([0.54, 0.77, 0.92, 0.985]) + random.uniform(-0.03, 0.04, 4) * (1, 1, 1, 0.3))
        shape = replace(
            anatomy.shape,
            depth_mm=depth,
            width_mm=width,
            widths=widths,
            end_width=random.uniform(0.93, 1.0),
            turn_mm=random.uniform(4.0, 6.5),
            canal=canal,
            tip=canal + random.uniform(0.1, 0.2),
        )
        arch = replace(anatomy.arch, canal_depth_mm=random.uniform(13, 17), v_shaped=False, process_mm=(12.0, 12.0))
        around = replace(anatomy.surroundings, psoas_mm=0.0)
        return replace(anatomy, shape=shape, arch=arch, surroundings=around)


@dataclass(frozen=True)
class Lung:
    """Lung a few millimeters from the body, on one side or on both."""

    gap_mm: Range = (2.0, 8.0)
    front: bool = False
    one_side: bool = False

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        gaps = [float(random.uniform(*self.gap_mm)) for _ in range(2)]
        if self.one_side:
            gaps[int(random.integers(2))] = 60.0
        around = replace(
            anatomy.surroundings,
            lung_gap_mm=(gaps[0], gaps[1]),
            lung_front=self.front,
            lung_hu=random.uniform(-900, -780),
            pleura_hu=random.uniform(-100, 45),
            psoas_mm=0.0,
            crura_mm=0.0 if self.front else random.uniform(0, 4),
        )
        return replace(anatomy, surroundings=around)


@dataclass(frozen=True)
class RibHeads:
    """Rib heads at the posterolateral corners, touching the body or nearly so, with facets."""

    gap_mm: Range = (0.0, 1.5)
    facet_mm: Range = (0.5, 2.5)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        ribs, facets = [], []
        for side in (-1, 1):
            if random.random() < 0.15:
                continue
            forward = random.uniform(-1.0, 7.0)
            ribs.append(
                RibHead(
                    side,
                    random.uniform(*self.gap_mm),
                    random.uniform(3.5, 6.0),
                    random.uniform(0.5, 1.0),
                    random.uniform(60, 250),
                    forward,
                )
            )
            if random.random() < 0.6:
                angle = np.degrees(np.arctan2(-anatomy.shape.depth_mm / 2 + forward, side * anatomy.shape.width_mm / 2))
                height = random.uniform(*self.facet_mm)
                facets.append(Spur(float(angle), random.uniform(6, 11), height, hu=random.uniform(150, 400)))
        around = replace(anatomy.surroundings, rib_heads=tuple(ribs))
        return replace(anatomy, surroundings=around, spurs=(*anatomy.spurs, *facets))


@dataclass(frozen=True)
class VCanal:
    """A canal whose sides run straight to an apex close behind the wall."""

    apex_mm: Range = (10.0, 18.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        arch = replace(
            anatomy.arch,
            canal_depth_mm=random.uniform(*self.apex_mm),
            v_shaped=True,
            pedicle_center_mm=tuple(random.uniform(1, 5, 2)),
            epidural_fat_hu=random.uniform(-95, 10),
        )
        canal = random.uniform(0.38, 0.55)
        shape = replace(anatomy.shape, canal=canal, tip=canal + random.uniform(0.1, 0.2))
        return replace(anatomy, arch=arch, shape=shape)


@dataclass(frozen=True)
class OpenWall:
    """A posterior wall without cortex where the basivertebral vein leaves it."""

    mouth_mm: Range = (8.0, 18.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        inner = anatomy.shape.canal * anatomy.shape.width_mm
        mouth = min(random.uniform(*self.mouth_mm), 0.92 * inner)
        vein = Vein(
            mouth,
            random.uniform(-0.1, 0.1) * inner,
            random.uniform(3, 14),
            random.uniform(-60, 60),
            bool(random.random() < 0.3),
        )
        return replace(anatomy, vein=vein)


@dataclass(frozen=True)
class FlaredWalls:
    """Lateral walls that flare into transverse processes, on one side or both, and hide the body's edge."""

    angle_deg: Range = (20.0, 36.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        arch = replace(
            anatomy.arch,
            pedicle_center_mm=tuple(random.uniform(0, 4, 2)),
            pedicle_angle_deg=random.uniform(*self.angle_deg),
            fillet_mm=random.uniform(6, 10),
            process_mm=tuple(random.uniform(12, 22, 2)),
            cortex_mm=random.uniform(0.6, 1.4),
        )
        shape = replace(anatomy.shape, end_width=random.uniform(0.95, 1.0))
        return replace(anatomy, arch=arch, shape=shape)


@dataclass(frozen=True)
class ContrastVessels:
    """Aorta and vena cava with contrast or calcified walls, close to the body or pressed against it."""

    hu: Range = (120.0, 380.0)
    gap_mm: Range = (-1.5, 2.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        plaque = random.uniform(-40, 40)
        reach = random.uniform(10, 45)
        aorta = Vessel(
            random.uniform(55, 90),
            max(0.0, random.uniform(*self.gap_mm)),
            tuple(random.uniform(8, 14, 2)),
            random.uniform(*self.hu),
            random.uniform(45, 90),
            (plaque - reach, plaque + reach) if random.random() < 0.6 else (0.0, 0.0),
            random.uniform(1, 3),
            random.uniform(400, 1100),
        )
        cava = Vessel(
            random.uniform(105, 140),
            max(0.0, random.uniform(*self.gap_mm)),
            (random.uniform(8, 14), random.uniform(5, 10)),
            random.uniform(60, 220),
            50.0,
        )
        enhanced = random.uniform(60, 190)
        return replace(
            anatomy,
            surroundings=replace(anatomy.surroundings, vessels=(aorta, cava)),
            arch=replace(anatomy.arch, epidural_vein_hu=enhanced),
            vein=replace(anatomy.vein, hu=enhanced),
        )


@dataclass(frozen=True)
class Scoliosis:
    """A body that is rotated, asymmetrical and has its pedicles at different heights."""

    rotation_deg: Range = (8.0, 20.0)
    asymmetry: float = 0.07

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        uneven = random.uniform(-self.asymmetry, self.asymmetry)
        shape = replace(
            anatomy.shape,
            rotation_deg=random_side(random) * random.uniform(*self.rotation_deg),
            side=(1 - uneven, 1 + uneven),
            horn_mm=tuple(np.array(anatomy.shape.horn_mm) + random.uniform(-1.2, 1.2, 2)),
        )
        arch = replace(anatomy.arch, pedicle_center_mm=tuple(random.uniform(-2, 12, 2)))
        return replace(anatomy, shape=shape, arch=arch)


@dataclass(frozen=True)
class Foramen:
    """A slice below the pedicles: the horns have a cortex of their own, on one side or on both."""

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        heights = [random.uniform(8.5, 13.0) for _ in range(2)]
        if random.random() < 0.4:
            heights[int(random.integers(2))] = random.uniform(0, 5)
        right, left = heights
        arch = replace(anatomy.arch, pedicle_center_mm=(right, left), pedicle_half_height_mm=random.uniform(7, 8.5))
        return replace(anatomy, arch=arch)


@dataclass(frozen=True)
class DensePedicles:
    """Sclerotic pedicles whose dense bone reaches into the body's corners."""

    hu: Range = (350.0, 700.0)

    def applied(self, anatomy: Anatomy, random: np.random.Generator) -> Anatomy:
        """Return the anatomy with it."""
        shape = anatomy.shape
        lesions = [
            Lesion(
                (side * shape.tip * shape.width_mm / 2, -shape.depth_mm + random.uniform(0, 4), 3.0),
                (random.uniform(3, 6), random.uniform(3, 7), 9.0),
                random.uniform(250, 450),
            )
            for side in (-1, 1)
        ]
        arch = replace(anatomy.arch, medulla_hu=random.uniform(*self.hu))
        return replace(anatomy, arch=arch, lesions=(*anatomy.lesions, *lesions))
