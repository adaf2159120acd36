"""Find the nodes that would be lost if a scene were closed."""

from collections.abc import Collection

import vtk

from LumbarHULib.mrml.reading import Reading


def unsaved_names(scene, kept: Reading | None = None, untouched: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the nodes that were changed since they were last read or saved.

    Parameters
    ----------
    scene : vtkMRMLScene
    kept : Reading, optional
        A reading whose current state is in an audit folder: its nodes are not lost.
    untouched : collection of str
        The IDs of nodes that equal their files although Slicer marks them as modified.
    """
    modified = vtk.vtkCollection()
    scene.GetStorableNodesModifiedSinceRead(modified)
    nodes = [modified.GetItemAsObject(index) for index in range(modified.GetNumberOfItems())]
    safe = {*untouched, *(() if kept is None else _ids_of(kept))}
    return tuple(node.GetName() for node in nodes if node.GetSaveWithScene() and node.GetID() not in safe)


def _ids_of(reading: Reading) -> set[str]:
    """Return the IDs of all nodes that belong to a reading, including its CT, which came from a file."""
    roles: list[str] = []
    reading.node.GetNodeReferenceRoles(roles)
    return {reading.node.GetNodeReferenceID(role) for role in roles}
