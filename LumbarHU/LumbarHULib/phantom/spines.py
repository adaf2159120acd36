"""Make spines: a plausible one with lordosis, and an upright one for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.spec import SpineSpec, VesselSpec
from LumbarHULib.phantom.vertebra import VertebraSpec

ALL_LEVELS = ("T12", "L1", "L2", "L3", "L4", "L5", "S1", "S2")

# Depth, width, height of the body (mm), tilt (degrees, at full lordosis), the disc below and the transverse processes
# (mm). They are not measurements, but chosen to resemble an adult's lumbar spine in supine position.
_ANATOMY = MappingProxyType(
    {
        "T12": (30.0, 40.0, 25.5, 15.0, 6.5, 7.0),
        "L1": (31.5, 42.0, 26.5, 12.0, 7.5, 13.0),
        "L2": (33.0, 44.0, 27.5, 8.0, 9.0, 17.0),
        "L3": (34.0, 46.5, 28.0, 2.0, 10.0, 21.0),
        "L4": (34.5, 48.5, 28.0, -7.0, 11.0, 16.0),
        "L5": (34.0, 51.0, 27.5, -21.0, 10.0, 15.0),
        "S1": (28.0, 50.0, 29.0, -40.0, 1.5, 0.0),
        "S2": (21.0, 40.0, 25.0, -52.0, 1.0, 0.0),
    }
)

# Mean HU of the demonstration: near the cutoffs in use, so that its regions of interest fall into different classes.
DEMO_TRABECULAR_HU: Mapping[str, float] = MappingProxyType(
    {"T12": 109.0, "L1": 104.0, "L2": 98.0, "L3": 92.0, "L4": 101.0, "L5": 106.0, "S1": 95.0, "S2": 80.0}
)

_AORTA = VesselSpec(radius_mm=9.5, hu=45.0, angle_deg=62.0)
_CALCIFIED_AORTA = replace(_AORTA, plaque_hu=620.0)


def lumbar_spine(
    levels: Sequence[str] = ALL_LEVELS,
    *,
    trabecular_hu: float | Mapping[str, float] = DEMO_TRABECULAR_HU,
    cortex_mm: float = 0.7,
    lordosis: float = 1.0,
    rotation_deg: float | Mapping[str, float] = 0.0,
    aorta: VesselSpec | None = _CALCIFIED_AORTA,
    pelvis: bool = True,
    table: bool = True,
    **vertebra_fields: Any,
) -> SpineSpec:
    """Return a realistic spine with L3's body at the origin.

    Parameters
    ----------
    levels : sequence of str
        Neighboring levels among T12–L5, S1, S2, in any order.
    trabecular_hu, rotation_deg : float or mapping
        One value for all levels, or values by level.
    lordosis : float
        Factor on the tilts; 0 = all bodies upright, above each other.
    **vertebra_fields
        Further fields of `VertebraSpec`, for all levels.
    """
    levels = _sorted(levels)
    centers = _centers(lordosis)
    vertebrae = []
    for level in levels:
        depth, width, height, tilt, _, transverse = _ANATOMY[level]
        sacral = level.startswith("S")
        fields: dict[str, Any] = {}
        if sacral:
            fields = {"posterior_concavity_mm": 1.5, "flare_fraction": 0.04, "endplate_concavity_mm": 0.8}
            fields |= {"posterior": "sacral", "foramen": False}
        vertebrae.append(
            VertebraSpec(
                level=level,
                center_ras_mm=tuple(centers[level]),
                depth_mm=depth,
                width_mm=width,
                height_mm=height,
                tilt_deg=tilt * lordosis,
                rotation_deg=_value(rotation_deg, level),
                cortex_mm=cortex_mm,
                trabecular_hu=_value(trabecular_hu, level),
                transverse_mm=transverse,
                **(fields | vertebra_fields),
            )
        )
    return SpineSpec(tuple(vertebrae), aorta=aorta, pelvis=pelvis and "S1" in levels, table=table)


def upright_spine(
    levels: Sequence[str] = ("L3",),
    *,
    trabecular_hu: float | Mapping[str, float] = 120.0,
    tilt_deg: float = 0.0,
    rotation_deg: float | Mapping[str, float] = 0.0,
    trunk: bool = True,
    aorta: VesselSpec | None = _AORTA,
    **vertebra_fields: Any,
) -> SpineSpec:
    """Return a spine without lordosis, with L3's body at the origin and the same tilt of every body.

    Parameters
    ----------
    levels, trabecular_hu, rotation_deg
        As in `lumbar_spine`.
    tilt_deg : float
        Tilt of every body about its own center.
    trunk : bool
        Whether to include the abdomen; otherwise spine, muscles and vessels are surrounded by unlimited fat.
    **vertebra_fields
        Further fields of `VertebraSpec`, for all levels.
    """
    spec = lumbar_spine(
        levels,
        trabecular_hu=trabecular_hu,
        rotation_deg=rotation_deg,
        lordosis=0.0,
        aorta=aorta,
        pelvis=False,
        table=False,
        **vertebra_fields,
    )
    tilted = tuple(replace(vertebra, tilt_deg=tilt_deg) for vertebra in spec.vertebrae)
    return replace(spec, vertebrae=tilted, trunk=trunk)


def demo_spine() -> SpineSpec:
    """Return the spine that `lumbarhu demo` measures."""
    rotation_deg = dict(zip(ALL_LEVELS, (1.0, 2.0, 2.5, 1.0, -1.0, -1.5, -1.0, 0.0), strict=True))
    return lumbar_spine(rotation_deg=rotation_deg)


def _centers(lordosis: float) -> dict[str, np.ndarray]:
    """Stack bodies and discs along their own axes, then move L3 to the origin."""
    position, angle = np.zeros(2), None
    centers = {}
    half_before, gap_before = 0.0, 0.0
    for level, (_, _, height, tilt_deg, gap, _) in _ANATOMY.items():
        tilt = np.radians(tilt_deg * lordosis)
        down = np.array([np.sin(tilt), -np.cos(tilt)])
        if angle is not None:
            position = position + half_before * np.array([np.sin(angle), -np.cos(angle)])
            position = position + gap_before * np.array([np.sin((angle + tilt) / 2), -np.cos((angle + tilt) / 2)])
            position = position + height / 2 * down
        centers[level] = np.array([0.0, position[0], position[1]])
        half_before, gap_before, angle = height / 2, gap, tilt
    return {level: center - centers["L3"] for level, center in centers.items()}


def _sorted(levels: Sequence[str]) -> list[str]:
    unknown = [level for level in levels if level not in ALL_LEVELS]
    if unknown:
        raise InputError(f"The phantom has no level “{unknown[0]}”: use levels among {', '.join(ALL_LEVELS)}.")
    return sorted(levels, key=ALL_LEVELS.index)


def _value(values: float | Mapping[str, float], level: str) -> float:
    if not isinstance(values, Mapping):
        return float(values)
    if level not in values:
        raise InputError(f"No value is given for {level}: give one for every level of the phantom.", level)
    return float(values[level])
