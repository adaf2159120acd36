"""Read vertebral bodies that two readers traced on real CTs, if the data is available.

They are in the folder ``real-outlines`` of the folder of real CT data (``LUMBARHU_DATA``): ``tracing-a`` and
``tracing-b`` with one JSON file for each vertebra (closed polygon and midline in LPS mm), and ``ct``.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.images.ct_file import read_ct

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("LUMBARHU_DATA") or REPOSITORY.parent / "shared" / "data")

# Scans whose CT is in another folder than the tracings.
CT_ELSEWHERE = {
    "t12_s1": "t12-s1-3mm-nifti/example_ct.nii.gz",
    "l3_crop": "l3-crop-nifti/sub-ct_label-22_ct.nii.gz",
    "t12_arterial": "t12-arterial-nifti/ct_cropped.nii.gz",
    "t11_t12": "t11-t12-contrast-dicom/dicom",
}

# The tracings follow the half-maximum; the periosteal surface before blur is 0.1 to 0.6 mm inside it.
INWARD_MM = 0.35

_RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class TracedVertebra:
    """One vertebra with both tracings.

    Parameters
    ----------
    scan, level : str
    stack : AxialStack
        The scan's CT.
    traced_ras_mm : tuple of two numpy.ndarray, shape (n, 3)
        Closed polygons at the half-maximum.
    midlines_ras_mm : tuple of two numpy.ndarray, shape (2, 3)
        Anterior, posterior.
    """

    scan: str
    level: str
    stack: AxialStack
    traced_ras_mm: tuple[np.ndarray, np.ndarray]
    midlines_ras_mm: tuple[np.ndarray, np.ndarray]

    @property
    def name(self) -> str:
        """Scan and level."""
        return f"{self.scan} {self.level}"

    @property
    def midline_ras_mm(self) -> np.ndarray:
        """Mean of both midlines, in the first one's slice."""
        mean = (self.midlines_ras_mm[0] + self.midlines_ras_mm[1]) / 2
        mean[:, 2] = self.midlines_ras_mm[0][0, 2]
        return mean

    @cached_property
    def outlines_ras_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Both tracings, moved inward to the periosteal surface: control points, shape (64, 3)."""
        return tuple(moved_inward(points) for points in self.traced_ras_mm)

    def distances_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Return signed distances of points from the mean of both tracings' surfaces; outside is positive."""
        each = [signed_distances_mm(points_ras_mm[:, :2], traced[:, :2]) for traced in self.traced_ras_mm]
        return np.mean(each, axis=0) + INWARD_MM

    @cached_property
    def between_mm(self) -> np.ndarray:
        """Distances of the first tracing from the second, shape (m,)."""
        first, second = (traced[:, :2] for traced in self.traced_ras_mm)
        return np.abs(signed_distances_mm(dense(first), second))


def traced_vertebrae(protocol: Protocol, only: tuple[str, ...] = ()) -> Iterator[TracedVertebra]:
    """Yield every vertebra traced by both readers; nothing without the data.

    Parameters
    ----------
    protocol : Protocol
    only : tuple of str
        Names of files, such as ``tcga_L1``; all by default.
    """
    folder = REAL_DATA / "real-outlines"
    stacks = {}
    for first in sorted((folder / "tracing-a").glob("*.json")):
        second = folder / "tracing-b" / first.name
        if not second.exists() or (only and first.stem not in only):
            continue
        tracings = [json.loads(path.read_text(encoding="utf-8")) for path in (first, second)]
        scan = tracings[0]["scan"]
        if scan not in stacks:
            own = folder / "ct" / f"{scan}.nrrd"
            stacks = {
                scan: axial_stack(read_ct(own if own.exists() else REAL_DATA / CT_ELSEWHERE[scan]).ct, protocol.frame)
            }
        yield TracedVertebra(
            scan,
            tracings[0]["level"],
            stacks[scan],
            tuple(np.array(one["outline_lps_mm"], dtype=float) * _RAS_FROM_LPS for one in tracings),
            tuple(np.array(one["midline_lps_mm"], dtype=float) * _RAS_FROM_LPS for one in tracings),
        )


def missing_data() -> str:
    """Return a sentence on why nothing can be compared; empty where the tracings are available."""
    if (REAL_DATA / "real-outlines" / "tracing-a").is_dir():
        return ""
    return "Omitted: no traced vertebrae. Set LUMBARHU_DATA to the folder that contains real-outlines."


def dense(polygon_mm: np.ndarray, count: int = 1440) -> np.ndarray:
    """Return points, shape (count, 2), on the closed spline through a polygon's corners, shape (n, 2)."""
    closed = np.vstack([polygon_mm, polygon_mm[:1]])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    spline = CubicSpline(lengths, closed, bc_type="periodic")
    return spline(np.linspace(0, lengths[-1], count, endpoint=False))


def signed_distances_mm(points_mm: np.ndarray, polygon_mm: np.ndarray) -> np.ndarray:
    """Return distances of points, shape (m, 2), from the spline through a polygon, negative inside."""
    curve = dense(polygon_mm)
    apart, _ = cKDTree(curve).query(points_mm)
    return np.where(polygons.contains(curve, points_mm), -apart, apart)


def moved_inward(polygon_ras_mm: np.ndarray, by_mm: float = INWARD_MM, count: int = 64) -> np.ndarray:
    """Return a traced polygon, shape (n, 3), moved inward: control points, shape (count, 3)."""
    curve = dense(polygon_ras_mm[:, :2])
    along = np.roll(curve, -1, axis=0) - np.roll(curve, 1, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    outward = np.column_stack([along[:, 1], -along[:, 0]]) * np.sign(polygons.signed_area(curve))
    points = (curve - by_mm * outward)[np.arange(count) * len(curve) // count]
    return np.column_stack([points, np.full(count, polygon_ras_mm[0, 2])])
