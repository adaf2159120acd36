"""Values on their way into Qt and back, changed as PythonQt changes them."""

import enum
import functools
import inspect
import numbers
import typing

import shiboken6
from PySide6 import QtCore
from shibokensupport.signature import get_signature

_SEQUENCES = (list, tuple)
_TEXT_PROPERTIES, _REAL_PROPERTIES = {"QString"}, {"double", "float"}
_WHOLE_PROPERTIES = {"int", "uint", "qlonglong"}


class QtEnum(int):
    """A value of one of Qt's enumerations: a number, and ``A | B`` is no more than that."""

    def __new__(cls, member):
        value = super().__new__(cls, member.value)
        value.member = member
        return value


def to_python(value, wrap):
    """Return a Qt value as Python sees it; `wrap` makes the wrappers of objects."""
    if isinstance(value, enum.Enum):
        return QtEnum(value)
    if isinstance(value, _SEQUENCES):
        return tuple(to_python(item, wrap) for item in value)
    if isinstance(value, shiboken6.Object):
        return wrap(value)
    return value


def to_qt(value):
    """Return a Python value as Qt receives it."""
    if isinstance(value, QtEnum):
        return value.member
    if isinstance(value, _SEQUENCES):
        return [to_qt(item) for item in value]
    return value.qt_object() if hasattr(type(value), "qt_object") else value


def property_value(value, type_name: str):
    """Return `value` as a property of some type accepts it; raise TypeError if it does not."""
    if type_name in _TEXT_PROPERTIES:
        return str(value)
    if type_name == "bool":
        return bool(value)
    if type_name in _REAL_PROPERTIES:
        return float(_number(value))
    if type_name in _WHOLE_PROPERTIES:
        return int(_number(value))
    return to_qt(value)


def call(function, arguments, described=None):
    """Call a Qt function with converted arguments.

    Parameters
    ----------
    function : callable
    arguments : sequence
    described : callable, optional
        The same function as its class has it: PySide knows the signatures of that one only.

    Raises
    ------
    ValueError
        When no overload takes these arguments, whatever is done to them.
    """
    given, overloads = [to_qt(argument) for argument in arguments], _overloads(described) if described else []
    text_is_refused = overloads and not any(_takes_text(given, parameters) for parameters in overloads)
    try:
        if text_is_refused:
            raise TypeError("text is not made into an object of Qt's")
        return function(*given)
    except (TypeError, OverflowError, DeprecationWarning) as error:
        for parameters in () if text_is_refused else overloads:
            changed = _fitted(given, parameters)
            if changed is not None:
                return function(*changed)
        raise ValueError(f"{getattr(function, '__name__', function)} was called with {arguments}: {error}") from None


@functools.cache
def _overloads(function) -> list[list[inspect.Parameter]]:
    signatures = get_signature(function) or []
    signatures = signatures if isinstance(signatures, list) else [signatures]
    return [
        [item for item in signature.parameters.values() if item.name != "self" and item.kind != item.KEYWORD_ONLY]
        for signature in signatures
    ]


def _takes_text(given, parameters) -> bool:
    """Return whether text is given only where text is wanted: PySide alone makes a font of its name."""
    if any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters):
        return True
    return len(given) <= len(parameters) and all(
        not isinstance(value, str) or not _is_made_of_text(item.annotation)
        for value, item in zip(given, parameters, strict=False)
    )


def _is_made_of_text(annotation) -> bool:
    """Return whether PySide would make an object, or a member of an enumeration, of text."""
    first = next(iter(typing.get_args(annotation)), annotation)
    return isinstance(first, type) and issubclass(first, (shiboken6.Object, enum.Enum))


def _fitted(given, parameters) -> list | None:
    needed = sum(item.default is inspect.Parameter.empty for item in parameters)
    if not needed <= len(given) <= len(parameters):
        return None
    try:
        return [_as_type(value, item.annotation) for value, item in zip(given, parameters, strict=False)]
    except (TypeError, ValueError):
        return None


def _as_type(value, annotation):
    choices = typing.get_args(annotation) or (annotation,)
    fits = [choice for choice in choices if isinstance(choice, type)]
    if any(type(value) is choice for choice in fits) or (value is None and type(None) in fits):
        return value
    for choice in fits:
        if issubclass(choice, enum.Enum) and type(value) is int:
            return choice(value)
        if choice is str:
            return "" if value is None else str(value)
        if choice is bool:
            return bool(value)
        if choice in (int, float):
            return choice(_number(value))
    if isinstance(value, (shiboken6.Object, list, QtCore.QObject)):
        return value
    raise TypeError


def _number(value):
    if not isinstance(value, numbers.Real) and not hasattr(value, "__index__"):
        raise TypeError(f"{value!r} is no number")
    return value
