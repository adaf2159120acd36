"""Read the rods of a calibration phantom from nodes of the scene, in the form that a calibration takes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LumbarHULib.core.calibration_phantom import CalibrationPhantom
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM
from LumbarHULib.images.rod_labels import require_rod_labels
from LumbarHULib.images.segmentation_file import Segment
from LumbarHULib.images.sitk_file import write_with_sitk
from LumbarHULib.mrml.ct_node import ct_from_node, node_from_ijk, voxels_of, world_from_node
from LumbarHULib.mrml.node_types import MarkupsNode, Node, Scene, VolumeNode, nodes_of_class
from LumbarHULib.mrml.vertebra_segments import segmentations_in, segments_of_node

_POINTS, _LINE = "vtkMRMLMarkupsFiducialNode", "vtkMRMLMarkupsLineNode"

Rods = dict[str, np.ndarray] | np.ndarray


def rod_nodes_in(scene: Scene) -> tuple[Node, ...]:
    """Return the nodes that can mark rods: point lists, label maps and segmentations that are not LumbarHU's own."""
    points = (node for node in nodes_of_class(scene, _POINTS) if not node.GetHideFromEditors())
    return (*points, *segmentations_in(scene))


def rod_lines_in(scene: Scene, phantom: CalibrationPhantom) -> tuple[MarkupsNode, ...]:
    """Return the lines that are named after a rod of the phantom."""
    return tuple(node for node in nodes_of_class(scene, _LINE) if phantom.rod(node.GetName()) is not None)


def rods_of_lines(nodes: Iterable[MarkupsNode]) -> dict[str, np.ndarray]:
    """Return the ends of each line, shape (2, 3), RAS mm, by the line's name.

    Raises
    ------
    InputError
        When two lines have one name.
    """
    rods: dict[str, np.ndarray] = {}
    for node in nodes:
        _add(rods, node.GetName().strip(), _placed(node))
    return rods


def rods_of_node(node: Any, phantom: CalibrationPhantom, ct_node: VolumeNode) -> Rods:
    """Return a point for each rod by its name, shape (3,), RAS mm, or label values on the CT's grid.

    Parameters
    ----------
    node : vtkMRMLMarkupsFiducialNode or vtkMRMLLabelMapVolumeNode or vtkMRMLSegmentationNode
        A point list with a point in each rod, named after it; a label map with the rods' label values; or a
        segmentation with a segment for each rod, named after it.
    phantom : CalibrationPhantom
    ct_node : vtkMRMLScalarVolumeNode
        The CT with the phantom.

    Raises
    ------
    InputError
        When a point has no name, two rods have one name, or a mask is not on the CT's grid.
    """
    if node.IsA(_POINTS):
        return _points(node)
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        labels = voxels_of(node)
        subject = f"The label map “{node.GetName()}”"
        require_rod_labels(subject, labels, world_from_node(node) @ node_from_ijk(node), ct_from_node(ct_node))
        return labels
    return _labels_of_segments(node, phantom, ct_node)


def calibration_input(rods: Rods, ct: CtVolume, folder: Path) -> dict[str, np.ndarray] | Path:
    """Return rods in the form that `calibrate` takes: points as they are, lines and label values as files.

    Parameters
    ----------
    rods : Rods
    ct : CtVolume
        The CT with the phantom.
    folder : pathlib.Path
        Where a file may be written.
    """
    if isinstance(rods, np.ndarray):
        path = folder / "rods.nrrd"
        write_with_sitk(path, rods, ct.ras_from_ijk)
        return path
    if all(position.ndim == 1 for position in rods.values()):
        return rods
    path = folder / "rods.mrk.json"
    lines = [
        {
            "type": "Line",
            "name": name,
            "coordinateSystem": "RAS",
            "controlPoints": [{"position": position} for position in ends_ras_mm.tolist()],
        }
        for name, ends_ras_mm in rods.items()
    ]
    path.write_text(json.dumps({"markups": lines}), encoding="utf-8")
    return path


def _points(node: MarkupsNode) -> dict[str, np.ndarray]:
    rods: dict[str, np.ndarray] = {}
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) != slicer.vtkMRMLMarkupsNode.PositionDefined:
            continue
        name = node.GetNthControlPointLabel(index).strip()
        if not name:
            raise InputError(f"A point in “{node.GetName()}” has no name: name each after its rod.")
        _add(rods, name, np.array(node.GetNthControlPointPositionWorld(index)))
    if not rods:
        raise InputError(f"“{node.GetName()}” contains no placed point: place a point in each rod.")
    return rods


def _placed(node: MarkupsNode) -> np.ndarray:
    count = node.GetNumberOfControlPoints()
    return np.array([node.GetNthControlPointPositionWorld(index) for index in range(count)]).reshape(-1, 3)


def _add(rods: dict[str, np.ndarray], name: str, position: np.ndarray) -> None:
    if name.casefold() in map(str.casefold, rods):
        raise InputError(f"The rod {name} is marked twice: keep one of the marks.")
    rods[name] = position


def _labels_of_segments(node: Any, phantom: CalibrationPhantom, ct_node: VolumeNode) -> np.ndarray:
    """Return the segments that are named after rods as an array of the rods' label values, on the CT's grid."""
    ct = ct_from_node(ct_node)
    labels = np.zeros(ct.voxels_hu.shape, np.uint8)
    for segment in segments_of_node(node):
        rod = phantom.rod(segment.name)
        if rod is None:
            raise InputError(
                f"The segment “{segment.name}” of “{node.GetName()}” is not a rod of “{phantom.name}”: name each "
                f"segment after its rod, one of {', '.join(one.name for one in phantom.rods)}."
            )
        if rod.label_value is None:
            raise InputError(
                f"The rod {rod.name} of “{phantom.name}” has no label_value, by which a segmentation is read: add it "
                "to the phantom file, or mark the rods by points."
            )
        part = labels[_place_on_grid(segment, node, ct)]
        if part.shape != segment.inside.shape:
            raise _off_grid(segment, node)
        if np.any(part[segment.inside]):
            raise InputError(
                f"The segment “{segment.name}” of “{node.GetName()}” overlaps another: correct one of them."
            )
        part[segment.inside] = rod.label_value
    return labels


def _place_on_grid(segment: Segment, node: Node, ct: CtVolume) -> tuple[slice, slice, slice]:
    """Return where a segment's voxels are in the CT's array; raise InputError when it is on another grid."""
    if not np.allclose(segment.ras_from_ijk[:3, :3], ct.ras_from_ijk[:3, :3], atol=GEOMETRY_TOLERANCE_MM):
        raise _off_grid(segment, node)
    first_ijk = (np.linalg.inv(ct.ras_from_ijk) @ segment.ras_from_ijk)[:3, 3]
    whole_ijk = np.rint(first_ijk).astype(int)
    off_mm = np.abs(ct.ras_from_ijk[:3, :3] @ (first_ijk - whole_ijk)).max()
    if off_mm > GEOMETRY_TOLERANCE_MM or whole_ijk.min() < 0:
        raise _off_grid(segment, node)
    k, j, i = (slice(start, start + size) for start, size in zip(whole_ijk[::-1], segment.inside.shape, strict=True))
    return k, j, i


def _off_grid(segment: Segment, node: Any) -> InputError:
    return InputError(
        f"The segment “{segment.name}” of “{node.GetName()}” is not on the CT's grid: choose the phantom's CT as the "
        "segmentation's source volume, and draw the rods again."
    )
