"""The label maps of a reading in the scene: one segmentation a region, one segment a level."""

import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS, parse_level
from LumbarHULib.core.results import RoiMask
from LumbarHULib.mrml import label_layer
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.subject_hierarchy import put_in_folder
from LumbarHULib.mrml.vertebra_terms import terminology_entry

# Five of the colors of Okabe and Ito (Color Universal Design, 2008), which color-blind people tell apart.
ROI_COLORS = MappingProxyType(
    {
        "round": (230 / 255, 159 / 255, 0 / 255),
        "oval": (86 / 255, 180 / 255, 233 / 255),
        "right": (240 / 255, 228 / 255, 66 / 255),
        "front": (0 / 255, 158 / 255, 115 / 255),
        "left": (204 / 255, 121 / 255, 167 / 255),
    }
)

# The round and the oval lie over the other three: five fills one over another cannot be told apart.
CONTOUR_ROIS: tuple[str, ...] = ("round", "oval")
_FILL_OPACITY = 0.35


@dataclass
class _Known:
    """What a segmentation held when LumbarHU last looked, and the state of its image by which a change is noticed."""

    node: object = None
    image: object = None
    image_time: int = -1
    masks: dict[str, RoiMask] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)


def segmentation_node(reading: Reading, roi: str):
    """Return the segmentation of a region; None where there is none."""
    return reading.node.GetNodeReference(roi)


def return_roi_to_automatic(reading: Reading, level: str, roi: str) -> None:
    """Forget what was edited by hand in a region of a level: the next measurement makes it anew."""
    reading.require_open()
    _remove_segment(segmentation_node(reading, roi), parse_level(level))


def remove_segments(reading: Reading, level: str) -> None:
    """Remove the segments of a level from all five segmentations."""
    reading.require_open()
    for roi in ROIS:
        _remove_segment(segmentation_node(reading, roi), parse_level(level))


class RoiSegmentations:
    """The five segmentations of a reading, with a memory that spares looking at every voxel on every mouse move."""

    def __init__(self, reading: Reading):
        self._reading = reading
        self._known: dict[str, _Known] = {}

    def edited_masks(self, level: str, stack: AxialStack) -> dict[str, RoiMask]:
        """Return the regions of a level that were edited by hand, as crops of the axial stack.

        Raises
        ------
        InputError
            When a segment lies on another grid than the CT, or two levels overlap.
        """
        edited = {}
        for roi in ROIS:
            known = self._look(roi)
            if level in known.edited:
                mask = known.masks[level]
                edited[roi] = RoiMask(*stack.canonical_crop(mask.inside, mask.offset_kji))
        return edited

    def write(self, level: str, stack: AxialStack, masks: dict[str, RoiMask]) -> None:
        """Write the regions of a level that nobody edited, each only when its voxels changed.

        Raises
        ------
        InputError
            When a region overlaps that of another level.
        """
        for roi, mask in masks.items():
            known = self._look(roi)
            if level in known.edited:
                continue
            self._replace(roi, known, level, RoiMask(*stack.stored_crop(mask.inside, mask.offset_kji)))

    def clear(self, level: str) -> None:
        """Empty the regions of a level that gives no number, except those that were edited by hand."""
        for roi in ROIS:
            known = self._look(roi)
            if level in known.masks and level not in known.edited:
                self._replace(roi, known, level, None)

    def _replace(self, roi: str, known: _Known, level: str, mask: RoiMask | None) -> None:
        previous = known.masks.get(level)
        if previous is not None and label_layer.same_mask(previous, mask):
            return
        node = known.node or self._make_node(roi)
        if level not in label_layer.level_segments(node):
            label_layer.add_segment(node, self._reading.ct_node, level, ROI_COLORS[roi], terminology_entry(level))
        label_layer.replace_mask(node, self._reading.ct_node, level, previous, mask)
        masks = {name: kept for name, kept in known.masks.items() if name != level}
        if mask is not None:
            masks[level] = mask
        self._reading.keep_quietly(_written_key(level, roi), _fingerprint(mask))
        self._remember(roi, node, masks, known.edited)

    def _look(self, roi: str) -> _Known:
        """Return what the segmentation of a region holds now."""
        node = segmentation_node(self._reading, roi)
        if node is None:
            self._known.pop(roi, None)
            return _Known()
        known = self._known.get(roi)
        image = label_layer.shared_image(node)
        if known is not None and known.node is node and known.image is image and image is not None:
            same_segments = set(known.masks) <= set(label_layer.level_segments(node))
            if known.image_time == image.GetMTime() and same_segments:
                return known
        return self._look_anew(roi, node, image)

    def _look_anew(self, roi: str, node, image) -> _Known:
        ct_node = self._reading.ct_node
        masks, edited = {}, set()
        for level, (mask, is_on_grid) in label_layer.read_masks(node, ct_node).items():
            is_edited = _fingerprint(mask) != self._reading.value(_written_key(level, roi))
            if is_edited and not is_on_grid:
                raise InputError(
                    f"“{node.GetName()}” of {level} was edited by hand on another grid than the CT's: return it to "
                    "automatic, and edit it on the CT's own grid.",
                    level,
                )
            if is_on_grid:
                masks[level] = mask
                edited |= {level} if is_edited else set()
        if not self._reading.is_signed_off:
            transform_id = ct_node.GetTransformNodeID()
            if node.GetTransformNodeID() != transform_id:
                node.SetAndObserveTransformNodeID(transform_id)
            if image is None or not label_layer.is_on_ct_indices(image, ct_node):
                label_layer.rebuild(node, ct_node, masks)
        return self._remember(roi, node, masks, edited)

    def _remember(self, roi: str, node, masks: dict[str, RoiMask], edited: set[str]) -> _Known:
        image = label_layer.shared_image(node)
        known = _Known(node, image, -1 if image is None else image.GetMTime(), masks, edited)
        self._known[roi] = known
        return known

    def _make_node(self, roi: str):
        reading = self._reading
        node = reading.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", roi + reading.name_suffix)
        node.SetReferenceImageGeometryParameterFromVolumeNode(reading.ct_node)
        node.SetAndObserveTransformNodeID(reading.ct_node.GetTransformNodeID())
        node.AddDefaultStorageNode()
        # Five maps at the CT's full extent would take seconds to save; their place in the CT is kept.
        node.GetStorageNode().SetCropToMinimumExtent(True)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetVisibility2DFill(roi not in CONTOUR_ROIS)
        display.SetOpacity2DFill(_FILL_OPACITY)
        display.SetVisibility3D(False)
        reading.node.SetNodeReferenceID(roi, node.GetID())
        put_in_folder(reading, "ROIs", node)
        return node


def _remove_segment(node, level: str) -> None:
    if node is not None and level in label_layer.level_segments(node):
        node.GetSegmentation().RemoveSegment(level)


def _written_key(level: str, roi: str) -> str:
    return f"written {level} {roi}"


def _fingerprint(mask: RoiMask | None) -> str | None:
    """Return a short text that differs when the voxels do."""
    if mask is None:
        return None
    digest = hashlib.sha1(repr((mask.offset_kji, mask.inside.shape)).encode())
    digest.update(np.packbits(mask.inside).tobytes())
    return digest.hexdigest()
