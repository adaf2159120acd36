"""What the menu of a handle in a view offers: to return a boundary or an outline to automatic."""

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.panel.level_words import part_title


class LumbarHUSubjectHierarchyPlugin:
    """Adds to the menu that Slicer shows at a right click on a markup; Slicer makes it and calls its methods.

    Parameters
    ----------
    scripted_plugin : qSlicerSubjectHierarchyScriptedPlugin
    """

    def __init__(self, scripted_plugin) -> None:
        scripted_plugin.name = "LumbarHU"
        self._level_and_role: tuple[str, str] | None = None
        self.action = qt.QAction(scripted_plugin)
        self.action.objectName = "LumbarHUReturnToAutomaticAction"
        abstract = slicer.qSlicerSubjectHierarchyAbstractPlugin
        abstract.setActionPosition(self.action, abstract.SectionNode + 5)
        self.action.connect("triggered()", self._on_triggered)

    def viewContextMenuActions(self):  # noqa: N802 - Slicer calls it
        """Return the actions for menus in views."""
        return [self.action]

    def showViewContextMenuActionsForItem(self, item, _event_data=None):  # noqa: N802 - Slicer calls it
        """Show the action where it has something to do."""
        levels = _levels_section()
        node = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemDataNode(item)
        found = None if levels is None or node is None else levels.edited_markup(node)
        if found is not None:
            self._level_and_role = found
            self.action.text = _("Return {level}’s {role} to automatic").format(
                level=found[0], role=part_title(found[1])
            )
            self.action.visible = True

    def _on_triggered(self):
        levels = _levels_section()
        if levels is not None and self._level_and_role is not None:
            levels.return_part(*self._level_and_role)


def register_context_menu(source_file: str) -> None:
    """Make the plugin known to Slicer, once in the application's life.

    Parameters
    ----------
    source_file : str
        The module's own file, in which Slicer finds the plugin's class by its name.
    """
    handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
    scripted_plugin = slicer.qSlicerSubjectHierarchyScriptedPlugin(None)
    scripted_plugin.setPythonSource(source_file)
    # Only now: while the class is being made, its methods cannot be called yet, and registering asks for the actions.
    handler.registerPlugin(scripted_plugin)


def _levels_section():
    """Return the levels section of the module's panel; None while the user has not opened the module."""
    widget = getattr(slicer.modules, "LumbarHUWidget", None)
    return None if widget is None or widget.panel is None else widget.panel.levels
