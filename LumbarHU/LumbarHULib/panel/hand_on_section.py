"""What shares a reading: its report in the browser, its regions and numbers as DICOM objects."""

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from LumbarHULib.audit.dicom_export import export_dicom, require_highdicom
from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.export_reading import audit_folder_of
from LumbarHULib.panel.scan_header import dicom_files_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Exports, Services

_REPORT = "report.html"


class HandOnSection(Section):
    """Opens the report of an export, and writes DICOM objects of it.

    Parameters
    ----------
    ui : object
    services : Services
    exports : Exports
    """

    def __init__(self, ui, services: Services, exports: Exports) -> None:
        super().__init__(ui, services)
        self._exports = exports
        self._on_click(ui.huReportButton, self.on_report)
        self._on_click(ui.huDicomButton, self._on_dicom)

    def _show(self) -> None:
        report = self._report()
        is_written = report is not None and report.is_file()
        self._enable(self._ui.huReportButton, "" if is_written else _("Export the reading first."))
        self._enable(self._ui.huDicomButton, self._why_unmeasured())

    def _folder(self) -> Path:
        """Return where the reading's audit folder is, or would be."""
        return audit_folder_of(Path(self._exports.export_root), self._session.reading)

    def _report(self) -> Path | None:
        if not self._session.is_open or not self._exports.export_root:
            return None
        try:
            return self._folder() / _REPORT
        except InputError:
            return None  # the case has no name yet

    def on_report(self) -> None:
        """Open the report of the last export."""
        report = self._report()
        if report is not None:
            self._done.open_page(report)

    def _on_dicom(self) -> None:
        """Export first, so that the archive gets what the panel shows."""
        with self._messages.show_input_errors():
            require_highdicom()
            series = self._series()
            if not series:
                return
            with slicer.util.WaitCursor():
                if not self._exports.export():
                    return
                folder, reading = self._folder(), self._session.reading
                destination = folder.with_name(f"{folder.name} DICOM")
                question = _("There are DICOM objects of {title} of “{case}” already. Replace them?")
                question = question.format(title=reading.title, case=reading.case)
                if not self._questions.may_replace(destination, question, reading.uid):
                    return
                export_dicom(folder, Path(series), destination, overwrite=destination.is_dir())
                self._questions.has_written(destination, reading.uid)
                self._done.tell(_("Exported to {folder}.").format(folder=destination), destination)

    def _series(self) -> str:
        """Return a file of the CT's series, or the folder that the user chooses; empty when there is none."""
        files = dicom_files_of(self._session.reading.ct_node)
        return str(files[0]) if files else self._questions.chosen_folder(_("Folder of the CT's DICOM series"))
