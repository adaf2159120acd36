"""`slicer.parameterNodeWrapper`: typed values kept in a parameter node, each tied to a widget where one is named.

Only the types of values and widgets that facts.json contains are known; everything else raises, as it does there for
most of them.
"""

import enum
import pathlib
import typing
import weakref
from dataclasses import dataclass

import slicer
import vtk

from harness.parameter_widgets import connector_of

_RESERVED = [
    "allParameters",
    "default",
    "isCached",
    "dataType",
    "getValue",
    "setValue",
    "connectGui",
    "connectParametersToGui",
    "disconnectGui",
    "StartModify",
    "EndModify",
    "AddObserver",
    "RemoveObserver",
    "Modified",
]
_WIDGET_PROPERTY = "SlicerParameterName"


@dataclass(frozen=True)
class WithinRange:
    """A number from `minimum` to `maximum`."""

    minimum: float
    maximum: float

    def validate(self, value) -> None:
        """Raise ValueError when `value` is outside."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    choices: list

    def validate(self, value) -> None:
        """Raise ValueError when `value` is none of them."""
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


@dataclass(frozen=True)
class Default:
    """What a parameter is before anybody sets it."""

    value: object


class _Parameter:
    """How one parameter is written into a node and read from it."""

    def __init__(self, name, annotated):
        self.name, self.annotated = name, annotated
        self.type, *self.validators = typing.get_args(typing.Annotated[annotated, ""])[:-1]
        options = typing.get_args(self.type)
        self.is_optional = type(None) in options
        self.kind = next((option for option in options if option is not type(None)), self.type)
        self.is_node = isinstance(self.kind, type) and issubclass(self.kind, slicer.vtkMRMLNode)
        self.is_enum = isinstance(self.kind, type) and issubclass(self.kind, enum.Enum)
        known = (int, float, str, bool, pathlib.Path)
        if self.kind not in known and not self.is_node and not self.is_enum:
            raise Exception(f"Unable to create serializer for member {name} of type {annotated}")
        self.default = self._first_default()

    def _first_default(self):
        if self.is_node or self.is_optional:
            return None
        return next(iter(self.kind)) if self.is_enum else self.kind()

    def validate(self, value) -> None:
        if value is None:
            if self.is_node or self.is_optional:
                return
            raise ValueError("Value must not be None")
        kinds = (int, float) if self.kind is float else self.kind
        if not isinstance(value, kinds):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node, value) -> None:
        self.validate(value)
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, None if value is None else value.GetID())
        elif value is None:
            node.SetParameter(self.name, "")
        else:
            node.SetParameter(self.name, value.name if self.is_enum else str(value))

    def read(self, node):
        if not node.HasParameter(self.name):
            self.write(node, self.default)
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if not text and self.is_optional:
            return None
        if self.is_enum:
            return self.kind[text]
        return text == "True" if self.kind is bool else self.kind(text)


class _Value:
    """A parameter's value in one node, read again only after the node was modified."""

    def __init__(self, parameter, node):
        self.parameter, self._node, self._is_writing = parameter, node, False
        self.value = parameter.read(node)
        this = weakref.ref(self)
        self._observation = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: this()._on_modified())

    def __del__(self):
        self._node.RemoveObserver(self._observation)

    def _on_modified(self):
        if not self._is_writing:
            self.value = self.parameter.read(self._node)

    def write(self, value):
        self._is_writing = True
        try:
            with slicer.util.NodeModify(self._node):
                self.parameter.write(self._node, value)
                self.value = self.parameter.read(self._node)
        finally:
            self._is_writing = False


class _WrappedNode:
    """What every class that `parameterNodeWrapper` makes can do."""

    def __init__(self, node):
        self.parameterNode = node
        self._guis, self._observations, self._is_updating = {}, {}, False
        for name, parameter in self.allParameters.items():
            if not node.HasParameter(name):
                parameter.write(node, parameter.default)
            setattr(self, f"_{name}_impl", _Value(parameter, node))

    def default(self, name):
        return Default(self._named(name).default)

    def isCached(self, name):
        return self._named(name) is not None

    @classmethod
    def dataType(cls, name):
        return cls._named(name).annotated

    def getValue(self, name):
        self._named(name)
        return getattr(self, name)

    def setValue(self, name, value):
        self._named(name)
        setattr(self, name, value)

    @classmethod
    def _named(cls, name):
        if name not in cls.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}")
        return cls.allParameters[name]

    def connectGui(self, gui):
        widgets = gui.findChildren("QWidget") if hasattr(gui, "isWidgetType") else vars(gui).values()
        named = {widget.property(_WIDGET_PROPERTY): widget for widget in widgets if widget.property(_WIDGET_PROPERTY)}
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping):
        for name in mapping:
            self._named(name)
        connectors = {name: connector_of(widget, self._named(name)) for name, widget in mapping.items()}
        tag = len(self._observations)
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.observe(self._callback(name, connector))
        self._observations[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        return tag

    def disconnectGui(self, tag):
        for connector in self._guis.pop(tag, {}).values():
            connector.observe(None)
        if self._observations.get(tag) is not None:
            self.RemoveObserver(self._observations[tag])
            self._observations[tag] = None

    def _callback(self, name, connector):
        def changed():
            with slicer.util.NodeModify(self):
                if not self._is_updating:
                    self.setValue(name, connector.read())

        return changed

    def _update_gui(self):
        if self._is_updating:
            return
        self._is_updating = True
        try:
            with slicer.util.NodeModify(self):
                for connectors in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._is_updating = False

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, was_modified):
        return self.parameterNode.EndModify(was_modified)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        return self.parameterNode.Modified()


def parameterNodeWrapper(described=None):
    """Convert a class of annotated names into one that keeps their values in a parameter node."""
    if described is None:
        return parameterNodeWrapper
    parameters = {}
    for name, annotated in typing.get_type_hints(described, include_extras=True).items():
        if name in _RESERVED:
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        parameters[name] = _Parameter(name, annotated)
        parameters[name].default = vars(described).get(name, parameters[name].default)
    properties = {name: _property(name) for name in parameters}
    members = {name: value for name, value in vars(described).items() if name not in ("__dict__", "__weakref__")}
    return type(described.__name__, (_WrappedNode,), {**members, **properties, "allParameters": parameters})


def _property(name):
    return property(
        lambda self: getattr(self, f"_{name}_impl").value,
        lambda self, value: getattr(self, f"_{name}_impl").write(value),
    )
