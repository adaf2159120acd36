"""Measure a label map with plain numpy on the stored arrays.

It is an independent check: it shares only the CT's values with the core.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.ct_volume import CtVolume


@dataclass(frozen=True, eq=False)
class LabelVoxels:
    """The voxels of one label.

    Parameters
    ----------
    values_hu : numpy.ndarray, shape (n,)
        HU of the voxels.
    slices : numpy.ndarray of int, shape (n,)
        Index of each voxel's axial slice in the stored array.
    pixel_area_mm2 : float
        Area of the parallelogram of the two in-plane steps.
    """

    values_hu: np.ndarray
    slices: np.ndarray
    pixel_area_mm2: float


def label_voxels(labels: np.ndarray, ct: CtVolume) -> dict[int, LabelVoxels]:
    """Return the voxels of each label value except 0 in a label map of shape (K, J, I)."""
    places_kji = np.nonzero(labels)
    label_of_voxel = labels[places_kji]
    values_hu = ct.voxels_hu[places_kji]
    stored_axis, pixel_area_mm2 = _axial_planes(ct.ras_from_ijk)
    slice_of_voxel = places_kji[stored_axis]
    found = {}
    for value in np.unique(label_of_voxel).tolist():
        here = label_of_voxel == value
        found[int(value)] = LabelVoxels(values_hu[here], slice_of_voxel[here], pixel_area_mm2)
    return found


def measured_again(voxels: LabelVoxels, groups: Sequence[Sequence[int]] = ()) -> dict[str, float | int | None]:
    """Return the quantities of results.csv, by column.

    Parameters
    ----------
    voxels : LabelVoxels
    groups : sequence of two int each
        First and last stored slice of each group of slices, where the mean is that of the groups' means.
    """
    values_hu = voxels.values_hu.astype(np.int64 if voxels.values_hu.dtype.kind in "iu" else np.float64)
    count = values_hu.size
    q1_hu, median_hu, q3_hu = np.percentile(values_hu.astype(np.float64), (25, 50, 75)).tolist()
    slices = len(np.unique(voxels.slices))
    means_hu = []
    for first, last in groups:
        in_group = (voxels.slices >= first) & (voxels.slices <= last)
        means_hu.append(float(values_hu[in_group].sum() / max(np.count_nonzero(in_group), 1)))
    return {
        "mean_hu": math.fsum(means_hu) / len(means_hu) if means_hu else float(values_hu.sum() / count),
        "sd_hu": float(np.std(values_hu.astype(np.float64), ddof=1)) if count > 1 else None,
        "median_hu": median_hu,
        "q1_hu": q1_hu,
        "q3_hu": q3_hu,
        "min_hu": float(values_hu.min()),
        "max_hu": float(values_hu.max()),
        "voxels": count,
        "slices": slices,
        "area_mm2": count * voxels.pixel_area_mm2 / slices,
    }


def _axial_planes(ras_from_ijk: np.ndarray) -> tuple[int, float]:
    """Return the slice axis of the stored array (K, J, I), and the area of a pixel in mm²."""
    steps_mm = ras_from_ijk[:3, :3].T
    normals = np.array([np.cross(steps_mm[axis - 2], steps_mm[axis - 1]) for axis in range(3)])
    areas_mm2 = np.linalg.norm(normals, axis=1)
    axis = int(np.argmax(np.abs(normals[:, 2]) / areas_mm2))
    return 2 - axis, float(areas_mm2[axis])
