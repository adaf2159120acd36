"""Convert CT volume nodes to core values and back."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.mrml.node_types import DisplayableNode, MaybeNone, Scene, VolumeNode, nodes_of_class

_VOLUME = "vtkMRMLScalarVolumeNode"


def ct_from_node(volume_node: VolumeNode) -> CtVolume:
    """Return the CT of a volume node, with its parent transforms applied.

    The voxels are a view of the node's image, not a copy. Every voxel is checked; `CtCache` avoids this while nothing
    changes.

    Raises
    ------
    InputError
        When the node has no volume with one value for each voxel, is under a transform that is not rigid, or its values
        are not HU.
    """
    voxels_hu = voxels_of(volume_node)
    return CtVolume(
        voxels_hu, world_from_node(volume_node) @ node_from_ijk(volume_node), _kept_padding(volume_node, len(voxels_hu))
    )


def voxels_of(volume_node: VolumeNode) -> np.ndarray:
    """Return a view of the node's voxels, shape (K, J, I); raises InputError unless each has one value."""
    image = volume_node.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None:
        raise InputError(f"The volume “{volume_node.GetName()}” has no voxels: load the CT again.")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"The volume “{volume_node.GetName()}” has {scalars.GetNumberOfComponents()} values for each voxel, like a "
            "color image: use a CT."
        )
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def node_from_ijk(volume_node: VolumeNode) -> np.ndarray:
    """Return the matrix, shape (4, 4), from voxel indices to mm before any parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


# The matrix of a rigid registration, saved as text, is exact to about 1e-7. A transform that changes a length by more
# than this, 0.05 mm over half a meter, is not rigid.
_LENGTH_TOLERANCE = 1e-4


def world_from_node(node: DisplayableNode) -> np.ndarray:
    """Return the matrix, shape (4, 4), of the transforms above a node, which must be rigid.

    Parameters
    ----------
    node : vtkMRMLTransformableNode
        A CT, a segmentation, or a markup.

    Raises
    ------
    InputError
        When they bend, scale, shear or mirror, because areas would change, or left and right would be swapped.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    subject = f"“{node.GetName()}” is under the transform “{transform.GetName()}”, which"
    matrix = vtk.vtkMatrix4x4()
    if not transform.IsTransformToWorldLinear() or not transform.GetMatrixTransformToWorld(matrix):
        raise InputError(f"{subject} is not linear: remove “{node.GetName()}” from the transform.")
    world = slicer.util.arrayFromVTKMatrix(matrix)
    lengths = np.linalg.svd(world[:3, :3], compute_uv=False)
    change = float(lengths[np.argmax(np.abs(lengths - 1))]) - 1
    if abs(change) > _LENGTH_TOLERANCE:
        raise InputError(
            f"{subject} changes lengths by {100 * change:+.3g} % (scaling or shear): remove “{node.GetName()}” from "
            "the transform or, if the transform is correct, harden it."
        )
    if np.linalg.det(world[:3, :3]) < 0:
        raise InputError(
            f"{subject} mirrors it and swaps left and right: remove “{node.GetName()}” from the transform or, if the "
            "transform is correct, harden it."
        )
    return world


def volume_node_from_ct(scene: Scene, ct: CtVolume, name: str) -> VolumeNode:
    """Return a new volume node with a copy of the CT's voxels.

    Raises
    ------
    InputError
        When the scene cannot store the CT's data type.
    """
    voxels_hu = _storable(ct.voxels_hu)
    node = scene.AddNewNodeByClass(_VOLUME, name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ct.ras_from_ijk))
    slicer.util.updateVolumeFromArray(node, voxels_hu)
    node.CreateDefaultDisplayNodes()
    keep_padding(node, ct.padding_hu)
    return node


_SCAN_ATTRIBUTE = "LumbarHU.scan"
_PADDING_ATTRIBUTE = "LumbarHU.padding"


def keep_padding(volume_node: VolumeNode, padding_hu: np.ndarray | None) -> None:
    """Store the padding values that a CT's headers declare with its node, as in `CtVolume`."""
    if padding_hu is not None:
        ends_by_slice = [[None if np.isnan(end) else float(end) for end in ends] for ends in padding_hu]
        same = all(ends == ends_by_slice[0] for ends in ends_by_slice)
        volume_node.SetAttribute(_PADDING_ATTRIBUTE, json.dumps(ends_by_slice[:1] if same else ends_by_slice))


def _kept_padding(volume_node: VolumeNode, slices: int) -> np.ndarray | None:
    """Return the padding stored by `keep_padding`; None where there is none, or it is damaged."""
    try:
        padding_hu = np.array(json.loads(volume_node.GetAttribute(_PADDING_ATTRIBUTE) or ""), dtype=float)
    except (ValueError, TypeError):
        return None
    if padding_hu.ndim != 2 or padding_hu.shape[1] != 2 or len(padding_hu) not in (1, slices):
        return None
    return np.broadcast_to(padding_hu, (slices, 2))


# Display window; it does not affect measurements.
_BONE_WINDOW_HU = (-150.0, 550.0)

# Data types that both VTK and Slicer's file writers support.
_STORABLE_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def _storable(voxels: np.ndarray) -> np.ndarray:
    """Return `voxels`, converted without loss where the scene cannot store their type."""
    if voxels.dtype.name in _STORABLE_TYPES:
        return voxels
    for name in ("int32", "float32", "float64"):
        converted = voxels.astype(name)
        if np.array_equal(converted, voxels):
            return converted
    raise InputError(f"A scene cannot store the CT's voxels of type {voxels.dtype}: use integers of at most 32 bits.")


def measurable_cts(scene: Scene) -> tuple[VolumeNode, ...]:
    """Return the volume nodes of a scene that can be a CT in HU; this checks every voxel."""
    return tuple(node for node in nodes_of_class(scene, _VOLUME) if is_ct(node))


def is_ct(volume_node: VolumeNode) -> bool:
    """Return whether a node is a volume that can be a CT in HU; this checks every voxel."""
    if volume_node.GetClassName() != _VOLUME:
        return False
    try:
        ct_from_node(volume_node)
    except InputError:
        return False
    return True


def why_no_ct(scene: Scene) -> str:
    """Return the reason why a volume of the scene is not a CT in HU; empty without a volume."""
    for node in nodes_of_class(scene, _VOLUME):
        if node.GetClassName() != _VOLUME:
            continue
        try:
            ct_from_node(node)
        except InputError as problem:
            return f"“{node.GetName()}” is not accepted as a CT. {problem}"
    return ""


def keep_scan(volume_node: VolumeNode, facts: ScanFacts, findings: Sequence[Finding]) -> None:
    """Store facts and findings from reading a CT's files with its node, because the files are not read again."""
    kept = {"facts": facts.plain(), "findings": [asdict(finding) for finding in findings]}
    volume_node.SetAttribute(_SCAN_ATTRIBUTE, json.dumps(kept))


def kept_scan(volume_node: VolumeNode) -> tuple[ScanFacts, tuple[Finding, ...]] | None:
    """Return the facts and findings stored by `keep_scan`; None where there are none, or they are damaged."""
    try:
        kept = json.loads(volume_node.GetAttribute(_SCAN_ATTRIBUTE) or "")
        return ScanFacts(**kept["facts"]), tuple(Finding(**item) for item in kept["findings"])
    except (ValueError, TypeError, KeyError):
        return None


def set_bone_window(volume_node: VolumeNode) -> None:
    """Show a CT in a window that distinguishes cortex from trabecular bone, and trabecular bone from fat."""
    if volume_node.GetDisplayNode() is None:
        volume_node.CreateDefaultDisplayNodes()
    volume_node.GetDisplayNode().SetAutoWindowLevel(False)
    volume_node.GetDisplayNode().SetWindowLevelMinMax(*_BONE_WINDOW_HU)


class CtCache:
    """Caches the axial stack of one CT node until its voxels, its position or the protocol change."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._stack: AxialStack | MaybeNone = None

    def stack(self, volume_node: VolumeNode, protocol: Protocol) -> AxialStack:
        """Return the node's CT as axial slices.

        Raises
        ------
        InputError
            As `ct_from_node` and `axial_stack`.
        """
        key = (*ct_state(volume_node), protocol)
        if key != self._key:
            # Cleared first, so that nothing old stays after an InputError.
            self._key = self._stack = None
            self._stack = axial_stack(ct_from_node(volume_node), protocol.frame)
            self._key = key
        return self._stack


def ct_state(volume_node: VolumeNode) -> tuple[object, ...]:
    """Return a value that changes whenever the node's voxels or position change."""
    image = volume_node.GetImageData()
    if image is None:
        return (volume_node.GetID(), None)
    world_from_ijk = world_from_node(volume_node) @ node_from_ijk(volume_node)
    padding = volume_node.GetAttribute(_PADDING_ATTRIBUTE)
    return (volume_node.GetID(), image.GetMTime(), image.GetPointData().GetScalars(), world_from_ijk.tobytes(), padding)
