"""A CT of four plain vertebral bodies, for the tests of the scene and of the panel."""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LumbarHULib.core.ct_volume import CtVolume

PIXEL_MM, SLICE_MM = 0.8, 2.5
HALF_WIDTH_MM, HALF_DEPTH_MM = 22.0, 16.0
TRABECULAR_HU = {"L1": 150, "L2": 120, "L3": 100, "L4": 80}
CENTERS_S_MM = {"L1": 105.0, "L2": 70.0, "L3": 35.0, "L4": 0.0}


@dataclass(frozen=True, eq=False)
class Bodies:
    """Elliptic bodies one above the other, their cortex 0.8 mm thick, in soft tissue, and their true midlines."""

    ct: CtVolume
    midlines_ras_mm: dict


@functools.lru_cache
def plain_bodies() -> Bodies:
    """Return the CT and its midlines; it takes a second, once in a process."""
    shape_kji = (56, 64, 80)
    # As scanners store it: i to the patient's left, j backward; the bodies' axis runs through R = 3, A = −2.
    matrix = np.diag([-PIXEL_MM, -PIXEL_MM, SLICE_MM, 1.0])
    matrix[:3, 3] = (3 + PIXEL_MM * 40, -2 + PIXEL_MM * 32, -17.5)
    fine = 4
    j, i = ((np.arange(size * fine) + 0.5) / fine - 0.5 for size in shape_kji[1:])
    right, anterior = matrix[0, 3] - PIXEL_MM * i[None, :] - 3, matrix[1, 3] - PIXEL_MM * j[:, None] + 2
    inside = [
        (right / (HALF_WIDTH_MM - depth)) ** 2 + (anterior / (HALF_DEPTH_MM - depth)) ** 2 < 1 for depth in (0, 0.8)
    ]
    blurred = [
        ndimage.gaussian_filter(mask.astype(float), 0.55 / PIXEL_MM * fine)
        .reshape(shape_kji[1], fine, shape_kji[2], fine)
        .mean(axis=(1, 3))
        for mask in inside
    ]
    noise = np.random.default_rng(1).normal(0, 8, shape_kji)
    voxels = np.full(shape_kji, 50.0)
    voxels[:, 0] = -800  # air behind: a CT has negative values
    heights = matrix[2, 3] + SLICE_MM * np.arange(shape_kji[0])
    for level, center in CENTERS_S_MM.items():
        section = 50 + blurred[0] * (750 - 50) + blurred[1] * (TRABECULAR_HU[level] - 750)
        voxels[np.abs(heights - center) <= 13, 1:] = section[1:]
    ct = CtVolume(np.round(voxels + noise).astype(np.int16), matrix)
    ends = np.array([[3.0, -2 + HALF_DEPTH_MM], [3.0, -2 - HALF_DEPTH_MM]])
    midlines = {level: np.column_stack([ends, [center, center]]) for level, center in CENTERS_S_MM.items()}
    return Bodies(ct, midlines)
