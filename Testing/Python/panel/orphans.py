"""Nodes that were left behind: ours that no reading knows, and what belonged to a node that is gone."""

from LumbarHULib.mrml.reading import readings

_DISPLAYS = ("vtkMRMLMarkupsDisplayNode", "vtkMRMLSegmentationDisplayNode", "vtkMRMLVolumeDisplayNode")


def orphans(scene) -> list[str]:
    """Return the names of nodes of ours that no reading knows, and of what belongs to a node that is gone."""
    known = set()
    for reading in readings(scene):
        roles = [
            reading.node.GetNthNodeReferenceRole(index) for index in range(reading.node.GetNumberOfNodeReferenceRoles())
        ]
        known |= {reading.node.GetNodeReferenceID(role) for role in roles}
    found = []
    for kind in ("vtkMRMLMarkupsNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode"):
        found += [node for node in nodes_of(scene, kind) if node.GetID() not in known and not node.GetHideFromEditors()]
    used = set()
    for kind, roles in (("vtkMRMLDisplayableNode", ("display", "storage")), ("vtkMRMLStorableNode", ("storage",))):
        for node in nodes_of(scene, kind):
            for role in roles:
                count = node.GetNumberOfNodeReferences(role)
                used |= {node.GetNthNodeReferenceID(role, index) for index in range(count)}
    for kind in (*_DISPLAYS, "vtkMRMLStorageNode"):
        found += [node for node in nodes_of(scene, kind) if node.GetID() not in used]
    return [node.GetID() for node in found]


def nodes_of(scene, kind) -> list:
    nodes = scene.GetNodesByClass(kind)
    nodes.UnRegister(None)
    return [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
