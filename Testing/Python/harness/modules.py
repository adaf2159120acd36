"""The modules `qt` and `ctk`, made from PySide6 when a name is asked for."""

import types

from PySide6 import QtCore, QtGui, QtWidgets

from harness import widgets
from harness.form import QUiLoader
from harness.pythonqt import Wrapper, wrap, wrapper_class
from harness.signals import slot_calling


class QtModule(types.ModuleType):
    """Every class of Qt's in one module, as in PythonQt."""

    def __getattr__(self, name):
        """Return the class of a name."""
        found = QUiLoader if name == "QUiLoader" else _first(name, QtCore, QtGui, QtWidgets)
        if name in ("Signal", "Slot", "Property"):
            raise NotImplementedError(f"qt.{name}: Python classes derived from Qt's are not part of the harness.")
        if not isinstance(found, type) or not (name.startswith("Q")):
            raise AttributeError(f"module 'qt' has no attribute '{name}'")
        return wrapper_class(found)


class CtkModule(types.ModuleType):
    """The few widgets of CTK that the harness has."""

    def __getattr__(self, name):
        """Return the class of a name."""
        if not name.startswith("ctk") or not hasattr(widgets, name):
            raise AttributeError(f"module 'ctk' has no attribute '{name}', or harness/widgets.py does not know it yet")
        return wrapper_class(getattr(widgets, name))


class SingleShotTimer:
    """`QTimer.singleShot` with a callable."""

    @staticmethod
    def singleShot(milliseconds, receiver):
        """Call once, when Qt is idle or after some time; the callable stays alive until then."""
        called = slot_calling(receiver, wrap)
        QtCore.QTimer.singleShot(int(milliseconds), lambda: called())


def qt_and_ctk() -> tuple[types.ModuleType, types.ModuleType]:
    """Return the two modules."""
    qt = QtModule("qt")
    timer = wrapper_class(QtCore.QTimer)
    type.__setattr__(timer, "singleShot", staticmethod(SingleShotTimer.singleShot))
    qt.Wrapper = Wrapper
    return qt, CtkModule("ctk")


def _first(name, *modules):
    return next((getattr(module, name) for module in modules if hasattr(module, name)), None)
