"""The label maps of a reading in the scene: one segmentation for each region, with one segment for each level."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from LumbarHULib.audit.coded_terms import SLICER_ANATOMICAL_STRUCTURE, VERTEBRA_CODES
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, ROIS, parse_level
from LumbarHULib.core.results import RoiMask
from LumbarHULib.files.drawing_colors import CONTOUR_ROIS, FILLED_ROIS, ROI_COLORS
from LumbarHULib.mrml import label_layer
from LumbarHULib.mrml.ct_node import node_from_ijk
from LumbarHULib.mrml.node_types import OrientedImageData, SegmentationNode, VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.subject_hierarchy import put_in_folder

_FILL_OPACITY = 0.35
_CONTOUR_WIDTH_PIXELS = 2

# Far below a voxel, and far above the rounding of a position when a scene is saved and reopened.
_SAME_POSITION_MM = 1e-3


@dataclass
class _Known:
    """The voxels of a segmentation at the last check, and the state of its image, which reveals a change."""

    node: SegmentationNode | None = None
    image: OrientedImageData | None = None
    state: tuple[Any, ...] | None = None
    masks: dict[str, RoiMask] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)


def segmentation_node(reading: Reading, roi: str) -> Any:
    """Return the segmentation of a region; None where there is none."""
    return reading.node.GetNodeReference(roi)


def return_roi_to_automatic(reading: Reading, level: str, roi: str) -> None:
    """Discard the edits by hand in a region of a level: the next measurement makes the region again."""
    reading.require_open()
    _remove_segment(segmentation_node(reading, roi), parse_level(level))


def remove_segments(reading: Reading, level: str) -> None:
    """Remove the segments of a level from all five segmentations."""
    reading.require_open()
    for roi in ROIS:
        _remove_segment(segmentation_node(reading, roi), parse_level(level))


def rois_edited_by_hand(reading: Reading, level: str) -> tuple[str, ...]:
    """Return the regions of a level whose voxels differ from those that LumbarHU wrote; this checks every voxel."""
    edited = []
    for roi in ROIS:
        node = segmentation_node(reading, roi)
        found = None if node is None else label_layer.read_masks(node, reading.ct_node).get(parse_level(level))
        if found and not _is_as_written(found.mask, found.corner_mm, reading.value(_written_key(level, roi))):
            edited.append(roi)
    return tuple(edited)


class RoiSegmentations:
    """The five segmentations of a reading, with a cache that avoids checking every voxel on every mouse move."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[str, _Known] = {}

    def edited_masks(self, level: str, stack: AxialStack) -> dict[str, RoiMask]:
        """Return the regions of a level edited by hand, as crops of the axial stack.

        Raises
        ------
        InputError
            When an edited segment is not on the CT's grid, or two levels overlap.
        """
        edited = {}
        for roi in ROIS:
            known = self._look(roi)
            if level in known.edited:
                mask = known.masks[level]
                edited[roi] = RoiMask(*stack.canonical_crop(mask.inside, mask.offset_kji))
        return edited

    def write(self, level: str, stack: AxialStack, masks: dict[str, RoiMask]) -> None:
        """Write the unedited regions of a level, each only when its voxels changed.

        Call it right after `edited_masks`, which has looked at what there is.

        Raises
        ------
        InputError
            When a region overlaps that of another level.
        """
        # Views draw segmentations in the order in which they were added, so contours come after fills.
        for roi in (*FILLED_ROIS, *CONTOUR_ROIS):
            known = self._known.get(roi) or self._look(roi)
            if level not in known.edited:
                mask = masks[roi]
                self._replace(roi, known, level, RoiMask(*stack.stored_crop(mask.inside, mask.offset_kji)))

    def clear(self, level: str) -> None:
        """Clear the regions of a level without numbers, except those edited by hand."""
        for roi in ROIS:
            known = self._look(roi)
            if level in known.masks and level not in known.edited:
                self._replace(roi, known, level, None)

    @property
    def edits(self) -> dict[tuple[str, str], RoiMask]:
        """The regions edited by hand at the last check, by level and region, as crops of the CT's stored array."""
        return {(level, roi): known.masks[level] for roi, known in self._known.items() for level in known.edited}

    def restore_edits(self, edits: dict[tuple[str, str], RoiMask]) -> None:
        """Restore these edits, in the form of `edits`, and discard all others.

        Where that changes a region, its other levels are missing until they are written again.
        """
        held = self.edits
        for roi in ROIS:
            wanted = _level_masks(edits, roi)
            if not _same_masks(wanted, _level_masks(held, roi)):
                # All levels are removed, because an automatic region may overlap a restored edit.
                for level in LEVELS:
                    _remove_segment(segmentation_node(self._reading, roi), level)
                for level, mask in wanted.items():
                    self._replace(roi, self._look(roi), level, mask, is_edit=True)

    def _replace(self, roi: str, known: _Known, level: str, mask: RoiMask | None, is_edit: bool = False) -> None:
        previous = known.masks.get(level)
        if previous is not None and label_layer.same_mask(previous, mask):
            return
        ct_node = self._reading.ct_node
        node = known.node or self._make_node(roi)
        image = known.image or label_layer.empty_image(ct_node)
        if previous is None and level not in label_layer.level_segments(node):
            label_layer.add_segment(node, image, level, ROI_COLORS[roi], terminology_entry(level))
        label_layer.replace_mask(node, image, ct_node, roi, level, previous, mask)
        masks = {name: kept for name, kept in known.masks.items() if name != level}
        if mask is not None:
            masks[level] = mask
        if not is_edit:  # an edit is recognized because it differs from what was written
            self._reading.keep_quietly(_written_key(level, roi), _written(mask, node_from_ijk(ct_node)))
        edited = known.edited | {level} if is_edit else known.edited - {level}
        self._remember(roi, node, image, masks, edited)

    def _look(self, roi: str) -> _Known:
        """Return the current content of a region's segmentation."""
        ct_node = self._reading.ct_node
        node: SegmentationNode | None = segmentation_node(self._reading, roi)
        if node is None:
            self._known.pop(roi, None)
            return _Known()
        if not self._reading.is_signed_off and node.GetTransformNodeID() != ct_node.GetTransformNodeID():
            node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
        known, image = self._known.get(roi), label_layer.shared_image(node)
        if image is None or known is None or known.node is not node or known.state != _state(image, ct_node):
            return self._read_again(roi, node, image)
        # Deleting a segment does not change the image.
        if not set(known.masks) <= set(label_layer.level_segments(node)):
            return self._read_again(roi, node, image)
        return known

    def _read_again(self, roi: str, node: SegmentationNode, image: OrientedImageData | None) -> _Known:
        ct_node = self._reading.ct_node
        masks, edited = {}, set()
        for level, found in label_layer.read_masks(node, ct_node).items():
            written = self._reading.value(_written_key(level, roi))
            is_edited = not _is_as_written(found.mask, found.corner_mm, written)
            if is_edited and not found.is_on_ct_grid:
                raise InputError(
                    f"The “{roi}” region of {level} was edited by hand on a grid other than the CT's: "
                    "return it to automatic, and edit it on the CT's grid.",
                    level,
                )
            if found.is_on_ct_grid:
                masks[level] = found.mask
                edited |= {level} if is_edited else set()
        if not self._reading.is_signed_off and (image is None or not label_layer.is_on_ct_indices(image, ct_node)):
            label_layer.rebuild(node, ct_node, roi, masks)
            image = label_layer.shared_image(node)
        return self._remember(roi, node, image, masks, edited)

    def _remember(
        self,
        roi: str,
        node: SegmentationNode,
        image: OrientedImageData | None,
        masks: dict[str, RoiMask],
        edited: set[str],
    ) -> _Known:
        state = None if image is None else _state(image, self._reading.ct_node)
        self._known[roi] = _Known(node, image, state, masks, edited)
        return self._known[roi]

    def _make_node(self, roi: str) -> Any:
        reading = self._reading
        node = reading.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{roi}{reading.owner_suffix}")
        node.SetReferenceImageGeometryParameterFromVolumeNode(reading.ct_node)
        node.SetAndObserveTransformNodeID(reading.ct_node.GetTransformNodeID())
        node.AddDefaultStorageNode()
        # Five maps at the CT's full extent would take seconds to save; cropped ones keep their position.
        node.GetStorageNode().SetCropToMinimumExtent(True)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetVisibility2DFill(roi in FILLED_ROIS)
        display.SetOpacity2DFill(_FILL_OPACITY)
        display.SetSliceIntersectionThickness(1 if roi in FILLED_ROIS else _CONTOUR_WIDTH_PIXELS)
        display.SetVisibility3D(False)
        reading.node.SetNodeReferenceID(roi, node.GetID())
        put_in_folder(reading, "ROIs", node)
        return node


def _level_masks(edits: dict[tuple[str, str], RoiMask], roi: str) -> dict[str, RoiMask]:
    return {level: mask for (level, edited_roi), mask in edits.items() if edited_roi == roi}


def _same_masks(first: dict[str, RoiMask], second: dict[str, RoiMask]) -> bool:
    return first.keys() == second.keys() and all(label_layer.same_mask(first[level], second[level]) for level in first)


def _remove_segment(node: SegmentationNode, level: str) -> None:
    if node is not None and level in label_layer.level_segments(node):
        node.GetSegmentation().RemoveSegment(level)


def _state(image: OrientedImageData, ct_node: VolumeNode) -> tuple[object, ...]:
    """Return a value that changes when the image or the CT's position changes."""
    return (image, image.GetMTime(), node_from_ijk(ct_node).tobytes())


def _written_key(level: str, roi: str) -> str:
    return f"written {level} {roi}"


def _written(mask: RoiMask | None, node_from_ijk_matrix: np.ndarray) -> list[Any] | None:
    """Return the stored description of written voxels: the position of the first voxel and a hash."""
    if mask is None:
        return None
    return [*map(float, label_layer.corner_of(mask, node_from_ijk_matrix)), _digest(mask)]


def _is_as_written(mask: RoiMask, corner_mm: np.ndarray, written: list[Any] | None) -> bool:
    """Return whether a segment equals what LumbarHU wrote, in voxels and position; moving the CT is not an edit."""
    if written is None or written[3] != _digest(mask):
        return False
    return bool(np.abs(corner_mm - written[:3]).max() < _SAME_POSITION_MM)


def _digest(mask: RoiMask) -> str:
    digest = hashlib.sha1(repr(mask.inside.shape).encode())
    digest.update(np.packbits(mask.inside).tobytes())
    return digest.hexdigest()


def terminology_entry(level: str) -> str:
    """Return the terminology entry of a level: context, category, type, modifier, region context, region, modifier."""
    value, scheme, meaning = VERTEBRA_CODES[level]
    category_value, category_scheme, category_meaning = SLICER_ANATOMICAL_STRUCTURE
    return (
        f"Segmentation category and type - DICOM master list~{category_scheme}^{category_value}^{category_meaning}"
        f"~{scheme}^{value}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^"
    )
