"""A CT of a phantom with rods of known HU, for the tests of calibrations."""

import numpy as np

from LumbarHULib.core.calibration_phantom import CalibrationPhantom, Rod
from LumbarHULib.core.ct_volume import CtVolume

RAS_FROM_IJK = np.diag([-0.8, -0.8, 2.5, 1.0])
RAS_FROM_IJK[:3, 3] = (60.0, 30.0, 0.0)
SHAPE_KJI = (12, 75, 150)
RADIUS_MM = 8.0
SLOPE, INTERCEPT_HU = 1.3, 5.0
CENTERS_RAS_MM = {name: (r, 0.0, 14.0) for name, r in zip("ABCDE", np.linspace(-44, 44, 5), strict=True)}
DENSITIES_MG_CC = dict(zip("ABCDE", (0.0, 50.0, 100.0, 150.0, 200.0), strict=True))


def hu_of(names: str) -> dict[str, float]:
    return {name: INTERCEPT_HU + SLOPE * DENSITIES_MG_CC[name] for name in names}


def phantom_of(names: str) -> CalibrationPhantom:
    rods = (Rod(name, DENSITIES_MG_CC[name], None, number) for number, name in enumerate(names, start=1))
    return CalibrationPhantom("rods", "HA", tuple(rods))


def _in_rod(name: str, radius_mm: float) -> np.ndarray:
    _, j, i = np.indices(SHAPE_KJI)
    r = RAS_FROM_IJK[0, 0] * i + RAS_FROM_IJK[0, 3] - CENTERS_RAS_MM[name][0]
    a = RAS_FROM_IJK[1, 1] * j + RAS_FROM_IJK[1, 3] - CENTERS_RAS_MM[name][1]
    return np.hypot(r, a) <= radius_mm


def rod_ct(rods_hu=None, noise_hu: float = 0.0, seed: int = 2, offsets_hu=None) -> CtVolume:
    """Return a slab near water in air, with rods along the patient's axis."""
    voxels = np.full(SHAPE_KJI, -1000.0)
    _, j, _ = np.indices(SHAPE_KJI)
    voxels[np.abs(RAS_FROM_IJK[1, 1] * j + RAS_FROM_IJK[1, 3]) < 12] = 10.0
    for name, hu in (rods_hu or hu_of("ABCDE")).items():
        voxels[_in_rod(name, RADIUS_MM)] = hu + (offsets_hu or {}).get(name, 0.0)
    voxels += np.random.default_rng(seed).normal(0, noise_hu, SHAPE_KJI) if noise_hu else 0.0
    return CtVolume(np.rint(voxels).astype(np.int16), RAS_FROM_IJK)


def labels_of(ct: CtVolume) -> np.ndarray:
    labels = np.zeros(ct.voxels_hu.shape, np.uint8)
    for value, name in enumerate(CENTERS_RAS_MM, start=1):
        labels[_in_rod(name, 5.0)] = value
    return labels
