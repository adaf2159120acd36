"""The panel's section for signing, exporting and verifying."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.mrml.export_reading import audit_folder_of, export_reading
from LumbarHULib.mrml.reading_lifecycle import reopen, sign_off
from LumbarHULib.panel.section import Section

_SHOWN_DIFFERENCES = 5


class KeepSection(Section):
    """Sign off, reopen, export and verify."""

    def __init__(self, ui, panel) -> None:
        super().__init__(ui, panel)
        self._told_for: tuple = ()
        self._on_click(ui.huSignButton, self._on_sign)
        self._on_click(ui.huReopenButton, self._on_reopen)
        self._on_click(ui.huExportButton, self._on_export)
        self._on_click(ui.huVerifyButton, self._on_verify)

    @property
    def export_root(self) -> str:
        """The folder that audit folders are written below; empty where none is chosen."""
        return self._ui.huExportPath.currentPath.strip()

    def tell(self, text: str) -> None:
        """Show what was done, until something else is measured or decided."""
        self._told_for = self._now_told_for()
        self._ui.huKeepLabel.text = text
        self._ui.huKeepLabel.visible = bool(text)

    def export(self) -> bool:
        """Write the reading's audit folder, and tell where; False when the user keeps the one that is there.

        Raises
        ------
        InputError
            When it cannot be written.
        """
        self._panel.placing.cancel()
        self._session.measure()
        root, reading = self.export_root, self._session.reading
        if not root:
            self._panel.messages.tell(_("Choose the folder to export to."))
            return False
        folder = audit_folder_of(Path(root), reading)
        question = _("There is an export of {title} of “{case}” already. Replace it?")
        question = question.format(title=reading.title, case=reading.case)
        if not self._panel.questions.may_replace(folder, question, reading.uid):
            return False
        export_reading(Path(root), reading, self._session.result, overwrite=folder.is_dir())
        self._panel.questions.has_written(folder, reading.uid)
        self._ui.huExportPath.addCurrentPathToHistory()
        self._ui.huVerifyPath.currentPath = str(folder)
        self._panel.hand_on.refresh("all")
        refused = [refusal.sentence for refusal in self._session.result.refused]
        self.tell(" ".join([_("Exported to {folder}.").format(folder=folder), *refused]))
        return True

    def _show(self) -> None:
        ui, session = self._ui, self._session
        is_signed = session.is_open and session.reading.is_signed_off
        is_measured = session.is_open and session.result is not None and bool(session.result.levels)
        ui.huSignButton.visible = not is_signed
        ui.huSignButton.enabled = session.may_change and is_measured
        ui.huReopenFrame.visible = ui.huReopenButton.enabled = is_signed
        ui.huExportButton.enabled = is_measured
        ui.huVerifyButton.enabled = self._panel.parameters is not None and self._panel.parameters.ctVolume is not None
        if self._now_told_for() != self._told_for:
            self.tell(self._state())

    def _now_told_for(self) -> tuple:
        """Return a value that changes when what was told is no longer news: nodes that come or go leave it."""
        return (self._session.result, self._state())

    def _state(self) -> str:
        if not self._session.is_open:
            return ""
        reading = self._session.reading
        blinding = _("Not blinded: another reading of this CT, or a proposed midline, was to be seen.")
        told = [] if reading.is_blinded else [blinding]
        if reading.history:
            last = reading.history[-1]
            text = (
                _("Signed off by {who}, {when}.") if last["what"] == "signed off" else _("Reopened by {who}, {when}.")
            )
            told.append(text.format(who=last["who"], when=last["when"]))
        return " ".join(told)

    def _who(self) -> str:
        return self._panel.parameters.readerName.strip()

    def _on_sign(self) -> None:
        with self._panel.messages.problems_told():
            self._panel.placing.cancel()
            self._session.measure()
            sign_off(self._session.reading, self._who(), _now())
            self._session.measure()

    def _on_reopen(self) -> None:
        with self._panel.messages.problems_told():
            reopen(self._session.reading, self._who(), _now(), self._ui.huReopenReasonEdit.text)
            self._ui.huReopenReasonEdit.clear()
            self._session.measure()

    def _on_export(self) -> None:
        with self._panel.messages.problems_told(), slicer.util.WaitCursor():
            self.export()

    def _on_verify(self) -> None:
        with self._panel.messages.problems_told(), slicer.util.WaitCursor():
            folder = self._ui.huVerifyPath.currentPath.strip()
            if not folder:
                self._panel.messages.tell(_("Choose the audit folder to verify."))
                return
            differences = verify_audit_folder(Path(folder), ct_from_node(self._panel.parameters.ctVolume))
            self.tell(_verdict(differences))


def _verdict(differences) -> str:
    if not differences:
        return _("Verified: every hash, count and number is the same.")
    shown = " ".join(differences[:_SHOWN_DIFFERENCES])
    return _("{count} differences: {shown}").format(count=len(differences), shown=shown)


def _now() -> str:
    return qt.QDateTime.currentDateTime().toString("yyyy-MM-dd HH:mm:ss")
