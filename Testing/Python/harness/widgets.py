"""The widgets of CTK and MRML that the panel's form uses, as Qt widgets with real properties and signals."""

import enum

import slicer
from PySide6.QtCore import Property, QEvent, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QStyle,
    QStyleOptionButton,
    QTableView,
    QWidget,
)

_TITLE_HEIGHT_PX = 20
_SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndCloseEvent")


def plain_property(kind, name, default):
    """Return a property that is kept and nothing else."""
    return Property(
        kind,
        lambda self: vars(self).get(f"_{name}", default),
        lambda self, value: setattr(self, f"_{name}", value),
    )


class ctkCollapsibleButton(QAbstractButton):
    """A title that hides and shows its content; widgets shown while it is collapsed appear when it opens."""

    contentsCollapsed = QtSignal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._wanted, self._is_forcing = {}, False
        self.setContentsMargins(0, _TITLE_HEIGHT_PX, 0, 0)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._on_toggled)

    def childEvent(self, event):
        """Look after every widget that is put into it, once it is wholly made."""
        if event.polished() and event.child().isWidgetType():
            self._register(event.child())
        elif event.removed():
            self._wanted.pop(event.child(), None)
        super().childEvent(event)

    def _register(self, child):
        if child not in self._wanted:
            self._wanted[child] = not child.isHidden()
            child.installEventFilter(self)

    def eventFilter(self, child, event):
        """Remember the visible widgets, and hide them while the section is collapsed."""
        if not self._is_forcing and child in self._wanted:
            if event.type() == QEvent.Type.ShowToParent:
                self._wanted[child] = True
                self._apply(child)
            elif event.type() == QEvent.Type.HideToParent:
                self._wanted[child] = False
        return False

    def _apply(self, child):
        self._is_forcing = True
        child.setVisible(self._wanted[child] and self.isChecked())
        self._is_forcing = False

    def _register_all(self):
        for child in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            self._register(child)

    def _on_toggled(self, is_open):
        self._register_all()
        for child in list(self._wanted):
            self._apply(child)
        self.contentsCollapsed.emit(not is_open)

    def showEvent(self, _event):
        """Hide the widgets added since it was collapsed."""
        self._register_all()
        if self.collapsed:
            for child in list(self._wanted):
                self._apply(child)

    def _set_collapsed(self, is_collapsed):
        self.setChecked(not is_collapsed)

    collapsed = Property(bool, lambda self: not self.isChecked(), _set_collapsed)
    collapsedHeight = plain_property(int, "collapsedHeight", 10)

    def paintEvent(self, _event):
        """Draw the title."""
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = self.rect().adjusted(0, 0, 0, _TITLE_HEIGHT_PX - self.height())
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelButtonCommand, option, painter, self)
        arrow = "▾" if self.isChecked() else "▸"
        painter.drawText(option.rect.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, f"{arrow} {self.text()}")


class ctkPathLineEdit(QWidget):
    """A field for the path of a file or folder."""

    class Filter(enum.IntFlag):
        """What paths are meant."""

        Dirs, Files, Drives, Readable, Writable, Executable = 0x001, 0x002, 0x004, 0x010, 0x020, 0x040
        AllDirs, NoDot, NoDotDot, Hidden = 0x400, 0x2000, 0x4000, 0x100

    class SizeAdjustPolicy(enum.IntEnum):
        """How wide the field is."""

        AdjustToContents, AdjustToContentsOnFirstShow = 0, 1
        AdjustToMinimumContentsLength, AdjustToMinimumContentsLengthWithIcon = 2, 3

    currentPathChanged = QtSignal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._edit = QLineEdit()
        self._edit.textChanged.connect(self.currentPathChanged)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        self.setFocusProxy(self._edit)

    currentPath = Property(str, lambda self: self._edit.text(), lambda self, path: self._edit.setText(path))
    settingKey = plain_property(str, "settingKey", "")
    label = plain_property(str, "label", "")
    filters = plain_property(int, "filters", 24663)
    sizeAdjustPolicy = plain_property(int, "sizeAdjustPolicy", 1)
    showBrowseButton = plain_property(bool, "showBrowseButton", True)
    showHistoryButton = plain_property(bool, "showHistoryButton", True)
    minimumContentsLength = plain_property(int, "minimumContentsLength", 0)
    nameFilters = plain_property("QStringList", "nameFilters", [])

    def addCurrentPathToHistory(self):
        """Do nothing: there is no history here."""


class qMRMLWidget(QWidget):
    """A widget that knows the scene."""

    mrmlSceneChanged = QtSignal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None

    def mrmlScene(self):
        """Return the scene."""
        return self._scene

    def setMRMLScene(self, scene):
        """Set the scene."""
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qMRMLNodeComboBox(QWidget):
    """A list of the nodes of some classes."""

    currentNodeChanged = QtSignal(object)
    currentNodeIDChanged = QtSignal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene, self._observations, self._is_filling, self._current_id = None, [], False, ""
        self._box = QComboBox()
        self._box.currentIndexChanged.connect(self._on_index)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)

    addEnabled = plain_property(bool, "addEnabled", True)
    removeEnabled = plain_property(bool, "removeEnabled", True)
    editEnabled = plain_property(bool, "editEnabled", False)
    renameEnabled = plain_property(bool, "renameEnabled", False)
    baseName = plain_property(str, "baseName", "")
    noneDisplay = plain_property(str, "noneDisplay", "None")
    showHidden = plain_property(bool, "showHidden", False)
    showChildNodeTypes = plain_property(bool, "showChildNodeTypes", True)
    selectNodeUponCreation = plain_property(bool, "selectNodeUponCreation", True)

    def _set_types(self, types):
        self._node_types = list(types)
        self._fill()

    def _set_none_enabled(self, is_enabled):
        self._none_enabled = is_enabled
        self._fill()

    nodeTypes = Property("QStringList", lambda self: vars(self).get("_node_types", []), _set_types)
    noneEnabled = Property(bool, lambda self: vars(self).get("_none_enabled", False), _set_none_enabled)
    currentNodeID = Property(str, lambda self: self._current_id, lambda self, key: self.setCurrentNodeID(key))

    def mrmlScene(self):
        """Return the scene."""
        return self._scene

    def setMRMLScene(self, scene):
        """List a scene's nodes from now on."""
        if scene is not self._scene:
            for tag in self._observations:
                self._scene.RemoveObserver(tag)
            self._scene = scene
            events = [] if scene is None else [getattr(slicer.vtkMRMLScene, name) for name in _SCENE_EVENTS]
            self._observations = [scene.AddObserver(event, lambda *_: self._fill()) for event in events]
            self._fill()
            self.setEnabled(scene is not None)

    def currentNode(self):
        """Return the node that is chosen, or None."""
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def setCurrentNode(self, node):
        """Choose a node, or None."""
        self.setCurrentNodeID("" if node is None else node.GetID() or "")

    def setCurrentNodeID(self, key):
        """Choose a node by its ID."""
        self._box.setCurrentIndex(self._box.findData(key) if key in self._listed() else 0 if self.noneEnabled else -1)

    def nodeCount(self):
        """Return how many nodes are listed."""
        return len(self._listed())

    def _listed(self):
        return [key for key in (self._box.itemData(index) for index in range(self._box.count())) if key]

    def _nodes(self):
        found = {}
        for name in self.nodeTypes if self._scene is not None else ():
            nodes = self._scene.GetNodesByClass(name)
            nodes.UnRegister(None)
            for node in (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())):
                is_kind = self.showChildNodeTypes or node.GetClassName() == name
                if is_kind and (self.showHidden or not node.GetHideFromEditors()):
                    found[node.GetID()] = node.GetName() or ""
        return found

    def _fill(self):
        before, was_listed = self._current_id, self._listed()
        nodes = self._nodes()
        self._is_filling = True
        self._box.clear()
        if self.noneEnabled:
            self._box.addItem(self.noneDisplay, "")
        for key, name in nodes.items():
            self._box.addItem(name, key)
        if before in nodes:
            index = self._box.findData(before)
        elif self.noneEnabled or not nodes:
            index = 0 if self.noneEnabled else -1
        else:
            index = max(was_listed.index(before) - 1, 0) if before in was_listed else 0
        self._box.setCurrentIndex(index)
        self._is_filling = False
        self._on_index(index)

    def _on_index(self, index):
        key = (self._box.itemData(index) or "") if index >= 0 else ""
        if not self._is_filling and key != self._current_id:
            self._current_id = key
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(key)


class qMRMLTableView(QTableView):
    """A table node's content; it shows nothing here."""

    transposed = plain_property(bool, "transposed", False)
    firstRowLocked = plain_property(bool, "firstRowLocked", False)
    firstColumnLocked = plain_property(bool, "firstColumnLocked", False)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = None

    def mrmlTableNode(self):
        """Return the shown table node."""
        return self._node

    def setMRMLTableNode(self, node):
        """Show a table node."""
        self._node = node
