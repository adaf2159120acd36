"""Which CT is read, by whom, and its readings."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.ct_case import case_of, name_case
from LumbarHULib.mrml.ct_node import CtCache, measurable_cts, why_no_ct
from LumbarHULib.mrml.export_reading import require_case_of_ct
from LumbarHULib.mrml.node_types import VolumeNode
from LumbarHULib.mrml.reading import create_reading
from LumbarHULib.mrml.reading_check import usable_readings_of
from LumbarHULib.mrml.reading_lifecycle import remove_reading
from LumbarHULib.panel.keys import collapse
from LumbarHULib.panel.scan_header import facts_line, scan_facts_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import OpensReadings, Services
from LumbarHULib.panel.views import show_ct


class SetupSection(Section):
    """CT, case, reader, and the readings of this CT.

    Parameters
    ----------
    ui : object
    services : Services
    desk : OpensReadings
    """

    def __init__(self, ui, services: Services, desk: OpensReadings) -> None:
        super().__init__(ui, services)
        self._desk = desk
        self._was_open: bool | None = None
        self._shown_ct: VolumeNode | None = None
        self._ct_cache = CtCache()
        self._checked_case: tuple[str, ...] = ()
        self._on_click(ui.huNewReadingButton, self._on_new_button)
        self._on_click(ui.huRemoveReadingButton, self._on_remove_reading)
        ui.huReadingCombo.connect("activated(int)", lambda _index=0: self._on_reading_chosen())
        ui.huCaseEdit.connect("editingFinished()", self._on_case)

    def take_only_ct(self) -> None:
        """Choose the CT when the scene holds exactly one; raises InputError when it holds a volume that is none."""
        if self._choices.parameters.ctVolume is None:
            found = measurable_cts(slicer.mrmlScene)
            if len(found) == 1:
                self._choices.parameters.ctVolume = found[0]
            elif not found:
                problem = why_no_ct(slicer.mrmlScene)
                if problem:
                    raise InputError(problem)

    def read(self, ct_node) -> None:
        """Choose a CT, and continue its reading, or start one where it has none."""
        if ct_node is not None:
            self._choices.parameters.ctVolume = ct_node
            self._desk.follow_parameters()
            if not self._session.is_open and not usable_readings_of(ct_node):
                self._on_new_button()

    def follow_ct(self) -> None:
        """Show the chosen CT, and continue its reading: the last current one, or the only one."""
        ct_node = self._choices.parameters.ctVolume
        is_new = ct_node is not self._shown_ct
        if is_new:
            self._shown_ct = ct_node
            if self._session.is_open and self._session.reading.ct_node is not ct_node:
                self._desk.close_reading()
            # The case belongs to the CT: none is carried over to another one.
            self._choices.parameters.caseName = "" if ct_node is None else case_of(ct_node)
            if ct_node is not None:
                show_ct(ct_node)
        if ct_node is not None and not self._session.is_open:
            kept, of_ct = self._desk.kept_reading(), usable_readings_of(ct_node)
            if kept in of_ct:
                self._desk.open_reading(kept)
            elif is_new and len(of_ct) == 1:
                self._desk.open_reading(of_ct[0])

    def forget_ct(self) -> None:
        """Let go of the CT: its scene is being closed."""
        self._shown_ct, self._ct_cache, self._checked_case = None, CtCache(), ()

    def _show(self) -> None:
        ct_node, is_open = self._choices.ct_node, self._session.is_open
        if is_open != self._was_open:
            # What was chosen is in the head: the fields make room, and are one click away. A case is still to be given.
            self._was_open = is_open
            collapse(self._ui.huSetupSection, is_open and bool(self._session.reading.case))
        self._enable(self._ui.huNewReadingButton, "" if ct_node is not None else _("Load or choose a CT first."))
        is_removable = is_open and not self._session.reading.is_signed_off
        signed_off = _("The reading is signed off: reopen it first.")
        not_open = _("No reading is open.")
        self._enable(self._ui.huRemoveReadingButton, "" if is_removable else signed_off if is_open else not_open)
        locked = _("The case is part of what was signed: press “Reopen…” at the top to change it.")
        is_locked = is_open and self._session.reading.is_signed_off
        focus = qt.QApplication.focusWidget()
        if is_locked and focus is not None and focus.objectName == self._ui.huCaseEdit.objectName:
            focus.clearFocus()  # Qt would give the keys to the next field
        self._enable(self._ui.huCaseEdit, locked if is_locked else "")
        self._ui.huFactsLabel.text = "" if ct_node is None else self._facts(ct_node)
        self._ui.huFactsLabel.visible = ct_node is not None
        self._fill_readings(ct_node)

    def _facts(self, ct_node) -> str:
        protocol = self._session.reading.protocol if self._session.is_open else load_protocol().protocol
        try:
            stack = self._session.measurer.stack if self._session.is_open else self._ct_cache.stack(ct_node, protocol)
            facts, findings = scan_facts_of(ct_node)
        except InputError as problem:
            return str(problem)
        cutoffs = self._session.reading.cutoffs if self._session.is_open else load_cutoffs().cutoffs
        return facts_line(facts, findings, cutoffs, stack.slice_spacing_mm)

    def _fill_readings(self, ct_node) -> None:
        combo = self._ui.huReadingCombo
        found = () if ct_node is None else usable_readings_of(ct_node)
        combo.blockSignals(True)
        combo.clear()
        if not self._session.is_open:
            combo.addItem(_("choose, or start one") if found else _("no reading yet"), "")
        for reading in found:
            # Before the title: the end of it may be cut off in a narrow panel.
            mark = "✓ " if reading.is_signed_off else ""
            combo.addItem(mark + reading.title, reading.node.GetID())
        if self._session.is_open:
            combo.setCurrentIndex(combo.findData(self._session.reading.node.GetID()))
        combo.enabled = bool(found)
        combo.blockSignals(False)

    def start_reading(self) -> None:
        """Start a reading of the chosen CT, and work on it; raises InputError when the reader has no name."""
        parameters = self._choices.parameters
        facts, findings = scan_facts_of(parameters.ctVolume)
        name_case(parameters.ctVolume, parameters.caseName)
        reading = create_reading(
            parameters.ctVolume,
            parameters.readerName,
            load_protocol().document,
            load_cutoffs().document,
            case=case_of(parameters.ctVolume),
            scan_facts=facts,
            scan_findings=findings,
        )
        self._desk.open_reading(reading)

    def on_new_reading(self) -> None:
        """Start a reading, or say what it lacks, with the field to fill in at hand."""
        with self._messages.show_input_errors():
            self.start_reading()
        if self._messages.text and not self._choices.reader:
            self._ui.huSetupSection.collapsed = False
            self._ui.huReaderEdit.setFocus()
            self._ui.huScrollArea.ensureWidgetVisible(self._ui.huReaderEdit)

    def _on_new_button(self) -> None:
        """Start a reading by a click of the mouse: what is typed next names its case, where it has none."""
        self.on_new_reading()
        if self._session.is_open and not self._session.reading.case and not self._placing.armed_level:
            self._ui.huSetupSection.collapsed = False
            self._ui.huCaseEdit.setFocus()

    def _on_remove_reading(self) -> None:
        reading = self._session.reading
        question = _("Remove {title} with its markups, regions and tables? This cannot be undone.")
        if self._questions.confirmed(question.format(title=reading.title)):
            with self._messages.show_input_errors():
                self._placing.cancel()
                self._desk.close_reading()
                remove_reading(reading)

    def _on_reading_chosen(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            node_id = self._ui.huReadingCombo.currentData
            for reading in usable_readings_of(self._choices.parameters.ctVolume):
                if reading.node.GetID() == node_id and reading != self._session.reading:
                    self._desk.open_reading(reading)

    def _on_case(self) -> None:
        parameters, session = self._choices.parameters, self._session
        if parameters is None or parameters.ctVolume is None:
            return
        if session.is_open and session.reading.is_signed_off:
            parameters.caseName = session.reading.case  # it is part of what was signed
        else:
            name_case(parameters.ctVolume, parameters.caseName, session.reading if session.is_open else None)
            self._check_case(parameters.ctVolume, parameters.caseName)

    def _check_case(self, ct_node: VolumeNode, case: str) -> None:
        """Refuse another CT's case now rather than at the export, when it is locked; once, as the CT is hashed."""
        root = self._ui.huExportPath.currentPath.strip()
        to_check = (ct_node.GetID(), case, root)
        if to_check == self._checked_case:
            return
        self._checked_case = to_check
        with self._messages.show_input_errors(), self._messages.show_work(_("Checking the case …")):
            if root and case.strip():
                require_case_of_ct(Path(root), case, ct_node)
