"""Specify a spine phantom."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.vertebra import VertebraSpec


@dataclass(frozen=True)
class VesselSpec:
    """A vessel next to the vertebral bodies, round in axial planes.

    Parameters
    ----------
    radius_mm, hu : float
    angle_deg : float
        Direction from the body, from the patient's left toward anterior (90 = in front).
    gap_mm : float
        Distance between vessel and body at the level's mid-height; 0 = they touch, negative = the vessel is pressed
        against the body.
    plaque_hu : float, optional
        HU of a calcified plaque in the wall that faces the body, at each level; by default there is no plaque.
    plaque_mm : tuple of float
        Thickness of the plaque, its width along the wall, and its height.
    """

    radius_mm: float
    hu: float
    angle_deg: float
    gap_mm: float = 2.0
    plaque_hu: float | None = None
    plaque_mm: tuple[float, float, float] = (2.5, 8.0, 14.0)

    def __post_init__(self) -> None:
        if not self.radius_mm > 0:
            raise InputError(f"A vessel with a radius of {self.radius_mm} mm cannot be rendered: give more than 0 mm.")


@dataclass(frozen=True)
class SpineSpec:
    """Vertebrae and their surroundings.

    Parameters
    ----------
    vertebrae : tuple of VertebraSpec
        From cranial to caudal, no level twice.
    aorta, vena_cava : VesselSpec, optional
    disc_hu, muscle_hu, fat_hu, sac_hu, epidural_fat_hu : float
        HU of discs, muscles and fat, and in the spinal canal of the dural sac and the surrounding fat.
    trunk : bool
        Whether to include the rest of the abdomen: skin, wall, organs. Otherwise, the fat is unlimited.
    pelvis : bool
        Whether to include iliac wings; needs S1.
    table : bool
        Whether to include the scanner's table; needs the trunk.
    air_hu : float
        HU outside the body.
    """

    vertebrae: tuple[VertebraSpec, ...]
    aorta: VesselSpec | None = VesselSpec(radius_mm=10.0, hu=45.0, angle_deg=58.0)
    vena_cava: VesselSpec | None = VesselSpec(radius_mm=10.5, hu=42.0, angle_deg=125.0)
    disc_hu: float = 80.0
    muscle_hu: float = 55.0
    fat_hu: float = -100.0
    sac_hu: float = 25.0
    epidural_fat_hu: float = -70.0
    trunk: bool = True
    pelvis: bool = False
    table: bool = False
    air_hu: float = -1000.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertebrae", tuple(self.vertebrae))
        names = [vertebra.level for vertebra in self.vertebrae]
        if not names:
            raise InputError("A spine without vertebrae cannot be rendered: name at least one level.")
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{name} is in the phantom twice: name every level once.", name)
        heights = [vertebra.center_ras_mm[2] for vertebra in self.vertebrae]
        if any(lower >= upper for upper, lower in pairwise(heights)):
            raise InputError("The phantom's vertebrae are not in order: list them from cranial to caudal.")

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Return the names of the vertebrae, from cranial to caudal."""
        return tuple(vertebra.level for vertebra in self.vertebrae)

    def vertebra(self, level: str) -> VertebraSpec:
        """Return the vertebra with this name."""
        for vertebra in self.vertebrae:
            if vertebra.level == level:
                return vertebra
        raise InputError(f"The phantom has no {level}: it has {', '.join(self.levels)}.", level)

    @cached_property
    def middle_ras_mm(self) -> np.ndarray:
        """Return the (3,) center of the column of bodies."""
        centers = np.array([vertebra.center_ras_mm for vertebra in self.vertebrae])
        return (centers.min(axis=0) + centers.max(axis=0)) / 2
