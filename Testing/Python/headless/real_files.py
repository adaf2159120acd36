"""Midlines on real CTs, placed by the labels of experts or other programs, and comparisons of outlines with them."""

from pathlib import Path

import numpy as np
import SimpleITK
from core.builders import dense_spline
from matplotlib.path import Path as PlanePath
from scipy.spatial import cKDTree

RAS_LPS = np.array([-1.0, -1.0, 1.0])


class AxialLabels:
    """A label map along the patient's axes, as axial slices: i to the left, j to posterior, k to superior."""

    def __init__(self, path: Path):
        image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
        self.labels = SimpleITK.GetArrayFromImage(image)
        self.spacing_mm = np.array(image.GetSpacing())
        self.origin_lps_mm = np.array(image.GetOrigin())

    def to_ras_mm(self, ijk) -> np.ndarray:
        return (np.asarray(ijk) * self.spacing_mm + self.origin_lps_mm) * RAS_LPS

    def to_ijk(self, points_ras_mm) -> np.ndarray:
        return (np.asarray(points_ras_mm) * RAS_LPS - self.origin_lps_mm) / self.spacing_mm


def mid_slice_of(body: np.ndarray) -> int:
    """Return the middle of the slices with at least half as much of a body as the fullest slice."""
    area = body.sum(axis=(1, 2))
    return round(float(np.flatnonzero(area > area.max() / 2).mean()))


def midline_on(labels: AxialLabels, body: np.ndarray) -> np.ndarray:
    """Return a midline on a body that was labeled voxel by voxel: through its middle column, edge to edge, RAS mm."""
    k = mid_slice_of(body)
    i = float(np.median(np.nonzero(body[k])[1]))
    j = np.flatnonzero(body[k][:, round(i)])
    return labels.to_ras_mm([(i, j[0] - 0.5, k), (i, j[-1] + 0.5, k)])


def agreement(labels: AxialLabels, body: np.ndarray, outline_ras_mm: np.ndarray) -> tuple[float, float]:
    """Return Dice of the drawn spline and a labeled body in its slice, and the mean offset in mm, positive outside."""
    curve_ijk = labels.to_ijk(outline_ras_mm)
    k = round(float(curve_ijk[:, 2].mean()))
    curve_mm = dense_spline(curve_ijk[:, :2] * labels.spacing_mm[:2], samples=40)
    rows, columns = np.indices(body[k].shape)
    centers_mm = np.column_stack([columns.ravel(), rows.ravel()]) * labels.spacing_mm[:2]
    drawn = PlanePath(curve_mm).contains_points(centers_mm).reshape(body[k].shape)
    dice = 2 * np.count_nonzero(drawn & body[k]) / (np.count_nonzero(drawn) + np.count_nonzero(body[k]))
    return dice, float(signed_offsets_mm(body[k], labels.spacing_mm[:2], curve_mm).mean())


def signed_offsets_mm(inside: np.ndarray, spacing_mm: np.ndarray, points_mm: np.ndarray, parts: int = 9) -> np.ndarray:
    """Return how far points are outside the staircase of labeled pixels, each pixel split into `parts` squared."""
    fine = np.kron(inside, np.ones((parts, parts), dtype=bool))
    rows, columns = np.indices(fine.shape)
    centers_mm = ((np.stack([columns, rows], axis=-1) + 0.5) / parts - 0.5) * spacing_mm
    to_inside = cKDTree(centers_mm[fine]).query(points_mm)[0]
    to_outside = cKDTree(centers_mm[~fine]).query(points_mm)[0]
    return to_inside - to_outside
