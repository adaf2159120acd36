"""Qt as Python sees it in 3D Slicer: Qt's own meta-object resolves the names of an object.

The rules are PythonQt's: a property is an attribute, everything else a method; nothing that Qt does not know can be
read or written; no keyword arguments; lists come back as tuples, enumerations as numbers; a deleted object says so.
"""

import enum
import functools
import weakref

import shiboken6
from PySide6 import QtCore
from PySide6.QtGui import Qt as RichText

from harness.conversion import QtEnum, call, property_value, to_python, to_qt
from harness.signals import Signal, connect, disconnect

_wrappers: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_classes: dict = {}
_signals: dict[str, dict[str, list[str]]] = {}
_first_of_two = {"QFileDialog", "QInputDialog"}  # PySide returns what was chosen and how, PythonQt what was chosen

# Seen by asking a real application with Qt 5.15 for every property of seventy classes of Qt 6.
_ABSENT, _METHOD = -2, -3
_METHODS_IN_QT5 = {
    ("QLayout", "contentsMargins"),
    ("QHeaderView", "sectionsMovable"),
    ("QHeaderView", "sectionsClickable"),
}
_NEW_IN_QT6 = {
    ("QWidget", "accessibleIdentifier"),
    ("QComboBox", "labelDrawingMode"),
    ("QAbstractItemView", "updateThreshold"),
    ("QHeaderView", "sortIndicatorClearable"),
    ("QMessageBox", "options"),
    ("QDateTimeEdit", "timeZone"),
    ("QDockWidget", "dockLocation"),
    ("QKeySequenceEdit", "clearButtonEnabled"),
    ("QKeySequenceEdit", "maximumSequenceLength"),
    ("QKeySequenceEdit", "finishingKeyCombinations"),
    ("QSortFilterProxyModel", "autoAcceptChildRows"),
}


class WrapperClass(type):
    """A class of Qt's: it makes objects, and knows the class's enumerations and static methods."""

    def __new__(mcs, name, bases, namespace, qt_class=None):
        """Make the class, flat: in PythonQt a QPushButton is no QWidget."""
        made = super().__new__(mcs, name, bases, namespace)
        made._qt_class = qt_class
        return made

    def __init__(cls, name, bases, namespace, qt_class=None):
        super().__init__(name, bases, namespace)
        if bases and qt_class is None:
            raise TypeError(f"{name}: Python classes derived from Qt's are not part of the harness.")

    def __call__(cls, *arguments, **keywords):
        """Make an object of the class."""
        if keywords:
            raise ValueError(f"Could not find matching overload for {cls.__name__}: PythonQt takes no keywords.")
        return wrap(call(cls._qt_class, arguments, cls._qt_class))

    def __getattr__(cls, name):
        """Return a value of one of the class's enumerations, or a static method."""
        if not name.startswith("_") and cls._qt_class is not None:
            if name in (members := enumeration_members(cls._qt_class)):
                return QtEnum(members[name])
            found = getattr(cls._qt_class, name, None)
            if callable(found) and not isinstance(found, type):
                return Method(cls, found, name, found)
        raise AttributeError(f"type object 'PythonQt.{cls.__name__}' has no attribute '{name}'")


class Wrapper(metaclass=WrapperClass):
    """An object of Qt's."""

    __slots__ = ("__weakref__", "_thing")

    def qt_object(self):
        """Return the wrapped object; raise ValueError if it was deleted."""
        if not shiboken6.isValid(self._thing):
            raise ValueError(f"Trying to use a deleted {type(self).__name__}.")
        return self._thing

    def __getattr__(self, name):
        """Return a property, a signal or a method."""
        thing = self.qt_object()
        if isinstance(thing, QtCore.QObject):
            if name in _OWN_METHODS:
                return Method(type(self), lambda *given: _OWN_METHODS[name](self, *given), name)
            meta = thing.metaObject()
            name = _true_name(meta, name)
            index = property_index(meta, name)
            if index >= 0 or name.encode() in thing.dynamicPropertyNames():
                return to_python(thing.property(name), wrap)
            if index == _ABSENT:
                raise AttributeError(f"{name} is new in Qt 6")
            if signatures := signals_of(meta).get(name):
                return Signal(thing, signatures, wrap)
        found = None if name.startswith("_") else getattr(thing, name, None)
        if callable(found):
            return Method(type(self), found, name, getattr(type(thing), name))
        return getattr(type(self), name)

    def __setattr__(self, name, value):
        """Write a property if Qt has a writable one of this name."""
        if name == "_thing":
            object.__setattr__(self, name, value)
            return
        thing = self.qt_object()
        if not isinstance(thing, QtCore.QObject):
            raise AttributeError(f"'{type(self).__name__}' has no property '{name}' to write.")
        name = _true_name(thing.metaObject(), name)
        index = property_index(thing.metaObject(), name)
        if name in vars(type(self)):
            raise AttributeError(f"'{name}' of '{type(self).__name__}' cannot be overwritten.")
        if index >= 0 and thing.metaObject().property(index).isWritable():
            try:
                value = property_value(value, thing.metaObject().property(index).typeName())
            except (TypeError, ValueError):
                raise AttributeError(f"Property '{name}' of type '{type(self).__name__}' takes no {value!r}") from None
            thing.setProperty(name, wrapped_tool_tip(value) if name == "toolTip" else value)
        elif name.encode() in thing.dynamicPropertyNames():
            thing.setProperty(name, to_qt(value))
        else:
            raise AttributeError(f"'{type(self).__name__}' has no property '{name}' to write.")

    def __eq__(self, other):
        """Return whether both are the same Qt object, or the same value."""
        if not isinstance(other, Wrapper):
            return NotImplemented
        return self._thing is other._thing or (
            not isinstance(self._thing, QtCore.QObject) and bool(self._thing == other._thing)
        )

    def __hash__(self):
        return hash(shiboken6.getCppPointer(self._thing))

    def __repr__(self):
        return f"{type(self).__name__} (at {shiboken6.getCppPointer(self._thing)[0]:#x})"


class Method:
    """A method of an object or class."""

    __slots__ = ("_described", "_function", "_name", "_owner")

    def __init__(self, owner, function, name, described=None):
        self._owner, self._function, self._name, self._described = owner, function, name, described

    def __call__(self, *arguments, **keywords):
        """Call it, and return the result as Python sees it."""
        if keywords:
            raise ValueError(f"{self._name}: PythonQt takes no keywords.")
        if self._name == "setToolTip" and arguments:
            arguments = (wrapped_tool_tip(str(arguments[0])), *arguments[1:])
        result = call(self._function, arguments, self._described)
        if self._owner.__name__ in _first_of_two and isinstance(result, tuple):
            result = result[0]
        return to_python(result, wrap)

    def __repr__(self):
        return f"<qt slot {self._name} of {self._owner.__name__} instance>"


def wrap(thing) -> Wrapper:
    """Return the wrapper of a Qt object: the same one as long as there is a reference to it."""
    key = shiboken6.getCppPointer(thing)[0]
    known = _wrappers.get(key) if isinstance(thing, QtCore.QObject) else None
    if known is not None and known._thing is thing:
        return known
    made = object.__new__(_class_of(thing))
    made._thing = thing
    if isinstance(thing, QtCore.QObject):
        _wrappers[key] = made
    return made


def wrapper_class(qt_class) -> WrapperClass:
    """Return the Python class of a Qt class."""
    if qt_class not in _classes:
        _classes[qt_class] = WrapperClass(qt_class.__name__, (Wrapper,), {"__slots__": ()}, qt_class=qt_class)
    return _classes[qt_class]


@functools.cache
def enumeration_members(qt_class) -> dict:
    """Return name → value of every enumeration of a class and its bases."""
    return {
        name: member
        for base in reversed(qt_class.__mro__)
        for item in vars(base).values()
        if isinstance(item, type) and issubclass(item, enum.Enum)
        for name, member in item.__members__.items()
    }


def property_index(meta, name: str) -> int:
    """Return the number of a property that Qt 5 has as well; a negative one where there is none."""
    index = meta.indexOfProperty(name)
    if index < 0:
        return index
    while index < meta.propertyOffset():
        meta = meta.superClass()
    member = (meta.className(), name)
    return _ABSENT if member in _NEW_IN_QT6 else _METHOD if member in _METHODS_IN_QT5 else index


def signals_of(meta) -> dict[str, list[str]]:
    """Return the signals of a class: name → signatures, the fullest first."""
    if meta.className() not in _signals:
        found = {}
        for index in range(meta.methodCount()):
            method = meta.method(index)
            if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
                signature = bytes(method.methodSignature().data()).decode()
                found.setdefault(signature.partition("(")[0], []).append(signature)
        for signatures in found.values():
            signatures.sort(key=lambda signature: -signature.count(",") - ("()" not in signature))
        _signals[meta.className()] = found
    return _signals[meta.className()]


def wrapped_tool_tip(text: str) -> str:
    """Return a tool tip as the application changes it, so that long lines wrap."""
    return f"<p>{text}</p>" if text and not RichText.mightBeRichText(text) else text


def _class_of(thing) -> WrapperClass:
    # An object that Qt created itself may be of an unnamed class: the nearest named base represents it.
    return wrapper_class(next(base for base in type(thing).__mro__ if not base.__name__.startswith("_")))


def _true_name(meta, name: str) -> str:
    return "objectName" if name == "name" and meta.indexOfProperty(name) < 0 else name


def _children(wrapper, kind, name=""):
    kind = kind if isinstance(kind, str) else kind.__name__
    found = wrapper.qt_object().findChildren(QtCore.QObject)
    return [child for child in found if child.inherits(kind) and (not name or child.objectName() == name)]


# What PythonQt, not Qt, gives every QObject.
_OWN_METHODS = {
    "connect": lambda self, *given: connect(self.qt_object(), *given, wrap=wrap),
    "disconnect": lambda self, *given: disconnect(self.qt_object(), *given),
    "className": lambda self: self.qt_object().metaObject().className(),
    "delete": lambda self: shiboken6.delete(self.qt_object()),
    "findChild": lambda self, kind, name="": next(iter(_children(self, kind, name)), None),
    "findChildren": lambda self, kind, name="": _children(self, kind, name),
    "setProperty": lambda self, name, value: self.qt_object().setProperty(name, to_qt(value)),
}
