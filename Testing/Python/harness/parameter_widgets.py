"""Which widget can show which type of parameter, and how."""

import pathlib

import ctk
import qt
import slicer

_NO_LIMIT = 2**31


class _Connector:
    """Ties one widget to one value: reads and writes a property, and reports changes by a signal."""

    signal, attribute = "", ""

    def __init__(self, widget, parameter):
        self.widget, self.parameter, self._callback = widget, parameter, None

    @classmethod
    def fits(cls, widget, parameter):
        return False

    def observe(self, callback):
        if self.signal:
            signal = getattr(self.widget, self.signal)
            if callback is None:
                signal.disconnect(self._changed)
            else:
                signal.connect(self._changed)
        self._callback = callback

    def _changed(self):
        if self._callback:
            self._callback()

    def read(self):
        return getattr(self.widget, self.attribute)

    def write(self, value):
        setattr(self.widget, self.attribute, value)


class _CheckBox(_Connector):
    signal, attribute = "stateChanged", "checked"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is bool and type(widget) is qt.QCheckBox


class _CheckableButton(_Connector):
    signal, attribute = "toggled", "checked"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is bool and type(widget) is qt.QPushButton

    def __init__(self, widget, parameter):
        super().__init__(widget, parameter)
        widget.checkable = True


class _WholeNumber(_Connector):
    signal, attribute = "valueChanged", "value"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is int and type(widget) in (qt.QSpinBox, qt.QSlider)

    def __init__(self, widget, parameter):
        super().__init__(widget, parameter)
        limits = _limits(parameter)
        if type(widget) is qt.QSlider and limits is None:
            raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
        widget.setRange(*(limits or (-_NO_LIMIT, _NO_LIMIT - 1)))


class _RealNumber(_Connector):
    signal, attribute = "valueChanged", "value"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type in (int, float) and type(widget) is qt.QDoubleSpinBox

    def __init__(self, widget, parameter):
        super().__init__(widget, parameter)
        if parameter.type is int:
            widget.decimals = 0
        widget.minimum, widget.maximum = _limits(parameter) or (float("-inf"), float("inf"))

    def read(self):
        return self.parameter.type(self.widget.value)


class _Choices(_Connector):
    signal, attribute = "currentIndexChanged", "currentIndex"

    @classmethod
    def fits(cls, widget, parameter):
        return type(widget) is qt.QComboBox and (parameter.type in (int, float, str, bool) or parameter.is_enum)

    def __init__(self, widget, parameter):
        super().__init__(widget, parameter)
        found = [validator.choices for validator in parameter.validators if hasattr(validator, "choices")]
        if parameter.is_enum:
            found = [list(parameter.type)]
        if not found:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self._choices = found[0]
        widget.clear()
        for choice in self._choices:
            widget.addItem(choice.name if parameter.is_enum else str(choice))

    def read(self):
        return self._choices[self.widget.currentIndex]

    def write(self, value):
        if value not in self._choices:
            raise ValueError(f"Unable to find value {value} in choices {self._choices}")
        self.widget.currentIndex = self._choices.index(value)


class _LineEdit(_Connector):
    signal, attribute = "textChanged", "text"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is str and type(widget) is qt.QLineEdit

    def write(self, value):
        if value != self.widget.text:  # the cursor stays where it is
            self.widget.text = value


class _Label(_Connector):
    attribute = "text"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is str and type(widget) is qt.QLabel


class _TextEdit(_Connector):
    signal, attribute = "textChanged", "plainText"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is str and type(widget) is qt.QTextEdit


class _PathEdit(_Connector):
    signal, attribute = "currentPathChanged", "currentPath"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.type is pathlib.Path and type(widget) is ctk.ctkPathLineEdit

    def read(self):
        return pathlib.Path(self.widget.currentPath)


class _NodeSelector(_Connector):
    signal = "currentNodeChanged"

    @classmethod
    def fits(cls, widget, parameter):
        return parameter.is_node and type(widget) is slicer.qMRMLNodeComboBox

    def __init__(self, widget, parameter):
        super().__init__(widget, parameter)
        widget.nodeTypes = (parameter.kind().GetClassName(),)

    def read(self):
        return self.widget.currentNode()

    def write(self, value):
        self.widget.setCurrentNode(value)


def connector_of(widget, parameter) -> _Connector:
    """Return the connector of a widget and a parameter.

    Raises
    ------
    RuntimeError
        When the application has no connector for this pair.
    """
    for kind in _Connector.__subclasses__():
        if kind.fits(widget, parameter):
            return kind(widget, parameter)
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{parameter.annotated}' to widget type '{type(widget)}'."
    )


def _limits(parameter) -> tuple | None:
    found = [item for item in parameter.validators if hasattr(item, "minimum")]
    return (found[0].minimum, found[0].maximum) if found else None
