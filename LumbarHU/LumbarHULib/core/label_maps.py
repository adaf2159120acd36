"""From shapes to voxels: which voxel centers are in which region, over the slab."""

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.protocol_values import RoiValues
from LumbarHULib.core.results import LevelResult, RoiMask

# Slice positions rounded to 0.01 mm in a header must not decide between two slab thicknesses: 1.2501 mm is 1.25 mm.
_TIE = 1e-4


@dataclass(frozen=True)
class Slab:
    """The slices that the regions cover.

    Parameters
    ----------
    first, last : int
        First and last slice k in the axial stack.
    thickness_mm : float
        Their thickness along the slice normal, in mm.
    findings : tuple of Finding
    """

    first: int
    last: int
    thickness_mm: float
    findings: tuple[Finding, ...] = ()


def slab_around(stack: AxialStack, frame: Frame, values: RoiValues) -> Slab:
    """Return the odd number of slices nearest to ``slab_mm``, centered on the mid-slice; of two, the larger."""
    return slab_of(stack, frame, int(np.floor(values.slab_mm / stack.slice_spacing_mm / 2 + _TIE)))


def slab_of(stack: AxialStack, frame: Frame, half: int) -> Slab:
    """Return the mid-slice with `half` slices on either side of it, as far as the CT reaches."""
    spacing_mm = stack.slice_spacing_mm
    wanted_first, wanted_last = frame.mid_slice - half, frame.mid_slice + half
    first, last = max(0, wanted_first), min(stack.voxels_hu.shape[0] - 1, wanted_last)
    findings: tuple[Finding, ...] = ()
    if (first, last) != (wanted_first, wanted_last):
        findings = (
            Finding(
                "slab_cut",
                f"The slab of {frame.level} has {last - first + 1} of its {2 * half + 1} slices, because the CT ends "
                "there.",
                "Check that the scan covers the whole vertebral body; if not, exclude the level.",
                "warning",
                frame.level,
            ),
        )
    return Slab(first, last, round((last - first + 1) * spacing_mm, 6), findings)


class PlaneShapes(typing.Protocol):
    """Shapes in a slice, such as `RoiShapes`."""

    @property
    def inner_outline_uv_mm(self) -> np.ndarray:
        """A polygon, shape (n, 2), in the frame that contains all of them."""

    def holds(
        self, roi: str, u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> np.ndarray:
        """Return which points belong to the shape named `roi`; `in_inner` says which are in the polygon."""


def label_masks(
    stack: AxialStack,
    frame: Frame,
    shapes: PlaneShapes,
    slab: Slab,
    values: RoiValues,
    names: Sequence[str] = ROIS,
) -> dict[str, RoiMask]:
    """Return the voxels of each region: those whose center is in its shape, extended along the slice normal.

    Parameters
    ----------
    stack : AxialStack
    frame : Frame
    shapes : PlaneShapes
        The regions' shapes in the frame.
    slab : Slab
        The slices.
    values : RoiValues
    names : sequence of str
        The shapes' names.

    Raises
    ------
    InputError
        When the inner outline reaches beyond the edge of the slices.
    """
    slices = range(slab.first, slab.last + 1)
    polygons_ij = [
        frame.to_ij(shapes.inner_outline_uv_mm - (k - frame.mid_slice) * frame.uv_per_slice_mm) for k in slices
    ]

    low_ij = np.floor(np.min([polygon.min(axis=0) for polygon in polygons_ij], axis=0)).astype(int)
    high_ij = np.ceil(np.max([polygon.max(axis=0) for polygon in polygons_ij], axis=0)).astype(int) + 1
    _check_inside(stack, frame, polygons_ij)
    low_ij = np.maximum(low_ij, 0)
    high_ij = np.minimum(high_ij, stack.voxels_hu.shape[:0:-1])
    shape_ji = (high_ij[1] - low_ij[1], high_ij[0] - low_ij[0])
    j, i = np.meshgrid(
        np.arange(shape_ji[0]) + low_ij[1], np.arange(shape_ji[1]) + low_ij[0], indexing="ij", sparse=True
    )

    masks = {roi: np.empty((len(slices), *shape_ji), dtype=bool) for roi in names}
    matrix = frame.uv_from_ij
    tolerance_px = values.edge_tolerance_mm / max(stack.pixel_spacings_mm)
    for index, k in enumerate(slices):
        if index and not np.any(frame.uv_per_slice_mm.round(9)):
            for mask in masks.values():
                mask[index] = mask[0]
            continue
        offset = matrix[:, 2] + (k - frame.mid_slice) * frame.uv_per_slice_mm
        u_mm = matrix[0, 0] * i + matrix[0, 1] * j + offset[0]
        v_mm = matrix[1, 0] * i + matrix[1, 1] * j + offset[1]
        inner = polygons.rasterize(polygons_ij[index], tuple(low_ij), shape_ji, tolerance_px)
        for roi, mask in masks.items():
            mask[index] = shapes.holds(roi, u_mm, v_mm, inner, values.edge_tolerance_mm)
    return {roi: trimmed_mask(mask, (slab.first, int(low_ij[1]), int(low_ij[0]))) for roi, mask in masks.items()}


def _check_inside(stack: AxialStack, frame: Frame, polygons_ij: list[np.ndarray]) -> None:
    last_ij = np.array(stack.voxels_hu.shape[:0:-1]) - 1
    beyond_px = max(max((-polygon).max(), (polygon - last_ij).max()) for polygon in polygons_ij)
    if beyond_px > 0.5:
        beyond_mm = beyond_px * max(stack.pixel_spacings_mm)
        raise InputError(
            f"The vertebral body of {frame.level} reaches {beyond_mm:.1f} mm beyond the edge of the CT: use a CT that "
            "shows the whole body, or exclude the level.",
            frame.level,
        )


def trimmed_mask(inside: np.ndarray, offset_kji: Sequence[int]) -> RoiMask:
    """Return a mask cropped to its voxels; a mask without voxels has size 0.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (k, j, i)
        True where the voxel belongs to the region.
    offset_kji : sequence of int
        Index of the first voxel of `inside`.
    """
    if not inside.any():
        return RoiMask(inside[:, :0, :0], (int(offset_kji[0]), int(offset_kji[1]), int(offset_kji[2])))
    crop, offset = [], []
    for axis, start in enumerate(offset_kji):
        filled = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        crop.append(slice(filled[0], filled[-1] + 1))
        offset.append(int(start + filled[0]))
    return RoiMask(np.ascontiguousarray(inside[tuple(crop)]), (offset[0], offset[1], offset[2]))


def voxel_centers_ras_mm(stack: AxialStack, mask: RoiMask) -> np.ndarray:
    """Return the centers of a mask's voxels, shape (n, 3)."""
    kji = np.argwhere(mask.inside) + mask.offset_kji
    return kji[:, ::-1] @ stack.ras_from_ijk[:3, :3].T + stack.ras_from_ijk[:3, 3]


def on_one_grid(masks: Mapping[str, RoiMask]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the index (k, j, i) of the box around all masks, and each mask as an array of that box's shape."""
    corner = np.min([mask.offset_kji for mask in masks.values()], axis=0)
    end = np.max([np.add(mask.offset_kji, mask.inside.shape) for mask in masks.values()], axis=0)
    whole = {roi: np.zeros(end - corner, dtype=bool) for roi in masks}
    for roi, mask in masks.items():
        start = mask.offset_kji - corner
        whole[roi][tuple(slice(a, a + n) for a, n in zip(start, mask.inside.shape, strict=True))] = mask.inside
    return corner, whole


def stored_labels(stack: AxialStack, levels: Sequence[LevelResult], roi: str) -> np.ndarray:
    """Return the label map of one region, shape (K, J, I), uint8, in the CT's stored order.

    Parameters
    ----------
    stack : AxialStack
        What the masks are crops of.
    levels : sequence of LevelResult
        Levels whose values it holds: see `LABEL_VALUES`.
    roi : str
        Name of the region.
    """
    labels = np.zeros(np.array(stack.voxels_hu.shape)[np.argsort(stack.stored_axes)], np.uint8)
    for level in levels:
        mask = level.rois[roi].mask
        inside, start = stack.stored_crop(mask.inside, mask.offset_kji)
        crop = labels[tuple(slice(first, first + size) for first, size in zip(start, inside.shape, strict=True))]
        crop[inside] = LABEL_VALUES[level.level]
    return labels
