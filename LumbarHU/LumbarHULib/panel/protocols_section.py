"""The current reading measured by protocols other than its own."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.protocol_file import STUDY_ID, ProtocolDocument, load_protocol, shipped_paths
from LumbarHULib.mrml.other_protocols import (
    export_by,
    folder_by,
    measure_by,
    other_protocols_table,
    write_other_protocols,
)
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Exports, Services


class ProtocolsSection(Section):
    """One placement, several protocols: a table of their means, label maps, and an audit folder for each.

    Parameters
    ----------
    ui : object
    services : Services
    exports : Exports
    """

    def __init__(self, ui, services: Services, exports: Exports) -> None:
        super().__init__(ui, services)
        self._exports = exports
        self._measured_of: ReadingResult | None = None
        layout = qt.QVBoxLayout(ui.huOtherProtocolsFrame)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._boxes = {}
        for protocol_id, path in shipped_paths().items():
            if protocol_id != STUDY_ID:
                self._boxes[protocol_id] = _make_box(layout, protocol_id, load_protocol(path), self._show)
        self._put_in_tab_order(ui.huProtocolsSection, self._boxes.values())
        self._on_click(ui.huMeasureByButton, self._on_measure)
        self._on_click(ui.huExportByButton, self._on_export)

    def box(self, protocol_id: str):
        """Return the check box of a protocol."""
        return self._boxes[protocol_id]

    def _show(self) -> None:
        ui, session = self._ui, self._session
        table = other_protocols_table(session.reading) if session.is_open else None
        is_any_chosen = any(box.checked for box in self._boxes.values())
        missing = self._missing({_("a ticked protocol"): is_any_chosen})
        for button in (ui.huMeasureByButton, ui.huExportByButton):
            self._enable(button, self._why_unmeasured() or missing)
        ui.huOtherProtocolsTable.setMRMLTableNode(table)
        ui.huOtherProtocolsTable.visible = table is not None
        is_old = table is not None and self._measured_of is not session.result
        ui.huOtherProtocolsLabel.text = _("The markups may have changed since: measure again.") if is_old else ""
        ui.huOtherProtocolsLabel.visible = is_old

    def _chosen(self) -> list[ProtocolDocument]:
        return [load_protocol(protocol_id) for protocol_id, box in self._boxes.items() if box.checked]

    def _on_measure(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            self._measure(self._chosen())

    def _measure(self, documents: list[ProtocolDocument]) -> dict[str, ReadingResult]:
        session = self._session
        session.measure()
        results = measure_by(session.reading, documents)
        write_other_protocols(session.reading, documents, results)
        self._measured_of = session.result
        session.tell()
        return results

    def _on_export(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            if not self._exports.export():
                return
            documents, written = self._chosen(), []
            results = self._measure(documents)
            reading, root = self._session.reading, Path(self._exports.export_root)
            for document in documents:
                folder = folder_by(root, reading, document)
                question = _("There is an export of {title} by {protocol} already. Replace it?")
                question = question.format(title=reading.title, protocol=document.name)
                if self._questions.may_replace(folder, question, reading.uid):
                    export_by(root, reading, document, results[document.id], overwrite=folder.is_dir())
                    self._questions.has_written(folder, reading.uid)
                    written.append(folder)
            if written:
                text = _("Exported by {count} other protocols, next to the reading's own folder, to {folder}.")
                self._done.tell(text.format(count=len(written), folder=written[0].parent), written[0].parent)


def _make_box(layout, protocol_id: str, document: ProtocolDocument, changed):
    box = qt.QCheckBox(document.name)
    box.objectName = f"huProtocolBox_{protocol_id}"
    titles = ", ".join(region.title for region in document.protocol.regions)
    box.toolTip = f"<p>{titles}</p><p>{document.citation}</p>"
    box.connect("toggled(bool)", lambda _checked: changed())
    layout.addWidget(box)
    return box
