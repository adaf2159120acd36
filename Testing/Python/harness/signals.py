"""Signals and their connections, by PythonQt's rules."""

import inspect
import re
import sys

import shiboken6
from PySide6 import QtCore

from harness.conversion import to_python, to_qt

# Of each sender, by its address: signature, what the panel connected, and what Qt calls in its place.
_connections: dict[int, list[tuple[str, object, object]]] = {}


class Signal:
    """A signal of an object."""

    __slots__ = ("_sender", "_signatures", "_wrap")

    def __init__(self, sender, signatures, wrap):
        self._sender, self._signatures, self._wrap = sender, signatures, wrap

    def connect(self, *receiver):
        """Call `receiver` whenever the signal is sent."""
        return connect(self._sender, self._signatures[0], *receiver, wrap=self._wrap)

    def disconnect(self, *receiver):
        """Call `receiver` no more."""
        return disconnect(self._sender, self._signatures[0], *receiver)

    def emit(self, *arguments):
        """Send the signal."""
        name = self._signatures[0].partition("(")[0]
        getattr(self._sender, name).emit(*(to_qt(argument) for argument in arguments))

    __call__ = emit


def connect(sender, signature: str, receiver, slot: str = "", wrap=None) -> bool:
    """Connect a signal to a callable or to a slot of another object; False, with a printed line, if it is missing.

    What is connected is kept alive as long as the sender lives.
    """
    signature = _normalized(signature)
    if sender.metaObject().indexOfSignal(signature) < 0:
        print(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {sender.metaObject().className()}")
        return False
    if slot:
        return bool(QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), to_qt(receiver), QtCore.SLOT(slot)))
    if not callable(receiver):
        return False
    called = slot_calling(receiver, wrap)
    QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), called)
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _connections:
        _connections[address] = []
        # By name: a signal that was asked for as an attribute would keep the sender alive.
        QtCore.QObject.connect(sender, QtCore.SIGNAL("destroyed()"), lambda: _connections.pop(address, None))
    _connections[address].append((signature, receiver, called))
    return True


def disconnect(sender, signature: str, receiver=None) -> bool:
    """Undo `connect`; False when nothing was connected."""
    signature, kept = _normalized(signature), _connections.get(shiboken6.getCppPointer(sender)[0], [])
    found = [item for item in kept if item[0] == signature and (receiver is None or item[1] == receiver)]
    for item in found:
        QtCore.QObject.disconnect(sender, QtCore.SIGNAL(signature), item[2])
        kept.remove(item)
    return bool(found)


def slot_calling(receiver, wrap):
    """Return a function that calls `receiver` with as many of a signal's values as it takes, and prints its errors."""
    count = _argument_count(receiver)

    def called(*values):
        try:
            receiver(*(to_python(value, wrap) for value in values[:count]))
        except Exception:
            sys.excepthook(*sys.exc_info())

    return called


def _argument_count(receiver) -> int | None:
    """Return how many values a Python function or method takes; None for any number."""
    code = getattr(getattr(receiver, "__func__", receiver), "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARARGS:
        return None
    return code.co_argcount - inspect.ismethod(receiver)


def _normalized(signature: str) -> str:
    signature = re.sub(r"vtk\w+ ?\*", "PyObject", signature)  # what a signal of Python's carries
    return bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
