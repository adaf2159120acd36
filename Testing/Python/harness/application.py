"""3D Slicer's application, as far as the panel calls it: `start()` makes it, once in a process."""

import atexit
import functools
import os
import sys
import tempfile
import types
from contextlib import ExitStack
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import slicer
from PySide6.QtCore import Property, QObject, QSettings, Qt, qInstallMessageHandler
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea, QToolBar, QVBoxLayout, QWidget

from harness import hierarchy_menu, modules, pythonqt, widgets
from LumbarHULib.headless.scene import scene_and_application_logic

_MODULE = Path(__file__).resolve().parents[3] / "LumbarHU" / "LumbarHU.py"
_WITHOUT_PANEL = ("Data", "SegmentEditor", "Volumes", "Markups", "Segmentations", "SubjectHierarchy")
_WIDTH_PX, _HEIGHT_PX = 420, 1000


class qSlicerApplication(QApplication):
    """The application."""

    startupCompleted = QtSignal()

    def __init__(self):
        super().__init__(["Slicer", "--testing"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("LumbarHU tests")
        qInstallMessageHandler(_tell_of_qt)
        self._resources = ExitStack()
        self._folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="lumbarhu-harness-"))
        QSettings.setPath(QSettings.defaultFormat(), QSettings.Scope.UserScope, self._folder)
        self.scene, self._logic = self._resources.enter_context(scene_and_application_logic())
        crosshair = self.scene.AddNewNodeByClass("vtkMRMLCrosshairNode")  # the cursor's place; the application adds it
        crosshair.SetCrosshairName("default")
        self.scene.AddObserver(self.scene.NodeAddedEvent, hierarchy_menu.make_item)
        for event in (self.scene.EndCloseEvent, self.scene.EndImportEvent):
            self.scene.AddObserver(event, hierarchy_menu.merge)

    temporaryPath = Property(str, lambda self: self._folder)

    def add_parts(self):
        """Add the parts that need the scene."""
        from harness.slice_views import qSlicerLayoutManager

        self._layout_manager = qSlicerLayoutManager(self.scene, self._logic)
        self._module_manager = qSlicerModuleManager()
        self._io_manager = qSlicerCoreIOManager(self.scene)
        self._window = qSlicerAppMainWindow(self._module_manager)
        self._window.show()

    def mrmlScene(self):
        """Return the scene."""
        return self.scene

    def applicationLogic(self):
        """Return the logic of selection and interaction."""
        return self._logic

    def layoutManager(self):
        """Return the layout manager."""
        return self._layout_manager

    def moduleManager(self):
        """Return the module manager."""
        return self._module_manager

    def coreIOManager(self):
        """Return the I/O manager."""
        return self._io_manager

    def userSettings(self):
        """Return the user's settings."""
        return QSettings()

    settings = userSettings

    def testingEnabled(self):
        """Return whether dialogs are answered by themselves: they are, here."""
        return True

    def pauseRender(self):
        """Let the views wait."""
        self._layout_manager.set_paused(True)

    def resumeRender(self):
        """Let the views draw again."""
        self._layout_manager.set_paused(False)

    def translate(self, _context, text):
        """Return a text in the user's language: English."""
        return text

    def shut_down(self):
        """Let go of everything, in the order in which the application does."""
        self._module_manager.unload_all()
        self._layout_manager.close_down()
        self._window.close()
        self._resources.close()


class qSlicerModuleManager(QObject):
    """The modules."""

    moduleAboutToBeUnloaded = QtSignal(str)

    def __init__(self):
        super().__init__()
        self._modules = {}

    def add(self, name, module):
        """Make a module known."""
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), pythonqt.wrap(module))

    def module(self, name):
        """Return a module by its name, or None."""
        return self._modules.get(name)

    def modulesNames(self):
        """Return the names of the modules."""
        return list(self._modules)

    def unload_all(self):
        """Take the modules down."""
        for name in self._modules:
            self.moduleAboutToBeUnloaded.emit(name)


class qSlicerLoadableModule(QObject):
    """A module of the application's own: its logic, and no panel."""

    name = widgets.plain_property(str, "name", "")

    def __init__(self, name, logic):
        super().__init__()
        self.name, self._logic = name, logic

    def logic(self):
        """Return the module's logic, or None."""
        return self._logic

    def widgetRepresentation(self):
        """Return nothing: there is no panel."""


class qSlicerCoreIOManager(QObject):
    """What reads and writes scenes; single nodes are not part of the harness."""

    def __init__(self, scene):
        super().__init__()
        self._scene, self._opened_dialogs = scene, 0

    def openAddDataDialog(self):
        """Count the dialogs for files that were asked for: nobody is there to answer one."""
        self._opened_dialogs += 1
        return False

    def opened_dialogs(self):
        """Return how many dialogs for files were asked for."""
        return self._opened_dialogs

    def saveNodes(self, kind, properties, _messages):
        """Write the scene."""
        _require(kind == "SceneFile" and properties["fileName"].endswith(".mrb"), f"{kind} {properties}")
        return bool(self._scene.WriteToMRB(properties["fileName"]))

    def loadNodes(self, kind, properties, _loaded, messages):
        """Read a scene into the scene."""
        _require(kind == "SceneFile" and properties["fileName"].endswith(".mrb"), f"{kind} {properties}")
        return bool(self._scene.ReadFromMRB(properties["fileName"], properties.get("clear", False), messages))


class qSlicerModuleSelectorToolBar(QToolBar):
    """What the user chooses the module by."""

    def __init__(self, manager, place):
        super().__init__()
        self._manager, self._place, self._name = manager, place, ""

    selectedModule = Property(str, lambda self: self._name)

    def selectModule(self, name):
        """Leave the module that is open and open another."""
        if name not in self._manager.modulesNames():
            print(f'The module "{name}" has not been registered.')
            name = ""
        if name == self._name:
            return
        left, opened = self._panel_of(self._name), self._panel_of(name)
        self._name = name
        if left is not None:
            left.exit()
            left.setVisible(False)
        if opened is not None:
            self._place.addWidget(opened)
            opened.setVisible(True)
            opened.enter()

    def _panel_of(self, name):
        module = self._manager.module(name)
        return None if module is None else module.widgetRepresentation()


class qSlicerAppMainWindow(QMainWindow):
    """The main window: the panel's place and the choice of module."""

    def __init__(self, manager):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        contents, area = QWidget(), QScrollArea()
        area.setObjectName("ScrollArea")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(contents)
        self.setCentralWidget(area)
        self._selector = qSlicerModuleSelectorToolBar(manager, QVBoxLayout(contents))
        self.addToolBar(self._selector)
        self.resize(_WIDTH_PX, _HEIGHT_PX)

    def moduleSelector(self):
        """Return the module selector."""
        return self._selector


class SampleDataLogic:
    """The Sample Data module's list."""

    sources: list = []  # noqa: RUF012 - of the class, as there

    @classmethod
    def registerCustomSampleDataSource(
        cls,
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        checksums=None,
    ):
        """Offer a data set."""
        cls.sources.append((category, sampleName, customDownloader, thumbnailFileName))


@functools.cache
def prepare():
    """Make what can be imported in the application importable; it needs no application yet."""
    sys.modules["qt"], sys.modules["ctk"] = modules.qt_and_ctk()
    for name in [name for name in vars(slicer.util) if name != "util" and not name.startswith("_")]:
        if vars(slicer).get(name) is getattr(slicer.util, name):  # the wheel copies them there, not so the application
            delattr(slicer, name)
    slicer.modules = types.SimpleNamespace()
    for name in ("qMRMLWidget", "qMRMLNodeComboBox", "qMRMLTableView"):
        setattr(slicer, name, pythonqt.wrapper_class(getattr(widgets, name)))
    for kind in hierarchy_menu.CLASSES:
        setattr(slicer, kind.__name__, kind)
    slicer.parameterNodeWrapper = _module("slicer.parameterNodeWrapper", "harness.parameter_node")
    slicer.ScriptedLoadableModule = _module("slicer.ScriptedLoadableModule", "harness.scripted_module")
    slicer.i18n = _module("slicer.i18n", "harness.scripted_module")
    sys.modules["SampleData"] = types.SimpleNamespace(SampleDataLogic=SampleDataLogic)


def start():
    """Start the application, load LumbarHU, and return `slicer.app`.

    Raises
    ------
    RuntimeError
        When the process has one already.
    """
    _require(QApplication.instance() is None, "a second application in one process")
    prepare()
    application = qSlicerApplication()
    slicer.app, slicer.mrmlScene = pythonqt.wrap(application), application.scene
    application.add_parts()
    atexit.register(application.shut_down)
    _load_modules(application)
    application.startupCompleted.emit()
    return slicer.app


def _tell_of_qt(_kind, _context, text):
    if "propagateSizeHints" not in text:  # what the off-screen platform says of every window
        print(text, file=sys.stderr)


def _load_modules(application):
    from harness.scripted_module import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget
    from harness.segment_editor import segment_editor

    slicer.qSlicerScriptedLoadableModuleWidget = pythonqt.wrapper_class(qSlicerScriptedLoadableModuleWidget)
    manager = application.moduleManager()
    for name in _WITHOUT_PANEL:
        manager.add(name, qSlicerLoadableModule(name, application.applicationLogic().GetModuleLogic(name)))
    slicer.modules.SegmentEditorWidget = types.SimpleNamespace(editor=segment_editor(application.scene))
    module = qSlicerScriptedLoadableModule(_MODULE)
    manager.add(_MODULE.stem, module)
    module.load()


def _module(name, source):
    __import__(source)
    sys.modules[name] = sys.modules[source]
    return sys.modules[source]


def _require(is_so, what):
    if not is_so:
        raise RuntimeError(f"Not part of the harness: {what}.")
