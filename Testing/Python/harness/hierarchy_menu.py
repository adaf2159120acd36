"""The data tree: an item for each node, and plugins as far as they add actions to the menus of views."""

import enum
import sys
from pathlib import Path

import slicer
import vtk
from PySide6.QtCore import QObject

from harness.pythonqt import wrap, wrapper_class
from harness.widgets import plain_property


class qSlicerSubjectHierarchyAbstractPlugin(QObject):
    """Base of plugins: the position of an action in a menu."""

    class ActionSectionType(enum.IntEnum):
        """Parts of a menu."""

        SectionTop, SectionInteraction, SectionComponent, SectionNode = -400, -300, -200, -100
        SectionDefault, SectionFolder, SectionBottom = 0, 100, 200

    name = plain_property(str, "name", "")

    @staticmethod
    def setActionPosition(action, position):
        """Set the position of an action."""
        action.setProperty("section", int(position))


class qSlicerSubjectHierarchyScriptedPlugin(qSlicerSubjectHierarchyAbstractPlugin):
    """A plugin that a module's file describes."""

    def setPythonSource(self, path):
        """Make the class that the file is named for, as the application finds it."""
        name = Path(path).stem
        self._instance = getattr(sys.modules[name], f"{name}SubjectHierarchyPlugin")(wrap(self))
        return True

    def viewContextMenuActions(self):
        """Return the actions for menus in views."""
        return [action.qt_object() for action in self._instance.viewContextMenuActions()]

    def showViewContextMenuActionsForItem(self, item, event_data):
        """Show the actions that an item has a use for."""
        self._instance.showViewContextMenuActionsForItem(item, event_data)


class qSlicerSubjectHierarchyPluginHandler(QObject):
    """What knows the plugins."""

    _only = None

    def __init__(self):
        super().__init__()
        self._plugins = []

    @staticmethod
    def instance():
        """Return the only one."""
        kind = qSlicerSubjectHierarchyPluginHandler
        kind._only = kind._only or kind()
        return kind._only

    def registerPlugin(self, plugin):
        """Make a plugin known."""
        known = [one for one in self._plugins if one.name == plugin.name]
        if not known:
            plugin.setParent(self)
            self._plugins.append(plugin)
        return not known

    def pluginByName(self, name):
        """Return a plugin, or None."""
        return next((plugin for plugin in self._plugins if plugin.name == name), None)


# What the application's plugins take in, of the nodes that the panel meets.
_NODES_WITH_AN_ITEM = (
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTableNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
)


@vtk.calldata_type(vtk.VTK_OBJECT)
def make_item(scene, _event, node) -> None:
    """Put a node that came into the scene into the data tree, as qSlicerSubjectHierarchyPluginLogic does it."""
    if not scene.IsImporting() and not node.GetHideFromEditors() and any(map(node.IsA, _NODES_WITH_AN_ITEM)):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def merge(scene, _event) -> None:
    """Keep one data tree, including the nodes of loaded files, as qSlicerSubjectHierarchyPluginLogic does.

    While a scene is closed, views ask for the tree, and it is created again from the parts of an empty one.
    """
    slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)


CLASSES = tuple(
    wrapper_class(kind)
    for kind in (
        qSlicerSubjectHierarchyAbstractPlugin,
        qSlicerSubjectHierarchyScriptedPlugin,
        qSlicerSubjectHierarchyPluginHandler,
    )
)
