"""The protocol's values and files."""

import html
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import DECLARED
from LumbarHULib.files.cutoffs_file import cutoffs_for
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.protocol_edit import set_protocol_value
from LumbarHULib.mrml.reading import accept_off_protocol, set_cutoffs, set_protocol
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services

# The values that a site may have reasons to change, in the order of the work; all others are in the file.
_SHOWN_VALUES = (
    "boundary_fraction",
    "cortical_margin_mm",
    "front_width_fraction",
    "lateral_extent",
    "slab_mm",
    "lsc_hu",
)
_DECIMALS = 3
_UNITS = {"1": "", "deg": " °"}


class AdvancedSection(Section):
    """Values of the protocol, and a protocol file of one's own.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        layout = qt.QFormLayout(ui.huProtocolFrame)
        layout.setContentsMargins(0, 0, 0, 0)
        self._editors = {}
        for name in _SHOWN_VALUES:
            editor = self._choice(name) if DECLARED[name].options else self._number(name)
            editor.objectName = f"huProtocol_{name}"
            self._editors[name] = editor
            layout.addRow(_title(name), editor)
        self._put_in_tab_order(ui.huAdvancedSection, self._editors.values())
        ui.huAcceptCheck.connect("toggled(bool)", self._on_accept)
        self._on_click(ui.huUseFilesButton, self._on_files)

    def show_notes(self) -> None:
        """Unfold the notes on the cutoffs, and scroll to them."""
        self._ui.huAdvancedSection.collapsed = False
        slicer.app.processEvents()
        self._ui.huScrollArea.ensureWidgetVisible(self._ui.huNotesBrowser)

    def editor(self, name: str):
        """Return the widget that edits a protocol value."""
        return self._editors[name]

    def _show(self) -> None:
        ui, session = self._ui, self._session
        for widget in (ui.huProtocolFrame, ui.huAcceptCheck, ui.huUseFilesButton):
            self._enable(widget, self._why_unchangeable())
        document = session.reading.protocol_document if session.is_open else load_protocol()
        ui.huProtocolLabel.text = f"{document.name}, {document.version}"
        for name, editor in self._editors.items():
            self._fill(editor, document.protocol.values[name])
            editor.toolTip = _hint(document.document["values"][name])
        ui.huAcceptCheck.blockSignals(True)
        ui.huAcceptCheck.checked = session.is_open and session.reading.accepts_off_protocol
        ui.huAcceptCheck.blockSignals(False)

    def _number(self, name: str):
        declared, editor = DECLARED[name], qt.QDoubleSpinBox()
        editor.decimals = _DECIMALS
        editor.minimum, editor.maximum = declared.low, declared.high
        editor.singleStep = 0.1
        editor.suffix = _UNITS.get(declared.unit, f" {declared.unit}")
        editor.keyboardTracking = False
        editor.connect("valueChanged(double)", lambda value, name=name: self._on_number(name, value))
        return editor

    def _choice(self, name: str):
        editor = qt.QComboBox()
        for option in DECLARED[name].options:
            editor.addItem(option)
        editor.connect("activated(int)", lambda _index=0, name=name: self._set(name, self._editors[name].currentText))
        return editor

    @staticmethod
    def _fill(editor, value) -> None:
        editor.blockSignals(True)
        if isinstance(value, str):
            editor.setCurrentIndex(editor.findText(value))
        else:
            editor.value = value
        editor.blockSignals(False)

    def _on_number(self, name: str, value: float) -> None:
        # The editor shows fewer digits than a third has: what was not changed is not written back.
        if self._session.may_change and round(self._session.reading.protocol.values[name], _DECIMALS) != value:
            self._set(name, value)

    def _set(self, name: str, value) -> None:
        if self._session.may_change:
            with self._messages.show_input_errors():
                try:
                    set_protocol_value(self._session.reading, name, value)
                finally:
                    self._session.measure()

    def _on_accept(self, is_on: bool) -> None:
        if self._session.may_change:
            with self._messages.show_input_errors():
                accept_off_protocol(self._session.reading, is_on)
                self._session.measure()

    def _on_files(self) -> None:
        with self._messages.show_input_errors():
            self._placing.cancel()
            reading, protocol = self._session.reading, load_protocol(_chosen(self._ui.huProtocolPath))
            set_protocol(reading, protocol.document)
            try:
                reading.cutoffs_document.require_protocol(protocol)
            except InputError:
                # Cutoffs belong to a protocol: those of the other one go with it.
                set_cutoffs(reading, cutoffs_for(protocol).document)
            self._session.measure()


def _chosen(path_edit) -> Path | None:
    text = path_edit.currentPath.strip()
    if text and not Path(text).is_file():
        raise InputError(f"There is no file “{text}”: choose another, or leave the field empty for the study's.")
    return Path(text) if text else None


def _title(name: str) -> str:
    words = {
        "boundary_fraction": _("Boundary (part of the depth):"),
        "cortical_margin_mm": _("Cortical margin:"),
        "front_width_fraction": _("Front (part of the width):"),
        "lateral_extent": _("Left and right reach:"),
        "slab_mm": _("Slab:"),
        "lsc_hu": _("Least significant change:"),
    }
    return words[name]


def _hint(entry: dict) -> str:
    return f"<p>{html.escape(entry['note'])}</p><p><i>{html.escape(entry['source'])}</i></p>"
