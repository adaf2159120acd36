"""Qt's own loader of .ui files, but strict: it reports every class and property that it does not know."""

import re
import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore
from PySide6.QtUiTools import QUiLoader as QtUiLoader

from harness import widgets

CUSTOM = {name: kind for name, kind in vars(widgets).items() if name.startswith(("ctk", "qMRML"))}


class FormError(RuntimeError):
    """A form names something that the application lacks or the harness does not know."""


class QUiLoader(QtUiLoader):
    """Loads a form with the application's own widgets."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._unknown, self._made = [], []

    def createWidget(self, class_name, parent=None, name=""):
        """Make one widget of the form."""
        if class_name in CUSTOM:
            made = CUSTOM[class_name](parent)
            made.setObjectName(name)
            self._made.append(made)  # Qt does not hold what Python made
            return made
        if class_name not in self.availableWidgets():
            self._unknown.append(f"{name}: no class {class_name}")
        return super().createWidget(class_name, parent, name)

    def load(self, device, parent=None):
        """Return the widget that a file describes; raises FormError when it is not wholly understood."""
        root = ElementTree.fromstring(bytes(device.readAll().data()))
        class_by_name = {item.get("name"): item.get("class") for item in root.iter("widget")}
        own_values = _take_own_values(root)
        connections = root.find("connections")
        if connections is not None:
            root.remove(connections)
        text = QtCore.QByteArray(ElementTree.tostring(root))
        made = super().load(QtCore.QBuffer(text, self), parent)
        if made is None or self._unknown:
            raise FormError("; ".join(self._unknown) or f"The form could not be loaded: {self.errorString()}")
        named = {child.objectName(): child for child in [made, *made.findChildren(QtCore.QObject)]}
        problems = _unknown_properties(root, named)
        for name, key, words in own_values:
            problems += _set_own_value(named[name], CUSTOM[class_by_name[name]], key, words)
        for connection in () if connections is None else connections:
            problems += _connect(named, connection)
        if problems:
            raise FormError("; ".join(problems))
        return made


def _take_own_values(root) -> list[tuple[str, str, str]]:
    """Remove from the form values of a custom class's own enumerations, which Qt's loader does not know."""
    taken = []
    for widget in root.iter("widget"):
        for item in widget.findall("property") if widget.get("class") in CUSTOM else ():
            words = item.findtext("set") or item.findtext("enum")
            if words and words.startswith(f"{widget.get('class')}::"):
                taken.append((widget.get("name"), item.get("name"), words))
                widget.remove(item)
    return taken


def _set_own_value(widget, kind, name, words) -> list[str]:
    known = {key: member for item in vars(kind).values() if isinstance(item, type) for key, member in _members(item)}
    wanted = re.findall(r"::(\w+)", words)
    missing = [word for word in wanted if word not in known]
    if missing or widget.metaObject().indexOfProperty(name) < 0:
        return [f"{widget.objectName()}: no {missing or name}"]
    value = 0
    for word in wanted:
        value |= int(known[word])
    widget.setProperty(name, value)
    return []


def _members(kind) -> list:
    return list(getattr(kind, "__members__", {}).items())


def _unknown_properties(root, named) -> list[str]:
    problems = []
    for widget in root.iter("widget"):
        meta = named[widget.get("name")].metaObject()
        for item in widget.findall("property"):
            name = item.get("name")
            if name == "buddy":  # of the form, not of the label
                is_known = item.findtext("cstring") in named
            else:
                is_known = item.get("stdset") == "0" or meta.indexOfProperty(name) >= 0
            if not is_known:
                problems.append(f"{widget.get('name')}: no {name} as stated in {widget.get('class')}")
    return problems


def _connect(named, connection) -> list[str]:
    sender, signal = named[connection.findtext("sender")], connection.findtext("signal").partition("(")[0]
    receiver, slot = named[connection.findtext("receiver")], connection.findtext("slot").partition("(")[0]
    if not hasattr(sender, signal) or not hasattr(receiver, slot):
        return [f"no connection from {signal} of {sender.objectName()} to {slot} of {receiver.objectName()}"]
    getattr(sender, signal).connect(getattr(receiver, slot))
    return []
