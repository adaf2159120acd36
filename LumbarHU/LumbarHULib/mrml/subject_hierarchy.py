"""Place a reading's nodes in the subject hierarchy: one folder for each reading, under its CT."""

import slicer
import vtk

from LumbarHULib.mrml.node_types import Node, Scene, SubjectHierarchyNode
from LumbarHULib.mrml.reading import Reading

# A folder is identified by these attributes, because users may rename it.
_READING_ATTRIBUTE = "LumbarHU.reading"
_PART_ATTRIBUTE = "LumbarHU.part"


def put_in_folder(reading: Reading, part: str, node: Node) -> None:
    """Put a node into the reading's folder.

    Parameters
    ----------
    reading : Reading
    part : str
        The folder inside the reading's folder: ``Markups``, ``ROIs`` or ``Tables``.
    node : vtkMRMLNode
    """
    hierarchy = _hierarchy(reading)
    part_folder = folder_under(hierarchy, reading_folder(reading), part, _PART_ATTRIBUTE, part)
    item = item_of(hierarchy, node)
    if hierarchy.GetItemParent(item) != part_folder:
        hierarchy.SetItemParent(item, part_folder)


def remove_folder(reading: Reading) -> None:
    """Remove the reading's folder; other items that a user put into it move to the CT."""
    hierarchy, folder = _hierarchy(reading), reading_folder(reading)
    for part in children_of(hierarchy, folder):
        hierarchy.RemoveItem(part, False, False)
    hierarchy.RemoveItem(folder, False, False)


def hierarchy_of(scene: Scene) -> SubjectHierarchyNode:
    """Return the scene's subject hierarchy."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _hierarchy(reading: Reading) -> SubjectHierarchyNode:
    return hierarchy_of(reading.scene)


def reading_folder(reading: Reading) -> int:
    """Return the subject-hierarchy item of the reading's folder; create it where there is none."""
    hierarchy = _hierarchy(reading)
    found = [
        item
        for item in children_of(hierarchy, hierarchy.GetSceneItemID(), recursively=True)
        if hierarchy.GetItemAttribute(item, _READING_ATTRIBUTE) == reading.uid
    ]
    if found:
        return found[0]
    ct_node = reading.ct_node
    parent = hierarchy.GetSceneItemID() if ct_node is None else item_of(hierarchy, ct_node)
    return folder_under(hierarchy, parent, f"LumbarHU – {reading.title}", _READING_ATTRIBUTE, reading.uid)


def item_of(hierarchy: SubjectHierarchyNode, node: Node) -> int:
    """Return a node's item; create it where there is none, because only the application does so automatically."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def folder_under(hierarchy: SubjectHierarchyNode, parent: int, name: str, attribute: str, value: str) -> int:
    """Return the item of the folder under `parent` whose `attribute` has `value`; create it where there is none."""
    for item in children_of(hierarchy, parent):
        if hierarchy.GetItemAttribute(item, attribute) == value:
            return item
    folder = hierarchy.CreateFolderItem(parent, name)
    hierarchy.SetItemAttribute(folder, attribute, value)
    hierarchy.SetItemExpanded(folder, False)
    return folder


def children_of(hierarchy: SubjectHierarchyNode, parent: int, recursively: bool = False) -> list[int]:
    """Return the items under a parent item."""
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(parent, ids, recursively)
    return [ids.GetId(index) for index in range(ids.GetNumberOfIds())]
