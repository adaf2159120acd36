"""CT volume nodes to core values and back."""

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


def ct_from_node(volume_node) -> CtVolume:
    """Return the CT that a volume node holds, where its parent transforms put it.

    The voxels are a view of the node's image, not a copy. They are checked, which takes a look at each of them:
    `CtCache` spares that while nothing changes.

    Raises
    ------
    InputError
        When the node holds no volume of one value a voxel, is under a transform that does more than move and turn it,
        or its values are not HU.
    """
    voxels_hu = voxels_of(volume_node)
    return CtVolume(
        voxels_hu, world_from_node(volume_node) @ node_from_ijk(volume_node), _kept_padding(volume_node, len(voxels_hu))
    )


def voxels_of(volume_node) -> np.ndarray:
    """Return a view of the node's voxels, shape (K, J, I)."""
    image = volume_node.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None:
        raise InputError(f"The volume “{volume_node.GetName()}” holds no voxels: load the CT again.")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"The volume “{volume_node.GetName()}” has {scalars.GetNumberOfComponents()} values a voxel, like a color "
            "image: give a CT."
        )
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def node_from_ijk(volume_node) -> np.ndarray:
    """Return the matrix, shape (4, 4), from voxel indices to mm before any parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


# A registration moves and turns; its matrix, saved as text, is exact to some 1e-7. What changes a length by more than
# this, 0.05 mm over half a meter, does not only move and turn.
_LENGTH_TOLERANCE = 1e-4


def world_from_node(node) -> np.ndarray:
    """Return the matrix, shape (4, 4), of the transforms above a node, which may only move and turn it.

    Parameters
    ----------
    node : vtkMRMLTransformableNode
        A CT, a segmentation, or a markup.

    Raises
    ------
    InputError
        When they bend, scale, shear or mirror: areas would change, or the sides be exchanged, unseen.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    called = f"“{node.GetName()}” is under the transform “{transform.GetName()}”, which"
    matrix = vtk.vtkMatrix4x4()
    if not transform.IsTransformToWorldLinear() or not transform.GetMatrixTransformToWorld(matrix):
        raise InputError(f"{called} bends space: take it out of the transform, and measure it as it was scanned.")
    world = slicer.util.arrayFromVTKMatrix(matrix)
    lengths = np.linalg.svd(world[:3, :3], compute_uv=False)
    change = float(lengths[np.argmax(np.abs(lengths - 1))]) - 1
    if abs(change) > _LENGTH_TOLERANCE:
        raise InputError(
            f"{called} changes lengths by {100 * change:+.3g} % (scaling or shear): take it out of the transform or, "
            "where the transform is right, harden it."
        )
    if np.linalg.det(world[:3, :3]) < 0:
        raise InputError(
            f"{called} mirrors it, so that left and right are exchanged: take it out of the transform or, where the "
            "transform is right, harden it."
        )
    return world


def volume_node_from_ct(scene, ct: CtVolume, name: str):
    """Return a new volume node with a copy of the CT's voxels.

    Raises
    ------
    InputError
        When the scene has no type for the CT's values.
    """
    voxels_hu = _storable(ct.voxels_hu)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ct.ras_from_ijk))
    slicer.util.updateVolumeFromArray(node, voxels_hu)
    node.CreateDefaultDisplayNodes()
    keep_padding(node, ct.padding_hu)
    return node


_SCAN_ATTRIBUTE = "LumbarHU.scan"
_PADDING_ATTRIBUTE = "LumbarHU.padding"


def keep_padding(volume_node, padding_hu: np.ndarray | None) -> None:
    """Note at a CT which values its headers declare as not scanned, as `CtVolume` has them."""
    if padding_hu is not None:
        of_slices = [[None if np.isnan(end) else float(end) for end in ends] for ends in padding_hu]
        same = all(ends == of_slices[0] for ends in of_slices)
        volume_node.SetAttribute(_PADDING_ATTRIBUTE, json.dumps(of_slices[:1] if same else of_slices))


def _kept_padding(volume_node, slices: int) -> np.ndarray | None:
    """Return what `keep_padding` noted; None where nothing was, or it is damaged."""
    try:
        padding_hu = np.array(json.loads(volume_node.GetAttribute(_PADDING_ATTRIBUTE) or ""), dtype=float)
    except (ValueError, TypeError):
        return None
    if padding_hu.ndim != 2 or padding_hu.shape[1] != 2 or len(padding_hu) not in (1, slices):
        return None
    return np.broadcast_to(padding_hu, (slices, 2))


# For the eye only.
_BONE_WINDOW_HU = (-150.0, 550.0)

# What both VTK and Slicer's file writers take.
_STORABLE_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def _storable(voxels: np.ndarray) -> np.ndarray:
    """Return `voxels`, in another type only where the scene lacks theirs and no value changes."""
    if voxels.dtype.name in _STORABLE_TYPES:
        return voxels
    for name in ("int32", "float32", "float64"):
        converted = voxels.astype(name)
        if np.array_equal(converted, voxels):
            return converted
    raise InputError(
        f"The CT's voxels of type {voxels.dtype} do not fit into a scene: give whole numbers up to 32 bits."
    )


def measurable_cts(scene) -> tuple:
    """Return the volume nodes of a scene that can be a CT in HU; this takes a look at each of their voxels."""
    nodes = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    nodes.UnRegister(None)
    volumes = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    return tuple(node for node in volumes if node.GetClassName() == "vtkMRMLScalarVolumeNode" and _is_ct(node))


def _is_ct(volume_node) -> bool:
    try:
        ct_from_node(volume_node)
    except InputError:
        return False
    return True


def why_no_ct(scene) -> str:
    """Return why the scene's volumes, of which none can be a CT in HU, are not taken; empty where there is none."""
    nodes = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    nodes.UnRegister(None)
    for index in range(nodes.GetNumberOfItems()):
        node = nodes.GetItemAsObject(index)
        if node.GetClassName() != "vtkMRMLScalarVolumeNode":
            continue
        try:
            ct_from_node(node)
        except InputError as problem:
            return f"“{node.GetName()}” is not taken as a CT. {problem}"
    return ""


def keep_scan(volume_node, facts: ScanFacts, findings: Sequence[Finding]) -> None:
    """Note at a CT what reading its files told: later nobody can ask them again."""
    kept = {"facts": asdict(facts), "findings": [asdict(finding) for finding in findings]}
    volume_node.SetAttribute(_SCAN_ATTRIBUTE, json.dumps(kept))


def kept_scan(volume_node) -> tuple[ScanFacts, tuple[Finding, ...]] | None:
    """Return what was noted at a CT of reading its files; None where nothing was, or it is damaged."""
    try:
        kept = json.loads(volume_node.GetAttribute(_SCAN_ATTRIBUTE) or "")
        return ScanFacts(**kept["facts"]), tuple(Finding(**item) for item in kept["findings"])
    except (ValueError, TypeError, KeyError):
        return None


def set_bone_window(volume_node) -> None:
    """Show a CT in a window that tells cortex from trabecular bone, and trabecular bone from fat."""
    if volume_node.GetDisplayNode() is None:
        volume_node.CreateDefaultDisplayNodes()
    volume_node.GetDisplayNode().SetAutoWindowLevel(False)
    volume_node.GetDisplayNode().SetWindowLevelMinMax(*_BONE_WINDOW_HU)


class CtCache:
    """The axial stack of one CT node, made anew only when the node's voxels, place or protocol change."""

    def __init__(self) -> None:
        self._key = None
        self._stack = None

    def stack(self, volume_node, protocol: Protocol) -> AxialStack:
        """Return the node's CT as axial slices.

        Raises
        ------
        InputError
            As `ct_from_node` and `axial_stack`.
        """
        key = (*ct_state(volume_node), protocol)
        if key != self._key:
            # Forgotten first: after a refusal nothing old must stay.
            self._key = self._stack = None
            self._stack = axial_stack(ct_from_node(volume_node), protocol)
            self._key = key
        return self._stack


def ct_state(volume_node) -> tuple:
    """Return a value that changes whenever the node's voxels or place do."""
    image = volume_node.GetImageData()
    if image is None:
        return (volume_node.GetID(), None)
    place = world_from_node(volume_node) @ node_from_ijk(volume_node)
    padding = volume_node.GetAttribute(_PADDING_ATTRIBUTE)
    return (volume_node.GetID(), image.GetMTime(), image.GetPointData().GetScalars(), place.tobytes(), padding)
