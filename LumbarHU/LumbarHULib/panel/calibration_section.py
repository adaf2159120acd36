"""The densities of the reading in mg/cm³, by a calibration that its user chose."""

import html
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.calibration import Density
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.scan_facts import printable
from LumbarHULib.files.calibration_file import CalibrationDocument, load_calibration
from LumbarHULib.mrml.reading_calibration import calibration_of, set_calibration
from LumbarHULib.panel.scan_header import scan_facts_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.tables import copy_on_request, fit_height, set_cell, table_text
from LumbarHULib.panel.words import roi_title

_ROW_HEIGHT_PX = 36
_PREFIX = "calibration_"


class CalibrationSection(Section):
    """Which calibration the reading has, and its densities by level and region.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        table = ui.huDensityTable
        table.setColumnCount(len(ROIS))
        table.setHorizontalHeaderLabels([roi_title(roi) for roi in ROIS])
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.Fixed)
        table.verticalHeader().defaultSectionSize = _ROW_HEIGHT_PX
        copy_on_request(table, lambda: table_text(table))
        self._on_click(ui.huCalibrationFileButton, self._on_file)
        self._on_click(ui.huCalibrationRemoveButton, self._on_remove)

    def use(self, calibration: CalibrationDocument) -> None:
        """Calibrate the current reading; raises InputError when its CT does not agree with the calibration."""
        reading = self._session.reading
        self._placing.cancel()
        set_calibration(reading, calibration, scan_facts_of(reading.ct_node)[0])
        self._session.measure()

    def refresh(self, what: str) -> None:
        """Show the densities as they are."""
        if what != "level":
            self._fill(self._calibration())
        super().refresh(what)

    def _show(self) -> None:
        ui, session, calibration = self._ui, self._session, self._calibration()
        is_signed_off = session.is_open and session.reading.is_signed_off
        signed_off = _("The reading is signed off: reopen it to change its calibration.") if is_signed_off else ""
        problem = signed_off or ("" if session.may_change else _("Densities need a reading and its CT."))
        self._enable(ui.huCalibrationFileButton, problem)
        missing = "" if calibration is not None else _("The reading has no calibration.")
        self._enable(ui.huCalibrationRemoveButton, problem or missing)
        ui.huCalibrationLabel.text = self._text(calibration)
        fit_height(ui.huDensityTable)

    def _calibration(self) -> CalibrationDocument | None:
        return calibration_of(self._session.reading) if self._session.is_open else None

    def _text(self, calibration: CalibrationDocument | None) -> str:
        """Return what is calibrated by, and each thing that is doubtful, as HTML."""
        if not self._session.is_open:
            return _("Densities need a reading.")
        if calibration is None:
            return _("No calibration: the reading is in HU alone.")
        sentences = [line_text(calibration), *scan_text(calibration)]
        result = self._session.result
        findings = () if result is None else [one for one in result.findings if one.code.startswith(_PREFIX)]
        sentences += [f"⚠ {one.sentence}" for one in findings]
        return "".join(f'<p style="margin: 2px">{html.escape(text)}</p>' for text in sentences)

    def _fill(self, calibration: CalibrationDocument | None) -> None:
        table, result = self._ui.huDensityTable, self._session.result
        has_numbers = calibration is not None and result is not None and bool(result.levels)
        table.visible = has_numbers
        if not has_numbers:
            return
        names = [level.level for level in result.levels]
        if table.rowCount != len(names) + 1:
            table.setRowCount(len(names) + 1)
            fit_height(table)
        table.setVerticalHeaderLabels([*names, _("mean")])
        for column, roi in enumerate(ROIS):
            for row, level in enumerate(result.levels):
                set_cell(table, row, column, cell_text(level.rois[roi].density))
            set_cell(table, len(names), column, cell_text(result.summaries[column].density))

    def _on_file(self) -> None:
        with self._messages.show_input_errors():
            title, kinds = _("Calibration file"), _("Calibrations (*.json);;All files (*)")
            chosen = self._questions.chosen_file(title, kinds)
            if chosen:
                self.use(load_calibration(Path(chosen)))
                self._done.tell(_("The reading has densities by {file}.").format(file=chosen), Path(chosen))

    def _on_remove(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            set_calibration(self._session.reading, None)
            self._session.measure()


def cell_text(density: Density | None) -> str:
    """Return a density over its 95 % interval, in two short lines."""
    if density is None:
        return "–"
    mean = f"{density.mean_mg_cc:.1f}"
    if density.low_mg_cc is None or density.high_mg_cc is None:
        return mean
    return f"{mean}\n{density.low_mg_cc:.0f} – {density.high_mg_cc:.0f}".replace("-", "−")


def line_text(document: CalibrationDocument) -> str:
    """Return the phantom and the line of a calibration in one sentence."""
    calibration = document.calibration
    phantom, line = calibration.phantom, calibration.line
    serial = f", {phantom.serial_number}" if phantom.serial_number else ""
    sign = "−" if line.intercept_hu < 0 else "+"
    return _("{phantom}{serial}: HU = {slope} × density {sign} {intercept}, in {unit}.").format(
        phantom=phantom.name,
        serial=serial,
        slope=f"{line.slope:.4f}",
        sign=sign,
        intercept=f"{abs(line.intercept_hu):.2f}",
        unit=document.unit,
    )


def scan_text(document: CalibrationDocument) -> list[str]:
    """Return what is known of the phantom's scan as one sentence; empty if nothing is."""
    scan = document.calibration.scan
    facts = [
        "" if scan.tube_voltage_kv is None else f"{scan.tube_voltage_kv:g} kV",
        " ".join(filter(None, (scan.manufacturer, scan.scanner_model))),
        scan.kernel or "",
        {None: "", True: _("with contrast medium"), False: _("without contrast medium")}[scan.contrast],
        scan.date or "",
    ]
    known = [printable(fact) for fact in facts if fact]
    return [_("The phantom's scan: {facts}.").format(facts=", ".join(known))] if known else []
