"""The voxels of one region's segmentation: all levels share one label image, each with its own label value.

Slicer keeps segments that do not overlap in one image, but renumbers them when it merges several images on saving.
Here they share one image from the start, so Slicer does not renumber them, and a slice view reslices one image instead
of one for each level. Masks in this file are crops of the CT's stored array, not of the axial stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS
from LumbarHULib.core.results import RoiMask
from LumbarHULib.mrml.ct_node import node_from_ijk
from LumbarHULib.mrml.node_types import OrientedImageData, SegmentationNode, VolumeNode

_REPRESENTATION = "Binary labelmap"

# Margin around a region when the image grows, so that a drag rarely makes it grow again.
_ROOM_VOXELS = 8

# A grid that was saved and reopened differs by rounding errors.
_GRID_TOLERANCE_VOXELS = 1e-3


def level_segments(segmentation_node: SegmentationNode) -> dict[str, Any]:
    """Return the node's segments of levels, by level, from cranial to caudal."""
    segmentation = segmentation_node.GetSegmentation()
    return {level: segmentation.GetSegment(level) for level in LEVELS if segmentation.GetSegmentIndex(level) >= 0}


def shared_image(segmentation_node: SegmentationNode) -> OrientedImageData | None:
    """Return the image that all segments of levels, and no others, share with their label values; otherwise None."""
    segments = level_segments(segmentation_node)
    if not segments:
        return None
    images = {level: segment.GetRepresentation(_REPRESENTATION) for level, segment in segments.items()}
    image = next(iter(images.values()))
    in_order = image is not None and all(
        images[level] is image and segment.GetLabelValue() == LABEL_VALUES[level] for level, segment in segments.items()
    )
    if not in_order:
        return None
    sharing: list[str] = []
    segmentation = segmentation_node.GetSegmentation()
    segmentation.GetSegmentIDsSharingBinaryLabelmapRepresentation(next(iter(segments)), sharing, True)
    return image if len(sharing) == len(segments) else None


@dataclass(frozen=True, eq=False)
class SegmentMask:
    """The voxels of a segment.

    Parameters
    ----------
    mask : RoiMask
        A crop of the CT's stored array if the segment is on the CT's grid, otherwise of the segment's own image.
    corner_mm : numpy.ndarray, shape (3,)
        Center of the crop's first voxel, in the coordinates of the segmentation before any parent transform.
    is_on_ct_grid : bool
    """

    mask: RoiMask
    corner_mm: np.ndarray
    is_on_ct_grid: bool


def read_masks(segmentation_node: SegmentationNode, ct_node: VolumeNode) -> dict[str, SegmentMask]:
    """Return the voxels of every non-empty segment of a level, from any image."""
    masks = {}
    for level, segment in level_segments(segmentation_node).items():
        image = segment.GetRepresentation(_REPRESENTATION)
        if image is None or image.GetPointData().GetScalars() is None:
            continue
        mask = trimmed_mask(_array(image) == segment.GetLabelValue(), _first_kji(image).tolist())
        if not mask.inside.size:
            continue
        corner_mm = corner_of(mask, _matrix_of(image))
        shift_ijk = _shift_from_ct(image, ct_node)
        if shift_ijk is not None:
            k, j, i = (int(start) for start in np.add(mask.offset_kji, shift_ijk[::-1]))
            mask = RoiMask(mask.inside, (k, j, i))
        is_on_ct_grid = shift_ijk is not None and _is_inside(mask, ct_node)
        masks[level] = SegmentMask(mask, corner_mm, is_on_ct_grid)
    return masks


def _is_inside(mask: RoiMask, ct_node: VolumeNode) -> bool:
    end = np.add(mask.offset_kji, mask.inside.shape)
    return min(mask.offset_kji) >= 0 and bool(np.all(end <= ct_node.GetImageData().GetDimensions()[::-1]))


def corner_of(mask: RoiMask, node_from_ijk_matrix: np.ndarray) -> np.ndarray:
    """Return the center of the mask's first voxel in mm, shape (3,)."""
    return node_from_ijk_matrix[:3, :3] @ mask.offset_kji[::-1] + node_from_ijk_matrix[:3, 3]


def is_on_ct_indices(image: OrientedImageData, ct_node: VolumeNode) -> bool:
    """Return whether the image has the same voxel indices as the CT."""
    shift_ijk = _shift_from_ct(image, ct_node)
    return shift_ijk is not None and not shift_ijk.any()


def rebuild(segmentation_node: SegmentationNode, ct_node: VolumeNode, roi: str, masks: dict[str, RoiMask]) -> None:
    """Move the segments of levels into one new image with `masks` of a region, on the CT's grid.

    Raises
    ------
    InputError
        When two levels overlap.
    """
    image = empty_image(ct_node)
    for level, mask in masks.items():
        _grow(image, mask, ct_node)
        crop = _crop(image, mask)
        _check_free(roi, level, crop, mask)
        crop[mask.inside] = LABEL_VALUES[level]
    for level, segment in level_segments(segmentation_node).items():
        # The value is set first, because the new image contains no other values.
        segment.SetLabelValue(LABEL_VALUES[level])
        segment.AddRepresentation(_REPRESENTATION, image)


def add_segment(
    segmentation_node: SegmentationNode, image: OrientedImageData, level: str, color: Sequence[float], terminology: str
) -> None:
    """Add an empty segment for a level that shares the image."""
    segment = slicer.vtkSegment()
    segment.SetName(level)
    segment.SetColor(color)
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology)
    segment.SetLabelValue(LABEL_VALUES[level])
    segment.AddRepresentation(_REPRESENTATION, image)
    segmentation = segmentation_node.GetSegmentation()
    segmentation.AddSegment(segment, level)
    # Levels come first, from cranial to caudal, because on saving Slicer keeps the label values of the first image.
    levels = list(level_segments(segmentation_node))
    segmentation.ReorderSegments(levels + [name for name in segmentation.GetSegmentIDs() if name not in levels])


def replace_mask(
    segmentation_node: SegmentationNode,
    image: OrientedImageData,
    ct_node: VolumeNode,
    roi: str,
    level: str,
    previous: RoiMask | None,
    mask: RoiMask | None,
) -> None:
    """Replace `previous` by `mask` of a region in the shared image, and notify the views.

    Raises
    ------
    InputError
        When the mask overlaps another level; nothing is changed then.
    """
    if mask is not None:
        _grow(image, mask, ct_node)
        _check_free(roi, level, _crop(image, mask), mask)
    if previous is not None:
        _crop(image, previous)[previous.inside] = 0
    if mask is not None:
        _crop(image, mask)[mask.inside] = LABEL_VALUES[level]
    # As after an edit in Slicer: a closed surface of the old voxels is discarded, then the views are notified once.
    image.Modified()
    segmentation_node.GetSegmentation().InvokeEvent(slicer.vtkSegmentation.RepresentationModified, level)


def same_mask(first: RoiMask | None, second: RoiMask | None) -> bool:
    """Return whether two masks have the same voxels."""
    if first is None or second is None:
        return first is second
    return first.offset_kji == second.offset_kji and np.array_equal(first.inside, second.inside)


def _check_free(roi: str, level: str, crop: np.ndarray, mask: RoiMask) -> None:
    taken = crop[mask.inside]
    others = set(np.unique(taken)) - {0, LABEL_VALUES[level]}
    if others:
        names = [name for name, value in LABEL_VALUES.items() if value in others]
        count = int(np.isin(taken, list(others)).sum())
        raise InputError(
            f"The “{roi}” region of {level} overlaps that of {' and '.join(names)} in {count} "
            "voxels, but a label map holds one level for each voxel: correct the midlines, or the regions edited by "
            "hand.",
            level,
        )


def empty_image(ct_node: VolumeNode) -> OrientedImageData:
    """Return an image on the CT's grid, for segments to share."""
    image = slicer.vtkOrientedImageData()
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(node_from_ijk(ct_node)))
    _set_array(image, np.zeros((1, 1, 1), np.uint8), (0, 0, 0))
    return image


def _matrix_of(image: OrientedImageData) -> np.ndarray:
    """Return the matrix, shape (4, 4), from the image's indices to mm."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _array(image: OrientedImageData) -> np.ndarray:
    """Return a view of the image's voxels, shape (k, j, i)."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def _first_kji(image: OrientedImageData) -> np.ndarray:
    return np.array(image.GetExtent()[4::-2])


def _set_array(image: OrientedImageData, array: np.ndarray, first_kji: Sequence[int] | np.ndarray) -> None:
    extent = []
    for start, size in zip(reversed(first_kji), reversed(array.shape), strict=True):
        extent += [int(start), int(start) + size - 1]
    # Built separately and copied in one step, so that observers never see a partly changed image.
    built = slicer.vtkOrientedImageData()
    built.SetExtent(extent)
    built.CopyDirections(image)
    built.SetOrigin(image.GetOrigin())
    built.SetSpacing(image.GetSpacing())
    built.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    image.ShallowCopy(built)


def _grow(image: OrientedImageData, mask: RoiMask, ct_node: VolumeNode) -> None:
    """Extend the image to include the mask's crop."""
    array, first = _array(image), _first_kji(image)
    low, high = np.array(mask.offset_kji), np.array(mask.offset_kji) + mask.inside.shape
    if np.all(low >= first) and np.all(high <= first + array.shape):
        return
    ct_shape = np.array(ct_node.GetImageData().GetDimensions()[::-1])
    is_empty = not array.any()
    low, high = np.maximum(low - _ROOM_VOXELS, 0), np.minimum(high + _ROOM_VOXELS, ct_shape)
    new_first = low if is_empty else np.minimum(first, low)
    new_end = high if is_empty else np.maximum(first + array.shape, high)
    grown = np.zeros(new_end - new_first, np.uint8)
    if not is_empty:
        start = first - new_first
        grown[_box(start, array.shape)] = array
    _set_array(image, grown, new_first)


def _crop(image: OrientedImageData, mask: RoiMask) -> np.ndarray:
    """Return the view of the image under the mask."""
    return _array(image)[_box(np.array(mask.offset_kji) - _first_kji(image), mask.inside.shape)]


def _box(start: Sequence[int] | np.ndarray, shape: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(int(begin), int(begin) + size) for begin, size in zip(start, shape, strict=True))


def _shift_from_ct(image: OrientedImageData, ct_node: VolumeNode) -> np.ndarray | None:
    """Return the shift from the image's indices (i, j, k) to the CT's; None on another grid."""
    ct_from_image = np.linalg.solve(node_from_ijk(ct_node), _matrix_of(image))
    shift = np.rint(ct_from_image[:3, 3])
    # A small error of a direction is multiplied by the whole length of the grid.
    size = np.array(ct_node.GetImageData().GetDimensions())
    off = np.abs(ct_from_image[:3, :3] - np.eye(3)) @ size + np.abs(ct_from_image[:3, 3] - shift)
    return None if off.max() > _GRID_TOLERANCE_VOXELS else shift.astype(int)
