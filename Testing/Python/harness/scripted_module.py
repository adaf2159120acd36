"""`slicer.ScriptedLoadableModule` and `slicer.i18n`, and the Qt objects that a scripted module is given."""

import importlib
import inspect
import sys
import unittest
from pathlib import Path

import slicer
from PySide6.QtCore import Property, QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from harness.pythonqt import wrap
from harness.widgets import plain_property, qMRMLWidget


class qSlicerScriptedLoadableModule(QObject):
    """What the application knows of a module."""

    title = plain_property(str, "title", "")
    name = plain_property(str, "name", "")
    path = plain_property(str, "path", "")
    categories = plain_property("QStringList", "categories", [])
    dependencies = plain_property("QStringList", "dependencies", [])
    contributors = plain_property("QStringList", "contributors", [])
    helpText = plain_property(str, "helpText", "")
    acknowledgementText = plain_property(str, "acknowledgementText", "")
    icon = plain_property(QIcon, "icon", None)
    hidden = plain_property(bool, "hidden", False)

    def __init__(self, source):
        super().__init__()
        self.name, self.path, self._widget = source.stem, str(source), None

    def load(self):
        """Run the module's file and make the module's own object."""
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.name] = module
        spec.loader.exec_module(module)
        self._instance = getattr(module, self.name)(wrap(self))

    def widgetRepresentation(self):
        """Return the module's panel; it is built when it is asked for the first time."""
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self.name)
            self._widget.set_up()
        return self._widget


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The place of a module's panel."""

    def __init__(self, name):
        super().__init__()
        QVBoxLayout(self)
        self.setMRMLScene(slicer.mrmlScene)
        self._name, self._is_entered, self._panel = name, False, None

    isEntered = Property(bool, lambda self: self._is_entered)

    def set_up(self):
        """Build the panel; an error leaves it half built, as in the application."""
        kind = getattr(sys.modules[self._name], f"{self._name}Widget")
        self._panel = kind(wrap(self))
        setattr(slicer.modules, f"{self._name}Widget", self._panel)
        self._call("setup")

    reload = set_up

    def self(self):
        """Return the panel's Python object."""
        return self._panel

    def enter(self):
        """Notify the panel that it is shown."""
        self._is_entered = True
        self._call("enter")

    def exit(self):
        """Notify the panel that it is hidden."""
        self._is_entered = False
        self._call("exit")

    def _call(self, name):
        try:
            getattr(self._panel, name)()
        except Exception:
            sys.excepthook(*sys.exc_info())


class ScriptedLoadableModule:
    """Base of a module's own class."""

    def __init__(self, parent):
        super().__init__()
        self.parent, self.moduleName = parent, type(self).__name__

    def resourcePath(self, filename):
        """Return the path of one of the module's resources."""
        return str(Path(self.parent.path).parent / "Resources" / filename)


class ScriptedLoadableModuleWidget:
    """Base of a module's panel."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        """Return the path of one of the module's resources."""
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self):
        """Build the panel."""

    def cleanup(self):
        """Take the panel down."""

    def enter(self):
        """React to the panel being shown."""

    def exit(self):
        """React to another panel being shown."""

    def _onModuleAboutToBeUnloaded(self, name):
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """Base of a module's logic."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        """Return the module's parameter node, a new one where there is none."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            return slicer.mrmlScene.AddNode(self.createParameterNode())
        if node.GetAttribute("ModuleName") != self.moduleName:
            node.SetAttribute("ModuleName", self.moduleName)
        return node

    def createParameterNode(self):
        """Make a parameter node."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of a module's own test."""

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        """Print the name of the current test."""
        slicer.util.delayDisplay(message, 100)


def tr(text):
    """Return a text in the user's language, requested by the file that contains it."""
    source = Path(inspect.currentframe().f_back.f_code.co_filename)
    context = f"{source.parent.name}.{source.stem}" if (source.parent / "__init__.py").is_file() else source.stem
    return translate(context, text)


def translate(context, text):
    """Return a text in the user's language."""
    return slicer.app.translate(context, text)
